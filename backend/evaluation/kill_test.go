package evaluation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"

	"tunebench/backend/chat"
	"tunebench/backend/chat/chattest"
	"tunebench/backend/store"
)

// TestKilledChild is no test: it is the process that TestKill kills. It starts
// the run, or resumes it if there is one, against the parent's server.
func TestKilledChild(t *testing.T) {
	path, url := os.Getenv("EVALUATION_TEST_STORE"), os.Getenv("EVALUATION_TEST_SERVER")
	if path == "" {
		t.Skip("only as a child of TestKill")
	}
	st, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &url, HTTPClient: &http.Client{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
		})}
	talk := chat.New(chat.Config{Runtime: bedrockruntime.NewFromConfig(cfg), Bedrock: bedrock.NewFromConfig(cfg), Store: st, BaseModelID: baseID, AccountName: "local"})
	s := New(Config{Chat: talk, Store: st})
	if os.Getenv("EVALUATION_TEST_VOTES") != "" {
		voteAll(t, s, os.Getenv("EVALUATION_TEST_DATASET"), path+".voted")
		return
	}
	var l *Live
	if runs, err := s.Runs(t.Context()); err != nil {
		t.Fatal(err)
	} else if len(runs) == 0 {
		l, err = s.Start(t.Context(), Spec{Dataset: os.Getenv("EVALUATION_TEST_DATASET"), Models: []string{"base", "tuned"}})
		if err != nil {
			t.Fatal(err)
		}
	} else if l, err = s.Resume(t.Context(), runs[0].ID); err != nil {
		t.Fatal(err)
	}
	for ended := false; !ended; {
		select {
		case <-l.Changed():
		case <-l.Done():
			ended = true
		}
		// What is told here must be on disk.
		if err := os.WriteFile(path+".done", []byte(strings.Repeat("x", l.Run().Done)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// killServer is the account that outlives the killed processes. It throttles,
// fails and stalls now and then, and knows what it has answered.
type killServer struct {
	mu       sync.Mutex
	rng      *rand.Rand
	answered map[string]int  // by model and question
	kept     map[string]bool // those that were on disk after a kill
	again    []string        // kept and asked again
	count    int
	at       int           // answers after which the process is killed
	reached  chan struct{} // closed then
}

func key(model, prompt string) string {
	return model + " " + strings.TrimSuffix(prompt[strings.Index(prompt, "What"):], "[/INST]")
}

func (k *killServer) answer(w http.ResponseWriter, r *http.Request, c chattest.Call) {
	q := key(c.Model, c.Prompt)
	k.mu.Lock()
	if k.kept[q] {
		k.again = append(k.again, q)
	}
	dice := k.rng.IntN(100)
	pause := time.Duration(4+k.rng.IntN(12)) * time.Millisecond
	k.mu.Unlock()
	switch {
	case dice < 2:
		chattest.Fail(w, 500, "InternalServerException", "an internal error")
		return
	case dice < 8:
		chattest.Fail(w, 429, "ThrottlingException", "slow down")
		return
	case dice < 10:
		pause += 60 * time.Millisecond
	}
	select {
	case <-time.After(pause):
	case <-r.Context().Done():
		return
	}
	chattest.Say(w, c, answer(c))
	k.mu.Lock()
	k.answered[q]++
	if k.count++; k.count == k.at {
		close(k.reached)
	}
	k.mu.Unlock()
}

// arm makes the next kill due after n more answers.
func (k *killServer) arm(n int) <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at, k.reached = k.count+n, make(chan struct{})
	return k.reached
}

// TestKill kills the process that executes a run at ten random moments, each
// time another one that has resumed it, and lets the eleventh finish. The result
// is that of an uninterrupted run, what was shown as done is on disk after every
// kill, and what is on disk is never asked again.
func TestKill(t *testing.T) {
	const kills, rows = 10, 400
	clean := newFixture(t, say)
	data := writeDataset(t, rows)
	l, err := clean.Start(t.Context(), Spec{Dataset: data, Models: []string{"base", "tuned"}})
	if err != nil {
		t.Fatal(err)
	}
	want, err := finish(t, l)
	if err != nil {
		t.Fatal(err)
	}

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	k := &killServer{rng: rand.New(rand.NewPCG(seed, 2)), answered: map[string]int{}, kept: map[string]bool{}}
	f := newFixture(t, say)
	f.server.Answer = k.answer
	web := httptest.NewServer(f.server)
	defer web.Close()
	lost := 0
	for n := range kills + 1 {
		due := k.arm(1 + rng.IntN(2*rows/(kills+2))) // so few that the run cannot end before the last kill
		ended, err := startChild(t, f.path, data, web.URL, n < kills, due, time.Duration(rng.IntN(5000))*time.Microsecond)
		if n == kills && err != nil {
			t.Fatalf("the last process: %v", err)
		}
		if ended && n < kills {
			t.Fatalf("the run ended before kill %d, seed %d", n+1, seed)
		}
		on := f.kept(t)
		shown := 0
		if st, err := os.Stat(f.path + ".done"); err == nil {
			shown = int(st.Size())
		}
		if len(on) < shown {
			t.Errorf("after kill %d: %d shown as done, %d on disk", n+1, shown, len(on))
		}
		k.mu.Lock()
		lost += len(k.answered) - len(on) // answered, but the process had not read or written it
		k.kept = on
		k.mu.Unlock()
	}
	runs, err := f.Runs(t.Context())
	if err != nil || len(runs) != 1 {
		t.Fatal(runs, err)
	}
	got, err := f.Run(t.Context(), runs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	sameResult(t, got, want)
	if len(k.again) > 0 {
		t.Errorf("asked again though on disk: %q", k.again)
	}
	repeated := 0
	for _, n := range k.answered {
		repeated += n - 1
	}
	t.Logf("%d questions answered, %d of them in the moment of a kill, %d twice", len(k.answered), lost, repeated)
	// Only what was under way or not yet written when a process was killed can
	// have been lost.
	if most := kills * (2*2*f.cfg.Concurrency + commitAt); len(k.answered) != 2*rows || repeated > most {
		t.Errorf("%d questions answered, %d twice", len(k.answered), repeated)
	}
	if leftovers, err := filepath.Glob(f.path + "-journal"); err != nil || len(leftovers) > 0 {
		t.Errorf("left over: %v, %v", leftovers, err)
	}
}

// startChild runs the process; with kill it is killed a moment after due.
func startChild(t *testing.T, path, data, url string, kill bool, due <-chan struct{}, moment time.Duration) (ended bool, err error) {
	t.Helper()
	var out strings.Builder
	child := exec.Command(os.Args[0], "-test.run=^TestKilledChild$")
	child.Env = append(os.Environ(), "EVALUATION_TEST_STORE="+path, "EVALUATION_TEST_DATASET="+data, "EVALUATION_TEST_SERVER="+url)
	child.Stdout, child.Stderr = &out, &out
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- child.Wait() }()
	if !kill {
		due = nil
	}
	select {
	case <-due:
		time.Sleep(moment)
		err := child.Process.Kill()
		<-exited
		return err != nil, nil // it may have ended before
	case err := <-exited:
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out.String())
			if kill {
				t.Fatal(err)
			}
		}
		return true, err
	case <-time.After(time.Minute):
		_ = child.Process.Kill()
		<-exited
		t.Fatalf("the process has not come so far within a minute\n%s", out.String())
	}
	return false, nil
}

// kept lists the records on disk as the server knows them.
func (f *fixture) kept(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	runs, err := f.Runs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		if _, err := f.store.Records(t.Context(), store.RecordQuery{Run: r.ID}, func(rec store.Record) error {
			id := baseID
			if rec.Model == tuned.Name {
				id = tuned.ARN
			}
			all[id+" "+rec.Question] = true
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
