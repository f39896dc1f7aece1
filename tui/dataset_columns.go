package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/dataset"
	"tunebench/tui/widget"
)

// arranging is how the columns are shown, and which part each one plays.
type arranging struct {
	order  []string // nil for the usual order; columns that are not in it come after it
	hidden map[string]bool
	frozen int // so many columns on the left do not scroll
	scroll widget.Scroll
	// draft is the mapping while it is being changed.
	draft dataset.Mapping
}

// parts are what a column can be to training, in the order in which they are
// offered.
var parts = []string{"", "question", "answer", "system", "context", "messages", "category", "id"}

var partHelp = map[string]string{"": "plays no part in training", "question": "what is asked", "answer": "what is learnt", "system": "the system prompt",
	"context": "put behind the question", "messages": "a conversation", "category": "scores are told by it", "id": "names the row"}

func partOf(m *dataset.Mapping, part string) *string {
	switch part {
	case "question":
		return &m.Question
	case "answer":
		return &m.Answer
	case "system":
		return &m.System
	case "context":
		return &m.Context
	case "messages":
		return &m.Messages
	case "category":
		return &m.Category
	case "id":
		return &m.ID
	}
	return nil
}

// partPlayed is the part that a column plays, "" for none.
func partPlayed(m dataset.Mapping, column string) string {
	for _, part := range parts[1:] {
		if *partOf(&m, part) == column {
			return part
		}
	}
	return ""
}

// assign gives a part to a column; who played it before does no longer.
func assign(m *dataset.Mapping, column, part string) {
	if old := partPlayed(*m, column); old != "" {
		*partOf(m, old) = ""
	}
	switch part {
	case "":
		return
	case "messages":
		m.Question, m.Answer, m.Context = "", "", ""
	case "question", "answer", "context":
		m.Messages = ""
	}
	*partOf(m, part) = column
}

// allColumns are the columns in the order chosen: unless it was changed, the parts
// that the mapping names first, in the order in which they are read.
func (p *datasetPane) allColumns() []string {
	m := p.info.Mapping
	cols := slices.Clone(p.arrange.order)
	for _, n := range append([]string{m.Question, m.Messages, m.Answer, m.Category, m.System, m.Context, m.ID}, p.info.Columns...) {
		if n != "" && !slices.Contains(cols, n) {
			cols = append(cols, n)
		}
	}
	return cols
}

// columns are those that are shown.
func (p *datasetPane) columns() []string {
	return slices.DeleteFunc(p.allColumns(), func(c string) bool { return p.arrange.hidden[c] })
}

// scrolled are the columns of the table: the frozen ones, and those that are not
// scrolled off.
func (p *datasetPane) scrolled() []string {
	cols := p.columns()
	frozen := min(p.arrange.frozen, len(cols))
	shift := max(0, min(p.shift, len(cols)-frozen-1))
	return append(cols[:frozen:frozen], cols[frozen+shift:]...)
}

func (p *datasetPane) openColumns() tea.Cmd {
	p.arrange.draft = p.info.Mapping
	p.mode = dataColumns
	return nil
}

// column is the one under the cursor.
func (p *datasetPane) column() string {
	cols := p.allColumns()
	if len(cols) == 0 {
		return ""
	}
	return cols[min(p.arrange.scroll.Cursor, len(cols)-1)]
}

func (p *datasetPane) toColumn(n int) {
	s := &p.arrange.scroll
	s.Len = len(p.allColumns())
	s.To(s.Cursor + n)
}

// hideColumn hides a column or shows it again; the last one stays.
func (p *datasetPane) hideColumn() tea.Cmd {
	c := p.column()
	if p.arrange.hidden == nil {
		p.arrange.hidden = map[string]bool{}
	}
	if p.arrange.hidden[c] {
		delete(p.arrange.hidden, c)
		return nil
	}
	if len(p.columns()) == 1 {
		return p.app.say(widget.Warn, widget.MarkWarning, "one column has to stay")
	}
	p.arrange.hidden[c] = true
	return nil
}

// moveColumn moves a column to the left or to the right.
func (p *datasetPane) moveColumn(n int) {
	cols := p.allColumns()
	i := p.arrange.scroll.Cursor
	if i >= len(cols) || i+n < 0 || i+n >= len(cols) {
		return
	}
	cols[i], cols[i+n] = cols[i+n], cols[i]
	p.arrange.order = cols
	p.toColumn(n)
}

// freezeColumns keeps the columns up to the cursor in sight, or frees them.
func (p *datasetPane) freezeColumns() {
	n := 0
	for i, c := range p.allColumns() {
		if i <= p.arrange.scroll.Cursor && !p.arrange.hidden[c] {
			n++
		}
	}
	if n == p.arrange.frozen {
		n = 0
	}
	p.arrange.frozen, p.shift = n, 0
}

