// Package quotes counts the line feeds of CSV and TSV that stand outside quoted
// fields, in any piece of a file and without knowing what stands before it: it
// counts for a piece that begins outside a quoted field and for one that begins
// inside.
//
// It belongs here if it is about quotes and line feeds. Records and files do not.
package quotes

import "math/bits"

// Count is what a piece of text holds. Of each pair, the first is what it holds
// when it begins outside a quoted field, the second when it begins inside one.
type Count struct {
	// Feeds are the line feeds that end a record.
	Feeds [2]int
	// Stray says that a quote stands where no field begins: to a reader of CSV it
	// is a letter like another, so that Feeds and Odd cannot be relied on.
	Stray [2]bool
	// Odd says that the piece ends inside when it begins outside, and the other way.
	Odd bool
}

// width is how many bytes are looked at in one step.
const width = 64

// accumulator is what the steps hand on; scanAVX2 knows its layout.
type accumulator struct {
	feeds  [2]int64
	stray  [2]uint64
	inside uint64 // all ones inside a quoted field, of a piece that began outside
	ok     uint64 // 1 when a quote may open a field now
}

// Of counts in b. prev is the byte before it, a line feed at the beginning of a
// file; comma is what separates fields.
func Of(b []byte, prev, comma byte) Count {
	return of(b, prev, comma, scan)
}

func of(b []byte, prev, comma byte, scan func(b *byte, n int, comma byte, a *accumulator)) Count {
	var a accumulator
	if prev == comma || prev == '\n' || prev == '"' {
		a.ok = 1
	}
	if n := len(b) &^ (width - 1); n > 0 && scan != nil {
		scan(&b[0], n, comma, &a)
		b = b[n:]
	}
	for len(b) > 0 {
		var q, n, c uint64
		k := min(len(b), width)
		for i, x := range b[:k] {
			switch x {
			case '"':
				q |= 1 << i
			case '\n':
				n |= 1 << i
			case comma:
				c |= 1 << i
			}
		}
		a.step(q, n, c)
		b = b[k:]
	}
	return Count{
		Feeds: [2]int{int(a.feeds[0]), int(a.feeds[1])},
		Stray: [2]bool{a.stray[0] != 0, a.stray[1] != 0},
		Odd:   a.inside != 0,
	}
}

// step takes in 64 bytes: where their quotes, line feeds and separators are.
func (a *accumulator) step(q, n, c uint64) {
	in := q // each bit the parity of the quotes up to and with it
	for k := 1; k < width; k *= 2 {
		in ^= in << k
	}
	in ^= a.inside
	ok := (q|n|c)<<1 | a.ok
	a.feeds[0] += int64(bits.OnesCount64(n &^ in))
	a.feeds[1] += int64(bits.OnesCount64(n & in))
	a.stray[0] |= q & in &^ ok // opens a field where none begins
	a.stray[1] |= q &^ in &^ ok
	a.inside = -(in >> (width - 1))
	a.ok = (q | n | c) >> (width - 1)
}
