package logstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sort"
	"sync"

	"tunebench/backend/dataset/match"
)

// pieceSize is how much text one worker searches at a time.
const pieceSize = 1 << 20

// Hits are the lines that hold what was searched for. They stream in: first from
// all that is in the store, then from what comes. Four bytes are kept for each.
type Hits struct {
	s       *Store
	p       *match.Pattern
	cancel  context.CancelFunc
	done    chan struct{}
	changed chan struct{}

	mu      sync.Mutex
	found   []uint32 // arrivals
	scanned int      // arrivals that were looked at
	err     error
	// before counts the hits in the runs before each, as of a version and a
	// number of hits.
	before  []int
	runs    []run
	version int
	counted int
	lines   int
}

// Search starts a search, which ends with ctx or Close.
func (s *Store) Search(ctx context.Context, p *match.Pattern) *Hits {
	ctx, cancel := context.WithCancel(ctx)
	h := &Hits{s: s, p: p, cancel: cancel, done: make(chan struct{}), changed: make(chan struct{}, 1), version: -1}
	go func() {
		defer close(h.done)
		defer cancel()
		err := h.run(ctx)
		h.mu.Lock()
		if ctx.Err() == nil {
			h.err = err
		}
		h.mu.Unlock()
		h.signal()
	}()
	return h
}

// Close ends the search and waits for it. What was found stays.
func (h *Hits) Close() {
	h.cancel()
	<-h.done
}

// Changed is signalled when there are more hits or more was looked at; signals
// coalesce.
func (h *Hits) Changed() <-chan struct{} { return h.changed }

func (h *Hits) signal() {
	select {
	case h.changed <- struct{}{}:
	default:
	}
}

// Len is the number of hits so far.
func (h *Hits) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.found)
}

// Scanned is how many lines have been looked at.
func (h *Hits) Scanned() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.scanned
}

// Err says why the search ended early.
func (h *Hits) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// refresh brings the counts of hits by runs up to date. h.mu is held.
func (h *Hits) refresh() {
	h.s.mu.Lock()
	stale := h.version != h.s.order.version || h.counted != len(h.found) || h.lines != h.s.order.n
	if stale {
		h.version, h.counted, h.lines = h.s.order.version, len(h.found), h.s.order.n
		h.runs = append(h.runs[:0], h.s.order.runs...)
	}
	h.s.mu.Unlock()
	if !stale {
		return
	}
	h.before = h.before[:0]
	total := 0
	for _, r := range h.runs {
		h.before = append(h.before, total)
		total += h.upTo(r.first+r.n) - h.upTo(r.first)
	}
}

// upTo counts the hits whose arrival is before a.
func (h *Hits) upTo(a uint32) int {
	return sort.Search(len(h.found), func(i int) bool { return h.found[i] >= a })
}

// Before counts the hits that stand before a place.
func (h *Hits) Before(place int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refresh()
	i := sort.Search(len(h.runs), func(i int) bool { return int(h.runs[i].before) >= place }) - 1
	if i < 0 {
		return 0
	}
	r := h.runs[i]
	n := min(uint32(place)-r.before, r.n)
	return h.before[i] + h.upTo(r.first+n) - h.upTo(r.first)
}

// Place is where the k-th hit stands, in the order of the lines' times; -1 when
// there is none.
func (h *Hits) Place(k int) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refresh()
	if k < 0 || k >= len(h.found) {
		return -1
	}
	i := sort.Search(len(h.before), func(i int) bool { return h.before[i] > k }) - 1
	r := h.runs[i]
	return int(r.before) + int(h.found[h.upTo(r.first)+k-h.before[i]]-r.first)
}

// Lines returns up to n hits from the k-th on, in the order of their times.
func (h *Hits) Lines(k, n int) ([]Line, error) {
	var out []Line
	for i := max(k, 0); i < k+n; i++ {
		place := h.Place(i)
		if place < 0 {
			break
		}
		l, err := h.s.Lines(place, 1)
		if err != nil {
			return out, err
		}
		out = append(out, l...)
	}
	return out, nil
}

// piece is a stretch of records that one worker searches.
type piece struct {
	from, to int64
	line     int
	found    []uint32
	lines    int
	err      error
}

func (h *Hits) run(ctx context.Context) error {
	workers := make([]*worker, runtime.GOMAXPROCS(0))
	for i := range workers {
		workers[i] = newWorker(h.p)
	}
	var at int64
	for {
		todo, grown, closed := h.s.pieces(at, h.Scanned(), len(workers))
		if len(todo) == 0 {
			if closed {
				return nil
			}
			select {
			case <-grown:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		var wg sync.WaitGroup
		for i := range todo {
			wg.Go(func() { workers[i].search(h.s, &todo[i]) })
		}
		wg.Wait()
		for _, p := range todo {
			if p.err != nil {
				return p.err
			}
			at = p.to
			h.mu.Lock()
			h.found = append(h.found, p.found...)
			h.scanned = p.line + p.lines
			h.mu.Unlock()
		}
		h.signal()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// pieces cuts what lies behind at, which is the beginning of a line, into up to
// n pieces; the line numbers of all but the first come from the index.
func (s *Store) pieces(at int64, line, n int) (todo []piece, grown chan struct{}, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(todo) < n && at < s.size {
		i := sort.Search(len(s.chunks), func(i int) bool { return s.chunks[i].off >= at+pieceSize })
		p := piece{from: at, to: s.size, line: line}
		if i < len(s.chunks) {
			p.to, line = s.chunks[i].off, int(s.chunks[i].line)
		}
		at = p.to
		todo = append(todo, p)
	}
	return todo, s.grown, s.closed
}

type worker struct {
	m      *match.Matcher
	finder *match.Finder
	buf    []byte
}

func newWorker(p *match.Pattern) *worker {
	w := &worker{m: p.Matcher()}
	if lits, fold := p.Literals(); lits != nil {
		w.finder = match.NewFinder(lits, fold)
	}
	return w
}

func (w *worker) search(s *Store, p *piece) {
	n := int(p.to - p.from)
	if cap(w.buf) < n {
		w.buf = make([]byte, n)
	}
	b := w.buf[:n]
	if _, err := s.f.ReadAt(b, p.from); err != nil && !errors.Is(err, io.EOF) {
		p.err = fmt.Errorf("search the kept log %s: %w", s.path, err)
		return
	}
	p.lines = bytes.Count(b, newline)
	if w.finder == nil {
		for line, at := p.line, 0; at < n; line++ {
			end := at + bytes.IndexByte(b[at:], '\n')
			if end < at {
				break
			}
			if w.m.Match(textOf(b[at:end])) {
				p.found = append(p.found, uint32(line))
			}
			at = end + 1
		}
		return
	}
	// Only lines that hold a literal are looked at closely.
	w.finder.Reset(b)
	line, counted := p.line, 0
	for at := w.finder.Next(0); at >= 0; {
		start := bytes.LastIndexByte(b[:at], '\n') + 1
		line += bytes.Count(b[counted:start], newline)
		counted = start
		end := n
		if i := bytes.IndexByte(b[at:], '\n'); i >= 0 {
			end = at + i
		}
		if w.m.Match(textOf(b[start:end])) {
			p.found = append(p.found, uint32(line))
		}
		at = w.finder.Next(end)
	}
}