// playPart asks which part the column under the cursor plays.
func (p *datasetPane) playPart() tea.Cmd {
	c := p.column()
	var all []entry
	at := 0
	for i, part := range parts {
		e := entry{text: or(part, "none"), note: partHelp[part], do: func() tea.Cmd { assign(&p.arrange.draft, c, part); return nil }}
		if part != "" && *partOf(&p.arrange.draft, part) != "" {
			e.note += "; now " + *partOf(&p.arrange.draft, part)
		}
		if part == partPlayed(p.arrange.draft, c) {
			at = i
		}
		all = append(all, e)
	}
	m := newPicker(p.app, "What "+c+" is", "type to narrow", all)
	m.scroll.Height = len(all)
	m.scroll.To(at)
	p.app.modal = m
	return nil
}

// leaveColumns goes back to the table; when parts were given to other columns, the
// file is read with them.
func (p *datasetPane) leaveColumns() tea.Cmd {
	if p.arrange.draft == p.info.Mapping {
		return p.set(dataTable)
	}
	m := p.arrange.draft
	p.mapping = &m
	return tea.Batch(p.set(dataTable), p.reopen())
}

// guessColumns takes back all that was arranged.
func (p *datasetPane) guessColumns() tea.Cmd {
	p.arrange = arranging{}
	p.shift = 0
	if p.mapping == nil {
		p.arrange.draft = p.info.Mapping
		return nil
	}
	p.mapping = nil
	return tea.Batch(p.set(dataTable), p.reopen())
}

// unprepared says why a job cannot read the dataset as it is arranged here.
func (p *datasetPane) unprepared() string {
	if why := p.noData(); why != "" {
		return why
	}
	if p.mapping != nil && p.manifest == nil {
		return "you chose which column is the question and the answer: prepare the rows with p, so that the splits carry your choice"
	}
	return ""
}

func (p *datasetPane) viewColumns() []string {
	l := p.app.look
	lines := []string{p.titleLine(), widget.Blank(p.w), l.Rule(p.w, "Columns", "", true)}
	t := widget.NewTable(l, p.w, widget.Column{Title: "shown", Width: 6}, widget.Column{Title: "column", Width: 14, Grow: 1, Max: 30},
		widget.Column{Title: "part", Width: 12}, widget.Column{Title: "in row " + widget.Count(p.current()+1), Width: 16, Grow: 4})
	lines = append(lines, t.Head())
	all := p.allColumns()
	foot := p.columnFoot()
	s := &p.arrange.scroll
	s.Set(len(all), max(1, p.h-len(lines)-len(foot)))
	row, _ := p.row(p.scroll.Cursor)
	frozen := p.arrange.frozen
	left := 0 // columns before this one that are shown
	for i, c := range all {
		shown, st := "yes", widget.Text
		switch {
		case p.arrange.hidden[c]:
			shown, st = "no", widget.Faint
		case left < frozen:
			shown = "frozen"
		}
		if !p.arrange.hidden[c] {
			left++
		}
		if i < s.Top || i >= s.End() {
			continue
		}
		part := partPlayed(p.arrange.draft, c)
		lines = append(lines, t.Line([]widget.Cell{{Text: shown, Style: st}, {Text: c, Style: st}, {Text: or(part, "-"), Style: map[bool]widget.Style{true: widget.Faint, false: widget.Accent}[part == ""]},
			{Text: field(row, c), Style: widget.Muted}}, i == s.Cursor, true))
	}
	lines = widget.Fit(lines, p.w, p.h-len(foot))
	return append(lines, foot...)
}

// columnFoot says what the parts make of a row.
func (p *datasetPane) columnFoot() []string {
	m, st := p.arrange.draft, widget.Muted
	text := "A row can be trained on: it has a question and an answer."
	switch {
	case m.Messages != "":
		text = "A row is trained on up to the first answer of its messages."
	case m.Question == "" || m.Answer == "":
		var miss []string
		for _, x := range []struct{ name, column string }{{"question", m.Question}, {"answer", m.Answer}} {
			if x.column == "" {
				miss = append(miss, "the "+x.name)
			}
		}
		text, st = "No column is "+strings.Join(miss, " or ")+" yet: the rows can be looked at, not trained on.", widget.Warn
	}
	if m != p.info.Mapping {
		text += " The file is read again with these parts when you leave."
	}
	var lines []string
	for _, s := range p.app.look.Wrap(text, p.w-4) {
		lines = append(lines, p.app.look.Row(p.w).Gap(2).Put(st, s).String())
	}
	return append([]string{widget.Blank(p.w)}, lines...)
}
