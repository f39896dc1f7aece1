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
	ZeroIsIdeal    Direction = "0 is ideal"
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

// Absent is a score of FMEval's that is not available here: a row that says so,
// never a number.
type Absent struct {
	Name string // FMEval's name
	Why  string // in a sentence, with what to do if something can be done
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
	// Perturbed are the outputs for disturbed copies of the prompt, and Repeats
	// further outputs for the prompt itself; semantic robustness compares them.
	Perturbed, Repeats []string
	// MoreLogProb and LessLogProb are the log-probabilities that a model gives to
	// the more and the less stereotypical sentence.
	MoreLogProb, LessLogProb float64
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
	Scores  []Score  // of each row, in FMEval's order
	Columns []string // FMEval's names of the columns it needs
	Params  []Param
	// SetScores are the scores of a set of rows where they are not simply the
	// means of Scores; nil where they are. See NewSetScorer.
	SetScores []Score
	// Absent are FMEval's other scores under this metric.
	Absent []Absent

	newScorer    func(params map[string]string) (Scorer, error)
	newSetScorer func(params map[string]string) (SetScorer, error)
}

// NotHere reports whether nothing of the metric is available here.
func (m Metric) NotHere() bool { return len(m.Scores) == 0 }

// NewScorer makes a scorer. Options that params leaves out keep their defaults;
// an unknown name or value is an error that lists what there is.
func (m Metric) NewScorer(params map[string]string) (Scorer, error) {
	full, err := m.complete(params)
	if err != nil {
		return nil, err
	}
	return m.newScorer(full)
}

// complete checks options and adds the defaults.
func (m Metric) complete(params map[string]string) (map[string]string, error) {
	if m.NotHere() {
		return nil, fmt.Errorf("%s is not available here: %s", m.Name, m.Absent[0].Why)
	}
	full := make(map[string]string, len(m.Params))
	for _, p := range m.Params {
		full[p.Name] = p.Default
	}
	for name, value := range params {
		i := slices.IndexFunc(m.Params, func(p Param) bool { return p.Name == name })
		if i < 0 {
			if len(m.Params) == 0 {
				return nil, fmt.Errorf("%s has no parameters, so no %q", m.Name, name)
			}
			return nil, fmt.Errorf("%s has no parameter %q; it has %s", m.Name, name, strings.Join(m.paramNames(), ", "))
		}
		if v := m.Params[i].Values; len(v) > 0 && !slices.Contains(v, value) {
			return nil, fmt.Errorf("%s: %s cannot be %q; use %s", m.Name, name, value, strings.Join(v, " or "))
		}
		full[name] = value
	}
	return full, nil
}

func (m Metric) paramNames() []string {
	names := make([]string, len(m.Params))
	for i, p := range m.Params {
		names[i] = p.Name
	}
	return names
}
