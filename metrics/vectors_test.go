package metrics

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
)

// vector is one row of the vectors that FMEval's own functions computed.
type vector struct {
	ID        int                `json:"id"`
	Tag       string             `json:"tag"`
	Target    string             `json:"target_output"`
	Output    string             `json:"model_output"`
	Delimiter *string            `json:"target_output_delimiter"` // nil is Python's split(None)
	Operator  string             `json:"logical_operator"`
	Scores    map[string]float64 `json:"scores"`
	Error     string             `json:"error"`
}

func vectors(t testing.TB, file string) []vector {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	for sc := bufio.NewScanner(z); sc.Scan(); {
		var v vector
		if err := json.Unmarshal(sc.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func testVectors(t *testing.T, m Metric, file string, want int) {
	all := vectors(t, file)
	if len(all) != want {
		t.Fatalf("%d vectors, want %d", len(all), want)
	}
	scorers := map[string]Scorer{} // reused over rows, as in an evaluation
	for _, v := range all {
		params := map[string]string{"target_output_delimiter": "null"}
		if v.Delimiter != nil {
			params["target_output_delimiter"] = *v.Delimiter
		}
		if v.Operator != "" {
			params["logical_operator"] = v.Operator
		}
		key := params["target_output_delimiter"] + "\x00" + v.Operator
		s := scorers[key]
		if s == nil {
			var err error
			if s, err = m.NewScorer(params); err != nil {
				t.Fatal(err)
			}
			scorers[key] = s
		}
		got, _, err := s.Score(nil, Row{Target: v.Target, Output: v.Output})
		if (err != nil) != (v.Error != "") {
			t.Errorf("%d %s: error %v, want %q", v.ID, v.Tag, err, v.Error)
			continue
		}
		if err != nil {
			continue
		}
		if len(got) != len(v.Scores) {
			t.Fatalf("%d scores, want %d", len(got), len(v.Scores))
		}
		for i, score := range m.Scores {
			w, ok := v.Scores[score.Name]
			if !ok || math.Float64bits(got[i]) != math.Float64bits(w) {
				t.Errorf("%d %s: target %q output %q: %s = %v, want %v", v.ID, v.Tag, v.Target, v.Output, score.Name, got[i], w)
			}
		}
	}
}

func TestQAAccuracyVectors(t *testing.T) {
	testVectors(t, QAAccuracy, "testdata/qa_accuracy.jsonl.gz", 1123)
}

func TestFactualKnowledgeVectors(t *testing.T) {
	testVectors(t, FactualKnowledge, "testdata/factual_knowledge.jsonl.gz", 337)
}

func scorer(t testing.TB, m Metric, params map[string]string) Scorer {
	t.Helper()
	s, err := m.NewScorer(params)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		m      Metric
		params map[string]string
		target string
		want   Warnings
	}{
		{QAAccuracy, nil, "Paris", 0},
		{QAAccuracy, nil, "Paris<OR>", EmptyAlternative},
		{QAAccuracy, nil, "the<OR>Paris", NothingLeft},
		{FactualKnowledge, nil, "Paris <OR> London", PaddedAlternative},
		{FactualKnowledge, nil, "Paris<OR>", EmptyAlternative},
		{FactualKnowledge, map[string]string{"logical_operator": "AND"}, "Paris", OperatorMismatch},
	} {
		_, got, err := scorer(t, c.m, c.params).Score(nil, Row{Target: c.target, Output: "x"})
		if err != nil || got != c.want {
			t.Errorf("%s %q: %v %v, want %v", c.m.Name, c.target, got, err, c.want)
		}
		if (len(got.Texts()) > 0) != (c.want != 0) {
			t.Errorf("texts %q", got.Texts())
		}
	}
}

func TestParams(t *testing.T) {
	for _, c := range []struct {
		params map[string]string
		want   string
	}{
		{map[string]string{"delimiter": "x"}, "target_output_delimiter"},
		{map[string]string{"logical_operator": "XOR"}, "OR or AND"},
		{map[string]string{"target_output_delimiter": ""}, "empty"},
	} {
		if _, err := FactualKnowledge.NewScorer(c.params); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.params, err)
		}
	}
	if _, err := Lookup("bleu"); err == nil || !strings.Contains(err.Error(), "qa_accuracy") {
		t.Error(err)
	}
	if s, ok := LookupScore("f1_score"); !ok || s.High != 1 || s.Binary {
		t.Error(s, ok)
	}
}

// paramsOf returns options with which a metric works on any text.
func paramsOf(m Metric, delimiter string) map[string]string {
	p := map[string]string{}
	for _, param := range m.Params {
		switch param.Name {
		case delimiterParam.Name:
			p[param.Name] = delimiter
		case "valid_labels":
			p[param.Name] = FormatLabels([]string{"Paris", "the", delimiter})
		}
	}
	return p
}

func FuzzScores(f *testing.F) {
	for _, v := range vectors(f, "testdata/qa_accuracy.jsonl.gz")[:200] {
		f.Add(v.Target, v.Output, DefaultDelimiter)
	}
	f.Add("ΑΣ İ \xff", "\xc3the a\x1f", "null")
	f.Fuzz(func(t *testing.T, target, output, delimiter string) {
		row := Row{Target: target, Output: output, Perturbed: []string{target, strings.ToUpper(output)}, Repeats: []string{target}, MoreLogProb: -1}
		for _, m := range All() {
			s, err := m.NewScorer(paramsOf(m, delimiter))
			if err != nil {
				if delimiter != "" {
					t.Fatal(err)
				}
				continue
			}
			first, _, err := s.Score(nil, row)
			if err != nil {
				if !errors.Is(err, ErrNoTarget) && !errors.Is(err, ErrBlankReference) {
					t.Fatal(err)
				}
				continue
			}
			if len(first) != len(m.Scores) {
				t.Fatalf("%s gives %d scores", m.Name, len(first))
			}
			for i, v := range first {
				if !(v >= m.Scores[i].Low && v <= m.Scores[i].High) || m.Scores[i].Binary && v != 0 && v != 1 {
					t.Fatalf("%s = %v", m.Scores[i].Name, v)
				}
			}
			again, _, _ := s.Score(nil, row)
			for i := range again {
				if again[i] != first[i] {
					t.Fatalf("%s: a used scorer gives %v, a new one %v", m.Name, again, first)
				}
			}
		}
	})
}

// benchRows have 10-word targets and 40-word outputs, a fifth of them with two
// alternatives.
func benchRows() []Row {
	words := strings.Fields("The capital of France is Paris, a city on the river Seine with about two million people; it was founded in ancient times and has been an important centre of trade")
	rows := make([]Row, 1000)
	for i := range rows {
		pick := func(n int) string {
			w := make([]string, n)
			for j := range w {
				w[j] = words[(i*7+j*(i%5+1))%len(words)]
			}
			return strings.Join(w, " ")
		}
		rows[i] = Row{Target: pick(10), Output: pick(40)}
		if i%5 == 0 {
			rows[i].Target += DefaultDelimiter + pick(9)
		}
	}
	return rows
}

func benchScorer(b *testing.B, m Metric) {
	rows := benchRows()
	s := scorer(b, m, nil)
	dst := make([]float64, 0, 8)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		dst, _, _ = s.Score(dst[:0], rows[n%len(rows)])
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkQAAccuracy(b *testing.B)       { benchScorer(b, QAAccuracy) }
func BenchmarkFactualKnowledge(b *testing.B) { benchScorer(b, FactualKnowledge) }
