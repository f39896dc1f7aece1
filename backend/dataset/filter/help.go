package filter

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"tunebench/backend/dataset/match"
)

func runes(s string) int { return utf8.RuneCountInString(s) }

// parseNumber reads 400, 1.5, 2k or 3M.
func parseNumber(s string) (float64, bool) {
	if s == "" || !strings.ContainsAny(s[:1], "0123456789-+.") {
		return 0, false
	}
	scale := 1.0
	switch s[len(s)-1] {
	case 'k', 'K':
		s, scale = s[:len(s)-1], 1e3
	case 'M':
		s, scale = s[:len(s)-1], 1e6
	}
	n, err := strconv.ParseFloat(s, 64)
	return n * scale, err == nil
}

// pool hands each goroutine a matcher of its own.
type pool struct{ sync.Pool }

func newPool(p *match.Pattern) *pool {
	return &pool{sync.Pool{New: func() any { return p.Matcher() }}}
}

func (p *pool) match(s string) bool {
	m := p.Get().(*match.Matcher)
	defer p.Put(m)
	return m.Match([]byte(s))
}

// Candidate is a word that could stand somewhere.
type Candidate struct {
	Text, Help string
}

// Complete says what could stand where the cursor is: the candidates that begin
// with the word before it, and the bytes of the expression that one of them
// would replace.
func Complete(text string, cursor int, s Schema) (candidates []Candidate, from, to int) {
	cursor = min(max(cursor, 0), len(text))
	lex := lexer{src: text[:cursor]}
	var before []token
	for {
		lex.blank()
		if lex.at >= len(lex.src) {
			break
		}
		if n := len(before); n > 0 && before[n-1].kind == op && strings.Contains(before[n-1].text, "~") {
			before = append(before, lex.pattern())
			continue
		}
		before = append(before, lex.next())
	}
	from, to = cursor, cursor
	prefix := ""
	if n := len(before); n > 0 && before[n-1].to == cursor && (before[n-1].kind == word || before[n-1].kind == column) {
		last := before[n-1]
		prefix, from = last.text, last.from
		before = before[:n-1]
	}
	for _, c := range expected(before, s) {
		if len(c.Text) >= len(prefix) && strings.EqualFold(c.Text[:len(prefix)], prefix) {
			candidates = append(candidates, c)
		}
	}
	return candidates, from, to
}

// expected lists what may follow the tokens.
func expected(before []token, s Schema) []Candidate {
	var last token
	if n := len(before); n > 0 {
		last = before[n-1]
	}
	var out []Candidate
	columns := func() {
		for _, part := range Parts {
			if c := s.Parts[part]; c != "" {
				help := "the " + part
				if c != part {
					help += ", column " + c
				}
				out = append(out, Candidate{part, help})
			}
		}
		for _, c := range s.Columns {
			if s.Parts[c] != "" {
				continue
			}
			name := c
			if (&lexer{src: c}).next().text != c {
				name = "`" + c + "`"
			}
			out = append(out, Candidate{name, "column"})
		}
	}
	switch {
	case last.keyword("has") || last.keyword("lacks"):
		columns()
	case last.kind == open && len(before) > 1 && isFunction(before[len(before)-2]):
		columns()
	case last.kind == op && (last.text == "!" || last.text == "&&" || last.text == "||"),
		last.kind == end, last.kind == open, last.keyword("and"), last.keyword("or"), last.keyword("not"):
		columns()
		for _, name := range functionList() {
			f := functions[name]
			if !f.row && !f.alone {
				name += "("
			}
			out = append(out, Candidate{name, f.help})
		}
		for _, f := range Flags {
			out = append(out, Candidate{f.Name, f.Help})
		}
		out = append(out, Candidate{"has", "the column is there and not blank"}, Candidate{"lacks", "the column is missing or blank"}, Candidate{"not", "the contrary of what follows"})
	case last.kind == op || last.keyword("contains"):
		if n := len(before); n > 1 && before[n-2].keyword("kind") {
			for _, k := range []string{"number", `"yes or no"`, "choice", "code", "json", "list", "refusal", "short", "paragraph", "long", "empty"} {
				out = append(out, Candidate{k, "sort of answer"})
			}
		}
	case complete(before):
		out = append(out, Candidate{"and", "both conditions"}, Candidate{"or", "one of the conditions"})
	default:
		out = append(out, Candidate{"=", "is the same"}, Candidate{"!=", "is another"}, Candidate{"<", "is less"},
			Candidate{"<=", "is not more"}, Candidate{">", "is more"}, Candidate{">=", "is not less"},
			Candidate{"~", "matches a regular expression"}, Candidate{"!~", "does not match"}, Candidate{"contains", "holds a text"})
	}
	return out
}

// functionList lists the functions by name.
func functionList() []string { return slices.Sorted(maps.Keys(functions)) }

func isFunction(t token) bool {
	_, ok := functions[strings.ToLower(t.text)]
	return ok && t.kind == word
}

// complete says whether the tokens end in a whole condition.
func complete(before []token) bool {
	n := len(before)
	if n == 0 {
		return false
	}
	last := before[n-1]
	if last.kind == word && slices.ContainsFunc(Flags, func(f Flag) bool { return f.Name == last.text }) {
		return true
	}
	if n > 1 {
		prev := before[n-2]
		if prev.kind == op && prev.text != "!" || prev.keyword("contains") || prev.keyword("is") || prev.keyword("has") || prev.keyword("lacks") {
			return true
		}
	}
	if last.kind == shut { // of a function, or of a group
		depth := 0
		for i := n - 1; i >= 0; i-- {
			switch before[i].kind {
			case shut:
				depth++
			case open:
				if depth--; depth == 0 {
					return i == 0 || !isFunction(before[i-1])
				}
			}
		}
	}
	return false
}
