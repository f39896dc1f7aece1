package meteor

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tunebench/metrics/pytext"
)

// wordRune is Python's \w: letters, numbers of all kinds and the underscore.
func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r)
}

// appendTokens appends the tokens of a line as Punkt sees them: dashes and
// ellipses, words with the full stops in and after them, and single characters.
func appendTokens(dst []token, line string) []token {
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRuneInString(line[i:])
		if pytext.Space(r) {
			i += n
			continue
		}
		end := i + marks(line[i:])
		if end == i {
			end = i + n
			if !strings.ContainsRune("(\"`{[:;&#*@)}]-,", r) {
				for end < len(line) && !wordEnds(line[end:]) {
					_, n := utf8.DecodeRuneInString(line[end:])
					end += n
				}
			}
		}
		dst = append(dst, newToken(line[i:end]))
		i = end
	}
	return dst
}

// marks returns the length of a dash of two hyphens or more, or of an ellipsis,
// at the beginning of s: dots in a row, or three or more with one white-space
// character between.
func marks(s string) int {
	for _, c := range []string{"-", "."} {
		n := 0
		for strings.HasPrefix(s[n:], c) {
			n++
		}
		if n >= 2 {
			return n
		}
	}
	dots, n, at := 0, 0, 0
	for at < len(s) && s[at] == '.' {
		at++
		if dots++; dots >= 3 {
			n = at
		}
		r, size := utf8.DecodeRuneInString(s[at:])
		if size == 0 || !pytext.Space(r) {
			break
		}
		at += size
	}
	return n
}

// wordEnds reports whether a word ends before s.
func wordEnds(s string) bool {
	if s[0] == ',' {
		return len(s) == 1 || closes(s[1:])
	}
	return closes(s)
}

func closes(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return pytext.Space(r) || endsWord(s[0]) || marks(s) > 0
}
