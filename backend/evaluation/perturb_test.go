package evaluation

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tunebench/backend/chat/chattest"
	"tunebench/metrics/perturb"
)

// TestRobustness: every question is asked as it is and in disturbed copies,
// which are FMEval's for a single sample, and the scores say how much the
// answers change. Nothing that was answered is asked again by another run.
func TestRobustness(t *testing.T) {
	const rows = 20
	var mu sync.Mutex
	asked := map[string]int{}
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		mu.Lock()
		asked[c.Prompt]++
		mu.Unlock()
		// A model that understands only what is written without a mistake.
		if strings.HasPrefix(c.Prompt, "What is number ") {
			chattest.Say(w, c, strings.TrimSpace("word"+strings.TrimPrefix(c.Prompt, "What is number ")))
			return
		}
		chattest.Say(w, c, "what?")
	})
	spec := Spec{Dataset: writeDataset(t, rows), Models: []string{"base"}, Metrics: []string{"qa_accuracy_semantic_robustness"},
		Params: map[string]string{"perturbation_type": "random_upper_case", "num_perturbations": "3"}}
	l, err := f.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	run, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	o := perturb.Default()
	o.Kind, o.N = perturb.RandomUpperCase, 3
	want := map[string]bool{}
	changed := 0
	for i := range rows {
		question := fmt.Sprintf("What is number %d", i)
		p, err := perturb.New(o)
		if err != nil {
			t.Fatal(err)
		}
		want[question] = true
		for _, text := range p.Perturb(question) {
			want[text] = true
			if !strings.HasPrefix(text, "What is number ") {
				changed++
			}
		}
	}
	for prompt := range asked {
		if !want[prompt] {
			t.Errorf("asked %q, which is no question and no copy of FMEval's", prompt)
		}
	}
	if len(asked) != len(want) || changed == 0 {
		t.Errorf("%d prompts, want %d; %d are changed", len(asked), len(want), changed)
	}
	m := run.Models[0]
	if m.Scores["f1_score"] != 1 || m.Errors != 0 || len(run.ScoreNames) != 10 {
		t.Errorf("%+v, %v", m, run.ScoreNames)
	}
	if delta := float64(changed) / (3 * rows); math.Abs(m.Scores["delta_f1_score"]-delta) > 1e-12 {
		t.Errorf("delta %v, want %v", m.Scores["delta_f1_score"], delta)
	}
	// How a record's changes came about: its disturbed copies, with the answers that
	// were kept, whose scores give the mean change.
	for row := range int64(rows) {
		why, err := f.Explain(t.Context(), run.ID, row)
		if err != nil || len(why) != 1 || len(why[0].Disturbed) != 3 || why[0].Missing != 0 {
			t.Fatalf("%+v, %v", why, err)
		}
		recs, err := f.Row(t.Context(), run.ID, row)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, d := range why[0].Disturbed {
			sum += math.Abs(recs[0].Scores["f1_score"] - d.Scores["f1_score"])
		}
		if math.Abs(sum/3-recs[0].Scores["delta_f1_score"]) > 1e-12 || len(why[0].Disturbed[0].Scores) != 5 {
			t.Errorf("%+v, %+v", why[0], recs[0])
		}
		if len(why[0].How) != 1 || !strings.Contains(why[0].How[0].Text, "compared as") {
			t.Errorf("%+v", why[0].How)
		}
	}
	// The worst change is the largest one.
	worst, _, err := f.Records(t.Context(), run.ID, RecordFilter{Worst: true, Score: "delta_f1_score", Model: "base", Limit: 1})
	if err != nil || len(worst) != 1 || worst[0].Scores["delta_f1_score"] == 0 {
		t.Errorf("%+v, %v", worst, err)
	}
	calls := len(f.server.Calls())
	if l, err = f.Start(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if again, err := finish(t, l); err != nil || again.Models[0].Scores["delta_f1_score"] != m.Scores["delta_f1_score"] {
		t.Errorf("%+v, %v", again, err)
	}
	if n := len(f.server.Calls()); n != calls {
		t.Errorf("%d calls, then %d", calls, n)
	}
	spec.Params["num_perturbations"] = "many"
	if _, err := f.Start(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "num_perturbations") {
		t.Error(err)
	}
	spec.Params = map[string]string{"perturbtion_type": "x"}
	if _, err := f.Start(t.Context(), spec); err == nil || !strings.Contains(err.Error(), "perturbtion_type") {
		t.Error(err)
	}
}
