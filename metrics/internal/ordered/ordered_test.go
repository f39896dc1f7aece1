package ordered

import (
	"context"
	"errors"
	"testing"
)

func numbers(n int, end error) func(func(int, error) bool) {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if end != nil {
			yield(0, end)
		}
	}
}

func square() (func(int) int, error) { return func(i int) int { return i * i }, nil }

func TestMap(t *testing.T) {
	for _, workers := range []int{0, 1, 3, 16} {
		i := 0
		for v, err := range Map(context.Background(), workers, numbers(1000, nil), square) {
			if err != nil || v != i*i {
				t.Fatal(v, err)
			}
			i++
		}
		if i != 1000 {
			t.Fatal(i)
		}
	}
}

func TestMapEnds(t *testing.T) {
	bad := errors.New("bad")
	n := 0
	var last error
	for _, err := range Map(context.Background(), 2, numbers(100, bad), square) {
		if last = err; err == nil {
			n++
		}
	}
	if n != 100 || !errors.Is(last, bad) {
		t.Errorf("%d values, then %v", n, last)
	}
	for range Map(context.Background(), 2, numbers(1<<40, nil), square) {
		break // ends all goroutines, or the test does not end
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, err := range Map(ctx, 2, numbers(1<<40, nil), square) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Error(last)
	}
	for _, err := range Map(context.Background(), 2, numbers(5, nil), func() (func(int) int, error) { return nil, bad }) {
		last = err
	}
	if !errors.Is(last, bad) {
		t.Error(last)
	}
}
