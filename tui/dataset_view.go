package tui

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"tunebench/backend/dataset"
	"tunebench/tui/widget"
)

// rowCache keeps the drawn text of one row.
type rowCache struct {
	key   rowKey
	lines []string
}

type rowKey struct {
	ds      Dataset
	index   int64
	width   int
	format  string
	version int
	prompt  promptKey
	ids     bool
	alone   bool // not beside the table
}

// table lays out the columns in sight.
func (p *datasetPane) table(width int) (*widget.Table, []string) {
	m := p.info.Mapping
	cols := p.scrolled()
	num := max(4, len(widget.Count(p.info.Rows)))
	if len(p.marked) > 0 {
		num++ // for the mark
	}
	spec := []widget.Column{{Title: "row", Width: num, Right: true}}
	for i, name := range cols {
		need := max(p.wide[name], len(name), 4)
		c := widget.Column{Title: name, Width: min(14, need), Grow: 2, Drop: i + 1, Max: need}
		switch name {
		case m.Question, m.Messages:
			c.Width, c.Grow = min(34, need), 6
		case m.Answer:
			c.Width, c.Grow = min(16, need), 4
		case m.Category, m.ID:
			c.Width, c.Max = min(12, need), min(24, need)
		}
		if i == 0 {
			c.Drop = 0
		}
		spec = append(spec, c)
	}
	return widget.NewTable(p.app.look, width, spec...), cols
}

func (p *datasetPane) View() []string {
	p.cx = -1
	l := p.app.look
	switch {
	case p.ds == nil && p.err != nil:
		return p.app.message(p.w, p.h, widget.Bad, widget.MarkFailed, "The dataset could not be opened", p.err.Error(),
			hint{"r", "try again"}, hint{"o", "open another"})
	case p.ds == nil:
		return p.app.message(p.w, p.h, widget.Info, widget.MarkRunning, "Opening "+p.path, "")
	case p.mode == dataForm:
		return p.viewForm()
	case p.mode == dataPrepared:
		return p.viewPrepared()
	case p.mode == dataProfile:
		return p.viewProfile()
	case p.mode == dataColumns:
		return p.viewColumns()
	case p.mode == dataRow:
		lines := []string{p.titleLine(), widget.Blank(p.w)}
		text := p.rowText(p.w)
		h := p.h - 2
		p.textLen = len(text)
		p.textTop = max(0, min(p.textTop, len(text)-h))
		lines = append(lines, text[p.textTop:min(p.textTop+h, len(text))]...)
		return widget.Fit(lines, p.w, p.h)
	case p.info.Rows == 0 && p.info.RowsExact:
		return p.app.message(p.w, p.h, widget.Muted, widget.MarkUnknown, "This dataset has no rows", p.path,
			hint{"o", "open another"}, hint{"r", "read it again"})
	}

	lines := []string{p.titleLine(), widget.Blank(p.w)}
	h := p.h - 2
	var below []string // the line that is being typed in
	switch p.mode {
	case dataFind:
		below = []string{p.findLine()}
	case dataFilter:
		below = p.filterLines()
		p.cy = p.h - len(below)
	}
	h -= len(below)
	switch {
	case p.w >= 150 && h >= 12: // list and row side by side
		left := p.w * 3 / 5
		right := p.w - left - 3
		list := p.viewTable(left, h)
		text := widget.Fit(p.rowText(right), right, h)
		for i := range list {
			lines = append(lines, l.Row(p.w).Raw(list[i], left).Gap(1).Put(widget.Border, "│").Gap(1).Raw(text[i], right).String())
		}
	case h >= 28: // the row below the list
		list := max(10, h*3/5)
		lines = append(lines, p.viewTable(p.w, list)...)
		lines = append(lines, widget.Blank(p.w))
		lines = append(lines, widget.Fit(p.rowText(p.w), p.w, h-list-1)...)
	default:
		lines = append(lines, p.viewTable(p.w, h)...)
	}
	return append(widget.Fit(lines, p.w, p.h-len(below)), below...)
}

