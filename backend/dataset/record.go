package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"tunebench/backend/safetext"
)

// field is one column of one row, as it is in the file.
type field struct {
	name  string
	value string
	// nested says that value is the JSON text of an array or object.
	nested bool
}

// record is one row as it is in the file, parsed when it is looked at. raw is
// good only until the next record is read.
type record struct {
	index  int64
	what   string // "line" or "row", for messages
	raw    []byte
	fields []field
	err    string
	parse  func(rec []byte) ([]field, error)
	parsed bool
}

// columns parses the record, once.
func (r *record) columns() []field {
	if r.parsed || r.err != "" {
		return r.fields
	}
	r.parsed = true
	switch {
	case len(bytes.TrimSpace(r.raw)) == 0:
		r.err = fmt.Sprintf("%s %d is blank", r.what, r.index+1)
	case !utf8.Valid(r.raw):
		r.err = fmt.Sprintf("%s %d is not UTF-8 text; convert the file with iconv", r.what, r.index+1)
	default:
		var err error
		if r.fields, err = r.parse(r.raw); err != nil {
			r.err = fmt.Sprintf("%s %d cannot be read: %v", r.what, r.index+1, err)
		}
	}
	return r.fields
}

// parseObject reads a JSON object's members in their order.
func parseObject(rec []byte) ([]field, error) {
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

// Example is a row as training sees it: its parts, as they are in the file. The
// text has not passed safetext; Row has it for display.
type Example struct {
	Index                                  int64
	ID, System, Question, Answer, Category string
	// Err says why the row cannot be used, in words; "" when it can.
	Err string
	// LaterTurns counts the turns of a conversation after the first answer;
	// they are no part of the example.
	LaterTurns int
}

// example takes the mapped parts out of a record.
func (m Mapping) example(r *record) Example {
	fields := r.columns()
	e := Example{Index: r.index, Err: r.err}
	if e.Err != "" {
		return e
	}
	get := func(name string) (string, bool) {
		for _, f := range fields {
			if name != "" && f.name == name {
				if f.nested {
					return firstText(f.value), true
				}
				return f.value, true
			}
		}
		return "", false
	}
	e.ID, _ = get(m.ID)
	e.Category, _ = get(m.Category)
	e.System, _ = get(m.System)
	if m.Messages != "" {
		m.conversation(fields, &e)
	} else {
		var found bool
		if e.Question, found = get(m.Question); !found {
			e.Err = missing(r, fields, m.Question)
		}
		if c, _ := get(m.Context); c != "" {
			e.Question += "\n\n" + c
		}
		if e.Answer, found = get(m.Answer); !found && e.Err == "" {
			e.Err = missing(r, fields, m.Answer)
		}
	}
	return e
}

func missing(r *record, fields []field, column string) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = safetext.Line(f.name)
	}
	if column == "" {
		return fmt.Sprintf("%s %d has no question and answer among its columns: %s", r.what, r.index+1, strings.Join(names, ", "))
	}
	return fmt.Sprintf("%s %d has no column %q; it has %s", r.what, r.index+1, safetext.Line(column), strings.Join(names, ", "))
}

// conversation takes the first exchange of a list of messages, in either of the
// two common spellings.
func (m Mapping) conversation(fields []field, e *Example) {
	for _, f := range fields {
		if f.name != m.Messages {
			continue
		}
		var turns []struct{ Role, Content, From, Value string }
		if err := json.Unmarshal([]byte(f.value), &turns); err != nil {
			e.Err = fmt.Sprintf("row %d: %q is no list of messages with role and content", e.Index+1, safetext.Line(f.name))
			return
		}
		for _, t := range turns {
			text := t.Content + t.Value
			switch strings.ToLower(t.Role + t.From) {
			case "system":
				if e.System == "" {
					e.System = text
				}
			case "user", "human":
				if e.Answer != "" {
					e.LaterTurns++
				} else if e.Question == "" {
					e.Question = text
				} else {
					e.Question += "\n\n" + text
				}
			case "assistant", "gpt", "model", "bot":
				if e.Answer != "" {
					e.LaterTurns++
				} else {
					e.Answer = text
				}
			}
		}
		return
	}
	e.Err = fmt.Sprintf("row %d has no column %q", e.Index+1, safetext.Line(m.Messages))
}

// firstText is the text that stands for a nested value: the first element of a
// list, or the member "text" or "content" of an object (as SQuAD's answers).
func firstText(raw string) string {
	var v any
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		return raw
	}
	for {
		switch x := v.(type) {
		case string:
			return x
		case []any:
			if len(x) == 0 {
				return ""
			}
			v = x[0]
		case map[string]any:
			text, ok := x["text"]
			if !ok {
				text, ok = x["content"]
			}
			if !ok {
				return raw
			}
			v = text
		default:
			return raw
		}
	}
}

// row is a record cleaned for display.
func (m Mapping) row(r *record) Row {
	e := m.example(r)
	row := Row{
		Index: r.index, ID: safetext.Text(e.ID), System: safetext.Text(e.System), Question: safetext.Text(e.Question),
		Answer: safetext.Text(e.Answer), Category: safetext.Text(e.Category), Err: safetext.Line(e.Err),
	}
	for _, f := range r.fields {
		row.Fields = append(row.Fields, Field{Name: safetext.Line(f.name), Value: safetext.Text(f.value)})
	}
	if r.fields == nil && len(r.raw) > 0 {
		row.Fields = []Field{{Name: "(" + r.what + ")", Value: safetext.Text(string(r.raw[:min(len(r.raw), 4096)]))}}
	}
	return row
}
