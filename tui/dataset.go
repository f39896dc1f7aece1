package tui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/artifact"
	"tunebench/backend/dataset"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

type dataMode uint8

const (
	dataTable dataMode = iota
	dataRow
	dataFind
	dataFilter
	dataProfile
	dataColumns
	dataForm
	dataPrepared
	dataModes // how many there are
)

// datasetPane shows a file of examples and prepares it for training.
type datasetPane struct {
	app  *App
	w, h int
	mode dataMode
	keys [dataModes]*keys.Table

	path    string
	ds      Dataset
	info    dataset.Info
	err     error
	opening bool
	ctx     context.Context // of the open dataset
	cancel  context.CancelFunc

	rows    []dataset.Row // the window that was read last
	first   int64         // its first row
	reading bool
	rowsErr error
	scroll  widget.Scroll
	atEnd   bool           // the cursor goes along with the last row
	shift   int            // columns scrolled off at the left
	wide    map[string]int // column → width of its text in the first rows
	textTop int            // first line in sight of the row view
	textLen int
	format  string
	find    finding
	search  search
	filter  filtering
	view    *view // nil shows all rows
	profile profiling
	prompt  prompting
	arrange arranging
	mapping *dataset.Mapping // chosen by hand, nil when it is guessed
	marked  map[int64]bool   // rows of the dataset
	cache   rowCache

	keep int64 // row to stand on when the file is open again

	form      widget.Form
	preparing *progress
	manifest  *dataset.Manifest
	outDir    string
	prepErr   error
	cx, cy    int
}

func newDatasetPane(a *App) *datasetPane {
	p := &datasetPane{app: a, format: artifact.DefaultFormat}
	p.path = a.deps.Dataset
	if p.path == "" {
		p.path = a.deps.Datasets.Sample()
	}
	p.bind()
	return p
}

func (p *datasetPane) Title() string { return "Dataset" }

func (p *datasetPane) Status() string {
	if p.preparing != nil {
		return widget.MarkRunning
	}
	return ""
}

func (p *datasetPane) Animated() bool {
	if p.search.list != nil {
		if _, done, _ := p.search.list.Scanned(); !done {
			return true
		}
	}
	if p.view != nil {
		if _, done, _ := p.view.list.Scanned(); !done {
			return true
		}
	}
	return p.opening || p.preparing != nil || p.profile.running()
}

func (p *datasetPane) SetSize(w, h int) { p.w, p.h = w, h }

func (p *datasetPane) Show() tea.Cmd {
	if p.ds == nil && p.err == nil && !p.opening {
		return p.open(p.path)
	}
	return p.need()
}

// open opens another file; the one that is open stays until it has worked.
func (p *datasetPane) open(path string) tea.Cmd {
	p.opening = true
	mapping := p.mapping
	if path != p.path {
		mapping = nil
	}
	ctx, cancel := context.WithCancel(p.app.ctx)
	type opened struct {
		ds   Dataset
		rows []dataset.Row
	}
	return task(ctx, func(ctx context.Context) (opened, error) {
		ds, err := p.app.deps.Datasets.Open(ctx, path, mapping)
		if err != nil {
			return opened{}, err
		}
		rows, err := ds.Rows(ctx, 0, 200)
		if err != nil {
			return opened{}, errors.Join(err, ds.Close())
		}
		return opened{ds, rows}, nil
	}, func(o opened, err error) tea.Cmd {
		p.opening = false
		if err != nil {
			cancel()
			if p.ds != nil {
				return p.app.fail(fmt.Errorf("%s stays open: %w", filepath.Base(p.path), err))
			}
			p.path, p.err = path, err
			return nil
		}
		var shut tea.Cmd
		if old := p.ds; old != nil {
			p.cancel()
			shut = act(p.app.ctx, func(context.Context) error { return old.Close() }, p.reported)
		}
		if p.path != path {
			p.marked, p.arrange = nil, arranging{}
		}
		p.mapping = mapping
		p.view, p.search, p.profile = nil, search{}, profiling{} // of the file that was open
		p.ctx, p.cancel = ctx, cancel
		p.path, p.ds, p.err, p.rowsErr = path, o.ds, nil, nil
		p.rows, p.first, p.shift = o.rows, 0, 0
		p.info = p.ds.Info()
		p.measure()
		p.scroll = widget.Scroll{Height: p.scroll.Height}
		p.mode, p.manifest, p.outDir, p.prepErr = dataTable, nil, "", nil
		p.scroll.Len = int(p.total())
		p.scroll.To(int(p.keep))
		p.keep = 0
		return tea.Batch(shut, p.need(), follow(ctx, p.ds.Changed, func() time.Duration { return 100 * time.Millisecond }, p.changed))
	})
}

// reopen opens the file that is open again; the cursor stays on its row.
func (p *datasetPane) reopen() tea.Cmd {
	if p.ds != nil {
		p.keep = p.current()
	}
	return p.open(p.path)
}

