package dataset

import (
	"bytes"
	"context"
	"strings"
	"unicode"
)

// findWindow is how many rows a backward search reads at a time.
const findWindow = 500

// matcher finds a query in rows. A query without capital letters matches
// either case.
type matcher struct {
	query string
	fold  bool
	// quick says that a row whose bytes do not hold the query cannot match, so
	// that it need not be parsed.
	quick bool
}

func newMatcher(query, format string) matcher {
	m := matcher{query: query, fold: !strings.ContainsFunc(query, unicode.IsUpper)}
	m.quick = format != "parquet" && !strings.ContainsFunc(query, func(r rune) bool {
		return r < ' ' || r == '"' || r == '\\' || r == '/' || r >= 0x7f
	})
	return m
}

func (m matcher) match(r *record) bool {
	if m.quick && !r.parsed && !m.inBytes(r.raw) {
		// JSON may spell any character as \uXXXX.
		if !bytes.Contains(r.raw, []byte(`\u00`)) {
			return false
		}
	}
	for _, f := range r.columns() {
		v := f.value
		if m.fold {
			v = strings.ToLower(v)
		}
		if strings.Contains(v, m.query) {
			return true
		}
	}
	return r.err != "" && m.inBytes(r.raw)
}

// inBytes looks for an ASCII query without decoding anything.
func (m matcher) inBytes(b []byte) bool {
	q := []byte(m.query)
	if !m.fold {
		return bytes.Contains(b, q)
	}
	lower := q[0]
	upper := byte(unicode.ToUpper(rune(lower)))
	for {
		i := bytes.IndexByte(b, lower)
		if upper != lower {
			end := len(b)
			if i >= 0 {
				end = i
			}
			if j := bytes.IndexByte(b[:end], upper); j >= 0 {
				i = j
			}
		}
		if i < 0 || len(b)-i < len(q) {
			return false
		}
		if bytes.EqualFold(b[i:i+len(q)], q) {
			return true
		}
		b = b[i+1:]
	}
}

// Find returns the nearest row at or after from (before from when backward)
// that holds query in one of its fields. A query without capital letters
// matches either case.
func (d *Dataset) Find(ctx context.Context, query string, from int64, backward bool) (row int64, ok bool, err error) {
	if query == "" {
		return 0, false, nil
	}
	m := newMatcher(query, d.format)
	if !backward {
		err = d.rows.scan(ctx, max(from, 0), func(r *record) bool {
			if m.match(r) {
				row, ok = r.index, true
			}
			return !ok
		})
		return row, ok, err
	}
	if n, exact, _ := d.rows.status(); exact {
		from = min(from, n)
	}
	for from > 0 && !ok {
		first := max(from-findWindow, 0)
		err = d.rows.scan(ctx, first, func(r *record) bool {
			if r.index >= from {
				return false
			}
			if m.match(r) {
				row, ok = r.index, true
			}
			return true
		})
		if err != nil {
			return 0, false, err
		}
		from = first
	}
	return row, ok, nil
}
