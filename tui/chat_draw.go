package tui

import (
	"fmt"
	"strings"

	"tunebench/backend/chat"
	"tunebench/backend/modelimport"
	"tunebench/tui/widget"
)

// part is lines of one column that look alike. What is in sight is drawn and
// nothing else: an answer may be megabytes.
type part struct {
	lines []string
	style widget.Style
	bar   bool // a bar stands in front of every line
	drawn bool // lines are as wide as the column, with their styles
}

// column is one model's share of a turn.
type column struct{ parts []part }

func (c *column) height() int {
	n := 0
	for _, p := range c.parts {
		n += len(p.lines)
	}
	return n
}

// draw adds the y-th line of a column of that width to a row.
func (c *column) draw(r *widget.Row, y, width int) {
	for i := range c.parts {
		p := &c.parts[i]
		if y >= len(p.lines) {
			y -= len(p.lines)
			continue
		}
		switch s := p.lines[y]; {
		case p.drawn:
			r.Raw(s, width)
		case p.bar:
			r.Put(widget.Border, "│ ").Put(p.style, s)
		default:
			r.Put(p.style, s)
		}
		return
	}
}

// turnLayout is where everything of a turn stands.
type turnLayout struct {
	head    []string // the question and the reference, over the whole width
	columns []column
	foot    []string // what a judge said, over the whole width
	height  int
	// rows are the lines as drawn, "" where not yet; only of a turn that has
	// ended.
	rows []string
}

// layout places a turn: the question over the whole width, the answers beside
// each other, an empty line.
func (p *chatPane) layout(t *chatTurn, cols []chat.Model, cw int) *turnLayout {
	l := p.app.look
	key := turnKey{width: p.w, left: p.left, version: l.Version(), show: p.view, plain: p.plain, diff: p.diff, hidden: p.hidden()}
	done := true
	for _, m := range cols {
		key.columns += m.ID + "\n"
		if a := t.answers[m.ID]; a != nil && !a.state.Done() {
			done = false
		}
	}
	if t.laid != nil && t.laidKey == key {
		return t.laid
	}
	t.laid = nil
	y := &turnLayout{}
	for i, s := range t.questionLines.Lines(l, t.question, p.w-6) {
		mark := ">"
		if i > 0 {
			mark = " "
		}
		y.head = append(y.head, l.Row(p.w).Gap(1).Put(widget.Faint, mark).Gap(1).Put(widget.Strong, s).String())
	}
	if p.round != nil && t.system != "" {
		y.head = append(y.head, l.Row(p.w).Gap(3).Put(widget.Faint, "system    ").Put(widget.Muted, oneLine(t.system)).String())
	}
	if t.reference != "" {
		y.head = append(y.head, l.Row(p.w).Gap(3).Put(widget.Faint, "reference ").Put(widget.Muted, oneLine(t.reference)).String())
	}
	tall := 0
	for _, m := range cols {
		c := p.answerColumn(t, m, cw)
		tall = max(tall, c.height())
		y.columns = append(y.columns, c)
	}
	if t.judged != "" {
		for _, s := range l.Wrap("the judge "+t.judge+" "+t.judged, p.w-6) {
			y.foot = append(y.foot, l.Row(p.w).Gap(3).Put(widget.Muted, s).String())
		}
	}
	y.height = len(y.head) + tall + len(y.foot) + 1
	if done {
		y.rows = make([]string, y.height)
		t.laid, t.laidKey = y, key
	}
	return y
}

// row draws one line of a turn.
func (p *chatPane) row(t *turnLayout, y, cw int) string {
	if t.rows != nil && t.rows[y] != "" {
		return t.rows[y]
	}
	s := ""
	switch {
	case y < len(t.head):
		s = t.head[y]
	case y == t.height-1:
		s = widget.Blank(p.w)
	case y >= t.height-1-len(t.foot):
		s = t.foot[y-(t.height-1-len(t.foot))]
	default:
		r := p.app.look.Row(p.w)
		for i := range t.columns {
			start := 1 + i*(cw+columnGap)
			if i > 0 {
				r.To(start-2).Put(widget.Border, "│")
			}
			r.To(start)
			t.columns[i].draw(r, y-len(t.head), cw)
		}
		s = r.String()
	}
	if t.rows != nil {
		t.rows[y] = s
	}
	return s
}

