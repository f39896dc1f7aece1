package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"

	"tunebench/backend/dataset/match"
	"tunebench/backend/safetext"
)

const (
	// searchWindow is how much of a file of lines is searched at a time: it stays
	// in a core's own cache between being read and being searched.
	searchWindow = 4 * blockSize
	// searchPiece is how much is one goroutine's work at a time.
	searchPiece = 16 * searchWindow
)

// lineHits is what one piece of a file of lines holds.
type lineHits struct {
	// found are lines with a match, by the line feeds before them in the piece.
	found []uint32
	// blocks are the piece's, counted.
	blocks []counted
}

// searchLines searches t, a part whose first row is base, from its row first on,
// by the literals that a match must hold. It needs no index: lines are counted
// in the same pass, and what is counted becomes the index when there is none yet.
// It returns the number of rows that t has.
func (s *searcher) searchLines(ctx context.Context, t *text, base, first int64, l *List) (rows int64, err error) {
	like := make([]byte, blockSize)
	start := t.start
	if first > 0 {
		var ok bool
		if start, ok, err = t.lineStart(ctx, first, like); err != nil {
			return 0, err
		} else if !ok {
			return 0, t.cutShort()
		}
	}
	n, err := t.src.ReadAt(like, start)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("read %s at byte %d: %w", safetext.Line(t.src.path), start, err)
	}
	sc := match.NewScanner(s.lits, s.fold, true, like[:n])
	file := newPass(t.src, t.limit())
	workers := sync.Pool{New: func() any {
		return &lineWorker{s: s, t: t, file: file, sc: sc, m: s.p.Matcher(), r: &record{parse: t.parser(), what: t.what}}
	}}
	row, last, open := first, int64(-1), false
	cut := func(ctx context.Context, from int64) (int64, error) { return t.piece(ctx, from) }
	err = sweepBy(ctx, cut, start, func(ctx context.Context, lo, hi int64) (h lineHits, err error) {
		w := workers.Get().(*lineWorker)
		defer workers.Put(w)
		err = file.try(func() error {
			h, err = w.search(ctx, start, lo, hi)
			return err
		})
		return h, err
	}, func(lo, hi int64, h lineHits) error {
		found := h.found[:0]
		for _, n := range h.found {
			if k := row + int64(n); k > last { // a line may lie in two pieces
				last = k
				found = append(found, uint32(base+k))
			}
		}
		for _, b := range h.blocks {
			row += int64(b.Feeds[0])
			open = !b.feed
		}
		err := t.append(lo, hi, h.blocks) // what was counted is the index
		l.add(found, base+row)
		return err
	})
	if cut := file.end(); err == nil {
		err = cut
	}
	if err != nil {
		return 0, err
	}
	if open { // what stands behind the last line feed is a line
		row++
		l.add(nil, base+row)
	}
	return row, nil
}

func (t *text) cutShort() error { return t.src.cutShort() }

// piece returns the end of the piece of work that begins at byte from; from
// itself at the end of the file.
func (t *text) piece(ctx context.Context, from int64) (int64, error) {
	err := t.wait(ctx, func() bool { return t.final || t.end-from >= searchPiece })
	if err != nil {
		return from, err
	}
	defer t.mu.Unlock()
	return max(from, min(t.end, from+searchPiece)), nil
}

// lineWorker searches pieces, one at a time.
type lineWorker struct {
	s    *searcher
	t    *text
	file *pass
	sc   *match.Scanner
	m    *match.Matcher
	r    *record
	buf  []byte // of the window, when it is read
	copy []byte // of a line
}

