package dataset

import (
	"context"

	"tunebench/backend/dataset/match"
)

// findWindow is how many rows a backward search reads at a time.
const findWindow = 2000

// Find returns the nearest row at or after from (before from when backward)
// that holds query in one of its fields. A query without capital letters
// matches either case.
func (d *Dataset) Find(ctx context.Context, query string, from int64, backward bool) (row int64, ok bool, err error) {
	if query == "" {
		return 0, false, nil
	}
	if !backward {
		return d.findForward(ctx, query, from)
	}
	p, err := match.New(query, match.Options{Fold: match.Smart(query)})
	if err != nil {
		return 0, false, err
	}
	s, m := &searcher{d: d, p: p}, p.Matcher()
	if n, exact, _ := d.rows.status(); exact {
		from = min(from, n)
	}
	for from > 0 && !ok {
		first := max(from-findWindow, 0)
		err = scanRange(ctx, d.rows, first, from, func(r *record) {
			if s.holds(m, r) {
				row, ok = r.index, true
			}
		})
		if err != nil {
			return 0, false, err
		}
		from = first
	}
	return row, ok, nil
}

func (d *Dataset) findForward(ctx context.Context, query string, from int64) (int64, bool, error) {
	hits, err := d.Search(ctx, Query{Text: query, Fold: match.Smart(query), From: from})
	if err != nil {
		return 0, false, err
	}
	defer hits.Close()
	for {
		if row, ok := hits.At(0); ok {
			return row, true, nil
		}
		if _, done, err := hits.Scanned(); done {
			if err == nil {
				err = ctx.Err()
			}
			row, ok := hits.At(0)
			return row, ok, err
		}
		select {
		case <-hits.Changed():
		case <-ctx.Done():
			return 0, false, ctx.Err()
		}
	}
}
