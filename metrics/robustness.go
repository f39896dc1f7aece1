package metrics

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"tunebench/metrics/pytext"
)

// GeneralRobustness measures how much a model's output changes when its prompt
// is disturbed (FMEval's general_semantic_robustness). Package perturb disturbs
// the prompts; the model's outputs for them come in the row.
var GeneralRobustness = Metric{
	Name:    "general_semantic_robustness",
	What:    "how much the output changes when the prompt is disturbed",
	Columns: []string{"model_output", "perturbed_outputs"},
	Scores: []Score{
		{Name: "word_error_rate", What: "words to change, over the words of the original output", High: math.Inf(1), Direction: LowerIsBetter},
	},
	Absent:    []Absent{{"bertscore_dissimilarity", needsModel}},
	newScorer: func(map[string]string) (Scorer, error) { return generalScorer{}, nil },
}

// ErrNoPerturbed says that a row lacks the outputs for disturbed prompts.
var ErrNoPerturbed = errors.New("perturbed_outputs is missing: robustness needs the model's outputs for disturbed prompts")

type generalScorer struct{}

// Score is the word error rate of the outputs for disturbed prompts against the
// original one. Where the model was asked the same prompt again (Repeats) the
// rate among all pairs of those outputs is taken off, but not below 0.
// Source: FMEval 1.2.3, GeneralSemanticRobustness.
func (generalScorer) Score(dst []float64, row Row) ([]float64, Warnings, error) {
	if len(row.Perturbed) == 0 {
		return dst, 0, ErrNoPerturbed
	}
	rate, err := WordErrorRate(row.Perturbed, slices.Repeat([]string{row.Output}, len(row.Perturbed)))
	if err != nil {
		return dst, 0, err
	}
	if len(row.Repeats) > 0 {
		outputs := append(slices.Clone(row.Repeats), row.Output)
		var first, second []string
		for i, a := range outputs {
			for _, b := range outputs[i+1:] {
				first, second = append(first, a), append(second, b)
			}
		}
		baseline, err := WordErrorRate(first, second)
		if err != nil {
			return dst, 0, err
		}
		rate = max(0, rate-baseline)
	}
	return append(dst, rate), 0, nil
}

// robustnessOf makes the semantic robustness of a metric: its scores for the
// original output, then for each how far the scores for the perturbed outputs
// are from it in the mean.
func robustnessOf(m Metric) Metric {
	base := m
	m.Name += "_semantic_robustness"
	m.What = "the same, and how much it changes when the prompt is disturbed"
	m.Columns = append(slices.Clone(base.Columns), "perturbed_outputs")
	m.Scores = slices.Clone(base.Scores)
	m.SetScores, m.newSetScorer = nil, nil
	m.Absent = nil
	for _, s := range base.Scores {
		m.Scores = append(m.Scores, Score{Name: "delta_" + s.Name, What: "mean change of " + s.Name + " under disturbed prompts", High: s.High - s.Low, Direction: LowerIsBetter})
	}
	for _, prefix := range []string{"", "delta_"} {
		for _, a := range base.Absent {
			m.Absent = append(m.Absent, Absent{prefix + a.Name, a.Why})
		}
	}
	m.newScorer = func(p map[string]string) (Scorer, error) {
		s, err := base.newScorer(p)
		if err != nil {
			return nil, err
		}
		return &robustScorer{base: s, n: len(base.Scores)}, nil
	}
	return m
}

type robustScorer struct {
	base   Scorer
	n      int
	values []float64 // of the perturbed outputs, row by row
	column []float64
}

// Score appends the scores of the original output and their mean deltas.
// Source: FMEval 1.2.3, MeanDeltaScores.
func (s *robustScorer) Score(dst []float64, row Row) ([]float64, Warnings, error) {
	if len(row.Perturbed) == 0 {
		return dst, 0, ErrNoPerturbed
	}
	first := len(dst)
	all, warnings, err := s.base.Score(dst, row)
	if err != nil {
		return dst, 0, err
	}
	s.values = s.values[:0]
	for _, p := range row.Perturbed {
		other := row
		other.Output = p
		if s.values, _, err = s.base.Score(s.values, other); err != nil {
			return dst, 0, err
		}
	}
	for i := range s.n {
		s.column = s.column[:0]
		for j := i; j < len(s.values); j += s.n {
			s.column = append(s.column, s.values[j])
		}
		all = append(all, MeanDelta(all[first+i], s.column))
	}
	return all, warnings, nil
}

// MeanDelta returns the mean distance of the values from the original one, 0 for
// no values. The sum is made as numpy makes it, in blocks of eight from eight
// values on, up to 128 values.
func MeanDelta(original float64, values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	delta := func(i int) float64 { return math.Abs(original - values[i]) }
	n, sum := len(values), 0.0
	i := 0
	if n >= 8 {
		var r [8]float64
		for ; i+8 <= n; i += 8 {
			for j := range r {
				r[j] += delta(i + j)
			}
		}
		sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]))
	}
	for ; i < n; i++ {
		sum += delta(i)
	}
	return sum / float64(n)
}

// ErrBlankReference says that a word error rate has no reference to compare with.
var ErrBlankReference = errors.New("the reference of a word error rate is blank")

// WordErrorRate returns the words that must be changed, put in or left out to
// turn the predictions into their references, over the words of the references;
// it can exceed 1. Words stand between single spaces: two or more white-space
// characters count as one space, but a lone tab or line feed is part of a word,
// and case and punctuation count. A blank reference is an error.
// Source: jiwer 3.1.0 as FMEval 1.2.3 uses it.
func WordErrorRate(predictions, references []string) (float64, error) {
	if len(predictions) != len(references) {
		return 0, fmt.Errorf("there are %d predictions for %d references", len(predictions), len(references))
	}
	edits, words := 0, 0
	var row []int
	for i, r := range references {
		ref, pred := errorWords(r), errorWords(predictions[i])
		if len(ref) == 0 {
			return 0, ErrBlankReference
		}
		words += len(ref)
		var n int
		n, row = editDistance(pred, ref, row)
		edits += n
	}
	if words == 0 {
		return 0, ErrBlankReference
	}
	return float64(edits) / float64(words), nil
}

func errorWords(s string) []string {
	var b strings.Builder
	run := 0 // white-space characters held back
	var held rune
	for _, r := range s {
		if pytext.Space(r) {
			run++
			held = r
			continue
		}
		writeSpace(&b, run, held)
		run = 0
		b.WriteRune(r)
	}
	writeSpace(&b, run, held)
	return slices.DeleteFunc(strings.Split(pytext.Strip(b.String()), " "), func(w string) bool { return w == "" })
}

func writeSpace(b *strings.Builder, run int, held rune) {
	switch {
	case run == 1:
		b.WriteRune(held)
	case run > 1:
		b.WriteByte(' ')
	}
}

// editDistance is Levenshtein's over words; row is working memory.
func editDistance(a, b []string, row []int) (int, []int) {
	row = row[:0]
	for j := range len(b) + 1 {
		row = append(row, j)
	}
	for i, x := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range b {
			above := row[j+1]
			cost := diagonal
			if x != y {
				cost = 1 + min(diagonal, above, row[j])
			}
			row[j+1] = cost
			diagonal = above
		}
	}
	return row[len(b)], row
}
