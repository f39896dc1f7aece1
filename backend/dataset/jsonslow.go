package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// parseObjectSlow reads a JSON object's members in their order, and says what is
// wrong with one that is broken.
func parseObjectSlow(rec []byte) ([]field, error) {
	if !json.Valid(rec) {
		var v any
		err := json.Unmarshal(rec, &v)
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("invalid JSON at byte %d: %w", syntax.Offset, err)
		}
		return nil, fmt.Errorf("invalid JSON: %w", err)
	}
	if rec[0] != '{' {
		return nil, errors.New("it is JSON but no object; each row must be an object with named columns")
	}
	// The text is valid, so a walk over strings and depths is enough.
	var fields []field
	rest := bytes.TrimSpace(rec[1:])
	for len(rest) > 0 && rest[0] != '}' {
		n := valueLen(rest)
		key := unquote(rest[:n])
		rest = bytes.TrimSpace(rest[n:])
		rest = bytes.TrimSpace(rest[1:]) // the colon
		n = valueLen(rest)
		value := rest[:n]
		f := field{name: key}
		switch value[0] {
		case '"':
			f.value = unquote(value)
		case '{', '[':
			var b bytes.Buffer
			if err := json.Compact(&b, value); err != nil {
				return nil, err
			}
			f.value, f.nested = b.String(), true
		case 'n': // null
		default:
			f.value = string(value)
		}
		fields = append(fields, f)
		rest = bytes.TrimSpace(rest[n:])
		if len(rest) > 0 && rest[0] == ',' {
			rest = bytes.TrimSpace(rest[1:])
		}
	}
	return fields, nil
}

// valueLen is the length of the JSON value at the start of valid JSON.
func valueLen(b []byte) int {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case inString && c == '"':
			inString = false
			if depth == 0 {
				return i + 1
			}
		case inString:
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth == 0 {
				return i // the end of what holds a bare value
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case depth == 0 && (c == ',' || c == ':' || c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			return i
		}
	}
	return len(b)
}

// unquote decodes a valid JSON string.
func unquote(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b[1 : len(b)-1])
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return string(b)
	}
	return s
}
