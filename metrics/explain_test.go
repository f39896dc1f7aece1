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
