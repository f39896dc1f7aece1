package filter

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tunebench/backend/dataset/match"
)

// Filter is a compiled expression, safe for concurrent use.
type Filter struct {
	test  func(Row) bool
	flags []string
	reads bool
	place bool
	text  string
}

// Match says whether the filter keeps a row.
func (f *Filter) Match(r Row) bool { return f.test(r) }

// Needs says whether the filter uses a flag.
func (f *Filter) Needs(flag string) bool { return slices.Contains(f.flags, flag) }

// Reads says whether the filter looks at the rows themselves: one that asks only
// for repetitions, which are known beforehand, does not.
func (f *Filter) Reads() bool { return f.reads }

// Places says whether the filter asks for a row's number or file.
func (f *Filter) Places() bool { return f.place }

// String is the expression.
func (f *Filter) String() string { return f.text }

const maxDepth = 100

// Parse compiles an expression. The error is an *Error. The empty expression
// keeps every row.
func Parse(text string, s Schema) (f *Filter, err error) {
	p := &parser{lex: lexer{src: text}, schema: s, f: &Filter{text: text}}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			f, err = nil, e
		}
	}()
	p.advance()
	if p.tok.kind == end {
		p.f.test = func(Row) bool { return true }
		return p.f, nil
	}
	p.f.test = p.or()
	if p.tok.kind != end {
		if p.tok.kind == shut {
			p.fail(p.tok, "this bracket closes nothing")
		}
		p.fail(p.tok, "%q does not go on from here; join two conditions with and, or", p.tok.text)
	}
	return p.f, nil
}

type parser struct {
	lex    lexer
	tok    token
	schema Schema
	f      *Filter
	depth  int
}

func (p *parser) advance() { p.tok = p.lex.next() }

func (p *parser) fail(t token, format string, args ...any) {
	panic(&Error{From: t.from, To: max(t.to, t.from), Message: fmt.Sprintf(format, args...)})
}

func (p *parser) or() func(Row) bool {
	if p.depth++; p.depth > maxDepth {
		p.fail(p.tok, "the filter is nested too deeply")
	}
	defer func() { p.depth-- }()
	a := p.and()
	for p.tok.keyword("or") || p.tok.kind == op && p.tok.text == "||" {
		p.advance()
		l, r := a, p.and()
		a = func(row Row) bool { return l(row) || r(row) }
	}
	return a
}

func (p *parser) and() func(Row) bool {
	a := p.not()
	for p.tok.keyword("and") || p.tok.kind == op && p.tok.text == "&&" {
		p.advance()
		l, r := a, p.not()
		a = func(row Row) bool { return l(row) && r(row) }
	}
	return a
}

func (p *parser) not() func(Row) bool {
	negate := false
	for p.tok.keyword("not") || p.tok.kind == op && p.tok.text == "!" {
		negate = !negate
		p.advance()
	}
	c := p.condition()
	if negate {
		return func(r Row) bool { return !c(r) }
	}
	return c
}

func (p *parser) condition() func(Row) bool {
	t := p.tok
	switch {
	case t.kind == end:
		p.fail(t, "a condition is missing here, such as len(answer) > 400")
	case t.kind == open:
		p.advance()
		c := p.or()
		if p.tok.kind != shut {
			p.fail(p.tok, "the bracket at character %d is not closed", t.from+1)
		}
		p.advance()
		return c
	case t.keyword("has") || t.keyword("lacks"):
		p.advance()
		name := p.name()
		p.f.reads = true
		lacks := t.keyword("lacks")
		return func(r Row) bool {
			v, _ := r.Get(name)
			return (strings.TrimSpace(v) == "") == lacks
		}
	}
	if t.kind == word {
		if i := slices.IndexFunc(Flags, func(f Flag) bool { return strings.EqualFold(f.Name, t.text) }); i >= 0 && !slices.Contains(p.schema.Columns, t.text) {
			p.advance()
			name := Flags[i].Name
			p.f.flags = append(p.f.flags, name)
			p.f.reads = p.f.reads || name != Duplicate && name != NearDuplicate && name != SameQuestion
			return func(r Row) bool { return r.Flag(name) }
		}
	}
	p.f.reads = true
	left := p.value(true)
	return p.comparison(left)
}

// value is something with a text, a number, or both.
type value struct {
	text     func(Row) (string, bool)
	number   func(Row) (float64, bool)
	constant bool
	tok      token
}

func (p *parser) comparison(left value) func(Row) bool {
	o := p.tok
	name := o.text
	switch {
	case o.kind == op && slices.Contains([]string{"=", "==", "!=", "<", "<=", ">", ">=", "~", "!~"}, name):
	case o.keyword("contains"), o.keyword("is"):
		name = strings.ToLower(name)
	default:
		p.fail(o, "a comparison is missing behind %q: =, !=, <, <=, >, >=, ~ (matches) or contains", left.tok.text)
	}
	switch name {
	case "~", "!~":
		return p.matches(left, name == "!~")
	case "contains":
		p.advance()
		t := p.tok
		if t.kind == end || t.kind == op || t.kind == open || t.kind == shut {
			p.fail(t, "the text that it is to contain is missing")
		}
		p.closed(t)
		p.advance()
		return textTest(left, t.text, match.Options{Fold: match.Smart(t.text)}, false)
	case "is":
		name = "="
	}
	p.advance()
	right := p.value(false)
	switch name {
	case "=", "==", "!=":
		differ := name == "!="
		if left.text == nil || right.text == nil || right.constant && right.number != nil && left.number != nil && right.tok.kind == number {
			return compare(left, right, o, p, func(a, b float64) bool { return (a == b) != differ }, differ)
		}
		return func(r Row) bool {
			a, _ := left.text(r)
			b, _ := right.text(r)
			return strings.EqualFold(a, b) != differ
		}
	case "<":
		return compare(left, right, o, p, func(a, b float64) bool { return a < b }, false)
	case "<=":
		return compare(left, right, o, p, func(a, b float64) bool { return a <= b }, false)
	case ">":
		return compare(left, right, o, p, func(a, b float64) bool { return a > b }, false)
	}
	return compare(left, right, o, p, func(a, b float64) bool { return a >= b }, false)
}

