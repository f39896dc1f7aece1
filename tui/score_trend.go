package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/evaluation"
	"tunebench/tui/widget"
)

// trendRow is a model of a run in the trend.
type trendRow struct {
	run   evaluation.Run
	place int // of the model in the run
}

func (r trendRow) model() evaluation.ModelResult { return r.run.Models[r.place] }

// trendRows are the models of all runs over this dataset, the newest first.
func (p *scorePane) trendRows() []trendRow {
	var rows []trendRow
	for _, r := range p.sameData() {
		for k := range r.Models {
			rows = append(rows, trendRow{r, k})
		}
	}
	return rows
}

func (p *scorePane) openTrend() tea.Cmd {
	p.mode = scoreTrend
	rows := p.trendRows()
	p.trend.Set(len(rows), max(p.h-2, 1))
	p.trend.To(max(0, slices.IndexFunc(rows, func(r trendRow) bool { return r.run.ID == p.run.ID })))
	return nil
}

// takeTrend shows the run of the row under the cursor.
func (p *scorePane) takeTrend() tea.Cmd {
	rows := p.trendRows()
	if p.trend.Cursor >= len(rows) {
		return nil
	}
	p.mode, p.top = scoreBoard, 0
	return p.choose(rows[p.trend.Cursor].run.ID)
}

// viewTrend is the chosen score in all runs over this dataset, newest first.
func (p *scorePane) viewTrend() []string {
	l := p.app.look
	name := p.scoreName()
	rows := p.trendRows()
	title := "Trend of " + name
	if direction(name) < 0 {
		title += ", of which less is better"
	}
	lines := []string{l.Rule(p.w, title, widget.Plural(int64(len(p.sameData())), "run")+" over this dataset, newest first", true)}
	model := 8
	for _, r := range rows {
		model = max(model, l.Width(r.model().Model))
	}
	model = min(model, max(12, p.w/4))
	bar := min(p.w-2-12-2-model-2-6-2-7-2-2-9-2, 80)
	head := l.Row(p.w).Gap(2).Cell(widget.Faint, "run", 12, false).Gap(2).Cell(widget.Faint, "model", model, false).Gap(2).Cell(widget.Faint, "rows", 6, true).Gap(2).Cell(widget.Faint, "mean", 7, true)
	if bar >= 8 {
		head.Gap(2).Cell(widget.Faint, "0 %", bar/2, false).Cell(widget.Faint, "100 %", bar-bar/2, true)
	}
	lines = append(lines, head.Gap(2).Put(widget.Faint, "   change").String())
	p.trend.Set(len(rows), max(p.h-len(lines), 1))
	for i := p.trend.Top; i < p.trend.End(); i++ {
		r, m := rows[i], rows[i].model()
		row := l.Row(p.w)
		when := widget.Muted
		if r.run.ID == p.run.ID {
			when = widget.Strong
		}
		if i == p.trend.Cursor {
			row.Put(widget.Accent, "▌").Gap(1)
		} else {
			row.Gap(2)
		}
		text := ""
		if r.place == 0 || i == p.trend.Top {
			text = r.run.Created.Format("01-02 15:04")
		}
		row.Cell(when, text, 12, false).Gap(2).Cell(widget.Series(r.place), l.Squeeze(m.Model, model), model, false).Gap(2).
			Cell(widget.Muted, widget.Count(int64(m.Records)), 6, true).Gap(2)
		v, ok := m.Scores[name]
		if !ok {
			lines = append(lines, row.Cell(widget.Faint, "-", 7, true).String())
			continue
		}
		row.Cell(widget.Strong, widget.Percent(v), 7, true)
		iv, known := m.Intervals[name]
		if !known {
			iv = evaluation.Interval{Low: v, High: v}
		}
		if bar >= 8 {
			row.Gap(2).Interval(widget.Series(r.place), v, iv.Low, iv.High, bar)
		}
		if before, was, ok := earlier(rows[i+1:], m.Model, name, r.run.ID); ok {
			st := widget.Faint
			if evaluation.BeyondChance(v-before, iv, was) {
				st = changeStyle((v - before) * direction(name))
			}
			row.Gap(2).Cell(st, widget.Points(v-before), 9, true)
		}
		lines = append(lines, row.String())
	}
	return widget.Fit(lines, p.w, p.h)
}

// earlier is the score of a model in the newest of older runs that has it.
func earlier(rows []trendRow, model, score, run string) (float64, evaluation.Interval, bool) {
	for _, r := range rows {
		m := r.model()
		if v, ok := m.Scores[score]; ok && m.Model == model && r.run.ID != run {
			iv, known := m.Intervals[score]
			if !known {
				iv = evaluation.Interval{Low: v, High: v}
			}
			return v, iv, true
		}
	}
	return 0, evaluation.Interval{}, false
}
