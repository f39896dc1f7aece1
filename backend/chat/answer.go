package chat

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tunebench/backend/safetext"
	"tunebench/backend/store"
)

// Answer is an answer that is being given. Its goroutine ends with it.
type Answer struct {
	changed chan struct{}
	done    chan struct{}
	cancel  context.CancelCauseFunc

	mu      sync.Mutex
	state   AnswerState // without Text and Stats.Duration
	text    strings.Builder
	clean   safetext.Stream
	max     int
	pieces  int // texts that came; stands for tokens until the model counts them
	counted bool
	started time.Time
	ended   time.Time
	now     func() time.Time
}

// Send asks a model and returns at once. The answer ends when the model is
// done, when it fails, or when ctx ends or Cancel is called; the text that came
// until then is kept.
func (s *Service) Send(ctx context.Context, req Request) *Answer {
	ctx, cancel := context.WithCancelCause(ctx)
	a := &Answer{
		changed: make(chan struct{}, 1), done: make(chan struct{}), cancel: cancel,
		state: AnswerState{Model: req.Model, Phase: Waiting}, max: s.cfg.MaxText, now: s.cfg.Now, started: s.cfg.Now(),
	}
	a.state.Started = a.started
	p, err := prepare(req)
	a.state.Sent = safetext.Text(p.sent)
	go func() {
		defer cancel(nil)
		defer close(a.done)
		if err == nil {
			err = s.converse(ctx, a, req, p)
		}
		a.finish(s, context.Cause(ctx), err)
	}()
	return a
}

// Changed is signalled when State has changed; signals coalesce. The last
// signal comes when the answer has ended.
func (a *Answer) Changed() <-chan struct{} { return a.changed }

// Done is closed when the answer has ended.
func (a *Answer) Done() <-chan struct{} { return a.done }

// Cancel ends the answer.
func (a *Answer) Cancel() { a.cancel(errCancelled) }

// Wait returns the answer when it has ended, or as it is when ctx ends.
func (a *Answer) Wait(ctx context.Context) AnswerState {
	select {
	case <-a.done:
	case <-ctx.Done():
	}
	return a.State()
}

// State is the answer as it is now. It does not copy the text.
func (a *Answer) State() AnswerState {
	a.mu.Lock()
	defer a.mu.Unlock()
	st := a.state
	st.Text = a.text.String()
	end := a.ended
	if end.IsZero() {
		end = a.now()
	}
	st.Stats.Duration = end.Sub(a.started)
	return st
}

func (a *Answer) signal() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

func (a *Answer) update(f func(*AnswerState)) {
	a.mu.Lock()
	f(&a.state)
	a.mu.Unlock()
	a.signal()
}

// add takes a piece of a reply. It fails when the answer has grown too long.
func (a *Answer) add(p piece) error {
	a.mu.Lock()
	defer a.signal()
	defer a.mu.Unlock()
	if p.text != "" {
		if a.pieces == 0 {
			a.state.Stats.FirstToken = a.now().Sub(a.started)
			a.state.Err = ""
		}
		a.pieces++
		a.state.Last = a.now()
		a.state.Phase = Streaming
		a.state.NextTry = time.Time{}
		if !a.counted {
			a.state.Stats.OutputTokens = a.pieces
		}
		a.text.WriteString(a.clean.Write(p.text))
	}
	if p.stop != "" {
		a.state.StopReason = safetext.Line(p.stop)
	}
	if p.input > 0 {
		a.state.Stats.InputTokens = p.input
	}
	if p.outputTotal {
		a.counted, a.state.Stats.OutputTokens = true, p.output
	}
	if a.text.Len() > a.max {
		return errTooLong
	}
	return nil
}

func (a *Answer) hasText() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pieces > 0
}

// finish sets the final phase. cause says why the answer's context ended, if it
// did.
func (a *Answer) finish(s *Service, cause, err error) {
	a.mu.Lock()
	defer a.signal()
	defer a.mu.Unlock()
	a.text.WriteString(a.clean.Flush())
	a.ended = a.now()
	st := &a.state
	st.NextTry = time.Time{}
	var broken *brokenError
	switch {
	case err == nil:
		st.Phase = Finished
	case cause != nil:
		st.Phase = Cancelled
		if errors.Is(cause, context.DeadlineExceeded) {
			st.Err = "the time for this answer is over"
		}
	case errors.As(err, &broken):
		st.Phase, st.Err = Broken, safetext.Line(broken.Error())
	default:
		st.Phase, st.Err = Failed, s.Describe(st.Model, err)
		if a.pieces > 0 {
			st.Err = "the answer broke off: " + st.Err
		}
	}
}

// brokenError says that a stream ended although the model was not done.
type brokenError struct{ why string }

func (e *brokenError) Error() string { return e.why }

// MaxRetries bounds the attempts after errors that may pass, other than a model
// that is waking.
const MaxRetries = 5

// WakeLimit is when a model that does not wake counts as failed.
const WakeLimit = 15 * time.Minute

// WakeDelay is the wait after the n-th attempt to wake a model, n from 1: each
// attempt counts as a reason to load it, so there is no use in hurrying.
func WakeDelay(n int) time.Duration {
	return min(time.Second<<min(n-1, 10), 20*time.Second)
}

// retryDelay is the wait after the n-th failed attempt.
func retryDelay(n int) time.Duration { return min(time.Second<<min(n-1, 10), 30*time.Second) }