// search searches the bytes lo to hi, of which start is where the lines begin.
func (w *lineWorker) search(ctx context.Context, start, lo, hi int64) (h lineHits, err error) {
	around := int64(w.sc.Around())
	h.blocks = make([]counted, 0, (hi-lo+blockSize-1)/blockSize)
	row, past := uint32(0), lo // lines before past are done with
	window, lies := int64(searchWindow), w.file.lies(hi)
	if lies {
		window = hi - lo
	}
	for at := lo; at < hi; at += window {
		if err := ctx.Err(); err != nil {
			return h, err
		}
		first := max(start, at-around)
		end := min(hi, at+window)
		text, err := w.file.bytes(first, min(end+around, w.t.limit()), lies, &w.buf)
		if err != nil {
			return h, err
		}
		for b := at; b < end; b += blockSize {
			before := row
			stop := min(b+blockSize, end)
			for from := b; from < stop; {
				i, feeds := w.sc.Next(text, int(from-first), int(stop-first))
				row += uint32(feeds)
				if i < 0 {
					break
				}
				from = first + int64(i)
				if from >= past {
					line, behind, err := w.line(text, first, from, start)
					if err != nil {
						return h, err
					}
					w.r.reset(int64(row), bytes.TrimSpace(line))
					if line != nil && w.s.holds(w.m, w.r) {
						h.found = append(h.found, row)
					}
					past = behind
				}
				// Go on behind the line, but do not jump over its line feed.
				next := min(max(past-1, from+1), stop)
				row += uint32(bytes.Count(text[from-first:next-first], []byte{'\n'}))
				from = next
			}
			c := counted{feed: text[stop-first-1] == '\n'}
			c.Feeds[0] = int(row - before)
			h.blocks = append(h.blocks, c)
		}
	}
	return h, nil
}

// limit is how far the text may be read.
func (t *text) limit() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.end
}

// line returns the line that holds byte at of the file and where it ends; nil
// when it is too long to be a row, and then a place in it or at its end. text is
// what stands from byte first on, start where the lines begin.
func (w *lineWorker) line(text []byte, first, at, start int64) (line []byte, behind int64, err error) {
	from := bytes.LastIndexByte(text[:at-first], '\n') + 1
	to := bytes.IndexByte(text[at-first:], '\n')
	if (from > 0 || first == start) && to >= 0 {
		to += int(at-first) + 1 // no longer than a window
		w.copy = append(w.copy[:0], text[from:to]...)
		return w.copy, first + int64(to), nil
	}
	lo, hi := at, at
	begun, ended := false, false
	limit := w.t.limit()
	for n := int64(blockSize); !begun || !ended; n *= 2 {
		if hi-lo > maxRecord {
			return nil, hi, nil
		}
		if !begun {
			b, err := w.read(max(start, lo-n), lo)
			if err != nil {
				return nil, 0, err
			}
			k := bytes.LastIndexByte(b, '\n') + 1
			lo -= int64(len(b) - k)
			begun = k > 0 || lo == start
		}
		if !ended {
			b, err := w.read(hi, min(limit, hi+n))
			if err != nil {
				return nil, 0, err
			}
			k := bytes.IndexByte(b, '\n') + 1
			if ended = k > 0; !ended {
				k = len(b)
			}
			hi += int64(k)
			ended = ended || hi == limit
		}
	}
	if hi-lo > maxRecord {
		return nil, hi, nil
	}
	line, err = w.read(lo, hi)
	return line, hi, err
}

func (w *lineWorker) read(lo, hi int64) ([]byte, error) {
	b := make([]byte, hi-lo)
	return b, w.t.src.read(b, lo)
}

// lineStart is where a line begins in the file, the end of the file for a line
// behind the last; buf must hold a block. ok is false when the file no longer
// has the line where the index says.
func (t *text) lineStart(ctx context.Context, row int64, buf []byte) (off int64, ok bool, err error) {
	if err := t.wait(ctx, func() bool { return row == 0 && len(t.blocks) > 0 || t.rows > row }); err != nil {
		return 0, false, err
	}
	if row == 0 || row >= t.rows {
		off = t.start
		if row > 0 {
			off = t.end
		}
		t.mu.Unlock()
		return off, true, nil
	}
	// The line begins behind the last but skip ends of line in block i.
	i := sort.Search(len(t.blocks), func(i int) bool { return t.blocks[i].rows >= row }) - 1
	b, end, last := t.blocks[i], t.at, t.rows == row
	if i+1 < len(t.blocks) {
		end, last = t.blocks[i+1].off, t.blocks[i+1].rows == row
	}
	t.mu.Unlock()
	n, err := t.src.ReadAt(buf[:end-b.off], b.off)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, false, fmt.Errorf("read %s at byte %d: %w", safetext.Line(t.src.path), b.off, err)
	}
	at := 0
	if last {
		at = bytes.LastIndexByte(buf[:n], '\n') + 1
		return b.off + int64(at), at > 0, nil
	}
	for range row - b.rows {
		k := bytes.IndexByte(buf[at:n], '\n') + 1
		if k == 0 {
			return 0, false, nil
		}
		at += k
	}
	return b.off + int64(at), true, nil
}
