package tui

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/training"
	"tunebench/tui/widget"
)

// diff shows in what the job under the cursor and another one differ.
func (p *trainingPane) diff(other string) tea.Cmd {
	name := p.job().Name
	if other != "" {
		return p.showDiff(other, name)
	}
	var all []entry
	for _, j := range p.jobs {
		if j.Name != name {
			all = append(all, entry{text: j.Name, note: j.Status, do: func() tea.Cmd { return p.showDiff(j.Name, name) }})
		}
	}
	if len(all) == 0 {
		return p.app.say(widget.Warn, widget.MarkWarning, "there is no other training job to compare with")
	}
	pk := newPicker(p.app, "What differs from which job?", "type to narrow", all)
	pk.empty = "no job of that name"
	p.app.modal = pk
	return nil
}

func (p *trainingPane) showDiff(a, b string) tea.Cmd {
	svc := p.app.svc.Training
	return task(p.app.ctx, func(ctx context.Context) ([]training.Difference, error) { return svc.Diff(ctx, a, b) }, func(d []training.Difference, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		p.app.modal = &sheet{app: p.app, title: "What differs", lines: func(l *widget.Look, w int) []string { return diffLines(l, w, a, b, d) }}
		return nil
	})
}

// diffLines tell differences as a diff does: what, then each side's value.
func diffLines(l *widget.Look, w int, a, b string, all []training.Difference) []string {
	lines := []string{l.Row(w).Gap(1).Put(widget.Bad, "- ").Put(widget.Muted, a).String(), l.Row(w).Gap(1).Put(widget.Good, "+ ").Put(widget.Muted, b).String(), widget.Blank(w)}
	if len(all) == 0 {
		return append(lines, l.Row(w).Gap(1).Put(widget.Text, "no difference is known: rows, settings and options are the same").String())
	}
	const name = 18
	for _, d := range all {
		what := d.What[strings.LastIndexByte(d.What, '.')+1:]
		if f := jobFields[what]; f != nil {
			what = f.label
		}
		for _, side := range []struct {
			mark, v string
			st      widget.Style
		}{{"-", d.A, widget.Bad}, {"+", d.B, widget.Good}} {
			text := widget.Text
			if side.v == "" {
				text = widget.Faint
			}
			for _, s := range l.Wrap(or(side.v, "not set"), w-name-6) {
				lines = append(lines, l.Row(w).Gap(1).Cell(widget.Text, what, name, false).Gap(1).Put(side.st, side.mark).Gap(1).Put(text, s).String())
				what, side.mark = "", " "
			}
		}
	}
	return lines
}
