package tui_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tunebench/backend/evaluation"
	"tunebench/metrics/fmevalio"
	"tunebench/tui/uitest"
)

// withOlder is the full world with a second finished run over the same data, of
// another model.
func withOlder() *uitest.World {
	w := uitest.Full()
	old := w.RunList[0]
	old.ID, old.Created = "5", uitest.Noon.Add(-48*time.Hour)
	old.Models = []evaluation.ModelResult{{Model: "older", Records: 200, Total: 200, Scores: map[string]float64{"exact_match_score": 0.885, "f1_score": 0.9},
		Intervals: map[string]evaluation.Interval{"exact_match_score": {Low: 0.83, High: 0.92}}}}
	old.Spec.Models, old.Differences = []string{"older"}, nil
	w.RunList = append(w.RunList, old)
	return w
}

// line is the first line of the screen that holds all texts.
func (r *rig) line(texts ...string) int {
	for i, l := range strings.Split(r.text(), "\n") {
		if !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(l, s) }) {
			return i
		}
	}
	return -1
}

func TestScoreboardArranged(t *testing.T) {
	play(t, withOlder, 160, 50, func(r *rig) {
		r.press("5")
		r.want("exact_match_score", "precision_over_words")
		tuned := "style-20260714-102210"
		if a, b := r.line("exact_match_score", "base"), r.line(tuned, "92.5 %"); a < 0 || b < a {
			r.t.Fatalf("base stands in line %d, the other in %d\n%s", a, b, r.text())
		}
		r.press("v")
		r.write("best first")
		r.press("enter", "esc")
		if a := r.line("exact_match_score", tuned); a < 0 {
			r.t.Errorf("the best model does not stand first\n%s", r.text())
		}
		r.press("v")
		r.write("pin base")
		r.press("enter", "esc")
		if a := r.line("exact_match_score", "base"); a < 0 {
			r.t.Errorf("the pinned model does not stand first\n%s", r.text())
		}
		r.press("v")
		r.write("hide precision")
		r.press("enter", "esc")
		r.lacks("precision_over_words")

		// An earlier run beside this one, with its difference to the baseline.
		r.press("b")
		r.want("Runs beside this one", "older")
		r.write("older")
		r.press("enter")
		r.want("older", "88.5 %")
		if r.line("older", "88.5 %", "+4.0", "not sure") < 0 {
			r.t.Errorf("the older run stands without a difference\n%s", r.text())
		}
		if got := strings.Join(r.world.Done(), "\n"); !strings.Contains(got, "compare 5/older with 7/base") {
			r.t.Errorf("did %s", got)
		}

		r.press("t")
		r.want("Trend of exact_match_score", "over this dataset", "older", "88.5 %", "92.5 %")
		r.press("s")
		r.want("Trend of quasi_exact_match_score")
		r.press("esc")
		r.want("against base")
	})
}

func TestRecordsMarked(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.press("5", "enter")
		r.want("the worst first against base")
		r.press("e")
		r.press("w")
		r.want("the best first against base")
		r.press("w")
		r.lacks("first against")
		r.press("%")
		r.want("exact_match 0 %")
		r.press("%", "%", "%", "%")
		r.lacks("exact_match 0 %")
		r.press("!")
		r.want("is marked wrong")
		r.press("!")
		r.want("is marked ambiguous")
		r.press("M")
		r.want("1 record, marked")
		r.press("enter")
		r.want("ambiguous", "compared as", "in common", "[-")
		r.press("esc", "esc", "e")
		r.want("2 records of marked rows left out")
		r.press("e")
		r.lacks("left out")
	})
}

