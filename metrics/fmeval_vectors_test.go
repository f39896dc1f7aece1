package metrics

import (
	"math"
	"strings"
	"testing"

	"tunebench/metrics/internal/golden"
)

// sumTolerance is the tolerance for values that numpy sums in another order.
const sumTolerance = 1e-12

type classVector struct {
	ID      int
	Labels  []string `json:"valid_labels"`
	Average string   `json:"multiclass_average_strategy"`
	Rows    []struct {
		Target   string `json:"target_output"`
		Output   string `json:"model_output"`
		Category string
	}
	PerRow []struct {
		Label string  `json:"classified_model_output"`
		Score float64 `json:"classification_accuracy_score"`
	} `json:"per_row"`
	Dataset    []classValue `json:"dataset_scores"`
	Categories []struct {
		Name   string
		Scores []classValue
	} `json:"category_scores"`
	Error string
}

type classValue struct {
	Name  string
	Value float64
}

func TestClassificationVectors(t *testing.T) {
	for _, v := range golden.Lines[classVector](t, "classification_accuracy.jsonl", 65) {
		labels := v.Labels
		if labels == nil { // inferred from the targets
			for _, r := range v.Rows {
				labels = append(labels, r.Target)
			}
		}
		params := map[string]string{"valid_labels": FormatLabels(labels), "multiclass_average_strategy": v.Average}
		if v.Average == "binary" {
			if _, err := ClassificationAccuracy.NewScorer(params); err == nil || v.Error == "" {
				t.Errorf("%d: FMEval says %q, we say %v", v.ID, v.Error, err)
			}
			continue
		}
		s := scorer(t, ClassificationAccuracy, params)
		set, sets := newSet(t, params), map[string]SetScorer{}
		for i, r := range v.Rows {
			row := Row{Target: r.Target, Output: r.Output}
			got, _, err := s.Score(nil, row)
			if err != nil || got[0] != v.PerRow[i].Score {
				t.Errorf("%d row %d: %v, %v, want %v", v.ID, i, got, err, v.PerRow[i].Score)
			}
			if label, _ := s.(*classifier).label(r.Output); label != v.PerRow[i].Label {
				t.Errorf("%d row %d: label %q, want %q", v.ID, i, label, v.PerRow[i].Label)
			}
			set.Add(row, got)
			if sets[r.Category] == nil {
				sets[r.Category] = newSet(t, params)
			}
			sets[r.Category].Add(row, got)
		}
		checkSet(t, v.ID, "all", set, v.Dataset)
		for _, c := range v.Categories {
			checkSet(t, v.ID, c.Name, sets[c.Name], c.Scores)
		}
	}
}

