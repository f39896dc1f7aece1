package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"

	"tunebench/backend/safetext"
)

// maxRecord bounds the memory that one row can take, in bytes.
const maxRecord = 16 << 20

// scanning is memory of one scan that the next one uses again.
type scanning struct {
	buf   []byte
	parse func(rec []byte) ([]field, error)
}

// keep takes over what a cursor has read into, unless one long row made it large.
func (k *scanning) keep(c *cursor) {
	if k.buf = nil; len(c.buf) <= 4*blockSize {
		k.buf = c.buf
	}
}

func (t *text) scan(ctx context.Context, first int64, f func(r *record) bool) error {
	k, ok := t.scans.Get().(*scanning)
	if !ok {
		k = &scanning{parse: t.parser()}
	}
	defer t.scans.Put(k)
	c, err := t.locate(ctx, first, k.buf)
	if err != nil {
		return err
	}
	defer k.keep(c)
	r := &record{parse: k.parse, what: t.what}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		row := c.row
		raw, long, err := c.next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		r.reset(row, raw)
		if long {
			r.raw, r.err = nil, fmt.Sprintf("%s is longer than %d MiB", r.place(), maxRecord>>20)
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
	end    int64 // behind the last byte it may read
	st     state
	row    int64 // index of the record that next returns
	buf    []byte
	lo, hi int
}

// next returns the next record, trimmed; it is good until the following call.
// long says that it was too long and was skipped.
func (c *cursor) next(ctx context.Context) (rec []byte, long bool, err error) {
	scanned := c.lo
	for {
		if scanned < c.hi {
			n, st := c.t.split.next(c.buf[scanned:c.hi], c.st)
			c.st = st
			if n > 0 {
				rec = c.t.split.trim(c.buf[c.lo : scanned+n])
				long = long || scanned+n-c.lo > maxRecord
				c.lo = scanned + n
				c.row++
				return rec, long, nil
			}
			scanned = c.hi
		}
		if c.off >= c.end {
			more, err := c.more(ctx)
			if err != nil {
				return nil, false, err
			}
			if more {
				continue
			}
			if rest := c.buf[c.lo:c.hi]; (len(rest) > 0 || long) && c.t.split.rest(c.st) {
				c.lo = c.hi
				c.row++
				return c.t.split.trim(rest), long || len(rest) > maxRecord, nil
			}
			return nil, false, io.EOF
		}
		if c.hi-c.lo >= maxRecord {
			long = true
			c.lo, c.hi, scanned = 0, 0, 0
		}
		if scanned, err = c.fill(); err != nil {
			return nil, false, err
		}
	}
}

// more waits for the index to go on behind the cursor's end; false means that
// there is nothing behind it.
func (c *cursor) more(ctx context.Context) (bool, error) {
	if err := c.t.wait(ctx, func() bool { return c.t.end > c.end }); err != nil {
		return false, err
	}
	defer c.t.mu.Unlock()
	grown := c.t.end > c.end
	c.end = max(c.end, c.t.end)
	return grown, nil
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
	b := c.buf[c.hi:min(int64(len(c.buf)), int64(c.hi)+c.end-c.off)]
	n, err := c.t.src.ReadAt(b, c.off)
	if err != nil && (!errors.Is(err, io.EOF) || n == 0) {
		return fresh, fmt.Errorf("read %s at byte %d: %w", safetext.Line(c.t.src.path), c.off, err)
	}
	c.off += int64(n)
	c.hi += n
	return fresh, nil
}
