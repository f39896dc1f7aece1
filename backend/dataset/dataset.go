package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"unicode"

	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
)

// columnRows is how many rows are looked at to learn a file's columns.
const columnRows = 50

// OpenOptions say how a file is to be read.
type OpenOptions struct {
	// Mapping names the columns; nil lets them be guessed.
	Mapping *Mapping
}

// rows is a file in one of the formats.
type rows interface {
	// index does the work that need not be done before the first rows show.
	index(ctx context.Context, changed func()) error
	// status is the number of rows, whether it is exact, and the fraction indexed.
	status() (rows int64, exact bool, indexed float64)
	// scan calls f with the rows from first on until f returns false.
	scan(ctx context.Context, first int64, f func(r *record) bool) error
}

// Dataset is an open file of rows. Its methods are safe for concurrent use.
type Dataset struct {
	src     *source
	rows    rows
	format  string
	mapping Mapping
	columns []string

	changed  chan struct{}
	cancel   context.CancelFunc
	indexed  chan struct{} // closed when the indexer has ended
	indexErr error         // readable when indexed is closed
	close    sync.Once
	closeErr error
}

// Open opens a dataset: a JSONL, JSON, CSV, TSV or Parquet file, or
// "sample:NAME" for data that comes with the program. The first rows are ready
// when it returns; the rest is indexed behind. ctx bounds only the opening.
func Open(ctx context.Context, path string, o OpenOptions) (*Dataset, error) {
	src, err := openSource(path)
	if err != nil {
		return nil, err
	}
	d := &Dataset{src: src, changed: make(chan struct{}, 1), indexed: make(chan struct{})}
	if err := d.open(ctx, o); err != nil {
		return nil, errors.Join(err, src.close())
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.cancel = cancel
	go func() {
		defer close(d.indexed)
		d.indexErr = d.rows.index(run, d.notify)
		d.notify()
	}()
	return d, nil
}

func (d *Dataset) open(ctx context.Context, o OpenOptions) error {
	shown := safetext.Line(d.src.path)
	head, err := d.src.head(readSize)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(bytes.TrimPrefix(head, []byte(utf8BOM)))) == 0 && int64(len(head)) == d.src.size {
		return fmt.Errorf("%s is empty; a dataset needs at least one row", shown)
	}
	d.format = detect(d.src.path, head)
	if d.format == "parquet" {
		c, err := openParquet(d.src)
		if err != nil {
			return err
		}
		d.rows, d.columns = c, c.columns
	} else {
		if err := checkText(d.src.path, head); err != nil {
			return err
		}
		if err := d.openText(head); err != nil {
			return err
		}
	}
	if n, exact, _ := d.rows.status(); exact && n == 0 {
		return fmt.Errorf("%s has no rows; a dataset needs at least one", shown)
	}
	if err := d.learnColumns(ctx); err != nil {
		return err
	}
	d.mapping = guess(d.columns)
	if o.Mapping != nil {
		d.mapping = *o.Mapping
		if err := d.mapping.check(d.columns); err != nil {
			return fmt.Errorf("%s: %w", shown, err)
		}
	}
	return nil
}

