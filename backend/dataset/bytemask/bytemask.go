// Package bytemask says which bytes of a text are of some kind, many at a time
// where the processor can, and copies those of JSON strings.
//
// It belongs here if it looks at single bytes, or at a backslash and the one
// behind it. What more of them mean together does not.
package bytemask

import (
	"encoding/binary"
	"math/bits"
)

// wide is how many bytes are looked at in one step by plainAVX2, 64 by wordsAVX2.
const wide = 32

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// Plain is the number of bytes before the first quote, backslash or control
// character: what stands in a string of JSON as it is.
func Plain(b []byte) int {
	i := 0
	if vectors && len(b) >= wide {
		n := len(b) &^ (wide - 1)
		if i = plainAVX2(&b[0], n); i < n {
			return i
		}
	}
	return i + plain(b[i:])
}

func plain(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		v := binary.LittleEndian.Uint64(b[i:])
		q, e := v^(ones*'"'), v^(ones*'\\')
		// The lowest bit that is set is right; borrows reach only those above it.
		if m := ((v-ones*0x20)&^v | (q-ones)&^q | (e-ones)&^e) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < 0x20 || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

// escaped is what a letter behind a backslash stands for, 0 when that takes more
// than the letter to say, or it stands for nothing.
var escaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f'}

// Unescape copies text of a JSON string to dst, which is at least as long as src,
// and stops before a quote, a control character, a backslash at the end and an
// escape that is longer than two bytes or wrong. It returns how many bytes it
// wrote and how many of src it read. What dst holds behind them is overwritten.
func Unescape(dst, src []byte) (written, read int) {
	return unescape(dst, src, vectors, compress)
}

func unescape(dst, src []byte, vectors, compress bool) (written, read int) {
	if compress && len(src) >= 64 {
		_ = dst[len(src)-1]
		written, read = unescapeAVX512(&dst[0], &src[0], len(src), &escaped)
	}
	if vectors && len(src)-read > wide {
		_ = dst[len(src)-1]
		w, r := unescapeAVX2(&dst[written], &src[read], len(src)-read, &escaped)
		written, read = written+w, read+r
	}
	for {
		n := plain(src[read:])
		copy(dst[written:], src[read:read+n])
		written, read = written+n, read+n
		if read+1 >= len(src) || src[read] != '\\' || escaped[src[read+1]] == 0 {
			return written, read
		}
		dst[written] = escaped[src[read+1]]
		written, read = written+1, read+2
	}
}

// Spelled is the number of bytes before the quote that ends a string of JSON. ok is
// false when a character is spelled \u0041 or \/, when what stands there is no
// JSON, and when there is no end. Two strings for which ok is true are the same
// text when they are the same bytes, and only then.
//
// What lies behind b in its memory may be read, as far as its capacity goes.
func Spelled(b []byte) (n int, ok bool) {
	if len(spellers) > 0 {
		return spelledBy(spellers[0], b)
	}
	return spelled(b)
}

func spelledBy(find func(b *byte, n int) (at int, ok bool), b []byte) (n int, ok bool) {
	if n := (len(b) + 63) &^ 63; n > 0 && n <= cap(b) {
		at, ok := find(&b[0], n)
		return at, ok && at < len(b)
	}
	return spelled(b)
}

func spelled(b []byte) (n int, ok bool) {
	for i := 0; ; i += 2 {
		i += plain(b[i:])
		if i < len(b) && b[i] == '"' {
			return i, true
		}
		if i+1 >= len(b) || b[i] != '\\' || b[i+1] == '/' || escaped[b[i+1]] == 0 {
			return i, false
		}
	}
}

// Words says which of the first 64 bytes of b, or of all if there are fewer, are
// ASCII letters or digits, or beyond ASCII: a bit each.
func Words(b []byte) uint64 {
	if vectors && len(b) >= 64 {
		return wordsAVX2(&b[0])
	}
	return words(b[:min(len(b), 64)])
}

func words(b []byte) (m uint64) {
	for i, c := range b {
		if letters[c] {
			m |= 1 << i
		}
	}
	return m
}

var letters = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x80 || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
	}
	return t
}()