// lead is the free room below answers that are arriving. Columns beside each
// other cannot be scrolled by the terminal: every line that moves is sent again,
// so the text stands still until the room is used up, and then makes room again.
type lead struct {
	turn           *chatTurn
	height, window int
	room           int
}

// next takes how high the last turn is now and returns by how much it has grown.
func (f *lead) next(t *chatTurn, height, window int) (grown int) {
	if f.turn != t || f.window != window || height < f.height {
		*f = lead{turn: t, height: height, window: window}
		return 0
	}
	grown = height - f.height
	if f.room -= grown; f.room < 0 {
		f.room = window / 4
	}
	f.height = height
	return grown
}

// transcript draws the turns, the newest at the bottom, and returns height lines.
func (p *chatPane) transcript(cols []chat.Model, cw, height int) []string {
	if len(p.turns) == 0 {
		return p.teach(cols, cw, height)
	}
	if p.app.look.Linear() {
		return p.told(cols, cw)
	}
	// From the end upwards, and no further than what is in sight.
	var laid []*turnLayout
	total, first := 0, len(p.turns)
	for i := len(p.turns) - 1; i >= 0 && total < height+p.back; i-- {
		t := p.layout(p.turns[i], cols, cw)
		if i == len(p.turns)-1 {
			grown := p.lead.next(p.turns[i], t.height, height)
			if p.back > 0 {
				p.back += grown // what is being read stays where it is
			}
		}
		laid = append(laid, t)
		total += t.height
		first = i
	}
	if first == 0 {
		p.back = max(0, min(p.back, total-height))
	}
	// The lines from top on are in sight, counted from the oldest turn laid out.
	top := max(0, total-p.back-height)
	if p.back == 0 && total > height && p.streaming() > 0 {
		top = min(top+p.lead.room, total-1)
	}
	lines := make([]string, 0, height)
	at := 0
	for i := len(laid) - 1; i >= 0 && len(lines) < height; i-- {
		t := laid[i]
		for y := max(0, top-at); y < t.height && len(lines) < height; y++ {
			lines = append(lines, p.row(t, y, cw))
		}
		at += t.height
	}
	// A short transcript hangs from the top.
	return widget.Fit(lines, p.w, height)
}

// answerColumn is one model's answer in a column: the text, then its figures.
func (p *chatPane) answerColumn(t *chatTurn, m chat.Model, cw int) column {
	l := p.app.look
	a := t.answers[m.ID]
	if a == nil {
		return column{[]part{{lines: []string{"not asked"}, style: widget.Faint}}}
	}
	var c column
	s := &a.state
	if sent := p.sentOf(a); sent != "" {
		c.parts = append(c.parts, part{lines: l.Wrap(sent, cw-2), style: widget.Muted, bar: true})
	}
	if s.Text != "" {
		text := strings.TrimLeft(s.Text, " \n")
		if other, mine := p.against(t, m); other != nil && !l.Linear() {
			lines, _ := l.Diff(text, strings.TrimLeft(other.state.Text, " \n"), cw, mine)
			c.parts = append(c.parts, part{lines: lines, drawn: true})
		} else if p.plain || l.Linear() {
			c.parts = append(c.parts, part{lines: a.text.Lines(l, text, cw-1), style: widget.Text})
		} else {
			c.parts = append(c.parts, part{lines: a.marked.Lines(l, text, cw), drawn: true})
		}
	}
	if s.Err != "" {
		st := widget.Bad
		if !s.Done() { // it is tried again
			st = widget.Warn
		}
		said := s.Err
		if p.hidden() {
			said = p.anonymous(said)
		}
		c.parts = append(c.parts, part{lines: l.Wrap(said, cw-1), style: st})
	}
	if n := p.units[m.ID]; s.Phase == chat.Waking && n > 0 {
		price := fmt.Sprintf("waking it costs $%.2f: five minutes of %s at least", float64(n)*p.app.deps.Prices.CMUMinute*modelimport.Window.Minutes(), widget.Plural(int64(n), "custom model unit"))
		c.parts = append(c.parts, part{lines: l.Wrap(price, cw-1), style: widget.Muted})
	}
	if p.round == nil { // how fast it was, and how near to the reference, would sway
		c.parts = append(c.parts, part{lines: []string{p.figures(t, m, cw)}, drawn: true})
	}
	return c
}
