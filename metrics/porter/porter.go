// Package porter is the Porter stemmer as NLTK 3.9 ships it, which differs from
// the textbook's: a few irregular words, no change to words of two letters, and
// some rules of its own. FMEval's ROUGE and METEOR rest on it. Nothing else
// belongs here.
//
// Source: M. F. Porter, "An algorithm for suffix stripping", Program 14 (1980),
// with the departures of NLTK's PorterStemmer in its default mode.
package porter

import (
	"unicode/utf8"

	"tunebench/metrics/pytext"
)

// Stem returns the stem of a word, in lower case.
func Stem(word string) string {
	word = pytext.Lower(word)
	for i := 0; i < len(word); i++ {
		if word[i] >= utf8.RuneSelf {
			return stemWide(word)
		}
	}
	return string(ASCII([]byte(word)))
}

// stemWide stems a word with characters outside ASCII. They are consonants that
// no rule names, so a stand-in byte does for each; neighbours that differ get
// stand-ins that differ, for the rule about doubled consonants. A stem keeps the
// beginning of its word, so the stand-ins are still where the characters were.
func stemWide(word string) string {
	runes := []rune(word)
	b := make([]byte, len(runes))
	for i, r := range runes {
		switch {
		case r < utf8.RuneSelf:
			b[i] = byte(r)
		case i > 0 && runes[i-1] == r:
			b[i] = b[i-1]
		default:
			b[i] = byte(0x80 + i&0x7f)
		}
	}
	var out []byte
	for i, c := range ASCII(b) {
		if c < utf8.RuneSelf {
			out = append(out, c)
		} else {
			out = utf8.AppendRune(out, runes[i])
		}
	}
	return string(out)
}

// irregular words and their stems.
func irregular(w []byte) (string, bool) {
	switch string(w) {
	case "sky", "skies":
		return "sky", true
	case "dying":
		return "die", true
	case "lying":
		return "lie", true
	case "tying":
		return "tie", true
	case "news":
		return "news", true
	case "inning", "innings":
		return "inning", true
	case "outing", "outings":
		return "outing", true
	case "canning", "cannings":
		return "canning", true
	case "howe":
		return "howe", true
	case "proceed", "exceed", "succeed":
		return string(w), true
	}
	return "", false
}

// ASCII stems a word that is in lower-case ASCII already, in its own memory: the
// result is a part of w, whose bytes it may change. Bytes from 0x80 on count as
// consonants.
func ASCII(w []byte) []byte {
	if len(w) <= 2 {
		return w
	}
	if s, ok := irregular(w); ok {
		return w[:copy(w, s)]
	}
	w = step1a(w)
	w = step1b(w)
	if n := len(w); w[n-1] == 'y' && n > 2 && consonant(w, n-2) {
		w[n-1] = 'i'
	}
	w = step2(w)
	w = step3(w)
	w = step4(w)
	return step5(w)
}

// consonant reports whether w[i] is one: no vowel, and a y only at the beginning
// or after a vowel.
func consonant(w []byte, i int) bool {
	switch w[i] {
	case 'a', 'e', 'i', 'o', 'u':
		return false
	case 'y':
		return i == 0 || !consonant(w, i-1)
	}
	return true
}

// measure counts the places where a vowel is followed by a consonant.
func measure(w []byte) int {
	m := 0
	before := true // the character before is a consonant
	for i, c := range w {
		now := true
		switch c {
		case 'a', 'e', 'i', 'o', 'u':
			now = false
		case 'y':
			now = i == 0 || !before
		}
		if now && !before {
			m++
		}
		before = now
	}
	return m
}

func hasVowel(w []byte) bool {
	for i := range w {
		if !consonant(w, i) {
			return true
		}
	}
	return false
}

// short is Porter's *o: the word ends in consonant, vowel, consonant other than
// w, x and y; NLTK adds words of a vowel and a consonant.
func short(w []byte) bool {
	n := len(w)
	switch {
	case n >= 3:
		return consonant(w, n-3) && !consonant(w, n-2) && consonant(w, n-1) && w[n-1] != 'w' && w[n-1] != 'x' && w[n-1] != 'y'
	case n == 2:
		return !consonant(w, 0) && consonant(w, 1)
	}
	return false
}

func ends(w []byte, suffix string) bool {
	return len(w) >= len(suffix) && string(w[len(w)-len(suffix):]) == suffix
}

func step1a(w []byte) []byte {
	n := len(w)
	switch {
	case w[n-1] != 's':
		return w
	case ends(w, "ies"):
		if n == 4 {
			return w[:n-1]
		}
		return w[:n-2]
	case ends(w, "sses"):
		return w[:n-2]
	case w[n-2] == 's':
		return w
	}
	return w[:n-1]
}

