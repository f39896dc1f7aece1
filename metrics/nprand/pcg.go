// Package nprand holds those random generators of numpy, and those ways of
// drawing from them, on which FMEval's results depend, so that a seed gives the
// same draws here. It is no general source of random numbers: the statistics use
// math/rand/v2.
package nprand

import "math/bits"

// Generator is numpy's default_rng(seed): PCG64 seeded by a SeedSequence. It is
// not safe for use by several goroutines.
type Generator struct {
	hi, lo       uint64 // state
	incHi, incLo uint64
	half         uint32 // the upper half of the last draw, if hasHalf
	hasHalf      bool
}

// New seeds a generator.
func New(seed uint64) *Generator {
	w := seedWords(seed)
	g := &Generator{}
	// The increment is the last 128 bits, shifted left by one, made odd.
	g.incHi, g.incLo = w[2]<<1|w[3]>>63, w[3]<<1|1
	g.step()
	var carry uint64
	g.lo, carry = bits.Add64(g.lo, w[1], 0)
	g.hi, _ = bits.Add64(g.hi, w[0], carry)
	g.step()
	return g
}

// seedWords is SeedSequence(seed).generate_state(4, uint64).
func seedWords(seed uint64) (out [4]uint64) {
	const (
		initA, multA = 0x43b0d7e5, 0x931e8875
		initB, multB = 0x8b51f9dd, 0x58f38ded
		mixL, mixR   = 0xca01f9dd, 0x4973f715
	)
	hash := uint32(initA)
	hashmix := func(v uint32) uint32 {
		v ^= hash
		hash *= multA
		v *= hash
		return v ^ v>>16
	}
	pool := [4]uint32{uint32(seed), uint32(seed >> 32)}
	for i := range pool {
		pool[i] = hashmix(pool[i])
	}
	for src := range pool {
		for dst := range pool {
			if src != dst {
				v := mixL*pool[dst] - mixR*hashmix(pool[src])
				pool[dst] = v ^ v>>16
			}
		}
	}
	hash = initB
	for i := range 8 {
		v := pool[i%4] ^ hash
		hash *= multB
		v *= hash
		v ^= v >> 16
		out[i/2] |= uint64(v) << (32 * (i % 2))
	}
	return out
}

func (g *Generator) step() {
	const mulHi, mulLo = 0x2360ed051fc65da4, 0x4385df649fccf645
	hi, lo := bits.Mul64(g.lo, mulLo)
	hi += g.hi*mulLo + g.lo*mulHi
	var carry uint64
	g.lo, carry = bits.Add64(lo, g.incLo, 0)
	g.hi, _ = bits.Add64(hi, g.incHi, carry)
}

func (g *Generator) next64() uint64 {
	g.step()
	return bits.RotateLeft64(g.hi^g.lo, -int(g.hi>>58))
}

// next32 takes the lower half of a draw, then the upper.
func (g *Generator) next32() uint32 {
	if g.hasHalf {
		g.hasHalf = false
		return g.half
	}
	v := g.next64()
	g.half, g.hasHalf = uint32(v>>32), true
	return uint32(v)
}

// Float64 draws from [0, 1), as Generator.random() does.
func (g *Generator) Float64() float64 { return float64(g.next64()>>11) * 0x1p-53 }

// Intn draws from 0 to n−1 as Generator.integers(n) does (Lemire's method). One
// possibility costs no draw. n must be from 1 to 2³².
func (g *Generator) Intn(n int) int {
	if n <= 1 {
		return 0
	}
	if uint64(n) == 1<<32 {
		return int(g.next32())
	}
	m := uint64(g.next32()) * uint64(n)
	if uint32(m) < uint32(n) {
		least := -uint32(n) % uint32(n)
		for uint32(m) < least {
			m = uint64(g.next32()) * uint64(n)
		}
	}
	return int(m >> 32)
}

// Choose draws k different numbers from 0 to n−1 as Generator.choice(n, k,
// replace=False) does: Floyd's algorithm and a shuffle, or for a large share of
// more than 10,000 the tail of a shuffle of all.
func (g *Generator) Choose(n, k int) []int {
	if k <= 0 || n <= 0 {
		return nil
	}
	k = min(k, n)
	if n > 10000 && k > n/50 {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		g.shuffle(all, max(n-k, 1))
		return all[n-k:]
	}
	picks := make([]int, 0, k)
	seen := make(map[int]bool, k)
	for j := n - k; j < n; j++ {
		v := g.Intn(j + 1)
		if seen[v] {
			v = j
		}
		seen[v] = true
		picks = append(picks, v)
	}
	g.shuffle(picks, 1)
	return picks
}

// shuffle exchanges the items from the last down to first with one before them
// or themselves.
func (g *Generator) shuffle(list []int, first int) {
	for i := len(list) - 1; i >= first; i-- {
		j := g.Intn(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}
