package dataset

import (
	"context"
	"runtime"
	"sync"
)

// sweep goes over the rows from first on in pieces, several at a time. work
// handles the rows lo to hi (not including hi) and may run on any goroutine;
// take is given the results in the order of the rows and may end the sweep with
// an error, which sweep returns.
func sweep[T any](ctx context.Context, r rows, first int64, work func(ctx context.Context, lo, hi int64) (T, error), take func(lo, hi int64, result T) error) error {
	return sweepBy(ctx, r.chunk, first, work, take)
}

// sweepBy is sweep over anything that can be cut in pieces: cut returns the end
// of the one that begins with lo, and lo itself behind the last.
func sweepBy[T any](ctx context.Context, cut func(ctx context.Context, lo int64) (hi int64, err error), first int64, work func(ctx context.Context, lo, hi int64) (T, error), take func(lo, hi int64, result T) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type piece struct {
		lo, hi int64
		result T
		err    error
		done   chan struct{}
	}
	workers := runtime.GOMAXPROCS(0)
	todo := make(chan *piece)
	order := make(chan *piece, 4*workers) // bounds what is held
	var failed error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(todo)
		defer close(order)
		for lo := first; ; {
			hi, err := cut(ctx, lo)
			if err != nil || hi <= lo {
				failed = err
				return
			}
			p := &piece{lo: lo, hi: hi, done: make(chan struct{})}
			select {
			case order <- p:
			case <-ctx.Done():
				failed = ctx.Err()
				return
			}
			select {
			case todo <- p:
			case <-ctx.Done():
				p.err = ctx.Err()
				close(p.done)
				failed = ctx.Err()
				return
			}
			lo = hi
		}
	})
	for range workers {
		wg.Go(func() {
			for p := range todo {
				p.result, p.err = work(ctx, p.lo, p.hi)
				close(p.done)
			}
		})
	}
	var stop error
	for p := range order {
		<-p.done
		if stop == nil {
			if stop = p.err; stop == nil {
				stop = take(p.lo, p.hi, p.result)
			}
			if stop != nil {
				cancel()
			}
		}
	}
	wg.Wait()
	if stop != nil {
		return stop
	}
	return failed
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
