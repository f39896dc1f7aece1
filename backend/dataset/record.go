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

// record is one row as it is in the file, parsed when it is looked at. The row,
// its text included, is good only until the next one is read.
type record struct {
	index  int64
	number int64  // of the line or row in its file, from 1
	what   string // "line" or "row", for messages
	file   string // set when the dataset has several files
	raw    []byte
	fields []field
	err    string
	parse  func(rec []byte) ([]field, error)
	parsed bool
}

// reset makes r the row of raw.
func (r *record) reset(index int64, raw []byte) {
	r.index, r.number, r.raw = index, index+1, raw
	r.fields, r.err, r.parsed = nil, "", false
}

// place names the row for people.
func (r *record) place() string {
	if r.file != "" {
		return fmt.Sprintf("%s, %s %d", r.file, r.what, r.number)
	}
	return fmt.Sprintf("%s %d", r.what, r.number)
}

// columns parses the record, once.
func (r *record) columns() []field {
	if r.parsed || r.err != "" {
		return r.fields
	}
	r.parsed = true
	switch {
	case len(bytes.TrimSpace(r.raw)) == 0:
		r.err = r.place() + " is blank"
	case !utf8.Valid(r.raw):
		r.err = r.place() + " is not UTF-8 text; convert the file with iconv"
	default:
		var err error
		if r.fields, err = r.parse(r.raw); err != nil {
			r.err = fmt.Sprintf("%s cannot be read: %v", r.place(), err)
		}
	}
	return r.fields
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

// keep makes the example last longer than the record it came from.
func (e Example) keep() Example {
	for _, s := range []*string{&e.ID, &e.System, &e.Question, &e.Answer, &e.Category} {
		*s = strings.Clone(*s)
	}
	return e
}

// example takes the mapped parts out of a record; they last as long as it does.
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
	if m.Messages != "" && m.System != "" {
		e.System = m.systemParts(fields, e.System)
	}
	if m.Messages != "" {
		m.conversation(r, &e)
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
		return fmt.Sprintf("%s has no question and answer among its columns: %s", r.place(), strings.Join(names, ", "))
	}
	return fmt.Sprintf("%s has no column %q; it has %s", r.place(), safetext.Line(column), strings.Join(names, ", "))
}

// conversation takes the first exchange of a list of messages, in either of the
// two common spellings.
func (m Mapping) conversation(r *record, e *Example) {
	for _, f := range r.fields {
		if f.name != m.Messages {
			continue
		}
		var turns []struct {
			Role, From     string
			Content, Value content
		}
		if err := json.Unmarshal([]byte(f.value), &turns); err != nil {
			if errors.Is(err, errPart) {
				e.Err = fmt.Sprintf("%s: %v", r.place(), err)
			} else {
				e.Err = fmt.Sprintf("%s: %q is no list of messages with role and content", r.place(), safetext.Line(f.name))
			}
			return
		}
		for _, t := range turns {
			text := string(t.Content + t.Value)
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
	e.Err = fmt.Sprintf("%s has no column %q", r.place(), safetext.Line(m.Messages))
}

// systemParts is the system text beside messages when it is a list of parts, and
// otherwise the one given.
func (m Mapping) systemParts(fields []field, text string) string {
	for _, f := range fields {
		if f.name == m.System && f.nested {
			var c content
			if json.Unmarshal([]byte(f.value), &c) == nil {
				return string(c)
			}
		}
	}
	return text
}

// content is the text of a message: a string, or a list of parts with a text each,
// as OpenAI's and Bedrock's messages have it (Bedrock's conversation schema of 2024).
type content string

// errPart is met by messages that hold more than text.
var errPart = errors.New("a message holds a part that is no text; only text can be trained on")

func (c *content) UnmarshalJSON(b []byte) error {
	if b[0] != '[' {
		return json.Unmarshal(b, (*string)(c))
	}
	var parts []struct{ Text *string }
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	for i, p := range parts {
		if p.Text == nil {
			return errPart
		}
		if i > 0 {
			*c += "\n"
		}
		*c += content(*p.Text)
	}
	return nil
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
	e := m.example(r).keep()
	row := Row{
		Index: r.index, ID: safetext.Text(e.ID), System: safetext.Text(e.System), Question: safetext.Text(e.Question),
		Answer: safetext.Text(e.Answer), Category: safetext.Text(e.Category), Err: safetext.Line(e.Err),
	}
	for _, f := range r.fields {
		row.Fields = append(row.Fields, Field{Name: safetext.Line(f.name), Value: strings.Clone(safetext.Text(f.value))})
	}
	if r.fields == nil && len(r.raw) > 0 {
		row.Fields = []Field{{Name: "(" + r.what + ")", Value: safetext.Text(string(r.raw[:min(len(r.raw), 4096)]))}}
	}
	return row
}
