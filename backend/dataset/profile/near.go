package profile

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unsafe"

	"tunebench/backend/dataset/bytemask"
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
	if len(w) < shingle {
		h := uint64(len(w))
		for _, x := range w {
			h = h*31 + x
		}
		put(&low, h)
	}
	if n := len(w) - shingle + 1; n > 0 {
		w1, w2, w3, w4 := w[1:][:n], w[2:][:n], w[3:][:n], w[4:][:n]
		for i, x := range w[:n] {
			put(&low, x+3*w1[i]+9*w2[i]+27*w3[i]+81*w4[i])
		}
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

// put takes a shingle in. Words are mixed well, so that one product is enough. It
// always stores, since whether it has to is as good as random.
func put(low *[bins]uint32, h uint64) {
	h *= 0x9e3779b97f4a7c15
	b := h >> 57
	low[b] = min(low[b], uint32(h>>25))
}

// hash appends a hash of every word of t.
func (s *Signer) hash(t string) {
	b := unsafe.Slice(unsafe.StringData(t), len(t))
	begun := -1 // where a word has begun in what was looked at before
	for at := 0; at < len(b); at += 64 {
		m := bytemask.Words(b[at:])
		n := min(64, len(b)-at)
		i := 0
		if begun >= 0 {
			if i = bits.TrailingZeros64(^m); i >= n {
				continue // it goes on behind these 64
			}
			s.words = append(s.words, wordHash(b[begun:at+i]))
			begun = -1
		}
		for m = m >> i << i; m != 0; {
			lo := bits.TrailingZeros64(m)
			hi := lo + bits.TrailingZeros64(^(m >> lo))
			if hi >= n {
				begun = at + lo
				break
			}
			if begin := at + lo; hi-lo <= 8 && begin+8 <= len(b) { // most words, with what stands behind them
				cut := 64 - 8*(hi-lo)
				s.words = append(s.words, stir(uint64(hi-lo)^small(binary.LittleEndian.Uint64(b[begin:])<<cut>>cut)))
			} else {
				s.words = append(s.words, wordHash(b[begin:at+hi]))
			}
			m = m >> hi << hi
		}
	}
	if begun >= 0 {
		s.words = append(s.words, wordHash(b[begun:]))
	}
}

// wordHash is a hash of a word, the same for ASCII letters of either case.
func wordHash(b []byte) uint64 {
	h := uint64(len(b))
	for len(b) > 8 {
		h = stir(h ^ small(binary.LittleEndian.Uint64(b)))
		b = b[8:]
	}
	var v uint64
	if len(b) == 8 || cap(b) >= 8 { // what lies behind the word is cut off
		v = binary.LittleEndian.Uint64(b[:8]) << (64 - 8*len(b)) >> (64 - 8*len(b))
	} else {
		for i, c := range b {
			v |= uint64(c) << (8 * i)
		}
	}
	return stir(h ^ small(v))
}

// stir spreads the bits of z upwards, and the upper ones down again.
func stir(z uint64) uint64 {
	z *= 0xbf58476d1ce4e5b9
	return z ^ z>>32
}

// small turns capital letters of ASCII among eight bytes of a word into small
// ones; digits stay as they are.
func small(v uint64) uint64 { return v | (^v&0x8080808080808080)>>2 }

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
	sigs [][]Signature // sigBlock in each but the last: growing copies none
	rows []uint32
}

const sigBlock = 4096

func (n *Near) sig(i uint32) *Signature { return &n.sigs[i/sigBlock][i%sigBlock] }

// Add takes the signature of a row; rows come in ascending order.
func (n *Near) Add(row uint32, sig Signature) {
	if len(n.rows)%sigBlock == 0 {
		n.sigs = append(n.sigs, make([]Signature, 0, sigBlock))
	}
	last := &n.sigs[len(n.sigs)-1]
	*last = append(*last, sig)
	n.rows = append(n.rows, row)
}

// Len is the number of signatures.
func (n *Near) Len() int { return len(n.rows) }

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
	of := make([]int32, n.Len())
	for i := range of {
		of[i] = -1
	}
	entries := make([]entry, n.Len())
	scratch := make([]entry, n.Len())
	for band := range bands {
		if stop() {
			return nil
		}
		for i := range n.rows {
			s := n.sig(uint32(i))[band*width : band*width+width]
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
					if Alike(n.sig(a), n.sig(b)) >= threshold {
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
			pairs = append(pairs, Pair{Row: n.rows[i], Of: n.rows[o], Alike: Alike(n.sig(uint32(i)), n.sig(uint32(o)))})
		}
	}
	return pairs
}

// Set is a set of 64-bit hashes, 8 bytes and some room each.
type Set struct {
	slots []uint64
	n     int
	zero  bool
	seen  uint64 // of no use but that it takes a look at slots
}

// Add puts h in and says whether it was new.
func (s *Set) Add(h uint64) bool {
	if h == 0 {
		was := s.zero
		s.zero = true
		return !was
	}
	if 4*(s.n+1) > 3*len(s.slots) {
		s.Grow(s.n + 1)
	}
	if s.place(h) {
		s.n++
		return true
	}
	return false
}

// Grow makes room for n hashes.
func (s *Set) Grow(n int) {
	old := s.slots
	size := max(1024, len(old))
	for 3*size < 4*n {
		size *= 2
	}
	if size == len(old) {
		return
	}
	s.slots = make([]uint64, size)
	for _, o := range old {
		if o != 0 {
			s.place(o)
		}
	}
}

// AddAll puts all of them in, in their order, and calls repeated with the place of
// each that was there before.
func (s *Set) AddAll(hashes []uint64, repeated func(i int)) {
	const few = 32 // looked up together, so that their memory comes together
	for from := 0; from < len(hashes); from += few {
		some := hashes[from:min(from+few, len(hashes))]
		if 4*(s.n+len(some)) <= 3*len(s.slots) {
			for _, h := range some {
				s.seen ^= s.slots[s.slot(h)]
			}
		}
		for i, h := range some {
			if !s.Add(h) {
				repeated(from + i)
			}
		}
	}
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
