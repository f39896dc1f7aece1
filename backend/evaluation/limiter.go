package evaluation

import (
	"context"
	"sync"
	"time"
)

// limiter bounds the requests to one model that are made at once. It finds the
// service's limit: the bound is halved when the service throttles, and grows by
// one after as many answers in a row as it is large.
type limiter struct {
	tokens chan struct{}
	now    func() time.Time

	mu      sync.Mutex
	limit   int // the bound
	total   int // tokens that exist, in the channel or taken
	streak  int
	lastCut time.Time
}

// calm is how long after a cut further throttling counts as the same: it is
// about requests that were sent before the cut.
const calm = 250 * time.Millisecond

func newLimiter(start, most int, now func() time.Time) *limiter {
	start = min(start, most)
	l := &limiter{tokens: make(chan struct{}, most), limit: start, total: start, now: now}
	for range start {
		l.tokens <- struct{}{}
	}
	return l
}

func (l *limiter) acquire(ctx context.Context) error {
	select {
	case <-l.tokens:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *limiter) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total > l.limit {
		l.total--
		return
	}
	l.tokens <- struct{}{}
}

func (l *limiter) succeeded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streak++; l.streak < l.limit || l.limit == cap(l.tokens) {
		return
	}
	l.streak = 0
	l.limit++
	if l.total < l.limit {
		l.total++
		l.tokens <- struct{}{}
	}
}

func (l *limiter) throttled() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streak = 0
	if now := l.now(); now.Sub(l.lastCut) >= calm {
		l.lastCut = now
		l.limit = max(1, l.limit/2)
	}
}

// bound is the number of requests that may be made at once now.
func (l *limiter) bound() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit
}
