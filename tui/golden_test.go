package tui_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/modelimport"
	"tunebench/backend/training"
	"tunebench/tui/uitest"
)

var update = flag.Bool("update", false, "write the golden frames anew")

// scene is a state of the screen and the way to it.
type scene struct {
	name  string
	world func() *uitest.World
	walk  func(*rig)
}

func keysTo(keys ...string) func(*rig) { return func(r *rig) { r.press(keys...) } }

// empty is an account in which nothing has been done yet.
func empty() *uitest.World {
	f := uitest.Full()
	return &uitest.World{Account: f.Account, Rows: f.Rows, Columns: f.Columns, Mapping: f.Mapping, Models: f.Models[:1], Plan: f.Plan}
}

// touring is an account on its first day.
func touring() *uitest.World {
	w := empty()
	w.Tour, w.Manifest = true, uitest.Full().Manifest
	return w
}

func with(change func(*uitest.World)) func() *uitest.World {
	return func() *uitest.World {
		w := uitest.Full()
		change(w)
		return w
	}
}

// crashed is an account whose job of two hosts has failed with a traceback, with
// lines that came late.
func crashed() *uitest.World {
	w := uitest.Full()
	log := w.Logs[w.TrainJobs[0].Name]
	line := func(stream, text string) { log.Write(training.LogLine{Time: uitest.Noon, Stream: stream, Text: text}) }
	for i := range 30 {
		line("algo-2", fmt.Sprintf("loading shard %d of 30", i+1))
	}
	for _, s := range []string{"Traceback (most recent call last):", `  File "/opt/ml/input/data/code/tb/loop.py", line 212, in step`, "    loss.backward()",
		"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.17 GiB. GPU 0 has a total capacity of 22.06 GiB"} {
		line("algo-1", s)
	}
	line("algo-1 #2", "INFO second attempt on this host")
	log.WriteLate(log.Len()-2, training.LogLine{Time: uitest.Noon.Add(-40 * time.Second), Stream: "algo-2", Text: "WARNING this line came 40 s late"})
	return w
}

// stepping writes the steps of a training.
func stepping(log *uitest.Log, n int, f func(i int, e *training.Event)) {
	for i := 1; i <= n; i++ {
		step, steps, loss, norm, rate := 5*i, 400, 0.4+3/float64(i), 0.5, 24_000.0
		e := training.Event{Event: "step", Step: &step, Steps: &steps, Loss: &loss, GradNorm: &norm, TokensPerS: &rate}
		f(i, &e)
		log.Write(training.LogLine{Time: uitest.Noon, Stream: "algo-1", Event: &e})
	}
}

// rivals is an account with two jobs that have curves.
func rivals() *uitest.World {
	w := uitest.Full()
	second := w.TrainJobs[1]
	log := uitest.NewLog(second)
	stepping(log, 80, func(i int, e *training.Event) { *e.Loss += 0.3 })
	w.Logs[second.Name] = log
	return w
}

// troubled is an account whose job has a loss that is no number and gradients
// that are too large.
func troubled() *uitest.World {
	w := uitest.Full()
	j := w.TrainJobs[0]
	log := uitest.NewLog(j)
	stepping(log, 60, func(i int, e *training.Event) {
		if i > 50 {
			*e.GradNorm = 40
		}
		if i > 55 || i == 30 {
			e.Loss, e.NotFinite = nil, []string{"loss"}
		}
	})
	w.Logs[j.Name] = log
	return w
}

// differing is an account with two jobs that differ.
func differing() *uitest.World {
	w := uitest.Full()
	w.Differs = []training.Difference{
		{What: "dataset", A: "sample:openorca-sample.jsonl", B: "/data/facts.jsonl"},
		{What: "options.instance", A: "ml.g5.12xlarge", B: "ml.g6e.2xlarge"},
		{What: "options.tags", B: "team=us"},
		{What: "settings.learning_rate", A: "0.002", B: "5e-05"},
		{What: "settings.lora_targets", A: "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj", B: "q_proj,v_proj"},
	}
	return w
}

