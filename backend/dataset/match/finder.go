package match

import (
	"bytes"
	"math"
)

// rank says how common a byte is in text and JSON, roughly: 255 is the most
// common. Searching for the rarest byte of a literal stops least often.
var rank = func() (r [256]uint8) {
	for i := range r {
		r[i] = 20
	}
	common := " etaonisrhldcumfpgwybv,.k\"\\'x-jqz0123456789:ETAONISRHLDCUMFPGWYBVKXJQZ;()/?!_*{}[]"
	for i, c := range []byte(common) {
		r[c] = uint8(250 - 2*i)
	}
	r['n'] = 248 // of every escaped line feed
	return r
}()

// literal finds one literal, by its rarest byte.
type literal struct {
	text []byte
	at   int  // of the rarest byte
	fold bool // ASCII letters match either case; text is in lower case then
}

func newLiteral(text string, fold bool) literal {
	return newLiteralBy(text, fold, func(c byte) int { return int(rank[c]) }, 20)
}

// newLiteralBy looks for the byte that costs least: cost says how common a byte
// is, second what another pass over the text adds to that.
func newLiteralBy(text string, fold bool, cost func(c byte) int, second int) literal {
	l := literal{text: []byte(text), fold: fold}
	if fold {
		l.text = lower(l.text)
	}
	best := math.MaxInt
	for i, c := range l.text {
		n := cost(c)
		if fold && isLetter(c) {
			n += cost(c-32)/2 + second // two cursors
		}
		if n < best {
			best, l.at = n, i
		}
	}
	return l
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func lower(b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		out[i] = c
	}
	return out
}

// equalFold compares with a lower-case ASCII text.
func equalFold(b, low []byte) bool {
	for i, c := range b {
		if c != low[i] && !(c >= 'A' && c <= 'Z' && c|0x20 == low[i]) {
			return false
		}
	}
	return true
}

// next returns the first place at or after from, or -1.
func (l literal) next(b []byte, from int) int {
	c := l.text[l.at]
	if !l.fold || !isLetter(c) {
		for i := from + l.at; i < len(b); i++ {
			k := bytes.IndexByte(b[i:], c)
			if k < 0 {
				return -1
			}
			i += k
			if s := i - l.at; l.is(b, s) {
				return s
			}
		}
		return -1
	}
	// Both cases of the byte have a cursor of their own, so that neither is
	// searched for twice over the same text.
	i := from + l.at
	low, up := seek(b, i, c), seek(b, i, c-32)
	for {
		i = min(low, up)
		if i >= len(b) {
			return -1
		}
		if s := i - l.at; l.is(b, s) {
			return s
		}
		if i == low {
			low = seek(b, i+1, c)
		} else {
			up = seek(b, i+1, c-32)
		}
	}
}

// seek is the next place of c at or after from, len(b) when there is none.
func seek(b []byte, from int, c byte) int {
	if from >= len(b) {
		return len(b)
	}
	if k := bytes.IndexByte(b[from:], c); k >= 0 {
		return from + k
	}
	return len(b)
}

func (l literal) is(b []byte, s int) bool {
	if len(b)-s < len(l.text) {
		return false
	}
	if l.fold {
		return equalFold(b[s:s+len(l.text)], l.text)
	}
	return bytes.Equal(b[s:s+len(l.text)], l.text)
}

// Finder finds the first of several literals. It belongs to one goroutine.
type Finder struct {
	lits []literal
	next []int
	b    []byte
}

// NewFinder finds any of the literals; with fold, ASCII letters match either
// case.
func NewFinder(literals []string, fold bool) *Finder {
	f := &Finder{next: make([]int, len(literals))}
	for _, s := range literals {
		f.lits = append(f.lits, newLiteral(s, fold))
	}
	return f
}

// sampled is how much of a text is counted to learn which bytes are rare in it.
const sampled = 64 << 10

// NewFinderFor is NewFinder for texts like the given one: which bytes of the
// literals are rare is counted there, not guessed.
func NewFinderFor(literals []string, fold bool, like []byte) *Finder {
	var count [256]int
	like = like[:min(len(like), sampled)]
	for _, c := range like {
		count[c]++
	}
	f := &Finder{next: make([]int, len(literals))}
	for _, s := range literals {
		// What was not seen is as rare as the table says. Stopping at a byte costs
		// about as much as passing over 100 others.
		f.lits = append(f.lits, newLiteralBy(s, fold, func(c byte) int { return count[c]<<8 + int(rank[c]) }, len(like)/100<<8))
	}
	return f
}

// Reset begins with another text.
func (f *Finder) Reset(b []byte) {
	f.b = b
	for i := range f.next {
		f.next[i] = -1
	}
}

// Next returns where the first literal stands at or after from, or -1. from
// must not go back between two calls of Reset.
func (f *Finder) Next(from int) int {
	best := len(f.b)
	for i := range f.lits {
		if f.next[i] < from {
			if f.next[i] = f.lits[i].next(f.b, from); f.next[i] < 0 {
				f.next[i] = len(f.b)
			}
		}
		best = min(best, f.next[i])
	}
	if best >= len(f.b) {
		return -1
	}
	return best
}
