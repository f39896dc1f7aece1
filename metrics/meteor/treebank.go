package meteor

import (
	"slices"
	"strings"
	"unicode"

	"tunebench/metrics/pytext"
)

// Tokenize is NLTK's word_tokenize: sentences by Punkt, then words.
func (e *English) Tokenize(text string) []string {
	var all []string
	for _, s := range e.Punkt.Sentences(text) {
		all = append(all, Words(s, e.SqueezeSpace)...)
	}
	return all
}

// Words splits a sentence into words and punctuation in the manner of the Penn
// Treebank, as NLTK's NLTKWordTokenizer does: a series of substitutions that put
// spaces around what is a token of its own, each over the result of the one
// before, and a split at white space in the end. For squeezeSpace see English.
// (NLTK after 3.9.2 also splits at some dashes and treats opening single quotes
// in another way.)
func Words(sentence string, squeezeSpace bool) []string {
	t := &text{now: []rune(sentence)}

	// Opening quotes.
	t.padRuns(func(r rune) bool { return r == '`' }, "«“‘„")
	if len(t.now) > 0 && t.now[0] == '"' {
		t.now = slices.Replace(t.now, 0, 1, '`', '`')
	}
	t.replace('`', func(s []rune) (int, string) { return has(s, "``"), " `` " })
	t.openingQuotes()
	t.singleQuotes()

	// Punctuation.
	t.finalStop("])}>\"'»”’ ", true)
	t.colons()
	t.padRuns(func(r rune) bool { return r == '.' }, "")
	t.pad(";@#$%&")
	t.finalStop("])}>\"'", false)
	t.pad("?!")
	t.after('\'', func(before rune, s []rune) (int, string) {
		if before != '\'' && has(s, "' ") > 0 {
			return 2, " ' "
		}
		return 0, ""
	})
	t.pad("*")
	t.pad("][(){}<>")
	t.replace('-', func(s []rune) (int, string) { return has(s, "--"), " -- " })

	// Closing quotes and what is glued on with an apostrophe.
	t.now = append(append([]rune{' '}, t.now...), ' ')
	t.pad("»”’")
	t.replace('\'', func(s []rune) (int, string) { return has(s, "''"), " '' " })
	t.replace('"', func([]rune) (int, string) { return 1, " '' " })
	if squeezeSpace {
		t.squeeze()
	}
	t.after('\'', func(before rune, s []rune) (int, string) {
		if before == '\'' || before == ' ' {
			return 0, ""
		}
		for _, end := range []string{"'s ", "'S ", "'m ", "'M ", "'d ", "'D ", "' "} {
			if n := has(s, end); n > 0 {
				return n, " " + end
			}
		}
		return 0, ""
	})
	t.clitics()

	for _, c := range contractions {
		t.contract(c)
	}
	return strings.FieldsFunc(string(t.now), pytext.Space)
}

// text is a text under substitution: now is what it is, next what it becomes.
type text struct{ now, next []rune }

func (t *text) swap() { t.now, t.next = t.next, t.now[:0] }

// has returns the length of what if s begins with it, else 0.
func has(s []rune, what string) int {
	n := 0
	for _, r := range what {
		if n >= len(s) || s[n] != r {
			return 0
		}
		n++
	}
	return n
}

// replace asks match at every place of the trigger how many runes to replace by
// what; 0 leaves the place alone. Matches do not overlap.
func (t *text) replace(trigger rune, match func(s []rune) (n int, by string)) {
	if !slices.Contains(t.now, trigger) {
		return
	}
	for i := 0; i < len(t.now); {
		if t.now[i] == trigger {
			if n, by := match(t.now[i:]); n > 0 {
				t.next = append(t.next, []rune(by)...)
				i += n
				continue
			}
		}
		t.next = append(t.next, t.now[i])
		i++
	}
	t.swap()
}

