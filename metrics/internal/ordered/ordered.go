// Package ordered runs a function over a sequence on several cores and keeps the
// order. It knows nothing of metrics.
package ordered

import (
	"context"
	"iter"
	"sync"
)

// Map yields f(v) for each v of in, in the same order, with as many workers at
// work; start makes each worker's f. Only a few items per worker are held at a
// time. An error of in or of start ends the sequence, as does the context; when
// the consumer stops, all goroutines end before Map returns (one that waits in
// the source only once the source returns).
func Map[I, O any](ctx context.Context, workers int, in iter.Seq2[I, error], start func() (func(I) O, error)) iter.Seq2[O, error] {
	type job struct {
		in  I
		out chan O
		err error
	}
	return func(yield func(O, error) bool) {
		var none O
		fs := make([]func(I) O, max(workers, 1))
		for i := range fs {
			var err error
			if fs[i], err = start(); err != nil {
				yield(none, err)
				return
			}
		}
		ctx, cancel := context.WithCancel(ctx)
		var all sync.WaitGroup
		defer all.Wait()
		defer cancel()
		jobs, order := make(chan *job, len(fs)), make(chan *job, 2*len(fs))
		all.Go(func() {
			defer close(jobs)
			defer close(order)
			for v, err := range in {
				j := &job{v, make(chan O, 1), err}
				select {
				case order <- j:
				case <-ctx.Done():
					return
				}
				if err != nil {
					return
				}
				select {
				case jobs <- j:
				case <-ctx.Done():
					return
				}
			}
		})
		for _, f := range fs {
			all.Go(func() {
				for j := range jobs {
					j.out <- f(j.in)
				}
			})
		}
		for j := range order {
			if j.err != nil {
				yield(none, j.err)
				return
			}
			select {
			case o := <-j.out:
				if !yield(o, nil) {
					return
				}
			case <-ctx.Done():
				yield(none, ctx.Err())
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(none, err)
		}
	}
}
