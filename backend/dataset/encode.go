package dataset

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"tunebench/backend/dataset/bytemask"
)

// appendRow appends an example as a line of JSON with OpenOrca's columns, the
// form that training code reads.
func appendRow(b []byte, e *Example) []byte {
	b = append(b, `{"id":`...)
	if e.ID == "" {
		b = append(b, `"row-`...)
		b = strconv.AppendInt(b, e.Index+1, 10)
		b = append(b, '"')
	} else {
		b = appendString(b, e.ID)
	}
	b = append(b, `,"system_prompt":`...)
	b = appendString(b, e.System)
	b = append(b, `,"question":`...)
	b = appendString(b, e.Question)
	b = append(b, `,"response":`...)
	b = appendString(b, e.Answer)
	if e.Category != "" {
		b = append(b, `,"category":`...)
		b = appendString(b, e.Category)
	}
	return append(b, '}', '\n')
}

const hexDigits = "0123456789abcdef"

// appendString appends s as JSON, as encoding/json writes it without HTML
// escapes.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	valid := utf8.ValidString(s)
	odd := special(s, valid)
	for len(s) > 0 {
		n := min(odd, bytemask.Plain(asBytes(s)))
		b = append(b, s[:n]...)
		if s, odd = s[n:], odd-n; s == "" {
			break
		}
		if c := s[0]; c < utf8.RuneSelf {
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			case '\b':
				b = append(b, '\\', 'b')
			case '\f':
				b = append(b, '\\', 'f')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			s, odd = s[1:], odd-1
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, `\ufffd`...)
		case r == '\u2028' || r == '\u2029':
			b = append(b, `\u202`...)
			b = append(b, hexDigits[r&15])
		default:
			b = append(b, s[:size]...)
		}
		s = s[size:]
		odd = special(s, valid)
	}
	return append(b, '"')
}

// special is where the first character stands that is not plain although no
// byte of it says so: a line separator, or bytes that are no UTF-8. valid says
// that there are none of the latter.
func special(s string, valid bool) int {
	if valid {
		for at := 0; ; {
			i := strings.Index(s[at:], "\u2028"[:2])
			if i < 0 {
				return len(s)
			}
			if at += i; s[at+2]&^1 == 0xa8 {
				return at
			}
			at += 3
		}
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r == '\u2028' || r == '\u2029' {
			return i
		}
		i += n
	}
	return len(s)
}
