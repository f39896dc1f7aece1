package tui

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/evaluation"
	"tunebench/tui/widget"
)

// recordWindow is how many records are read at once.
const recordWindow = 200

// recordList is the window over the records of one model.
type recordList struct {
	rows     []evaluation.Record
	first    int // place of rows[0] in the list
	total    int
	loading  bool
	err      error
	gen      int
	model    int  // index into the run's models
	category int  // 0 for all, else index + 1
	order    int  // worst first, best first, as in the dataset
	failing  bool // only where no model scores
	marked   bool // only marked rows
	bounds   int  // index into scoreBounds
	search   widget.Input
	scroll   widget.Scroll

	row     int64 // of the record in the detail
	others  []evaluation.Record
	why     []evaluation.Explanation
	votes   string // what people and judges say of the row
	against int    // index into the run's models: with which the model is compared
	top     int
}

// at is the record under the cursor; the zero record if it is not there yet.
func (l *recordList) at() evaluation.Record {
	if i := l.scroll.Cursor - l.first; i >= 0 && i < len(l.rows) {
		return l.rows[i]
	}
	return evaluation.Record{}
}

func (p *scorePane) noRecord() string {
	if why := p.noRun(); why != "" {
		return why
	}
	if len(p.recs.rows) == 0 {
		return "there is no record here"
	}
	return ""
}

// categories are those that the run has.
func (p *scorePane) categories() []string {
	var all []string
	if p.run != nil && len(p.run.Models) > 0 {
		for _, c := range p.run.Models[0].Categories {
			all = append(all, c.Category)
		}
	}
	return all
}

func (p *scorePane) openRecords() tea.Cmd {
	p.mode = scoreRecords
	if len(p.recs.rows) == 0 || p.live != nil {
		if p.recs.gen == 0 { // the model that is compared, not the baseline
			p.recs.model = max(len(p.run.Models)-1, 0)
		}
		return p.readRecords(0)
	}
	return nil
}

func (p *scorePane) filter() RecordFilter {
	r := &p.recs
	f := RecordFilter{Worst: r.order == 0, Best: r.order == 1, AllFail: r.failing, Marked: r.marked, Score: p.scoreName(), Search: r.search.Value()}
	if n := len(p.run.Models); n > 1 {
		f.Against = p.run.Models[r.against%n].Model
	}
	f.Least, f.Most = scoreBounds[r.bounds].least, scoreBounds[r.bounds].most
	if n := len(p.run.Models); n > 0 {
		r.model %= n
		f.Model = p.run.Models[r.model].Model
	}
	cats := p.categories()
	r.category %= len(cats) + 1
	if r.category > 0 {
		f.Category = cats[r.category-1]
	}
	return f
}

// readRecords reads the window that begins at offset; 0 also goes to the top.
func (p *scorePane) readRecords(offset int) tea.Cmd {
	r := &p.recs
	r.gen++
	gen := r.gen
	r.loading, r.err = true, nil
	if offset == 0 {
		r.scroll.To(0)
	}
	f := p.filter()
	f.Offset, f.Limit = offset, recordWindow
	id := p.run.ID
	type window struct {
		rows  []evaluation.Record
		total int
	}
	return task(p.app.ctx, func(ctx context.Context) (window, error) {
		rows, total, err := p.app.svc.Evaluation.Records(ctx, id, f)
		return window{rows, total}, err
	}, func(w window, err error) tea.Cmd {
		if gen != p.recs.gen {
			return nil
		}
		r := &p.recs
		r.loading, r.err = false, err
		if err == nil {
			r.rows, r.total, r.first = w.rows, w.total, offset
			r.scroll.Set(w.total, r.scroll.Height)
		}
		return nil
	})
}

func (p *scorePane) moveRecord(n int) tea.Cmd {
	r := &p.recs
	r.scroll.Move(n)
	if c := r.scroll.Cursor; !r.loading && r.total > 0 && (c < r.first || c >= r.first+len(r.rows)) {
		offset := max(0, c-recordWindow/2)
		cmd := p.readRecords(max(offset, 1))
		if offset == 0 {
			cmd = p.readRecords(0)
		}
		return cmd
	}
	return nil
}

