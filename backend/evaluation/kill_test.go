package evaluation

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tunebench/backend/chat/chattest"
	"tunebench/backend/store"
)

// TestKilledChild is no test: it is the process that TestKill kills.
func TestKilledChild(t *testing.T) {
	path, data := os.Getenv("EVALUATION_TEST_STORE"), os.Getenv("EVALUATION_TEST_DATASET")
	if path == "" {
		t.Skip("only as a child of TestKill")
	}
	f := &fixture{path: path}
	f.server = &chattest.Server{Imported: []chattest.Imported{tuned}, Foundation: []string{baseID}, Answer: say}
	f.reopen(t)
	l, err := f.Start(t.Context(), Spec{Dataset: data, Models: []string{"base", "tuned"}})
	if err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case <-l.Changed():
			// What the parent is told has been done must be on disk.
			if done := l.Run().Done; done > 0 {
				if err := os.WriteFile(path+".done", []byte(strings.Repeat("x", done)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		case <-l.Done():
			return
		}
	}
}

// TestKill kills a process in the middle of a run and resumes the run here.
func TestKill(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]bool{}
	f := newFixture(t, func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		mu.Lock()
		asked[c.Model+" "+strings.TrimSuffix(c.Prompt[strings.Index(c.Prompt, "What"):], "[/INST]")] = true
		mu.Unlock()
		say(w, r, c)
	})
	data := writeDataset(t, 200)
	child := exec.Command(os.Args[0], "-test.run=^TestKilledChild$")
	child.Env = append(os.Environ(), "EVALUATION_TEST_STORE="+f.path, "EVALUATION_TEST_DATASET="+data)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- child.Wait() }()
	shown := func() int64 {
		st, err := os.Stat(f.path + ".done")
		if err != nil {
			return 0
		}
		return st.Size()
	}
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for running := true; running && shown() < 60; {
		select {
		case <-tick.C:
		case err := <-exited:
			exited <- err
			running = false
		case <-deadline:
			_ = child.Process.Kill()
			t.Fatal("the child did nothing")
		}
	}
	_ = child.Process.Kill() // it may have ended
	<-exited

	runs, err := f.Runs(t.Context())
	if err != nil || len(runs) != 1 {
		t.Fatal(runs, err)
	}
	r := runs[0]
	if r.Status == Finished {
		t.Skip("the child was faster than the kill")
	}
	if r.Status != Interrupted || int64(r.Done) < shown() {
		t.Errorf("status %s, %d on disk, %d shown", r.Status, r.Done, shown())
	}
	kept := map[string]bool{}
	if _, err := f.store.Records(t.Context(), store.RecordQuery{Run: r.ID}, func(rec store.Record) error {
		id := baseID
		if rec.Model == tuned.Name {
			id = tuned.ARN
		}
		kept[id+" "+rec.Question] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	l, err := f.Resume(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = finish(t, l); err != nil {
		t.Fatal(err)
	}
	checkResult(t, r)
	for q := range asked {
		if kept[q] {
			t.Errorf("asked again: %s", q)
		}
	}
	if len(asked)+len(kept) != 400 {
		t.Errorf("%d asked and %d kept", len(asked), len(kept))
	}
	if leftovers, err := filepath.Glob(f.path + "-journal"); err != nil || len(leftovers) > 0 {
		t.Errorf("left over: %v, %v", leftovers, err)
	}
}
