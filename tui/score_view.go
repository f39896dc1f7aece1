package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tunebench/backend/evaluation"
	"tunebench/tui/widget"
)

func (p *scorePane) View() []string {
	p.cx = -1
	if s := p.app.accountState(p.w, p.h); s != nil {
		return s
	}
	a := p.app
	switch {
	case p.mode == scoreForm:
		return p.viewForm()
	case p.mode == scoreVotes:
		return p.viewVotes()
	case p.run == nil && p.err != nil:
		return a.message(p.w, p.h, widget.Bad, widget.MarkFailed, "The runs could not be read", p.err.Error(), hint{"R", "try again"})
	case p.run == nil && (p.starting || p.loading):
		return a.message(p.w, p.h, widget.Info, widget.MarkRunning, "Reading the runs", "")
	case p.run == nil:
		return a.message(p.w, p.h, widget.Muted, widget.MarkWaiting, "Nothing was evaluated yet",
			"An evaluation asks models the questions of a dataset that none of them was trained on, and scores their answers against the reference.",
			hint{"n", "evaluate"}, hint{"3", "imported models"})
	case p.mode == scoreRecords || p.mode == scoreSearch:
		return p.viewRecords()
	case p.mode == scoreRecord:
		return p.viewRecord()
	case p.mode == scoreTrend:
		return p.viewTrend()
	}
	lines := p.head()
	body := p.board()
	p.top = max(0, min(p.top, len(body)-(p.h-len(lines))))
	return widget.Fit(append(lines, body[p.top:]...), p.w, p.h)
}

// head names the run, how far it is, and what it comes to.
func (p *scorePane) head() []string {
	l, r := p.app.look, p.run
	mark, st := widget.Status(r.Status)
	took := r.Ended.Sub(r.Created)
	if r.Ended.IsZero() {
		took = p.app.deps.Now().Sub(r.Created)
	}
	note := fmt.Sprintf("run %s   %s", r.ID, widget.Ago(r.Created, p.app.deps.Now()))
	lines := []string{l.Rule(p.w, datasetName(r.Spec.Dataset), note, false)}
	row := l.Row(p.w).Gap(2).Put(st, mark+" "+r.Status).Gap(3)
	if r.Status == "running" && r.Total > 0 {
		done := float64(r.Done) / float64(r.Total)
		row.Bar(widget.Accent, done, min(36, p.w/4)).Gap(2)
		if left, ok := p.left(); ok {
			row.Put(widget.Muted, widget.Clock(left)+" left").Gap(3)
		}
	}
	row.Put(widget.Text, widget.Count(int64(r.Done))).Put(widget.Muted, " of "+widget.Plural(int64(r.Total), "record")).Gap(3)
	if !r.Ended.IsZero() || r.Status == "running" {
		row.Put(widget.Muted, "time "+widget.Took(took))
	}
	errors := 0
	for _, m := range r.Models {
		errors += m.Errors
	}
	if errors > 0 {
		row.Gap(3).Put(widget.Bad, widget.MarkFailed+" "+widget.Plural(int64(errors), "error"))
	}
	if text := p.excluded(); text != "" {
		row.Gap(3).Put(widget.Warn, widget.MarkWarning+" "+text)
	}
	return append(lines, row.String(), p.verdict())
}

// left is how long the live run is going to take at its rate so far; what it had
// when it was resumed took no time.
func (p *scorePane) left() (time.Duration, bool) {
	fresh := p.run.Done - p.from
	if p.live == nil || fresh <= 0 {
		return 0, false
	}
	took := p.app.deps.Now().Sub(p.since)
	return time.Duration(float64(took) * float64(p.run.Total-p.run.Done) / float64(fresh)), true
}

