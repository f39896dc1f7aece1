package modelimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/bedrock"

	"tunebench/backend/artifact/corpus"
	"tunebench/backend/store"
)

// elsewhere is an account on which somebody else's import runs while busy holds.
type elsewhere struct {
	inner bedrock.HTTPClient
	busy  atomic.Bool
}

func (e *elsewhere) Do(r *http.Request) (*http.Response, error) {
	if e.busy.Load() && r.URL.Query().Get("statusEquals") == "InProgress" {
		body := `{"modelImportJobSummaries":[{"jobArn":"arn:aws:bedrock:us-east-1:000000000000:model-import-job/aaaaaaaaaaaa",
			"jobName":"of-a-colleague","status":"InProgress","creationTime":"2026-11-27T00:00:00Z"}]}`
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
	return e.inner.Do(r)
}

// crowded is a service on such an account, with an artifact to import.
func crowded(t *testing.T) (*Service, *elsewhere, string) {
	t.Helper()
	s := service(t, nil)
	e := &elsewhere{inner: s.c.Bedrock.Options().HTTPClient}
	s.c.Bedrock = bedrock.New(s.c.Bedrock.Options(), func(o *bedrock.Options) { o.HTTPClient = e })
	dir := t.TempDir()
	if err := corpus.Make(corpus.Layout{Tied: true}).Write(dir); err != nil {
		t.Fatal(err)
	}
	return s, e, dir
}

// TestQueue: imports wait while another runs, also over a restart, and each has
// its turn in order.
func TestQueue(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, e, dir := crowded(t)
	e.busy.Store(true)
	var names []string
	for i := range 3 {
		j, err := s.Start(ctx, Request{Source: dir, Name: fmt.Sprintf("model-%d", i)})
		if err != nil || j.Status != Waiting {
			t.Fatalf("%+v, %v", j, err)
		}
		names = append(names, j.Name)
	}
	if j, err := s.Advance(ctx); j != nil || err != nil {
		t.Fatalf("it started %+v while another import runs: %v", j, err)
	}
	if _, err := s.Start(ctx, Request{Source: dir, Name: "model-1"}); err == nil || !strings.Contains(err.Error(), "waits in the queue already") {
		t.Errorf("the same name twice: %v", err)
	}

	e.busy.Store(false)
	looking := s.c
	looking.ReadOnly = true
	if j, err := New(looking).Advance(ctx); j != nil || err != nil {
		t.Fatalf("who only looks starts %+v, %v", j, err)
	}
	if waiting, _, err := s.queue(ctx); err != nil || len(waiting) != 3 {
		t.Fatalf("who only looks left %d of 3 in the queue, %v", len(waiting), err)
	}
	again := New(s.c) // after a restart: nothing is in memory
	var began []string
	if _, err := again.Wait(ctx, names[2], func(j Job) {
		if jobs, err := again.Jobs(ctx); err == nil {
			for _, j := range jobs {
				if j.Status != Waiting && !slices.Contains(began, j.Name) {
					began = append(began, j.Name)
				}
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	if strings.Join(began, " ") != strings.Join(names, " ") {
		t.Errorf("they began in the order %v, not %v", began, names)
	}
	jobs, err := again.Jobs(ctx)
	if err != nil || len(jobs) != 3 {
		t.Fatalf("%+v, %v", jobs, err)
	}
	for _, j := range jobs {
		if j.Status != "Completed" {
			t.Errorf("%+v", j)
		}
	}
	if left, _, err := again.queue(ctx); err != nil || len(left) != 0 {
		t.Errorf("left in the queue: %+v, %v", left, err)
	}
	models, err := again.Models(ctx)
	if err != nil || len(models) != 3 || models[0].PromptFormat != "mistral-v3" {
		t.Errorf("%+v, %v", models, err)
	}
}

// TestQueueAfterKill: a process that was killed at any point of starting an
// import leaves it to the next one, which starts it once.
func TestQueueAfterKill(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, point := range []string{"before the job was created", "after the job was created", "after the job had ended"} {
		t.Run(point, func(t *testing.T) {
			s, e, dir := crowded(t)
			e.busy.Store(true)
			j, err := s.Start(ctx, Request{Source: dir, Name: "once"})
			if err != nil {
				t.Fatal(err)
			}
			e.busy.Store(false)
			_, entries, err := s.queue(ctx)
			if err != nil || len(entries) != 1 {
				t.Fatalf("%+v, %v", entries, err)
			}
			now := time.Now()
			if ok, err := s.c.Store.TakeQueued(ctx, entries[0].ID, now, now); !ok || err != nil {
				t.Fatal(ok, err)
			}
			if point != "before the job was created" {
				q := queued{Request: Request{Source: dir, Name: "once"}, Source: dir, Model: "once", Job: j.Name}
				if _, err := s.launch(ctx, q); err != nil {
					t.Fatal(err)
				}
			}
			if point == "after the job had ended" {
				for {
					if got, err := s.bedrockJob(ctx, j.Name); err != nil {
						t.Fatal(err)
					} else if got.Done() {
						break
					}
				}
			}
			if point == "before the job was created" {
				if got, err := s.Advance(ctx); got != nil || err != nil {
					t.Fatalf("taken from a process that may live: %+v, %v", got, err)
				}
			}
			s.c.Now = func() time.Time { return now.Add(2 * staleStart) }
			s = New(s.c)
			got, err := s.Wait(ctx, j.Name, nil)
			if err != nil || got.Status != "Completed" {
				t.Fatalf("%+v, %v", got, err)
			}
			if _, err := s.Advance(ctx); err != nil {
				t.Fatal(err)
			}
			jobs, err := s.Jobs(ctx)
			if err != nil || len(jobs) != 1 {
				t.Errorf("%+v, %v", jobs, err)
			}
			if _, entries, err := s.queue(ctx); err != nil || len(entries) != 0 {
				t.Errorf("%+v, %v", entries, err)
			}
		})
	}
}

// TestQueueGoesOn: an import that cannot be started says why, stays to be seen,
// and does not hold up the next.
func TestQueueGoesOn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, e, dir := crowded(t)
	e.busy.Store(true)
	gone := t.TempDir()
	if err := corpus.Make(corpus.Layout{Tied: true}).Write(gone); err != nil {
		t.Fatal(err)
	}
	first, err := s.Start(ctx, Request{Source: gone, Name: "first"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Start(ctx, Request{Source: dir, Name: "second"})
	if err != nil {
		t.Fatal(err)
	}
	third, err := s.Start(ctx, Request{Source: dir, Name: "third"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Unqueue(ctx, third.Name); err != nil {
		t.Fatal(err)
	}
	e.busy.Store(false)
	bucket := s.c.Bucket
	s.c.Bucket = "no-such-bucket-here"
	if j, err := s.Advance(ctx); j != nil || err != nil {
		t.Fatalf("%+v, %v", j, err)
	}
	for _, name := range []string{first.Name, second.Name} {
		if j, err := s.Job(ctx, name); err != nil || j.Status != "Failed" || !strings.Contains(j.FailureMessage, "no-such-bucket-here") {
			t.Errorf("%+v, %v", j, err)
		}
	}
	s.c.Bucket = bucket
	fourth, err := s.Start(ctx, Request{Source: dir, Name: "second"})
	if err != nil {
		t.Fatal(err)
	}
	if j, err := s.Wait(ctx, fourth.Name, nil); err != nil || j.Status != "Completed" {
		t.Errorf("%+v, %v", j, err)
	}
	if err := s.Unqueue(ctx, "nothing"); err == nil {
		t.Error("what does not wait was taken out")
	}
	cancelled, stop := context.WithCancel(ctx)
	stop()
	if _, err := s.Wait(cancelled, fourth.Name, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if all, err := s.c.Store.Queue(ctx, s.c.AccountName, s.c.Region); err != nil || len(all) != 2 || all[0].State != store.QueueFailed {
		t.Errorf("%+v, %v", all, err)
	}
}
