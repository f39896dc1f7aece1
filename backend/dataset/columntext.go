package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"

	"tunebench/backend/dataset/match"
	"tunebench/backend/dataset/pages"
)

// columnarChunk is the least number of rows of a Parquet file that make a piece of work for a
// parallel pass.
const columnarChunk = 4096

// scanPages calls f with the rows from first on until it returns false. It
// returns the row that an error is about.
func (c *columnar) scanPages(ctx context.Context, first int64, f func(r *record) bool) (row int64, err error) {
	columns := c.pages.Columns()
	at := make([]*pages.Page, len(columns))
	r := &record{what: "row"}
	fields := make([]field, len(columns))
	for row = first; row < c.pages.Rows(); row++ {
		if err := ctx.Err(); err != nil {
			return row, err
		}
		for i, col := range columns {
			if p := at[i]; p == nil || row >= p.First+p.N {
				p, err := col.Page(row)
				if err != nil {
					return row, c.failed(row, err)
				}
				at[i] = p
			}
			v, _ := at[i].Value(row - at[i].First)
			fields[i] = field{name: col.Name(), value: v}
		}
		r.reset(row, nil)
		r.parsed, r.fields = true, fields
		if !f(r) {
			return row, nil
		}
	}
	return row, nil
}

func (c *columnar) failed(row int64, err error) error {
	if errors.Is(err, io.EOF) {
		err = errors.New("the file ends before it")
	}
	return fmt.Errorf("read row %d of %s: %w", row+1, c.path, err)
}

// searchPages searches the rows lo to hi of one file, which begins with row base
// of the dataset, a column at a time: what is in a page without any of the
// literals is not taken apart.
func (s *searcher) searchPages(ctx context.Context, c *columnar, w *searchWorker, base, lo, hi int64) (found []uint32, err error) {
	lits, fold := s.p.Literals()
	hit := make([]bool, hi-lo)
	for _, col := range c.pages.Columns() {
		if s.column != "" && s.column != col.Name() {
			continue
		}
		skip := func(text []byte) bool {
			if lits == nil {
				return false
			}
			if w.scanPage == nil {
				w.scanPage = match.NewScanner(lits, fold, false, text)
			}
			at, _ := w.scanPage.Next(text, 0, len(text))
			return at < 0
		}
		last := "" // a value of a dictionary is often the one before
		was, any := false, false
		err := col.Scan(lo-base, hi-base, &w.pages, skip, func(p *pages.Page) {
			for row := max(lo-base, p.First); row < min(hi-base, p.First+p.N); row++ {
				v, _ := p.Value(row - p.First)
				if !any || len(v) != len(last) || v != last {
					was, last, any = w.m.Match(asBytes(v)), v, true
				}
				hit[row-(lo-base)] = hit[row-(lo-base)] || was
			}
			last, any = "", false // the page's memory is used again
		})
		if errors.Is(err, pages.ErrOther) {
			err = scanRange(ctx, s.d.rows, lo, hi, func(r *record) {
				if s.holds(w.m, r) {
					found = append(found, uint32(r.index))
				}
			})
			return found, err
		}
		if err != nil {
			return nil, c.failed(lo-base, err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	for i, h := range hit {
		if h {
			found = append(found, uint32(lo+int64(i)))
		}
	}
	return found, nil
}
