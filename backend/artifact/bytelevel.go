package artifact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The byte-level alphabet writes each byte as one printable rune, so that
// vocabulary entries are readable strings and no byte is unknown.
var (
	byteToRune [256]rune
	runeToByte map[rune]byte
)

func init() {
	runeToByte = make(map[rune]byte, 256)
	next := rune(256)
	for b := range 256 {
		r := rune(b)
		printable := b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae
		if !printable {
			r = next
			next++
		}
		byteToRune[b] = r
		runeToByte[r] = byte(b)
	}
}

// tokenBytes turns the spelling of a vocabulary entry into the bytes it stands
// for. ok is false when the spelling leaves the alphabet.
func tokenBytes(spelling string) (b []byte, ok bool) {
	b = make([]byte, 0, len(spelling))
	for _, r := range spelling {
		c, known := runeToByte[r]
		if !known {
			return nil, false
		}
		b = append(b, c)
	}
	return b, true
}

const (
	classSpace = iota
	classLetter
	classNumber
	classOther
)

func runeClass(r rune) int {
	switch {
	case r < utf8.RuneSelf:
		switch {
		case r == ' ' || r >= '\t' && r <= '\r':
			return classSpace
		case r|0x20 >= 'a' && r|0x20 <= 'z':
			return classLetter
		case r >= '0' && r <= '9':
			return classNumber
		}
		return classOther
	case unicode.IsLetter(r):
		return classLetter
	case unicode.IsNumber(r):
		return classNumber
	case unicode.IsSpace(r):
		return classSpace
	}
	return classOther
}

var contractions = [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}

// nextWord returns the length of the first piece of s, which is not empty, by
// the GPT-2 rule:
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// Merges never cross the border between two pieces.
func nextWord(s string) int {
	if s[0] == '\'' {
		for _, c := range contractions {
			if strings.HasPrefix(s, c) {
				return len(c)
			}
		}
	}
	at := 0
	if s[0] == ' ' && len(s) > 1 {
		at = 1
	}
	r, n := utf8.DecodeRuneInString(s[at:])
	if class := runeClass(r); class != classSpace {
		at += n
		for at < len(s) {
			r, n := utf8.DecodeRuneInString(s[at:])
			if runeClass(r) != class {
				break
			}
			at += n
		}
		return at
	}
	end, last := 0, 0
	for end < len(s) {
		r, n := utf8.DecodeRuneInString(s[end:])
		if runeClass(r) != classSpace {
			break
		}
		last = end
		end += n
	}
	if end < len(s) && last > 0 {
		return last // the last space of a run belongs to the word after it
	}
	return end
}
