package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/tui/widget"
)

// proof is what became of asking an imported model in every form. It is kept for
// each model while the workbench runs.
type proof struct {
	running bool
	verdict chat.Verdict
	err     error
	at      time.Time // when it ended
}

// prove asks the model under the cursor its questions in every form.
func (p *importPane) prove() tea.Cmd {
	m := *p.model()
	if t := p.proofs[m.ARN]; t != nil && t.running {
		return nil
	}
	t := &proof{running: true}
	p.proofs[m.ARN] = t
	svc := p.app.svc.Chat
	return task(p.app.ctx, func(ctx context.Context) (chat.Verdict, error) {
		all, err := svc.Models(ctx)
		if err != nil {
			return chat.Verdict{}, err
		}
		for _, c := range all {
			if c.ID == m.ARN {
				return svc.Prove(ctx, c, nil, func(chat.Proof) {})
			}
		}
		return chat.Verdict{}, fmt.Errorf("the model %s is not there any more; press r to read the list again", m.Name)
	}, func(v chat.Verdict, err error) tea.Cmd {
		t.running, t.verdict, t.err, t.at = false, v, err, p.app.deps.Now()
		inSight := func() bool { // the pane tells all of it
			at := p.model()
			return p.app.pane() == p && at != nil && at.ARN == m.ARN
		}
		switch {
		case inSight():
			return nil
		case err != nil:
			return p.app.sayUntil(inSight, widget.Bad, widget.MarkFailed, err.Error())
		case len(v.Findings) > 0:
			return p.app.sayUntil(inSight, widget.Warn, widget.MarkWarning, m.Name+": "+v.Findings[0])
		}
		return p.app.sayUntil(inSight, widget.Good, widget.MarkDone, m.Name+" "+allTheSame)
	})
}

const allTheSame = "answers in every form, and the same in each"

// cannotProve says why the model under the cursor cannot be proved now.
func (p *importPane) cannotProve() string {
	if why := p.noModel(); why != "" {
		return why
	}
	if t := p.proofs[p.model().ARN]; t != nil && t.running {
		return "the model is being asked already"
	}
	return ""
}

// proofLines shows what the proof of the model under the cursor found; nil if it
// was not proved.
func (p *importPane) proofLines(height int) []string {
	t := p.proofs[p.model().ARN]
	if t == nil || height < 3 {
		return nil
	}
	l := p.app.look
	lines := []string{l.Rule(p.w, "Asked in every form", "", false)}
	switch {
	case t.running:
		return append(lines, l.Row(p.w).Gap(2).Put(widget.Info, widget.MarkRunning).Gap(1).Put(widget.Muted, "asking three questions in each of four forms; a model that sleeps is waited for").String())
	case t.err != nil:
		return append(lines, paragraph(l, p.w, widget.MarkFailed, t.err.Error(), widget.Bad, 1)...)
	}
	const short = 20 // lines; with fewer there is one answer a form
	tb := widget.NewTable(l, p.w, widget.Column{Title: "form", Width: 20}, widget.Column{Title: "result", Width: 10},
		widget.Column{Title: "question", Width: 18, Grow: 1, Max: 34, Drop: 1}, widget.Column{Title: "answer", Width: 20, Grow: 3}, widget.Column{Title: "stop", Width: 9, Drop: 2})
	lines = append(lines, tb.Head())
	for _, f := range t.verdict.Proofs {
		word, st := proofState(f)
		if f.Error != "" {
			lines = append(lines, tb.Line([]widget.Cell{{Text: string(f.Body)}, {Text: word, Style: st}, {}, {Text: f.Error, Style: widget.Muted}, {}}, false, false))
			continue
		}
		for i, a := range f.Answers {
			if i > 0 && height < short {
				break // the first answer of each form says the most
			}
			form, result := widget.Cell{Text: string(f.Body)}, widget.Cell{Text: word, Style: st}
			if i > 0 {
				form, result = widget.Cell{}, widget.Cell{}
			}
			lines = append(lines, tb.Line([]widget.Cell{form, result, {Text: a.Question, Style: widget.Muted}, {Text: strings.TrimSpace(a.Text)}, {Text: a.StopReason, Style: widget.Faint}}, false, false))
		}
	}
	for _, f := range t.verdict.Findings {
		lines = append(lines, paragraph(l, p.w, widget.MarkWarning, f, widget.Warn, 1)...)
	}
	if len(t.verdict.Findings) == 0 {
		lines = slices.Insert(lines, 1, l.Row(p.w).Gap(2).Put(widget.Good, widget.MarkDone).Gap(1).Put(widget.Text, "it "+allTheSame).String())
	}
	if len(lines) > height {
		lines = append(lines[:height-1], l.Row(p.w).Gap(2).Put(widget.Faint, fmt.Sprintf("%d more lines in a taller window, or: tunebench models prove %s", len(lines)-height+1, p.model().Name)).String())
	}
	return lines
}

func proofState(p chat.Proof) (string, widget.Style) {
	switch {
	case p.Works:
		return widget.MarkDone + " works", widget.Good
	case p.Error != "":
		return widget.MarkFailed + " refused", widget.Bad
	}
	return widget.MarkWarning + " doubtful", widget.Warn
}
