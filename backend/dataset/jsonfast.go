package dataset

import (
	"bytes"
	"encoding/json"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"tunebench/backend/dataset/bytemask"
)

// view is b as a string without a copy. The text is good only as long as b is
// neither changed nor reused; whoever keeps it clones it.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// objectParser reads flat JSON objects, reusing its memory: what parse returns
// is good until the next call and as long as the record is.
type objectParser struct {
	fields  []field
	scratch []byte // decoded strings of this record
	// spelled leaves values in their shortest spelling instead of decoding them.
	spelled bool
	spell   []byte            // those that were spelled otherwise
	names   map[string]string // column names seen, so that keys cost nothing
}

// parse reads an object's members in their order. Text that is valid UTF-8 is
// expected. Whatever is unusual is left to parseObjectSlow, whose errors say
// where a broken object breaks.
func (p *objectParser) parse(rec []byte) ([]field, error) {
	if fields, ok := p.fast(rec); ok {
		return fields, nil
	}
	return parseObjectSlow(rec)
}

func (p *objectParser) fast(rec []byte) ([]field, bool) {
	p.fields = p.fields[:0]
	// Decoded text is never longer than its source, so scratch does not move
	// while it fills.
	if cap(p.scratch) < len(rec) {
		p.scratch = make([]byte, 0, len(rec)+len(rec)/2)
	}
	p.scratch, p.spell = p.scratch[:0], p.spell[:0]
	if len(rec) < 2 || rec[0] != '{' {
		return nil, false
	}
	i := skipBlank(rec, 1)
	if i < len(rec) && rec[i] == '}' {
		return p.fields, skipBlank(rec, i+1) == len(rec)
	}
	for i < len(rec) {
		if rec[i] != '"' {
			return nil, false
		}
		key, n, ok := p.text(rec[i:])
		if !ok {
			return nil, false
		}
		f := field{name: p.name(key)}
		if i = skipBlank(rec, i+n); i >= len(rec) || rec[i] != ':' {
			return nil, false
		}
		if i = skipBlank(rec, i+1); i >= len(rec) {
			return nil, false
		}
		switch c := rec[i]; c {
		case '"':
			var value []byte
			if value, n, ok = p.value(rec[i:]); !ok {
				return nil, false
			}
			f.value = view(value)
		default:
			n = valueLen(rec[i:])
			raw := rec[i : i+n]
			if !json.Valid(raw) {
				return nil, false
			}
			switch c {
			case '{', '[':
				var b bytes.Buffer
				if json.Compact(&b, raw) != nil {
					return nil, false
				}
				f.value, f.nested = b.String(), true
			case 'n':
			default:
				f.value = view(raw)
			}
		}
		p.fields = append(p.fields, f)
		if i = skipBlank(rec, i+n); i >= len(rec) {
			return nil, false
		}
		switch rec[i] {
		case '}':
			return p.fields, skipBlank(rec, i+1) == len(rec)
		case ',':
			i = skipBlank(rec, i+1)
		default:
			return nil, false
		}
	}
	return nil, false
}

// name returns a key as a string that lasts.
func (p *objectParser) name(key []byte) string {
	if s, ok := p.names[string(key)]; ok {
		return s
	}
	s := string(key)
	if p.names == nil {
		p.names = map[string]string{}
	}
	if len(p.names) < 1000 {
		p.names[s] = s
	}
	return s
}

func skipBlank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// asBytes is s as bytes that must not be changed.
func asBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// value is text, or the text's shortest spelling if that is what values are to be.
func (p *objectParser) value(b []byte) (value []byte, n int, ok bool) {
	if !p.spelled {
		return p.text(b)
	}
	if n, ok := bytemask.Spelled(b[1:]); ok {
		return b[1 : 1+n], n + 2, true
	}
	if value, n, ok = p.text(b); ok {
		from := len(p.spell)
		p.spell = spell(p.spell, value)
		value = p.spell[from:len(p.spell):len(p.spell)]
	}
	return value, n, ok
}

// text decodes the JSON string at the start of b, and says how many bytes it
// takes. A string without escapes is a slice of b.
func (p *objectParser) text(b []byte) (value []byte, n int, ok bool) {
	i := 1 + bytemask.Plain(b[1:])
	if i >= len(b) || b[i] < 0x20 {
		return nil, 0, false
	}
	if b[i] == '"' {
		return b[1:i], i + 1, true
	}
	from := len(p.scratch)
	out := append(p.scratch, b[1:i]...)
	for {
		w, r := bytemask.Unescape(out[len(out):cap(out)], b[i:])
		out = out[:len(out)+w]
		if i += r; i >= len(b) || b[i] < 0x20 {
			return nil, 0, false
		}
		if b[i] == '"' {
			p.scratch = out
			return out[from:len(out):len(out)], i + 1, true
		}
		if i+1 >= len(b) || b[i+1] != 'u' {
			return nil, 0, false
		}
		c, good := hex4(b[i+2:])
		if !good {
			return nil, 0, false
		}
		i += 6
		if utf16.IsSurrogate(c) {
			low := rune(0)
			if i+6 <= len(b) && b[i] == '\\' && b[i+1] == 'u' {
				low, _ = hex4(b[i+2:])
			}
			if c = utf16.DecodeRune(c, low); c != utf8.RuneError {
				i += 6
			}
		}
		out = utf8.AppendRune(out, c)
	}
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	r := rune(0)
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
