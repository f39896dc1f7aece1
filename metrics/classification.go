package metrics

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"tunebench/metrics/pytext"
)

// UnknownLabel is what an output without a valid label is classified as.
const UnknownLabel = "unknown"

// ClassificationAccuracy looks for a label in the output and compares it with
// the target (FMEval's classification_accuracy).
var ClassificationAccuracy = Metric{
	Name:    "classification_accuracy",
	What:    "whether the output names the right label",
	Columns: []string{"target_output", "model_output"},
	Params: []Param{
		{Name: "valid_labels", What: "the labels as a JSON array; without it those that occur as targets in the set"},
		{Name: "multiclass_average_strategy", Default: "micro", Values: []string{"micro", "macro", "weighted"}, What: "how precision and recall are averaged over the labels"},
	},
	Scores: []Score{
		{Name: "classification_accuracy_score", What: "1 if the label found in the output is the target", High: 1, Direction: HigherIsBetter, Binary: true},
	},
	SetScores: []Score{
		{Name: "classification_accuracy_score", What: "share of the rows with the right label", High: 1, Direction: HigherIsBetter, Binary: true},
		{Name: "balanced_accuracy_score", What: "mean over the labels among the targets of the share found", High: 1, Direction: HigherIsBetter},
		{Name: "precision_score", What: "share of the rows given a label that have it", High: 1, Direction: HigherIsBetter},
		{Name: "recall_score", What: "share of the rows that have a label that were given it", High: 1, Direction: HigherIsBetter},
	},
	newScorer: func(p map[string]string) (Scorer, error) {
		return newClassifier(p["valid_labels"])
	},
	newSetScorer: func(p map[string]string) (SetScorer, error) {
		c, err := newClassifier(p["valid_labels"])
		if err != nil {
			return nil, err
		}
		return &classSet{classifier: c, average: p["multiclass_average_strategy"], cells: map[[2]string]int{}}, nil
	},
}

// ErrNoLabels says that classification was not told which labels there are.
var ErrNoLabels = errors.New("classification needs valid_labels, such as [\"positive\", \"negative\"]")

// FormatLabels returns the value of the parameter valid_labels for a list.
func FormatLabels(labels []string) string {
	b := []byte{'['}
	for i, l := range labels {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = pytext.AppendJSONString(b, l)
	}
	return string(append(b, ']'))
}

// classifier finds labels.
type classifier struct {
	valid map[string]bool // lower case, stripped
	lower []byte
}

func newClassifier(labels string) (*classifier, error) {
	if labels == "" {
		return nil, ErrNoLabels
	}
	v, err := pytext.Decode([]byte(labels))
	list, ok := v.([]any)
	if err != nil || !ok {
		return nil, fmt.Errorf("valid_labels is %.80q; it must be a JSON array such as [\"positive\", \"negative\"]", labels)
	}
	c := &classifier{valid: make(map[string]bool, len(list))}
	for _, l := range list {
		c.valid[pytext.Strip(pytext.Lower(pytext.Str(l)))] = true
	}
	return c, nil
}

// label returns the first piece of the output, split at U+0020 only, that is a
// valid label in lower case and stripped; punctuation is not removed, and a label
// with a space inside is never found. near reports that a piece would be one
// without the punctuation at its ends.
func (c *classifier) label(output string) (label string, near bool) {
	for more := true; more; {
		var piece string
		piece, output, more = strings.Cut(output, " ")
		c.lower = pytext.AppendLower(c.lower[:0], piece)
		word := pytext.Strip(string(c.lower))
		if c.valid[word] {
			return word, near
		}
		if bare := strings.TrimFunc(word, func(r rune) bool { return r < utf8.RuneSelf && pytext.Punct[r] }); bare != word && bare != "" {
			near = near || c.valid[bare]
		}
	}
	return UnknownLabel, near
}

