// Package pytext holds the functions of Python on text and numbers that FMEval's
// scores and files rest on: white space, strip and split, lower and upper case,
// repr and str, and the text that json.dumps writes. Go's own differ from them in
// details that change scores and bytes. It knows nothing of metrics, and it
// reads and writes nothing.
package pytext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Nothing here normalises Unicode: "é" and "e" with an accent are different
// texts, as in Python.

// Space reports what Python's str.isspace does: unicode.IsSpace and the four
// information separators.
func Space(r rune) bool {
	if r < utf8.RuneSelf {
		return r == ' ' || r >= '\t' && r <= '\r' || r >= 0x1c && r <= 0x1f
	}
	return unicode.IsSpace(r)
}

// Strip is Python's str.strip().
func Strip(s string) string { return strings.TrimFunc(s, Space) }

// Punct marks the 32 characters of Python's string.punctuation.
var Punct = func() (t [utf8.RuneSelf]bool) {
	for _, c := range "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" {
		t[c] = true
	}
	return t
}()

// FieldAt steps through the pieces of Python's str.split(): it finds the next
// run without white space at or after byte i: where it begins and how long it
// is, 0 if there is none.
func FieldAt[T string | []byte](s T, i int) (start, n int) {
	start = -1
	for i < len(s) {
		r, w := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, w = utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		}
		if Space(r) {
			if start >= 0 {
				return start, i - start
			}
		} else if start < 0 {
			start = i
		}
		i += w
	}
	if start < 0 {
		return i, 0
	}
	return start, i - start
}

// AppendLowerRune appends the lower case of the rune r at s[i:], which is n
// bytes long, as Python's str.lower does it: İ becomes two characters, and Σ at
// the end of a word becomes ς. Bytes that are no UTF-8 become U+FFFD.
func AppendLowerRune(dst []byte, s string, i, n int, r rune) []byte {
	switch r {
	case 'İ':
		return append(dst, "i\u0307"...)
	case 'Σ':
		if finalSigma(s[:i], s[i+n:]) {
			return append(dst, "ς"...)
		}
		return append(dst, "σ"...)
	}
	return utf8.AppendRune(dst, unicode.ToLower(r))
}

// AppendLower appends Python's str.lower() of s to dst.
func AppendLower(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		b := s[i]
		if b < utf8.RuneSelf {
			if b >= 'A' && b <= 'Z' {
				b += 'a' - 'A'
			}
			dst = append(dst, b)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		dst = AppendLowerRune(dst, s, i, n, r)
		i += n
	}
	return dst
}

// Lower is Python's str.lower().
func Lower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			return string(AppendLower(make([]byte, 0, len(s)+2), s))
		}
	}
	return s
}

// Fields is Python's str.split() without an argument.
func Fields(s string) []string { return strings.FieldsFunc(s, Space) }

// finalSigma reports whether a Σ between the two texts ends a word: the nearest
// character before it that is not case-ignorable is cased, the nearest after it
// is not or is absent (Unicode, Final_Sigma).
func finalSigma(before, after string) bool {
	for {
		r, n := utf8.DecodeLastRuneInString(before)
		if n == 0 {
			return false
		}
		if !caseIgnorable(r) {
			if !cased(r) {
				return false
			}
			break
		}
		before = before[:len(before)-n]
	}
	for _, r := range after {
		if !caseIgnorable(r) {
			return !cased(r)
		}
	}
	return true
}

func cased(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

func caseIgnorable(r rune) bool {
	switch r {
	case 0x27, 0x2e, 0x3a, 0xb7, 0x387, 0x55f, 0x5f4, 0x2018, 0x2019, 0x2024, 0x2027, 0xfe13, 0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a: // ' . : and their relatives
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}
