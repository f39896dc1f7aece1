package match

import (
	"bytes"
	"math/bits"
	"unsafe"
)

// vectorWidth is how many bytes a findFunc looks at in one step.
const vectorWidth = 64

type findFunc = func(b *byte, n int, table *byte) (at int, mask uint64, lines int)

// Scanner goes through text for literals, and for escaped spellings of their
// characters, and counts line feeds in the same pass. It does not change, so
// several goroutines may use one.
type Scanner struct {
	lits    []literal
	needles []needle
	find    findFunc // nil where the processor has no fitting instructions
	table   *byte
	reach   int // the longest distance in the table

	spelled [4]uint64 // characters whose escaped spelling is of interest
	fold    bool
}

// needle is what the vectors look for: two bytes, apart by a distance.
type needle struct {
	lit      int // -1 for escaped spellings
	at       int // of the first byte in the literal
	distance int
	a, b     byte
}

// NewScanner looks for any of the literals; with fold, ASCII letters match either
// case. With escapes it also stops where JSON text spells one of the literals'
// characters as \u00XX. like is some of the text, to learn which bytes are rare.
func NewScanner(literals []string, fold, escapes bool, like []byte) *Scanner {
	return newScanner(literals, fold, escapes, like, vectors)
}

func newScanner(literals []string, fold, escapes bool, like []byte, v [2]findFunc) *Scanner {
	s := &Scanner{find: v[0], fold: fold}
	if fold {
		s.find = v[1]
	}
	s.lits = NewFinderFor(literals, fold, like).lits
	like = like[:min(len(like), sampled)]
	for i, l := range s.lits {
		for _, c := range l.text {
			s.spelled[c>>6] |= 1 << (c & 63)
			if fold && isLetter(c) {
				c ^= 0x20
				s.spelled[c>>6] |= 1 << (c & 63)
			}
		}
		s.needles = append(s.needles, l.needle(i, like))
	}
	if escapes {
		s.needles = append(s.needles, needle{lit: -1, at: 1, distance: 1, a: 'u', b: '0'})
	}
	s.table = newTable(s.needles, fold)
	for _, n := range s.needles {
		s.reach = max(s.reach, n.distance)
	}
	return s
}

// needle takes the literal's rarest byte and the one that stands least often
// where it should from there, in text like the given one.
func (l literal) needle(i int, like []byte) needle {
	cost := make([]int, len(l.text))
	for k, c := range l.text {
		cost[k] = int(rank[c])
	}
	lo, hi := max(0, l.at-vectorWidth+1), min(len(l.text), l.at+vectorWidth)
	one := literal{text: l.text[l.at : l.at+1], fold: l.fold}
	seen := 0
	for at := one.next(like, 0); at >= 0 && seen < 1000; at = one.next(like, at+1) {
		seen++
		for k := lo; k < hi; k++ {
			if j := at + k - l.at; j >= 0 && j < len(like) && (like[j] == l.text[k] || l.fold && equalFold(like[j:j+1], l.text[k:k+1])) {
				cost[k] += 256
			}
		}
	}
	second := l.at
	for k := lo; k < hi; k++ {
		if k != l.at && (second == l.at || cost[k] < cost[second]) {
			second = k
		}
	}
	first := min(l.at, second)
	second = max(l.at, second)
	return needle{lit: i, at: first, distance: second - first, a: l.text[first], b: l.text[second]}
}

// newTable lays needles out as the vectors read them: see scan_amd64.s.
func newTable(needles []needle, fold bool) *byte {
	const entry = 3 * vectorWidth
	memory := make([]byte, 2*vectorWidth+len(needles)*entry+vectorWidth)
	skip := -int(uintptr(unsafe.Pointer(&memory[0]))) & (vectorWidth - 1)
	t := memory[skip:]
	or := byte(0)
	if fold { // what differs in this bit alone is sorted out afterwards
		or = 0x20
	}
	fill := func(b []byte, c byte) {
		for i := range vectorWidth {
			b[i] = c
		}
	}
	fill(t, or)
	*(*int64)(unsafe.Pointer(&t[vectorWidth])) = int64(len(needles))
	for i, n := range needles {
		e := t[2*vectorWidth+i*entry:]
		*(*int64)(unsafe.Pointer(&e[0])) = int64(n.distance)
		fill(e[vectorWidth:], n.a|or)
		fill(e[2*vectorWidth:], n.b|or)
	}
	return &t[0]
}

