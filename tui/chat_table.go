package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

// sessionTable is every answer of the session, a line each.
type sessionTable struct {
	lines  []tableLine
	totals []chat.Total
	stamp  string // of what the lines were made from
	order  int    // index into tableOrders
	down   bool   // the other way round
	scroll widget.Scroll
}

// tableLine is one answer and the turn it belongs to.
type tableLine struct {
	chat.Figure
	turn *chatTurn
}

// tableOrders are the columns by which the table is sorted. What is usually
// looked for comes first.
var tableOrders = []struct {
	name string
	by   func(a, b tableLine) int
}{
	{"as asked", func(a, b tableLine) int { return 0 }},
	{"by model", func(a, b tableLine) int { return cmp.Compare(a.Model, b.Model) }},
	{"by first token", func(a, b tableLine) int { return known(a.FirstTokenMS, b.FirstTokenMS) }},
	{"by tokens/s", func(a, b tableLine) int { return cmp.Compare(b.TokensPerSecond, a.TokensPerSecond) }},
	{"by tokens out", func(a, b tableLine) int { return cmp.Compare(b.Output, a.Output) }},
	{"by cost", func(a, b tableLine) int { return cmp.Compare(b.Cost.USD, a.Cost.USD) }},
	{"by score", func(a, b tableLine) int { return cmp.Compare(worth(b.F1), worth(a.F1)) }},
}

