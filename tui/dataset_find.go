package tui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/dataset"
	"tunebench/backend/dataset/filter"
	"tunebench/tui/widget"
)

// finding is the line behind "/".
type finding struct {
	in     widget.Input
	regexp bool
	column string // "" searches all columns
	err    string
}

// findCommand opens the line, or searches at once for a text from the command
// line.
func (p *datasetPane) findCommand(text string) tea.Cmd {
	p.find.err = ""
	p.app.hush()
	if text != "" {
		return p.findTake(text)
	}
	p.find.in.Set("")
	p.find.in.Placeholder = "text to find; capitals count when you type one"
	return p.set(dataFind)
}

// findTake begins the search, unless it is the one that goes on already, and goes
// to the next hit.
func (p *datasetPane) findTake(text string) tea.Cmd {
	if text == "" {
		p.dropSearch()
		return p.set(dataTable)
	}
	q := dataset.Query{Text: text, Regexp: p.find.regexp, Column: p.find.column}
	var cmd tea.Cmd
	if s := &p.search; s.list == nil || s.q.Text != q.Text || s.q.Regexp != q.Regexp || s.q.Column != q.Column {
		var err error
		if cmd, err = p.begin(q); err != nil {
			p.find.err = err.Error()
			if p.mode != dataFind {
				return p.app.fail(err)
			}
			return nil
		}
	}
	return tea.Batch(p.set(dataTable), cmd, p.next(1))
}

// pause is how long typing has to rest before a search begins by itself.
const pause = 150 * time.Millisecond

// edited searches while the text is being typed, so that the number of hits is
// seen before enter; the cursor stays.
func (f *finding) edited(p *datasetPane) tea.Cmd {
	f.err = ""
	p.search.gen++
	gen := p.search.gen
	return later(p.ctx, pause, func() tea.Cmd {
		text := f.in.Value()
		if gen != p.search.gen || p.mode != dataFind {
			return nil
		}
		if text == "" {
			p.dropSearch()
			return nil
		}
		cmd, err := p.begin(dataset.Query{Text: text, Regexp: f.regexp, Column: f.column})
		if err != nil {
			f.err = err.Error()
		}
		return cmd
	})
}

// nextColumn takes the next column to search in; after the last one, all.
func (f *finding) nextColumn(cols []string) {
	if i := slices.Index(cols, f.column); i+1 < len(cols) {
		f.column = cols[i+1]
	} else {
		f.column = ""
	}
}

// line draws the field with what is searched how, and what was found.
func (p *datasetPane) findLine() string {
	f := &p.find
	var note string
	st := widget.Muted
	switch {
	case f.err != "":
		note, st = widget.MarkFailed+" "+f.err, widget.Bad
	case p.search.list != nil && f.in.Value() != "":
		note = p.searchState()
	}
	how := "all columns"
	if f.column != "" {
		how = "in " + f.column
	}
	if f.regexp {
		how += ", regular expression"
	}
	r := p.app.look.Row(p.w).Gap(1).Put(widget.Key, "/ ")
	right := p.app.look.Width(note) + p.app.look.Width(how) + 6
	p.cx, p.cy = 3+f.in.Line(r, max(p.w-4-right, 16), true), p.h-1
	if r.Left() >= right {
		r.Gap(r.Left()-right+2).Put(st, note).Gap(2).Put(widget.Faint, how)
	} else {
		r.Gap(1).Put(st, note)
	}
	return r.String()
}

// filtering is the line behind "&": an expression in the filter's language.
type filtering struct {
	in         widget.Input
	err        *filter.Error
	candidates []filter.Candidate
	from, to   int // bytes of the field that a candidate takes the place of
	chosen     int // the candidate that tab takes
}

func (p *datasetPane) filterCommand(expr string) tea.Cmd {
	f := &p.filter
	p.app.hush()
	if expr != "" {
		f.in.Set(expr)
		return p.filterTake()
	}
	if p.view == nil {
		f.in.Set("")
	}
	f.in.Placeholder = "len(answer) > 400 and id ~ ^flan"
	p.mode = dataFilter
	f.edited(p.ds)
	return nil
}

// edited looks up what could stand at the cursor. An error is shown when the
// filter is taken: one that is half typed is no mistake.
func (f *filtering) edited(ds Dataset) {
	f.err, f.chosen = nil, 0
	if ds == nil {
		return
	}
	f.candidates, f.from, f.to = ds.Complete(f.in.Value(), f.in.Cursor())
}

// complete puts the chosen candidate in.
func (f *filtering) complete(ds Dataset) {
	if len(f.candidates) == 0 {
		return
	}
	text, c := f.in.Value(), f.candidates[f.chosen%len(f.candidates)]
	from, to := min(f.from, len(text)), min(f.to, len(text))
	f.in.Set(text[:from] + c.Text + text[to:])
	f.in.SetCursor(from + len(c.Text))
	f.edited(ds)
}

// filterTake shows the rows that the filter keeps, or where it is wrong.
func (p *datasetPane) filterTake() tea.Cmd {
	f := &p.filter
	expr := strings.TrimSpace(f.in.Value())
	if expr == "" {
		p.mode = dataTable
		if p.view != nil {
			return p.clear()
		}
		return nil
	}
	ctx, cancel := context.WithCancel(p.ctx)
	l, err := p.ds.Filter(ctx, f.in.Value())
	if err != nil {
		cancel()
		var wrong *filter.Error
		if errors.As(err, &wrong) {
			f.err, p.mode = wrong, dataFilter
			return nil
		}
		return p.app.fail(err)
	}
	cmd := p.show(l, expr, cancel)
	p.view.filter = expr
	return cmd
}

// filterLines draws the field, and under it where it is wrong or what could stand
// there.
func (p *datasetPane) filterLines() []string {
	f, l := &p.filter, p.app.look
	r := l.Row(p.w).Gap(1).Put(widget.Key, "& ")
	x := f.in.Line(r, p.w-4, true)
	p.cx = 3 + x // the line itself is placed by who knows how many there are
	field := r.String()
	if f.err != nil {
		text := f.in.Value()
		from := min(f.err.From, len(text))
		to := min(max(f.err.To, from), len(text))
		// The field may have scrolled: what is left of it is known by the cursor.
		shift := x - l.Width(text[:min(f.in.Cursor(), len(text))])
		at := max(3+l.Width(text[:from])+shift, 3)
		under := l.Row(p.w).Gap(at).Put(widget.Bad, strings.Repeat("^", max(1, utf8.RuneCountInString(text[from:to])))).Gap(1)
		if under.Left() > l.Width(f.err.Message) {
			return []string{field, under.Put(widget.Bad, f.err.Message).String()}
		}
		lines := []string{field, under.String()}
		for _, s := range l.Wrap(f.err.Message, p.w-6) {
			lines = append(lines, l.Row(p.w).Gap(3).Put(widget.Bad, s).String())
		}
		return lines
	}
	under := l.Row(p.w).Gap(3)
	if len(f.candidates) > 0 {
		c := f.candidates[f.chosen%len(f.candidates)]
		under.Put(widget.Key, c.Text).Gap(1).Put(widget.Muted, c.Help)
		for i := 1; i < len(f.candidates) && under.Left() > 12; i++ {
			under.Gap(2).Put(widget.Faint, f.candidates[(f.chosen+i)%len(f.candidates)].Text)
		}
	}
	return []string{field, under.String()}
}
