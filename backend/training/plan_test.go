package training

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tunebench/backend/config"
	"tunebench/backend/dataset"
)

func rowsFile(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":"%d","system_prompt":"","question":"What is thing %d?","response":"It is %d."}`+"\n", i, i, i*i)
	}
	path := filepath.Join(t.TempDir(), "Some Things_v2.jsonl")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func clock() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func small() *Service {
	return New(Config{BaseModel: SmallBase, Bucket: "b", RoleARN: "arn:aws:iam::000000000000:role/r", Region: "us-east-1", Now: clock})
}

func TestPlan(t *testing.T) {
	ctx := context.Background()
	p, err := small().Plan(ctx, Spec{Dataset: rowsFile(t, 40)})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "tb-some-things-v2-20260102-030405" || p.TrainRows != 40 || p.ValidationRows != 0 || p.Cost != nil ||
		p.Config.Preset != "style" || p.Steps != 400 || p.Output != "s3://b/tunebench/jobs" || p.Config.BaseModel != SmallBase {
		t.Errorf("%+v", p)
	}
	out := filepath.Join(t.TempDir(), "out")
	if _, err := dataset.Prepare(ctx, rowsFile(t, 200), dataset.PrepareOptions{Out: out, Split: [3]float64{0.5, 0.5, 0}, PromptFormat: "human-assistant"}, nil); err != nil {
		t.Fatal(err)
	}
	p, err = small().Plan(ctx, Spec{Dataset: out, Name: "mine", Preset: "facts", Set: map[string]string{"epochs": "2", "learning_rate": "1e-4", "lora_targets": "q_proj, v_proj"}})
	if err != nil {
		t.Fatal(err)
	}
	set := p.Config.Settings
	if p.Name != "mine" || p.TrainRows+p.ValidationRows != 200 || p.ValidationRows < 50 || set.PromptFormat != "human-assistant" ||
		set.LearningRate != 1e-4 || set.MaxSteps != 0 || len(set.LoRATargets) != 2 || p.Steps < 2 || p.Steps > 20 {
		t.Errorf("%+v", p)
	}
}

func TestPlanRefuses(t *testing.T) {
	ctx := context.Background()
	rows := rowsFile(t, 3)
	for want, spec := range map[string]Spec{
		"choose one of: style, facts":    {Dataset: rows, Preset: "qlora-7b"},
		"there is no training setting":   {Dataset: rows, Set: map[string]string{"lr": "1"}},
		"learning_rate cannot be \"x\"":  {Dataset: rows, Set: map[string]string{"learning_rate": "x"}},
		"learning_rate cannot be NaN":    {Dataset: rows, Set: map[string]string{"learning_rate": "NaN"}},
		"lora_targets cannot be \"x\"":   {Dataset: rows, Set: map[string]string{"lora_targets": "x"}},
		"there is no prompt format":      {Dataset: rows, Set: map[string]string{"prompt_format": "x"}},
		"is not allowed; use letters":    {Dataset: rows, Name: "a_b"},
		"at most 63":                     {Dataset: rows, Name: strings.Repeat("a", 64)},
		"there is no file":               {Dataset: rows + ".none"},
		"max_steps and epochs cannot":    {Dataset: rows, Set: map[string]string{"max_steps": "0"}},
		"batch_rows cannot be 0; it is ": {Dataset: rows, Set: map[string]string{"batch_rows": "0"}},
	} {
		if _, err := small().Plan(ctx, spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q", err, want)
		}
	}
}

func TestPlanForBigModel(t *testing.T) {
	ctx := context.Background()
	d := config.Default()
	s := New(Config{BaseModel: d.Training.BaseModel, Bills: true, Defaults: d.Training, Prices: d.Prices, Region: "us-west-2", Bucket: "b", RoleARN: "r", Now: clock})
	p, err := s.Plan(ctx, Spec{Dataset: rowsFile(t, 5000)})
	if err != nil {
		t.Fatal(err)
	}
	if p.Config.Preset != "qlora-7b" || p.Instance != "ml.g6e.2xlarge" || !strings.Contains(p.Image, "us-west-2") || p.Cost == nil || p.Cost.USD < 0.9 || p.Cost.USD > 2 || !strings.Contains(p.Cost.Basis, "2026-07-02") {
		t.Errorf("%+v %+v", p, p.Cost)
	}
	if all := strings.Join(p.Warnings, "\n"); !strings.Contains(all, "not part of this build") || !strings.Contains(all, "the price is of us-east-1") {
		t.Errorf("warnings: %s", all)
	}
	if _, err := s.Start(ctx, p); err == nil || !strings.Contains(err.Error(), "not part of this build") {
		t.Errorf("start: %v", err)
	}
}

func TestProposeName(t *testing.T) {
	for path, want := range map[string]string{
		"/x/Äpfel & Birnen.csv":         "tb-pfel-birnen-20260102-030405",
		"sample:openorca-sample.jsonl":  "tb-openorca-sample-20260102-030405",
		"---":                           "tb-dataset-20260102-030405",
		strings.Repeat("ab-", 40) + "x": "tb-" + strings.TrimRight(strings.Repeat("ab-", 15)[:44], "-") + "-20260102-030405",
	} {
		got := ProposeName(path, clock())
		if got != want || checkJobName(got) != nil {
			t.Errorf("%s: %s, want %s, %v", path, got, want, checkJobName(got))
		}
	}
}

func TestPresetsAreValid(t *testing.T) {
	for _, p := range Presets() {
		if err := p.Settings.check(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}