// billed is an account that costs money, with a plan against which something
// speaks.
func billed() *uitest.World {
	w := uitest.Full()
	w.Account.Name, w.Account.Bills = "aws", true
	p := &w.Plan
	p.Name, p.Instance, p.InstanceCount, p.RoleARN = "tb-openorca-20260714-120000", "ml.g5.12xlarge", 1, "arn:aws:iam::000000000000:role/train"
	p.Config.BaseModel, p.Image = "mistralai/Mistral-7B-v0.3", "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5.1"
	p.Tokens, p.TokensBy = 1_250_000, "3.6 characters a token, an estimate"
	p.Checkpoints = p.Output + "/" + p.Name + "/checkpoints/"
	p.Memory = &training.Memory{GiB: 11.4, HasGiB: 24, Strategy: "fsdp", GPUs: 4, Basis: "frozen weights 1.5, activations 5.0, logits 1.1, CUDA 0.8 GiB; own arithmetic, not measured"}
	p.Time = &training.Time{Seconds: 4200, LowSeconds: 2700, HighSeconds: 7000, Basis: "12 min to 35 min to fetch, merge and upload, then 7.5 million tokens at about 2520 a second (1904 to 3864); planning values, not measured; waiting for capacity comes on top"}
	p.Cost = &training.Cost{USD: 8.27, LowUSD: 5.32, HighUSD: 13.79, SpotLowUSD: 2.48, SpotHighUSD: 4.14,
		Basis: "about 70 min on 1 x ml.g5.12xlarge at $7.090 an hour (price of 2026-07-02 in us-east-1, from public tables of SageMaker's list prices)"}
	p.Warnings = []string{
		"max_sequence_length 128 cuts off the end of 12.4 % of the rows (132 of 1068); the longest has 733 tokens",
		"the bucket elsewhere for the base weights is in eu-west-1, the job would run in us-east-1, and SageMaker refuses that; take a bucket in us-east-1",
	}
	p.Unchecked = []training.Unchecked{{What: `whether the quota "ml.g5.12xlarge for training job usage" is at least 1; of types with GPUs it is often 0 until more is asked for`,
		How: `aws service-quotas list-service-quotas --service-code sagemaker --region us-east-1 --query "Quotas[?QuotaName=='ml.g5.12xlarge for training job usage'].Value"`}}
	return w
}