// openRecord shows one record and reads what the other models answered.
func (p *scorePane) openRecord() tea.Cmd {
	rec := p.recs.at()
	p.mode, p.recs.row, p.recs.others, p.recs.why, p.recs.votes, p.recs.top = scoreRecord, rec.Row, nil, nil, "", 0
	id := p.run.ID
	explain := task(p.app.ctx, func(ctx context.Context) ([]evaluation.Explanation, error) {
		return p.app.svc.Evaluation.Explain(ctx, id, rec.Row)
	}, func(why []evaluation.Explanation, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		if p.recs.row == rec.Row {
			p.recs.why = why
		}
		return nil
	})
	return tea.Batch(explain, p.readRowVotes(id, rec.Row), task(p.app.ctx, func(ctx context.Context) ([]evaluation.Record, error) {
		all, err := p.app.svc.Evaluation.Row(ctx, id, rec.Row)
		return slices.DeleteFunc(all, func(o evaluation.Record) bool { return o.Model == rec.Model }), err
	}, func(others []evaluation.Record, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		if p.recs.row == rec.Row {
			p.recs.others = others
		}
		return nil
	}))
}

func (p *scorePane) viewRecords() []string {
	l, r := p.app.look, &p.recs
	f := p.filter()
	title := "Records of " + f.Model
	if f.Category != "" {
		title += "   " + f.Category
	}
	if f.Search != "" {
		title += "   /" + f.Search
	}
	note := widget.Plural(int64(r.total), "record")
	if f.AllFail {
		note += " on which no model scores"
	}
	if f.Marked {
		note += ", marked"
	}
	if text := scoreBounds[r.bounds].text; text != "" {
		note += ", " + shortName(f.Score) + " " + text
	}
	switch {
	case f.Worst:
		note += ", the worst first"
	case f.Best:
		note += ", the best first"
	}
	if f.Model != f.Against && f.Against != "" && (f.Worst || f.Best) {
		note += " against " + f.Against
	}
	if r.loading {
		note = widget.MarkRunning + " reading"
	}
	if over := l.Width(title) + l.Width(note) + 12 - p.w; over > 0 { // the note says more than the middle of a name
		title = strings.Replace(title, f.Model, l.Squeeze(f.Model, max(8, l.Width(f.Model)-over)), 1)
	}
	lines := []string{l.Rule(p.w, title, note, true)}
	h := p.h - len(lines)
	if p.mode == scoreSearch {
		h--
	}
	switch {
	case r.err != nil:
		lines = append(lines, paragraph(l, p.w, widget.MarkFailed, r.err.Error(), widget.Bad, 1)...)
	case r.total == 0 && !r.loading:
		lines = append(lines, l.Row(p.w).Gap(2).Put(widget.Faint, "no record matches").String())
	default:
		lines = append(lines, p.recordTable(f, h)...)
	}
	if p.mode == scoreSearch {
		lines = widget.Fit(lines, p.w, p.h-1)
		row := l.Row(p.w).Gap(1).Put(widget.Key, "/ ")
		p.cx, p.cy = 3+r.search.Line(row, p.w-4, true), p.h-1
		lines = append(lines, row.String())
	}
	return widget.Fit(lines, p.w, p.h)
}

