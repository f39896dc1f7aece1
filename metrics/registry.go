package metrics

import (
	"fmt"
	"strings"

	"tunebench/metrics/meteor"
)

// needsModel is why scores that a large neural model computes are absent.
const needsModel = "it needs a large neural model, which is not part of this program"

// Registry is the list of metrics that the scoreboard, the command line and the
// documentation read. The zero value is the list without METEOR.
type Registry struct {
	// English holds the word lists of METEOR; nil where the machine has none.
	English *meteor.English
	// WhyNoMeteor says why English is nil, for the reader.
	WhyNoMeteor string
}

// All returns the metrics that give scores, in the order in which they are shown.
func (r Registry) All() []Metric {
	return []Metric{
		QAAccuracy, FactualKnowledge, ClassificationAccuracy, r.summarization(), PromptStereotyping,
		GeneralRobustness, robustnessOf(QAAccuracy), robustnessOf(r.summarization()), robustnessOf(ClassificationAccuracy),
	}
}

// NotHere returns FMEval's metrics of which nothing is available here. Their
// Absent says why.
func (Registry) NotHere() []Metric {
	var all []Metric
	for _, m := range []struct{ name, what string }{
		{"toxicity", "how toxic an output is"}, {"qa_toxicity", "how toxic an answer is"}, {"summarization_toxicity", "how toxic a summary is"},
	} {
		absent := []Absent{}
		for _, s := range []string{"toxicity", "severe_toxicity", "obscene", "identity_attack", "insult", "threat", "sexual_explicit"} {
			absent = append(absent, Absent{s, needsModel})
		}
		all = append(all, Metric{Name: m.name, What: m.what, Columns: []string{"model_output"}, Absent: absent})
	}
	return all
}

// Lookup finds a metric by name. The error lists the names there are, or says
// why the metric is not available.
func (r Registry) Lookup(name string) (Metric, error) {
	var names []string
	for _, m := range r.All() {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	for _, m := range r.NotHere() {
		if m.Name == name {
			_, err := m.complete(nil)
			return Metric{}, err
		}
	}
	return Metric{}, fmt.Errorf("there is no metric %q; use %s or %s", name, strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
}

// LookupScore finds a score, of rows or of sets, by name in any metric.
func (r Registry) LookupScore(name string) (Score, bool) {
	for _, m := range r.All() {
		for _, list := range [][]Score{m.Scores, m.SetScores} {
			for _, s := range list {
				if s.Name == name {
					return s, true
				}
			}
		}
	}
	return Score{}, false
}

// All returns every metric that gives scores without METEOR's word lists.
func All() []Metric { return Registry{}.All() }

// Lookup is Registry.Lookup without METEOR's word lists.
func Lookup(name string) (Metric, error) { return Registry{}.Lookup(name) }

// LookupScore is Registry.LookupScore without METEOR's word lists.
func LookupScore(name string) (Score, bool) { return Registry{}.LookupScore(name) }