// known orders what is not known, 0, behind everything else.
func known(a, b float64) int {
	if (a == 0) != (b == 0) {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}

func worth(v *float64) float64 {
	if v == nil {
		return -1
	}
	return *v
}

// noTable says why there is no table.
func (p *chatPane) noTable() string {
	if why := p.noTurn(); why != "" {
		return why
	}
	if p.hidden() {
		return "names are hidden until a vote; B shows them"
	}
	return ""
}

func (p *chatPane) openTable() tea.Cmd {
	p.mode, p.table = chatTable, sessionTable{}
	p.fillTable()
	p.table.scroll.Set(len(p.table.lines), max(p.h, 1))
	p.table.scroll.To(len(p.table.lines) - 1)
	return nil
}

// fillTable makes the lines anew when there is more to show.
func (p *chatPane) fillTable() {
	var stamp strings.Builder
	fmt.Fprint(&stamp, len(p.turns), " ", p.table.order, p.table.down)
	for _, t := range p.turns {
		fmt.Fprint(&stamp, " ", len(t.votes))
		for _, m := range t.models {
			if s := t.answers[m.ID].state; !s.Done() {
				fmt.Fprint(&stamp, "+", s.Stats.OutputTokens, s.Phase)
			}
		}
	}
	if stamp.String() == p.table.stamp {
		return
	}
	tb := &p.table
	tb.stamp, tb.lines = stamp.String(), nil
	var figures []chat.Figure
	for n, t := range p.turns {
		for _, m := range p.shownModels(t) {
			a := t.answers[m.ID]
			f := chat.FigureOf(n+1, brief(t.question), a.state, a.cost)
			if f1, exact, ok := p.score(t.reference, a); ok {
				f.F1, f.Exact = &f1, exact
			}
			f.Vote = t.verdict(m)
			figures = append(figures, f)
			tb.lines = append(tb.lines, tableLine{f, t})
		}
	}
	tb.totals = chat.Totals(figures)
	slices.SortStableFunc(tb.lines, tableOrders[tb.order].by)
	if tb.down {
		slices.Reverse(tb.lines)
	}
}

// tableKeys is the table's table of keys.
func (p *chatPane) tableKeys() *keys.Table {
	tb := &p.table
	move := func(f func()) func(string) tea.Cmd {
		return func(string) tea.Cmd { f(); return nil }
	}
	back := func(string) tea.Cmd { p.mode = chatKeys; return nil }
	return &keys.Table{Scope: "Chat, table", Bindings: []keys.Binding{
		{ID: "chat.table-open", Keys: []string{"enter"}, Label: "answer", Help: "show this answer in the conversation", Rank: 1, Do: func(string) tea.Cmd { return p.goToAnswer() }},
		{ID: "chat.table-sort", Keys: []string{"s"}, Label: "sort", Help: "sort by the next column", Rank: 2, Do: move(func() { tb.order, tb.down = (tb.order+1)%len(tableOrders), false })},
		{ID: "chat.table-reverse", Keys: []string{"r"}, Label: "reverse", Help: "turn the order round", Rank: 3, Do: move(func() { tb.down = !tb.down })},
		{ID: "chat.table-export", Keys: []string{"w"}, Label: "export", Help: "write the session with its figures to a file: .md, .jsonl or .csv", Args: "FILE", Rank: 4, Do: p.export},
		{ID: "chat.table-copy", Keys: []string{"y"}, Label: "copy", Help: "copy this answer", Rank: 6, Do: func(string) tea.Cmd {
			t, m, ok := p.atAnswer()
			if !ok {
				return nil
			}
			return p.app.copy("the answer of "+m.Ref+":", t.answers[m.ID].state.Text)
		}},
		{ID: "chat.table-along", Keys: []string{"c"}, Label: "as code", Help: "copy the request of this answer as an aws command, as boto3 or as Go", Rank: 7, Do: func(string) tea.Cmd {
			t, m, ok := p.atAnswer()
			if !ok {
				return nil
			}
			return p.alongOf(t, []chat.Model{m}, "")
		}},
		{ID: "chat.table-resend", Keys: []string{"E"}, Label: "edit again", Help: "change this question and send it again, in a branch of its own", Do: func(string) tea.Cmd {
			if t, _, ok := p.atAnswer(); ok {
				return p.resend(strconv.Itoa(slices.Index(p.turns, t) + 1))
			}
			return nil
		}},
		{ID: "chat.table-back", Keys: []string{"esc", "T"}, Label: "answers", Help: "back to the answers", Rank: 5, Do: back},
		{ID: "chat.table-up", Keys: []string{"up", "k"}, Label: "up", Help: "answer before", Hidden: true, Do: move(func() { tb.scroll.Move(-1) })},
		{ID: "chat.table-down", Keys: []string{"down", "j"}, Label: "down", Help: "next answer", Hidden: true, Do: move(func() { tb.scroll.Move(1) })},
		{ID: "chat.table-page-up", Keys: []string{"pgup", "ctrl+u"}, Label: "page up", Help: "page up", Hidden: true, Do: move(func() { tb.scroll.Page(-1) })},
		{ID: "chat.table-page-down", Keys: []string{"pgdown", "ctrl+d"}, Label: "page down", Help: "page down", Hidden: true, Do: move(func() { tb.scroll.Page(1) })},
		{ID: "chat.table-top", Keys: []string{"g", "home"}, Label: "first", Help: "first answer", Hidden: true, Do: move(func() { tb.scroll.To(0) })},
		{ID: "chat.table-end", Keys: []string{"G", "end"}, Label: "last", Help: "last answer", Hidden: true, Do: move(func() { tb.scroll.To(tb.scroll.Len) })},
	}}
}

// atAnswer is the answer under the cursor.
func (p *chatPane) atAnswer() (*chatTurn, chat.Model, bool) {
	tb := &p.table
	if tb.scroll.Cursor >= len(tb.lines) {
		return nil, chat.Model{}, false
	}
	f := tb.lines[tb.scroll.Cursor]
	i := slices.IndexFunc(f.turn.models, func(m chat.Model) bool { return m.Ref == f.Model })
	return f.turn, f.turn.models[i], true
}

// goToAnswer shows the turn of the answer under the cursor at the top.
func (p *chatPane) goToAnswer() tea.Cmd {
	tb := &p.table
	if tb.scroll.Cursor >= len(tb.lines) {
		return nil
	}
	p.mode, p.back = chatKeys, 0
	cols, cw := p.inSight()
	at := slices.Index(p.turns, tb.lines[tb.scroll.Cursor].turn)
	below := 0
	for _, t := range p.turns[max(at, 0):] {
		below += p.layout(t, cols, cw).height
	}
	p.back = max(0, below-p.bodyHeight())
	return nil
}

// viewTable draws the table: the answers, and the models below them.
func (p *chatPane) viewTable() []string {
	l, tb := p.app.look, &p.table
	p.fillTable()
	voted := slices.ContainsFunc(tb.lines, func(f tableLine) bool { return f.Vote != "" })
	scored := slices.ContainsFunc(tb.lines, func(f tableLine) bool { return f.F1 != nil })
	name, colour := 8, map[string]widget.Style{}
	for i, t := range tb.totals {
		name = max(name, l.Width(t.Model))
		colour[t.Model] = widget.Series(i)
	}
	cost := 6
	for _, f := range tb.lines {
		cost = max(cost, l.Width(paid(f.Cost).Text))
	}
	for _, t := range tb.totals {
		cost = max(cost, l.Width(t.Cost()))
	}
	cols := []widget.Column{{Title: "#", Width: 3, Right: true}, {Title: "question", Width: max(8, min(16, p.w-50)), Grow: 3, Max: 80}, {Title: "model", Width: 12, Grow: 1, Max: max(name, 12), Name: true},
		{Title: "first", Width: 7, Right: true}, {Title: "tokens/s", Width: 8, Right: true}, {Title: "in", Width: 6, Right: true, Drop: 5}, {Title: "out", Width: 6, Right: true, Drop: 3},
		{Title: "ended", Width: 11, Drop: 4}, {Title: "cost", Width: cost, Right: true}}
	if scored {
		cols = append(cols, widget.Column{Title: "F1", Width: 5, Right: true, Drop: 1})
	}
	if voted {
		cols = append(cols, widget.Column{Title: "vote", Width: 8, Drop: 2})
	}
	table := widget.NewTable(l, p.w, cols...)
	line := func(number, question, model, first, rate, in, out string, ended widget.Cell, cost, f1 widget.Cell, vote string) []widget.Cell {
		cells := []widget.Cell{{Text: number, Style: widget.Faint}, {Text: question}, {Text: model, Style: colour[model]}, {Text: first}, {Text: rate}, {Text: in}, {Text: out}, ended, cost}
		if scored {
			cells = append(cells, f1)
		}
		if voted {
			cells = append(cells, widget.Cell{Text: vote, Style: widget.Accent})
		}
		return cells
	}
	order := tableOrders[tb.order].name
	if tb.down {
		order += ", the other way round"
	}
	lines := []string{l.Rule(p.w, "Every answer of this session", order, true), table.Head()}
	foot := 3 + len(tb.totals)
	tb.scroll.Set(len(tb.lines), max(p.h-len(lines)-foot, 1))
	for i := tb.scroll.Top; i < tb.scroll.End(); i++ {
		f := tb.lines[i]
		_, st := widget.Status(string(f.Phase))
		if cutShort(f.StopReason) {
			st = widget.Warn
		}
		f1 := widget.Cell{Text: scoreOf(f.F1)}
		if f.Exact {
			f1 = widget.Cell{Text: "exact", Style: widget.Good}
		}
		lines = append(lines, table.Line(line(fmt.Sprint(f.Number), f.Question, f.Model, millisText(f.FirstTokenMS), count(f.TokensPerSecond), count(float64(f.Input)), count(float64(f.Output)),
			widget.Cell{Text: f.Ended(), Style: st}, paid(f.Cost), f1, f.Vote), i == tb.scroll.Cursor, true))
	}
	if spare := p.h - len(lines) - foot; spare > 0 && !l.Linear() {
		lines = append(lines, slices.Repeat([]string{widget.Blank(p.w)}, min(spare, 1))...)
	}
	note := "medians of times, sums of tokens and cost"
	if voted {
		note += "; votes: won-lost-neither"
	}
	lines = append(lines, l.Rule(p.w, "Each model", note, false))
	for _, t := range tb.totals {
		votes := t.Votes()
		lines = append(lines, table.Line(line("", fmt.Sprintf("%d of %d finished", t.Finished, t.Answers), t.Model, millisText(t.FirstTokenMS), count(t.TokensPerSecond), count(float64(t.Input)), count(float64(t.Output)),
			widget.Cell{}, widget.Cell{Text: t.Cost(), Style: widget.Strong}, widget.Cell{Text: scoreOf(t.F1), Style: widget.Strong}, votes), false, false))
	}
	return widget.Fit(append(lines, p.tableNote()...), p.w, p.h)
}

// tableNote says how the cost of the answer under the cursor was reckoned.
func (p *chatPane) tableNote() []string {
	l, tb := p.app.look, &p.table
	r := l.Row(p.w).Gap(2)
	if tb.scroll.Cursor < len(tb.lines) {
		if f := tb.lines[tb.scroll.Cursor]; f.CostBasis != "" {
			r.Put(widget.Faint, "cost: "+f.CostBasis)
		}
	}
	return []string{widget.Blank(p.w), r.String()}
}

// paid is a cost in the table; what stands below the table says more.
func paid(c chat.Cost) widget.Cell {
	switch {
	case c == (chat.Cost{}):
		return widget.Cell{} // it has not ended
	case !c.Known:
		return widget.Cell{Text: "unknown", Style: widget.Faint}
	}
	return widget.Cell{Text: chat.Money(c.USD)}
}

func scoreOf(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.2f", *v)
}

// count is a number that may be unknown, which 0 stands for.
func count(v float64) string {
	if v <= 0 {
		return ""
	}
	return widget.Count(int64(v + 0.5))
}

func millisText(ms float64) string {
	if ms <= 0 {
		return ""
	}
	return widget.Took(time.Duration(ms * float64(time.Millisecond)))
}