func (p *scorePane) recordTable(f RecordFilter, h int) []string {
	l, r := p.app.look, &p.recs
	r.scroll.Set(r.total, h-1)
	cols := []widget.Column{
		{Title: "row", Width: 6, Right: true},
		{Title: "category", Width: 10, Max: 14, Grow: 1, Drop: 3},
		{Title: "question", Width: 20, Grow: 4},
		{Title: "reference", Width: 12, Grow: 2, Drop: 1},
		{Title: "answer", Width: 14, Grow: 3},
		{Title: shortScore(f.Score), Width: 7, Right: true},
	}
	other := f.Against != "" && f.Against != f.Model
	if other {
		cols = append(cols, widget.Column{Title: f.Against, Width: max(7, min(l.Width(f.Against), 12)), Right: true, Drop: 2, Name: true})
	}
	t := widget.NewTable(l, p.w, cols...)
	lines := []string{t.Head()}
	for i := r.scroll.Top; i < r.scroll.End(); i++ {
		k := i - r.first
		if k < 0 || k >= len(r.rows) {
			lines = append(lines, l.Row(p.w).Gap(2).Put(widget.Faint, "..").String())
			continue
		}
		rec := r.rows[k]
		answer := widget.Cell{Text: strings.TrimSpace(rec.Output)}
		if answer.Text == "" {
			answer = widget.Cell{Text: "(empty)", Style: widget.Faint}
		}
		score := widget.Cell{Text: widget.Percent(rec.Scores[f.Score]), Style: scoreStyle(f.Score, rec.Scores[f.Score])}
		beside := widget.Cell{Text: "-", Style: widget.Faint}
		if v, ok := rec.Against[f.Score]; ok {
			beside = widget.Cell{Text: widget.Percent(v), Style: scoreStyle(f.Score, v)}
		}
		if rec.Err != "" {
			answer = widget.Cell{Text: widget.MarkFailed + " " + rec.Err, Style: widget.Bad}
			score = widget.Cell{Text: "-", Style: widget.Faint}
		}
		cells := []widget.Cell{{Text: markOf(rec) + widget.Count(rec.Row+1), Style: widget.Faint}, {Text: rec.Category, Style: widget.Muted},
			{Text: rec.Question}, {Text: rec.Reference, Style: widget.Muted}, answer, score}
		if other {
			cells = append(cells, beside)
		}
		lines = append(lines, t.Line(cells, i == r.scroll.Cursor, p.mode == scoreRecords))
	}
	return lines
}

// scoreBounds are the ranges of a score that records can be narrowed to.
var scoreBounds = func() []struct {
	text        string
	least, most *float64
} {
	at := func(v float64) *float64 { return &v }
	return []struct {
		text        string
		least, most *float64
	}{{}, {"0 %", nil, at(0)}, {"up to 50 %", nil, at(0.5)}, {"from 50 %", at(0.5), nil}, {"100 %", at(1), nil}}
}()

// markOf stands before the row of a record that is marked.
func markOf(r evaluation.Record) string {
	if r.Mark == "" {
		return ""
	}
	return "!"
}

// mark gives the record under the cursor its next mark: none, wrong, ambiguous.
func (p *scorePane) mark() tea.Cmd {
	rec := p.recs.at()
	next := map[string]string{"": evaluation.MarkWrong, evaluation.MarkWrong: evaluation.MarkAmbiguous}[rec.Mark]
	id := p.run.ID
	return act(p.app.ctx, func(ctx context.Context) error { return p.app.svc.Evaluation.Mark(ctx, id, rec.Row, next) }, func(err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		for i := range p.recs.rows {
			if p.recs.rows[i].Row == rec.Row {
				p.recs.rows[i].Mark = next
			}
		}
		text := "row " + widget.Count(rec.Row+1) + " is marked " + next + "; e on the board leaves marked rows out"
		if next == "" {
			text = "row " + widget.Count(rec.Row+1) + " is not marked any more"
		}
		return p.app.say(widget.Good, widget.MarkDone, text)
	})
}

// scoreStyle is how a row's value of a score is shown: right, wrong or in between.
func scoreStyle(name string, v float64) widget.Style {
	if direction(name) < 0 {
		v = 1 - v
	}
	switch {
	case v >= 0.999:
		return widget.Good
	case v <= 0.001:
		return widget.Bad
	}
	return widget.Warn
}

// shortScore fits the head of a narrow column.
func shortScore(name string) string {
	if short, ok := map[string]string{"f1_score": "f1", "exact_match_score": "exact", "quasi_exact_match_score": "quasi",
		"precision_over_words": "precis.", "recall_over_words": "recall"}[name]; ok {
		return short
	}
	return shortName(name)
}
