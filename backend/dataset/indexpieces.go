package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"tunebench/backend/dataset/quotes"
	"tunebench/backend/safetext"
)

// indexPiece is how much is one goroutine's work when the index is built.
const indexPiece = 16 * blockSize

// counted is what a block of text holds, whatever stands before it.
type counted struct {
	quotes.Count // of lines: line feeds, the same twice
	// mode is where in a field the block ends, when it ends outside quotes;
	// modeUnknown when that takes more than the block to say.
	mode uint8
	// quote says that the byte before the block is a quote.
	quote bool
	// feed says that the last byte is a line feed.
	feed bool
}

const modeUnknown = 255

// indexPieces indexes what stands between t.at and t.end on all processors, for
// the formats in which a piece can be counted by itself.
func (t *text) indexPieces(ctx context.Context, changed func()) error {
	del, quoted := t.split.(delimited)
	if _, ok := t.split.(lines); !ok && !quoted {
		return nil
	}
	t.mu.Lock()
	from, end, final := t.at, t.end, t.final
	t.mu.Unlock()
	if !final || end-from < 2*indexPiece {
		return nil // extend does it
	}
	file := &pass{src: t.src} // to count what is mapped takes no less
	buffers := sync.Pool{New: func() any { return new([]byte) }}
	cut := func(_ context.Context, lo int64) (int64, error) { return max(lo, min(end, lo+indexPiece)), nil }
	return sweepBy(ctx, cut, from, func(ctx context.Context, lo, hi int64) ([]counted, error) {
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		out := make([]counted, 0, (hi-lo+blockSize-1)/blockSize)
		for off := lo; off < hi; off += readSize {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			b, err := file.bytes(max(t.start, off-1), min(hi, off+readSize), false, buf)
			if err != nil {
				return nil, err
			}
			prev := byte('\n')
			if off > t.start {
				prev, b = b[0], b[1:]
			}
			for ; len(b) > 0; b = b[min(blockSize, len(b)):] {
				block := b[:min(blockSize, len(b))]
				if quoted {
					out = append(out, del.counted(block, prev))
				} else {
					n := bytes.Count(block, []byte{'\n'})
					out = append(out, counted{Count: quotes.Count{Feeds: [2]int{n, n}}, feed: block[len(block)-1] == '\n'})
				}
				prev = block[len(block)-1]
			}
		}
		return out, nil
	}, func(lo, hi int64, blocks []counted) error {
		err := t.append(lo, hi, blocks)
		changed()
		return err
	})
}

// counted counts a block behind the byte prev.
func (d delimited) counted(b []byte, prev byte) counted {
	c := counted{Count: quotes.Of(b, prev, d.comma), mode: plainField, quote: prev == '"', feed: b[len(b)-1] == '\n'}
	text := bytes.TrimRight(b, "\r")
	switch {
	case len(text) == 0:
		c.mode = modeUnknown
	case text[len(text)-1] == '"':
		c.mode = quoteInQuoted
	case len(text) == len(b) && (c.feed || text[len(text)-1] == d.comma):
		c.mode = fieldStart
	}
	return c
}

// append adds blocks to the index, unless they are in it; they begin at byte lo,
// and the last one ends at hi.
func (t *text) append(lo, hi int64, blocks []counted) error {
	t.mu.Lock()
	at, st, rows, open := t.at, t.atSt, t.rows, t.open
	t.mu.Unlock()
	added := make([]block, 0, len(blocks))
	_, quoted := t.split.(delimited)
	for i, c := range blocks {
		off := lo + int64(i)*blockSize
		if off != at {
			continue
		}
		added = append(added, block{off, rows, st})
		at = min(off+blockSize, hi)
		if !quoted {
			rows += int64(c.Feeds[0])
			open = !c.feed
			continue
		}
		in := 0
		if st.mode == quotedField {
			in = 1
		}
		inside := c.Odd == (in == 0) // at the end
		if c.Stray[in] || c.quote && st.mode == plainField || !inside && c.mode == modeUnknown {
			b := make([]byte, at-off)
			if _, err := t.src.ReadAt(b, off); err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("read %s at byte %d: %w", safetext.Line(t.src.path), off, err)
			}
			n, last, after := t.split.count(b, st)
			rows, st = rows+int64(n), after
			open = last != len(b)
			continue
		}
		rows += int64(c.Feeds[in])
		st = state{mode: c.mode}
		if inside {
			st.mode = quotedField
		}
		open = inside || !c.feed
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(added) == 0 || added[0].off != t.at {
		return nil
	}
	t.blocks = append(t.blocks, added...)
	t.at, t.rows, t.atSt, t.open = at, rows, st, open
	t.finish()
	close(t.grown)
	t.grown = make(chan struct{})
	return nil
}
