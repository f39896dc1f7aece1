package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/widget"
)

// manyBlocks bounds how many blocks of code are offered, the newest first.
const manyBlocks = 200

// code copies a block of code: the only one of the newest answers that have any,
// or one that is chosen among all.
func (p *chatPane) code() tea.Cmd {
	var all []entry
	newest := 0
	for n := len(p.turns) - 1; n >= 0 && len(all) < manyBlocks; n-- {
		t := p.turns[n]
		for _, m := range p.shownModels(t) {
			a := t.answers[m.ID]
			if a == nil {
				continue
			}
			for _, b := range widget.CodeBlocks(a.state.Text) {
				if b.Text == "" {
					continue
				}
				lines := int64(strings.Count(b.Text, "\n") + 1)
				what := "the code"
				if b.Word != "" {
					what = b.Word + " code"
				}
				all = append(all, entry{text: brief(b.Text), note: strings.TrimSpace(fmt.Sprintf("%s, question %d, %s %s", p.nameOf(m), n+1, widget.Plural(lines, "line"), b.Word)),
					do: func() tea.Cmd {
						return p.app.copy(fmt.Sprintf("%s of %s, %s:", what, p.nameOf(m), widget.Plural(lines, "line")), b.Text)
					}})
			}
		}
		if newest == 0 {
			newest = len(all)
		}
	}
	switch {
	case len(all) == 0:
		return p.app.say(widget.Info, widget.MarkUnknown, "there is no block of code in these answers; y copies them whole")
	case newest == 1:
		return all[0].do()
	}
	p.app.modal = newPicker(p.app, "Copy a block of code", "type to narrow; the newest are first", all)
	return nil
}
