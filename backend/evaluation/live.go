package evaluation

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tunebench/backend/chat"
	"tunebench/backend/store"
)

const (
	// commitAt is the most records that are written at once, and so the most
	// that a killed process loses beside what was under way; commitEvery is the
	// shortest time between two groups. A record that comes alone is written at
	// once, one of many waits a little for the others.
	commitAt    = 32
	commitEvery = 10 * time.Millisecond
	// beatEvery is how often the process says that it is at work.
	beatEvery = 5 * time.Second
	// refreshAfter is the shortest time between two computations of the means.
	refreshAfter = 100 * time.Millisecond
)

var errStopped = errors.New("the run was stopped")

// Live is a run that this process executes. It owns the goroutines that do so;
// they end with the run.
type Live struct {
	service *Service
	id      string
	owner   string
	spec    Spec
	plan    *plan
	suite   *suite
	board   *board
	runners []*runner
	cancel  context.CancelCauseFunc
	// requests is the context of requests to models: when the run is stopped,
	// those under way may be answered yet.
	requests context.Context
	changed  chan struct{}
	done     chan struct{}
	started  time.Time
	spent    float64 // dollars for tokens; the committing goroutine's

	mu  sync.Mutex
	run Run
	err error
}

func (s *Service) begin(ctx context.Context, run Run, owner string, models []chat.Model, p *plan, st *suite, b *board) *Live {
	ctx, cancel := context.WithCancelCause(ctx)
	l := &Live{
		service: s, id: run.ID, owner: owner, spec: run.Spec, plan: p, suite: st, board: b, cancel: cancel,
		changed: make(chan struct{}, 1), done: make(chan struct{}), started: s.cfg.Now(), run: run,
	}
	for i, m := range models {
		l.runners = append(l.runners, &runner{Live: l, index: i, model: m, limit: newLimiter(firstRequests, s.cfg.Concurrency)})
	}
	l.run.Done, l.run.Models = b.done(), b.results(len(p.rows), false)
	s.mu.Lock()
	s.live[owner] = l
	s.mu.Unlock()
	go l.execute(ctx)
	return l
}

// Run is the run as it is now. Scores, intervals and differences may be a little
// older than the counts.
func (l *Live) Run() Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.run
	r.Models, r.Differences = slices.Clone(r.Models), slices.Clone(r.Differences)
	return r
}

// Progress says how each model gets on.
func (l *Live) Progress() []Progress {
	list := make([]Progress, len(l.runners))
	for i, r := range l.runners {
		list[i] = r.progress()
	}
	return list
}

// Changed is signalled when Run or Progress has changed; signals coalesce.
func (l *Live) Changed() <-chan struct{} { return l.changed }

// Done is closed when the run has ended and its status is on disk.
func (l *Live) Done() <-chan struct{} { return l.done }

// Stop ends the run; what was answered is kept, and Resume goes on with it.
func (l *Live) Stop() { l.cancel(errStopped) }

// Wait returns the run when it has ended. The error says why it ended early; a
// run that was stopped has none.
func (l *Live) Wait(ctx context.Context) (Run, error) {
	select {
	case <-l.done:
		l.mu.Lock()
		err := l.err
		l.mu.Unlock()
		return l.Run(), err
	case <-ctx.Done():
	}
	// The run's own context is often the same one: then its status is near.
	select {
	case <-l.done:
	case <-time.After(time.Second):
	}
	return l.Run(), context.Cause(ctx)
}

func (l *Live) signal() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// execute is the run's goroutine.
func (l *Live) execute(ctx context.Context) {
	defer close(l.done)
	defer l.signal()
	defer l.cancel(nil)
	out := make(chan outcome)
	aside, stopAside := context.WithCancel(context.WithoutCancel(ctx))
	dirty := make(chan struct{}, 1)
	var background sync.WaitGroup
	background.Go(func() { l.beat(aside) })
	background.Go(func() { l.refresh(aside, dirty) })
	background.Go(func() { l.watchBudget(aside) })

	requests, cancelRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelRequests()
	l.requests = requests
	g, gctx := errgroup.WithContext(ctx)
	background.Go(func() {
		<-gctx.Done() // at the latest when the group has ended
		if sleep(aside, l.service.cfg.Drain) == nil {
			cancelRequests()
		}
	})
	for _, r := range l.runners {
		g.Go(func() error { return r.run(gctx, out) })
	}
	written := make(chan error, 1)
	go func() { written <- l.commit(context.WithoutCancel(ctx), out, dirty) }()
	err := g.Wait()
	close(out)
	writeErr := <-written
	stopAside()
	background.Wait()
	l.finish(ctx, err, writeErr)
}

