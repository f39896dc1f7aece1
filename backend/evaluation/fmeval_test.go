package evaluation

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tunebench/backend/chat/chattest"
	"tunebench/metrics/fmevalio"
)

const goldenDir = "../../metrics/testdata/e2e"

// goldenFile reads what FMEval's own pipeline read or wrote.
func goldenFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(goldenDir, name))
	if err == nil {
		return b
	}
	f, err := os.Open(filepath.Join(goldenDir, name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	if b, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return b
}

type goldenCase struct {
	Eval       string
	Data       fmevalio.DataConfig               `json:"data_config"`
	NumRecords int                               `json:"num_records"`
	Template   string                            `json:"prompt_template"`
	Delimiter  string                            `json:"target_output_delimiter"`
	Operator   string                            `json:"logical_operator"`
	Replies    []struct{ Prompt, Output string } `json:"model_responses"`
	Error      string
}

type goldenOutput struct {
	DatasetScores  []goldenScore `json:"dataset_scores"`
	CategoryScores []struct {
		Name   string
		Scores []goldenScore
	} `json:"category_scores"`
}

type goldenScore struct {
	Name  string
	Value float64
}

// TestFMEval runs what FMEval's own pipeline ran, through the runner: outputs
// that a file holds, or prompts to a model that answers as FMEval's did. Every
// record's scores are FMEval's bit for bit, the means to 1e-12, and the exported
// results file is the same bytes.
func TestFMEval(t *testing.T) {
	dirs, err := os.ReadDir(goldenDir)
	if err != nil {
		t.Fatal(err)
	}
	ran, rows := 0, 0
	for _, dir := range dirs {
		var c goldenCase
		if err := json.Unmarshal(goldenFile(t, dir.Name()+"/case.json"), &c); err != nil {
			t.Fatal(err)
		}
		if c.Eval == "prompt_stereotyping" { // pairs of log-probabilities are no answers
			continue
		}
		t.Run(dir.Name(), func(t *testing.T) { ran++; rows += runGolden(t, dir.Name(), c) })
	}
	if ran != 13 || rows < 1200 {
		t.Errorf("%d cases, %d rows", ran, rows)
	}
}

func runGolden(t *testing.T, dir string, c goldenCase) int {
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, call chattest.Call) {
		for _, reply := range c.Replies {
			if reply.Prompt == call.Prompt {
				chattest.Say(w, call, reply.Output)
				return
			}
		}
		t.Errorf("FMEval did not ask %q", call.Prompt)
		chattest.Fail(w, 400, "ValidationException", "no such prompt")
	})
	path := filepath.Join(t.TempDir(), c.Data.URI)
	if err := os.WriteFile(path, goldenFile(t, dir+"/"+c.Data.URI), 0o600); err != nil {
		t.Fatal(err)
	}
	spec := Spec{Dataset: path, FMEval: &c.Data, Metrics: []string{c.Eval}, Limit: c.NumRecords, Template: c.Template, Params: map[string]string{}}
	for name, v := range map[string]string{"target_output_delimiter": c.Delimiter, "logical_operator": c.Operator} {
		if v != "" {
			spec.Params[name] = v
		}
	}
	if c.Replies != nil {
		spec.Models = []string{"base"}
	} else {
		spec.Outputs = []Outputs{{Model: "theirs", File: path}}
	}
	l, err := f.Start(t.Context(), spec)
	if c.Error != "" {
		if err == nil {
			t.Errorf("FMEval says %q, we say nothing", c.Error)
		}
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	run, err := finish(t, l)
	if err != nil || run.Status != Finished || run.Models[0].Errors > 0 {
		t.Fatalf("%+v, %v", run, err)
	}
	n := sameRecords(t, f, run, goldenFile(t, dir+"/results/"+c.Eval+"_"+c.Data.Name+".jsonl"))
	var want goldenOutput
	if err := json.Unmarshal(goldenFile(t, dir+"/eval_output.json"), &want); err != nil {
		t.Fatal(err)
	}
	near := func(what string, got map[string]float64, want []goldenScore) {
		compared := 0
		for _, w := range want {
			v, ok := got[w.Name]
			if !ok {
				continue // a score of the set that is no mean; the exported EvalOutput has it
			}
			compared++
			if math.Abs(v-w.Value) > 1e-12 {
				t.Errorf("%s, %s: %v, FMEval has %v", what, w.Name, v, w.Value)
			}
		}
		if compared == 0 {
			t.Errorf("%s: nothing to compare in %v", what, got)
		}
	}
	near("all rows", run.Models[0].Scores, want.DatasetScores)
	if len(run.Models[0].Categories) != len(want.CategoryScores) {
		t.Errorf("%d categories, FMEval has %d", len(run.Models[0].Categories), len(want.CategoryScores))
	}
	for i, cat := range want.CategoryScores {
		got := run.Models[0].Categories[i]
		if got.Category != cat.Name {
			t.Fatalf("category %q, FMEval has %q", got.Category, cat.Name)
		}
		near(cat.Name, got.Scores, cat.Scores)
	}
	sameFiles(t, f, run, dir, c)
	return n
}

// sameRecords compares every stored record with FMEval's results file.
func sameRecords(t *testing.T, f *fixture, run Run, results []byte) int {
	t.Helper()
	recs, _, err := f.Records(t.Context(), run.ID, RecordFilter{})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(results), "\n")
	if len(lines) != len(recs) {
		t.Fatalf("%d records, FMEval has %d", len(recs), len(lines))
	}
	for i, line := range lines {
		var want struct{ Scores []goldenScore }
		if err := json.Unmarshal([]byte(line), &want); err != nil || len(want.Scores) == 0 {
			t.Fatal(line, err)
		}
		for _, w := range want.Scores {
			if got, ok := recs[i].Scores[w.Name]; !ok || got != w.Value {
				t.Errorf("record %d, %s: %v, FMEval has %v", i+1, w.Name, got, w.Value)
			}
		}
	}
	return len(recs)
}

func sameFiles(t *testing.T, f *fixture, run Run, dir string, c goldenCase) {
	t.Helper()
	files, err := f.ExportFMEval(t.Context(), run.ID)
	if err != nil || len(files) != 2 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var b bytes.Buffer
	if err := files[0].Write(&b); err != nil {
		t.Fatal(err)
	}
	if want := goldenFile(t, dir+"/results/"+files[0].Name); !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs from FMEval's:\n%.300s\n%.300s", files[0].Name, b.Bytes(), want)
	}
	b.Reset()
	if err := files[1].Write(&b); err != nil {
		t.Fatal(err)
	}
	var got, want goldenOutput
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(goldenFile(t, dir+"/eval_output.json"), &want); err != nil {
		t.Fatal(err)
	}
	if len(got.DatasetScores) != len(want.DatasetScores) || len(got.CategoryScores) != len(want.CategoryScores) {
		t.Fatalf("EvalOutput %s", b.Bytes())
	}
	for i, w := range want.DatasetScores {
		if g := got.DatasetScores[i]; g.Name != w.Name || math.Abs(g.Value-w.Value) > 1e-12 {
			t.Errorf("EvalOutput has %v, FMEval's %v", g, w)
		}
	}
}