// titleLine names the dataset and says how big it is and where the cursor stands.
func (p *datasetPane) titleLine() string {
	r := p.app.look.Row(p.w).Gap(2)
	// What was asked for comes before what is always there.
	busy := (p.view != nil || p.search.list != nil || p.info.Stale != "") && p.w < 110
	name := p.path
	if s, ok := strings.CutPrefix(name, dataset.SamplePrefix); ok {
		r.Put(widget.Strong, s)
		if !busy {
			r.Gap(2).Put(widget.Faint, "the sample")
		}
	} else {
		r.Put(widget.Strong, filepath.Base(name))
	}
	rows := widget.Plural(p.info.Rows, "row")
	if !p.info.RowsExact {
		rows = "about " + rows
	}
	r.Gap(3).Put(widget.Muted, rows)
	if !busy {
		r.Gap(3).Put(widget.Muted, p.info.Format).Gap(1).Put(widget.Muted, widget.Bytes(p.info.Bytes))
		if p.info.Note != "" && r.Left() > len(p.info.Note)+16 {
			r.Gap(3).Put(widget.Faint, p.info.Note)
		}
	}
	if !p.info.RowsExact && p.info.Indexed < 1 {
		r.Gap(3).Put(widget.Info, fmt.Sprintf("indexing %.0f %%", p.info.Indexed*100))
	}
	if v := p.view; v != nil {
		n, done, _ := v.list.Scanned()
		shown := widget.Count(int64(v.list.Len())) + " shown"
		if !done {
			shown += fmt.Sprintf(" so far, %d %%", percent(n, p.info.Rows))
		}
		r.Gap(3).Put(widget.Accent, shown).Gap(1).Put(widget.Muted, v.name)
	} else if p.manifest != nil {
		r.Gap(3).Put(widget.Good, widget.MarkDone+" prepared")
	}
	if n := len(p.marked); n > 0 && p.w >= 80 {
		r.Gap(3).Put(widget.Accent, "*"+widget.Count(int64(n))).Put(widget.Muted, " marked")
	}
	at := "row " + widget.Count(p.current()+1)
	st := widget.Faint
	switch {
	case p.info.Stale != "":
		at, st = widget.MarkWarning+" "+p.info.Stale, widget.Warn
	case p.rowsErr != nil:
		at, st = widget.MarkFailed+" "+p.rowsErr.Error(), widget.Bad
	case p.search.list != nil && p.mode != dataFind:
		mark := ""
		if p.search.wait != 0 {
			mark, st = widget.MarkRunning+" ", widget.Info
		}
		at = mark + "/" + p.search.q.Text + "  " + p.searchState() + "   " + at
	}
	if w := p.app.look.Width(at); r.Left() > w+3 {
		r.Gap(r.Left()-w-2).Put(st, at)
	} else if st != widget.Faint { // it matters more than where the cursor is
		r.Gap(3).Put(st, at)
	}
	return r.String()
}

