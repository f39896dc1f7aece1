package modelimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tunebench/backend/account/awserror"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
)

// An account runs one import at a time. What is asked for meanwhile waits in the
// store, so that it survives whatever ends the program, and is started by the
// next process that looks: the workbench, or a command that waits.

// Waiting is the status of an import that is in the queue and not yet a job of
// Bedrock.
const Waiting = "Waiting"

// staleStart is how long a process may take to start an import that it has taken
// from the queue before another takes it: it includes the upload of an artifact,
// during which the entry is refreshed.
const staleStart = time.Minute

// queued is a request in the queue, with everything that was settled when it was
// made; the names do not change, so that starting it twice starts it once.
type queued struct {
	Request Request `json:"request"`
	Source  string  `json:"source"` // the training job's artifact, or as asked for
	Format  string  `json:"format,omitempty"`
	Model   string  `json:"model"`
	Job     string  `json:"job"`
}

func (s *Service) enqueue(ctx context.Context, q queued) (Job, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return Job{}, err
	}
	now := s.c.Now()
	if _, err := s.c.Store.Enqueue(ctx, store.Queued{Account: s.c.AccountName, Region: s.c.Region, Request: string(text), Created: now}); err != nil {
		return Job{}, err
	}
	return q.asJob(Waiting, "", now), nil
}

func (q queued) asJob(status, problem string, created time.Time) Job {
	return Job{Name: q.Job, Model: q.Model, Status: status, FailureMessage: problem, Source: q.Source, TrainingJob: q.Request.TrainingJob, Created: created}
}

// queue lists what waits, in the order of its turn, as jobs and as entries.
func (s *Service) queue(ctx context.Context) ([]Job, []store.Queued, error) {
	all, err := s.c.Store.Queue(ctx, s.c.AccountName, s.c.Region)
	if err != nil {
		return nil, nil, err
	}
	var jobs []Job
	var entries []store.Queued
	for _, e := range all {
		var q queued
		if err := json.Unmarshal([]byte(e.Request), &q); err != nil {
			return nil, nil, fmt.Errorf("the import queue holds an entry that cannot be read (number %d); remove it with tunebench local reset or by hand: %w", e.ID, err)
		}
		status := Waiting
		if e.State == store.QueueFailed {
			status = "Failed"
		}
		j := q.asJob(status, safetext.Line(e.Error), e.Created)
		if status == "Failed" {
			j.Ended = e.Updated
		}
		jobs, entries = append(jobs, j), append(entries, e)
	}
	return jobs, entries, nil
}

// Advance starts the next import of the queue if none is running. It is called
// again and again by whoever watches; it is cheap while nothing waits. started is
// the job that it started, if any. An import that cannot be started stays in the
// queue as failed, with its reason, and the one behind it has its turn.
func (s *Service) Advance(ctx context.Context) (started *Job, err error) {
	if s.c.ReadOnly {
		return nil, nil
	}
	jobs, entries, err := s.queue(ctx)
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		if e.State == store.QueueFailed {
			continue
		}
		running, err := s.list(ctx, "InProgress")
		if err != nil {
			return nil, s.explain(err)
		}
		if len(running) > 0 {
			// It may be this one: started, by a process that ended before it could
			// say so.
			if running[0].Name == jobs[i].Name {
				return nil, s.settle(ctx, e)
			}
			return nil, nil
		}
		now := s.c.Now()
		ok, err := s.c.Store.TakeQueued(ctx, e.ID, now, now.Add(-staleStart))
		if err != nil || !ok {
			return nil, err
		}
		j, err := s.startQueued(ctx, e)
		switch {
		case err == nil:
			return &j, nil
		case ctx.Err() != nil, awserror.KindOf(err) == awserror.Quota:
			// Its turn comes again. The context may have ended, so this one has not.
			return nil, errors.Join(ctx.Err(), s.c.Store.SetQueued(context.WithoutCancel(ctx), e.ID, store.QueueWaiting, "", s.c.Now()))
		}
		if err := s.c.Store.SetQueued(ctx, e.ID, store.QueueFailed, err.Error(), s.c.Now()); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// settle records a job of the queue that runs already, and takes it out.
func (s *Service) settle(ctx context.Context, e store.Queued) error {
	var q queued
	if err := json.Unmarshal([]byte(e.Request), &q); err != nil {
		return err
	}
	j, err := s.Job(ctx, q.Job)
	if err != nil {
		return err
	}
	if err := s.record(ctx, q, j.ARN, j.Source); err != nil {
		return err
	}
	return s.c.Store.RemoveQueued(ctx, e.ID)
}

func (s *Service) startQueued(ctx context.Context, e store.Queued) (Job, error) {
	var q queued
	if err := json.Unmarshal([]byte(e.Request), &q); err != nil {
		return Job{}, err
	}
	if j, err := s.bedrockJob(ctx, q.Job); err == nil {
		// It was started before, and has ended since.
		return j, s.settle(ctx, e)
	} else if awserror.KindOf(err) != awserror.NotFound {
		return Job{}, err
	}
	release := s.hold(ctx, e.ID)
	j, err := s.launch(ctx, q)
	release()
	if err != nil {
		return j, err
	}
	return j, s.c.Store.RemoveQueued(ctx, e.ID)
}

// hold keeps an entry one's own while its artifact is uploaded, until release is
// called.
func (s *Service) hold(ctx context.Context, id int64) (release func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(staleStart / 4)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				// A store that cannot be written now is tried again in time.
				_ = s.c.Store.SetQueued(ctx, id, store.QueueStarting, "", s.c.Now())
			}
		}
	}()
	return func() { cancel(); <-done }
}

// Unqueue takes an import out of the queue by its job's name.
func (s *Service) Unqueue(ctx context.Context, name string) error {
	jobs, entries, err := s.queue(ctx)
	if err != nil {
		return err
	}
	for i, j := range jobs {
		if j.Name == name {
			return s.c.Store.RemoveQueued(ctx, entries[i].ID)
		}
	}
	return fmt.Errorf("no import %s waits in the queue; tunebench import list shows those that do", safetext.Line(name))
}
