package tui

import (
	"fmt"
	"strings"

	"tunebench/backend/evaluation"
	"tunebench/metrics"
	"tunebench/tui/widget"
)

// viewRecord is one record with what every model answered.
func (p *scorePane) viewRecord() []string {
	l, r := p.app.look, &p.recs
	rec := r.at()
	lines := []string{l.Rule(p.w, fmt.Sprintf("Record %s of %s", widget.Count(int64(r.scroll.Cursor)+1), widget.Count(int64(r.total))),
		fmt.Sprintf("row %s   %s", widget.Count(rec.Row+1), rec.RowID), true), widget.Blank(p.w)}
	const label = 10
	add := func(name, text string, st widget.Style) {
		if text != "" {
			lines = append(lines, paragraph(l, p.w, name, text, st, label)...)
		}
	}
	add("category", rec.Category, widget.Muted)
	add("system", rec.System, widget.Muted)
	add("marked", rec.Mark, widget.Warn)
	add("votes", r.votes, widget.Text)
	lines = append(lines, paragraph(l, p.w, "question", rec.Question, widget.Strong, label)...)
	for _, e := range r.why {
		if e.Model == rec.Model {
			add("asked as", e.Prompt, widget.Text)
		}
	}
	add("reference", rec.Reference, widget.Good)
	all := append([]evaluation.Record{rec}, r.others...)
	for i, m := range p.run.Models {
		for _, o := range all {
			if o.Model == m.Model && o.Row == rec.Row {
				lines = append(lines, widget.Blank(p.w))
				lines = append(lines, p.answerBlock(i, o)...)
			}
		}
	}
	top := max(0, min(r.top, len(lines)-p.h))
	r.top = top
	return widget.Fit(lines[top:], p.w, p.h)
}

// answerBlock is what a model answered, its scores, and how they came about.
func (p *scorePane) answerBlock(i int, o evaluation.Record) []string {
	l := p.app.look
	head := l.Row(p.w).Put(widget.Series(i), "━━ ").Put(widget.Series(i).With(widget.Bold), o.Model).Gap(1)
	note := widget.Took(o.Latency)
	head.Fill(widget.Border, "─", p.w-len(note)-4).Gap(1).Put(widget.Faint, note).Gap(1).Put(widget.Border, "──")
	lines := []string{head.String()}
	if o.Err != "" {
		return append(lines, paragraph(l, p.w, "", o.Err, widget.Bad, 0)...)
	}
	text, st := strings.TrimSpace(o.Output), widget.Text
	if text == "" {
		text, st = "(empty answer)", widget.Faint
	}
	lines = append(lines, paragraph(l, p.w, "", text, st, 0)...)
	lines = append(lines, p.scoreRows(o.Scores)...)
	reference := o.Reference
	if parts, err := metrics.ExplainQA(metrics.Row{Target: o.Reference, Output: o.Output}, p.run.Spec.Delimiter); err == nil {
		reference = parts.Alternative // the nearest
	}
	if o.Output != reference && o.Output != "" && reference != "" {
		lines = append(lines, l.Against(reference, o.Output, p.w)...)
	}
	for _, e := range p.recs.why {
		if e.Model == o.Model {
			lines = append(lines, p.reasons(e)...)
		}
	}
	return lines
}

// scoreRows are the scores of an answer, in as many rows as they need.
func (p *scorePane) scoreRows(scores map[string]float64) []string {
	l := p.app.look
	var lines []string
	r := l.Row(p.w).Gap(2)
	for _, n := range p.names() {
		v, ok := scores[n]
		if !ok {
			continue
		}
		if name := shortScore(n); r.Left() < l.Width(name)+10 {
			lines = append(lines, r.String())
			r = l.Row(p.w).Gap(2)
		}
		r.Put(widget.Faint, shortScore(n)+" ").Put(scoreStyle(n, v), widget.Percent(v)).Gap(3)
	}
	return append(lines, r.String())
}

// reasons says how scores came about.
func (p *scorePane) reasons(e evaluation.Explanation) []string {
	l := p.app.look
	var lines []string
	for _, r := range e.How {
		text := r.Text
		if len(e.How) > 1 {
			text = r.Metric + ": " + text
		}
		lines = append(lines, paragraph(l, p.w, "", text, widget.Faint, 0)...)
	}
	if len(e.Disturbed) == 0 && e.Missing == 0 {
		return lines
	}
	lines = append(lines, l.Row(p.w).Gap(2).Put(widget.Muted, "asked again with mistakes in the question, which gives the delta scores:").String())
	if e.Missing > 0 {
		return append(lines, paragraph(l, p.w, "", fmt.Sprintf("%d of these answers were not kept", e.Missing), widget.Faint, 0)...)
	}
	name := strings.TrimPrefix(p.scoreName(), "delta_")
	t := widget.NewTable(l, p.w, widget.Column{Title: "question", Width: 20, Grow: 3}, widget.Column{Title: "answer", Width: 14, Grow: 2},
		widget.Column{Title: shortScore(name), Width: 9, Right: true})
	lines = append(lines, t.Head())
	for _, d := range e.Disturbed {
		score := widget.Cell{Text: "-", Style: widget.Faint}
		if v, ok := d.Scores[name]; ok {
			score = widget.Cell{Text: widget.Percent(v), Style: scoreStyle(name, v)}
		}
		lines = append(lines, t.Line([]widget.Cell{{Text: d.Question}, {Text: strings.TrimSpace(d.Output)}, score}, false, false))
	}
	return lines
}
