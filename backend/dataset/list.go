package dataset

import (
	"context"
	"slices"
	"sort"
	"sync"
)

// List is a list of rows that grows while it is being found, in ascending
// order. Four bytes are kept for each row, none of its text. Its methods are
// safe for concurrent use.
type List struct {
	d       *Dataset
	changed chan struct{}
	stop    context.CancelFunc
	ended   chan struct{}

	mu      sync.Mutex
	rows    []uint32
	scanned int64
	done    bool
	err     error
}

// start runs find behind a new list.
func (d *Dataset) start(ctx context.Context, find func(ctx context.Context, l *List) error) *List {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(d.run, cancel)
	l := &List{d: d, changed: make(chan struct{}, 1), stop: cancel, ended: make(chan struct{})}
	d.work.Go(func() {
		defer close(l.ended)
		defer cancel()
		defer stop()
		err := find(ctx, l)
		l.mu.Lock()
		l.done, l.err = true, err
		l.mu.Unlock()
		l.notify()
	})
	return l
}

// add appends rows that were found before row scanned.
func (l *List) add(rows []uint32, scanned int64) {
	l.mu.Lock()
	l.rows = append(l.rows, rows...)
	l.scanned = scanned
	l.mu.Unlock()
	l.notify()
}

func (l *List) notify() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// Changed is signalled when the list has grown or is done; signals coalesce.
func (l *List) Changed() <-chan struct{} { return l.changed }

// Len is the number of rows found so far.
func (l *List) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.rows)
}

// Scanned is how many rows of the dataset were looked at, and whether the search
// is over; err says why it ended early.
func (l *List) Scanned() (rows int64, done bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.scanned, l.done, l.err
}

// At is the dataset's number of the list's i-th row; false when there is none
// yet.
func (l *List) At(i int) (int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i < 0 || i >= len(l.rows) {
		return 0, false
	}
	return int64(l.rows[i]), true
}

// Next returns the first row of the list at or after from, Prev the last one
// before from; false when there is none yet.
func (l *List) Next(from int64) (int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.search(from)
	if i == len(l.rows) {
		return 0, false
	}
	return int64(l.rows[i]), true
}

// Prev is described at Next.
func (l *List) Prev(from int64) (int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.search(from)
	if i == 0 {
		return 0, false
	}
	return int64(l.rows[i-1]), true
}

// Has says whether row is in the list.
func (l *List) Has(row int64) bool {
	got, ok := l.Next(row)
	return ok && got == row
}

func (l *List) search(from int64) int {
	return sort.Search(len(l.rows), func(i int) bool { return int64(l.rows[i]) >= from })
}

// Rows returns the list's rows first to first+n as far as they are found,
// cleaned for display.
func (l *List) Rows(ctx context.Context, first, n int) ([]Row, error) {
	l.mu.Lock()
	lo := min(max(first, 0), len(l.rows))
	want := slices.Clone(l.rows[lo:min(lo+max(n, 0), len(l.rows))])
	l.mu.Unlock()
	out := make([]Row, 0, len(want))
	for len(want) > 0 {
		// Rows close to each other are read in one go.
		k := 0
		err := l.d.rows.scan(ctx, int64(want[0]), func(r *record) bool {
			if r.index == int64(want[k]) {
				out = append(out, l.d.mapping.row(r))
				k++
			}
			return k < len(want) && int64(want[k])-r.index <= 50
		})
		if err != nil {
			return out, err
		}
		if k == 0 {
			break // the file is shorter now
		}
		want = want[k:]
	}
	return out, nil
}

// Wait waits until the search is over, or ctx is.
func (l *List) Wait(ctx context.Context) error {
	select {
	case <-l.ended:
		_, _, err := l.Scanned()
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the search. What was found stays readable while the dataset is
// open.
func (l *List) Close() {
	l.stop()
	<-l.ended
}
