package training_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tunebench/backend/account"
	"tunebench/backend/config"
	"tunebench/backend/dataset"
	"tunebench/backend/store"
	"tunebench/backend/training"
)

// world is a home with the real local account in it.
type world struct {
	t     *testing.T
	paths config.Paths
	store *store.Store
	acc   *account.Account
	svc   *training.Service
}

func newWorld(t *testing.T) *world {
	t.Helper()
	paths, err := config.DefaultPaths(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(t.Context(), filepath.Join(paths.State, "tunebench.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, paths: paths, store: st}
	w.open()
	t.Cleanup(func() {
		w.close()
		st.Close()
	})
	return w
}

func (w *world) open() {
	w.t.Helper()
	acc, err := account.Open(context.Background(), account.Options{Paths: w.paths, NoBackground: true})
	if err != nil {
		w.t.Fatal(err)
	}
	w.acc = acc
	w.svc = training.New(training.Config{SageMaker: acc.SageMaker(), Logs: acc.Logs(), S3: acc.S3(), Store: w.store, Bucket: acc.Bucket(),
		RoleARN: acc.TrainingRole(), BaseModel: acc.TrainingBase(), Bills: acc.Bills(), AccountName: acc.Name(), Region: acc.Region()})
}

func (w *world) close() {
	w.t.Helper()
	if err := w.acc.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
}

func (w *world) prepared() string {
	w.t.Helper()
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, `{"id":"%d","system_prompt":"","question":"What is thing %d?","response":"Thing %d."}`+"\n", i, i, i%7)
	}
	src := filepath.Join(w.t.TempDir(), "things.jsonl")
	if err := os.WriteFile(src, []byte(b.String()), 0o600); err != nil {
		w.t.Fatal(err)
	}
	out := filepath.Join(w.t.TempDir(), "things")
	if _, err := dataset.Prepare(w.t.Context(), src, dataset.PrepareOptions{Out: out, Split: [3]float64{0.7, 0.3, 0}}, nil); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) start(name string, set map[string]string) training.Job {
	w.t.Helper()
	for k, v := range map[string]string{"batch_rows": "2", "log_every": "1"} {
		if _, ok := set[k]; !ok {
			set[k] = v
		}
	}
	p, err := w.svc.Plan(w.t.Context(), training.Spec{Dataset: w.prepared(), Name: name, Set: set, Options: training.Options{Tags: map[string]string{"team": "a"}}})
	if err != nil {
		w.t.Fatal(err)
	}
	job, err := w.svc.Start(w.t.Context(), p)
	if err != nil {
		w.t.Fatal(err)
	}
	return job
}

// until follows a job until ok or its end.
func (w *world) until(name string, ok func(*training.Watch) bool) *training.Watch {
	w.t.Helper()
	watch := w.svc.Watch(w.t.Context(), name)
	deadline := time.After(60 * time.Second)
	for !ok(watch) {
		select {
		case <-watch.Changed():
		case <-watch.Done():
			if !ok(watch) {
				w.t.Fatalf("the watch ended: %+v, %v", watch.Job(), watch.Err())
			}
		case <-deadline:
			w.t.Fatalf("timeout: %+v, %v", watch.Job(), watch.Err())
		}
	}
	return watch
}

func ended(w *training.Watch) bool {
	select {
	case <-w.Done():
		return true
	default:
		return false
	}
}

func TestTrainOnTheLocalAccount(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	job := w.start("first", map[string]string{"max_steps": "5", "eval_every": "2"})
	if job.Status != "InProgress" || job.Preset != "style" {
		t.Errorf("%+v", job)
	}
	watch := w.until("first", ended)
	job = watch.Job()
	if job.Status != "Completed" || watch.Err() != nil || job.Artifact == "" || len(job.Phases) < 4 {
		t.Fatalf("%+v, %v", job, watch.Err())
	}
	points := watch.Points()
	evals := 0
	for _, p := range points {
		if !math.IsNaN(p.EvalLoss) {
			evals++
		}
	}
	if len(points) < 5 || evals < 2 || watch.Latest().Event != "done" {
		t.Errorf("%d points, %d of them with an eval loss, latest %+v", len(points), evals, watch.Latest())
	}
	for _, l := range watch.Lines(0, watch.Len()) {
		if strings.HasPrefix(l.Text, "tb1 ") != (l.Event != nil) || l.Stream != "algo-1" {
			t.Errorf("%+v", l)
		}
	}
	n := 0
	if err := w.svc.Logs(ctx, "first", func(l training.LogLine) error { n++; return nil }); err != nil || n != watch.Len() || !watch.CaughtUp() {
		t.Errorf("%d lines of %d, %v", n, watch.Len(), err)
	}
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(job.Artifact, "s3://"), "/")
	list, err := w.acc.S3().ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, o := range list.Contents {
		files = append(files, strings.TrimPrefix(aws.ToString(o.Key), prefix))
	}
	if all := strings.Join(files, " "); !strings.Contains(all, "model.safetensors") || !strings.Contains(all, "tokenizer.json") {
		t.Errorf("artifact %s", all)
	}
	jobs, err := w.svc.Jobs(ctx)
	if err != nil || len(jobs) != 1 || jobs[0].Dataset == "" || jobs[0].Status != "Completed" {
		t.Errorf("%+v, %v", jobs, err)
	}
	// The name is taken for ever.
	p, err := w.svc.Plan(ctx, training.Spec{Dataset: w.prepared(), Name: "first"})
	if err != nil {
		t.Fatal(err)
	}
	var exists *training.ExistsError
	if _, err := w.svc.Start(ctx, p); !errors.As(err, &exists) || exists.Free != "first-2" {
		t.Errorf("%v", err)
	}
}

func TestStopOnTheLocalAccount(t *testing.T) {
	w := newWorld(t)
	w.start("long", map[string]string{"max_steps": "100000"})
	running := w.until("long", func(watch *training.Watch) bool { return len(watch.Points()) > 2 })
	defer running.Close()
	if err := w.svc.Stop(t.Context(), "long"); err != nil {
		t.Fatal(err)
	}
	if job := w.until("long", ended).Job(); job.Status != "Stopped" {
		t.Errorf("%+v", job)
	}
	if err := w.svc.Stop(t.Context(), "long"); err == nil || !strings.Contains(err.Error(), "has ended already (Stopped)") {
		t.Errorf("%v", err)
	}
}

// A job goes on in the process that comes after its owner, and every line of
// its log is there once.
func TestJobOutlivesItsOwner(t *testing.T) {
	w := newWorld(t)
	w.start("moving", map[string]string{"max_steps": "60"})
	watch := w.until("moving", func(watch *training.Watch) bool { return len(watch.Points()) > 2 })
	watch.Close()
	w.close()
	w.open()
	watch = w.until("moving", ended)
	if job := watch.Job(); job.Status != "Completed" || watch.Err() != nil {
		t.Fatalf("%+v, %v", job, watch.Err())
	}
	seen := map[int]int{}
	for _, l := range watch.Lines(0, watch.Len()) {
		if l.Event != nil && l.Event.Event == "step" && l.Event.Step != nil {
			seen[*l.Event.Step]++
		}
	}
	for step := 1; step <= 60; step++ {
		if seen[step] != 1 {
			t.Errorf("step %d is in the log %d times", step, seen[step])
		}
	}
}