// finish settles the status and the final scoreboard.
func (l *Live) finish(ctx context.Context, err, writeErr error) {
	s := l.service
	closing := l.plan.close()
	cause := context.Cause(ctx)
	over, _ := errors.AsType[*overBudget](cause)
	l.mu.Lock()
	run := l.run
	l.mu.Unlock()
	run.Models, run.Differences, run.Done = l.board.results(len(l.plan.rows), true), l.board.differences(), l.board.done()
	run.Ended = s.cfg.Now()
	switch {
	case writeErr != nil:
		run.Status, err = Interrupted, writeErr
	case run.Done == run.Total:
		run.Status, err = Finished, closing
	case errors.Is(cause, errStopped):
		run.Status, err = Stopped, nil
	case over != nil:
		run.Status, run.Why, err = Stopped, over.text, nil
	case cause != nil:
		run.Status, err = Interrupted, cause
	default:
		run.Status = Interrupted
		if err == nil {
			err = errors.New("the dataset ended before all its rows were read; start a new run")
		}
	}
	res, jsonErr := toJSON(result{run.Models, run.Differences, run.Why})
	saveErr := errors.Join(jsonErr, s.cfg.Store.EndRun(context.WithoutCancel(ctx), l.id, l.owner, run.Status, res, run.Ended))
	if err == nil {
		err = saveErr
	}
	l.mu.Lock()
	l.run, l.err = run, err
	l.mu.Unlock()
	s.mu.Lock()
	delete(s.live, l.owner)
	s.mu.Unlock()
}

// commit writes outcomes in groups until out is closed. A run that cannot be
// written is ended; what comes after that is dropped.
func (l *Live) commit(ctx context.Context, out <-chan outcome, dirty chan<- struct{}) error {
	var group []outcome
	var failed error
	var last time.Time
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for o := range out {
		if failed != nil {
			continue
		}
		group = append(group[:0], o)
		timer.Reset(commitEvery - time.Since(last)) // at once when that is past
		for waiting := true; waiting && len(group) < commitAt; {
			select {
			case o, ok := <-out:
				if waiting = ok; ok {
					group = append(group, o)
				}
			case <-timer.C:
				waiting = false
			}
		}
		if failed = l.write(ctx, group); failed != nil {
			l.cancel(failed) // a record that is not on disk does not count
			continue
		}
		last = time.Now()
		select {
		case dirty <- struct{}{}:
		default:
		}
	}
	return failed
}

// write puts a group on disk and then on the board.
func (l *Live) write(ctx context.Context, group []outcome) error {
	records := make([]store.Record, len(group))
	var answers []store.CachedAnswer
	for i, o := range group {
		records[i] = o.record
		answers = append(answers, o.answers...)
	}
	if err := l.service.cfg.Store.AddRecords(ctx, l.id, records, answers); err != nil {
		return err
	}
	for _, o := range group {
		values := o.values
		if o.record.Error != "" {
			values = nil
		}
		l.board.add(o.model, o.pos, o.record.Category, values, o.record.Latency, o.record.InputTokens, o.record.OutputTokens)
	}
	l.spend(group)
	done := l.board.done()
	l.mu.Lock()
	l.run.Done = done
	l.mu.Unlock()
	l.signal()
	return nil
}

// beat says now and then that this process is at work.
func (l *Live) beat(ctx context.Context) {
	t := time.NewTicker(beatEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			// A beat that fails is made up for by the next.
			_ = l.service.cfg.Store.BeatRun(ctx, l.id, l.owner, l.service.cfg.Now())
		case <-ctx.Done():
			return
		}
	}
}

// refresh computes the scoreboard while the run goes on, means often and
// intervals as often as a twentieth of the time allows.
func (l *Live) refresh(ctx context.Context, dirty <-chan struct{}) {
	var nextIntervals time.Time
	for {
		select {
		case <-dirty:
		case <-ctx.Done():
			return
		}
		started := time.Now()
		intervals := started.After(nextIntervals)
		models := l.board.results(len(l.plan.rows), intervals)
		var differences []Difference
		if intervals {
			differences = l.board.differences()
			nextIntervals = time.Now().Add(max(l.service.refreshAfter, 20*time.Since(started)))
		}
		l.mu.Lock()
		if !intervals {
			for i := range models {
				models[i].Intervals = l.run.Models[i].Intervals
			}
			differences = l.run.Differences
		}
		l.run.Models, l.run.Differences = models, differences
		l.mu.Unlock()
		l.signal()
		if sleep(ctx, max(l.service.refreshAfter, 10*time.Since(started))) != nil {
			return
		}
	}
}
