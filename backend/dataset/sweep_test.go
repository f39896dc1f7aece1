package dataset

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pieces cuts the numbers up to n into pieces of size.
func pieces(n, size int64) func(context.Context, int64) (int64, error) {
	return func(_ context.Context, lo int64) (int64, error) { return max(lo, min(n, lo+size)), nil }
}

// TestSweep: whatever takes how long, results are taken in order, one after
// another, and no more of them are held than a few for each worker.
func TestSweep(t *testing.T) {
	for round := range int64(50) {
		var cut, taken atomic.Int64
		var taking atomic.Bool
		held := int64(4 * runtime.GOMAXPROCS(0))
		most := int64(0)
		next := int64(3)
		piece := pieces(2000, 7)
		err := sweepBy(t.Context(), func(ctx context.Context, lo int64) (int64, error) {
			hi, err := piece(ctx, lo)
			if hi > lo {
				cut.Add(1)
			}
			most = max(most, cut.Load()-taken.Load())
			return hi, err
		}, 3, func(_ context.Context, lo, hi int64) (sum int64, err error) {
			if (lo+round)%5 == 0 {
				time.Sleep(50 * time.Microsecond)
			}
			for i := lo; i < hi; i++ {
				sum += i
			}
			return sum, nil
		}, func(lo, hi, sum int64) error {
			if !taking.CompareAndSwap(false, true) {
				t.Error("two take at once")
			}
			defer taking.Store(false)
			if (lo+round)%11 == 0 {
				runtime.Gosched()
			}
			if lo != next || sum != (lo+hi-1)*(hi-lo)/2 {
				t.Errorf("%d to %d after %d: %d", lo, hi, next, sum)
			}
			next = hi
			taken.Add(1)
			return nil
		})
		if err != nil || next != 2000 {
			t.Fatalf("up to %d, %v", next, err)
		}
		// One is being taken and the next has just been cut.
		if most > held+2 {
			t.Errorf("%d pieces were held, of %d", most, held)
		}
	}
}

// TestSweepEnds: the first error in order ends a sweep, and nothing behind it is
// taken; so do a piece that cannot be cut, and the caller.
func TestSweepEnds(t *testing.T) {
	bad, worse := errors.New("bad"), errors.New("worse")
	ok := func(context.Context, int64, int64) (int, error) { return 0, nil }
	for name, c := range map[string]struct {
		cut  func(context.Context, int64) (int64, error)
		work func(context.Context, int64, int64) (int, error)
		take func(lo, hi int64, _ int) error
		want error
		upTo int64
	}{
		"work": {pieces(1000, 10), func(_ context.Context, lo, _ int64) (int, error) {
			switch {
			case lo == 300:
				time.Sleep(time.Millisecond) // the one behind it fails earlier
				return 0, bad
			case lo > 300:
				return 0, worse
			}
			return 0, nil
		}, nil, bad, 300},
		"take": {pieces(1000, 10), ok, func(lo, _ int64, _ int) error {
			if lo == 500 {
				return bad
			}
			return nil
		}, bad, 500},
		"cut": {func(_ context.Context, lo int64) (int64, error) {
			if lo == 700 {
				return 0, bad
			}
			return lo + 10, nil
		}, ok, nil, bad, 700},
		"nothing": {pieces(0, 10), ok, nil, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			upTo := int64(0)
			err := sweepBy(t.Context(), c.cut, 0, c.work, func(lo, hi int64, v int) error {
				if c.take != nil {
					if err := c.take(lo, hi, v); err != nil {
						return err
					}
				}
				upTo = hi
				return nil
			})
			if !errors.Is(err, c.want) || upTo != c.upTo {
				t.Errorf("%v, taken up to %d", err, upTo)
			}
		})
	}
	t.Run("the caller, while a piece is waited for", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			upTo := int64(0)
			err := sweepBy(ctx, func(ctx context.Context, lo int64) (int64, error) {
				if lo == 50 {
					<-ctx.Done()
					return lo, ctx.Err()
				}
				return lo + 10, nil
			}, 0, ok, func(_, hi int64, _ int) error { upTo = hi; return nil })
			if !errors.Is(err, context.Canceled) || upTo != 50 {
				t.Errorf("%v, taken up to %d", err, upTo)
			}
		})
	})
	t.Run("the caller", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		taken := 0
		err := sweepBy(ctx, pieces(1<<40, 1), 0, ok, func(int64, int64, int) error {
			if taken++; taken == 100 {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || taken < 100 {
			t.Errorf("%v, %d taken", err, taken)
		}
	})
}

func BenchmarkSweep(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := sweepBy(b.Context(), pieces(1000, 1), 0, func(context.Context, int64, int64) (int, error) { return 1, nil },
			func(_, _ int64, v int) error { n += v; return nil }); err != nil || n != 1000 {
			b.Fatal(fmt.Sprint(n, err))
		}
	}
}
