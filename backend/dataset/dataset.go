package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
)

// columnRows is how many rows are looked at to learn a file's columns.
const columnRows = 50

// OpenOptions say how a dataset is to be read.
type OpenOptions struct {
	// Mapping names the columns; nil lets them be guessed.
	Mapping *Mapping
	// Objects opens s3:// paths; nil refuses them.
	Objects Objects
	// Follow looks at the files this often: growth is taken in, and other
	// changes make Info.Stale. 0 means never.
	Follow time.Duration
	// Tokens counts tokens; the zero value estimates them.
	Tokens TokenCounter
	// Lazy leaves the index of text until something needs it; a search of lines
	// does not, and makes it on the way.
	Lazy bool
}

// Dataset is an open dataset of one or several files. Its methods are safe for
// concurrent use.
type Dataset struct {
	path    string
	parts   []*part
	rows    rows
	format  string
	mapping Mapping
	columns []string
	tokens  TokenCounter

	changed  chan struct{}
	run      context.Context // ends with Close
	cancel   context.CancelFunc
	wanted   chan struct{}  // closed when the index is to be built
	wantOnce sync.Once      // closes wanted
	indexed  chan struct{}  // closed when the indexer has ended
	indexErr error          // readable when indexed is closed
	watched  chan struct{}  // closed when the watcher has ended
	work     sync.WaitGroup // searches, filters and profiles under way
	close    sync.Once
	closeErr error

	mu    sync.Mutex
	grown int
	stale string
	known *repeats // what the last profile found
}

// Open opens a dataset: a JSONL, JSON, CSV, TSV or Parquet file, one of the text
// formats packed with gzip or zstd, a folder or an s3:// prefix of such files
// (in the order of their names), an s3:// object, several paths separated by the
// system's list separator, or "sample:NAME" for data that comes with the
// program. The first rows are ready when it returns; the rest is indexed behind.
// ctx bounds only the opening.
func Open(ctx context.Context, path string, o OpenOptions) (*Dataset, error) {
	paths, err := expand(ctx, path, o)
	if err != nil {
		return nil, err
	}
	d := &Dataset{path: path, changed: make(chan struct{}, 1), wanted: make(chan struct{}), indexed: make(chan struct{}), watched: make(chan struct{}), tokens: o.Tokens.orEstimate()}
	for _, p := range paths {
		part, err := openPart(ctx, p, o)
		if err != nil {
			return nil, errors.Join(err, d.closeParts())
		}
		if t, ok := part.rows.(*text); ok {
			t.want = d.want
		}
		d.parts = append(d.parts, part)
	}
	if err := d.join(o); err != nil {
		return nil, errors.Join(err, d.closeParts())
	}
	d.run, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if !o.Lazy || o.Follow > 0 {
		d.want()
	}
	go func() {
		defer close(d.indexed)
		select {
		case <-d.wanted:
		case <-d.run.Done():
			d.indexErr = d.run.Err()
			return
		}
		d.indexErr = d.rows.index(d.run, d.notify)
		d.notify()
	}()
	go func() {
		defer close(d.watched)
		if o.Follow > 0 {
			d.watch(d.run, o.Follow)
		}
	}()
	return d, nil
}

// join makes one dataset of the parts.
func (d *Dataset) join(o OpenOptions) error {
	d.format = d.parts[0].format
	for _, p := range d.parts {
		if p.format != d.format {
			d.format = "mixed"
		}
		for _, c := range p.columns {
			if !slices.Contains(d.columns, c) {
				d.columns = append(d.columns, c)
			}
		}
	}
	d.rows = d.parts[0].rows
	if len(d.parts) > 1 {
		d.rows = newSeries(d.parts)
	}
	d.mapping = guess(d.columns)
	if o.Mapping != nil {
		d.mapping = *o.Mapping
		if err := d.mapping.check(d.columns); err != nil {
			return fmt.Errorf("%s: %w", safetext.Line(d.path), err)
		}
	}
	return nil
}

// want has the index built.
func (d *Dataset) want() { d.wantOnce.Do(func() { close(d.wanted) }) }

func (d *Dataset) closeParts() error {
	var err error
	for _, p := range d.parts {
		p.src.stop()
		err = errors.Join(err, p.src.close())
	}
	return err
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
	info := Info{Path: d.path, Format: d.format, Rows: n, RowsExact: exact, Columns: columns, Mapping: d.mapping, Indexed: indexed}
	for _, p := range d.parts {
		info.Bytes += p.src.stored()
		if len(d.parts) > 1 {
			info.Files = append(info.Files, safetext.Line(p.src.path))
		}
		if info.Note == "" {
			info.Note = p.note
		}
	}
	d.mu.Lock()
	info.Grown, info.Stale = d.grown, d.stale
	d.mu.Unlock()
	return info
}

// Usable says whether rows have a question and an answer; the error is a
// *ColumnsError that says what is missing.
func (d *Dataset) Usable() error { return d.mapping.usable(d.path, d.columns) }

// Changed is signalled when Info has changed; signals coalesce.
func (d *Dataset) Changed() <-chan struct{} { return d.changed }

// WaitIndexed waits until the number of rows is exact.
func (d *Dataset) WaitIndexed(ctx context.Context) error {
	d.want()
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
	return d.examples(ctx, first, func(e Example) error { return f(e.keep()) })
}

// examples is Examples whose text lasts only as long as the call of f.
func (d *Dataset) examples(ctx context.Context, first int64, f func(Example) error) error {
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

// Close ends the indexing and everything that was started, and closes the files.
func (d *Dataset) Close() error {
	d.close.Do(func() {
		d.cancel()
		for _, p := range d.parts {
			p.src.stop()
		}
		<-d.indexed
		<-d.watched
		d.work.Wait()
		d.closeErr = d.closeParts()
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