// openText sets up the index of a text format and fills it for the first bytes.
func (d *Dataset) openText(head []byte) error {
	start := 0
	if bytes.HasPrefix(head, []byte(utf8BOM)) {
		start = len(utf8BOM)
	}
	var split splitter = lines{}
	st := state{}
	parse := parseObject
	what := "line"
	switch d.format {
	case "json":
		what = "row"
		start = len(head) - len(bytes.TrimLeftFunc(head[start:], unicode.IsSpace))
		if head[start] == '[' {
			start++
			split, st = values{base: 1}, state{depth: 1}
		} else {
			split = values{}
		}
	case "csv", "tsv":
		what = "row"
		del := delimited{comma: ','}
		if d.format == "tsv" {
			del.comma = '\t'
		}
		split = del
		n, _ := del.next(head[start:], st)
		if n == 0 {
			return fmt.Errorf("%s has no row behind its first line, which names the columns", safetext.Line(d.src.path))
		}
		d.columns = header(del.fields(del.trim(head[start : start+n])))
		start += n
		parse = d.delimitedRow(del)
	}
	if d.format == "json" && st.depth == 1 && bytes.HasPrefix(bytes.TrimSpace(head[start:]), []byte("]")) {
		return fmt.Errorf("%s has no rows; a dataset needs at least one", safetext.Line(d.src.path))
	}
	t, err := newText(d.src, split, int64(start), st)
	if err != nil {
		return err
	}
	t.parse, t.what = parse, what
	d.rows = t
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

func (d *Dataset) delimitedRow(del delimited) func([]byte) ([]field, error) {
	columns := slices.Clone(d.columns)
	return func(rec []byte) ([]field, error) {
		values := del.fields(rec)
		if len(values) != len(columns) {
			return nil, fmt.Errorf("it has %d fields where the header names %d", len(values), len(columns))
		}
		fields := make([]field, len(values))
		for i, v := range values {
			fields[i] = field{name: columns[i], value: v}
		}
		return fields, nil
	}
}

// learnColumns collects the columns of the first rows, and refuses a file none
// of whose first rows can be read.
func (d *Dataset) learnColumns(ctx context.Context) error {
	seen, good, first := 0, 0, ""
	err := d.rows.scan(ctx, 0, func(r *record) bool {
		for _, f := range r.columns() {
			if !slices.Contains(d.columns, f.name) && len(d.columns) < 1000 {
				d.columns = append(d.columns, f.name)
			}
		}
		if r.err == "" {
			good++
		} else if first == "" {
			first = r.err
		}
		seen++
		return seen < columnRows
	})
	if err != nil {
		return err
	}
	if good == 0 {
		return fmt.Errorf("%s has no readable row as %s: %s", safetext.Line(d.src.path), d.format, safetext.Line(first))
	}
	return nil
}

func (d *Dataset) notify() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// Info is what is known now.
func (d *Dataset) Info() Info {
	n, exact, indexed := d.rows.status()
	columns := make([]string, len(d.columns))
	for i, c := range d.columns {
		columns[i] = safetext.Line(c)
	}
	return Info{Path: d.src.path, Format: d.format, Bytes: d.src.size, Rows: n, RowsExact: exact, Columns: columns, Mapping: d.mapping, Indexed: indexed}
}

// Usable says whether rows have a question and an answer; the error is a
// *ColumnsError that says what is missing.
func (d *Dataset) Usable() error { return d.mapping.usable(d.src.path, d.columns) }

// Changed is signalled when Info has changed; signals coalesce.
func (d *Dataset) Changed() <-chan struct{} { return d.changed }

// WaitIndexed waits until the number of rows is exact.
func (d *Dataset) WaitIndexed(ctx context.Context) error {
	select {
	case <-d.indexed:
		return d.indexErr
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Rows returns up to n rows from first on, cleaned for display; fewer at the
// end. It waits when they are not indexed yet.
func (d *Dataset) Rows(ctx context.Context, first, n int64) ([]Row, error) {
	if n <= 0 || first < 0 {
		return nil, nil
	}
	var out []Row
	err := d.rows.scan(ctx, first, func(r *record) bool {
		out = append(out, d.mapping.row(r))
		return int64(len(out)) < n
	})
	return out, err
}

// Examples calls f with every row from first on, as training sees it, until f
// returns an error, which it returns; io.EOF from f ends it without one.
func (d *Dataset) Examples(ctx context.Context, first int64, f func(Example) error) error {
	var failed error
	err := d.rows.scan(ctx, first, func(r *record) bool {
		failed = f(d.mapping.example(r))
		return failed == nil
	})
	if errors.Is(failed, io.EOF) {
		return nil
	}
	return errors.Join(err, failed)
}

// Close ends the indexing and closes the file.
func (d *Dataset) Close() error {
	d.close.Do(func() {
		d.cancel()
		<-d.indexed
		d.closeErr = d.src.close()
	})
	return d.closeErr
}

// Render returns what a model is given for a row and what it is to answer, as
// text with the special tokens spelled out.
func Render(r Row, format string) (prompt, completion string, err error) {
	f, err := artifact.FormatByName(format)
	if err != nil {
		return "", "", err
	}
	if r.Err != "" {
		return "", "", errors.New(r.Err)
	}
	var msgs []artifact.Message
	if r.System != "" {
		msgs = append(msgs, artifact.Message{Role: artifact.RoleSystem, Content: r.System})
	}
	msgs = append(msgs, artifact.Message{Role: artifact.RoleUser, Content: r.Question})
	prompt = f.Prompt(msgs)
	whole := f.Prompt(append(msgs, artifact.Message{Role: artifact.RoleAssistant, Content: r.Answer}))
	return prompt, whole[len(prompt):], nil
}
