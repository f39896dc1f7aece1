package dataset

import (
	"context"
	"runtime"
	"sync"
)

// sweep goes over the rows from first on in pieces, several at a time. work
// handles the rows lo to hi (not including hi); take is given the results in the
// order of the rows, one after another, and may end the sweep with an error, which
// sweep returns. Both may run on any goroutine.
func sweep[T any](ctx context.Context, r rows, first int64, work func(ctx context.Context, lo, hi int64) (T, error), take func(lo, hi int64, result T) error) error {
	return sweepBy(ctx, r.chunk, first, work, take)
}

// sweepBy is sweep over anything that can be cut in pieces: cut returns the end
// of the one that begins with lo, and lo itself behind the last.
//
// The workers hand nothing to each other: each cuts its next piece, and takes what
// is next in order when it has finished one. A piece can be as small as a hundred
// microseconds of work, less than waking a goroutine on another processor costs a
// few times over.
func sweepBy[T any](ctx context.Context, cut func(ctx context.Context, lo int64) (hi int64, err error), first int64, work func(ctx context.Context, lo, hi int64) (T, error), take func(lo, hi int64, result T) error) error {
	workers := runtime.GOMAXPROCS(0)
	s := sweeper[T]{cut: cut, work: work, take: take, next: first, most: 4 * workers, cutting: make(chan struct{}, 1)}
	s.room.L = &s.mu
	ctx, s.cancel = context.WithCancel(ctx)
	defer s.cancel()
	var wg sync.WaitGroup
	for range workers - 1 {
		wg.Go(func() { s.run(ctx) })
	}
	s.run(ctx)
	wg.Wait()
	if s.stop != nil {
		return s.stop
	}
	return s.failed
}

// sweeper is what the workers of a sweep share.
type sweeper[T any] struct {
	cut    func(ctx context.Context, lo int64) (hi int64, err error)
	work   func(ctx context.Context, lo, hi int64) (T, error)
	take   func(lo, hi int64, result T) error
	most   int // pieces that are held
	cancel context.CancelFunc

	cutting chan struct{} // full while a piece is cut, which may take long
	next    int64         // where it begins
	ended   bool          // there is none
	failed  error         // why it could not be cut

	mu     sync.Mutex
	room   sync.Cond
	queue  []*sweepPiece[T] // those that were not taken, in order
	taking bool             // somebody takes them
	stop   error            // the first error, in order
}

type sweepPiece[T any] struct {
	lo, hi int64
	result T
	err    error
	done   bool
}

// run is one worker.
func (s *sweeper[T]) run(ctx context.Context) {
	for p := s.piece(ctx); p != nil; p = s.piece(ctx) {
		p.result, p.err = s.work(ctx, p.lo, p.hi)
		s.finish(p)
	}
}

// piece cuts the next piece, as soon as there is room for it; nil when the sweep
// is at its end.
func (s *sweeper[T]) piece(ctx context.Context) *sweepPiece[T] {
	s.cutting <- struct{}{}
	defer func() { <-s.cutting }()
	if s.ended {
		return nil
	}
	s.mu.Lock()
	for len(s.queue) >= s.most && s.stop == nil {
		s.room.Wait()
	}
	stopped := s.stop != nil
	s.mu.Unlock()
	if stopped {
		s.ended = true
		return nil
	}
	err := ctx.Err()
	hi := s.next
	if err == nil {
		hi, err = s.cut(ctx, s.next)
	}
	if err != nil || hi <= s.next {
		s.ended, s.failed = true, err
		return nil
	}
	p := &sweepPiece[T]{lo: s.next, hi: hi}
	s.next = hi
	s.mu.Lock()
	s.queue = append(s.queue, p)
	s.mu.Unlock()
	return p
}

// finish notes that p is worked on, and takes what is next unless somebody does.
func (s *sweeper[T]) finish(p *sweepPiece[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.done = true
	if s.taking {
		return
	}
	s.taking = true
	for s.stop == nil && len(s.queue) > 0 && s.queue[0].done {
		p := s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		s.mu.Unlock()
		err := p.err
		if err == nil {
			err = s.take(p.lo, p.hi, p.result)
		}
		if err != nil {
			s.cancel()
		}
		s.mu.Lock()
		s.stop = err
		s.room.Signal()
	}
	s.taking = false
}

// scanRange calls f with the rows lo to hi, not including hi.
func scanRange(ctx context.Context, r rows, lo, hi int64, f func(r *record)) error {
	if lo >= hi {
		return nil
	}
	return r.scan(ctx, lo, func(r *record) bool {
		f(r)
		return r.index+1 < hi
	})
}
