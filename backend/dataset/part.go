package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"tunebench/backend/safetext"
)

// rows is a file in one of the formats, or several of them.
type rows interface {
	// index does the work that need not be done before the first rows show.
	index(ctx context.Context, changed func()) error
	// status is the number of rows, whether it is exact, and the fraction indexed.
	status() (rows int64, exact bool, indexed float64)
	// scan calls f with the rows from first on until f returns false. The record
	// is good only within the call.
	scan(ctx context.Context, first int64, f func(r *record) bool) error
	// chunk returns the end of a piece of work that begins with row from, and
	// from itself when there is no such row. It waits for the index.
	chunk(ctx context.Context, from int64) (end int64, err error)
}

// part is one file of a dataset.
type part struct {
	src     *source
	rows    rows
	format  string
	columns []string
	note    string // how the file is read, where that is not the usual way
}

// openPart opens a file and reads its first rows.
func openPart(ctx context.Context, path string, o OpenOptions) (*part, error) {
	src, err := openSource(ctx, path, o)
	if err != nil {
		return nil, err
	}
	p := &part{src: src}
	if err := p.open(ctx); err != nil {
		src.stop()
		return nil, errors.Join(err, src.close())
	}
	return p, nil
}

func (p *part) open(ctx context.Context) error {
	shown := safetext.Line(p.src.path)
	head, err := p.src.head(ctx, readSize)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(bytes.TrimPrefix(head, []byte(utf8BOM)))) == 0 && int64(len(head)) == p.src.length() {
		return fmt.Errorf("%s is empty; a dataset needs at least one row", shown)
	}
	p.format = detect(p.src.path, head)
	if p.format == "parquet" {
		if p.src.raw != nil {
			return fmt.Errorf("%s is a Parquet file packed once more; unpack it first", shown)
		}
		c, err := openParquet(p.src)
		if err != nil {
			return err
		}
		p.rows, p.columns = c, c.columns
	} else {
		if err := checkText(p.src.path, head); err != nil {
			return err
		}
		if err := p.openText(head); err != nil {
			return err
		}
	}
	if n, exact, _ := p.rows.status(); exact && n == 0 {
		return fmt.Errorf("%s has no rows; a dataset needs at least one", shown)
	}
	return p.learnColumns(ctx)
}

// openText sets up the index of a text format and fills it for the first bytes.
func (p *part) openText(head []byte) error {
	start := 0
	if bytes.HasPrefix(head, []byte(utf8BOM)) {
		start = len(utf8BOM)
	}
	var split splitter = lines{}
	st := state{}
	parser := func() func([]byte) ([]field, error) { return new(objectParser).parse }
	what := "line"
	switch p.format {
	case "json":
		what = "row"
		start = len(head) - len(bytes.TrimLeftFunc(head[start:], unicode.IsSpace))
		if name, at := wrapped(head[start:]); at > 0 {
			p.note, start = fmt.Sprintf("rows from its list %q", safetext.Line(name)), start+at
			split, st = values{base: 1}, state{depth: 1}
		} else if head[start] == '[' {
			start++
			split, st = values{base: 1}, state{depth: 1}
		} else {
			split = values{}
		}
	case "csv", "tsv":
		what = "row"
		del := delimited{comma: ','}
		if p.format == "tsv" {
			del.comma = '\t'
		}
		if c := separator(head[start:], del.comma); c != del.comma {
			del.comma = c
			p.note = "separated by " + strings.ReplaceAll(string(c), "\t", "tabs")
		}
		split = del
		n, _ := del.next(head[start:], st)
		if n == 0 {
			return fmt.Errorf("%s has no row behind its first line, which names the columns", safetext.Line(p.src.path))
		}
		p.columns = header(del.fields(del.trim(head[start : start+n])))
		start += n
		columns := slices.Clone(p.columns)
		parser = func() func([]byte) ([]field, error) { return (&delimitedParser{del: del, columns: columns}).parse }
	}
	if p.format == "json" && st.depth == 1 && bytes.HasPrefix(bytes.TrimSpace(head[start:]), []byte("]")) {
		return fmt.Errorf("%s has no rows; a dataset needs at least one", safetext.Line(p.src.path))
	}
	t, err := newText(p.src, split, int64(start), st)
	if err != nil {
		return err
	}
	t.parser, t.what = parser, what
	p.rows = t
	_, err = t.extend(make([]byte, readSize))
	return err
}

// header gives every column a name of its own.
func header(names []string) []string {
	for i, name := range names {
		if name == "" {
			name = fmt.Sprintf("column %d", i+1)
		}
		for n := 2; slices.Contains(names[:i], name); n++ {
			name = fmt.Sprintf("%s %d", names[i], n)
		}
		names[i] = name
	}
	return names
}

// learnColumns collects the columns of the first rows, and refuses a file none
// of whose first rows can be read. It looks at no row that is not here yet.
func (p *part) learnColumns(ctx context.Context) error {
	seen, good, first := int64(0), 0, ""
	limit := int64(columnRows)
	if t, ok := p.rows.(*text); ok {
		t.mu.Lock()
		if t.rows > 0 && !t.ended {
			limit = min(limit, t.rows)
		}
		t.mu.Unlock()
	}
	err := p.rows.scan(ctx, 0, func(r *record) bool {
		for _, f := range r.columns() {
			if !slices.Contains(p.columns, f.name) && len(p.columns) < 1000 {
				p.columns = append(p.columns, f.name)
			}
		}
		if r.err == "" {
			good++
		} else if first == "" {
			first = r.err
		}
		seen++
		return seen < limit
	})
	if err != nil {
		return err
	}
	if good == 0 {
		return fmt.Errorf("%s has no readable row as %s: %s", safetext.Line(p.src.path), p.format, safetext.Line(first))
	}
	return nil
}