// byItself takes advice out of what is said of an attempt that another follows.
var byItself = strings.NewReplacer("; wait a little and try again", "; it is asked again by itself", "; try again (", "; it is asked again by itself (")

// converse attempts the request until it is answered or there is no use in
// going on.
func (s *Service) converse(ctx context.Context, a *Answer, req Request, p prepared) error {
	failures := 0
	var wokenSince time.Time
	wakings := 0
	for {
		err := s.stream(ctx, a, req.Model, p)
		if err == nil || a.hasText() || ctx.Err() != nil || errors.Is(err, errSlowStart) {
			if a.hasText() && wakings > 0 {
				s.NoteWaking(ctx, req.Model, wokenSince, wakings)
			}
			return err
		}
		var delay time.Duration
		phase := Waiting
		switch Classify(err) {
		case NotReady:
			if wakings == 0 {
				wokenSince = s.cfg.Now()
			}
			wakings++
			if s.cfg.Now().Sub(wokenSince) > WakeLimit {
				return &asleepError{s.cfg.Now().Sub(wokenSince), err}
			}
			phase, delay = Waking, WakeDelay(wakings)
		case Throttled, Transient:
			if failures++; failures > MaxRetries {
				return err
			}
			delay = retryDelay(failures)
		default:
			return err
		}
		a.update(func(st *AnswerState) {
			st.Phase, st.WakingSince = phase, wokenSince
			st.Attempts++
			st.NextTry = s.cfg.Now().Add(delay)
			st.Err = ""
			if phase == Waiting {
				st.Err = byItself.Replace(s.Describe(req.Model, err))
			}
		})
		if err := s.cfg.Sleep(ctx, delay); err != nil {
			return err
		}
		a.update(func(st *AnswerState) { st.NextTry, st.Err = time.Time{}, "" })
	}
}

// NoteWaking keeps how long a model took to wake. Nothing depends on it, so a
// store that fails does not spoil the answer.
func (s *Service) NoteWaking(ctx context.Context, m Model, since time.Time, attempts int) {
	_ = s.cfg.Store.AddWaking(context.WithoutCancel(ctx), s.cfg.AccountName, m.ID,
		store.Waking{Started: since, Took: s.cfg.Now().Sub(since), Attempts: attempts})
}

// noteShape remembers where a model's replies hold the text.
func (s *Service) noteShape(ctx context.Context, m Model, shape Shape) {
	if m.Kind != Imported || shape == "" {
		return
	}
	s.mu.Lock()
	known := s.shapes[m.ID] == shape
	s.shapes[m.ID] = shape
	s.mu.Unlock()
	if !known {
		_ = s.cfg.Store.PutModel(context.WithoutCancel(ctx), store.Model{
			Account: s.cfg.AccountName, ARN: m.ID, Name: m.Name, ReplyShape: string(shape), Created: s.cfg.Now(),
		})
	}
}

// Shape is where the model's replies hold the text; "" until it has answered.
func (s *Service) Shape(m Model) Shape {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shapes[m.ID]
}

// Wakings returns how long a model took to wake, the newest first.
func (s *Service) Wakings(ctx context.Context, m Model) ([]store.Waking, error) {
	return s.cfg.Store.Wakings(ctx, s.cfg.AccountName, m.ID, 10)
}

// Complete asks without streaming and waits for the answer, through waking and
// throttling. An answer that did not finish is an error too.
func (s *Service) Complete(ctx context.Context, req Request) (AnswerState, error) {
	st, _, err := s.complete(ctx, req, func(ctx context.Context) (Reply, error) { return s.Once(ctx, req) })
	return st, err
}

// complete is Complete with another way of asking once.
func (s *Service) complete(ctx context.Context, req Request, once func(context.Context) (Reply, error)) (AnswerState, Shape, error) {
	st := AnswerState{Model: req.Model, Phase: Waiting}
	started := s.cfg.Now()
	fail := func(err error) (AnswerState, Shape, error) {
		st.Phase, st.Err = Failed, s.Describe(req.Model, err)
		if ctx.Err() != nil {
			st.Phase, st.Err = Cancelled, ""
		}
		st.Stats.Duration = s.cfg.Now().Sub(started)
		return st, "", fmt.Errorf("ask %s: %w", req.Model.Ref, err)
	}
	failures, wakings := 0, 0
	for {
		r, err := once(ctx)
		if err == nil {
			st.Phase, st.Text, st.StopReason, st.Sent = Finished, safetext.Text(r.Text), safetext.Line(r.StopReason), safetext.Text(r.Sent)
			st.Stats = Stats{Duration: s.cfg.Now().Sub(started), InputTokens: r.InputTokens, OutputTokens: r.OutputTokens}
			if wakings > 0 {
				s.NoteWaking(ctx, req.Model, st.WakingSince, wakings)
			}
			return st, r.Shape, nil
		}
		var delay time.Duration
		switch Classify(err) {
		case NotReady:
			if wakings == 0 {
				st.WakingSince = s.cfg.Now()
			}
			if s.cfg.Now().Sub(st.WakingSince) > WakeLimit {
				return fail(err)
			}
			wakings++
			delay = WakeDelay(wakings)
		case Throttled, Transient:
			if failures++; failures > MaxRetries {
				return fail(err)
			}
			delay = retryDelay(failures)
		default:
			return fail(err)
		}
		st.Attempts++
		if err := s.cfg.Sleep(ctx, delay); err != nil {
			return fail(err)
		}
	}
}
