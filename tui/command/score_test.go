package command

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

// vector is one row made with FMEval's own functions.
type vector struct {
	line     string
	Output   string             `json:"model_output"`
	Delim    *string            `json:"target_output_delimiter"`
	Operator string             `json:"logical_operator"`
	Scores   map[string]float64 `json:"scores"`
	Error    string             `json:"error"`
	Stemmed  map[string]float64 `json:"rouge_stemmer"`
	Plain    map[string]float64 `json:"rouge_no_stemmer"`
}

func vectors(t *testing.T, name string) []vector {
	t.Helper()
	f, err := os.Open("../../metrics/testdata/" + name + ".jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		v := vector{line: line}
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		vs = append(vs, v)
	}
	return vs
}

// scored runs `eval score` over the rows and returns what it says of each.
func scored(t *testing.T, vs []vector, args ...string) []vector {
	t.Helper()
	var in strings.Builder
	for _, v := range vs {
		// FMEval's own results must not be taken for ours.
		in.WriteString(strings.NewReplacer(`"scores":`, `"fmeval":`, `"error":`, `"fmeval_error":`).Replace(v.line) + "\n")
	}
	var out, errOut bytes.Buffer
	if got := Run(context.Background(), append([]string{"eval", "score", "-", "-o", "jsonl"}, args...), strings.NewReader(in.String()), &out, &errOut); got != 0 {
		t.Fatalf("%v ended with %d: %s", args, got, errOut.String())
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != len(vs) {
		t.Fatalf("%v: %d lines for %d rows", args, len(lines), len(vs))
	}
	got := make([]vector, len(lines))
	for i, line := range lines {
		if err := json.Unmarshal([]byte(line), &got[i]); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	return got
}

// TestScoreVectors holds FMEval's vectors against the command, bit for bit.
func TestScoreVectors(t *testing.T) {
	for _, metric := range []string{"qa_accuracy", "factual_knowledge"} {
		groups := map[[2]string][]vector{}
		for _, v := range vectors(t, metric) {
			delim := "null"
			if v.Delim != nil {
				delim = *v.Delim
			}
			groups[[2]string{delim, v.Operator}] = append(groups[[2]string{delim, v.Operator}], v)
		}
		for key, vs := range groups {
			args := []string{"--metric", metric, "--param", "target_output_delimiter=" + key[0]}
			if key[1] != "" {
				args = append(args, "--param", "logical_operator="+key[1])
			}
			for i, got := range scored(t, vs, args...) {
				want := vs[i]
				if (want.Error != "") != (got.Error != "") {
					t.Errorf("%s: error %q, FMEval's %q", want.line, got.Error, want.Error)
				}
				for name, s := range want.Scores {
					if got.Scores[name] != s {
						t.Errorf("%s: %s is %v, FMEval's %v", want.line, name, got.Scores[name], s)
					}
				}
			}
		}
	}
	vs := vectors(t, "summarization")
	for _, stem := range []string{"true", "false"} {
		for _, rouge := range []string{"rouge1", "rouge2", "rougeL"} {
			for i, got := range scored(t, vs, "--metric", "summarization_accuracy", "--param", "rouge_type="+rouge, "--param", "use_stemmer_for_rouge="+stem) {
				want := vs[i].Plain[rouge]
				if stem == "true" {
					want = vs[i].Stemmed[rouge]
				}
				if got.Scores["rouge"] != want {
					t.Errorf("%s: %s stem %s is %v, FMEval's %v", vs[i].line, rouge, stem, got.Scores["rouge"], want)
				}
			}
		}
	}
}

func TestScoreSaysWhatIsWrong(t *testing.T) {
	for want, args := range map[string][]string{
		"qa_accuracy":  {"--metric", "qa"},
		"name=value":   {"--param", "rouge_type"},
		"JSON Lines":   {"--metric", "factual_knowledge", "x.csv"},
		"rouge_kind":   {"--metric", "summarization_accuracy", "--param", "rouge_kind=x"},
		"no_such_file": {"no_such_file"},
	} {
		if !slices.ContainsFunc(args, func(a string) bool { return strings.HasSuffix(a, ".csv") || strings.HasPrefix(a, "no_") }) {
			args = append(args, "-")
		}
		var out, errOut bytes.Buffer
		status := Run(context.Background(), append([]string{"eval", "score"}, args...), strings.NewReader(`{"model_output":"a","target_output":"a"}`), &out, &errOut)
		if status == 0 || !strings.Contains(errOut.String(), want) || out.Len() > 0 {
			t.Errorf("%v ended with %d and said %q, not %q; output %q", args, status, errOut.String(), want, out.String())
		}
	}
}
