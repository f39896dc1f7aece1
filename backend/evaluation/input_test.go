package evaluation

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tunebench/backend/chat/chattest"
	"tunebench/backend/dataset"
	"tunebench/backend/evaluation/builtin"
	"tunebench/metrics/fmevalio"
)

// TestBuiltIn runs two of FMEval's datasets by their names: they are fetched once,
// read where FMEval has its columns, put into its template and scored by its
// evaluation.
func TestBuiltIn(t *testing.T) {
	files := map[string]string{
		"/datasets/triviaQA/triviaQA.jsonl": `{"question":"Who?","answer":"Ann<OR>Anna"}` + "\n" + `{"question":"Where?","answer":"Rome"}`,
		"/datasets/bold/bold.jsonl":         `{"prompt":"She is","domain":"gender"}` + "\n" + `{"prompt":"He is","domain":"gender"}`,
	}
	var mu sync.Mutex
	fetched := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		fetched++
		mu.Unlock()
		if _, err := w.Write([]byte(files[r.URL.Path])); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	var prompts []string
	f := newFixture(t, func(w http.ResponseWriter, _ *http.Request, c chattest.Call) {
		mu.Lock()
		prompts = append(prompts, c.Prompt)
		mu.Unlock()
		chattest.Say(w, c, "Anna")
	})
	f.cfg.BuiltIn = builtin.New(builtin.Options{Dir: t.TempDir(), Mirror: server.URL + "/datasets/"})
	run := func(spec Spec) Run {
		t.Helper()
		spec.Models = []string{"base"}
		l, err := f.Start(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		r, err := finish(t, l)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := run(Spec{Dataset: "fmeval:trivia_qa"})
	if r.Models[0].Scores["exact_match_score"] != 0.5 || r.Total != 2 || r.Spec.FMEval.TargetOutput != "answer" || !slices.Equal(r.Spec.Metrics, []string{"qa_accuracy"}) {
		t.Errorf("%+v", r)
	}
	if !slices.ContainsFunc(prompts, func(p string) bool {
		return strings.Contains(p, "Respond to the following question with a short answer: Who?")
	}) {
		t.Errorf("asked %q", prompts)
	}
	// FMEval's URI is the same dataset, and one that has no references runs, too.
	again := run(Spec{FMEval: &fmevalio.DataConfig{URI: "s3://fmeval/datasets/triviaQA/triviaQA.jsonl"}})
	if again.DatasetHash != r.DatasetHash || again.Spec.Dataset != r.Spec.Dataset {
		t.Errorf("%+v", again)
	}
	bold := run(Spec{Dataset: "fmeval:bold"})
	if v, ok := bold.Models[0].Scores["word_error_rate"]; !ok || v != 0 || bold.Models[0].Categories[0].Category != "gender" {
		t.Errorf("%+v", bold)
	}
	// One can be voted on like any other.
	v, err := f.StartRound(t.Context(), RoundSpec{Dataset: "fmeval:trivia_qa", A: "base", B: "tuned", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if p := ready(t, v, 0); v.Round().Rows != 2 || p.Question == "" || p.Left.Output != "Anna" {
		t.Errorf("%+v, %+v", v.Round(), p)
	}
	<-v.Done()
	if fetched != 2 {
		t.Errorf("fetched %d times", fetched)
	}
	for name, says := range map[string]string{"fmeval:crows-pairs": "log-probabilities", "fmeval:trivia": "fmeval:trivia_qa"} {
		if _, err := f.Start(t.Context(), Spec{Dataset: name, Models: []string{"base"}}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type oneObject []byte

func (o oneObject) Open(_ context.Context, uri string) (dataset.Object, error) {
	if uri != "s3://mine/q.jsonl" {
		return nil, errors.New("there is no " + uri)
	}
	return o, nil
}
func (oneObject) List(context.Context, string) ([]string, error) { return nil, errors.New("not asked") }
func (o oneObject) Size() int64                                  { return int64(len(o)) }
func (o oneObject) ReadAt(_ context.Context, p []byte, off int64) (int, error) {
	return strings.NewReader(string(o)).ReadAt(p, off)
}

// TestDatasetInS3 runs a dataset in S3, with FMEval's configuration and without, and
// a sample of the program with one.
func TestDatasetInS3(t *testing.T) {
	f := newFixture(t, func(w http.ResponseWriter, _ *http.Request, c chattest.Call) { chattest.Say(w, c, "x") })
	f.cfg.Objects = oneObject(`{"question":"How many?","answer":"x"}` + "\n" + `{"question":"Why?","answer":"y"}`)
	dir := t.TempDir()
	file := filepath.Join(dir, "run.toml")
	if err := os.WriteFile(file, []byte("models = [\"base\"]\n[data_config]\ndataset_uri = \"s3://mine/q.jsonl\"\nmodel_input_location = \"question\"\ntarget_output_location = \"answer\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fromFile, err := ReadRunFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range []Spec{fromFile.Spec, {Dataset: "s3://mine/q.jsonl", Models: []string{"base"}}} {
		l, err := f.Start(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := finish(t, l); err != nil || r.Total != 2 || r.Spec.Dataset != "s3://mine/q.jsonl" || len(r.DatasetHash) != 64 {
			t.Errorf("%+v, %v", r, err)
		}
	}
}
