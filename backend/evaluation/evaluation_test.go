package evaluation

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/chat/chattest"
	"tunebench/backend/store"
)

const baseID = "tunebench.base-v1:0"

var tuned = chattest.Imported{Name: "tuned", ARN: chattest.ARN("aaaaaaaaaaaa"), Instruct: true, Created: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}

// question numbers are in the prompt; the base model is wordy, the tuned one
// exact but for every tenth question.
func answer(c chattest.Call) string {
	var n int
	text := c.Prompt[strings.Index(c.Prompt, "number ")+len("number "):]
	fmt.Sscan(strings.TrimSuffix(text, "[/INST]"), &n)
	switch {
	case c.Model == baseID:
		return fmt.Sprintf("The answer is word%d.", n)
	case n%10 == 0:
		return " wrong"
	}
	return fmt.Sprintf(" word%d", n)
}

func writeDataset(t testing.TB, n int) string {
	t.Helper()
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"id":"q%d","system_prompt":"","question":"What is number %d","response":"word%d","category":"%s"}`+"\n", i, i, i, []string{"even", "odd"}[i%2])
	}
	path := filepath.Join(t.TempDir(), "questions.jsonl")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// noWait lets other goroutines run instead of waiting.
func noWait(ctx context.Context, d time.Duration) error { return context.Cause(ctx) }

type fixture struct {
	*Service
	server *chattest.Server
	store  *store.Store
	path   string // of the store
}

func newFixture(t testing.TB, handler func(w http.ResponseWriter, r *http.Request, c chattest.Call)) *fixture {
	t.Helper()
	f := &fixture{path: filepath.Join(t.TempDir(), "tunebench.db")}
	f.server = &chattest.Server{Imported: []chattest.Imported{tuned}, Foundation: []string{baseID}, Answer: handler}
	f.reopen(t)
	if err := f.store.PutModel(t.Context(), store.Model{Account: "local", ARN: tuned.ARN, Name: tuned.Name, PromptFormat: "mistral-v3"}); err != nil {
		t.Fatal(err)
	}
	return f
}

// reopen is what another process does.
func (f *fixture) reopen(t testing.TB) {
	t.Helper()
	st, err := store.Open(t.Context(), f.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	runtime, control := chattest.Clients(f.server)
	talk := chat.New(chat.Config{Runtime: runtime, Bedrock: control, Store: st, BaseModelID: baseID, AccountName: "local"})
	f.store, f.Service = st, New(Config{Chat: talk, Store: st, Sleep: noWait, Drain: 500 * time.Millisecond})
}

func say(w http.ResponseWriter, _ *http.Request, c chattest.Call) { chattest.Say(w, c, answer(c)) }

func finish(t testing.TB, l *Live) (Run, error) {
	t.Helper()
	select {
	case <-l.Done():
	case <-time.After(30 * time.Second):
		t.Fatalf("the run has not ended: %+v", l.Run())
	}
	return l.Wait(context.Background())
}

func checkResult(t *testing.T, r Run) {
	t.Helper()
	if r.Status != Finished || r.Done != 400 || r.Total != 400 || len(r.Models) != 2 {
		t.Fatalf("run %+v", r)
	}
	base, best := r.Models[0], r.Models[1]
	if base.Model != "base" || base.Scores["exact_match_score"] != 0 || base.Scores["recall_over_words"] != 1 || base.Records != 200 || base.Errors != 0 {
		t.Errorf("base %+v", base)
	}
	if best.Model != "tuned" || best.Scores["exact_match_score"] != 0.9 || best.Scores["f1_score"] != 0.9 {
		t.Errorf("tuned %+v", best)
	}
	if iv := best.Intervals["exact_match_score"]; iv.Low < 0.8 || iv.Low > 0.9 || iv.High < 0.9 || iv.High > 0.96 {
		t.Errorf("interval %+v", iv)
	}
	if len(best.Categories) != 2 || best.Categories[0].Category != "even" || best.Categories[0].Scores["exact_match_score"] != 0.8 || best.Categories[1].Records != 100 {
		t.Errorf("categories %+v", best.Categories)
	}
	if len(r.Differences) != 5 {
		t.Fatalf("differences %+v", r.Differences)
	}
	if d := r.Differences[1]; d.Score != "exact_match_score" || d.Mean != 0.9 || !d.Real || d.PValue > 1e-6 {
		t.Errorf("difference %+v", d)
	}
}

func TestRun(t *testing.T) {
	f := newFixture(t, say)
	f.cfg.Program = "1.2.3 abc"
	l, err := f.Start(t.Context(), Spec{Dataset: writeDataset(t, 200), Models: []string{"base", "tuned"}})
	if err != nil {
		t.Fatal(err)
	}
	live, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	checkResult(t, live)
	stored, err := f.Run(t.Context(), live.ID)
	if err != nil {
		t.Fatal(err)
	}
	checkResult(t, stored)
	if !reflect.DeepEqual(live.Models, stored.Models) || live.DatasetHash == "" {
		t.Error("the stored run is another")
	}
	var md strings.Builder
	if err := f.Export(t.Context(), live.ID, "md", false, &md); err != nil || stored.Spec.Program != "1.2.3 abc" || !strings.Contains(md.String(), "`tunebench 1.2.3 abc`") {
		t.Errorf("the program of the run is %q (%v):\n%s", stored.Spec.Program, err, md.String())
	}
	if runs, err := f.Runs(t.Context()); err != nil || len(runs) != 1 || runs[0].Done != 400 || runs[0].Status != Finished {
		t.Errorf("runs %+v, %v", runs, err)
	}

	// The same again takes every answer from the store.
	calls := len(f.server.Calls())
	if l, err = f.Start(t.Context(), live.Spec); err != nil {
		t.Fatal(err)
	}
	again, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	checkResult(t, again)
	if n := len(f.server.Calls()); n != calls || calls != 400 {
		t.Errorf("%d calls, then %d", calls, n)
	}
	t.Run("records", func(t *testing.T) { testRecords(t, f, live.ID) })
	t.Run("export", func(t *testing.T) { testExport(t, f, live) })
}

func testRecords(t *testing.T, f *fixture, id string) {
	recs, total, err := f.Records(t.Context(), id, RecordFilter{Model: "tuned", Worst: true, Score: "recall_over_words", Limit: 30})
	if err != nil || total != 200 || len(recs) != 30 {
		t.Fatalf("%d of %d, %v", len(recs), total, err)
	}
	for i, r := range recs {
		if wrong := r.Output == " wrong"; wrong != (i < 20) {
			t.Errorf("place %d: %+v", i, r)
		}
	}
	recs, _, err = f.Query(t.Context(), id, Query{Model: "tuned", Score: "f1_score", Against: "base", Best: true, Limit: 1})
	if err != nil || len(recs) != 1 || recs[0].Scores["f1_score"] != 1 {
		t.Errorf("best %+v, %v", recs, err)
	}
	if recs, total, err = f.Records(t.Context(), id, RecordFilter{Category: "odd", Search: "number 17", Offset: 1}); err != nil || total < 2 || recs[0].Question != "What is number 17" {
		t.Errorf("search: %d %+v, %v", total, recs, err)
	}
	if _, _, err = f.Records(t.Context(), id, RecordFilter{Worst: true, Score: "beauty"}); err == nil || !strings.Contains(err.Error(), "f1_score, exact_match_score") {
		t.Errorf("unknown score: %v", err)
	}
	if _, _, err = f.Records(t.Context(), "nope", RecordFilter{}); err == nil || !strings.Contains(err.Error(), "no run nope") {
		t.Errorf("unknown run: %v", err)
	}
}

func testExport(t *testing.T, f *fixture, run Run) {
	for _, format := range []string{"jsonl", "csv"} {
		var b bytes.Buffer
		if err := f.Export(t.Context(), run.ID, format, false, &b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "outputs."+format)
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Score(t.Context(), path, ""); err == nil || !strings.Contains(err.Error(), "2 models") {
			t.Errorf("mixed outputs: %v", err)
		}
		list, err := ScoreModels(t.Context(), path, "")
		if err != nil || len(list) != 2 {
			t.Fatalf("%+v, %v", list, err)
		}
		for i, m := range list {
			if m.Model != run.Models[i].Model || m.Records != 200 || !reflect.DeepEqual(m.Scores, run.Models[i].Scores) {
				t.Errorf("%s: scored %+v, run %+v", format, m, run.Models[i])
			}
		}
	}
	var b bytes.Buffer
	if err := f.Export(t.Context(), run.ID, "md", false, &b); err != nil || !strings.Contains(b.String(), "| tuned | 200 | 0 | 0.900 (") {
		t.Errorf("%v\n%s", err, b.String())
	}
	if err := f.Export(t.Context(), run.ID, "pdf", false, &b); err == nil {
		t.Error("pdf was written")
	}
}

// TestFaults throttles, wakes, fails and stalls; the result is that of a clean
// run.
func TestFaults(t *testing.T) {
	var inFlight, most, throttled atomic.Int32
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(1, 2))
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		n := inFlight.Add(1)
		defer inFlight.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		mu.Lock()
		dice := rng.IntN(100)
		mu.Unlock()
		switch {
		case c.Model == tuned.ARN && c.Number < 20:
			chattest.Fail(w, 429, "ModelNotReadyException", "not ready")
		case n > 3:
			throttled.Add(1)
			chattest.Fail(w, 429, "ThrottlingException", "slow down")
		case dice < 2:
			chattest.Fail(w, 500, "InternalServerException", "oops")
		default:
			chattest.Say(w, c, answer(c))
		}
	})
	l, err := f.Start(t.Context(), Spec{Dataset: writeDataset(t, 200), Models: []string{"base", "tuned"}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	checkResult(t, r)
	if most.Load() > 16 {
		t.Errorf("%d requests at once", most.Load())
	}
}

func TestFailingRecords(t *testing.T) {
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		if strings.Contains(c.Prompt, "number 3") {
			chattest.Fail(w, 400, "ValidationException", "no such thing\x1b[2J")
			return
		}
		say(w, r, c)
	})
	path := writeDataset(t, 6)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(file, `{"id":"blank","question":"","response":"x"}`)
	fmt.Fprintln(file, `{broken`)
	file.Close()
	l, err := f.Start(t.Context(), Spec{Dataset: path, Models: []string{"base"}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := finish(t, l)
	if err != nil || r.Status != Finished || r.Models[0].Records != 8 || r.Models[0].Errors != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	recs, total, err := f.Query(t.Context(), r.ID, Query{Failed: true})
	if err != nil || total != 3 || !strings.Contains(recs[0].Err, "no such thing") || strings.Contains(recs[0].Err, "\x1b") || recs[0].Scores != nil {
		t.Errorf("%+v, %v", recs, err)
	}
}

// TestAccountErrorStops: expired credentials must not turn a dataset into a
// list of failed records.
func TestAccountErrorStops(t *testing.T) {
	var expired atomic.Bool
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		if c.Number > 50 && !expired.Load() {
			chattest.Fail(w, 403, "ExpiredTokenException", "The security token included in the request is expired")
			return
		}
		say(w, r, c)
	})
	l, err := f.Start(t.Context(), Spec{Dataset: writeDataset(t, 200), Models: []string{"base", "tuned"}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := finish(t, l)
	if err == nil || r.Status != Interrupted || r.Done != 50 || !strings.Contains(err.Error(), "resume run "+r.ID) {
		t.Fatalf("%s %d, %v", r.Status, r.Done, err)
	}
	expired.Store(true)
	if l, err = f.Resume(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if r, err = finish(t, l); err != nil {
		t.Fatal(err)
	}
	checkResult(t, r)
	if _, err := f.Resume(t.Context(), r.ID); err == nil || !strings.Contains(err.Error(), "has finished") {
		t.Errorf("resume of a finished run: %v", err)
	}
}

// TestStopAndResume stops a run at several moments and resumes it in another
// store handle. Every question is answered once.
func TestStopAndResume(t *testing.T) {
	var mu sync.Mutex
	answered := map[string]int{}
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		if r.Context().Err() != nil {
			return
		}
		mu.Lock()
		answered[c.Model+c.Prompt]++
		mu.Unlock()
		say(w, r, c)
	})
	l, err := f.Start(t.Context(), Spec{Dataset: writeDataset(t, 200), Models: []string{"base", "tuned"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{40, 150, 300} {
		for l.Run().Done < at {
			select {
			case <-l.Changed():
			case <-time.After(20 * time.Second):
				t.Fatalf("stuck at %d", l.Run().Done)
			}
		}
		l.Stop()
		r, err := finish(t, l)
		if err != nil {
			t.Fatal(err)
		}
		if r.Status == Finished {
			break
		}
		if r.Status != Stopped {
			t.Fatalf("status %s", r.Status)
		}
		f.reopen(t)
		if got, err := f.Run(t.Context(), r.ID); err != nil || got.Done != r.Done || got.Status != Stopped {
			t.Fatalf("on disk %d %s, live %d, %v", got.Done, got.Status, r.Done, err)
		}
		if l, err = f.Resume(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	r, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	checkResult(t, r)
	repeated := 0
	for _, n := range answered {
		repeated += n - 1
	}
	if len(answered) != 400 || repeated > 0 {
		t.Errorf("%d questions, %d repeated", len(answered), repeated)
	}
}

// TestInterrupted: a run whose process is gone says so and can be resumed, one
// that another process executes cannot.
func TestInterrupted(t *testing.T) {
	f := newFixture(t, say)
	hold := make(chan struct{})
	f.server.Answer = func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
		say(w, r, c)
	}
	l, err := f.Start(t.Context(), Spec{Dataset: writeDataset(t, 200), Models: []string{"base", "tuned"}})
	if err != nil {
		t.Fatal(err)
	}
	id := l.Run().ID
	f.reopen(t) // another service of a living process: pid and heartbeat are good
	if _, err := f.Resume(t.Context(), id); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("resume of a run that is being executed: %v", err)
	}
	if err := f.Delete(t.Context(), id); err == nil {
		t.Error("a running run was deleted")
	}
	// A killed process leaves its owner in the store; its number is free.
	rec, err := f.store.Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := f.store.ClaimRun(t.Context(), id, rec.Owner, f.host+"/4194399/dead", time.Now()); err != nil || !ok {
		t.Fatal(ok, err)
	}
	l.Stop()
	if _, err := finish(t, l); err != nil {
		t.Fatal(err)
	}
	close(hold)
	if r, err := f.Run(t.Context(), id); err != nil || r.Status != Interrupted {
		t.Errorf("%s, %v", r.Status, err)
	}
	if l, err = f.Resume(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}
	checkResult(t, r)
	if err := f.Delete(t.Context(), id); err != nil {
		t.Error(err)
	}
	if runs, err := f.Runs(t.Context()); err != nil || len(runs) != 0 {
		t.Errorf("%+v, %v", runs, err)
	}
}