func newSet(t *testing.T, params map[string]string) SetScorer {
	s, err := ClassificationAccuracy.NewSetScorer(params)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func checkSet(t *testing.T, id int, name string, s SetScorer, want []classValue) {
	t.Helper()
	got := s.Estimates(Options{Resamples: 50})
	if len(got) != len(want) {
		t.Fatalf("%d %s: %d scores, want %d", id, name, len(got), len(want))
	}
	for i, w := range want {
		if ClassificationAccuracy.SetScores[i].Name != w.Name || math.Abs(got[i].Mean-w.Value) > sumTolerance {
			t.Errorf("%d %s: %s = %v, want %s = %v", id, name, ClassificationAccuracy.SetScores[i].Name, got[i].Mean, w.Name, w.Value)
		}
		if e := got[i]; e.Low > e.High || e.Low < 0 || e.High > 1 {
			t.Errorf("%d %s: %s has the interval %v", id, name, w.Name, e.Interval)
		}
	}
}

func TestClassificationLabelVectors(t *testing.T) {
	type vector struct {
		ID     int
		Output string   `json:"model_output"`
		Labels []string `json:"valid_labels"`
		Label  string
	}
	for _, v := range golden.Lines[vector](t, "classification_label.jsonl", 150) {
		c, err := newClassifier(FormatLabels(v.Labels))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := c.label(v.Output); got != v.Label {
			t.Errorf("%d: %q is %q, want %q", v.ID, v.Output, got, v.Label)
		}
	}
}

func TestClassificationWarnings(t *testing.T) {
	s := scorer(t, ClassificationAccuracy, map[string]string{"valid_labels": `["Positive", "negative", 2]`})
	for _, c := range []struct {
		target, output string
		score          float64
		want           Warnings
	}{
		{"Positive", "Positive", 0, UnreachableLabel},
		{"negative", "it is Negative", 1, 0},
		{"2", "The answer is 2.", 0, PunctuatedLabel},
		{"very good", "very good", 0, UnreachableLabel},
		{"2", "2", 1, 0},
	} {
		got, w, err := s.Score(nil, Row{Target: c.target, Output: c.output})
		if err != nil || got[0] != c.score || w != c.want {
			t.Errorf("%q %q: %v %v %v", c.target, c.output, got, w.Texts(), err)
		}
	}
	for params, want := range map[string]string{"": "valid_labels", "[": "JSON array", `"a"`: "JSON array"} {
		if _, err := ClassificationAccuracy.NewScorer(map[string]string{"valid_labels": params}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", params, err)
		}
	}
}

func TestWordErrorRateVectors(t *testing.T) {
	type vector struct {
		ID          int
		Predictions []string
		References  []string
		Rate        float64 `json:"word_error_rate"`
		Error       string
	}
	for _, v := range golden.Lines[vector](t, "wer.jsonl", 79) {
		got, err := WordErrorRate(v.Predictions, v.References)
		if (err != nil) != (v.Error != "") || err == nil && math.Float64bits(got) != math.Float64bits(v.Rate) {
			t.Errorf("%d: %v, %v, want %v %q", v.ID, got, err, v.Rate, v.Error)
		}
	}
}

func TestMeanDeltaVectors(t *testing.T) {
	type vector struct {
		ID        int
		Original  float64
		Perturbed []float64
		Delta     float64 `json:"mean_delta"`
	}
	for _, v := range golden.Lines[vector](t, "mean_delta.jsonl", 25) {
		if got := MeanDelta(v.Original, v.Perturbed); math.Abs(got-v.Delta) > sumTolerance {
			t.Errorf("%d: %v, want %v", v.ID, got, v.Delta)
		}
	}
}

func TestRobustness(t *testing.T) {
	m, err := Lookup("qa_accuracy_semantic_robustness")
	if err != nil {
		t.Fatal(err)
	}
	row := Row{Target: "Paris", Output: "paris", Perturbed: []string{"Paris", "London"}}
	got, _, err := scorer(t, m, nil).Score(nil, row)
	// f1, exact, quasi, precision, recall, then their mean changes by hand.
	want := []float64{1, 0, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5}
	if err != nil || len(got) != len(want) {
		t.Fatal(got, err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s = %v, want %v", m.Scores[i].Name, got[i], want[i])
		}
	}
	g := scorer(t, GeneralRobustness, nil)
	if got, _, err := g.Score(nil, Row{Output: "a b", Perturbed: []string{"a c", "a b"}}); err != nil || got[0] != 0.25 {
		t.Error(got, err)
	}
	if got, _, err := g.Score(nil, Row{Output: "a b", Perturbed: []string{"a c"}, Repeats: []string{"a d"}}); err != nil || got[0] != 0 {
		t.Error("a baseline as large as the change leaves", got, err)
	}
	if _, _, err := g.Score(nil, Row{Output: "a b"}); err == nil {
		t.Error("no perturbed outputs, no error")
	}
}

func TestStereotyping(t *testing.T) {
	s := scorer(t, PromptStereotyping, nil)
	set, err := PromptStereotyping.NewSetScorer(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []float64{-1, 2, 0, 3} {
		row := Row{MoreLogProb: -3 + d, LessLogProb: -3}
		got, _, err := s.Score(nil, row)
		if err != nil || got[0] != d {
			t.Error(got, err)
		}
		set.Add(row, got)
	}
	if e := set.Estimates(Options{})[0]; e.Mean != 0.5 || e.N != 4 || e.Method != "Wilson" {
		t.Error(e)
	}
	if _, _, err := s.Score(nil, Row{MoreLogProb: math.NaN()}); err == nil {
		t.Error("no number, no error")
	}
}

// What cannot be had here is a row that says so, never a number.
func TestAbsent(t *testing.T) {
	for _, m := range (Registry{}).NotHere() {
		if _, err := m.NewScorer(nil); err == nil || !strings.Contains(err.Error(), "not available here") {
			t.Errorf("%s: %v", m.Name, err)
		}
		if _, err := Lookup(m.Name); err == nil || !strings.Contains(err.Error(), "not available here") {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	m, err := Registry{WhyNoMeteor: "the reason"}.Lookup("summarization_accuracy")
	if err != nil || len(m.Scores) != 1 || m.Absent[0] != (Absent{"meteor", "the reason"}) {
		t.Error(m.Scores, m.Absent, err)
	}
	for _, m := range All() {
		for _, s := range append(m.Scores, m.SetScores...) {
			if s.Name == "" || s.What == "" || s.Direction == "" || !(s.Low < s.High) {
				t.Errorf("%s: %+v", m.Name, s)
			}
			for _, a := range m.Absent {
				if a.Name == s.Name || a.Why == "" {
					t.Errorf("%s: %s is absent and is not", m.Name, a.Name)
				}
			}
		}
	}
}