// TestScoreForm: what cannot be run is said beside the field, before anything
// begins.
func TestScoreForm(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.press("5", "n")
		r.want("New evaluation", "qa_accuracy", "$model_input", "no bound: the run goes to its end")
		r.press("up", "up") // from the button to the metrics
		r.want("Metrics that can be named", "factual_knowledge")
		r.write("qa_acuracy")
		r.press("ctrl+s")
		r.want(`there is no metric "qa_acuracy"`)
		r.press("ctrl+u")
		r.write("qa_accuracy, factual_knowledge")
		r.press("down")
		r.write("Answer: $question")
		r.press("ctrl+s")
		r.want(`the placeholder "question"`)
		r.press("ctrl+u")
		r.write("Answer: $model_input")
		r.press("down", "down", "enter", "down") // the bounds
		r.write("30")
		r.press("down")
		r.write("2.5")
		r.want("dollars", "the run stops when its answers have cost so much")
		r.press("down")
		r.write("base=1")
		r.press("ctrl+s")
		r.want(`"base=1" is no price; write MODEL=0.15/0.2`)
		if got := r.world.Done(); slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "evaluate") }) {
			r.t.Errorf("it has begun: %v", got)
		}
		r.write("/2")
		r.press("up", "up", "up", "enter") // the group is closed
		r.want("at most 30 minutes, at most $2.5")
		r.press("down", "down", "enter", "down") // the columns
		r.write("a[")
		r.press("ctrl+s")
		r.want("no JMESPath")
		r.press("ctrl+u")
		r.write("a.b")
		r.press("ctrl+s")
		want := evaluation.Spec{Dataset: "sample:heldout.jsonl", Models: []string{"base", "style-20260714-102210"}, Metrics: []string{"qa_accuracy", "factual_knowledge"},
			Template: "Answer: $model_input", MaxTokens: 128, Seed: 1, Budget: evaluation.Budget{Dollars: 2.5, Minutes: 30},
			Prices: map[string]evaluation.Price{"base": {Input: 1, Output: 2}}, FMEval: &fmevalio.DataConfig{ModelInput: "a.b"}}
		if !reflect.DeepEqual(r.world.Spec, want) {
			r.t.Errorf("began\n%+v, not\n%+v\n%s", r.world.Spec, want, r.text())
		}
	})
}

// TestScoreRunFile: everything that a run file says comes into the form, and out of
// it again.
func TestScoreRunFile(t *testing.T) {
	world := func() *uitest.World {
		w := uitest.Full()
		w.RunFile.Spec = evaluation.Spec{Name: "nightly", Dataset: "fmeval:trivia_qa", Models: []string{"base", "tuned"}, Limit: 100, MaxTokens: 64, Temperature: 0.5, Delimiter: "|", Seed: 7,
			Metrics: []string{"classification_accuracy"}, Params: map[string]string{"valid_labels": `["yes", "no"]`, "multiclass_average_strategy": "macro"},
			Template: "Question:\n$model_input", FMEval: &fmevalio.DataConfig{Name: "mine", MIMEType: fmevalio.JSON, ModelInput: "q", TargetOutput: "a", Context: "c"},
			Budget: evaluation.Budget{Minutes: 5}, Prices: map[string]evaluation.Price{"base": {Input: 0.15, Output: 0.2}}, FailIf: []string{"f1_score < baseline - 0.02", "errors > 0.01"}}
		return w
	}
	play(t, world, 120, 60, func(r *rig) {
		r.press("5", ":")
		r.write("score.run-file /x/run.toml")
		r.press("enter")
		r.want("these are the settings of /x/run.toml", "fmeval:trivia_qa", "question in q, reference in a", `Question:\n$model_input`, "f1_score < baseline - 0.02, errors > 0.01")
		r.press("ctrl+s")
		if want := r.world.RunFile.Spec; !reflect.DeepEqual(r.world.Spec, want) {
			r.t.Errorf("began\n%+v, not\n%+v\n%s", r.world.Spec, want, r.text())
		}
		if got := strings.Join(r.world.Done(), "\n"); !strings.Contains(got, "fetch fmeval:trivia_qa") {
			r.t.Errorf("did %s", got)
		}
		// Answers from files leave models and dataset out.
		for range 30 {
			if r.line("▌", "answers from files") >= 0 {
				break
			}
			r.press("up")
		}
		r.press("enter", "down")
		r.write("base=/x/b.jsonl, /x/t.jsonl")
		r.press("ctrl+s")
		if got := r.world.Spec; len(got.Models) > 0 || got.Dataset != "" || !slices.Equal(got.Outputs, []evaluation.Outputs{{Model: "base", File: "/x/b.jsonl"}, {File: "/x/t.jsonl"}}) {
			r.t.Errorf("began %+v\n%s", got, r.text())
		}
	})
}

