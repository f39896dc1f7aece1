package uitest

import (
	"sync"

	"tunebench/backend/evaluation"
)

// Live is an evaluation that goes on when a test says so.
type Live struct {
	mu      sync.Mutex
	run     evaluation.Run
	changed chan struct{}
	done    chan struct{}
}

// NewLive returns an evaluation that has just begun.
func NewLive(r evaluation.Run) *Live {
	r.Status, r.Done = "running", 0
	return &Live{run: r, changed: make(chan struct{}, 1), done: make(chan struct{})}
}

// Advance says that n records more are done, out of the run's total.
func (l *Live) Advance(n int) {
	l.mu.Lock()
	l.run.Done = min(l.run.Done+n, l.run.Total)
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// Run returns the run as it stands.
func (l *Live) Run() evaluation.Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.run
}

// Changed is signalled by Advance.
func (l *Live) Changed() <-chan struct{} { return l.changed }

// End says that the run has finished.
func (l *Live) End() {
	l.mu.Lock()
	l.run.Status, l.run.Done = "finished", l.run.Total
	l.mu.Unlock()
	close(l.done)
	l.Advance(0)
}

// Done is closed by End.
func (l *Live) Done() <-chan struct{} { return l.done }

// Stop does nothing.
func (l *Live) Stop() {}
