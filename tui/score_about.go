package tui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/evaluation"
	"tunebench/tui/widget"
)

// applyRules applies the rules that a run came with.
func (p *scorePane) applyRules() tea.Cmd {
	p.judged = nil
	r := p.run
	if len(r.Spec.FailIf) == 0 || len(r.Models) < 2 || r.Status == "running" {
		return nil
	}
	id, last := r.ID, r.Models[len(r.Models)-1].Model
	var rules []evaluation.Rule
	for _, text := range r.Spec.FailIf {
		rule, err := evaluation.ParseRule(text)
		if err != nil {
			return p.app.fail(err)
		}
		rules = append(rules, rule)
	}
	base := r.Models[0].Model
	return task(p.app.ctx, func(ctx context.Context) (evaluation.Comparison, error) {
		return p.app.svc.Evaluation.Compare(ctx, id+"/"+base, id+"/"+last, rules)
	}, func(c evaluation.Comparison, err error) tea.Cmd {
		switch {
		case err != nil:
			return p.app.fail(err)
		case p.run != nil && p.run.ID == id:
			p.judged = c.Rules
		}
		return nil
	})
}

// rules says which of the run's rules hold for its last model.
func (p *scorePane) rules() []string {
	if len(p.judged) == 0 {
		return nil
	}
	l := p.app.look
	models := p.run.Models
	over := ""
	if p.run.Excluded > 0 {
		over = "over all rows"
	}
	lines := []string{l.Rule(p.w, "rules that fail "+l.Squeeze(models[len(models)-1].Model, max(12, p.w/2)), over, false)}
	for _, j := range p.judged {
		row := l.Row(p.w).Gap(2)
		at := fmt.Sprintf("%.4g against %.4g", j.Got, j.Limit)
		switch {
		case j.Broken && j.Sure:
			row.Put(widget.Bad, widget.MarkFailed+" it holds").Gap(3)
			at += ", beyond chance"
		case j.Broken:
			row.Put(widget.Warn, widget.MarkWarning+" it holds").Gap(3)
			at += ", which may be chance"
		default:
			row.Put(widget.Good, widget.MarkDone+" it does not").Gap(3)
		}
		lines = append(lines, row.Put(widget.Text, j.Text).Gap(3).Put(widget.Muted, at).String())
	}
	return append(lines, widget.Blank(p.w))
}

// about is what decided the result.
func (p *scorePane) about() []string {
	l := p.app.look
	lines := []string{widget.Blank(p.w), l.Rule(p.w, "how it was run", "a runs it again", false)}
	for _, f := range evaluation.About(*p.run) {
		lines = append(lines, paragraph(l, p.w, l.Squeeze(f.Name, 10), f.Text, widget.Muted, 10)...)
	}
	return lines
}