func step1b(w []byte) []byte {
	n := len(w)
	var rest []byte
	switch {
	case ends(w, "ied"):
		if n == 4 {
			return w[:n-1]
		}
		return w[:n-2]
	case ends(w, "eed"):
		if measure(w[:n-3]) > 0 {
			return w[:n-1]
		}
		return w
	case ends(w, "ed"):
		rest = w[:n-2]
	case ends(w, "ing"):
		rest = w[:n-3]
	default:
		return w
	}
	if !hasVowel(rest) {
		return w
	}
	n = len(rest)
	switch {
	case ends(rest, "at"), ends(rest, "bl"), ends(rest, "iz"):
		return append(rest, 'e')
	case n >= 2 && rest[n-1] == rest[n-2] && consonant(rest, n-1):
		if c := rest[n-1]; c == 'l' || c == 's' || c == 'z' {
			return rest
		}
		return rest[:n-1]
	case measure(rest) == 1 && short(rest):
		return append(rest, 'e')
	}
	return rest
}

// A rule replaces a suffix.
type rule struct{ suffix, by string }

// The rules of a step are tried in their order; they are grouped by the last
// letter, which loses nothing, since suffixes with other last letters cannot
// match the same word.
type rules [26][]rule

func group(list ...rule) (g rules) {
	for _, r := range list {
		i := r.suffix[len(r.suffix)-1] - 'a'
		g[i] = append(g[i], r)
	}
	return g
}

// find returns the first rule whose suffix w has, and what is before it.
func (g *rules) find(w []byte) (rule, []byte, bool) {
	if len(w) == 0 {
		return rule{}, nil, false
	}
	c := w[len(w)-1] - 'a'
	if c >= 26 {
		return rule{}, nil, false
	}
	for _, r := range g[c] {
		if ends(w, r.suffix) {
			return r, w[:len(w)-len(r.suffix)], true
		}
	}
	return rule{}, nil, false
}

var rules2 = group(
	rule{"ational", "ate"}, rule{"tional", "tion"}, rule{"enci", "ence"}, rule{"anci", "ance"}, rule{"izer", "ize"},
	rule{"bli", "ble"}, rule{"alli", "al"}, rule{"entli", "ent"}, rule{"eli", "e"}, rule{"ousli", "ous"},
	rule{"ization", "ize"}, rule{"ation", "ate"}, rule{"ator", "ate"}, rule{"alism", "al"}, rule{"iveness", "ive"},
	rule{"fulness", "ful"}, rule{"ousness", "ous"}, rule{"aliti", "al"}, rule{"iviti", "ive"}, rule{"biliti", "ble"},
	rule{"fulli", "ful"}, rule{"logi", "log"},
)

func step2(w []byte) []byte {
	for ends(w, "alli") && measure(w[:len(w)-4]) > 0 {
		w = w[:len(w)-2]
	}
	r, stem, ok := rules2.find(w)
	if !ok {
		return w
	}
	counted := stem
	if r.suffix == "logi" {
		counted = w[:len(w)-3] // the l counts too
	}
	if measure(counted) > 0 {
		return append(stem, r.by...)
	}
	return w
}

var rules3 = group(rule{"icate", "ic"}, rule{"ative", ""}, rule{"alize", "al"}, rule{"iciti", "ic"}, rule{"ical", "ic"}, rule{"ful", ""}, rule{"ness", ""})

func step3(w []byte) []byte {
	if r, stem, ok := rules3.find(w); ok && measure(stem) > 0 {
		return append(stem, r.by...)
	}
	return w
}

var rules4 = group(
	rule{"al", ""}, rule{"ance", ""}, rule{"ence", ""}, rule{"er", ""}, rule{"ic", ""}, rule{"able", ""}, rule{"ible", ""},
	rule{"ant", ""}, rule{"ement", ""}, rule{"ment", ""}, rule{"ent", ""}, rule{"ion", ""}, rule{"ou", ""}, rule{"ism", ""},
	rule{"ate", ""}, rule{"iti", ""}, rule{"ous", ""}, rule{"ive", ""}, rule{"ize", ""},
)

func step4(w []byte) []byte {
	r, stem, ok := rules4.find(w)
	if !ok || measure(stem) <= 1 {
		return w
	}
	if n := len(stem); r.suffix == "ion" && stem[n-1] != 's' && stem[n-1] != 't' {
		return w
	}
	return stem
}

func step5(w []byte) []byte {
	if ends(w, "e") {
		stem := w[:len(w)-1]
		if m := measure(stem); m > 1 || m == 1 && !short(stem) {
			w = stem
		}
	}
	if ends(w, "ll") && measure(w[:len(w)-1]) > 1 {
		w = w[:len(w)-1]
	}
	return w
}