// Score is 1 if the label found is the target, which is taken as it is: neither
// lowered nor stripped, so a target such as "Positive" is never right.
// Source: FMEval 1.2.3, ClassificationAccuracyScores.
func (c *classifier) Score(dst []float64, row Row) ([]float64, Warnings, error) {
	label, near := c.label(row.Output)
	var w Warnings
	if near && label == UnknownLabel {
		w |= PunctuatedLabel
	}
	if t := row.Target; strings.Contains(t, " ") || pytext.Strip(pytext.Lower(t)) != t {
		w |= UnreachableLabel
	}
	return append(dst, zeroOne(label == row.Target)), w, nil
}

// classSet counts which labels were given to which targets.
type classSet struct {
	*classifier
	average string
	cells   map[[2]string]int // {target, label given}
	n       int
}

func (s *classSet) Add(row Row, _ []float64) {
	label, _ := s.label(row.Output)
	s.cells[[2]string{row.Target, label}]++
	s.n++
}

// Estimates has Wilson's interval for the accuracy, and for the others the
// percentile bootstrap over rows.
func (s *classSet) Estimates(o Options) []Estimate {
	o = o.filled()
	keys := slices.SortedFunc(maps.Keys(s.cells), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	counts := make([]int, len(keys))
	right := 0
	for i, k := range keys {
		counts[i] = s.cells[k]
		if k[0] == k[1] {
			right += counts[i]
		}
	}
	table := newClassTable(keys)
	value := table.scores(counts, s.average)
	all := make([]Estimate, len(value))
	for i, v := range value {
		all[i] = Estimate{N: s.n, Mean: v, Interval: Interval{v, v}}
	}
	all[0].Interval, all[0].Method = Wilson(right, s.n, o.Level), "Wilson"
	if s.n < 2 {
		return all
	}
	draws := make([][]float64, len(value))
	for r := range o.Resamples {
		drawn := resample(counts, s.n, o.Seed, uint64(r))
		for i, v := range table.scores(drawn, s.average) {
			draws[i] = append(draws[i], v)
		}
	}
	for i := 1; i < len(value); i++ {
		slices.Sort(draws[i])
		tail := (1 - o.Level) / 2
		all[i].Interval, all[i].Method = Interval{Quantile(draws[i], tail), Quantile(draws[i], 1-tail)}, "bootstrap"
	}
	return all
}

// classTable gives the labels in a set of cells numbers.
type classTable struct {
	cells  [][2]int // target, label given
	labels int
}

func newClassTable(keys [][2]string) classTable {
	numbers := map[string]int{}
	var t classTable
	number := func(l string) int {
		n, ok := numbers[l]
		if !ok {
			n = len(numbers)
			numbers[l] = n
		}
		return n
	}
	for _, k := range keys {
		t.cells = append(t.cells, [2]int{number(k[0]), number(k[1])})
	}
	t.labels = len(numbers)
	return t
}

// scores returns accuracy, balanced accuracy, precision and recall in the sense
// of scikit-learn: the labels are all that occur as target or were given, the
// unknown one included; a share of nothing counts 0; balanced accuracy looks
// only at labels that occur as target. In counts, cells may be empty.
func (t classTable) scores(counts []int, average string) []float64 {
	hits, targets, given := make([]float64, t.labels), make([]float64, t.labels), make([]float64, t.labels)
	n, right := 0.0, 0.0
	for i, c := range t.cells {
		v := float64(counts[i])
		n += v
		targets[c[0]] += v
		given[c[1]] += v
		if c[0] == c[1] {
			hits[c[0]] += v
			right += v
		}
	}
	accuracy := share(right, n)
	var balanced, precision, recall, classes, seen float64
	for l := range t.labels {
		if targets[l]+given[l] == 0 {
			continue // in no row of this resample
		}
		p, r := share(hits[l], given[l]), share(hits[l], targets[l])
		if targets[l] > 0 {
			balanced += r
			classes++
		}
		seen++
		weight := 1.0
		if average == "weighted" {
			weight = targets[l]
		}
		precision += float64(weight * p)
		recall += float64(weight * r)
	}
	balanced = share(balanced, classes)
	switch average {
	case "macro":
		precision, recall = share(precision, seen), share(recall, seen)
	case "weighted":
		precision, recall = share(precision, n), share(recall, n)
	default:
		precision, recall = accuracy, accuracy
	}
	return []float64{accuracy, balanced, precision, recall}
}

func share(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}
