// Package rouge computes ROUGE-1, ROUGE-2 and ROUGE-L between two texts, with
// the values of rouge-score 0.1.2, on which FMEval's summarization accuracy
// rests. Other variants (ROUGE-Lsum, several references) do not belong here:
// FMEval does not use them.
//
// Source: C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries"
// (2004).
package rouge

import (
	"fmt"
	"unicode/utf8"

	"tunebench/metrics/porter"
	"tunebench/metrics/pytext"
)

// Type is a variant of ROUGE.
type Type string

// The variants that FMEval has.
const (
	Rouge1 Type = "rouge1"
	Rouge2 Type = "rouge2"
	RougeL Type = "rougeL"
)

// Result is one comparison. All values are from 0 to 1.
type Result struct{ Precision, Recall, F float64 }

// Scorer scores pairs one after another and keeps its working memory, so it
// allocates nothing once it has seen texts of the usual size. Each goroutine
// needs its own.
type Scorer struct {
	kind  Type
	stem  bool
	words intern
	// Tokens as numbers: equal numbers are equal tokens.
	target, output []int32
	counts         []int32 // of each word
	pairs          pairTable
	row            []int32 // of the table of common subsequences
	lower, token   []byte
}

// New makes a scorer. With stem, words longer than three characters are reduced
// to their Porter stem.
func New(kind Type, stem bool) (*Scorer, error) {
	switch kind {
	case Rouge1, Rouge2, RougeL:
		return &Scorer{kind: kind, stem: stem}, nil
	}
	return nil, fmt.Errorf("there is no ROUGE variant %q; use %s, %s or %s", kind, Rouge1, Rouge2, RougeL)
}

// Score compares an output with its target.
func (s *Scorer) Score(target, output string) Result {
	s.words.reset()
	s.target = s.tokens(s.target[:0], target)
	s.output = s.tokens(s.output[:0], output)
	switch s.kind {
	case RougeL:
		if len(s.target) == 0 || len(s.output) == 0 {
			return Result{}
		}
		return result(s.common(), len(s.output), len(s.target))
	case Rouge2:
		n, m := max(len(s.target)-1, 0), max(len(s.output)-1, 0)
		return result(s.commonPairs(), max(m, 1), max(n, 1))
	default:
		return result(s.commonWords(), max(len(s.output), 1), max(len(s.target), 1))
	}
}

// result divides; the form of f is rouge-score's, and it matters in the last bit.
func result(hits, output, target int) Result {
	r := Result{Precision: float64(hits) / float64(output), Recall: float64(hits) / float64(target)}
	if sum := r.Precision + r.Recall; sum > 0 {
		r.F = float64(float64(2*r.Precision)*r.Recall) / sum
	}
	return r
}

// tokens appends the tokens of text: runs of a–z and 0–9 in the lower-cased
// text. Everything else separates, accented letters included ("naïve" is "na"
// and "ve").
func (s *Scorer) tokens(dst []int32, text string) []int32 {
	for i := 0; i < len(text); i++ {
		if text[i] >= utf8.RuneSelf {
			// Lower case may bring ASCII letters in: the Kelvin sign is a k.
			s.lower = pytext.AppendLower(s.lower[:0], text)
			return tokens(s, dst, s.lower)
		}
	}
	return tokens(s, dst, text)
}

func tokens[T string | []byte](s *Scorer, dst []int32, text T) []int32 {
	s.token = s.token[:0]
	for i := range len(text) {
		if c := tokenByte[text[i]]; c != 0 {
			s.token = append(s.token, c)
		} else if len(s.token) > 0 {
			dst = append(dst, s.number())
		}
	}
	if len(s.token) > 0 {
		dst = append(dst, s.number())
	}
	return dst
}

// number empties s.token and returns its number.
func (s *Scorer) number() int32 {
	t := s.token
	if s.stem && len(t) > 3 {
		t = porter.ASCII(t)
	}
	s.token = s.token[:0]
	return s.words.number(t)
}

// tokenByte is the lower case of the characters that tokens are made of, else 0.
var tokenByte = func() (t [256]byte) {
	for c := '0'; c <= '9'; c++ {
		t[c] = byte(c)
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] = byte(c)
		t[c-'a'+'A'] = byte(c)
	}
	return t
}()

// commonWords counts the words that both texts have, as often as both have them.
func (s *Scorer) commonWords() (hits int) {
	s.counts = append(s.counts[:0], make([]int32, s.words.n)...)
	for _, w := range s.target {
		s.counts[w]++
	}
	for _, w := range s.output {
		if s.counts[w] > 0 {
			s.counts[w]--
			hits++
		}
	}
	return hits
}

// commonPairs does the same for pairs of neighbours.
func (s *Scorer) commonPairs() (hits int) {
	if len(s.target) < 2 || len(s.output) < 2 {
		return 0
	}
	s.pairs.reset(len(s.target) - 1)
	for i := range len(s.target) - 1 {
		s.pairs.at(s.target[i], s.target[i+1], true).count++
	}
	for i := range len(s.output) - 1 {
		if p := s.pairs.at(s.output[i], s.output[i+1], false); p != nil && p.count > 0 {
			p.count--
			hits++
		}
	}
	return hits
}

// common returns the length of the longest common subsequence.
func (s *Scorer) common() int {
	a, b := s.target, s.output
	if len(b) > len(a) {
		a, b = b, a
	}
	s.row = append(s.row[:0], make([]int32, len(b)+1)...)
	row := s.row
	for _, x := range a {
		diagonal := int32(0)
		for j, y := range b {
			above := row[j+1]
			if x == y {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(above, row[j])
			}
			diagonal = above
		}
	}
	return int(row[len(b)])
}
