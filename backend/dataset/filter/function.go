package filter

import (
	"slices"
	"strings"

	"tunebench/backend/dataset/traits"
)

// function is what can be asked of a text, or of the row.
type function struct {
	help string
	// alone says that it may stand without brackets, and then is about default
	// or the row itself.
	alone bool
	about string
	num   func(r Row, s string) float64
	text  func(r Row, s string) string
	row   bool // about the row, never with brackets
}

var functions = map[string]function{
	"len":      {help: "length of a text in characters", num: func(_ Row, s string) float64 { return float64(runes(s)) }},
	"words":    {help: "number of words", num: func(_ Row, s string) float64 { return float64(traits.Words(s)) }},
	"lines":    {help: "number of lines", num: func(_ Row, s string) float64 { return float64(strings.Count(s, "\n") + 1) }},
	"tokens":   {help: "number of tokens: of a text, or of the whole row", alone: true, num: func(r Row, s string) float64 { return float64(r.Tokens(s)) }},
	"language": {help: "language, as two letters: of a text, or of the question", alone: true, about: "question", text: func(_ Row, s string) string { return traits.Language(s) }},
	"kind":     {help: "sort of answer: number, yes or no, choice, list, code, short, paragraph, …", alone: true, about: "answer", text: func(_ Row, s string) string { return traits.Answer(s) }},
	"row":      {help: "number of the row, from 1", alone: true, row: true, num: func(r Row, _ string) float64 { return float64(r.Number()) }},
	"file":     {help: "file the row is from", alone: true, row: true, text: func(r Row, _ string) string { return r.File() }},
}

func functionNames() string { return strings.Join(functionList(), ", ") }

// call reads a function; false when the word is a column of that name.
func (p *parser) call(t token, f function) (value, bool) {
	ahead := p.lex
	bracket := ahead.next().kind == open
	if !bracket && (!f.alone || slices.Contains(p.schema.Columns, t.text)) {
		if _, ok := p.resolve(t.text); ok {
			return value{}, false
		}
		p.fail(t, "%s needs a column in brackets, such as %s(answer)", t.text, t.text)
	}
	get := func(r Row) (string, bool) { return "", true }
	p.advance()
	switch {
	case bracket && !f.row:
		p.advance()
		name := p.name()
		if p.tok.kind != shut {
			p.fail(p.tok, "a closing bracket is missing behind %q", name)
		}
		p.advance()
		get = func(r Row) (string, bool) { s, _ := r.Get(name); return s, true }
	case f.row:
		p.f.place = true
	case f.about != "":
		about, ok := p.resolve(f.about)
		if !ok {
			p.fail(t, "no column plays the %s here; say which one is meant: %s(COLUMN)", f.about, t.text)
		}
		get = func(r Row) (string, bool) { s, _ := r.Get(about); return s, true }
	default: // the whole row
		var parts []string
		for _, part := range []string{"system", "question", "answer"} {
			if p.schema.Parts[part] != "" {
				parts = append(parts, part)
			}
		}
		num := f.num
		return value{tok: t, number: func(r Row) (float64, bool) {
			sum := 0.0
			for _, part := range parts {
				s, _ := r.Get(part)
				sum += num(r, s)
			}
			return sum, true
		}}, true
	}
	v := value{tok: t}
	if num := f.num; num != nil {
		v.number = func(r Row) (float64, bool) { s, ok := get(r); return num(r, s), ok }
	}
	if text := f.text; text != nil {
		v.text = func(r Row) (string, bool) { s, ok := get(r); return text(r, s), ok }
	}
	return v, true
}
