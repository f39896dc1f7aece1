// Package metrics holds the scores that an evaluation gives to a model's
// outputs, and the statistics that say how far to trust them.
//
// Scores carry the names, the order and bit for bit the values of AWS's FMEval
// 1.2.3, so that numbers can be compared with those of others. Everything here
// is a pure function of its arguments: nothing reads files, calls models or
// knows of runs and datasets; those live in the services.
package metrics

import (
	"fmt"
	"slices"
	"strings"
)

// Direction says which values of a score are good.
type Direction string

// The directions.
const (
	HigherIsBetter Direction = "higher is better"
	LowerIsBetter  Direction = "lower is better"
	HalfIsIdeal    Direction = "0.5 is ideal"
)

// Score describes one value that a metric gives to a row.
type Score struct {
	Name string // FMEval's name
	What string // what it measures, in a sentence
	// Low and High bound the value.
	Low, High float64
	Direction Direction
	// Binary scores are 0 or 1 on every row, so their mean is a proportion.
	Binary bool
}

// Param describes an option of a metric.
type Param struct {
	Name    string // FMEval's name
	Default string
	What    string
	// Values lists what is allowed; empty allows any text.
	Values []string
}

// Row is what a metric scores. Columns a metric does not name may be empty.
type Row struct {
	Target string // target_output: the reference, possibly with alternatives
	Output string // model_output
}

// A Scorer scores rows one after another. It keeps its working memory, so it
// allocates nothing once it has seen rows of the usual size; each goroutine
// needs its own.
type Scorer interface {
	// Score appends the row's values to dst, in the order of the metric's
	// Scores. An error means that this row cannot be scored; dst comes back
	// unchanged then.
	Score(dst []float64, row Row) ([]float64, Warnings, error)
}

// Metric is a group of scores that are computed together.
type Metric struct {
	Name    string // FMEval's name of the evaluation algorithm
	What    string
	Scores  []Score  // in FMEval's order
	Columns []string // FMEval's names of the columns it needs
	Params  []Param

	newScorer func(params map[string]string) (Scorer, error)
}

// NewScorer makes a scorer. Options that params leaves out keep their defaults;
// an unknown name or value is an error that lists what there is.
func (m Metric) NewScorer(params map[string]string) (Scorer, error) {
	full := make(map[string]string, len(m.Params))
	for _, p := range m.Params {
		full[p.Name] = p.Default
	}
	for name, value := range params {
		i := slices.IndexFunc(m.Params, func(p Param) bool { return p.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%s has no parameter %q; it has %s", m.Name, name, strings.Join(m.paramNames(), ", "))
		}
		if v := m.Params[i].Values; len(v) > 0 && !slices.Contains(v, value) {
			return nil, fmt.Errorf("%s: %s cannot be %q; use %s", m.Name, name, value, strings.Join(v, " or "))
		}
		full[name] = value
	}
	return m.newScorer(full)
}

func (m Metric) paramNames() []string {
	names := make([]string, len(m.Params))
	for i, p := range m.Params {
		names[i] = p.Name
	}
	return names
}

// All returns every metric, in the order in which they are shown.
func All() []Metric { return []Metric{QAAccuracy, FactualKnowledge} }

// Lookup finds a metric by name. The error lists the names there are.
func Lookup(name string) (Metric, error) {
	var names []string
	for _, m := range All() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Metric{}, fmt.Errorf("there is no metric %q; use %s", name, strings.Join(names, " or "))
}

// LookupScore finds a score by name in any metric.
func LookupScore(name string) (Score, bool) {
	for _, m := range All() {
		for _, s := range m.Scores {
			if s.Name == name {
				return s, true
			}
		}
	}
	return Score{}, false
}

// Warnings is a set of things about a row that surprise people although the
// values are what FMEval gives.
type Warnings uint32

// The warnings.
const (
	// EmptyAlternative: the target has an alternative without text, as in
	// "Paris<OR>". Factual knowledge counts it as contained in every output.
	EmptyAlternative Warnings = 1 << iota
	// NothingLeft: an alternative has text, but nothing of it is left after
	// articles and punctuation are taken out ("the", "..."). Its word scores
	// are 0, and quasi factual knowledge counts it as contained in every output.
	NothingLeft
	// PaddedAlternative: an alternative has white space at an end, which factual
	// knowledge wants to find in the output ("Paris <OR> London").
	PaddedAlternative
	// OperatorMismatch: the delimiter reads <AND> and the operator is OR, or the
	// other way round.
	OperatorMismatch
)

var warningTexts = []struct {
	bit  Warnings
	text string
}{
	{EmptyAlternative, "the target has an empty alternative, which is contained in every output"},
	{NothingLeft, "an alternative of the target is only articles or punctuation"},
	{PaddedAlternative, "an alternative of the target begins or ends with white space, which must be in the output too"},
	{OperatorMismatch, "the delimiter and the logical operator do not say the same"},
}

// Texts returns the warnings in words.
func (w Warnings) Texts() []string {
	var all []string
	for _, t := range warningTexts {
		if w&t.bit != 0 {
			all = append(all, t.text)
		}
	}
	return all
}
