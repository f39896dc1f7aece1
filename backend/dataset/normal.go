package dataset

import (
	"encoding/binary"
	"hash/maphash"
	"slices"
	"unicode"
	"unicode/utf8"
)

// hashSeed is of this process; hashes made with it are never written down.
var hashSeed = maphash.MakeSeed()

func hashOf(s string) uint64 { return maphash.String(hashSeed, s) }

// pairHash is a hash of two texts and which is which.
func pairHash(a, b string) uint64 {
	return hashOf(a)*0x9e3779b97f4a7c15 ^ (hashOf(b) + 0x632be59bd9b4e019)
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// normal is a question in small letters with single spaces: the form in which
// two questions are the same. buf is used again when it is large enough.
func normal(question string, buf []byte) []byte {
	// A byte that is no UTF-8 becomes three, and nothing grows by more.
	buf = slices.Grow(buf[:0], 3*len(question)+8)
	b := buf[:cap(buf)]
	n, space := 0, uint64(0x80) // 0x80 when the last one written is a space, or would be the first
	q := asBytes(question)
	for i := 0; i < len(q); {
		for i+8 <= len(q) { // eight of ASCII among which no two blanks meet
			v := binary.LittleEndian.Uint64(q[i:])
			spaces := ^((v ^ ones*' ') + ones*0x7f) & highs
			if (v|^(v+ones*0x60))&highs != 0 || spaces&(spaces<<8|space) != 0 {
				break
			}
			capital := (v + ones*(0x80-'A')) &^ (v + ones*(0x80-'Z'-1)) & highs
			binary.LittleEndian.PutUint64(b[n:], v|capital>>2)
			space = spaces >> 56
			i, n = i+8, n+8
		}
		if i == len(q) {
			break
		}
		r, size := rune(q[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(q[i:])
		}
		i += size
		switch {
		case r == ' ' || r >= '\t' && r <= '\r' || r >= utf8.RuneSelf && unicode.IsSpace(r):
			b[n] = ' '
			n += int(space>>7 ^ 1)
			space = 0x80
			continue
		case r >= utf8.RuneSelf:
			n += utf8.EncodeRune(b[n:], unicode.ToLower(r))
		case r >= 'A' && r <= 'Z':
			b[n] = byte(r) | 0x20
			n++
		default:
			b[n] = byte(r)
			n++
		}
		space = 0
	}
	if n > 0 && space != 0 {
		n--
	}
	return b[:n]
}
