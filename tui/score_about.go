package tui

import (
	"context"
	"fmt"
	"strings"

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
	lines := []string{l.Rule(p.w, "rules that fail "+l.Squeeze(models[len(models)-1].Model, max(12, p.w/2)), "", false)}
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
	l, r := p.app.look, p.run
	s := r.Spec
	lines := []string{widget.Blank(p.w), l.Rule(p.w, "how it was run", "a runs it again", false)}
	const label = 10
	add := func(name, text string) {
		if text != "" {
			lines = append(lines, paragraph(l, p.w, name, text, widget.Muted, label)...)
		}
	}
	add("name", s.Name)
	data := s.Dataset
	if len(r.DatasetHash) >= 12 {
		data += "   SHA-256 " + r.DatasetHash[:12]
	}
	if s.Limit > 0 {
		data += fmt.Sprintf("   %s drawn with seed %d", widget.Plural(int64(s.Limit), "row"), s.Seed)
	}
	add("dataset", data)
	if c := s.FMEval; c != nil {
		var parts []string
		for _, f := range [][2]string{{"question", c.ModelInput}, {"reference", c.TargetOutput}, {"category", c.Category}, {"answer", c.ModelOutput}} {
			if f[1] != "" {
				parts = append(parts, f[0]+" in "+f[1])
			}
		}
		add("columns", strings.Join(parts, ", "))
	}
	add("metrics", strings.Join(s.Metrics, ", "))
	add("options", evalText("params", s))
	add("prompt", s.Template)
	if len(s.Outputs) == 0 {
		add("answers", fmt.Sprintf("up to %d tokens, temperature %g", s.MaxTokens, s.Temperature))
	} else {
		add("answers", "from files: "+evalText("outputs", s))
	}
	add("program", s.Program)
	for _, m := range r.Models {
		if m.ModelID != "" {
			add(l.Squeeze(m.Model, label), m.ModelID)
		}
	}
	return lines
}

// evalText is a setting of a run as the form shows it.
func evalText(name string, s evaluation.Spec) (text string) {
	eachField(func(f evalField) {
		if f.name == name {
			text = f.show(s)
		}
	})
	return text
}