// measure finds how wide the columns are, from the first rows. It is done once, so
// that nothing moves while scrolling.
func (p *datasetPane) measure() {
	p.wide = map[string]int{}
	for _, r := range p.rows {
		for _, f := range r.Fields {
			p.wide[f.Name] = max(p.wide[f.Name], p.app.look.Width(f.Value[:min(len(f.Value), 200)]))
		}
	}
}

// reported shows an error of work whose result nobody waits for.
func (p *datasetPane) reported(err error) tea.Cmd {
	if err != nil {
		return p.app.fail(err)
	}
	return nil
}

// changed takes over what the index has found out meanwhile.
func (p *datasetPane) changed() (bool, tea.Cmd) {
	was := p.info.Stale
	p.info = p.ds.Info()
	if p.info.Stale != "" && was == "" {
		return true, tea.Batch(p.need(), p.app.say(widget.Warn, widget.MarkWarning, p.info.Stale+" (r does)"))
	}
	if p.atEnd {
		return true, p.toEnd()
	}
	return true, p.need()
}

// need reads what is in sight and not there yet.
func (p *datasetPane) need() tea.Cmd { return tea.Batch(p.needRows(), p.needPrompt()) }

// needRows reads the rows in sight that are not there yet.
func (p *datasetPane) needRows() tea.Cmd {
	if p.ds == nil || p.reading {
		return nil
	}
	from := int64(p.scroll.Top)
	to := min(from+int64(max(p.scroll.Height, 1)), p.total())
	if from >= p.first && to <= p.first+int64(len(p.rows)) || to <= from {
		return nil
	}
	p.reading = true
	first := max(0, from-100)
	ds, v := p.ds, p.view
	return task(p.ctx, func(ctx context.Context) ([]dataset.Row, error) {
		if v != nil {
			return v.list.Rows(ctx, int(first), 300)
		}
		return ds.Rows(ctx, first, 300)
	}, func(rows []dataset.Row, err error) tea.Cmd {
		p.reading = false
		if p.view != v {
			return p.needRows() // of another view
		}
		if err != nil {
			p.rowsErr = err
			return nil
		}
		p.rows, p.first, p.rowsErr = rows, first, nil
		if n := p.ds.Info(); n.Rows != p.info.Rows {
			p.info = n
		}
		return nil
	})
}

// row returns row i if it has been read.
func (p *datasetPane) row(i int) (dataset.Row, bool) {
	k := int64(i) - p.first
	if k < 0 || k >= int64(len(p.rows)) {
		return dataset.Row{}, false
	}
	return p.rows[k], true
}

// to puts the cursor on row i.
func (p *datasetPane) to(i int) tea.Cmd {
	p.atEnd = false
	p.scroll.Len = int(p.total())
	p.scroll.To(i)
	p.textTop = 0
	return p.need()
}

// toEnd puts the cursor on the last row; while rows are still being counted, it
// goes along with the count.
func (p *datasetPane) toEnd() tea.Cmd {
	cmd := p.to(int(p.total()) - 1)
	p.atEnd = !p.info.RowsExact
	return cmd
}

func (p *datasetPane) jump(args string) tea.Cmd {
	s := strings.TrimSpace(args)
	n := p.info.Rows
	if pc, ok := strings.CutSuffix(s, "%"); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(pc), 64)
		if err != nil || f < 0 || f > 100 {
			return p.app.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("%q is no place: type a row such as 12, or a percentage such as 50%%", s))
		}
		return p.to(int(f / 100 * float64(p.total()-1)))
	}
	i, err := strconv.ParseInt(strings.ReplaceAll(s, ",", ""), 10, 64)
	if err != nil || i < 1 || i > n {
		return p.app.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("there is no row %q: the rows are 1 to %s", s, widget.Count(n)))
	}
	return p.goToRow(i - 1)
}

// trainPath is what a training job would be started on: the splits if they were
// prepared, else the file.
func (p *datasetPane) trainPath() string {
	if p.manifest != nil {
		return p.outDir
	}
	return p.path
}

func (p *datasetPane) Typing() *widget.Input {
	switch p.mode {
	case dataFind:
		return &p.find.in
	case dataFilter:
		return &p.filter.in
	case dataForm:
		if p.form.Typing() {
			return &p.form.Current().Input
		}
	}
	return nil
}

func (p *datasetPane) Edited() tea.Cmd {
	switch p.mode {
	case dataForm:
		p.form.Current().Err = ""
	case dataFind:
		return p.find.edited(p)
	case dataFilter:
		p.filter.edited(p.ds)
	}
	return nil
}

func (p *datasetPane) Cursor() (int, int, bool) { return p.cx, p.cy, p.cx >= 0 }

// noFile says why an action that needs a dataset cannot be used.
func (p *datasetPane) noFile() string {
	switch {
	case p.ds == nil && p.err != nil:
		return "no dataset is open; open one with o"
	case p.ds == nil:
		return "the dataset is being opened"
	case p.info.Rows == 0:
		return "the dataset has no rows; open another with o"
	}
	return ""
}

// noData says why an action that needs a row cannot be used.
func (p *datasetPane) noData() string {
	if why := p.noFile(); why != "" {
		return why
	}
	if p.total() == 0 {
		return "this view has no rows; esc shows all"
	}
	return ""
}
