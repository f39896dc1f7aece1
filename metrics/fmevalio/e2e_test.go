package fmevalio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tunebench/metrics"
	"tunebench/metrics/internal/golden"
	"tunebench/metrics/pytext"
)

// e2eCase is an evaluation that FMEval ran: configuration, dataset and the
// replies of its model in; EvalOutput and results file, or an error, out.
type e2eCase struct {
	Eval       string
	Data       DataConfig `json:"data_config"`
	NumRecords int        `json:"num_records"`
	Template   string     `json:"prompt_template"`
	Delimiter  string     `json:"target_output_delimiter"`
	Operator   string     `json:"logical_operator"`
	Replies    []struct {
		Prompt         string
		Output         *string
		LogProbability *float64 `json:"log_probability"`
	} `json:"model_responses"`
	Error string
}

func TestEndToEnd(t *testing.T) {
	dirs, err := os.ReadDir(filepath.Join(golden.Dir(t), "e2e"))
	if err != nil || len(dirs) != 14 {
		t.Fatalf("%d cases, %v", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(dir.Name(), func(t *testing.T) { endToEnd(t, filepath.Join("e2e", dir.Name())) })
	}
}

func endToEnd(t *testing.T, dir string) {
	var c e2eCase
	if err := json.Unmarshal(golden.Bytes(t, filepath.Join(dir, "case.json")), &c); err != nil {
		t.Fatal(err)
	}
	m, err := metrics.Lookup(c.Eval)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{Data: c.Data, Metric: m, NumRecords: c.NumRecords, Template: c.Template, Params: map[string]string{},
		OutputPath: ResultsPath("${EVAL_RESULTS_PATH}", c.Eval, c.Data.Name)}
	for name, v := range map[string]string{"target_output_delimiter": c.Delimiter, "logical_operator": c.Operator} {
		if v != "" {
			config.Params[name] = v
		}
	}
	if c.Replies != nil {
		config.Model = func(_ context.Context, prompt string) (Reply, error) {
			for _, r := range c.Replies {
				if r.Prompt == prompt {
					return Reply{r.Output, r.LogProbability}, nil
				}
			}
			return Reply{}, fmt.Errorf("FMEval did not ask %q", prompt)
		}
	}
	var out *EvalOutput
	var results []Result
	d, err := Load(c.Data, bytes.NewReader(golden.Bytes(t, filepath.Join(dir, c.Data.URI))))
	if err == nil {
		out, results, err = Evaluate(context.Background(), config, d)
	}
	if c.Error != "" {
		if err == nil {
			t.Errorf("FMEval says %q, we say nothing", c.Error)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, data, golden.Bytes(t, filepath.Join(dir, "eval_output.json")))
	var file bytes.Buffer
	if err := WriteResults(&file, m, results); err != nil {
		t.Fatal(err)
	}
	want := golden.Bytes(t, filepath.Join(dir, ResultsPath("results", c.Eval, c.Data.Name)))
	if !bytes.Equal(file.Bytes(), want) {
		got, want := strings.Split(file.String(), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("results, line %d:\n got %s\nwant %s", i+1, got[i], want[i])
			}
		}
		t.Fatalf("%d lines of results, want %d", len(got), len(want))
	}
}

// sameJSON compares two documents, the order of keys included, numbers within
// 1e-12.
func sameJSON(t *testing.T, got, want []byte) {
	t.Helper()
	g, err := pytext.Decode(got)
	if err != nil {
		t.Fatal(err)
	}
	w, err := pytext.Decode(want)
	if err != nil {
		t.Fatal(err)
	}
	if why := differ(g, w); why != "" {
		t.Errorf("%s\n got %s\nwant %s", why, got, want)
	}
}

func differ(got, want any) string {
	switch w := want.(type) {
	case *pytext.Dict:
		g, ok := got.(*pytext.Dict)
		if !ok || strings.Join(g.Keys, ",") != strings.Join(w.Keys, ",") {
			return fmt.Sprintf("keys of %v", got)
		}
		for _, k := range w.Keys {
			if why := differ(g.Values[k], w.Values[k]); why != "" {
				return k + ": " + why
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("list %v", got)
		}
		for i := range w {
			if why := differ(g[i], w[i]); why != "" {
				return why
			}
		}
	case float64:
		if g, ok := got.(float64); !ok || math.Abs(g-w) > 1e-12 {
			return fmt.Sprintf("%v, want %v", got, want)
		}
	default:
		if got != want {
			return fmt.Sprintf("%v, want %v", got, want)
		}
	}
	return ""
}

func TestTemplateVectors(t *testing.T) {
	type vector struct {
		ID       int
		Template string
		Input    string `json:"model_input"`
		Prompt   string
		Error    string
	}
	for _, v := range golden.Lines[vector](t, "prompt_templates.jsonl", 27) {
		got, err := Compose(v.Template, v.Input)
		if (err != nil) != (v.Error != "") || got != v.Prompt {
			t.Errorf("%d: Compose(%q, %q) = %q, %v; want %q %s", v.ID, v.Template, v.Input, got, err, v.Prompt, v.Error)
		}
		if err != nil {
			switch kind, rest, _ := strings.Cut(v.Error, ": "); kind {
			case "KeyError":
				if !strings.Contains(err.Error(), strings.Trim(rest, "'")) {
					t.Errorf("%d: %v, want %s", v.ID, err, v.Error)
				}
			case "ValueError":
				if _, where, _ := strings.Cut(rest, "line "); !strings.Contains(err.Error(), "line "+strings.Replace(where, "col", "column", 1)) {
					t.Errorf("%d: %v, want %s", v.ID, err, v.Error)
				}
			}
		}
	}
	if _, err := Compose("a\n\u2028b $", "x"); err == nil || !strings.Contains(err.Error(), "line 3, column 3") {
		t.Error(err)
	}
}

func FuzzCompose(f *testing.F) {
	f.Add("a $model_input ${model_input} $$ $x", "in")
	f.Add("\u2028\r\n$", "")
	f.Fuzz(func(t *testing.T, template, input string) {
		got, err := Compose(template, input)
		if err == nil && !strings.Contains(template, "$") && got != template {
			t.Fatalf("%q became %q", template, got)
		}
	})
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"a": [{"b": 1}, {"b": 2.0}]}`), "a[?b>`1`].b | [0]", true)
	f.Add([]byte(`[{"b": "x"}]`), "[*].b", false)
	f.Fuzz(func(t *testing.T, data []byte, path string, lines bool) {
		c := DataConfig{Name: "d", MIMEType: JSON, TargetOutput: path}
		if lines {
			c.MIMEType = JSONLines
		}
		d, err := Load(c, bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, r := range d.Records {
			if v, ok := r[TargetOutput]; ok {
				if _, text := v.(string); !text {
					t.Fatalf("target %v", v)
				}
			}
		}
		if len(d.Sample(2)) == 0 {
			t.Fatal("no rows and no error")
		}
	})
}
