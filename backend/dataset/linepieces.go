package dataset

import (
	"bytes"
	"context"
	"fmt"
	"sync"
)

// unindexed is the text of a dataset that is one file of lines and not indexed
// yet, nil otherwise: a pass over all of it need not wait for the index, and
// makes it.
func (d *Dataset) unindexed() *text {
	t, ok := d.parts[0].rows.(*text)
	if !ok || len(d.parts) > 1 {
		return nil
	}
	if _, ok := t.split.(lines); !ok {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.final || t.end-t.at < 2*indexPiece {
		return nil
	}
	return t
}

// sweepAll is sweep over all rows, each read once whether there is an index or
// not. The rows that scan gives to work count from a first one, which take is
// told, and which row is behind the last. inPlace is explained at sweepLines.
func sweepAll[T any](ctx context.Context, d *Dataset, inPlace bool, work func(scan func(f func(r *record)) error) (T, error), take func(first, behind int64, result T) error) error {
	if t := d.unindexed(); t != nil {
		return sweepLines(ctx, t, inPlace, work, take)
	}
	return sweep(ctx, d.rows, 0, func(ctx context.Context, lo, hi int64) (T, error) {
		return work(func(f func(r *record)) error { return scanRange(ctx, d.rows, lo, hi, f) })
	}, func(_, hi int64, result T) error { return take(0, hi, result) })
}

// sweepLines is sweep over the lines of a file, without its index: each is read
// once. scan, which work is given, calls f with the rows of one piece, whose
// index counts from the piece's first; take is told which row that is, and which
// one is behind the last. With inPlace, what work looks at may be mapped: it then
// observes the rules of pass, and may be called a second time for a piece.
func sweepLines[T any](ctx context.Context, t *text, inPlace bool, work func(scan func(f func(r *record)) error) (T, error), take func(first, behind int64, result T) error) error {
	type done struct {
		blocks []counted
		result T
	}
	limit := t.limit() // what is added from here on is left to whoever follows the file
	file, size := &pass{src: t.src}, int64(readSize)
	if inPlace {
		if file = newPass(t.src, limit); file.mapped != nil {
			size *= 4
		}
	}
	readers := sync.Pool{New: func() any {
		return &lineReader{t: t, file: file, limit: limit, r: record{parse: t.parser(), what: t.what}}
	}}
	row, open := int64(0), false
	cut := func(_ context.Context, from int64) (int64, error) {
		return max(from, min(limit, from+size)), nil
	}
	err := sweepBy(ctx, cut, t.start, func(ctx context.Context, lo, hi int64) (d done, err error) {
		w := readers.Get().(*lineReader)
		defer readers.Put(w)
		err = file.try(func() error {
			d.result, err = work(func(f func(r *record)) error {
				var err error
				d.blocks, err = w.scan(ctx, lo, hi, f)
				return err
			})
			return err
		})
		return d, err
	}, func(lo, hi int64, d done) error {
		first := row
		for _, b := range d.blocks {
			row += int64(b.Feeds[0])
			open = !b.feed
		}
		behind := row
		if open && hi == limit {
			behind++
		}
		if err := t.append(lo, hi, d.blocks); err != nil {
			return err
		}
		return take(first, behind, d.result)
	})
	if cut := file.end(); err == nil {
		err = cut
	}
	return err
}

// lineReader reads pieces of a file of lines, one at a time.
type lineReader struct {
	t     *text
	file  *pass
	limit int64 // where the text ends
	r     record
	buf   []byte
}

// scan calls f with the lines that begin in the bytes from lo to hi, and counts
// the line feeds there.
func (w *lineReader) scan(ctx context.Context, lo, hi int64, f func(r *record)) (blocks []counted, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	from := max(w.t.start, lo-1) // a line feed before lo begins a line at it
	text, err := w.file.bytes(from, min(hi+2*blockSize, w.limit), w.file.lies(hi), &w.buf)
	if err != nil {
		return nil, err
	}
	blocks = make([]counted, 0, (hi-lo+blockSize-1)/blockSize)
	for off := lo; off < hi; off += blockSize {
		blocks = append(blocks, counted{feed: text[min(off+blockSize, hi)-from-1] == '\n'})
	}
	ended := func(i int) { // a line, with a line feed at i
		if off := from + int64(i) - lo; off >= 0 && from+int64(i) < hi {
			c := &blocks[off/blockSize].Feeds
			c[0], c[1] = c[0]+1, c[1]+1
		}
	}
	at := 0
	row := int64(0)
	if lo > w.t.start {
		k := bytes.IndexByte(text[:hi-from], '\n')
		if k >= 0 {
			ended(k)
		}
		if k < 0 || from+int64(k)+1 >= hi {
			return blocks, nil
		}
		if at = k + 1; k > 0 { // the line feed before lo is of another piece
			row++
		}
	}
	for from+int64(at) < hi {
		k := bytes.IndexByte(text[at:], '\n')
		var line []byte
		size := k + 1 // with its line feed
		long := false
		switch {
		case k >= 0:
			line = text[at : at+k]
			ended(at + k)
			at += k + 1
		case from+int64(len(text)) == w.limit:
			line = text[at:]
			at, size = len(text), len(line)
		default: // it goes on behind what was read, and no other line begins before hi
			if line, long, err = w.longLine(from + int64(at)); err != nil {
				return blocks, err
			}
			at = int(hi - from)
		}
		w.r.reset(row, bytes.TrimSpace(line))
		if long || size > maxRecord {
			w.r.raw, w.r.err = nil, fmt.Sprintf("%s is longer than %d MiB", w.r.place(), maxRecord>>20)
		}
		f(&w.r)
		row++
	}
	return blocks, nil
}

// longLine reads the line that begins at a place; long says that it is too long.
func (w *lineReader) longLine(at int64) (line []byte, long bool, err error) {
	for n := int64(2 * readSize); ; n *= 2 {
		b := make([]byte, min(n, w.limit-at))
		if err := w.read(b, at); err != nil {
			return nil, false, err
		}
		if k := bytes.IndexByte(b, '\n'); k >= 0 {
			return b[:k], k+1 > maxRecord, nil
		}
		if len(b) > maxRecord {
			return nil, true, nil
		}
		if at+int64(len(b)) == w.limit {
			return b, false, nil
		}
	}
}

func (w *lineReader) read(b []byte, at int64) error { return w.t.src.read(b, at) }
