package tui

import (
	"context"
	"fmt"
	"regexp"
	"sort"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/dataset"
	"tunebench/backend/dataset/match"
	"tunebench/tui/widget"
)

// view is a part of the dataset's rows: those that a filter keeps, or that a
// profile has pointed at. Nothing is copied; positions in it are turned into rows
// of the dataset when they are read.
type view struct {
	list RowList
	name string // the filter, or what the rows are
	// filter is the expression that keeps them, "" for rows chosen in another way.
	filter string
	stop   context.CancelFunc
	// keep is the row that the cursor is to stand on, or the first after it, once
	// it is found; -1 for none.
	keep int64
}

// search is what is looked for, and what was found so far.
type search struct {
	q    dataset.Query
	re   *regexp.Regexp // what is marked in the text
	list RowList
	stop context.CancelFunc
	// wait is the way in which the next hit is awaited: 1, -1, or 0.
	wait int
	gen  int // counts changes of the field, for the pause after typing
}

// total is how many rows the table has: all, or those of the view.
func (p *datasetPane) total() int64 {
	if p.view != nil {
		return int64(p.view.list.Len())
	}
	return p.info.Rows
}

// current is the dataset's number of the row under the cursor.
func (p *datasetPane) current() int64 {
	if p.view == nil {
		return int64(p.scroll.Cursor)
	}
	row, _ := p.view.list.At(p.scroll.Cursor)
	return row
}

// position is where a row of the dataset stands in the table, or where the first
// row after it does; false if there is none.
func (p *datasetPane) position(row int64) (int, bool) {
	if p.view == nil {
		return int(row), row < p.info.Rows
	}
	l := p.view.list
	i := sort.Search(l.Len(), func(i int) bool {
		at, ok := l.At(i)
		return !ok || at >= row
	})
	return i, i < l.Len()
}

// show shows only the rows of a list; the cursor stays on its row if that is one
// of them.
func (p *datasetPane) show(l RowList, name string, stop context.CancelFunc) tea.Cmd {
	keep := p.current()
	p.leaveView()
	v := &view{list: l, name: name, stop: stop, keep: keep}
	p.view = v
	p.rows, p.first, p.scroll = nil, 0, widget.Scroll{Height: p.scroll.Height}
	p.mode = dataTable
	return follow(p.ctx, l.Changed, func() time.Duration { return 100 * time.Millisecond }, func() (bool, tea.Cmd) {
		if p.view != v {
			return false, nil
		}
		_, done, err := l.Scanned()
		if v.keep >= 0 {
			if i, ok := p.position(v.keep); ok || done {
				v.keep = -1
				p.scroll.Len = int(p.total())
				p.scroll.To(i)
			}
		}
		if err != nil {
			return false, p.app.fail(err)
		}
		return !done, p.need()
	})
}

// leaveView forgets the view; rows and cursor are the caller's to set.
func (p *datasetPane) leaveView() {
	if p.view == nil {
		return
	}
	p.view.stop() // it ends the scan
	p.view = nil
}

// clear leaves the view, or else ends the search. The cursor stays on its row.
func (p *datasetPane) clear() tea.Cmd {
	if p.view == nil {
		p.dropSearch()
		return nil
	}
	at := p.current()
	p.leaveView()
	p.rows, p.first, p.scroll = nil, 0, widget.Scroll{Height: p.scroll.Height}
	return p.to(int(at))
}

func (p *datasetPane) nothingToClear() string {
	if p.view == nil && p.search.list == nil {
		return "all rows are shown, and nothing is searched"
	}
	return ""
}

// begin starts a search; the cursor is moved by next.
func (p *datasetPane) begin(q dataset.Query) (tea.Cmd, error) {
	q.Fold = q.Fold || match.Smart(q.Text)
	expr := q.Text
	if !q.Regexp {
		expr = regexp.QuoteMeta(expr)
	}
	if q.Fold {
		expr = "(?i)" + expr
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(p.ctx)
	l, err := p.ds.Search(ctx, q)
	if err != nil {
		cancel()
		return nil, err
	}
	p.dropSearch()
	s := &p.search
	s.q, s.re, s.list, s.stop, s.wait = q, re, l, cancel, 0
	p.cache.lines = nil // what is marked has changed
	return follow(p.ctx, l.Changed, func() time.Duration { return 100 * time.Millisecond }, func() (bool, tea.Cmd) {
		if p.search.list != l {
			return false, nil
		}
		_, done, err := l.Scanned()
		if err != nil {
			p.search.wait = 0
			return false, p.app.fail(err)
		}
		if p.search.wait != 0 {
			return !done, p.next(p.search.wait)
		}
		return !done, nil
	}), nil
}

func (p *datasetPane) dropSearch() {
	s := &p.search
	if s.list != nil {
		s.stop()
	}
	*s = search{gen: s.gen}
	p.cache.lines = nil
}

// next goes to the next hit after the cursor, or the last before it; if it is not
// found yet, it is gone to when it is. At the end it goes on from the other one.
func (p *datasetPane) next(way int) tea.Cmd {
	s := &p.search
	_, done, _ := s.list.Scanned() // before the look: nothing is found behind it
	s.wait = 0
	if row, ok := p.hit(p.current(), way); ok {
		return p.goToRow(row)
	}
	if !done {
		s.wait = way
		return nil
	}
	from := int64(-1)
	if way < 0 {
		from = p.info.Rows
	}
	row, ok := p.hit(from, way)
	switch {
	case !ok && s.list.Len() > 0:
		return p.app.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("%s, none of them in this view; esc shows all rows", widget.Plural(int64(s.list.Len()), "hit")))
	case !ok:
		return p.app.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("no row %s", s.words()))
	case row == p.current():
		return p.app.say(widget.Info, widget.MarkDone, "this is the only hit")
	}
	return tea.Batch(p.goToRow(row), p.app.say(widget.Info, widget.MarkDone, "searched on from the other end"))
}

// hit is the next hit from a row on, that row not included, which the view has.
func (p *datasetPane) hit(from int64, way int) (int64, bool) {
	for {
		var row int64
		var ok bool
		if way > 0 {
			row, ok = p.search.list.Next(from + 1)
		} else {
			row, ok = p.search.list.Prev(from)
		}
		if !ok || p.view == nil {
			return row, ok
		}
		if at, in := p.view.list.Next(row); in && at == row {
			return row, true
		}
		from = row
	}
}

func (p *datasetPane) goToRow(row int64) tea.Cmd {
	if i, ok := p.position(row); ok {
		return p.to(i)
	}
	return nil
}

// words says what is searched: `contains "x"`, `matches x in answer`.
func (s *search) words() string {
	w := fmt.Sprintf("contains %q", s.q.Text)
	if s.q.Regexp {
		w = fmt.Sprintf("matches %q", s.q.Text)
	}
	if s.q.Column != "" {
		w += " in " + s.q.Column
	}
	return w
}

// state says how far the search is: "12 hits", "12 hits so far, 40 %".
func (p *datasetPane) searchState() string {
	s := &p.search
	n := widget.Plural(int64(s.list.Len()), "hit")
	if rows, done, _ := s.list.Scanned(); !done {
		return fmt.Sprintf("%s so far, %d %%", n, percent(rows, p.info.Rows))
	}
	return n
}

func percent(n, of int64) int64 {
	if of <= 0 {
		return 0
	}
	return min(100*n/of, 99)
}
