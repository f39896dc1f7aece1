package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"

	"tunebench/backend/safetext"
)

const (
	// blockSize is the distance between two entries of the index.
	blockSize = 64 << 10
	// readSize is how much is read at a time.
	readSize = 4 * blockSize
)

// block is what the index keeps for at most blockSize bytes of text.
type block struct {
	off  int64 // of its first byte
	rows int64 // records that end before it
	st   state // state at its first byte
}

// text is a file of records that follow each other. Its index says how many
// records end before each block, so row n is found by a search and a scan of
// one block.
type text struct {
	src   *source
	split splitter
	start int64  // of the first record
	st    state  // at start
	what  string // how people call a record of this format: "line" or "row"
	// parser makes a parser of records; what a parser returns is good until its
	// next call.
	parser func() func(rec []byte) ([]field, error)
	scans  sync.Pool // of *scanning
	want   func()    // asks for the index, when it is not being built yet

	mu     sync.Mutex
	end    int64 // behind the last record
	final  bool  // nothing will come behind end
	blocks []block
	rows   int64         // records that end in what is indexed
	at     int64         // up to where it is indexed
	atSt   state         // state there
	open   bool          // bytes follow the last end of a record
	tail   bool          // bytes behind the last end of a record were counted as a record
	failed error         // why indexing ended early
	ended  bool          // everything is indexed
	grown  chan struct{} // closed and replaced when the index grows
}

// newText prepares the index.
func newText(src *source, split splitter, start int64, st state) (*text, error) {
	t := &text{src: src, split: split, start: start, end: start, st: st, at: start, atSt: st, what: "line", want: func() {}, grown: make(chan struct{})}
	return t, t.resize()
}