// verdict says in one sentence what the comparison shows.
func (p *scorePane) verdict() string {
	l, r := p.app.look, p.run
	row := l.Row(p.w).Gap(2)
	if len(r.Models) < 2 || len(r.Differences) == 0 {
		return row.String()
	}
	name := p.scoreName()
	for _, d := range r.Differences {
		if d.Score != name || d.Model == r.Models[0].Model {
			continue
		}
		base, name := r.Models[0].Model, shortName(name)
		better := l.Squeeze(d.Model, max(p.w-68, 12))
		points := widget.Points(d.Mean)
		if p.w >= 90 {
			points += " points"
		}
		reach := fmt.Sprintf(" (%s to %s)", widget.Points(d.Interval.Low), widget.Points(d.Interval.High))
		switch {
		case d.Real && d.Mean*direction(d.Score) > 0:
			row.Put(widget.Good, widget.MarkDone+" ").Put(widget.Strong, better).Put(widget.Text, " is better than "+base+" on "+name+": ").Put(widget.Good.With(widget.Bold), points).Put(widget.Muted, reach)
		case d.Real:
			row.Put(widget.Bad, widget.MarkFailed+" ").Put(widget.Strong, better).Put(widget.Text, " is worse than "+base+" on "+name+": ").Put(widget.Bad.With(widget.Bold), points).Put(widget.Muted, reach)
		default:
			row.Put(widget.Warn, widget.MarkUnknown+" ").Put(widget.Text, "It is not sure that ").Put(widget.Strong, better).Put(widget.Text, " and "+base+" differ on "+name+": "+points).Put(widget.Muted, reach)
		}
		break
	}
	return row.String()
}

// board is all figures of the run.
func (p *scorePane) board() []string {
	l, r := p.app.look, p.run
	lines := []string{widget.Blank(p.w)}
	model := 8
	cols := p.columns()
	for _, c := range cols {
		model = max(model, l.Width(c.label))
	}
	model = min(model, max(12, p.w*3/10))
	scoreW, label := 23, func(s string) string { return s }
	for _, s := range p.names() {
		if !p.view.hidden[s] {
			scoreW = max(scoreW, min(l.Width(s), 30))
		}
	}
	if p.w < 100 { // without what all names share
		scoreW, model = 17, min(model, 14)
		label = shortName
	}
	bar := p.w - 2 - scoreW - 2 - model - 2 - 7 - 2 - 2 - 17 - 1
	bar = min(bar, 80)
	head := l.Row(p.w).Gap(2).Cell(widget.Faint, "score", scoreW, false).Gap(2).Cell(widget.Faint, "model", model, false).Gap(2).Cell(widget.Faint, "mean", 7, true)
	if bar >= 8 {
		head.Gap(2).Cell(widget.Faint, "0 %", bar/2, false).Cell(widget.Faint, "100 %", bar-bar/2, true)
	}
	head.Gap(2).Put(widget.Faint, "against "+first(r))
	lines = append(lines, head.String())
	loose := p.h >= 30 || len(cols) > 2
	drawn := 0
	for _, s := range p.names() {
		if p.view.hidden[s] {
			continue
		}
		if drawn++; loose && drawn > 1 {
			lines = append(lines, widget.Blank(p.w))
		}
		for k, c := range cols {
			m := c.model
			row := l.Row(p.w)
			if s == p.scoreName() && k == 0 {
				row.Put(widget.Accent, "▌").Gap(1)
			} else {
				row.Gap(2)
			}
			name, st := "", widget.Text
			switch {
			case k == 0:
				name = label(s)
			case k == 1 && direction(s) < 0:
				name, st = "less is better", widget.Faint
			}
			row.Cell(st, name, scoreW, false).Gap(2).Cell(widget.Series(c.series), l.Squeeze(c.label, model), model, false).Gap(2)
			v, ok := m.Scores[s]
			if !ok {
				lines = append(lines, row.Cell(widget.Faint, "-", 7, true).String())
				continue
			}
			row.Cell(widget.Strong, widget.Percent(v), 7, true)
			if bar >= 8 {
				iv, ok := m.Intervals[s]
				if !ok {
					iv = evaluation.Interval{Low: v, High: v}
				}
				row.Gap(2).Interval(widget.Series(c.series), v, iv.Low, iv.High, bar)
			}
			row.Gap(2)
			if d, ok := c.diff(s); ok {
				difference(row, d)
			}
			lines = append(lines, row.String())
		}
	}
	lines = append(lines, widget.Blank(p.w))
	lines = append(lines, p.rules()...)
	lines = append(lines, p.boardVotes()...)
	lines = append(lines, p.byCategory(model, cols)...)
	lines = append(lines, p.work(cols)...)
	return append(lines, p.about()...)
}

// shortName is a score's name without what all names share.
func shortName(s string) string {
	return strings.TrimSuffix(strings.TrimSuffix(s, "_over_words"), "_score")
}