// Around is how many bytes before and behind a place Next must be shown to know
// about it.
func (s *Scanner) Around() int {
	n := 8 // of an escaped spelling
	for _, l := range s.lits {
		n = max(n, len(l.text))
	}
	return n
}

// Slack is how many bytes behind its text Next may read without making use of
// them: the text's capacity is to be larger than its length by so much, or the
// end is searched more slowly.
const Slack = 2 * vectorWidth

// Next returns the first place of b in [from, end) that belongs to a literal or
// to an escaped spelling, and how many line feeds stand in b between from and
// it; -1 and those up to end when there is no such place. A literal's place is
// one of its bytes, always the same one: it counts when the whole of the literal
// is in b, also when it begins before from or ends behind end.
func (s *Scanner) Next(b []byte, from, end int) (at, lines int) {
	if s.find == nil || len(s.lits) == 0 {
		return s.slow(b, from, end)
	}
	for from < end {
		n := (end - from) &^ (vectorWidth - 1)
		if n < end-from && from+n+vectorWidth+s.reach <= cap(b) {
			n += vectorWidth // the last ones are not all of the text
		}
		for n > 0 && from+n+s.reach > cap(b) {
			n -= vectorWidth
		}
		if n <= 0 {
			at, k := s.slow(b, from, end)
			return at, lines + k
		}
		k, mask, count := s.find(&b[from], n, s.table)
		lines += count
		if k == n {
			if n > end-from { // line feeds behind the end
				lines -= bytes.Count(b[end:from+n], []byte{'\n'})
			}
			from = min(from+n, end)
			continue
		}
		from += k
		for ; mask != 0; mask &= mask - 1 {
			at := from + bits.TrailingZeros64(mask)
			if at >= end {
				break
			}
			if s.is(b, at) {
				return at, lines + bytes.Count(b[from:at], []byte{'\n'})
			}
		}
		next := min(from+vectorWidth, end)
		lines += bytes.Count(b[from:next], []byte{'\n'})
		from = next
	}
	return -1, lines
}

// is says whether one of the needles stands at a place.
func (s *Scanner) is(b []byte, at int) bool {
	for _, n := range s.needles {
		switch {
		case n.lit >= 0:
			if k := at - n.at; k >= 0 && s.lits[n.lit].is(b, k) {
				return true
			}
		case s.escaped(b, at):
			return true
		}
	}
	return false
}

// escaped says whether the place is the u of an escaped spelling of a character
// of interest.
func (s *Scanner) escaped(b []byte, at int) bool {
	if at < 1 || at+5 > len(b) || b[at] != 'u' || b[at-1] != '\\' || b[at+1] != '0' || b[at+2] != '0' {
		return false
	}
	c := unhex(b[at+3])<<4 | unhex(b[at+4])
	return s.spelled[c>>6]>>(c&63)&1 != 0
}

func unhex(c byte) byte {
	if c >= 'A' {
		return c&0xf + 9
	}
	return c & 0xf
}

// slow is Next without vectors.
func (s *Scanner) slow(b []byte, from, end int) (at, lines int) {
	at = -1
	stop := end
	for _, n := range s.needles {
		k := -1
		if n.lit < 0 {
			for i := max(0, from-1); i < stop && k < 0; i++ {
				j := bytes.IndexByte(b[i:stop], '\\')
				if j < 0 {
					break
				}
				if i += j; s.escaped(b, i+1) {
					k = i + 1
				}
			}
		} else if i := s.lits[n.lit].next(b[:min(len(b), stop-n.at+len(s.lits[n.lit].text))], max(0, from-n.at)); i >= 0 {
			k = i + n.at
		}
		if k >= 0 && k < stop {
			at, stop = k, k
		}
	}
	return at, bytes.Count(b[from:stop], []byte{'\n'})
}
