package evaluation

import (
	"bytes"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/chat/chattest"
	"tunebench/metrics/fmevalio"
)

func TestParseRule(t *testing.T) {
	for text, want := range map[string]Rule{
		"f1_score < baseline - 0.02":       {Value: "f1_score", Op: "<", Factor: 1, Offset: -0.02},
		" exact_match_score<=0.9 ":         {Value: "exact_match_score", Op: "<=", Offset: 0.9},
		"mean_latency_ms > baseline*1.5":   {Value: "mean_latency_ms", Op: ">", Factor: 1.5},
		"delta_f1_score >= baseline +1e-3": {Value: "delta_f1_score", Op: ">=", Factor: 1, Offset: 0.001},
		"f1_score < baseline":              {Value: "f1_score", Op: "<", Factor: 1},
	} {
		got, err := ParseRule(text)
		want.Text = strings.TrimSpace(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "f1_score", "f1_score = 0.9", "f1_score < base", "f1_score < baseline - ", "f1 score < 1", "f1_score < 1.2.3", "f1_score < 0.9; rm"} {
		if r, err := ParseRule(text); err == nil {
			t.Errorf("%q: %+v", text, r)
		}
	}
}

// TestCompare compares two runs whose models differ on known rows: of 200 the
// first answers 180 exactly, the second 190, 5 of them other ones.
func TestCompare(t *testing.T) {
	f := newFixture(t, say)
	data := writeDataset(t, 200)
	start := func() Run {
		t.Helper()
		l, err := f.Start(t.Context(), Spec{Dataset: data, Models: []string{"tuned"}, MaxTokens: 1 + len(f.server.Calls())})
		if err != nil {
			t.Fatal(err)
		}
		r, err := finish(t, l)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a := start() // wrong on 0, 10, 20 …
	f.server.Answer = func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		text := answer(c)
		switch {
		case strings.Contains(c.Prompt, "number 5[") || strings.Contains(c.Prompt, "number 15[") || strings.Contains(c.Prompt, "number 25["):
			text = " wrong"
		case text == " wrong" && !strings.Contains(c.Prompt, "number 1"):
			_, n, _ := strings.Cut(c.Prompt, "number ")
			text = " word" + strings.TrimSuffix(n, "[/INST]")
		}
		chattest.Say(w, c, text)
	}
	b := start()
	// 0, 20, 30 … 90 are right now (9), 5, 15, 25 are wrong.
	rules := []Rule{}
	for _, text := range []string{"exact_match_score < baseline - 0.02", "exact_match_score < 0.95", "errors > baseline", "exact_match_score < baseline + 0.2"} {
		r, err := ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	c, err := f.Compare(t.Context(), a.ID, b.ID, rules)
	if err != nil {
		t.Fatal(err)
	}
	if c.Rows != 200 || c.Left != 0 || c.Baseline.Model != "tuned" || c.Candidate.Records != 200 {
		t.Errorf("%+v", c)
	}
	var exact Compared
	for _, s := range c.Scores {
		if s.Score == "exact_match_score" {
			exact = s
		}
	}
	if exact.Better != 9 || exact.Worse != 3 || math.Abs(exact.Difference-0.03) > 1e-12 || exact.Test != "McNemar" || exact.Baseline != 0.9 {
		t.Errorf("%+v", exact)
	}
	// McNemar on 9 and 3: 2·(1+12+66+220)/4096
	if want := 2 * 299.0 / 4096; math.Abs(exact.PValue-want) > 1e-12 {
		t.Errorf("p %v, want %v", exact.PValue, want)
	}
	for i, want := range []struct{ broken, sure bool }{{false, false}, {true, false}, {false, false}, {true, true}} {
		if got := c.Rules[i]; got.Broken != want.broken || got.Sure != want.sure {
			t.Errorf("%s: %+v", got.Text, got)
		}
	}
	for _, names := range [][2]string{{a.ID, a.ID}, {a.ID, "nope"}, {a.ID, b.ID + "/base"}} {
		if _, err := f.Compare(t.Context(), names[0], names[1], nil); err == nil {
			t.Errorf("%v: no error", names)
		}
	}
	if _, err := f.Compare(t.Context(), a.ID, b.ID, []Rule{{Value: "beauty", Op: "<"}}); err == nil || !strings.Contains(err.Error(), "mean_latency_ms") {
		t.Error(err)
	}
}

func TestRunFile(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		path := filepath.Join(dir, "run.toml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f, err := ReadRunFile(write(`name = "nightly"
dataset = "heldout.jsonl"
models = ["base", "tuned"]
limit = 100
seed = 3
metrics = ["qa_accuracy", "factual_knowledge"]
judge = "a-judge"
fail_if = ["f1_score < baseline - 0.02"]

[params]
logical_operator = "OR"

[data_config]
target_output_location = "answer"

[budget]
dollars = 2.5
minutes = 30

[prices.base]
input = 0.15
output = 0.2
`))
	if err != nil {
		t.Fatal(err)
	}
	s := f.Spec
	if s.Name != "nightly" || s.Dataset != filepath.Join(dir, "heldout.jsonl") || len(s.Models) != 2 || s.Limit != 100 || s.Seed != 3 || len(s.Metrics) != 2 ||
		s.Params["logical_operator"] != "OR" || s.FMEval.TargetOutput != "answer" || s.Budget != (Budget{2.5, 30}) || s.Prices["base"] != (Price{Input: 0.15, Output: 0.2}) || len(s.FailIf) != 1 || s.Judge != "a-judge" {
		t.Errorf("%+v", f)
	}
	// What is written is read as the same run.
	for _, spec := range []Spec{s, {Dataset: "fmeval:trex", Models: []string{"a/b c"}, Template: "Say \"x\":\n$model_input", MaxTokens: 9, Temperature: 0.5, Delimiter: "|"},
		{Outputs: []Outputs{{"m", filepath.Join(dir, "out", "m.jsonl")}, {"n", "/elsewhere/n.jsonl"}}, FMEval: &fmevalio.DataConfig{Name: "boolq", ModelOutput: "a.b"}}} {
		var text bytes.Buffer
		if err := (RunFile{spec}).Write(&text, dir); err != nil {
			t.Fatal(err)
		}
		if again, err := ReadRunFile(write(text.String())); err != nil || !reflect.DeepEqual(again.Spec, spec) {
			t.Errorf("%+v\n%+v\n%v\n%s", again.Spec, spec, err, text.String())
		}
		if strings.Contains(text.String(), dir) {
			t.Errorf("paths are not relative:\n%s", text.String())
		}
	}
	_, err = ReadRunFile(write("dataset = \"x\"\nmodel = [\"base\"]\n\n[budget]\ndollar = 1\n\n[[outputs]]\nmodel = \"a\"\npath = \"f\"\n\n[data_config]\ntarget_location = \"t\"\n\n[sampling]\nn = 1\n"))
	for _, want := range []string{":2: model is no setting", ":5: budget.dollar is no setting of a run; there are dollars, minutes", ":9: outputs.path", ":12: data_config.target_location", ":14: sampling is no"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
	if err != nil && strings.Contains(err.Error(), "sampling.n") {
		t.Error(err)
	}
	for text, want := range map[string]string{
		"limit = \"x\"":                   "run.toml:1",
		"a = 1\nlimit =":                  "run.toml:2",
		"fail_if = [\"f1 = 2\"]":          "rule 1",
		"models = [\"a\"]\n[[outputs]]\n": "not both",
	} {
		if _, err := ReadRunFile(write(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestBudget: a run stops cleanly when its money or its minutes are used up, and
// goes on when it is resumed.
func TestBudget(t *testing.T) {
	data := writeDataset(t, 200)
	for name, c := range map[string]struct {
		spec  Spec
		says  string
		least int
		most  int
	}{
		// Every answer has 3 tokens in and 2 out: 3·100 + 2·200 = 700 $ per million.
		"dollars": {Spec{Budget: Budget{Dollars: 0.07}, Prices: map[string]Price{"base": {Input: 100, Output: 200}, "tuned": {Input: 100, Output: 200}}}, "$0.07", 100, 100 + 2*8 + 2*commitAt},
		"minutes": {Spec{Budget: Budget{Minutes: 1}}, "1 minutes", 2 * 6 * 4, 2 * 6 * 9},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
					time.Sleep(9 * time.Second)
					say(w, r, c)
				})
				f.cfg.Sleep, f.refreshAfter = sleep, time.Hour
				spec := c.spec
				spec.Dataset, spec.Models = data, []string{"base", "tuned"}
				l, err := f.Start(t.Context(), spec)
				if err != nil {
					t.Fatal(err)
				}
				r, err := l.Wait(t.Context())
				if err != nil || r.Status != Stopped || !strings.Contains(r.Why, c.says) || r.Done < c.least || r.Done > c.most {
					t.Fatalf("%s, %d records, %q, %v", r.Status, r.Done, r.Why, err)
				}
				if kept, err := f.Run(t.Context(), r.ID); err != nil || kept.Why != r.Why || kept.Done != r.Done {
					t.Errorf("kept: %q, %d, %v", kept.Why, kept.Done, err)
				}
				for i := 0; r.Status != Finished; i++ {
					if i == 20 {
						t.Fatal("the run does not end")
					}
					if l, err = f.Resume(t.Context(), r.ID); err != nil {
						t.Fatal(err)
					}
					if r, err = l.Wait(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				checkResult(t, r)
				if n := len(f.server.Calls()); n > 400+16*20 { // what was under way when it stopped
					t.Errorf("%d calls", n)
				}
			})
		})
	}
	f := newFixture(t, say)
	if _, err := f.Start(t.Context(), Spec{Dataset: data, Models: []string{"base"}, Budget: Budget{Dollars: 1}}); err == nil || !strings.Contains(err.Error(), `[prices."base"]`) {
		t.Errorf("no price: %v", err)
	}
	f.cfg.Price = func(m chat.Model) (Price, bool) { return Price{Minute: 1}, true }
	if _, err := f.Start(t.Context(), Spec{Dataset: data, Models: []string{"base"}, Prices: map[string]Price{"tuned": {}}}); err == nil || !strings.Contains(err.Error(), "no model of this run") {
		t.Errorf("a price too many: %v", err)
	}
}
