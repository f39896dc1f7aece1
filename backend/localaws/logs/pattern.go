package logs

import (
	"strings"

	"tunebench/backend/localaws/wire"
)

// pattern is a filter pattern of plain terms.
type pattern struct {
	all, any, none []string
}

// parsePattern reads terms, "quoted phrases", ?alternatives and -exclusions.
// JSON ({ … }), field ([ … ]) and regular expression (% … %) patterns are
// refused by name. An empty pattern matches everything.
func parsePattern(text string) (*pattern, error) {
	p := &pattern{}
	rest := strings.TrimSpace(text)
	if rest != "" && strings.ContainsRune("{[%", rune(rest[0])) {
		return nil, wire.Errorf(400, "InvalidParameterException",
			"The filter pattern %q is a JSON, field or regular expression pattern; the local account matches terms, \"phrases\", ?alternatives and -exclusions only.", text)
	}
	for rest != "" {
		list := &p.all
		switch rest[0] {
		case '?':
			list, rest = &p.any, rest[1:]
		case '-':
			list, rest = &p.none, rest[1:]
		}
		var term string
		if strings.HasPrefix(rest, `"`) {
			var ok bool
			if term, rest, ok = quoted(rest); !ok {
				return nil, wire.Errorf(400, "InvalidParameterException", "Invalid filter pattern: %q has a quotation mark without its pair", text)
			}
		} else {
			end := strings.IndexAny(rest, " \t")
			if end < 0 {
				end = len(rest)
			}
			term, rest = rest[:end], rest[end:]
			if i := strings.IndexFunc(term, notTerm); i >= 0 {
				return nil, wire.Errorf(400, "InvalidParameterException", "Invalid character(s) in term '%s'; put the term in quotation marks", term)
			}
		}
		if term != "" {
			*list = append(*list, term)
		}
		rest = strings.TrimLeft(rest, " \t")
	}
	if len(p.all) > 0 {
		p.any = nil // beside required terms, alternatives decide nothing
	}
	return p, nil
}

func notTerm(r rune) bool {
	return r < 0x80 && r != '_' && r != '.' &&
		(r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// quoted reads a phrase in which \" and \\ are escaped.
func quoted(s string) (phrase, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false
}

// match reports whether a message has what the pattern asks for; case counts.
func (p *pattern) match(message string) bool {
	for _, t := range p.all {
		if !strings.Contains(message, t) {
			return false
		}
	}
	for _, t := range p.none {
		if strings.Contains(message, t) {
			return false
		}
	}
	if len(p.any) == 0 {
		return true
	}
	for _, t := range p.any {
		if strings.Contains(message, t) {
			return true
		}
	}
	return false
}