func compare(left, right value, o token, p *parser, f func(a, b float64) bool, missing bool) func(Row) bool {
	for _, v := range []value{left, right} {
		if v.number == nil {
			p.fail(v.tok, "%q is no number, so %s cannot compare it", v.tok.text, o.text)
		}
	}
	return func(r Row) bool {
		a, ok := left.number(r)
		b, ok2 := right.number(r)
		if !ok || !ok2 {
			return missing
		}
		return f(a, b)
	}
}

func (p *parser) matches(left value, negate bool) func(Row) bool {
	t := p.lex.pattern()
	p.advance()
	if t.kind == end {
		p.fail(t, "a regular expression is missing here, such as ^flan")
	}
	p.closed(t)
	if _, err := match.New(t.text, match.Options{Regexp: true}); err != nil {
		p.fail(t, "%v", err)
	}
	if left.text == nil {
		p.fail(left.tok, "%q is a number, and ~ looks at texts", left.tok.text)
	}
	return textTest(left, t.text, match.Options{Regexp: true}, negate)
}

// textTest looks for a pattern in a text.
func textTest(left value, text string, o match.Options, negate bool) func(Row) bool {
	pattern, err := match.New(text, o)
	if err != nil || left.text == nil {
		return func(Row) bool { return false }
	}
	pool := newPool(pattern)
	return func(r Row) bool {
		v, _ := left.text(r)
		return pool.match(v) != negate
	}
}

func (p *parser) closed(t token) {
	if t.unclosed {
		p.fail(t, "this text has no closing quote")
	}
}

// name reads the name of a column or part.
func (p *parser) name() string {
	t := p.tok
	if t.kind != word && t.kind != column && t.kind != quoted {
		p.fail(t, "the name of a column is missing here: %s", p.names())
	}
	p.closed(t)
	name, ok := p.resolve(t.text)
	if !ok {
		p.fail(t, "there is no column %q; there are %s", t.text, p.names())
	}
	p.advance()
	return name
}

// resolve finds what a name stands for: a part, or a column.
func (p *parser) resolve(name string) (string, bool) {
	if c, ok := p.schema.Parts[strings.ToLower(name)]; ok && c != "" {
		return strings.ToLower(name), true
	}
	if slices.Contains(p.schema.Columns, name) {
		return name, true
	}
	for _, c := range p.schema.Columns {
		if strings.EqualFold(c, name) {
			return c, true
		}
	}
	return "", false
}

func (p *parser) names() string {
	var names []string
	for _, part := range Parts {
		if p.schema.Parts[part] != "" {
			names = append(names, part)
		}
	}
	for _, c := range p.schema.Columns {
		if !slices.Contains(names, c) && len(names) < 20 {
			names = append(names, c)
		}
	}
	return strings.Join(names, ", ")
}

// value reads one side of a comparison. The right side may be a bare word, which
// then is a text.
func (p *parser) value(left bool) value {
	t := p.tok
	switch t.kind {
	case end:
		if left {
			p.fail(t, "a condition is missing here")
		}
		p.fail(t, "a value is missing here")
	case number:
		n, _ := parseNumber(t.text)
		p.advance()
		return value{number: func(Row) (float64, bool) { return n, true }, text: constant(t.text), constant: true, tok: t}
	case quoted:
		p.closed(t)
		p.advance()
		v := value{text: constant(t.text), constant: true, tok: t}
		if n, ok := parseNumber(t.text); ok {
			v.number = func(Row) (float64, bool) { return n, true }
		}
		return v
	case op, open, shut:
		p.fail(t, "%q cannot stand here; a column or a value was expected", t.text)
	}
	if f, ok := functions[strings.ToLower(t.text)]; ok && t.kind == word {
		if v, ok := p.call(t, f); ok {
			return v
		}
	}
	if name, ok := p.resolve(t.text); ok {
		p.closed(t)
		p.advance()
		get := func(r Row) (string, bool) { return r.Get(name) }
		return value{text: get, number: toNumber(get), tok: t}
	}
	if left || t.kind == column {
		p.fail(t, "there is no column %q; there are %s, and the functions %s", t.text, p.names(), functionNames())
	}
	p.advance()
	return value{text: constant(t.text), constant: true, tok: t}
}

func constant(s string) func(Row) (string, bool) { return func(Row) (string, bool) { return s, true } }

func toNumber(get func(Row) (string, bool)) func(Row) (float64, bool) {
	return func(r Row) (float64, bool) {
		s, ok := get(r)
		if !ok {
			return 0, false
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return n, err == nil
	}
}
