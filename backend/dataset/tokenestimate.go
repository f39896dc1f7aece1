package dataset

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
)

// TokenCount is a number of tokens, counted or estimated.
type TokenCount struct {
	Tokens int64
	// Low and High are the bounds of an estimate, which are right 95 times of a
	// hundred; both are Tokens when every row was counted.
	Low, High int64
	// Rows is how many rows were looked at.
	Rows int64
	// Estimated says that not all rows were looked at.
	Estimated bool
	// Counter names the tokenizer; Exact says that it is a model's own.
	Counter string
	Exact   bool
}

// Sampling by pieces of a file: pieces lie in a sequence that covers the file
// evenly however many there are.
const (
	pieceBytes  = 16 << 10 // of text on disk
	pieceRows   = 8        // of a file whose rows are reached by number
	wholeBelow  = 4 << 20  // bytes; smaller files are counted as a whole
	pieceRound  = 64       // pieces between two looks at the error
	mostPieces  = 1024
	mostObjects = 32 // pieces of a file in object storage, each a block of the network
	wantedError = 0.01
	golden      = 0.6180339887498949
)

// sampled is a piece of a file: its tokens, and its size in bytes or rows.
type sampled struct{ tokens, size, rows float64 }

// EstimateTokens estimates what CountTokens counts to about one percent from
// pieces all over the dataset, without waiting for the index where lines can be
// found without it. Small datasets are counted.
func (d *Dataset) EstimateTokens(ctx context.Context) (TokenCount, error) {
	if d.Info().Bytes < wholeBelow {
		return d.CountTokens(ctx, nil)
	}
	c := TokenCount{Counter: d.tokens.Name, Exact: d.tokens.Exact, Estimated: true}
	var variance float64
	for _, p := range d.parts {
		total, look, most, err := d.pieces(ctx, p)
		if err != nil {
			return c, err
		}
		if total == 0 {
			continue
		}
		tokens, se, rows, err := estimate(ctx, total, most, look)
		if err != nil {
			return c, err
		}
		c.Tokens += int64(math.Round(tokens))
		c.Rows += int64(rows)
		variance += se * se
	}
	width := int64(math.Ceil(1.96 * math.Sqrt(variance)))
	c.Low, c.High = max(0, c.Tokens-width), c.Tokens+width
	return c, nil
}

// pieces says how large a file is, how a piece of it is looked at that begins
// at a fraction of it, and how many there may be.
func (d *Dataset) pieces(ctx context.Context, p *part) (total float64, look func(ctx context.Context, at float64) (sampled, error), most int, err error) {
	most = mostPieces
	if t, ok := p.rows.(*text); ok {
		if _, ok := t.split.(lines); ok && (p.src.file != nil || p.src.raw == nil) {
			size, final, _, err := p.src.extent()
			if err == nil && final {
				window := int64(pieceBytes)
				if _, ok := p.src.ReaderAt.(*objectCache); ok {
					window, most = objectBlock/2, mostObjects
				}
				return float64(size - t.start), func(ctx context.Context, at float64) (sampled, error) {
					return d.linesAt(ctx, t, t.start+int64(at*float64(size-t.start)), window, size)
				}, most, nil
			}
		}
		// The file is indexed first, and its size in bytes is what tokens are held
		// against: rows differ in length more than in tokens by byte.
		if err := t.wait(ctx, func() bool { return false }); err != nil {
			return 0, nil, 0, err
		}
		bytes := t.end - t.start
		t.mu.Unlock()
		return float64(bytes), d.rowsAt(p, pieceRows, func(r *record) float64 { return float64(len(r.raw) + 1) }), most, nil
	}
	n, _, _ := p.rows.status()
	return float64(n), d.rowsAt(p, 16*pieceRows, func(*record) float64 { return 1 }), most / 4, nil
}

