package profile

import (
	"math/bits"
	"slices"
)

// bins is the number of values in a signature.
const bins = 128

// Signature is the one-permutation MinHash of a text's five-word shingles, eight
// bits a value: two texts agree in about as many values as they share shingles.
type Signature [bins]uint8

// mix spreads the bits of z.
func mix(z uint64) uint64 {
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

const shingle = 5

// Signer computes signatures, reusing its memory.
type Signer struct {
	words []uint64
}

// Sign returns the signature of texts that stand one after another. Case,
// punctuation and spacing make no difference. A text without words has none:
// ok is false.
func (s *Signer) Sign(texts ...string) (sig Signature, ok bool) {
	s.words = s.words[:0]
	for _, t := range texts {
		s.hash(t)
	}
	w := s.words
	if len(w) == 0 {
		return sig, false
	}
	var low [bins]uint32
	for i := range low {
		low[i] = ^uint32(0)
	}
	put := func(h uint64) {
		if b := h >> 57; uint32(h) < low[b] {
			low[b] = uint32(h)
		}
	}
	if len(w) < shingle {
		h := uint64(len(w))
		for _, x := range w {
			h = mix(h*31 + x)
		}
		put(h)
	}
	for i := 0; i+shingle <= len(w); i++ {
		put(mix(w[i] + 3*w[i+1] + 9*w[i+2] + 27*w[i+3] + 81*w[i+4]))
	}
	// An empty bin takes the value of the next full one, marked by the distance,
	// so that short texts can be compared.
	for i := range low {
		v := low[i]
		for d := 1; v == ^uint32(0) && d < bins; d++ {
			if n := low[(i+d)%bins]; n != ^uint32(0) {
				v = n + uint32(d)*0x9e3779b1
			}
		}
		sig[i] = uint8(mix(uint64(v)) >> 8)
	}
	return sig, true
}

// hash appends a hash of every word of t.
func (s *Signer) hash(t string) {
	const offset, prime = 14695981039346656037, 1099511628211
	h, in := uint64(offset), false
	for i := range len(t) {
		c := t[i]
		switch {
		case c >= 'A' && c <= 'Z':
			c |= 0x20
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 0x80:
		default:
			if in {
				s.words = append(s.words, h)
				h, in = offset, false
			}
			continue
		}
		h = (h ^ uint64(c)) * prime
		in = true
	}
	if in {
		s.words = append(s.words, h)
	}
}

// Alike estimates the share of shingles that two texts have in common, 0 to 1.
func Alike(a, b *Signature) float64 {
	same := 0
	for i := range a {
		if a[i] == b[i] {
			same++
		}
	}
	// One in 256 values is the same by chance.
	j := (float64(same)/bins - 1.0/256) / (1 - 1.0/256)
	return max(j, 0)
}

// Near finds texts that nearly repeat an earlier one. It keeps 128 bytes a text.
type Near struct {
	sigs []Signature
	rows []uint32
}

// Add takes the signature of a row; rows come in ascending order.
func (n *Near) Add(row uint32, sig Signature) {
	n.sigs = append(n.sigs, sig)
	n.rows = append(n.rows, row)
}

// Len is the number of signatures.
func (n *Near) Len() int { return len(n.sigs) }

const (
	bands = 32
	width = bins / bands
)

// Pair says that Row nearly repeats the earlier row Of.
type Pair struct {
	Row, Of uint32
	// Alike is the estimated share of what they have in common, 0 to 1.
	Alike float64
}

// Pairs returns, for every text that is at least as like an earlier one as
// threshold says, the pair of the two, by row. stop ends it early.
func (n *Near) Pairs(threshold float64, stop func() bool) []Pair {
	// Two texts that share 80 % of their shingles agree in all four values of at
	// least one of 32 bands with a probability of more than 99.9 %.
	type entry struct {
		key uint32
		at  uint32
	}
	of := make([]int32, len(n.sigs))
	for i := range of {
		of[i] = -1
	}
	entries := make([]entry, len(n.sigs))
	scratch := make([]entry, len(n.sigs))
	for band := range bands {
		if stop() {
			return nil
		}
		for i := range n.sigs {
			s := n.sigs[i][band*width : band*width+width]
			entries[i] = entry{uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24, uint32(i)}
		}
		for shift := 0; shift < 32; shift += 8 { // radix sort keeps the order of rows
			var count [257]int
			for _, e := range entries {
				count[e.key>>shift&255+1]++
			}
			for i := range 256 {
				count[i+1] += count[i]
			}
			for _, e := range entries {
				k := e.key >> shift & 255
				scratch[count[k]] = e
				count[k]++
			}
			entries, scratch = scratch, entries
		}
		for lo := 0; lo < len(entries); {
			hi := lo + 1
			for hi < len(entries) && entries[hi].key == entries[lo].key {
				hi++
			}
			// In a crowd each is compared with the first few, so that many copies of
			// one text take no quadratic time.
			for i := lo + 1; i < hi; i++ {
				a := entries[i].at
				if of[a] >= 0 {
					continue
				}
				for j := lo; j < min(i, lo+8); j++ {
					b := entries[j].at
					if Alike(&n.sigs[a], &n.sigs[b]) >= threshold {
						of[a] = int32(b)
						break
					}
				}
			}
			lo = hi
		}
	}
	var pairs []Pair
	for i, o := range of {
		if o >= 0 {
			pairs = append(pairs, Pair{Row: n.rows[i], Of: n.rows[o], Alike: Alike(&n.sigs[i], &n.sigs[o])})
		}
	}
	return pairs
}

// Set is a set of 64-bit hashes, 8 bytes and some room each.
type Set struct {
	slots []uint64
	n     int
	zero  bool
}

// Add puts h in and says whether it was new.
func (s *Set) Add(h uint64) bool {
	if h == 0 {
		was := s.zero
		s.zero = true
		return !was
	}
	if 4*(s.n+1) > 3*len(s.slots) {
		old := s.slots
		s.slots = make([]uint64, max(1024, 2*len(old)))
		for _, o := range old {
			if o != 0 {
				s.place(o)
			}
		}
	}
	if s.place(h) {
		s.n++
		return true
	}
	return false
}

// Has says whether h is in the set.
func (s *Set) Has(h uint64) bool {
	if h == 0 || len(s.slots) == 0 {
		return h == 0 && s.zero
	}
	for i := s.slot(h); ; i = (i + 1) & (len(s.slots) - 1) {
		if s.slots[i] == h || s.slots[i] == 0 {
			return s.slots[i] == h
		}
	}
}

// Len is the number of hashes.
func (s *Set) Len() int {
	if s.zero {
		return s.n + 1
	}
	return s.n
}

func (s *Set) slot(h uint64) int {
	return int(mix(h) >> (64 - bits.Len(uint(len(s.slots)-1))))
}

func (s *Set) place(h uint64) bool {
	for i := s.slot(h); ; i = (i + 1) & (len(s.slots) - 1) {
		switch s.slots[i] {
		case 0:
			s.slots[i] = h
			return true
		case h:
			return false
		}
	}
}

// Rows is a set of rows in ascending order.
type Rows []uint32

// Has says whether row is in the set.
func (r Rows) Has(row uint32) bool {
	_, ok := slices.BinarySearch(r, row)
	return ok
}
