package dataset

import (
	"hash/maphash"
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

// normal is a question in small letters with single spaces: the form in which
// two questions are the same. buf is used again when it is large enough.
func normal(question string, buf []byte) []byte {
	buf = buf[:0]
	gap := false
	for i := 0; i < len(question); {
		c := question[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == ' ' || c >= '\t' && c <= '\r':
				gap = len(buf) > 0
				continue
			case c >= 'A' && c <= 'Z':
				c |= 0x20
			}
			if gap {
				buf, gap = append(buf, ' '), false
			}
			buf = append(buf, c)
			continue
		}
		r, n := utf8.DecodeRuneInString(question[i:])
		i += n
		if unicode.IsSpace(r) {
			gap = len(buf) > 0
			continue
		}
		if gap {
			buf, gap = append(buf, ' '), false
		}
		buf = utf8.AppendRune(buf, unicode.ToLower(r))
	}
	return buf
}
