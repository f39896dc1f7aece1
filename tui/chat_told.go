package tui

import (
	"fmt"

	"tunebench/backend/chat"
	"tunebench/tui/widget"
)

// toldTurns is how many questions are read aloud, from the last one back.
const toldTurns = 2

// told is the transcript as it is read aloud: one answer after the other, each
// when it is whole.
func (p *chatPane) told(cols []chat.Model, cw int) []string {
	l := p.app.look
	var lines []string
	first := max(0, len(p.turns)-toldTurns)
	if first > 0 {
		lines = append(lines, l.Row(p.w).Put(widget.Faint, fmt.Sprintf("%d earlier questions", first)).String())
	}
	for _, t := range p.turns[first:] {
		lines = append(lines, l.Row(p.w).Put(widget.Faint, "question: ").Put(widget.Strong, t.question).String())
		if t.reference != "" {
			lines = append(lines, l.Row(p.w).Put(widget.Faint, "reference: ").Put(widget.Muted, oneLine(t.reference)).String())
		}
		for i, m := range cols {
			name := m.Ref
			if p.hidden() {
				name = letter(i)
			}
			c := p.answerColumn(t, m, cw)
			if a := t.answers[m.ID]; a != nil && !a.state.Done() {
				c.parts = c.parts[len(c.parts)-1:]
			}
			for y := range c.height() {
				r := l.Row(p.w).Put(widget.Faint, name+": ")
				c.draw(r, y, cw)
				if s := r.String(); s != name+":" {
					lines = append(lines, s)
				}
			}
		}
	}
	return lines
}