func first(r *evaluation.Run) string {
	if len(r.Models) == 0 {
		return ""
	}
	return r.Models[0].Model
}

// difference says how far a model is from the baseline and whether that is real.
func difference(row *widget.Row, d evaluation.Difference) {
	st, word := widget.Warn, "not sure"
	switch {
	case d.Real && d.Mean*direction(d.Score) > 0:
		st, word = widget.Good, "real"
	case d.Real:
		st, word = widget.Bad, "real"
	}
	row.Cell(st, widget.Points(d.Mean), 7, true).Gap(2).Put(st, word)
}

// byCategory is the chosen score for every category.
func (p *scorePane) byCategory(model int, models []boardColumn) []string {
	l := p.app.look
	cats := p.categories()
	if len(cats) == 0 || len(models) == 0 {
		return nil
	}
	name := p.scoreName()
	lines := []string{l.Rule(p.w, name+" by category", "s another score", false)}
	cols := []widget.Column{{Title: "category", Width: 14, Grow: 1, Max: 24}, {Title: "rows", Width: 6, Right: true}}
	for _, m := range models {
		cols = append(cols, widget.Column{Title: m.label, Width: min(max(8, l.Width(m.label)), model), Right: true, Name: true})
	}
	t := widget.NewTable(l, p.w, cols...)
	lines = append(lines, t.Head())
	for i, c := range cats {
		cells := []widget.Cell{{Text: or(c, "(none)")}, {Text: widget.Count(int64(p.run.Models[0].Categories[i].Records)), Style: widget.Muted}}
		best, seen := 0.0, false
		for _, m := range models {
			if v, ok := categoryScore(m.model, c, name); ok && (!seen || (v-best)*direction(name) > 0) {
				best, seen = v, true
			}
		}
		for _, m := range models {
			v, ok := categoryScore(m.model, c, name)
			cell := widget.Cell{Text: "-", Style: widget.Faint}
			if ok {
				cell = widget.Cell{Text: widget.Percent(v), Style: widget.Muted}
				if v == best && len(models) > 1 {
					cell.Style = widget.Strong
				}
			}
			cells = append(cells, cell)
		}
		lines = append(lines, t.Line(cells, false, false))
	}
	return append(lines, widget.Blank(p.w))
}

func categoryScore(m evaluation.ModelResult, category, score string) (float64, bool) {
	for _, c := range m.Categories {
		if c.Category == category {
			v, ok := c.Scores[score]
			return v, ok
		}
	}
	return 0, false
}

// work is what the answers took.
func (p *scorePane) work(models []boardColumn) []string {
	l := p.app.look
	cols := []widget.Column{{Title: "model", Width: 16, Grow: 1, Max: 44, Name: true}, {Title: "records", Width: 14, Right: true},
		{Title: "errors", Width: 7, Right: true}, {Title: "mean time", Width: 10, Right: true},
		{Title: "tokens in", Width: 10, Right: true, Drop: 2}, {Title: "tokens out", Width: 10, Right: true, Drop: 1}}
	cost := slices.ContainsFunc(models, func(c boardColumn) bool { return c.model.Cost > 0 })
	if cost {
		cols = append(cols, widget.Column{Title: "cost", Width: 9, Right: true})
	}
	t := widget.NewTable(l, p.w, cols...)
	lines := []string{l.Rule(p.w, "work", "", false), t.Head()}
	for _, c := range models {
		m := c.model
		errs := widget.Cell{Text: widget.Count(int64(m.Errors)), Style: widget.Muted}
		if m.Errors > 0 {
			errs.Style = widget.Bad
		}
		cells := []widget.Cell{{Text: c.label, Style: widget.Series(c.series)}, {Text: fmt.Sprintf("%d of %d", m.Records, m.Total), Style: widget.Muted}, errs,
			{Text: widget.Took(m.MeanLatency), Style: widget.Muted}, {Text: widget.Count(m.InputTokens), Style: widget.Muted}, {Text: widget.Count(m.OutputTokens), Style: widget.Muted}}
		if cost {
			cells = append(cells, widget.Cell{Text: fmt.Sprintf("$%.4f", m.Cost), Style: widget.Muted})
		}
		lines = append(lines, t.Line(cells, false, false))
	}
	return lines
}
