package pytext

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep lists and objects may be nested, as Python's stack does.
const maxDepth = 1000

// Decode reads one JSON value, and nothing after it but white space. Objects
// are *Dict, arrays []any, numbers Int or float64, the others string, bool and
// nil. Unlike Python it refuses the literals NaN and Infinity, and a lone half
// of a surrogate pair becomes U+FFFD, since Go's texts cannot hold it, as do
// bytes that are no UTF-8.
func Decode(data []byte) (any, error) {
	d := decoder{data: data}
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if d.space(); d.at < len(d.data) {
		return nil, d.wrong("text follows the value")
	}
	return v, nil
}

type decoder struct {
	data []byte
	at   int
}

func (d *decoder) wrong(what string) error {
	if d.at >= len(d.data) {
		return fmt.Errorf("%w: it ends too early", ErrNotJSON)
	}
	return fmt.Errorf("%w: %s at byte %d", ErrNotJSON, what, d.at+1)
}

func (d *decoder) space() {
	for d.at < len(d.data) {
		switch d.data[d.at] {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return
		}
	}
}

// next skips white space and returns the byte there, 0 at the end.
func (d *decoder) next() byte {
	d.space()
	if d.at >= len(d.data) {
		return 0
	}
	return d.data[d.at]
}

func (d *decoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, d.wrong("lists and objects are nested too deep")
	}
	switch c := d.next(); {
	case c == '"':
		return d.text()
	case c == '{':
		return d.object(depth)
	case c == '[':
		return d.list(depth)
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	}
	for _, w := range []struct {
		word  string
		value any
	}{{"null", nil}, {"true", true}, {"false", false}} {
		if bytes.HasPrefix(d.data[d.at:], []byte(w.word)) {
			d.at += len(w.word)
			return w.value, nil
		}
	}
	return nil, d.wrong("no value begins")
}

func (d *decoder) object(depth int) (any, error) {
	o := &Dict{Values: map[string]any{}}
	d.at++
	if d.next() == '}' {
		d.at++
		return o, nil
	}
	for {
		if d.next() != '"' {
			return nil, d.wrong("a key is missing")
		}
		key, err := d.text()
		if err != nil {
			return nil, err
		}
		if d.next() != ':' {
			return nil, d.wrong("a colon is missing")
		}
		d.at++
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.Set(key, v)
		switch d.next() {
		case ',':
			d.at++
		case '}':
			d.at++
			return o, nil
		default:
			return nil, d.wrong("a comma or brace is missing")
		}
	}
}

func (d *decoder) list(depth int) (any, error) {
	list := []any{}
	d.at++
	if d.next() == ']' {
		d.at++
		return list, nil
	}
	for {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		switch d.next() {
		case ',':
			d.at++
		case ']':
			d.at++
			return list, nil
		default:
			return nil, d.wrong("a comma or bracket is missing")
		}
	}
}

func (d *decoder) number() (any, error) {
	start := d.at
	digits := func() bool {
		first := d.at
		for d.at < len(d.data) && d.data[d.at] >= '0' && d.data[d.at] <= '9' {
			d.at++
		}
		return d.at > first
	}
	is := func(set string) bool {
		if d.at < len(d.data) && bytes.IndexByte([]byte(set), d.data[d.at]) >= 0 {
			d.at++
			return true
		}
		return false
	}
	is("-")
	if !is("0") && !digits() {
		return nil, d.wrong("digits are missing")
	}
	whole := true
	if is(".") {
		whole = false
		if !digits() {
			return nil, d.wrong("digits are missing")
		}
	}
	if is("eE") {
		whole = false
		is("+-")
		if !digits() {
			return nil, d.wrong("digits are missing")
		}
	}
	literal := string(d.data[start:d.at])
	if whole {
		return ParseInt(literal), nil
	}
	return Int(literal).Float(), nil
}

func (d *decoder) text() (string, error) {
	d.at++
	start := d.at
	for d.at < len(d.data) {
		switch c := d.data[d.at]; {
		case c == '"':
			s := string(d.data[start:d.at])
			d.at++
			return s, nil
		case c == '\\' || c >= utf8.RuneSelf:
			return d.slowText(start)
		case c < ' ':
			return "", d.wrong("a control character is not escaped")
		}
		d.at++
	}
	return "", d.wrong("")
}

// slowText reads a text with escapes or characters outside ASCII.
func (d *decoder) slowText(start int) (string, error) {
	out := append(make([]byte, 0, 2*(d.at-start)+16), d.data[start:d.at]...)
	for d.at < len(d.data) {
		c := d.data[d.at]
		switch {
		case c == '"':
			d.at++
			return string(out), nil
		case c < ' ':
			return "", d.wrong("a control character is not escaped")
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(d.data[d.at:])
			out = utf8.AppendRune(out, r)
			d.at += n
		case c != '\\':
			out = append(out, c)
			d.at++
		default:
			d.at++
			if d.at >= len(d.data) {
				return "", d.wrong("")
			}
			e := d.data[d.at]
			if i := bytes.IndexByte([]byte(`"\/bfnrt`), e); i >= 0 {
				out = append(out, "\"\\/\b\f\n\r\t"[i])
				d.at++
				continue
			}
			r, ok := d.unit(d.at)
			if !ok {
				return "", d.wrong("an escape is wrong")
			}
			d.at += 5
			if utf16.IsSurrogate(r) {
				low := rune(utf8.RuneError)
				if d.at < len(d.data) && d.data[d.at] == '\\' {
					low, _ = d.unit(d.at + 1)
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					d.at += 6
				}
			}
			out = utf8.AppendRune(out, r)
		}
	}
	return "", d.wrong("")
}

// unit reads uXXXX at i.
func (d *decoder) unit(i int) (rune, bool) {
	if i+5 > len(d.data) || d.data[i] != 'u' {
		return utf8.RuneError, false
	}
	var r rune
	for _, c := range d.data[i+1 : i+5] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return utf8.RuneError, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
