package pytext

import (
	"fmt"
	"strings"
	"unicode"
)

// Str is Python's str() of a value that Decode returned: a text as it is,
// "True", "None", "3.0", and lists and dicts in repr.
func Str(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(AppendRepr(nil, v))
}

// AppendRepr appends Python's repr of a value that Decode returned.
func AppendRepr(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, "None"...)
	case bool:
		if v {
			return append(dst, "True"...)
		}
		return append(dst, "False"...)
	case string:
		return appendReprString(dst, v)
	case Int:
		return append(dst, v...)
	case float64:
		return AppendFloat(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = AppendRepr(dst, e)
		}
		return append(dst, ']')
	case *Dict:
		dst = append(dst, '{')
		for i, k := range v.Keys {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(appendReprString(dst, k), ": "...)
			dst = AppendRepr(dst, v.Values[k])
		}
		return append(dst, '}')
	case map[string]any:
		return AppendRepr(dst, sorted(v))
	}
	return fmt.Append(dst, v)
}

// appendReprString quotes with ' unless only " lets it do without escapes, and
// escapes what Python calls not printable.
func appendReprString(dst []byte, s string) []byte {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	dst = append(dst, quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case unicode.IsPrint(r):
			dst = append(dst, string(r)...)
		case r < 0x100:
			dst = fmt.Appendf(dst, `\x%02x`, r)
		case r < 0x10000:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = fmt.Appendf(dst, `\U%08x`, r)
		}
	}
	return append(dst, quote)
}
