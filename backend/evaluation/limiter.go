package evaluation

import (
	"context"
	"sync"
	"time"
)

// limiter bounds the requests to one model that are made at once. It finds the
// service's limit and stays just above it, so that one or two requests wait for
// their turn there and nothing of what the service allows is left unused.
//
// Until the service throttles for the first time the bound doubles. From then on
// it is adjusted in rounds, each as many answers long as the bound is large, by
// the number of requests that were waiting after having been throttled, on the
// average over the round's time: fewer than waitingLow raise the bound by one
// (none at all by a quarter), what is above waitingHigh is taken off it.
type limiter struct {
	tokens chan struct{}

	mu      sync.Mutex
	limit   float64 // the bound, at least 1
	total   int     // tokens that exist, in the channel or taken
	limited bool    // the service has throttled

	answers int           // in all
	last    time.Time     // when the last came
	gap     time.Duration // between two of them, on the average

	waiters int       // requests that wait now
	waited  float64   // their number × seconds in this round, up to since
	since   time.Time //
	began   time.Time // the round
	ended   int       // requests of the round
}

const (
	waitingLow  = 0.7
	waitingHigh = 1.5
	// waitLeast and waitMost bound how long a request waits that was throttled.
	waitLeast = 50 * time.Millisecond
	waitMost  = 5 * time.Second
)

func newLimiter(start, most int) *limiter {
	start = min(start, most)
	l := &limiter{tokens: make(chan struct{}, most), limit: float64(start), total: start}
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
	if l.total > int(l.limit) {
		l.total--
		return
	}
	l.tokens <- struct{}{}
}

// pass brings the time that requests have waited up to now.
func (l *limiter) pass(now time.Time) {
	l.waited += float64(l.waiters) * now.Sub(l.since).Seconds()
	l.since = now
}

// round begins one.
func (l *limiter) round(now time.Time) {
	l.ended, l.waited, l.began, l.since = 0, 0, now, now
}

// throttled counts a request that was refused; it waits until it calls retried.
// The result is how long it should: after the n-th refusal in a row that no
// answer to another request has interrupted, about as long as answers are apart,
// and twice as long each time.
func (l *limiter) throttled(now time.Time, n int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass(now)
	l.waiters++
	if !l.limited {
		l.limited = true
		l.limit = max(1, float64(l.total-len(l.tokens)-l.waiters)+waitingHigh)
		l.round(now)
	}
	return backoff(max(waitLeast, min(l.gap*3/2, waitMost)), n, waitMost)
}

func (l *limiter) retried(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass(now)
	l.waiters--
}

// seen is how many requests have been answered.
func (l *limiter) seen() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.answers
}

// succeeded counts a request that was answered.
func (l *limiter) succeeded(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.answers++; l.answers == 2 {
		l.gap = now.Sub(l.last)
	} else if l.answers > 2 {
		l.gap += (now.Sub(l.last) - l.gap) / 16
	}
	l.last = now
	if l.ended++; l.ended < int(l.limit) {
		return
	}
	l.pass(now)
	waiting := 0.0
	if s := now.Sub(l.began).Seconds(); s > 0 {
		waiting = l.waited / s
	}
	switch {
	case !l.limited:
		l.limit *= 2
	case waiting == 0: // far from it
		l.limit += max(1, l.limit/4)
	case waiting < waitingLow:
		l.limit++
	case waiting > waitingHigh:
		l.limit -= min(waiting-waitingHigh, l.limit/2)
	}
	l.limit = max(1, min(l.limit, float64(cap(l.tokens))))
	l.round(now)
	for l.total < int(l.limit) {
		l.total++
		l.tokens <- struct{}{}
	}
}

// bound is the number of requests that may be made at once now.
func (l *limiter) bound() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.limit)
}
