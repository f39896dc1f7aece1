package pytext

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// Dict is a JSON object that remembers the order of its keys, as Python's does.
// A key that comes twice has its first place and its last value.
type Dict struct {
	Keys   []string
	Values map[string]any
}

// Get returns the value under key, and whether there is one.
func (d *Dict) Get(key string) (any, bool) {
	v, ok := d.Values[key]
	return v, ok
}

// Set puts the value under key, at the end if the key is new.
func (d *Dict) Set(key string, v any) {
	if d.Values == nil {
		d.Values = map[string]any{}
	}
	if _, ok := d.Values[key]; !ok {
		d.Keys = append(d.Keys, key)
	}
	d.Values[key] = v
}

// ErrNotJSON wraps what is wrong with a text that should be JSON.
var ErrNotJSON = errors.New("not valid JSON")

const hexDigits = "0123456789abcdef"

// AppendJSONString appends s as json.dumps writes it: in ASCII, other
// characters as \uXXXX (pairs of surrogates above U+FFFF), and only the quote,
// the backslash and control characters (U+007F too) escaped besides. Bytes that are no UTF-8
// become U+FFFD.
func AppendJSONString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"' || c == '\\':
				dst = append(dst, '\\', c)
			case c >= ' ' && c <= '~':
				dst = append(dst, c)
			case c == '\n':
				dst = append(dst, `\n`...)
			case c == '\r':
				dst = append(dst, `\r`...)
			case c == '\t':
				dst = append(dst, `\t`...)
			case c == '\b':
				dst = append(dst, `\b`...)
			case c == '\f':
				dst = append(dst, `\f`...)
			default:
				dst = appendU(dst, rune(c))
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		i += n
		if r > 0xffff {
			r -= 0x10000
			dst = appendU(dst, 0xd800+r>>10)
			r = 0xdc00 + r&0x3ff
		}
		dst = appendU(dst, r)
	}
	return append(dst, '"')
}

func appendU(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

// AppendJSON appends v as json.dumps writes it with its default separators.
// Besides what Decode returns v may be an int. Anything else is an error.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		if v {
			return append(dst, "true"...), nil
		}
		return append(dst, "false"...), nil
	case string:
		return AppendJSONString(dst, v), nil
	case Int:
		return append(dst, v...), nil
	case int:
		return fmt.Appendf(dst, "%d", v), nil
	case float64:
		return AppendJSONFloat(dst, v), nil
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			if dst, err = AppendJSON(dst, e); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	case *Dict:
		dst = append(dst, '{')
		for i, k := range v.Keys {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(AppendJSONString(dst, k), ": "...)
			if dst, err = AppendJSON(dst, v.Values[k]); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	case map[string]any:
		return AppendJSON(dst, sorted(v))
	}
	return nil, fmt.Errorf("a %T has no JSON here", v)
}

// sorted orders a map whose own order is not known.
func sorted(m map[string]any) *Dict { return &Dict{SortedKeys(m), m} }

// SortedKeys returns the keys of a map in alphabetical order.
func SortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