// rowsAt makes the function that looks at some rows from a fraction of a file's
// rows on.
func (d *Dataset) rowsAt(p *part, rows int64, size func(r *record) float64) func(ctx context.Context, at float64) (sampled, error) {
	n, _, _ := p.rows.status()
	return func(ctx context.Context, at float64) (s sampled, err error) {
		lo := int64(at * float64(n))
		err = scanRange(ctx, p.rows, lo, min(n, lo+rows), func(r *record) {
			k, ok := d.tokensOf(r)
			s.tokens += float64(k)
			s.size += size(r)
			if ok {
				s.rows++
			}
		})
		return s, err
	}
}

// linesAt counts the lines that begin in the window of a file at off. Which they
// are does not depend on their length, so long lines are not counted too often.
func (d *Dataset) linesAt(ctx context.Context, t *text, off, window, size int64) (s sampled, err error) {
	from := max(off-1, t.start) // a line begins at off when a line feed stands before it
	buf := make([]byte, min(2*window, size-from))
	n, err := t.src.ReadAt(buf, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return s, err
	}
	buf = buf[:n]
	at := 0
	if off > t.start {
		i := bytes.IndexByte(buf, '\n')
		if i < 0 {
			return s, ctx.Err()
		}
		at = i + 1
	}
	r := &record{parse: t.parser(), what: t.what}
	for from+int64(at) < off+window && at < len(buf) {
		i := bytes.IndexByte(buf[at:], '\n')
		for i < 0 && from+int64(len(buf)) < size && len(buf) < maxRecord {
			more := make([]byte, min(int64(len(buf)), size-from-int64(len(buf))))
			n, err := t.src.ReadAt(more, from+int64(len(buf)))
			if err != nil && !errors.Is(err, io.EOF) || n == 0 {
				return s, errors.Join(err, ctx.Err())
			}
			i = bytes.IndexByte(more[:n], '\n')
			if i >= 0 {
				i += len(buf) - at
			}
			buf = append(buf, more[:n]...)
		}
		end := len(buf)
		if i >= 0 {
			end = at + i + 1
		}
		r.reset(0, bytes.TrimSpace(buf[at:end]))
		if k, ok := d.tokensOf(r); ok {
			s.tokens += float64(k)
			s.rows++
		}
		s.size += float64(end - at)
		at = end
	}
	return s, ctx.Err()
}

// estimate looks at pieces until the error is small enough, and returns the sum
// with its standard error: a ratio estimate, tokens by size, whose pieces are
// its sample.
func estimate(ctx context.Context, total float64, most int, look func(ctx context.Context, at float64) (sampled, error)) (sum, se, rows float64, err error) {
	var pieces []sampled
	for len(pieces) < most {
		round := make([]sampled, min(pieceRound, most-len(pieces)))
		var mu sync.Mutex
		next := 0
		g, ctx := errgroup.WithContext(ctx)
		for range min(runtime.GOMAXPROCS(0), len(round)) {
			g.Go(func() error {
				for {
					mu.Lock()
					i := next
					next++
					mu.Unlock()
					if i >= len(round) {
						return nil
					}
					_, at := math.Modf(float64(len(pieces)+i) * golden)
					var err error
					if round[i], err = look(ctx, at); err != nil {
						return err
					}
				}
			})
		}
		if err := g.Wait(); err != nil {
			return 0, 0, 0, err
		}
		pieces = append(pieces, round...)
		var tokens, size float64
		rows = 0
		for _, p := range pieces {
			tokens, size, rows = tokens+p.tokens, size+p.size, rows+p.rows
		}
		if size == 0 {
			continue
		}
		n := float64(len(pieces))
		ratio := tokens / size
		var squares float64
		for _, p := range pieces {
			e := p.tokens - ratio*p.size
			squares += e * e
		}
		sum = ratio * total
		se = math.Sqrt(squares/(n*(n-1))) / (size / n) * total
		if 1.96*se <= wantedError*sum {
			break
		}
	}
	return sum, se, rows, nil
}
