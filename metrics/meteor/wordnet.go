package meteor

import (
	"fmt"
	"io/fs"
	"iter"
	"strconv"
	"strings"

	"tunebench/metrics/pytext"
)

// WordNet is what METEOR needs of WordNet 3.0: which words are in a synset with
// a word. It does not change, so goroutines may share it.
type WordNet struct{ parts [4]partOfSpeech }

type partOfSpeech struct {
	index      map[string]string   // lemma → the rest of its line in the index
	data       string              // the data file; the index holds offsets into it
	exceptions map[string][]string // irregular form → its base forms
	endings    [][2]string         // regular endings and what they stand for
}

// wordNetParts are the parts of speech in the order in which NLTK asks them.
var wordNetParts = [4]struct {
	file    string
	endings [][2]string
}{
	{"noun", [][2]string{{"s", ""}, {"ses", "s"}, {"ves", "f"}, {"xes", "x"}, {"zes", "z"}, {"ches", "ch"}, {"shes", "sh"}, {"men", "man"}, {"ies", "y"}}},
	{"verb", [][2]string{{"s", ""}, {"ies", "y"}, {"es", "e"}, {"es", ""}, {"ed", "e"}, {"ed", ""}, {"ing", "e"}, {"ing", ""}}},
	{"adj", [][2]string{{"er", ""}, {"est", ""}, {"er", "e"}, {"est", "e"}}},
	{"adv", nil},
}

// LoadWordNet reads the index, data and exception files of WordNet 3.0 in the
// root of dir, about 20 MB. A file that is missing or not WordNet's is an error.
func LoadWordNet(dir fs.FS) (*WordNet, error) {
	w := &WordNet{}
	for i, part := range wordNetParts {
		p := &w.parts[i]
		p.endings = part.endings
		index, err := fs.ReadFile(dir, "index."+part.file)
		if err != nil {
			return nil, fmt.Errorf("WordNet's index cannot be read: %w", err)
		}
		data, err := fs.ReadFile(dir, "data."+part.file)
		if err != nil {
			return nil, fmt.Errorf("WordNet's synsets cannot be read: %w", err)
		}
		exc, err := fs.ReadFile(dir, part.file+".exc")
		if err != nil {
			return nil, fmt.Errorf("WordNet's irregular forms cannot be read: %w", err)
		}
		p.data = string(data)
		p.index = make(map[string]string, strings.Count(string(index), "\n"))
		for line := range strings.Lines(string(index)) {
			if lemma, rest, ok := strings.Cut(line, " "); ok && lemma != "" {
				p.index[lemma] = rest
			}
		}
		p.exceptions = map[string][]string{}
		for line := range strings.Lines(string(exc)) {
			if f := strings.Fields(line); len(f) > 1 {
				p.exceptions[f[0]] = f[1:]
			}
		}
		// One entry is read to the end, so that other files under these names
		// are found out now and not while scoring.
		for lemma, rest := range p.index {
			ok := false
			for synset := range synsets(rest) {
				ok = true
				if _, err := p.words(nil, synset); err != nil {
					return nil, fmt.Errorf("data.%s is not WordNet 3.0's: %w", part.file, err)
				}
			}
			if !ok {
				return nil, fmt.Errorf("index.%s is not WordNet's: the line of %q has no synset", part.file, lemma)
			}
			break
		}
	}
	return w, nil
}

// synsets yields the offsets in the rest of an index line: part of speech,
// number of synsets, number of pointers and the pointers, two more numbers, and
// then the offsets. A line that is not so has none.
func synsets(rest string) iter.Seq[int] {
	return func(yield func(int) bool) {
		f := strings.Fields(rest)
		if len(f) < 3 {
			return
		}
		n, err1 := strconv.Atoi(f[1])
		pointers, err2 := strconv.Atoi(f[2])
		if err1 != nil || err2 != nil || n < 0 || pointers < 0 || len(f) < 5+pointers+n {
			return
		}
		for _, o := range f[5+pointers : 5+pointers+n] {
			offset, err := strconv.Atoi(o)
			if err != nil || !yield(offset) {
				return
			}
		}
	}
}

// words appends the words of the synset at an offset, as they are spelled, those
// of several words left out.
func (p *partOfSpeech) words(dst []string, offset int) ([]string, error) {
	if offset < 0 || offset >= len(p.data) {
		return dst, fmt.Errorf("there is no synset at %d", offset)
	}
	line, _, _ := strings.Cut(p.data[offset:], "\n")
	columns, _, _ := strings.Cut(line, "|")
	f := strings.Fields(columns)
	if len(f) < 4 {
		return dst, fmt.Errorf("the synset at %d has too few columns", offset)
	}
	at, err1 := strconv.Atoi(f[0])
	n, err2 := strconv.ParseInt(f[3], 16, 32)
	if err1 != nil || err2 != nil || at != offset || len(f) < 4+2*int(n) {
		return dst, fmt.Errorf("the line at %d is no synset", offset)
	}
	for i := range int(n) {
		word := f[4+2*i]
		if strings.HasSuffix(word, ")") { // a syntactic marker: "alive(p)"
			if j := strings.IndexByte(word, '('); j >= 0 {
				word = word[:j]
			}
		}
		if !strings.Contains(word, "_") {
			dst = append(dst, word)
		}
	}
	return dst, nil
}

// Synonyms appends to dst the words that are in a synset with word, spelled as
// WordNet has them ("Paris" with its capital); the word itself is not added. The
// forms that are looked up are the word, and its exceptions or else the word
// with one regular ending replaced; one round only, as NLTK does since 3.9.
func (w *WordNet) Synonyms(dst []string, word string) []string {
	word = pytext.Lower(word)
	var forms []string
	for i := range w.parts {
		p := &w.parts[i]
		forms = append(forms[:0], word)
		if base, ok := p.exceptions[word]; ok {
			forms = append(forms, base...)
		} else {
			for _, e := range p.endings {
				if stem, ok := strings.CutSuffix(word, e[0]); ok {
					forms = append(forms, stem+e[1])
				}
			}
		}
		for _, form := range forms {
			for synset := range synsets(p.index[form]) {
				dst, _ = p.words(dst, synset) // a damaged synset has no words
			}
		}
	}
	return dst
}
