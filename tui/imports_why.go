package tui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/modelimport"
	"tunebench/tui/widget"
)

// why is what the preflight says of a failed job's artifact.
type why struct {
	running bool
	checks  []modelimport.Check
	err     error
}

func (p *importPane) notFailed() string {
	if s := p.noImportJob(); s != "" {
		return s
	}
	if j := p.job(); j == nil || j.Status != "Failed" {
		return "only a job that failed can be explained"
	}
	return ""
}

// explain checks the artifact of the failed job under the cursor.
func (p *importPane) explain() tea.Cmd {
	j := *p.job()
	if w := p.whys[j.Name]; w != nil && w.running {
		return nil
	}
	w := &why{running: true}
	p.whys[j.Name] = w
	return task(p.app.ctx, func(ctx context.Context) ([]modelimport.Check, error) {
		return p.app.svc.Imports.Explain(ctx, j)
	}, func(checks []modelimport.Check, err error) tea.Cmd {
		w.running, w.checks, w.err = false, checks, err
		return nil
	})
}

// whyLines shows the explanation of a failed job, or how to get it.
func (p *importPane) whyLines(j *modelimport.Job) []string {
	l, w := p.app.look, p.whys[j.Name]
	switch {
	case w == nil:
		return []string{keyLine(l, p.w, hint{"x", "check its artifact: which check does it not pass?"})}
	case w.running:
		return []string{l.Row(p.w).Gap(2).Put(widget.Info, widget.MarkRunning).Gap(1).Put(widget.Muted, "checking its artifact").String()}
	case w.err != nil:
		return paragraph(l, p.w, widget.MarkWarning, "its artifact could not be looked at: "+w.err.Error(), widget.Warn, 1)
	case len(w.checks) == 0:
		return paragraph(l, p.w, widget.MarkDone, "the preflight finds nothing wrong with its artifact as it is now", widget.Muted, 1)
	}
	var lines []string
	for _, c := range w.checks {
		lines = append(lines, paragraph(l, p.w, widget.MarkFailed, c.Title+": "+c.Evidence, widget.Bad, 1)...)
		lines = append(lines, paragraph(l, p.w, "→", c.Remedy, widget.Key, 1)...)
	}
	return lines
}

// span is how long something usually takes: "8.0 s to 14 min".
func span(u modelimport.Usual) string {
	lo, hi := widget.Took(u.Low), widget.Took(u.High)
	if lo == hi {
		return "about " + hi
	}
	return fmt.Sprintf("%s to %s", lo, hi)
}
