package meteor

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"tunebench/metrics/pytext"
)

// Punkt splits text into sentences with parameters learned from English. It does
// not change, so goroutines may share it.
//
// Source: T. Kiss, J. Strunk, "Unsupervised Multilingual Sentence Boundary
// Detection", Computational Linguistics 32 (2006), as NLTK 3.9.1 does it.
type Punkt struct {
	abbreviations map[string]bool
	collocations  map[[2]string]bool
	starters      map[string]bool
	orthography   map[string]int // where a word was seen with which case
}

// Bits of Punkt.orthography.
const (
	begUpper = 1 << (iota + 1)
	midUpper
	unkUpper
	begLower
	midLower
	unkLower
	anyUpper = begUpper | midUpper | unkUpper
	anyLower = begLower | midLower | unkLower
)

// LoadPunkt reads the parameters in the files of NLTK's punkt_tab in the root of
// dir: abbrev_types.txt, collocations.tab, sent_starters.txt, ortho_context.tab.
func LoadPunkt(dir fs.FS) (*Punkt, error) {
	p := &Punkt{map[string]bool{}, map[[2]string]bool{}, map[string]bool{}, map[string]int{}}
	for _, file := range []struct {
		name string
		add  func(line string) bool
	}{
		{"abbrev_types.txt", func(l string) bool { p.abbreviations[l] = true; return true }},
		{"sent_starters.txt", func(l string) bool { p.starters[l] = true; return true }},
		{"collocations.tab", func(l string) bool {
			a, b, ok := strings.Cut(l, "\t")
			p.collocations[[2]string{a, b}] = true
			return ok
		}},
		{"ortho_context.tab", func(l string) bool {
			word, bits, _ := strings.Cut(l, "\t")
			n, err := strconv.Atoi(bits)
			p.orthography[word] = n
			return err == nil
		}},
	} {
		data, err := fs.ReadFile(dir, file.name)
		if err != nil {
			return nil, fmt.Errorf("the Punkt parameters cannot be read: %w", err)
		}
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimRight(line, "\r\n"); line != "" && !file.add(line) {
				return nil, fmt.Errorf("%s is no file of Punkt parameters: it has the line %.60q", file.name, line)
			}
		}
	}
	return p, nil
}

// Sentences splits text.
func (p *Punkt) Sentences(text string) []string {
	type span struct{ start, end int }
	var spans []span
	last := 0
	for _, c := range candidates(text) {
		if p.breaks(c.context) {
			spans = append(spans, span{last, c.end})
			last = c.next
		}
	}
	spans = append(spans, span{last, len(strings.TrimRightFunc(text, pytext.Space))})

	// Closing quotes and brackets after the end of a sentence belong to it.
	var all []string
	moved := 0
	for i, s := range spans {
		s.start += moved
		moved = 0
		if i+1 < len(spans) {
			if next := spans[i+1]; next.start < next.end {
				closing, whole := closers(text[next.start:next.end])
				if closing > 0 {
					s.end, moved = next.start+closing, whole
				}
			}
		}
		if s.start < s.end {
			all = append(all, text[s.start:s.end])
		}
	}
	return all
}

// closers measures the closing quotes and brackets at the beginning of s which
// white space, "--" or the end follows: their length, and that with the white
// space; 0 if there are none.
func closers(s string) (closing, whole int) {
	n := 0
	for n < len(s) && strings.IndexByte(`"')]}`, s[n]) >= 0 {
		n++
	}
	if n == 0 {
		return 0, 0
	}
	rest := strings.TrimLeftFunc(s[n:], pytext.Space)
	if len(rest) < len(s)-n || rest == "" || strings.HasPrefix(rest, "--") {
		return n, len(s) - len(rest)
	}
	return 0, 0
}

// candidate is a place where a sentence may end.
type candidate struct {
	end     int    // after the full stop, question or exclamation mark
	next    int    // where the next sentence would begin
	context string // the word before, the mark and what follows
}

const inWord = ".?!" // what may end a sentence

// endsWord reports whether c, being no full stop, cannot be within a word.
func endsWord(c byte) bool { return strings.IndexByte(`)";}]*:@'({[!?`, c) >= 0 }