// after is replace for patterns that also take in the rune before the trigger,
// which stays: it must not be part of the match before.
func (t *text) after(trigger rune, match func(before rune, s []rune) (n int, by string)) {
	if !slices.Contains(t.now, trigger) {
		return
	}
	used := -1 // up to here runes belong to a match
	for i := 0; i < len(t.now); {
		if t.now[i] == trigger && i-1 > used {
			if n, by := match(t.now[i-1], t.now[i:]); n > 0 {
				t.next = append(t.next, []rune(by)...)
				used = i + n - 1
				i += n
				continue
			}
		}
		t.next = append(t.next, t.now[i])
		i++
	}
	t.swap()
}

// pad puts spaces around each of the characters.
func (t *text) pad(set string) { t.padRuns(nil, set) }

// padRuns puts spaces around each character of the set, and around each run of
// what in matches: of backticks one or more, of full stops two or more.
func (t *text) padRuns(in func(rune) bool, set string) {
	hit := func(r rune) bool {
		return in != nil && in(r) || strings.ContainsRune(set, r) && r != unicode.ReplacementChar
	}
	if !slices.ContainsFunc(t.now, hit) {
		return
	}
	for i := 0; i < len(t.now); {
		r := t.now[i]
		n := 1
		if in != nil && in(r) {
			for i+n < len(t.now) && in(t.now[i+n]) {
				n++
			}
			if r == '.' && n < 2 {
				t.next = append(t.next, r)
				i++
				continue
			}
		} else if !hit(r) {
			t.next = append(t.next, r)
			i++
			continue
		}
		t.next = append(t.next, ' ')
		t.next = append(t.next, t.now[i:i+n]...)
		t.next = append(t.next, ' ')
		i += n
	}
	t.swap()
}

// openingQuotes makes two backticks of a double quote after a space or an opening bracket.
func (t *text) openingQuotes() {
	for i := 0; i < len(t.now); {
		r := t.now[i]
		t.next = append(t.next, r)
		i++
		if strings.ContainsRune(" ([{<", r) {
			n := has(t.now[i:], `"`) + has(t.now[i:], "''")
			if n > 0 {
				t.next = append(t.next, []rune(" `` ")...)
				i += n
			}
		}
	}
	t.swap()
}

// singleQuotes splits an apostrophe off a single word character after it, unless
// that is what is glued on elsewhere: m, t, s, d, n.
func (t *text) singleQuotes() {
	if !slices.Contains(t.now, '\'') {
		return
	}
	for i := 0; i < len(t.now); i++ {
		t.next = append(t.next, t.now[i])
		if t.now[i] != '\'' || i+1 >= len(t.now) {
			continue
		}
		r := t.now[i+1]
		if wordRune(r) && (i+2 >= len(t.now) || !wordRune(t.now[i+2])) && !strings.ContainsRune("mtsdn", fold(r)) {
			t.next = append(t.next, ' ')
		}
	}
	t.swap()
}

// fold is the lower case that a Python regular expression compares by when case
// does not matter: it takes ı for i and ſ for s.
func fold(r rune) rune {
	switch r {
	case 'ı':
		return 'i'
	case 'ſ':
		return 's'
	}
	return unicode.ToLower(r)
}

// finalStop splits the last full stop of the sentence off, if only characters of
// the set and then white space follow and no full stop is before it. Apart: the
// characters after it are split off too.
func (t *text) finalStop(set string, apart bool) {
	k := len(t.now)
	for k > 0 && pytext.Space(t.now[k-1]) {
		k--
	}
	for k > 0 && strings.ContainsRune(set, t.now[k-1]) {
		k--
	}
	if k < 2 || t.now[k-1] != '.' || t.now[k-2] == '.' {
		return
	}
	end := k
	for end < len(t.now) && strings.ContainsRune(set, t.now[end]) {
		end++
	}
	t.next = append(append(t.next, t.now[:k-1]...), ' ', '.')
	if apart {
		t.next = append(t.next, ' ')
	}
	t.next = append(append(t.next, t.now[k:end]...), ' ')
	t.swap()
}

