package evaluation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tunebench/backend/artifact"
	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
	"tunebench/metrics"
	"tunebench/metrics/fmevalio"
	"tunebench/metrics/perturb"
)

const (
	// firstRequests is how many requests at once a model gets to begin with.
	firstRequests = 4
	// maxRetries bounds the attempts after errors that may pass.
	maxRetries = 5
	// maxThrottled is how long one record waits for a service that throttles.
	maxThrottled = 15 * time.Minute
)

// job is one row to ask a model about.
type job struct {
	pos int
	ex  dataset.Example
}

// outcome is a record with what the board needs of it.
type outcome struct {
	model, pos int
	record     store.Record
	values     []float64
	answers    []store.CachedAnswer // to be kept
}

// runner asks one model all rows that it has not answered yet.
type runner struct {
	*Live
	index int
	model chat.Model
	limit *limiter

	mu        sync.Mutex
	waking    chan struct{} // closed when the model is awake; nil while it is
	since     time.Time
	throttles int
}

// run ends when all rows have been handed to out, or with the first error that
// concerns the whole run.
func (r *runner) run(ctx context.Context, out chan<- outcome) error {
	jobs := make(chan job, r.service.cfg.Concurrency)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(jobs)
		return r.plan.each(ctx, func(pos int) bool { return !r.board.has(r.index, pos) }, func(pos int, e dataset.Example) error {
			select {
			case jobs <- job{pos, e}:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	})
	for range r.service.cfg.Concurrency {
		g.Go(func() error {
			scorer, err := r.suite.scorer()
			if err != nil {
				return err
			}
			return r.work(ctx, scorer, jobs, out)
		})
	}
	return g.Wait()
}

func (r *runner) work(ctx context.Context, scorer *scorer, jobs <-chan job, out chan<- outcome) error {
	for {
		if err := r.limit.acquire(ctx); err != nil {
			return err
		}
		j, ok := <-jobs // the feeder closes it when ctx ends
		if !ok {
			r.limit.release()
			return ctx.Err()
		}
		o, err := r.record(ctx, scorer, j)
		r.limit.release()
		if err != nil {
			return err
		}
		out <- o // is read until all runners have ended
	}
}

// record makes the record of a row. An error is one that concerns the run; what
// concerns only the row is in the record.
func (r *runner) record(ctx context.Context, scorer *scorer, j job) (outcome, error) {
	e := j.ex
	o := outcome{model: r.index, pos: j.pos, record: store.Record{
		Model: r.model.Ref, Row: e.Index, RowID: e.ID, Category: e.Category, System: e.System, Question: e.Question, Reference: e.Answer, Scores: "{}",
	}}
	rec := &o.record
	defer func() { rec.Created = r.service.cfg.Now() }()
	switch {
	case e.Err != "":
		rec.Error = safetext.Line(e.Err)
		return o, nil
	case strings.TrimSpace(e.Question) == "" && r.plan.outputs == nil:
		rec.Error = fmt.Sprintf("row %d has no question", e.Index+1)
		return o, nil
	}
	answer, perturbed, err := r.answersTo(ctx, &o, j)
	if err != nil {
		var row *rowError
		if !errors.As(err, &row) {
			return o, err
		}
		rec.Error = row.Error()
		return o, nil
	}
	rec.Output, rec.StopReason, rec.Latency, rec.InputTokens, rec.OutputTokens = answer.Output, answer.StopReason, answer.Latency, answer.InputTokens, answer.OutputTokens
	o.values, err = scorer.Score(make([]float64, 0, len(r.suite.scores)), metrics.Row{Target: e.Answer, Output: answer.Output, Perturbed: perturbed})
	if err != nil {
		rec.Error = safetext.Line(err.Error())
		return o, nil
	}
	rec.Scores, err = r.suite.named(o.values)
	return o, err
}

// answersTo has the answer to a row, and those to its disturbed copies where a
// metric compares them.
func (r *runner) answersTo(ctx context.Context, o *outcome, j job) (store.CachedAnswer, []string, error) {
	if r.plan.outputs != nil {
		text := r.plan.outputs[r.index][j.pos]
		if text == nil {
			return store.CachedAnswer{}, nil, &rowError{"the file of outputs has none here"}
		}
		return store.CachedAnswer{Output: *text}, nil, nil
	}
	one := func(e dataset.Example) (store.CachedAnswer, error) {
		if r.spec.Template != "" {
			prompt, err := fmevalio.Compose(r.spec.Template, e.Question)
			if err != nil {
				return store.CachedAnswer{}, &rowError{safetext.Line(err.Error())}
			}
			e.Question = prompt
		}
		a, fresh, err := r.answer(ctx, request(r.spec, r.model, e))
		if fresh && a.Hash != "" {
			o.answers = append(o.answers, a)
		}
		return a, err
	}
	answer, err := one(j.ex)
	if err != nil || r.suite.perturb == nil {
		return answer, nil, err
	}
	// A generator for each row: the copies do not depend on who came first.
	p, err := perturb.New(*r.suite.perturb)
	if err != nil {
		return answer, nil, err
	}
	var outputs []string
	for _, text := range p.Perturb(j.ex.Question) {
		e := j.ex
		e.Question = text
		a, err := one(e)
		if err != nil {
			return answer, nil, err
		}
		outputs = append(outputs, a.Output)
	}
	return answer, outputs, nil
}

func request(spec Spec, m chat.Model, e dataset.Example) chat.Request {
	req := chat.Request{Model: m, Settings: chat.Settings{MaxTokens: spec.MaxTokens, Temperature: spec.Temperature, TopP: 1}}
	if e.System != "" {
		req.Messages = append(req.Messages, chat.Message{Role: artifact.RoleSystem, Content: e.System})
	}
	req.Messages = append(req.Messages, chat.Message{Role: artifact.RoleUser, Content: e.Question})
	return req
}

// rowError is an error that concerns one row only.
type rowError struct{ text string }

func (e *rowError) Error() string { return e.text }

// answer takes a kept answer or asks. A sampled answer (temperature above 0) is
// not kept for other runs: they are to have their own.
func (r *runner) answer(ctx context.Context, req chat.Request) (store.CachedAnswer, bool, error) {
	var a store.CachedAnswer
	if req.Settings.Temperature == 0 {
		hash, err := r.service.cfg.Chat.Fingerprint(req)
		if err != nil {
			return a, false, &rowError{safetext.Line(err.Error())}
		}
		kept, err := r.service.cfg.Store.CachedAnswer(ctx, hash)
		switch {
		case err == nil:
			return kept, false, nil
		case !errors.Is(err, store.ErrNotFound):
			return a, false, err
		}
		a.Hash = hash
	}
	reply, err := r.ask(ctx, req)
	if err != nil {
		return a, false, err
	}
	a.Model, a.Output, a.StopReason, a.Latency = r.model.ID, reply.Text, reply.StopReason, reply.Latency
	a.InputTokens, a.OutputTokens, a.Created = reply.InputTokens, reply.OutputTokens, r.service.cfg.Now()
	return a, true, nil
}

// ask repeats a request while that is of use.
func (r *runner) ask(ctx context.Context, req chat.Request) (chat.Reply, error) {
	failures, throttled, seen := 0, 0, 0
	svc, now := r.service.cfg.Chat, r.service.cfg.Now
	var waited time.Duration // after throttling
	for {
		if err := r.awake(ctx); err != nil {
			return chat.Reply{}, err
		}
		reply, err := svc.Once(r.requests, req) // outlives ctx by Drain
		if err == nil {
			r.limit.succeeded(now())
			return reply, nil
		}
		if ctx.Err() != nil {
			return chat.Reply{}, context.Cause(ctx)
		}
		row := &rowError{svc.Describe(r.model, err)}
		switch chat.Classify(err) {
		case chat.NotReady:
			if err := r.wake(ctx, req); err != nil {
				return chat.Reply{}, err
			}
		case chat.Throttled:
			if waited > maxThrottled {
				return chat.Reply{}, row
			}
			r.mu.Lock()
			r.throttles++
			r.mu.Unlock()
			if n := r.limit.seen(); n != seen {
				seen, throttled = n, 0
			}
			throttled++
			began := now()
			err := r.service.cfg.Sleep(ctx, r.limit.throttled(began, throttled))
			r.limit.retried(now())
			if err != nil {
				return chat.Reply{}, err
			}
			waited += now().Sub(began)
		case chat.Transient:
			if failures++; failures > maxRetries {
				return chat.Reply{}, row
			}
			if err := r.service.cfg.Sleep(ctx, backoff(200*time.Millisecond, failures, 10*time.Second)); err != nil {
				return chat.Reply{}, err
			}
		case chat.AccessDenied, chat.Account:
			// Every other request would fail as this one did.
			return chat.Reply{}, fmt.Errorf("%s (what was answered is kept: mend this and resume run %s)", row.text, r.id)
		default:
			return chat.Reply{}, row
		}
	}
}

// backoff is the wait after the n-th failure, with jitter so that requests that
// failed together do not come back together.
func backoff(base time.Duration, n int, most time.Duration) time.Duration {
	d := min(base<<min(n-1, 16), most)
	return d/2 + rand.N(d/2+1)
}

// awake waits while another request wakes the model.
func (r *runner) awake(ctx context.Context) error {
	r.mu.Lock()
	waking := r.waking
	r.mu.Unlock()
	if waking == nil {
		return nil
	}
	select {
	case <-waking:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// wake repeats a request until the model is awake; one request for each model
// does that while the others wait.
func (r *runner) wake(ctx context.Context, req chat.Request) error {
	cfg := r.service.cfg
	r.mu.Lock()
	if r.waking != nil {
		r.mu.Unlock()
		return r.awake(ctx)
	}
	awake := make(chan struct{})
	r.waking, r.since = awake, cfg.Now()
	r.mu.Unlock()
	r.signal()
	defer func() {
		r.mu.Lock()
		r.waking = nil
		r.mu.Unlock()
		close(awake)
		r.signal()
	}()
	// The answer to this is not used: the row is asked again like the others.
	req.Settings.MaxTokens = 1
	for n := 1; ; n++ {
		if err := cfg.Sleep(ctx, chat.WakeDelay(n)); err != nil {
			return err
		}
		_, err := cfg.Chat.Once(ctx, req)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil || chat.Classify(err) != chat.NotReady {
			cfg.Chat.NoteWaking(ctx, r.model, r.since, n)
			return nil
		}
		if cfg.Now().Sub(r.since) > chat.WakeLimit {
			return fmt.Errorf("%s (waited %s; resume run %s later)", cfg.Chat.Describe(r.model, err), chat.WakeLimit, r.id)
		}
	}
}

// Progress is how one model of a running evaluation gets on.
type Progress struct {
	Model string
	// Requests is how many may be under way at once at the moment.
	Requests int
	// Throttles counts the answers that asked for fewer requests.
	Throttles int
	// WakingSince is when the model began to be woken; zero when it is awake.
	WakingSince time.Time
}

func (r *runner) progress() Progress {
	p := Progress{Model: r.model.Ref, Requests: r.limit.bound()}
	r.mu.Lock()
	defer r.mu.Unlock()
	p.Throttles = r.throttles
	if r.waking != nil {
		p.WakingSince = r.since
	}
	return p
}
