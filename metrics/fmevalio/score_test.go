package fmevalio

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"tunebench/metrics"
	"tunebench/metrics/internal/golden"
	"tunebench/metrics/pytext"
)

func reopen(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

func metric(t testing.TB, name string) metrics.Metric {
	t.Helper()
	m, err := metrics.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func score(t testing.TB, text string, o ScoreOptions) ([]map[string]json.RawMessage, *Summary) {
	t.Helper()
	var out bytes.Buffer
	s, err := ScoreLines(context.Background(), reopen(text), &out, o)
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]json.RawMessage
	for d := json.NewDecoder(&out); ; {
		var row map[string]json.RawMessage
		if err := d.Decode(&row); err == io.EOF {
			return rows, s
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

// Every row of FMEval's QA and factual-knowledge vectors, through the file
// format, bit for bit.
func TestScoreVectors(t *testing.T) {
	type vector struct {
		ID        int
		Target    string             `json:"target_output"`
		Output    string             `json:"model_output"`
		Delimiter *string            `json:"target_output_delimiter"`
		Operator  string             `json:"logical_operator"`
		Scores    map[string]float64 `json:"scores"`
		Error     string
	}
	for _, c := range []struct {
		metric string
		rows   int
	}{{"qa_accuracy", 1123}, {"factual_knowledge", 337}} {
		groups := map[string][]vector{}
		for _, v := range golden.Lines[vector](t, c.metric+".jsonl", c.rows) {
			key := "null"
			if v.Delimiter != nil {
				key = *v.Delimiter
			}
			groups[key+"\x00"+v.Operator] = append(groups[key+"\x00"+v.Operator], v)
		}
		seen := 0
		for _, key := range slices.Sorted(maps.Keys(groups)) {
			delimiter, operator, _ := strings.Cut(key, "\x00")
			params := map[string]string{"target_output_delimiter": delimiter}
			if operator != "" {
				params["logical_operator"] = operator
			}
			var text []byte
			for _, v := range groups[key] {
				text, _ = pytext.AppendJSON(text, dict("id", v.ID, "target_output", v.Target, "model_output", v.Output))
				text = append(text, '\n')
			}
			rows, _ := score(t, string(text), ScoreOptions{Metrics: []metrics.Metric{metric(t, c.metric)}, Params: params})
			if len(rows) != len(groups[key]) {
				t.Fatalf("%d lines, want %d", len(rows), len(groups[key]))
			}
			for i, v := range groups[key] {
				seen++
				checkRow(t, rows[i], v.ID, v.Scores, v.Error != "")
			}
		}
		if seen != c.rows {
			t.Errorf("%s: %d rows compared", c.metric, seen)
		}
	}
}

func checkRow(t *testing.T, row map[string]json.RawMessage, id int, want map[string]float64, fails bool) {
	t.Helper()
	if string(row["id"]) != fmt.Sprint(id) {
		t.Fatalf("row %s is in the place of %d", row["id"], id)
	}
	var got map[string]float64
	if err := json.Unmarshal(row["scores"], &got); err != nil {
		t.Fatal(err)
	}
	if (row["error"] != nil) != fails || len(got) != len(want) {
		t.Errorf("%d: scores %s error %s, want %v", id, row["scores"], row["error"], want)
	}
	for name, w := range want {
		if g, ok := got[name]; !ok || math.Float64bits(g) != math.Float64bits(w) {
			t.Errorf("%d: %s = %v, want %v", id, name, got[name], w)
		}
	}
}

func TestScoreSummarizationVectors(t *testing.T) {
	type vector struct {
		ID     int
		Stem   map[string]float64 `json:"rouge_stemmer"`
		NoStem map[string]float64 `json:"rouge_no_stemmer"`
	}
	vectors := golden.Lines[vector](t, "summarization.jsonl", 276)
	text := string(golden.Bytes(t, "summarization.jsonl"))
	for _, kind := range []string{"rouge1", "rouge2", "rougeL"} {
		for _, stem := range []string{"true", "false"} {
			rows, s := score(t, text, ScoreOptions{Metrics: []metrics.Metric{metric(t, "summarization_accuracy")},
				Params: map[string]string{"rouge_type": kind, "use_stemmer_for_rouge": stem}})
			for i, v := range vectors {
				want := v.Stem[kind]
				if stem == "false" {
					want = v.NoStem[kind]
				}
				checkRow(t, rows[i], v.ID, map[string]float64{"rouge": want}, false)
			}
			if notes := strings.Join(s.Notes(), "\n"); !strings.Contains(notes, "meteor is absent") || !strings.Contains(notes, "bertscore is absent") {
				t.Errorf("notes %q", notes)
			}
		}
	}
}

func TestScoreClassificationVectors(t *testing.T) {
	type vector struct {
		ID      int
		Labels  []string `json:"valid_labels"`
		Average string   `json:"multiclass_average_strategy"`
		Rows    []any
		PerRow  []struct {
			Score float64 `json:"classification_accuracy_score"`
		} `json:"per_row"`
		Dataset []struct {
			Name  string
			Value float64
		} `json:"dataset_scores"`
		Categories []struct {
			Name   string
			Scores []struct {
				Name  string
				Value float64
			}
		} `json:"category_scores"`
	}
	for _, v := range golden.Lines[vector](t, "classification_accuracy.jsonl", 65) {
		if v.Average == "binary" {
			continue // refused; see package metrics
		}
		var text bytes.Buffer
		for _, r := range v.Rows {
			if err := json.NewEncoder(&text).Encode(r); err != nil {
				t.Fatal(err)
			}
		}
		params := map[string]string{"multiclass_average_strategy": v.Average}
		if v.Labels != nil {
			params["valid_labels"] = metrics.FormatLabels(v.Labels)
		}
		rows, s := score(t, text.String(), ScoreOptions{Metrics: []metrics.Metric{metric(t, "classification_accuracy")}, Params: params, Interval: metrics.Options{Resamples: 20}})
		for i, r := range v.PerRow {
			if want := fmt.Sprintf(`{"classification_accuracy_score": %v}`, r.Score); string(rows[i]["scores"]) != want {
				t.Errorf("%d row %d: %s, want %s", v.ID, i, rows[i]["scores"], want)
			}
		}
		for i, w := range v.Dataset {
			if g := s.Metrics[0].Scores[i]; g.Name != w.Name || math.Abs(g.Mean-w.Value) > 1e-12 {
				t.Errorf("%d: %s = %v, want %s = %v", v.ID, g.Name, g.Mean, w.Name, w.Value)
			}
		}
		for i, c := range v.Categories {
			for k, w := range c.Scores {
				if g := s.Metrics[0].Categories[i]; g.Name != c.Name || math.Abs(g.Scores[k].Mean-w.Value) > 1e-12 {
					t.Errorf("%d %s: %v, want %v", v.ID, c.Name, g.Scores[k], w)
				}
			}
		}
	}
}

// What comes in goes out as it was; what cannot be scored keeps its place.
func TestScoreLines(t *testing.T) {
	in := strings.Join([]string{
		`{"target_output":"Paris","model_output" : "paris", "x": 1.50}`,
		`{"target_output": "Paris<OR>", "model_output": "é", "category": "geo", "scores": {"old": 1}}`,
		``,
		`not JSON`,
		`[1]`,
		`{"model_output": "x"}`,
		`{}`,
		`{"target_output": true, "model_output": "True"}`,
		``,
	}, "\r\n")
	var out bytes.Buffer
	s, err := ScoreLines(context.Background(), reopen(in), &out, ScoreOptions{Metrics: []metrics.Metric{metric(t, "factual_knowledge")}})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		`{"target_output":"Paris","model_output" : "paris", "x": 1.50, "scores": {"factual_knowledge": 1.0, "factual_knowledge_quasi_exact": 1.0}}`,
		`{"target_output": "Paris<OR>", "model_output": "\u00e9", "category": "geo", "scores": {"factual_knowledge": 1.0, "factual_knowledge_quasi_exact": 1.0}, "warnings": ["the target has an empty alternative, which is contained in every output"]}`,
		`{"line": "", "error": "the line is blank"}`,
		`{"line": "not JSON", "error": `,
		`{"line": "[1]", "error": "the line is no JSON object"}`,
		`{"model_output": "x", "scores": {}, "error": "factual_knowledge: target_output is missing"}`,
		`{"scores": {}, "error": "factual_knowledge: target_output is missing"}`,
		`{"target_output": true, "model_output": "True", "scores": {"factual_knowledge": 1.0, "factual_knowledge_quasi_exact": 1.0}}`,
		``,
	}, "\n")
	got, wants := strings.Split(out.String(), "\n"), strings.Split(want, "\n")
	for i := range max(len(got), len(wants)) {
		if i >= len(got) || i >= len(wants) || !strings.HasPrefix(got[i], wants[i]) {
			t.Fatalf("line %d of\n%s\nwant\n%s", i+1, out.String(), want)
		}
	}
	if s.Rows != 8 || s.Errors != 5 || s.Metrics[0].Scores[0].N != 3 || len(s.Metrics[0].Categories) != 1 || s.Metrics[0].Warnings[0].Rows != 1 {
		t.Errorf("%+v", s)
	}
	j, err := s.AppendJSON(nil)
	if err != nil || !json.Valid(j) || !strings.Contains(string(j), `"low": `) {
		t.Errorf("%s %v", j, err)
	}
}

func TestScoreFieldsAndParams(t *testing.T) {
	m := []metrics.Metric{metric(t, "qa_accuracy"), metric(t, "factual_knowledge")}
	rows, _ := score(t, `{"answers": ["a b", "c"], "my reply": "a b"}`+"\n", ScoreOptions{Metrics: m,
		Fields: map[string]string{"model_output": "my reply", "target_output": "answers[0]"}})
	if got := string(rows[0]["scores"]); !strings.Contains(got, `"exact_match_score": 1.0`) || !strings.Contains(got, `"factual_knowledge": 1.0`) {
		t.Error(got)
	}
	for _, c := range []struct {
		o    ScoreOptions
		want string
	}{
		{ScoreOptions{}, "no metric"},
		{ScoreOptions{Metrics: m, Params: map[string]string{"rouge_type": "rouge1"}}, "rouge_type"},
		{ScoreOptions{Metrics: m, Params: map[string]string{"logical_operator": "XOR"}}, "OR or AND"},
		{ScoreOptions{Metrics: m, Fields: map[string]string{"reply": "x"}}, "no column"},
	} {
		if _, err := ScoreLines(context.Background(), reopen("{}"), nil, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func FuzzScoreLines(f *testing.F) {
	f.Add(`{"target_output": "a", "model_output": [1, {"b": 1e5}]}`+"\n\n[]", "a.b[?c==`1`]")
	f.Add("{\"scores\":1}\xff", "max_by(a, &b)")
	m := []metrics.Metric{metrics.QAAccuracy}
	f.Fuzz(func(t *testing.T, text, path string) {
		var out bytes.Buffer
		s, err := ScoreLines(context.Background(), reopen(text), &out, ScoreOptions{Metrics: m, Fields: map[string]string{"target_output": path}, Interval: metrics.Options{Resamples: 5}})
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(out.Bytes(), []byte("\n")); lines != s.Rows {
			t.Fatalf("%d lines for %d rows", lines, s.Rows)
		}
		for line := range bytes.Lines(out.Bytes()) {
			if !json.Valid(line) {
				t.Fatalf("%q is not JSON", line)
			}
		}
	})
}

func BenchmarkScoreLines(b *testing.B) {
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, `{"id": %d, "target_output": "the capital of France is Paris on the river Seine", "model_output": "%s", "category": "c%d"}`+"\n", i, strings.Repeat("Paris is a city on the river Seine ", 5), i%7)
	}
	m := []metrics.Metric{metrics.QAAccuracy}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if _, err := ScoreLines(context.Background(), reopen(text.String()), io.Discard, ScoreOptions{Metrics: m, Interval: metrics.Options{Resamples: 1}}); err != nil {
			b.Fatal(err)
		}
		n += 2000
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