// colons puts spaces around a colon or comma that something other than a digit
// follows, or that ends the text (but for a line feed).
func (t *text) colons() {
	colon := func(r rune) bool { return r == ':' || r == ',' }
	if !slices.ContainsFunc(t.now, colon) {
		return
	}
	for i := 0; i < len(t.now); {
		r := t.now[i]
		if !colon(r) || i+1 >= len(t.now) || unicode.IsDigit(t.now[i+1]) {
			t.next = append(t.next, r)
			i++
			continue
		}
		t.next = append(t.next, ' ', r, ' ', t.now[i+1])
		i += 2
	}
	t.swap()
	n := len(t.now)
	if n > 1 && t.now[n-1] == '\n' && colon(t.now[n-2]) {
		t.now = slices.Replace(t.now, n-2, n-1, ' ', t.now[n-2], ' ')
	} else if n > 0 && colon(t.now[n-1]) {
		t.now = slices.Replace(t.now, n-1, n, ' ', t.now[n-1], ' ')
	}
}

// squeeze makes one space of each run of white space.
func (t *text) squeeze() {
	for i, r := range t.now {
		if !pytext.Space(r) {
			t.next = append(t.next, r)
		} else if i == 0 || !pytext.Space(t.now[i-1]) {
			t.next = append(t.next, ' ')
		}
	}
	t.swap()
}

// clitics splits 'll, 're, 've and n't off, in small letters or capitals.
func (t *text) clitics() {
	for i := 0; i < len(t.now); {
		r := t.now[i]
		t.next = append(t.next, r)
		i++
		if r == '\'' || r == ' ' {
			continue
		}
		for _, end := range []string{"'ll ", "'LL ", "'re ", "'RE ", "'ve ", "'VE ", "n't ", "N'T "} {
			if n := has(t.now[i:], end); n > 0 {
				t.next = append(append(t.next, ' '), []rune(end)...)
				i += n
				break
			}
		}
	}
	t.swap()
}

// contraction is a word that is two tokens.
type contraction struct {
	first, second string
	spaceBefore   bool // a space must be before it, and is taken away
	spaceAfter    bool // white space must follow, not just the end of the word
}

var contractions = []contraction{
	{"can", "not", false, false}, {"d", "'ye", false, false}, {"gim", "me", false, false}, {"gon", "na", false, false},
	{"got", "ta", false, false}, {"lem", "me", false, false}, {"more", "'n", false, false}, {"wan", "na", false, true},
	{"'t", "is", true, false}, {"'t", "was", true, false},
}

// contract splits a contraction wherever it is a whole word, in any case.
func (t *text) contract(c contraction) {
	whole := c.first + c.second
	first, n := len(c.first), len(whole)
	found := false
	for i := 0; i < len(t.now); {
		if t.contracted(c, whole, i) {
			found = true
			if c.spaceBefore {
				t.next = t.next[:len(t.next)-1]
			}
			t.next = append(append(t.next, ' '), t.now[i:i+first]...)
			t.next = append(append(t.next, ' '), t.now[i+first:i+n]...)
			t.next = append(t.next, ' ')
			i += n
			continue
		}
		t.next = append(t.next, t.now[i])
		i++
	}
	if !found {
		t.next = t.next[:0]
		return
	}
	t.swap()
}

func (t *text) contracted(c contraction, whole string, i int) bool {
	n := len(whole)
	if i+n > len(t.now) {
		return false
	}
	for j := range n {
		if fold(t.now[i+j]) != rune(whole[j]) {
			return false
		}
	}
	if c.spaceBefore {
		if i == 0 || t.now[i-1] != ' ' {
			return false
		}
	} else if i > 0 && wordRune(t.now[i-1]) {
		return false
	}
	if i+n == len(t.now) {
		return !c.spaceAfter
	}
	if c.spaceAfter {
		return pytext.Space(t.now[i+n])
	}
	return !wordRune(t.now[i+n])
}
