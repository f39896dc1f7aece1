// Package match decides whether a text holds what somebody looks for: a
// substring, with or without regard to case, or a regular expression. It also
// says which literals every match must hold, so that most of a file can be
// passed over without being looked at closely.
//
// It belongs here if it is about bytes. Rows and files do not.
package match

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Options say how a pattern is meant.
type Options struct {
	// Regexp makes the pattern a regular expression (RE2 syntax).
	Regexp bool
	// Fold ignores case. A pattern of ASCII letters ignores the case of ASCII
	// letters; one with other letters ignores it by Unicode's simple folding.
	Fold bool
}

// Pattern is a compiled pattern. It is safe for concurrent use.
type Pattern struct {
	re       *regexp.Regexp
	dfa      *program // nil when re needs more than it can do
	lit      literal
	literals []string
	fold     bool // how the literals match
	anywhere bool // the empty pattern
}

// New compiles a pattern.
func New(text string, o Options) (*Pattern, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("the pattern is not UTF-8 text")
	}
	ascii := !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
	if !o.Regexp && (!o.Fold || ascii) {
		p := &Pattern{fold: o.Fold, anywhere: text == ""}
		if text != "" {
			p.literals = []string{text}
			p.lit = newLiteral(text, o.Fold)
		}
		return p, nil
	}
	expr := text
	if !o.Regexp {
		expr = regexp.QuoteMeta(text)
	}
	flags := syntax.Perl
	if o.Fold {
		flags |= syntax.FoldCase
	}
	tree, err := syntax.Parse(expr, flags)
	if err != nil {
		var bad *syntax.Error
		if errors.As(err, &bad) {
			return nil, fmt.Errorf("the regular expression is wrong: %s: `%s`", bad.Code, bad.Expr)
		}
		return nil, err
	}
	if o.Fold {
		expr = "(?i)" + expr
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	p := &Pattern{re: re}
	tree = tree.Simplify()
	p.literals, p.fold = required(tree)
	p.dfa = newProgram(tree)
	return p, nil
}

// Literals returns texts of which at least one stands in everything that
// matches, and whether ASCII letters in them match either case; nil when no such
// texts are known.
func (p *Pattern) Literals() (texts []string, fold bool) { return p.literals, p.fold }

// Matcher matches one text after another, keeping what it learned about the
// pattern. It belongs to one goroutine.
type Matcher struct {
	p      *Pattern
	finder *Finder
	dfa    *machine
}

// Matcher returns a new matcher.
func (p *Pattern) Matcher() *Matcher {
	m := &Matcher{p: p}
	if p.re != nil && p.literals != nil {
		m.finder = NewFinder(p.literals, p.fold)
	}
	if p.dfa != nil {
		m.dfa = newMachine(p.dfa)
	}
	return m
}

// Match says whether b holds a match.
func (m *Matcher) Match(b []byte) bool {
	p := m.p
	if p.re == nil {
		return p.anywhere || p.lit.next(b, 0) >= 0
	}
	if m.finder != nil {
		if m.finder.Reset(b); m.finder.Next(0) < 0 {
			return false
		}
	}
	if m.dfa != nil {
		if found, sure := m.dfa.match(b); sure {
			return found
		}
	}
	return p.re.Match(b)
}

// Find returns where the first match in b begins and ends; -1, -1 when there is
// none.
func (p *Pattern) Find(b []byte) (start, end int) {
	if p.re == nil {
		if p.anywhere {
			return 0, 0
		}
		if i := p.lit.next(b, 0); i >= 0 {
			return i, i + len(p.lit.text)
		}
		return -1, -1
	}
	if loc := p.re.FindIndex(b); loc != nil {
		return loc[0], loc[1]
	}
	return -1, -1
}

const maxLiterals = 8

// required returns literals of which one stands in every match of re.
func required(re *syntax.Regexp) (lits []string, fold bool) {
	switch re.Op {
	case syntax.OpLiteral:
		fold = re.Flags&syntax.FoldCase != 0
		s := string(re.Rune)
		if fold {
			// Beyond ASCII, and for the letters that fold out of it (k and s), case
			// is more than one bit: keep the longest stretch without them.
			s = longest(s)
		}
		if s == "" {
			return nil, false
		}
		return []string{s}, fold
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		best := 0
		for _, sub := range re.Sub {
			l, f := required(sub)
			if w := worth(l, f); w > best {
				lits, fold, best = l, f, w
			}
		}
		return lits, fold
	case syntax.OpAlternate:
		var all []string
		for i, sub := range re.Sub {
			l, f := required(sub)
			if l == nil || i > 0 && f != fold {
				return nil, false
			}
			fold = f
			if all = append(all, l...); len(all) > maxLiterals {
				return nil, false
			}
		}
		return all, fold
	}
	return nil, false
}

// longest is the longest run of ASCII without k and s.
func longest(s string) string {
	best := ""
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf || r == 'k' || r == 'K' || r == 's' || r == 'S' }) {
		if len(part) > len(best) {
			best = part
		}
	}
	return best
}

// worth says how much a set of literals passes over.
func worth(lits []string, fold bool) int {
	w := 0
	for i, l := range lits {
		n := 0
		for _, c := range []byte(l) {
			n += 300 - int(rank[c])
		}
		if i == 0 || n < w {
			w = n
		}
	}
	if len(lits) > 0 {
		w = w * 4 / (3 + len(lits))
	}
	if fold {
		w = w * 2 / 3
	}
	return w
}

// Smart says whether a query should ignore case: when it has no capital letter.
func Smart(text string) bool { return !strings.ContainsFunc(text, unicode.IsUpper) }

// quick says whether a character looks the same in files of JSON and CSV as it
// does in the text, unless it is written as a \u escape.
func quick(r rune) bool { return r >= ' ' && r != '"' && r != '\\' && r != '/' && r < 0x7f }

// InFile turns literals, of which one stands in every text that matches, into
// such of which one stands in the file that holds the text, in JSON or CSV. Those
// of ASCII may be spelled there as \u00XX instead. It returns nil when there are
// none.
func InFile(literals []string, fold bool) []string {
	var out []string
	for _, l := range literals {
		best := ""
		for _, part := range strings.FieldsFunc(l, func(r rune) bool { return !quick(r) }) {
			if len(part) > len(best) {
				best = part
			}
		}
		if len(best) >= 3 || best == l && l != "" {
			out = append(out, best)
			continue
		}
		i := strings.IndexFunc(l, func(r rune) bool { return r >= 0x80 })
		if i < 0 || fold {
			if best == "" {
				return nil
			}
			out = append(out, best)
			continue
		}
		// As it is, or escaped: then up to the first hexadecimal digit that is a
		// letter and has two forms.
		run := l[i:]
		if k := strings.IndexFunc(run, func(r rune) bool { return r < 0x80 }); k >= 0 {
			run = run[:k]
		}
		first, _ := utf8.DecodeRuneInString(run)
		if first == utf8.RuneError { // what is no UTF-8 becomes this
			return nil
		}
		unit := uint16(first)
		if first >= 0x10000 {
			hi, _ := utf16.EncodeRune(first)
			unit = uint16(hi)
		}
		escape := fmt.Sprintf(`\u%04x`, unit)
		if k := strings.IndexAny(escape[2:], "abcdef"); k >= 0 {
			escape = escape[:2+k]
		}
		out = append(out, run, escape)
	}
	return out
}
