package filter

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind uint8

const (
	end kind = iota
	word
	quoted // a text in quotes
	column // a name in backquotes
	number
	op
	open
	shut
)

type token struct {
	kind     kind
	text     string // what it means
	from, to int
	unclosed bool
}

// keyword says whether the token is a word with this meaning, in any case.
func (t token) keyword(s string) bool { return t.kind == word && strings.EqualFold(t.text, s) }

type lexer struct {
	src string
	at  int
}

var operators = []string{"!=", "<=", ">=", "==", "!~", "&&", "||", "=", "<", ">", "~", "!"}

func (l *lexer) blank() {
	for l.at < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.at:])
		if !unicode.IsSpace(r) {
			return
		}
		l.at += n
	}
}

// next reads a token.
func (l *lexer) next() token {
	l.blank()
	t := token{from: l.at, to: l.at}
	if l.at >= len(l.src) {
		return t
	}
	rest := l.src[l.at:]
	switch c := rest[0]; {
	case c == '(':
		t.kind, t.text, l.at = open, "(", l.at+1
	case c == ')':
		t.kind, t.text, l.at = shut, ")", l.at+1
	case c == '"' || c == '\'' || c == '`':
		l.quoted(&t, c)
	default:
		for _, o := range operators {
			if strings.HasPrefix(rest, o) {
				t.kind, t.text, l.at = op, o, l.at+len(o)
				t.to = l.at
				return t
			}
		}
		n := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("()\"'`=<>~!&|", r) })
		if n < 0 {
			n = len(rest)
		}
		if n == 0 {
			n = 1
		}
		t.kind, t.text, l.at = word, rest[:n], l.at+n
		if _, ok := parseNumber(t.text); ok {
			t.kind = number
		}
	}
	t.to = l.at
	return t
}

func (l *lexer) quoted(t *token, quote byte) {
	t.kind = quoted
	if quote == '`' {
		t.kind = column
	}
	var b strings.Builder
	i := l.at + 1
	for ; i < len(l.src) && l.src[i] != quote; i++ {
		if c := l.src[i]; c == '\\' && i+1 < len(l.src) && quote != '`' {
			i++
			switch l.src[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case quote, '\\':
				b.WriteByte(l.src[i])
			default:
				b.WriteByte('\\')
				b.WriteByte(l.src[i])
			}
			continue
		}
		b.WriteByte(l.src[i])
	}
	t.unclosed = i >= len(l.src)
	l.at = min(i+1, len(l.src))
	t.text = b.String()
}

// pattern reads a regular expression behind ~: a text in quotes, or everything
// up to a blank or an unmatched closing bracket.
func (l *lexer) pattern() token {
	l.blank()
	if l.at < len(l.src) && (l.src[l.at] == '"' || l.src[l.at] == '\'') {
		t := l.next()
		// A backslash means itself to a regular expression.
		t.text = l.src[t.from+1 : t.to]
		if !t.unclosed {
			t.text = t.text[:len(t.text)-1]
		}
		return t
	}
	t := token{kind: quoted, from: l.at}
	depth, class := 0, false
	for l.at < len(l.src) {
		c := l.src[l.at]
		switch {
		case c == '\\' && l.at+1 < len(l.src):
			l.at++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			if depth == 0 {
				t.to, t.text = l.at, l.src[t.from:l.at]
				return l.orEnd(t)
			}
			depth--
		case c == ' ' || c == '\t' || c == '\n':
			t.to, t.text = l.at, l.src[t.from:l.at]
			return l.orEnd(t)
		}
		l.at++
	}
	t.to, t.text = l.at, l.src[t.from:l.at]
	return l.orEnd(t)
}

func (l *lexer) orEnd(t token) token {
	if t.text == "" {
		t.kind = end
	}
	return t
}