// resize takes over how much there is to read now. Blank lines at the end are
// no records.
func (t *text) resize() error {
	size, final, _, _ := t.src.extent()
	t.mu.Lock()
	at := t.at
	t.mu.Unlock()
	blank := " \t\r\n"
	if _, ok := t.split.(delimited); ok {
		blank = "\r\n" // a tab or a space may be a field
	}
	end := max(size, at)
	buf := make([]byte, 4096)
	for end > at {
		b := buf[:min(int64(len(buf)), end-at)]
		if _, err := t.src.ReadAt(b, end-int64(len(b))); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read %s: %w", safetext.Line(t.src.path), err)
		}
		kept := bytes.TrimRight(b, blank)
		end -= int64(len(b) - len(kept))
		if len(kept) > 0 {
			break
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tail && end > at { // what stood at the end goes on
		t.tail = false
		t.rows--
	}
	t.end, t.final = end, final
	t.ended = false
	t.finish()
	return nil
}

// finish ends the index when everything there is has been read; t.mu is held.
func (t *text) finish() {
	if !t.final || t.at < t.end || t.ended {
		return
	}
	t.ended = true
	if t.open && t.split.rest(t.atSt) && !t.tail {
		t.tail = true
		t.rows++
	}
	close(t.grown)
	t.grown = make(chan struct{})
}

// extend indexes the next len(buf) bytes. Only one goroutine at a time does
// this: Open for the first bytes, then the indexer.
func (t *text) extend(buf []byte) (more bool, err error) {
	t.mu.Lock()
	at, st, rows, end, open := t.at, t.atSt, t.rows, t.end, t.open
	t.mu.Unlock()
	if at >= end {
		return false, nil
	}
	buf = buf[:min(int64(len(buf)), end-at)]
	n, err := t.src.ReadAt(buf, at)
	if err != nil && (!errors.Is(err, io.EOF) || n == 0) {
		return false, fmt.Errorf("read %s at byte %d: %w", safetext.Line(t.src.path), at, err)
	}
	buf = buf[:n]
	blocks := make([]block, 0, len(buf)/blockSize+1)
	for off := 0; off < len(buf); off += blockSize {
		blocks = append(blocks, block{at + int64(off), rows, st})
		b := buf[off:min(off+blockSize, len(buf))]
		ends, last, after := t.split.count(b, st)
		rows, st = rows+int64(ends), after
		open = last != len(b)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at != at { // a search was faster
		return t.at < t.end, nil
	}
	t.blocks = append(t.blocks, blocks...)
	t.at = at + int64(len(buf))
	t.rows, t.atSt, t.open = rows, st, open
	t.finish()
	close(t.grown)
	t.grown = make(chan struct{})
	return t.at < t.end, nil
}

// index reads to the end, and on when more is unpacked meanwhile. Its error is
// given to whoever waits for rows further on.
func (t *text) index(ctx context.Context, changed func()) error {
	err := t.indexAll(ctx, changed)
	if err != nil {
		t.mu.Lock()
		t.failed = err
		close(t.grown)
		t.grown = make(chan struct{})
		t.mu.Unlock()
	}
	return err
}

func (t *text) indexAll(ctx context.Context, changed func()) error {
	buf := make([]byte, readSize)
	for {
		if err := t.indexPieces(ctx, changed); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := t.extend(buf)
		if err != nil {
			return err
		}
		changed()
		if more {
			continue
		}
		_, final, moved, failed := t.src.extent()
		if err := t.resize(); err != nil {
			return err
		}
		t.mu.Lock()
		idle := t.at >= t.end
		t.mu.Unlock()
		switch {
		case !idle:
		case final:
			return failed
		default:
			select {
			case <-moved:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

func (t *text) status() (rows int64, exact bool, indexed float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return t.rows, true, 1
	}
	if size := t.end - t.start; size > 0 {
		indexed = float64(t.at-t.start) / float64(size) * t.src.progress()
	}
	if indexed > 0 {
		rows = int64(float64(t.rows) / indexed)
	}
	return max(rows, 1), false, indexed
}

// wait returns with t.mu held when ready says so, or when all is indexed.
func (t *text) wait(ctx context.Context, ready func() bool) error {
	for {
		t.mu.Lock()
		if ready() || t.ended {
			return nil
		}
		if err := t.failed; err != nil {
			t.mu.Unlock()
			return err
		}
		grown := t.grown
		t.mu.Unlock()
		t.want()
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// chunkBlocks is how many blocks make a piece of work for a parallel pass.
const chunkBlocks = 16

// chunk returns the end of the piece of work that begins with row from; from
// itself at the end of the file.
func (t *text) chunk(ctx context.Context, from int64) (int64, error) {
	var end int64
	err := t.wait(ctx, func() bool {
		i := sort.Search(len(t.blocks), func(i int) bool { return t.blocks[i].rows > from })
		for i += chunkBlocks; i < len(t.blocks); i++ {
			if t.blocks[i].rows > from {
				end = t.blocks[i].rows
				return true
			}
		}
		return false
	})
	if err != nil {
		return from, err
	}
	defer t.mu.Unlock()
	if end == 0 {
		end = max(t.rows, from)
	}
	return end, nil
}

// locate waits until row is indexed and returns a cursor before it, which reads
// into buf as long as that is large enough. A row past the end gives a cursor at
// the end.
func (t *text) locate(ctx context.Context, row int64, buf []byte) (*cursor, error) {
	if err := t.wait(ctx, func() bool { return row == 0 && len(t.blocks) > 0 || t.rows > row }); err != nil {
		return nil, err
	}
	// Row n begins where the n-th record ends: in the last block before which
	// fewer than n records end.
	i := max(sort.Search(len(t.blocks), func(i int) bool { return t.blocks[i].rows >= row })-1, 0)
	c := &cursor{t: t, off: t.start, st: t.st, end: t.end, buf: buf}
	skip := row
	if i < len(t.blocks) {
		c.off, c.st, c.row = t.blocks[i].off, t.blocks[i].st, t.blocks[i].rows
		skip = row - c.row
	}
	t.mu.Unlock()
	for range skip {
		if _, _, err := c.next(ctx); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, err
		}
	}
	return c, nil
}