// candidates finds the marks that a closing character, or white space and a
// word, follow. Of several within one word the last counts.
func candidates(text string) []candidate {
	var all []candidate
	wordStart, wordEnd := 0, 0 // of the word before the previous mark
	var previous *candidate
	for i := 0; i < len(text); i++ {
		if strings.IndexByte(inWord, text[i]) < 0 || i+1 >= len(text) {
			continue
		}
		c := candidate{end: i + 1, next: i + 1}
		after := ""
		if endsWord(text[i+1]) {
			after = text[i+1 : i+2]
		} else {
			rest := text[i+1:]
			word := strings.TrimLeftFunc(rest, pytext.Space)
			if word == "" || len(word) == len(rest) {
				continue
			}
			c.next = len(text) - len(word)
			n := strings.IndexFunc(word, pytext.Space)
			if n < 0 {
				n = len(word)
			}
			after = text[i+1 : c.next+n]
		}
		start := wordStart
		// Python's string.whitespace; a space in the very first place does not
		// count, which is NLTK's doing.
		if at := strings.LastIndexAny(text[wordEnd:i], " \t\n\r\v\f"); at > 0 {
			start = wordEnd + at + 1
		}
		if previous != nil && wordEnd <= start {
			all = append(all, *previous)
		}
		c.context = text[start:i] + text[i:i+1] + after
		wordStart, wordEnd, previous = start, i, &c
	}
	if previous != nil {
		all = append(all, *previous)
	}
	return all
}

// token is a word with what Punkt thinks of it.
type token struct {
	text, kind            string // kind: lower case, numbers all the same
	stop, abbr, dots, end bool   // ends in a full stop; is an abbreviation, an ellipsis, the end of a sentence
}

func newToken(s string) token {
	t := token{text: s, kind: pytext.Lower(s), stop: strings.HasSuffix(s, ".")}
	if numeric(t.kind) {
		t.kind = "##number##"
	}
	return t
}

// numeric reports whether s is a number: a sign, a point, a digit, and then only
// digits, points, commas and hyphens.
func numeric(s string) bool {
	s = strings.TrimPrefix(s, "-")
	if s != "" && (s[0] == '.' || s[0] == ',') {
		s = s[1:]
	}
	for i, r := range s {
		if !unicode.IsDigit(r) && (i == 0 || r != '.' && r != ',' && r != '-') {
			return false
		}
	}
	return s != ""
}

func (t *token) withoutStop() string {
	if len(t.kind) > 1 {
		return strings.TrimSuffix(t.kind, ".")
	}
	return t.kind
}

// bare is the kind, without the full stop if that ends a sentence.
func (t *token) bare() string {
	if t.end {
		return t.withoutStop()
	}
	return t.kind
}

func (t *token) firstUpper() bool {
	r, _ := utf8.DecodeRuneInString(t.text)
	return unicode.In(r, unicode.Lu, unicode.Other_Uppercase)
}

func (t *token) firstLower() bool {
	r, _ := utf8.DecodeRuneInString(t.text)
	return unicode.In(r, unicode.Ll, unicode.Other_Lowercase)
}

// initial reports whether the token is one letter and a full stop.
func (t *token) initial() bool {
	r, n := utf8.DecodeRuneInString(t.text)
	return t.text[n:] == "." && wordRune(r) && !unicode.IsDigit(r)
}

// breaks reports whether a sentence ends within the context.
func (p *Punkt) breaks(context string) bool {
	var tokens []token
	for line := range strings.SplitSeq(context, "\n") {
		tokens = appendTokens(tokens, line)
	}
	for i := range tokens {
		p.first(&tokens[i])
	}
	for i := range len(tokens) - 1 {
		if p.second(&tokens[i], &tokens[i+1]); tokens[i].end {
			return true
		}
	}
	return false
}

// first judges a token by its kind alone.
func (p *Punkt) first(t *token) {
	switch {
	case t.text == "." || t.text == "?" || t.text == "!":
		t.end = true
	case len(t.text) > 1 && strings.Trim(t.text, ".") == "":
		t.dots = true
	case t.stop && !strings.HasSuffix(t.text, ".."):
		word := pytext.Lower(t.text[:len(t.text)-1])
		if p.abbreviations[word] || p.abbreviations[word[strings.LastIndexByte(word, '-')+1:]] {
			t.abbr = true
		} else {
			t.end = true
		}
	}
}

// second judges a token by the next one too.
func (p *Punkt) second(t, next *token) {
	if !t.stop {
		return
	}
	kind, nextKind, initial := t.withoutStop(), next.bare(), t.initial()
	if p.collocations[[2]string{kind, nextKind}] {
		t.end, t.abbr = false, true
		return
	}
	yes, no := p.begins(next)
	if (t.abbr || t.dots) && !initial {
		if yes || next.firstUpper() && p.starters[nextKind] {
			t.end = true
			return
		}
	}
	if initial || kind == "##number##" {
		if no || !yes && initial && next.firstUpper() && p.orthography[nextKind]&anyLower == 0 {
			t.end, t.abbr = false, true
		}
	}
}

// begins tells from case whether a token begins a sentence: yes, no, or neither
// when that cannot be told.
func (p *Punkt) begins(t *token) (yes, no bool) {
	if len(t.text) == 1 && strings.Contains(";:,.!?", t.text) {
		return false, true
	}
	seen := p.orthography[t.bare()]
	if t.firstUpper() && seen&anyLower != 0 && seen&midUpper == 0 {
		return true, false
	}
	return false, t.firstLower() && (seen&anyUpper != 0 || seen&begLower == 0)
}
