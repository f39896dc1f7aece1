package metrics

import (
	"math"
	"testing"
)

// TestExplainQA: the parts give the scores, and F1 follows from the counts.
func TestExplainQA(t *testing.T) {
	for _, c := range []struct {
		row  Row
		want QAParts
	}{
		{Row{Target: "London<OR>city of London", Output: "The city is London."}, QAParts{"city of London", "city of london", "city is london", 2, 3, 3}},
		{Row{Target: "Oslo", Output: "Oslo, Oslo!"}, QAParts{"Oslo", "oslo", "oslo oslo", 1, 1, 1}},
		{Row{Target: "the", Output: "..."}, QAParts{"the", "", "", 0, 0, 0}},
	} {
		got, err := ExplainQA(c.row, "")
		if err != nil || got != c.want {
			t.Errorf("%+v: %+v, %v", c.row, got, err)
		}
		s, err := QAAccuracy.NewScorer(nil)
		if err != nil {
			t.Fatal(err)
		}
		values, _, err := s.Score(nil, c.row)
		if err != nil {
			t.Fatal(err)
		}
		f1 := 0.0
		if got.Common > 0 {
			f1 = 2 * float64(got.Common) / float64(got.TargetWords+got.OutputWords)
		}
		if math.Abs(f1-values[0]) > 1e-12 {
			t.Errorf("%+v: F1 %v from the parts, %v", c.row, f1, values[0])
		}
	}
	if _, err := ExplainQA(Row{Target: " "}, "null"); err == nil {
		t.Error("a row without a target was explained")
	}
}

// TestExplain: what is said of a row is what it is scored by.
func TestExplain(t *testing.T) {
	for _, c := range []struct {
		metric string
		params map[string]string
		row    Row
		score  float64 // the first one
		says   string
	}{
		{"qa_accuracy", nil, Row{Target: "city of London", Output: "The city is London."}, 2.0 / 3, `compared as "city is london" with "city of london": 2 words in common, of 3 in the answer (precision) and 3 in the reference (recall)`},
		{"factual_knowledge", nil, Row{Target: "Paris<OR>Lutetia", Output: "It is paris."}, 1, `the answer contains "Paris"`},
		{"factual_knowledge", nil, Row{Target: "The U.K.", Output: "in the UK"}, 0, `without punctuation and articles the answer contains "The U.K."`},
		{"factual_knowledge", nil, Row{Target: "Rome<OR>Roma", Output: "Oslo"}, 0, `the answer contains none of "Rome", "Roma"`},
		{"factual_knowledge", nil, Row{Target: "Rome", Output: "Oslo"}, 0, `the answer does not contain "Rome"`},
		{"classification_accuracy", map[string]string{"valid_labels": `["yes", "no"]`}, Row{Target: "yes", Output: "well yes or no"}, 1, `the first label in the answer is "yes"; the reference is "yes"`},
		{"classification_accuracy", map[string]string{"valid_labels": `["yes", "no"]`}, Row{Target: "yes", Output: "Yes."}, 0, "no label stands alone in the answer: one has punctuation at its ends, which FMEval does not take off"},
		{"classification_accuracy", map[string]string{"valid_labels": `["yes", "no"]`}, Row{Target: "yes", Output: "maybe"}, 0, "no word of the answer is a label"},
		{"summarization_accuracy", map[string]string{"rouge_type": "rouge1"}, Row{Target: "a cat sat", Output: "a cat ran off"}, 2.0 / 7 * 2, "50 % of the answer's words are in the reference, and 67 % of the reference's in the answer"},
		{"general_semantic_robustness", nil, Row{Output: "a b", Perturbed: []string{"a b", "a c"}}, 0.25, "1 of 2 answers to disturbed prompts differ from this one"},
	} {
		m, err := Lookup(c.metric)
		if err != nil {
			t.Fatal(err)
		}
		s, err := m.NewScorer(c.params)
		if err != nil {
			t.Fatal(err)
		}
		values, _, err := s.Score(nil, c.row)
		if err != nil || math.Abs(values[0]-c.score) > 1e-12 {
			t.Errorf("%s %+v scores %v, %v", c.metric, c.row, values, err)
		}
		if says, err := Explain(c.metric, c.params, c.row); err != nil || says != c.says {
			t.Errorf("%s %+v: %q, %v", c.metric, c.row, says, err)
		}
	}
}