// TestRecordExplained: a record is shown with what was asked, how its scores came
// about and the disturbed copies of its question.
func TestRecordExplained(t *testing.T) {
	world := func() *uitest.World {
		w := uitest.Full()
		w.Explained = []evaluation.Explanation{
			{Model: "base", Prompt: "Answer: In what color?", How: []evaluation.Reason{{Metric: "qa_accuracy", Text: "compared as so"}, {Metric: "factual_knowledge", Text: "the answer contains it"}},
				Disturbed: []evaluation.Disturbed{{Question: "In whta color", Output: " brown", Scores: map[string]float64{"exact_match_score": 1}}}},
			{Model: "style-20260714-102210", Prompt: "Answer: In what color?", Missing: 3},
		}
		return w
	}
	play(t, world, 120, 40, func(r *rig) {
		r.press("5", "enter")
		r.want("against base")
		if r.line("exact", "base") < 0 {
			r.t.Errorf("the other model's score does not stand beside\n%s", r.text())
		}
		r.press("enter")
		r.want("asked as", "Answer: In what color?", "qa_accuracy: compared as so", "factual_knowledge: the answer contains it", "asked again with mistakes", "In whta color", "3 of these answers were not kept")
	})
}

// TestScoreboardRules: the rules of a run and what decided its result stand below
// the scores.
func TestScoreboardRules(t *testing.T) {
	world := func() *uitest.World {
		w := uitest.Full()
		r := &w.RunList[0]
		r.Spec.FailIf = []string{"f1_score < baseline - 0.02", "errors > 0.01"}
		r.Spec.Metrics, r.Spec.Template, r.Spec.Program = []string{"qa_accuracy"}, "Answer: $model_input", "1.2"
		r.DatasetHash = strings.Repeat("ab", 32)
		r.Models[1].Cost = 0.0123
		w.Judged = []evaluation.Judged{{Rule: evaluation.Rule{Text: "f1_score < baseline - 0.02"}, Got: 0.5, Limit: 0.6, Broken: true, Sure: true},
			{Rule: evaluation.Rule{Text: "errors > 0.01"}, Got: 0, Limit: 0.01}}
		return w
	}
	play(t, world, 120, 60, func(r *rig) {
		r.press("5")
		r.want("rules that fail style-20260714-102210", "it holds   f1_score < baseline - 0.02   0.5 against 0.6, beyond chance", "it does not   errors > 0.01",
			"$0.0123", "how it was run", "SHA-256 "+strings.Repeat("ab", 32), "Answer: $model_input", "up to 128 tokens, temperature 0")
		r.press("a")
		r.want("New evaluation", "f1_score < baseline - 0.02, errors > 0.01", "Answer: $model_input")
	})
}

// TestTrend: a change that chance may explain has no colour, and a run can be
// shown from the trend.
func TestTrend(t *testing.T) {
	play(t, withOlder, 120, 40, func(r *rig) {
		r.press("5", "t")
		r.want("Trend of exact_match_score", "rows", "older")
		r.press("down", "down", "down", "down", "enter")
		r.want("run 5", "older")
	})
}

// TestScoreRefused: why a run could not start stands below the form in full, with
// what to do, until something is changed.
func TestScoreRefused(t *testing.T) {
	play(t, uitest.Full, 80, 24, func(r *rig) {
		r.world.Refuse = "the dataset cannot be fetched: there is no such host on this network. Copy it to /a/b/c, or set FMEVAL_DATASETS to a folder"
		r.press("5", "n", "ctrl+s")
		r.want("It did not start", "FMEVAL_DATASETS", "folder")
		r.press("up")
		r.write("x")
		r.lacks("It did not start")
	})
}
