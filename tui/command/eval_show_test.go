package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tunebench/backend/evaluation"
)

// TestEvalShow: a run on the local account is shown, explained, marked, exported
// without the marked row, followed in the trend, kept as a run file that runs the
// same again, and removed.
func TestEvalShow(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	do := func(args ...string) string {
		t.Helper()
		var out, bad bytes.Buffer
		if status := Run(t.Context(), append([]string{"--home", home}, args...), strings.NewReader(""), &out, &bad); status != 0 {
			t.Fatalf("%v: %d %s", args, status, bad.String())
		}
		return out.String()
	}
	rows := filepath.Join(dir, "rows.jsonl")
	if err := os.WriteFile(rows, []byte(`{"question":"On which continent is Peru?","response":"South America","category":"x"}`+"\n"+`{"question":"And Chad?","response":"Africa","category":"y"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func(args ...string) runOut {
		t.Helper()
		var r runOut
		if err := json.Unmarshal([]byte(do(append([]string{"eval", "run", "-o", "json"}, args...)...)), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := start("--dataset", rows, "-m", "base", "--max-tokens", "8", "--prompt-template", "Q: $model_input", "--metric", "factual_knowledge", "--metric", "general_semantic_robustness")
	if r.Spec == nil || r.Spec.Template != "Q: $model_input" || len(r.DatasetHash) != 64 || r.Models[0].ModelID == "" {
		t.Errorf("%+v", r)
	}
	has := func(text string, wants ...string) {
		t.Helper()
		for _, w := range wants {
			if !strings.Contains(text, w) {
				t.Errorf("%q is not in\n%s", w, text)
			}
		}
	}
	has(do("eval", "show", r.Run, "--row", "2"), "question   And Chad?", "asked as   Q: And Chad?", "reference  Africa", "the answer ", "disturbed  ")
	has(do("eval", "show", r.Run, "--about", "--categories"), "prompt: Q: $model_input", "answers: up to 8 tokens", "y         base   1")
	var recs []struct{ Row, Index int64 }
	if err := json.Unmarshal([]byte(do("eval", "show", r.Run, "--records", "--most", "0", "--worst", "-o", "json")), &recs); err != nil {
		t.Fatal(err)
	}
	for _, rec := range recs {
		if rec.Row != rec.Index+1 {
			t.Errorf("%+v", rec)
		}
	}
	has(do("eval", "mark", r.Run, "2", "wrong"), "1 rows of this dataset are marked")
	has(do("eval", "export", r.Run, "--format", "md", "--without-marked"), "1 records of marked rows are left out", "| base | 1 | 0 |")
	if csv := do("eval", "export", r.Run, "--format", "csv", "--without-marked"); strings.Contains(csv, "Chad") || !strings.Contains(csv, "\n1,") {
		t.Errorf("%s", csv)
	}
	file := filepath.Join(dir, "again.toml")
	do("eval", "export", r.Run, "--format", "toml", "--out", file)
	again := start("--config", file)
	if again.Models[0].Scores["factual_knowledge"] != r.Models[0].Scores["factual_knowledge"] || again.DatasetHash != r.DatasetHash {
		t.Errorf("%+v, then %+v", r, again)
	}
	has(do("eval", "trend", r.Run), r.Run, again.Run, "+0.000")
	do("--yes", "eval", "delete", again.Run)
	var runs []evaluation.Run
	if err := json.Unmarshal([]byte(do("eval", "list", "-o", "json")), &runs); err != nil || len(runs) != 1 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}
