package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"

	"tunebench/backend/dataset/match"
	"tunebench/backend/safetext"
)

// searchWindow is how much of a file of lines is searched at a time: it stays in
// a core's own cache between being read and being searched.
const searchWindow = 256 << 10

// lines searches the lines lo to hi of t, a part whose first row is base, by the
// literals that a match must hold. ok is false when the lines have to be read one
// by one instead: one of them is too long to be a row, or the file has changed.
func (s *searcher) lines(ctx context.Context, t *text, w *searchWorker, base, lo, hi int64) (found []uint32, ok bool, err error) {
	if cap(w.buf) < searchWindow {
		w.buf = make([]byte, searchWindow)
	}
	from, ok, err := t.lineStart(ctx, lo-base, w.buf)
	if err != nil || !ok {
		return nil, false, err
	}
	to, ok, err := t.lineStart(ctx, hi-base, w.buf)
	if err != nil || !ok {
		return nil, false, err
	}
	// Text that was seen to have no escaped letters is not looked at again: a file
	// only grows behind what is indexed, or is opened again.
	piece := [2]int64{from, to}
	_, plain := t.plain.Load(piece)
	escaped := false
	r := &record{parse: t.parser(), what: t.what}
	buf := w.buf[:cap(w.buf)]
	held := 0 // bytes of a line that has begun
	for row := lo; from < to || held > 0; {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		n, err := t.src.ReadAt(buf[held:min(int64(len(buf)), int64(held)+to-from)], from)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, false, fmt.Errorf("read %s at byte %d: %w", safetext.Line(t.src.path), from, err)
		}
		if from += int64(n); n == 0 && from < to {
			return nil, false, nil // cut short meanwhile
		}
		text := buf[:held+n]
		end := len(text)
		if from < to {
			if end = bytes.LastIndexByte(text, '\n') + 1; end == 0 {
				if len(text) >= maxRecord {
					return nil, false, nil
				}
				held = len(text)
				if held == len(buf) {
					buf = append(make([]byte, 0, 2*held), text...)[:2*held]
				}
				continue
			}
		}
		here := !plain && match.HasEscapedASCII(text[:end])
		escaped = escaped || here
		found, row = s.window(w, r, text[:end], here, row, hi, found)
		held = copy(buf, text[end:])
	}
	if !plain && !escaped {
		t.plain.Store(piece, struct{}{})
	}
	return found, true, nil
}

// window searches whole lines, of which the first is the given row, and returns
// the row behind them. escaped says that a literal may be spelled in another way
// in them.
func (s *searcher) window(w *searchWorker, r *record, text []byte, escaped bool, row, hi int64, found []uint32) ([]uint32, int64) {
	if w.finder == nil {
		w.finder = match.NewFinderFor(s.lits, s.fold, text)
	}
	next := func(from int) int { return w.finder.Next(from) }
	if escaped {
		next = func(from int) int {
			if from < len(text) {
				return from
			}
			return -1
		}
	} else {
		w.finder.Reset(text)
	}
	counted := 0
	for at := next(0); at >= 0; {
		start := bytes.LastIndexByte(text[:at], '\n') + 1
		row += int64(bytes.Count(text[counted:start], []byte{'\n'}))
		counted = start
		end := len(text)
		if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if row >= hi {
			break
		}
		r.reset(row, bytes.TrimSpace(text[start:end]))
		if s.holds(w.m, r) {
			found = append(found, uint32(row))
		}
		at = next(end)
	}
	return found, row + int64(bytes.Count(text[counted:], []byte{'\n'}))
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
