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
	// maxRecord bounds the memory that one row can take.
	maxRecord = 16 << 20
)

// block is what the index keeps for blockSize bytes of text.
type block struct {
	rows int64 // records that end before it
	st   state // state at its first byte
}

// text is a file of records that follow each other. Its index says how many
// records end before each block, so row n is found by a search and a scan of
// one block.
type text struct {
	src   *source
	split splitter
	start int64 // of the first record
	end   int64 // behind the last record
	st    state // at start
	parse func(rec []byte) ([]field, error)
	what  string // how people call a record of this format: "line" or "row"

	mu      sync.Mutex
	blocks  []block
	rows    int64 // records that end in what is indexed
	indexed int64 // bytes from start that are indexed
	at      state // state there
	ended   bool
	grown   chan struct{} // closed and replaced when the index grows
}

// newText prepares the index; blank lines at the end are no records.
func newText(src *source, split splitter, start int64, st state) (*text, error) {
	t := &text{src: src, split: split, start: start, st: st, at: st, what: "line", grown: make(chan struct{})}
	t.end = src.size
	blank := " \t\r\n"
	if _, ok := split.(delimited); ok {
		blank = "\r\n" // a tab or a space may be a field
	}
	buf := make([]byte, 4096)
	for t.end > start {
		b := buf[:min(int64(len(buf)), t.end-start)]
		if _, err := src.ReadAt(b, t.end-int64(len(b))); err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read %s: %w", safetext.Line(src.path), err)
		}
		kept := bytes.TrimRight(b, blank)
		t.end -= int64(len(b) - len(kept))
		if len(kept) > 0 {
			break
		}
	}
	t.ended = t.end == start
	return t, nil
}

// extend indexes the next len(buf) bytes. Only one goroutine at a time does
// this: Open for the first bytes, then the indexer.
func (t *text) extend(buf []byte) (more bool, err error) {
	t.mu.Lock()
	at, st, rows, ended := t.start+t.indexed, t.at, t.rows, t.ended
	t.mu.Unlock()
	if ended {
		return false, nil
	}
	buf = buf[:min(int64(len(buf)), t.end-at)]
	n, err := t.src.ReadAt(buf, at)
	if err != nil && (!errors.Is(err, io.EOF) || n == 0) {
		return false, fmt.Errorf("read %s at byte %d: %w", safetext.Line(t.src.path), at, err)
	}
	buf = buf[:n]
	var blocks []block
	lastEnd := -1
	for off := 0; off < len(buf); off += blockSize {
		blocks = append(blocks, block{rows, st})
		ends, last, after := t.split.count(buf[off:min(off+blockSize, len(buf))], st)
		rows, st = rows+int64(ends), after
		if last > 0 {
			lastEnd = off + last
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.blocks = append(t.blocks, blocks...)
	t.indexed += int64(len(buf))
	t.rows, t.at = rows, st
	if t.start+t.indexed >= t.end {
		t.ended = true
		if lastEnd != len(buf) && t.split.rest(st) {
			t.rows++
		}
	}
	close(t.grown)
	t.grown = make(chan struct{})
	return !t.ended, nil
}

func (t *text) index(ctx context.Context, changed func()) error {
	buf := make([]byte, readSize)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := t.extend(buf)
		if err != nil || !more {
			return err
		}
		changed()
	}
}

func (t *text) status() (rows int64, exact bool, indexed float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	size := t.end - t.start
	if t.ended || size == 0 {
		return t.rows, true, 1
	}
	indexed = float64(t.indexed) / float64(size)
	if t.indexed > 0 {
		rows = int64(float64(t.rows) / indexed)
	}
	return max(rows, 1), false, indexed
}

// locate waits until row is indexed and returns a cursor before it. A row past
// the end gives a cursor at the end.
func (t *text) locate(ctx context.Context, row int64) (*cursor, error) {
	for {
		t.mu.Lock()
		if t.ended || row == 0 || t.rows > row {
			break
		}
		grown := t.grown
		t.mu.Unlock()
		select {
		case <-grown:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	// Row n begins where the n-th record ends: in the last block before which
	// fewer than n records end.
	i := max(sort.Search(len(t.blocks), func(i int) bool { return t.blocks[i].rows >= row })-1, 0)
	c := &cursor{t: t, off: t.start + int64(i)*blockSize, st: t.st}
	skip := row
	if i < len(t.blocks) {
		c.st = t.blocks[i].st
		skip = row - t.blocks[i].rows
		c.row = t.blocks[i].rows
	}
	t.mu.Unlock()
	for range skip {
		if _, _, err := c.next(); err != nil {
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, err
		}
	}
	return c, nil
}

func (t *text) scan(ctx context.Context, first int64, f func(r *record) bool) error {
	c, err := t.locate(ctx, first)
	if err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		row := c.row
		raw, long, err := c.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		r := &record{index: row, raw: raw, parse: t.parse, what: t.what}
		if long {
			r.raw, r.err = nil, fmt.Sprintf("%s %d is longer than %d MiB", t.what, row+1, maxRecord>>20)
		}
		if !f(r) {
			return nil
		}
	}
}

// cursor reads records one after another.
type cursor struct {
	t      *text
	off    int64 // of the next byte to read from the file
	st     state
	row    int64 // index of the record that next returns
	buf    []byte
	lo, hi int
}

// next returns the next record, trimmed; it is good until the following call.
// long says that it was too long and was skipped.
func (c *cursor) next() (rec []byte, long bool, err error) {
	scanned := c.lo
	for {
		if scanned < c.hi {
			n, st := c.t.split.next(c.buf[scanned:c.hi], c.st)
			c.st = st
			if n > 0 {
				rec = c.t.split.trim(c.buf[c.lo : scanned+n])
				c.lo = scanned + n
				c.row++
				return rec, long, nil
			}
		}
		if c.off >= c.t.end {
			if rest := c.buf[c.lo:c.hi]; (len(rest) > 0 || long) && c.t.split.rest(c.st) {
				c.lo = c.hi
				c.row++
				return c.t.split.trim(rest), long, nil
			}
			return nil, false, io.EOF
		}
		if c.hi-c.lo >= maxRecord {
			long = true
			c.lo, c.hi = 0, 0
		}
		if scanned, err = c.fill(); err != nil {
			return nil, false, err
		}
	}
}

// fill reads more bytes behind those that are held, which move to the front,
// and returns where the new ones begin.
func (c *cursor) fill() (fresh int, err error) {
	if c.lo > 0 {
		c.hi = copy(c.buf, c.buf[c.lo:c.hi])
		c.lo = 0
	}
	fresh = c.hi
	want := blockSize
	if c.hi >= blockSize {
		want = c.hi // a long record: double what is held
	}
	if need := c.hi + want; need > len(c.buf) {
		c.buf = append(make([]byte, 0, need), c.buf[:c.hi]...)[:need]
	}
	b := c.buf[c.hi:min(int64(len(c.buf)), int64(c.hi)+c.t.end-c.off)]
	n, err := c.t.src.ReadAt(b, c.off)
	if err != nil && (!errors.Is(err, io.EOF) || n == 0) {
		return fresh, fmt.Errorf("read %s at byte %d: %w", safetext.Line(c.t.src.path), c.off, err)
	}
	c.off += int64(n)
	c.hi += n
	return fresh, nil
}
