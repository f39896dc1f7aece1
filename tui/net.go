package tui

import (
	"strings"
	"unicode/utf8"
)

// caught is what stands in the frame for what must not be in one.
const caught = "?"

// net lets through of a frame what we compose: printable characters, line feeds
// and colours. Text from outside is cleaned where it enters, and again where it is
// drawn; this is what holds if both have a hole. A frame that is clean, as they
// all are, is returned as it is.
func net(frame string) string {
	i := bad(frame)
	if i < 0 {
		return frame
	}
	var b strings.Builder
	for i >= 0 {
		b.WriteString(frame[:i])
		b.WriteString(caught)
		_, n := utf8.DecodeRuneInString(frame[i:])
		frame = frame[i+n:]
		i = bad(frame)
	}
	return b.String() + frame
}

// bad returns where the first byte stands that a terminal may not get; -1 for
// nowhere.
func bad(s string) int {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= ' ' && c < 0x7f || c == '\n':
			i++
		case c == 0x1b:
			n := color(s[i:])
			if n == 0 {
				return i
			}
			i += n
		case c < utf8.RuneSelf:
			return i
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n < 2 || r < 0xa0 || hidden(r) {
				return i
			}
			i += n
		}
	}
	return -1
}

// hidden reports whether a character changes what others look like, or is not
// seen: directions, tags, line separators, the byte order mark.
func hidden(r rune) bool {
	switch {
	case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x206f, r == 0xfeff, r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

// color is the length of the colour sequence that s begins with, 0 if it is
// another.
func color(s string) int {
	if len(s) < 3 || s[1] != '[' {
		return 0
	}
	for i := 2; i < len(s) && i < 64; i++ {
		switch c := s[i]; {
		case c == 'm':
			return i + 1
		case c != ';' && (c < '0' || c > '9'):
			return 0
		}
	}
	return 0
}
