package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"tunebench/backend/dataset/match"
	"tunebench/backend/dataset/pages"
	"tunebench/backend/safetext"
)

// Query says what to search for.
type Query struct {
	Text string
	// Regexp makes Text a regular expression (RE2 syntax).
	Regexp bool
	// Fold ignores case.
	Fold bool
	// Column limits the search to one column; "" searches all.
	Column string
	// From is the first row to look at.
	From int64
}

// Search starts a search and returns at once; the list fills as rows are found.
// The error says what is wrong with the query. The search ends with ctx, with
// the list's Close or the dataset's.
func (d *Dataset) Search(ctx context.Context, q Query) (*List, error) {
	if q.Text == "" {
		return nil, errors.New("there is nothing to search for; give a text")
	}
	if q.Column != "" && !slices.Contains(d.columns, q.Column) {
		return nil, fmt.Errorf("there is no column %q; the columns are %s", safetext.Line(q.Column), columnList(d.columns))
	}
	p, err := match.New(q.Text, match.Options{Regexp: q.Regexp, Fold: q.Fold})
	if err != nil {
		return nil, err
	}
	return d.start(ctx, func(ctx context.Context, l *List) error {
		s := &searcher{d: d, p: p, column: q.Column}
		lits, fold := p.Literals()
		s.lits, s.fold = match.InFile(lits, fold), fold
		s.pool.New = func() any {
			return &searchWorker{m: p.Matcher()}
		}
		return s.run(ctx, max(q.From, 0), l)
	}), nil
}

// run searches one file after another.
func (s *searcher) run(ctx context.Context, from int64, l *List) error {
	if t := s.d.unindexed(); t != nil && s.lits == nil && from == 0 {
		return s.readLines(ctx, t, l)
	}
	var base int64
	for _, p := range s.d.parts {
		first := max(from-base, 0)
		if t, ok := p.rows.(*text); ok && s.lits != nil {
			if _, ok := t.split.(lines); ok {
				n, err := s.searchLines(ctx, t, base, first, l)
				if err != nil {
					return err
				}
				base += n
				continue
			}
		}
		end := base + first
		err := sweepBy(ctx, func(ctx context.Context, lo int64) (int64, error) {
			hi, err := p.rows.chunk(ctx, lo-base)
			return base + hi, err
		}, end, func(ctx context.Context, lo, hi int64) ([]uint32, error) {
			return s.chunk(ctx, p, base, lo, hi)
		}, func(_, hi int64, found []uint32) error {
			l.add(found, hi)
			end = hi
			return nil
		})
		if err != nil {
			return err
		}
		base = end
	}
	return nil
}

// readLines searches a file of lines by reading all of them, before it is indexed.
func (s *searcher) readLines(ctx context.Context, t *text, l *List) error {
	return sweepLines(ctx, t, false, func(scan func(f func(r *record)) error) (found []uint32, err error) {
		w := s.pool.Get().(*searchWorker)
		defer s.pool.Put(w)
		return found, scan(func(r *record) {
			if s.holds(w.m, r) {
				found = append(found, uint32(r.index))
			}
		})
	}, func(first, behind int64, found []uint32) error {
		for i := range found {
			found[i] += uint32(first)
		}
		l.add(found, behind)
		return nil
	})
}

type searcher struct {
	d      *Dataset
	p      *match.Pattern
	column string
	lits   []string // texts of which one stands in the file where there is a match, nil when none are known
	fold   bool
	pool   sync.Pool // of *searchWorker
}

type searchWorker struct {
	m *match.Matcher
	// Made for the first page, CSV or JSON that it sees.
	scanPage, scanCSV, scanJSON *match.Scanner
	buf                         []byte
	pages                       pages.Buffer
}

// chunk searches the rows lo to hi, of a file whose first row is base.
func (s *searcher) chunk(ctx context.Context, part *part, base, lo, hi int64) (found []uint32, err error) {
	w := s.pool.Get().(*searchWorker)
	defer s.pool.Put(w)
	test := func(r *record) {
		if s.holds(w.m, r) {
			found = append(found, uint32(r.index))
		}
	}
	if c, ok := part.rows.(*columnar); ok && c.pages != nil {
		return s.searchPages(ctx, c, w, base, lo, hi)
	}
	if s.lits == nil {
		return found, scanRange(ctx, s.d.rows, lo, hi, test)
	}
	t, ok := part.rows.(*text)
	if !ok {
		return found, scanRange(ctx, s.d.rows, lo, hi, test)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	raw, err := t.bytesOf(ctx, lo-base, hi-base, w.buf)
	if err != nil {
		return nil, err
	}
	w.buf = raw
	_, csv := t.split.(delimited)
	scanner := &w.scanJSON
	if csv {
		scanner = &w.scanCSV
	}
	if *scanner == nil {
		*scanner = match.NewScanner(s.lits, s.fold, !csv, raw)
	}
	if at, _ := (*scanner).Next(raw, 0, len(raw)); at < 0 {
		return nil, nil
	}
	return found, scanRange(ctx, s.d.rows, lo, hi, test)
}

// holds says whether a row matches.
func (s *searcher) holds(m *match.Matcher, r *record) bool {
	for _, f := range r.columns() {
		if (s.column == "" || s.column == f.name) && m.Match(asBytes(f.value)) {
			return true
		}
	}
	return r.err != "" && s.column == "" && m.Match(r.raw)
}

// bytesOf reads the text of the rows lo to hi into buf or a larger one.
func (t *text) bytesOf(ctx context.Context, lo, hi int64, buf []byte) ([]byte, error) {
	from, err := t.offsetOf(ctx, lo)
	if err != nil {
		return nil, err
	}
	to, err := t.offsetOf(ctx, hi)
	if err != nil {
		return nil, err
	}
	n := int(to - from)
	if cap(buf) < n {
		buf = make([]byte, n, n+n/8) // the next will be about as large
	}
	buf = buf[:n]
	m, err := t.src.ReadAt(buf, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s at byte %d: %w", safetext.Line(t.src.path), from, err)
	}
	return buf[:m], nil
}

// offsetOf is where a row begins in the file; the end of the file for a row
// behind the last.
func (t *text) offsetOf(ctx context.Context, row int64) (int64, error) {
	k, ok := t.scans.Get().(*scanning)
	if !ok {
		k = &scanning{parse: t.parser()}
	}
	defer t.scans.Put(k)
	c, err := t.locate(ctx, row, k.buf)
	if err != nil {
		return 0, err
	}
	k.keep(c)
	if c.row < row {
		return c.end, nil
	}
	return c.off - int64(c.hi-c.lo), nil
}
