// Package meteor computes METEOR between two texts with the values of NLTK
// 3.9.1, on which FMEval's summarization accuracy rests: word_tokenize (Punkt
// and the Treebank tokenizer), matching by word, stem and synonym, and the
// score. The word lists are not part of it: WordNet 3.0 and the English Punkt
// parameters are read from folders that the caller names, and where one of them
// is missing there is no METEOR, rather than a METEOR of 0.
package meteor

import (
	"cmp"
	"math"
	"slices"

	"tunebench/metrics/porter"
	"tunebench/metrics/pytext"
)

// English is what METEOR knows of the language. It does not change, so
// goroutines may share it.
type English struct {
	WordNet *WordNet
	Punkt   *Punkt
	// SqueezeSpace makes one space of each run of white space before 's, n't and
	// their like are split off, so that they are also before a line feed. The
	// releases of NLTK since 3.9 do that; the vectors from FMEval that the tests
	// hold METEOR against were made without.
	SqueezeSpace bool
}

// Scorer scores pairs one after another. It remembers the stems and synonyms of
// words it has seen; each goroutine needs its own.
type Scorer struct {
	english  *English
	stems    map[string]string
	synonyms map[string]map[string]bool
}

// remembered bounds what a scorer remembers, in words.
const remembered = 1 << 15

// New makes a scorer.
func New(e *English) *Scorer {
	return &Scorer{english: e, stems: map[string]string{}, synonyms: map[string]map[string]bool{}}
}

// Score returns METEOR of an output against its target, from 0 to 1 (never quite
// 1: two equal texts of one word score 0.5).
func (s *Scorer) Score(target, output string) float64 {
	return s.tokens(s.english.Tokenize(target), s.english.Tokenize(output))
}

// word is a token that has no partner yet, with its place.
type word struct {
	at   int
	text string
}

// match is a pair of places.
type match struct{ output, target int }

// tokens computes, with m matched words in c chunks of neighbours that are
// neighbours in both texts,
//
//	P = m/|output|, R = m/|target|, F = P·R / (0.9·P + 0.1·R)
//	score = (1 − 0.5·(c/m)³)·F
//
// Words match by text, then by stem, then by synonym, each from the last word
// backwards with the last that fits. As in NLTK the words that are left after
// the second stage are stems in the third, so most synonyms of inflected words
// are missed. Source: A. Lavie, A. Agarwal, "METEOR" (2007).
func (s *Scorer) tokens(target, output []string) float64 {
	refs, hyps := lowered(target), lowered(output)
	var matches []match
	equal := func() {
		places := make(map[string][]int, len(refs))
		for i, r := range refs {
			places[r.text] = append(places[r.text], i)
		}
		hyps = slices.DeleteFunc(backwards(hyps), func(h word) bool {
			p := places[h.text]
			if len(p) == 0 {
				return false
			}
			last := p[len(p)-1]
			places[h.text] = p[:len(p)-1]
			matches = append(matches, match{h.at, refs[last].at})
			refs[last].at = -1
			return true
		})
		slices.Reverse(hyps)
		refs = slices.DeleteFunc(refs, func(r word) bool { return r.at < 0 })
	}
	equal()
	for _, list := range [][]word{hyps, refs} {
		for i := range list {
			list[i].text = s.stem(list[i].text)
		}
	}
	equal()
	for _, h := range slices.Backward(hyps) {
		synonyms := s.synonymsOf(h.text)
		for j, r := range slices.Backward(refs) {
			if r.text == h.text || synonyms[r.text] {
				matches = append(matches, match{h.at, r.at})
				refs = slices.Delete(refs, j, j+1)
				break
			}
		}
	}
	if len(matches) == 0 {
		return 0
	}
	slices.SortFunc(matches, func(a, b match) int { return cmp.Compare(a.output, b.output) })
	chunks := 1
	for i, m := range matches[1:] {
		if before := matches[i]; m.output != before.output+1 || m.target != before.target+1 {
			chunks++
		}
	}
	alpha, gamma := 0.9, 0.5 // variables: as constants 1 − 0.9 would be 0.1, which it is not in binary
	m := float64(len(matches))
	precision, recall := m/float64(len(output)), m/float64(len(target))
	mean := float64(precision*recall) / (float64(alpha*precision) + float64((1-alpha)*recall))
	penalty := float64(gamma * cube(float64(chunks)/m))
	return float64((1 - penalty) * mean)
}

// cube is x³ rounded once, as the C library's pow gives it.
func cube(x float64) float64 {
	square := float64(x * x)
	rest := math.FMA(x, x, -square)
	hi := float64(square * x)
	lo := math.FMA(square, x, -hi) + float64(rest*x)
	return hi + lo
}

func lowered(tokens []string) []word {
	list := make([]word, len(tokens))
	for i, t := range tokens {
		list[i] = word{i, pytext.Lower(t)}
	}
	return list
}

func backwards(list []word) []word {
	slices.Reverse(list)
	return list
}

func (s *Scorer) stem(w string) string {
	stem, ok := s.stems[w]
	if !ok {
		if len(s.stems) >= remembered {
			clear(s.stems)
		}
		stem = porter.Stem(w)
		s.stems[w] = stem
	}
	return stem
}

func (s *Scorer) synonymsOf(w string) map[string]bool {
	set, ok := s.synonyms[w]
	if !ok {
		if len(s.synonyms) >= remembered {
			clear(s.synonyms)
		}
		for _, synonym := range s.english.WordNet.Synonyms(nil, w) {
			if set == nil {
				set = map[string]bool{}
			}
			set[synonym] = true
		}
		s.synonyms[w] = set
	}
	return set
}
