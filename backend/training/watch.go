package training

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"tunebench/backend/account/awserror"
	"tunebench/backend/safetext"
	"tunebench/backend/training/logstore"
)

const (
	// Events may come late, so each poll asks again for what is younger than
	// shortOverlap before the newest, and now and then for longOverlap.
	shortOverlap = 15 * time.Second
	longOverlap  = 5 * time.Minute
	longEvery    = 30 * time.Second
	// deepOverlap is asked for once, when the job has ended.
	deepOverlap = time.Hour
	// pollFast is the time between polls while lines arrive.
	pollFast = 200 * time.Millisecond
	// quietPolls is how many polls bring nothing before a job that has ended is
	// taken to have no more lines.
	quietPolls = 3
	// maxPages bounds what one poll reads.
	maxPages = 200
)

// Watch follows one training job: its status and its log. Its goroutine ends
// with the context, with Close, or when the job has ended and its log has been
// read; Done is closed then. The log can be read and searched until Close.
type Watch struct {
	s       *Service
	name    string
	cancel  context.CancelFunc
	changed chan struct{}
	done    chan struct{}

	mu     sync.Mutex
	job    Job
	log    *logstore.Store
	traces *logstore.Hits
	curve  curve
	latest Event
	caught bool
	err    error
}

// Watch begins to follow a job.
func (s *Service) Watch(ctx context.Context, name string) *Watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &Watch{s: s, name: name, cancel: cancel, changed: make(chan struct{}, 1), done: make(chan struct{}),
		job: Job{Name: safetext.Line(name)}}
	go func() {
		defer close(w.done)
		if err := w.openLog(ctx); err != nil {
			w.setErr(err)
			w.notify()
			return
		}
		w.run(ctx)
		w.notify()
	}()
	return w
}

// Job is the job as it was last described; before that it has only its name.
func (w *Watch) Job() Job {
	w.mu.Lock()
	defer w.mu.Unlock()
	j := w.job
	j.Phases = slices.Clone(j.Phases)
	return j
}

// Points are the values of the charts so far, by step.
func (w *Watch) Points() []Point {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.curve.points)
}

// PointsVersion changes when Points does.
func (w *Watch) PointsVersion() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.curve.version
}

// Latest holds the newest value of each number, and the name and message of
// the newest event.
func (w *Watch) Latest() Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.latest
}

// Err says what keeps the watch from seeing the job or its log at the moment.
// It is tried again until Done is closed; afterwards it says why it ended.
func (w *Watch) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// CaughtUp reports whether the log has been read to its end once, so that what
// comes from then on is new.
func (w *Watch) CaughtUp() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.caught
}

// Changed is signalled when something has changed; signals coalesce.
func (w *Watch) Changed() <-chan struct{} { return w.changed }

// Done is closed when the watch has ended.
func (w *Watch) Done() <-chan struct{} { return w.done }

// Close ends the watch and waits for it. What was read of the log is kept.
func (w *Watch) Close() {
	w.cancel()
	<-w.done
	w.mu.Lock()
	log, traces := w.log, w.traces
	w.log, w.traces = nil, nil
	w.mu.Unlock()
	if traces != nil {
		traces.Close()
	}
	if log != nil {
		if err := log.Close(); err != nil {
			w.setErr(err)
		}
	}
}

func (w *Watch) notify() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *Watch) catchUp() {
	w.mu.Lock()
	first := !w.caught
	w.caught = true
	w.mu.Unlock()
	if first {
		w.notify()
	}
}

// setErr notes an error, or that it is over.
func (w *Watch) setErr(err error) {
	w.mu.Lock()
	was := w.err
	w.err = err
	w.mu.Unlock()
	if (was == nil) != (err == nil) || err != nil && was.Error() != err.Error() {
		w.notify()
	}
}

// pace decides how long to wait between polls, by how fast the account
// answers: one that answers within a millisecond may be asked often.
type pace struct {
	rtt   time.Duration // of the last answer
	wait  time.Duration
	fails int
}

func (p *pace) fast() time.Duration { return max(pollFast, min(10*p.rtt, time.Second)) }
func (p *pace) slow() time.Duration { return min(max(50*p.rtt, time.Second), 5*time.Second) }

// next is the pause after a poll.
func (p *pace) next(news bool, err error) time.Duration {
	switch {
	case err != nil:
		p.fails++
		p.wait = min(time.Second<<min(p.fails-1, 4), 10*time.Second)
		return p.wait/2 + rand.N(p.wait/2+1)
	case news:
		p.wait = p.fast()
	default:
		p.wait = min(max(p.wait*13/10, p.fast()), p.slow())
	}
	p.fails = 0
	return p.wait
}