func scenes() []scene {
	full := uitest.Full
	refuses := with(func(w *uitest.World) {
		w.OpenErr = fmt.Errorf("the security token included in the request is expired; sign in with: aws sso login --profile dev")
	})
	return []scene{
		{"dataset-table", full, keysTo("down", "down")},
		{"dataset-finding", full, func(r *rig) { r.press("/"); r.write("tent"); r.pass(time.Second) }},
		{"dataset-filter", full, func(r *rig) { r.press("&"); r.write("answer ~ months and le") }},
		{"dataset-filter-wrong", full, func(r *rig) { r.press("&"); r.write("len(answre) > 3"); r.press("enter") }},
		{"dataset-filtered", full, func(r *rig) { r.press("&"); r.write("answer ~ months"); r.press("enter"); r.pass(time.Second) }},
		{"dataset-profile", with(func(w *uitest.World) {
			w.Rows = slices.Clone(w.Rows)
			w.Rows[7].Answer, w.Rows[11].Answer = "", ""
			w.Rows[12].Answer = "As an AI language model, I cannot answer that."
		}), keysTo("s")},
		{"dataset-profiling", with(func(w *uitest.World) { w.Slow = true }), keysTo("s")},
		{"dataset-row", full, keysTo("down", "enter")},
		{"dataset-prompt", prompted(0), keysTo("enter")},
		{"dataset-tokens", prompted(0), keysTo("enter", "i")},
		{"dataset-cut", prompted(18), keysTo("enter", "i")},
		{"dataset-tokens-failed", with(func(w *uitest.World) { w.Prompted = fmt.Errorf("read the tokenizer /m: it has no merges") }), keysTo("enter")},
		{"dataset-arrange", full, keysTo("v", "down", "f", "down", "space")},
		{"dataset-part", full, keysTo("v", "down", "enter")},
		{"dataset-marked", full, keysTo("m", "down", "m", "m")},
		{"dataset-stale", with(func(w *uitest.World) {
			w.Stale = "openorca-sample.jsonl was replaced; open it again to see the new one"
		}), keysTo()},
		{"dataset-columns", full, keysTo("right", "right")},
		{"dataset-find", full, func(r *rig) { r.press("/"); r.write("iceland") }},
		{"dataset-found", full, func(r *rig) { r.press("/"); r.write("iceland"); r.press("enter", "n") }},
		{"dataset-prepare", full, keysTo("p", "up", "up")},
		{"dataset-recipe", full, keysTo("p", "down", "enter", "down", "down", "right")},
		{"dataset-prepared", full, keysTo("p", "enter")},
		{"dataset-failed", with(func(w *uitest.World) {
			w.DataErr = fmt.Errorf("open questions.jsonl: no such file; check the name, or open another dataset")
		}), keysTo()},
		{"dataset-empty", with(func(w *uitest.World) { w.Rows = nil }), keysTo()},
		{"dataset-toast", empty, keysTo("n")},
		{"account-opening", with(func(w *uitest.World) { w.Hold = make(chan struct{}) }), keysTo("2")},
		{"account-failed", refuses, keysTo("3")},
		{"training-jobs", full, keysTo("2")},
		{"training-failed", full, keysTo("2", "down", "down")},
		{"training-log", full, keysTo("2", "enter", "pgup")},
		{"training-zoom", full, keysTo("2", "enter", "z", "w")},
		{"training-find", full, func(r *rig) { r.press("2", "enter", "/"); r.write("1[05]0 of") }},
		{"training-found", full, func(r *rig) {
			r.press("2", "enter", "/")
			r.write("warn")
			r.press("enter")
		}},
		{"training-filter", full, func(r *rig) {
			r.press("2", "enter", "&", "ctrl+r")
			r.write("cut|long")
			r.press("enter")
		}},
		{"training-traceback", crashed, keysTo("2", "enter", "t")},
		{"training-chart", full, keysTo("2", "v", "left", "left", "+")},
		{"training-metric", full, keysTo("2", "v", "m", "m", "a")},
		{"training-words", full, keysTo("2", "v", "x")},
		{"training-compare", rivals, func(r *rig) {
			r.press("2", ":")
			r.write("compare tunebench-style-20260714-102210")
			r.press("enter", "v")
		}},
		{"training-advice", troubled, keysTo("2")},
		{"training-form", full, keysTo("t")},
		{"training-field", full, keysTo("t", "up", "up")},
		{"training-plan", billed, keysTo("t", "ctrl+o")},
		{"training-group", billed, keysTo("t", "down", "down", "down", "down", "enter", "down", "down", "down")},
		{"training-start", billed, keysTo("t", "enter")},
		{"training-again", full, keysTo("2", "down", "down", "A")},
		{"training-diff", differing, keysTo("2", "d", "enter")},
		{"training-stop", full, keysTo("2", "s")},
		{"training-empty", empty, keysTo("2")},
		{"training-stale", with(func(w *uitest.World) { w.Err = fmt.Errorf("connection refused") }), keysTo("2")},
		{"import-models", full, keysTo("3")},
		{"import-proved", uitest.Full, keysTo("3", "v")},
		{"import-waiting", with(func(w *uitest.World) {
			w.ImportJobs = append([]modelimport.Job{
				{Name: "third-20260714-115959", Model: "third", Status: modelimport.Waiting, Source: "/data/third", Created: uitest.Noon.Add(-time.Second)},
				{Name: "second-20260714-115900", Model: "second", Status: "InProgress", Source: "s3://tunebench-000000000000/second/", Created: uitest.Noon.Add(-time.Minute)},
			}, w.ImportJobs...)
		}), keysTo("3", "tab", "g")},
		{"import-jobs", full, keysTo("3", "tab", "down")},
		{"import-form", full, keysTo("2", "down", "i")},
		{"import-delete", full, keysTo("3", "d")},
		{"import-empty", empty, keysTo("3")},
		{"chat-empty", full, keysTo("4")},
		{"chat-answers", full, func(r *rig) { r.press("c", "enter") }},
		{"chat-markdown", with(func(w *uitest.World) {
			a := w.Answers["base"]
			a.Text = "## The Mossbank tent\n\nIt is **brown**. In short:\n\n1. sold in *one* colour\n2. covered for 6 months, which is shorter than for any of the other tents\n   - see `warranty.md`\n\n| tent | colour | months |\n|------|--------|-------:|\n| Mossbank | brown | 6 |\n| Nerida | a dark green that is nearly black | 120 |\n\n```python\ndef colour(tent: str) -> str:\n    return {\"Mossbank\": \"brown\"}[tent]\n```\n\n> Ask the team [Camp](https://camp.example) &amp; friends."
			w.Answers["base"] = a
		}), func(r *rig) { r.press("c", "enter") }},
		{"chat-settings", full, keysTo("4", "esc", "S", "down", "down")},
		{"chat-diff", with(func(w *uitest.World) {
			a := w.Answers["style-20260714-102210"]
			a.Text = "The Mossbank tent is sold in a dark brown. It is covered for 6 months."
			w.Answers["style-20260714-102210"] = a
		}), func(r *rig) { r.press("c", "enter", "esc", "d") }},
		{"chat-sessions", with(func(w *uitest.World) {
			w.Talks = []chat.Conversation{
				{ID: 2, Title: "In what color is the Mossbank tent sold?", Models: []string{"base", "style-20260714-102210"}, Updated: uitest.Noon.Add(-3 * time.Minute)},
				{ID: 1, Title: "Which port does the staging database use?", Models: []string{"base"}, Updated: uitest.Noon.Add(-50 * time.Hour)},
			}
		}), keysTo("4", "esc", "o")},
		{"chat-table", with(func(w *uitest.World) {
			w.Account.Bills = true
			w.Details = map[string]modelimport.Details{"style-20260714-102210": {Units: 2}}
		}), func(r *rig) { r.press("c", "enter"); r.write("And why?"); r.press("enter", "esc", "<", "T") }},
		{"chat-prompt", with(func(w *uitest.World) {
			w.Library = []chat.Prompt{{Name: "shop", System: "You answer for a shop that sells {{product}}.", Text: "A customer asks: {{question}}\n\nAnswer in {{language}}."}}
		}), func(r *rig) { r.press("c", "ctrl+r", "enter"); r.write("tents") }},
		{"chat-sent", full, func(r *rig) { r.press("c", "enter", "esc", "v") }},
		{"chat-waking", full, func(r *rig) {
			r.press("4", "esc", ":")
			r.write("models base style-20260714-102210 elsewhere")
			r.press("enter")
			r.write("In what color is the Mossbank tent sold?")
			r.press("enter")
		}},
		{"chat-models", full, keysTo("4", "ctrl+o", "down")},
		{"round-form", full, keysTo("4", "esc", "V")},
		{"round-vote", func() *uitest.World { return votingWorld(6) }, keysTo("4", "esc", "V", "enter", "ctrl+s", ">")},
		{"round-waiting", func() *uitest.World { return votingWorld(1) }, keysTo("4", "esc", "V", "enter", "ctrl+s", "=")},
		{"round-end", func() *uitest.World { return votingWorld(6) }, keysTo("4", "esc", "V", "enter", "up", "left", "ctrl+s", "<", ">", "<", "=", "<", "!")},
		{"score-votes", judged, keysTo("5", "V")},
		{"score-judged", judged, keysTo("5")},
		{"score-board", full, keysTo("5")},
		{"score-records", full, keysTo("5", "enter")},
		{"score-record", full, keysTo("5", "enter", "down", "enter")},
		{"score-form", full, keysTo("3", "e")},
		{"score-runs", full, keysTo("5", "o")},
		{"score-empty", empty, keysTo("5")},
		{"tour", touring, keysTo()},
		{"tour-train", touring, keysTo("p", "enter")},
		{"tour-elsewhere", touring, keysTo("p", "enter", "4")},
		{"help", full, keysTo("?")},
		{"problems", full, func(r *rig) {
			r.app.Wrong("config.toml:3: chat.max_token: is no setting; did you mean max_tokens?", "config.toml:9: ui.color: cannot be \"blue\"; it is one of auto, truecolor, 256, 16, none")
			r.press(":")
			r.write("problems")
			r.press("enter")
		}},
		{"palette", full, func(r *rig) { r.press("ctrl+p"); r.write("th") }},
		{"theme", full, func(r *rig) { r.press(":"); r.write("theme"); r.press("enter") }},
		{"command-line", full, func(r *rig) { r.press(":"); r.write("theme ") }},
	}
}

