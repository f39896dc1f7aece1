package safetext

import (
	"sync/atomic"
	"unicode"
)

// class is what happens to a non-ASCII character.
type class uint8

const (
	keep    class = iota
	drop          // invisible, joining or reordering
	mark          // sits on the character before it
	bad           // becomes U+FFFD
	space         // becomes a space
	newline       // becomes a line feed
)

type page [256]class

// pages caches the classes of the first two planes. A page is filled when a
// character of it is first seen, so that start-up costs nothing.
var pages [0x200]atomic.Pointer[page]

func classOf(r rune) class {
	if r >= 0x20000 {
		return classify(r)
	}
	p := pages[r>>8].Load()
	if p == nil {
		p = new(page)
		for i := range p {
			p[i] = classify(r&^0xff | rune(i))
		}
		pages[r>>8].Store(p)
	}
	return p[r&0xff]
}

// dropped lists what unicode.Cf does not: fillers, selectors, tags, skin tones,
// the keycap, and blocks whose characters are invisible by default.
var dropped = [][2]rune{
	{0x034f, 0x034f}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f},
	{0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x206f}, {0x20e3, 0x20e3},
	{0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0},
	{0xfff0, 0xfffb}, {0x1f3fb, 0x1f3ff}, {0xe0000, 0xe0fff},
}

func classify(r rune) class {
	switch {
	case r == 0x85, r == 0x2028, r == 0x2029:
		return newline
	case r < 0xa0:
		return bad
	case r == 0x2800: // blank braille: a space that no editor shows as one
		return space
	}
	for _, d := range dropped {
		if r >= d[0] && r <= d[1] {
			return drop
		}
	}
	switch {
	case unicode.Is(unicode.Cf, r):
		return drop
	case unicode.Is(unicode.Zs, r):
		return space
	case unicode.Is(unicode.M, r):
		return mark
	case r >= 0x1161 && r <= 0x11ff, r >= 0xd7b0 && r <= 0xd7ff:
		return mark // medial and final jamo take no cell of their own
	case !unicode.IsPrint(r):
		return bad
	}
	return keep
}