// slowDown says in words that the account limits how often it is asked.
func slowDown(err error, wait time.Duration) error {
	if awserror.KindOf(err) != awserror.Throttled {
		return err
	}
	return fmt.Errorf("the account limits how often it is asked; asked again in %s, nothing is lost: %w", max(wait.Round(time.Second), time.Second), err)
}

// settle is how long an ended job's log is still asked for: as long as lines
// may be on their way.
func (p *pace) settle() time.Duration {
	return min(max(300*p.rtt, 50*time.Millisecond), 30*time.Second)
}

func (w *Watch) run(ctx context.Context) {
	var p pace
	t := tail{newest: w.store().Newest()}
	var endedAt time.Time
	quiet := 0
	for {
		began := time.Now()
		changed, err := w.poll(ctx)
		p.rtt = time.Since(began)
		if ctx.Err() != nil {
			return
		}
		var gone *NotFoundError
		if errors.As(err, &gone) {
			w.setErr(err)
			return
		}
		job := w.Job()
		if !t.checked && !job.Created.IsZero() {
			if err := w.forget(ctx, job.Created); err != nil {
				w.setErr(err)
				return
			}
			t.checked, t.newest = true, w.store().Newest()
		}
		news := 0
		logErr := error(nil)
		if !job.Created.IsZero() {
			if news, logErr = w.read(ctx, &t, job); logErr == nil {
				w.catchUp()
			}
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = logErr
		}
		wait := p.next(changed || news > 0, err)
		w.setErr(slowDown(err, wait))
		if changed || news > 0 {
			w.notify()
		}
		if job.Done() && err == nil {
			if endedAt.IsZero() {
				endedAt = time.Now()
			}
			if quiet++; news > 0 {
				quiet = 0
			}
			if quiet >= quietPolls && time.Since(endedAt) >= p.settle() {
				w.remember(ctx, &t)
				return
			}
			wait = max(p.settle()/quietPolls, 10*time.Millisecond)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// poll describes the job.
func (w *Watch) poll(ctx context.Context) (changed bool, err error) {
	job, err := w.s.Job(ctx, w.name)
	if err != nil {
		return false, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	changed = job.Status != w.job.Status || job.SecondaryStatus != w.job.SecondaryStatus || len(job.Phases) != len(w.job.Phases)
	w.job = job
	return changed, nil
}

// tail is how far a log has been read.
type tail struct {
	newest int64     // time of the newest event, Unix milliseconds
	long   time.Time // when longOverlap was last asked for
	// checked says that what was kept is of this job.
	checked bool
	deep    bool // deepOverlap was asked for after the job's end
}

// read takes what is new in the log and returns how many lines that was.
func (w *Watch) read(ctx context.Context, t *tail, job Job) (news int, err error) {
	overlap := shortOverlap
	if now := time.Now(); now.Sub(t.long) > longEvery {
		overlap, t.long = longOverlap, now
	}
	if job.Done() && !t.deep {
		overlap, t.deep = deepOverlap, true
	}
	from := job.Created.Add(-longOverlap).UnixMilli()
	if t.newest > 0 {
		from = max(from, t.newest-overlap.Milliseconds())
	}
	err = w.s.events(ctx, w.name, from, maxPages, func(page []types.FilteredLogEvent) error {
		n, err := w.take(t, page)
		if news += n; n > 0 {
			w.notify()
		}
		return err
	})
	return news, err
}

// take adds the events that have not been seen; the log knows those that have.
func (w *Watch) take(t *tail, events []types.FilteredLogEvent) (news int, err error) {
	entries := make([]logstore.Entry, 0, len(events))
	for _, e := range events {
		stream := strings.TrimPrefix(aws.ToString(e.LogStreamName), w.name+"/")
		entries = append(entries, logstore.Entry{ID: aws.ToString(e.EventId), Time: aws.ToInt64(e.Timestamp),
			Stream: safetext.Line(stream), Text: safetext.Log(aws.ToString(e.Message))})
		t.newest = max(t.newest, aws.ToInt64(e.Timestamp))
	}
	log := w.store()
	added, err := log.Append(entries)
	if len(added) > 0 {
		w.mu.Lock()
		for i := range added {
			w.note(added[i].Text)
		}
		w.mu.Unlock()
	}
	return len(added), err
}

// remember notes how far the log was read. It is of no harm if it cannot.
func (w *Watch) remember(ctx context.Context, t *tail) {
	if t.newest > 0 {
		if err := w.s.c.Store.SetLogPosition(ctx, w.s.c.AccountName, w.s.c.Region, w.name, time.UnixMilli(t.newest), w.s.c.Now()); err != nil {
			w.setErr(err)
		}
	}
}