func (p *datasetPane) viewTable(width, height int) []string {
	p.scroll.Set(int(p.total()), height-1)
	t, cols := p.table(width)
	lines := []string{t.Head()}
	if p.view != nil && p.total() == 0 {
		text := "no row yet"
		if _, done, _ := p.view.list.Scanned(); done {
			text = "no row; esc shows all"
		}
		lines = append(lines, p.app.look.Row(width).Gap(2).Put(widget.Muted, text).String())
	}
	m := p.info.Mapping
	cells := make([]widget.Cell, len(cols)+1)
	for i := p.scroll.Top; i < p.scroll.End(); i++ {
		row, ok := p.row(i)
		cells[0] = widget.Cell{Text: widget.Count(int64(i) + 1), Style: widget.Faint}
		if p.view != nil {
			cells[0].Text = ""
			if ok {
				cells[0].Text = widget.Count(row.Index + 1)
			}
		}
		if len(p.marked) > 0 && (ok && p.marked[row.Index] || p.view == nil && p.marked[int64(i)]) {
			cells[0].Text, cells[0].Style = "*"+cells[0].Text, widget.Accent
		}
		for k, name := range cols {
			c := widget.Cell{Style: widget.Muted}
			switch {
			case !ok && k == 0:
				c = widget.Cell{Text: "..", Style: widget.Faint}
			case row.Err != "" && k == 0:
				c = widget.Cell{Text: widget.MarkFailed + " " + row.Err, Style: widget.Bad}
			case ok:
				c.Text, c.Hit = field(row, name), p.marks(name)
				if name == m.Question || name == m.Answer || name == m.Messages {
					c.Style = widget.Text
				}
			}
			cells[k+1] = c
		}
		lines = append(lines, t.Line(cells, i == p.scroll.Cursor, p.mode == dataTable))
	}
	return widget.Fit(lines, width, height)
}

// marks is what is marked in a column: what is searched, if it is searched there.
func (p *datasetPane) marks(column string) *regexp.Regexp {
	if p.search.list == nil || p.search.q.Column != "" && p.search.q.Column != column {
		return nil
	}
	return p.search.re
}

func field(r dataset.Row, name string) string {
	for _, f := range r.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// rowText is the whole row under the cursor: its parts, and what training sees.
func (p *datasetPane) rowText(width int) []string {
	row, ok := p.row(p.scroll.Cursor)
	if !ok {
		return []string{p.app.look.Row(width).Gap(2).Put(widget.Faint, "reading the row").String()}
	}
	key := rowKey{ds: p.ds, index: row.Index, width: width, format: p.format, version: p.app.look.Version(), prompt: p.prompt.key, ids: p.prompt.ids, alone: p.mode == dataRow}
	c := &p.cache
	if c.key != key || c.lines == nil {
		c.key, c.lines = key, p.drawRow(row, width)
	}
	return c.lines
}

func (p *datasetPane) drawRow(row dataset.Row, width int) []string {
	l := p.app.look
	lines := []string{l.Rule(width, "row "+widget.Count(row.Index+1), row.ID, false)}
	if row.Err != "" {
		return append(lines, paragraph(l, width, "error", row.Err, widget.Bad, 10)...)
	}
	label := 8
	for _, f := range row.Fields {
		label = min(max(label, l.Width(f.Name)), 16)
	}
	for _, name := range p.columns() {
		if name == p.info.Mapping.ID && row.ID != "" {
			continue
		}
		v := field(row, name)
		st := widget.Text
		if v == "" {
			v, st = "(empty)", widget.Faint
		}
		lines = append(lines, marked(l, width, name, v, st, label, p.marks(name))...)
	}
	lines = append(lines, widget.Blank(width))
	return append(lines, p.promptLines(row, width)...)
}

// paragraph is a label with wrapped text beside it.
func paragraph(l *widget.Look, width int, label, text string, st widget.Style, labelWidth int) []string {
	return marked(l, width, label, text, st, labelWidth, nil)
}

// marked is a paragraph with what re matches marked. A match that a line break
// parts is not.
func marked(l *widget.Look, width int, label, text string, st widget.Style, labelWidth int, re *regexp.Regexp) []string {
	indent := 2
	if labelWidth > 0 {
		indent += labelWidth + min(labelWidth, 2)
	}
	var lines []string
	for i, s := range l.Wrap(text, width-indent-2) {
		r := l.Row(width).Gap(2)
		if labelWidth > 0 {
			if i > 0 {
				label = ""
			}
			name := widget.Muted
			if labelWidth == 1 { // a mark and not a name
				name = st
			}
			r.Cell(name, label, labelWidth, false).Gap(min(labelWidth, 2))
		}
		lines = append(lines, r.MarkedLine(st, s, re).String())
	}
	return lines
}