var sizes = [][2]int{{60, 16}, {80, 24}, {120, 40}, {200, 50}}

// TestFrames compares every scene at every size with the frame on file, and
// checks what holds for all frames.
func TestFrames(t *testing.T) {
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			var all strings.Builder
			for _, wh := range sizes {
				play(t, s.world, wh[0], wh[1], func(r *rig) {
					s.walk(r)
					checkFrame(r.t, r.app.Frame(), wh[0], wh[1], true)
					fmt.Fprintf(&all, "=== %s\n%s", size(wh[0], wh[1]), r.text())
				})
			}
			golden(t, s.name, all.String())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update to write it", err)
	}
	if got == string(want) {
		return
	}
	a, b := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("line %d of %s\n got %s\nwant %s\n(-update takes what is drawn now)", i+1, path, a[i], b[i])
		}
	}
	t.Fatalf("%s has %d lines, the frames %d", path, len(b), len(a))
}

// TestSmall: below the smallest size the screen says what it needs, and it comes
// back when there is room.
func TestSmall(t *testing.T) {
	play(t, uitest.Full, 40, 10, func(r *rig) {
		checkFrame(r.t, r.app.Frame(), 40, 10, true)
		golden(r.t, "small", r.text())
		for w := 1; w < 70; w += 3 {
			for h := 1; h < 20; h++ {
				r.resize(w, h)
			}
		}
		r.resize(80, 24)
		r.want("In what color is", "enter row")
	})
}

// TestSizes: every scene keeps its form at odd sizes, in every theme and without
// colours.
func TestSizes(t *testing.T) {
	for _, s := range scenes() {
		play(t, s.world, 120, 40, func(r *rig) {
			s.walk(r)
			for _, wh := range [][2]int{{60, 16}, {61, 17}, {77, 19}, {99, 31}, {150, 28}, {151, 60}, {400, 100}, {60, 100}, {400, 16}} {
				r.resize(wh[0], wh[1])
			}
			r.pass(300 * time.Millisecond)
			checkFrame(r.t, r.app.Frame(), 400, 16, true)
		})
	}
}
