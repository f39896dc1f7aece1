package tui

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"time"

	"tunebench/backend/dataset"
	"tunebench/backend/training"
	"tunebench/tui/widget"
)

func (p *trainingPane) View() []string {
	p.cx = -1
	if s := p.app.accountState(p.w, p.h); s != nil {
		return s
	}
	switch {
	case p.mode == trainForm:
		return p.viewForm()
	case !p.loaded && p.err != nil:
		return p.app.message(p.w, p.h, widget.Bad, widget.MarkFailed, "The training jobs could not be read", p.err.Error(), hint{"r", "try again"})
	case !p.loaded:
		return p.app.message(p.w, p.h, widget.Info, widget.MarkRunning, "Reading the training jobs", "")
	case len(p.jobs) == 0 && p.starting:
		return p.app.message(p.w, p.h, widget.Info, widget.MarkRunning, "Starting the training job", p.startingText())
	case len(p.jobs) == 0:
		return p.app.message(p.w, p.h, widget.Muted, widget.MarkWaiting, "No training job yet",
			"A training job fine-tunes the base model on a dataset. Its log and its loss are shown here while it runs.",
			hint{"n", "train on " + datasetName(p.app.data.trainPath())}, hint{"1", "look at the dataset"})
	}
	var lines []string
	if !p.zoom {
		lines = p.viewJobs()
	}
	return widget.Fit(append(lines, p.viewJob(p.h-len(lines))...), p.w, p.h)
}

func (p *trainingPane) viewJobs() []string {
	rows := 3
	switch {
	case p.h >= 36:
		rows = 7
	case p.h >= 28:
		rows = 5
	case p.h < 16:
		rows = 2
	}
	rows = min(rows, len(p.jobs))
	p.scroll.Set(len(p.jobs), rows)
	now := p.app.deps.Now()
	name := 22
	for _, j := range p.jobs {
		name = min(max(name, p.app.look.Width(j.Name)), 48)
	}
	t := widget.NewTable(p.app.look, p.w,
		widget.Column{Title: "training job", Width: 22, Grow: 8, Max: name, Name: true},
		widget.Column{Title: "status", Width: 13},
		widget.Column{Title: "phase", Width: 11, Grow: 1, Max: 24, Drop: 3},
		widget.Column{Title: "preset", Width: 9, Drop: 4},
		widget.Column{Title: "dataset", Width: 16, Grow: 2, Max: 40, Drop: 5, Name: true},
		widget.Column{Title: "took", Width: 7, Right: true},
		widget.Column{Title: "started", Width: 11, Right: true, Drop: 2})
	lines := []string{t.Head()}
	for i := p.scroll.Top; i < p.scroll.End(); i++ {
		j := p.jobs[i]
		mark, st := widget.Status(j.Status)
		phase := j.SecondaryStatus
		if j.Done() {
			phase = ""
		}
		lines = append(lines, t.Line([]widget.Cell{{Text: j.Name}, {Text: mark + " " + j.Status, Style: st}, {Text: phase, Style: widget.Muted},
			{Text: j.Preset, Style: widget.Muted}, {Text: datasetName(j.Dataset), Style: widget.Muted},
			{Text: widget.Clock(elapsed(j, now)), Style: widget.Muted}, {Text: widget.Ago(j.Created, now), Style: widget.Faint}}, i == p.scroll.Cursor, p.mode == trainJobs))
	}
	if p.starting {
		return append(lines, p.app.look.Row(p.w).Gap(2).Put(widget.Info, widget.MarkRunning).Gap(1).Put(widget.Text, "starting a job").Gap(2).Put(widget.Muted, p.startingText()).String())
	}
	return append(lines, widget.Blank(p.w))
}

// elapsed is how long a job has taken, or has been taking.
func elapsed(j training.Job, now time.Time) time.Duration {
	if j.Created.IsZero() {
		return 0
	}
	if !j.Ended.IsZero() {
		return j.Ended.Sub(j.Created)
	}
	return now.Sub(j.Created)
}

// datasetName is the short name of a dataset's path.
func datasetName(path string) string {
	if path == "" {
		return ""
	}
	return filepath.Base(strings.TrimPrefix(path, dataset.SamplePrefix))
}

func (p *trainingPane) viewJob(height int) []string {
	j := p.job()
	l := p.app.look
	if j == nil {
		return nil
	}
	if p.watch == nil {
		return []string{l.Rule(p.w, j.Name, "", false)}
	}
	stale := ""
	if p.err != nil {
		stale = "list read " + widget.Ago(p.read, p.app.deps.Now()) + ": " + p.err.Error()
	}
	lines := []string{l.Rule(p.w, j.Name, stale, false), p.progressLine(j)}
	if j.Status == "Failed" && j.FailureReason != "" {
		for i, s := range l.Wrap(j.FailureReason, p.w-8) {
			if i == 3 {
				break
			}
			lines = append(lines, l.Row(p.w).Gap(4).Put(widget.Bad, s).String())
		}
	} else if height >= 12 {
		lines = append(lines, p.phaseLine(j))
	}
	lines = append(lines, p.adviceLines((height-len(lines))/3)...)
	// The chart and the log share what is left; the log keeps at least five lines.
	rest := height - len(lines)
	chart := 0
	switch {
	case p.mode == trainChart:
		chart = max(rest-6, rest/2)
	case rest >= 30:
		chart = rest * 2 / 5
	case rest >= 13:
		chart = max(7, rest*2/5)
	}
	if p.zoom && p.mode == trainLog && rest < 40 {
		chart = 0
	}
	if chart > 0 {
		if c := p.viewChart(chart); c != nil {
			lines = append(lines, c...)
		}
	}
	note := p.log.note()
	if f := p.findNote(); f != "" {
		note = f + "   " + note
	}
	if err := p.watch.Err(); err != nil {
		note = widget.MarkWarning + " " + err.Error()
	}
	lines = append(lines, l.Rule(p.w, "log", note, p.mode == trainLog))
	if at := p.watch.Traceback(); at >= 0 && p.log.n > 0 && height-len(lines) > 4 {
		r := l.Row(p.w).Gap(2).Put(widget.Bad, widget.MarkFailed+" the first traceback is at line "+widget.Count(int64(at+1)))
		lines = append(lines, r.Gap(3).Put(widget.Key, "t").Put(widget.Muted, " shows it").String())
	}
	if p.mode == trainFind {
		lines = append(lines, p.findLine(p.h-height+len(lines)))
	}
	logH := max(height-len(lines), 1)
	if p.log.filter != nil && p.log.n == 0 {
		return append(lines, l.Row(p.w).Gap(2).Put(widget.Faint, "no line matches the filter; esc shows all lines").String())
	}
	if p.watch.Len() == 0 {
		word := "the log has no line yet"
		if j.Done() {
			word = "the log is empty"
		}
		return append(lines, l.Row(p.w).Gap(2).Put(widget.Faint, word).String())
	}
	return append(lines, p.log.lines(l, p.watch, p.w, logH, p.raw)...)
}

// progressLine is the job in one line: its status, how far it is, its figures.
func (p *trainingPane) progressLine(j *training.Job) string {
	mark, st := widget.Status(j.Status)
	r := p.app.look.Row(p.w).Gap(2).Put(st, mark+" "+j.Status)
	if p.steps > 0 {
		r.Gap(3)
		if p.w >= 100 {
			r.Bar(widget.Accent, float64(p.step)/float64(p.steps), min(30, p.w/6)).Gap(2)
		}
		r.Put(widget.Muted, "step ").Put(widget.Text, fmt.Sprintf("%d", p.step)).Put(widget.Muted, fmt.Sprintf(" of %d", p.steps))
	}
	figure := func(name, v string, s widget.Style) {
		if r.Left() > len(name)+len(v)+5 {
			r.Gap(3).Put(widget.Muted, name+" ").Put(s, v)
		}
	}
	if !math.IsNaN(p.loss) {
		figure("loss", fmt.Sprintf("%.4f", p.loss), widget.Series(0))
	}
	if !math.IsNaN(p.eval) {
		figure("eval loss", fmt.Sprintf("%.4f", p.eval), widget.Series(1))
	}
	now := p.app.deps.Now()
	figure("time", widget.Clock(elapsed(*j, now)), widget.Text)
	if b := j.Billable(now); b > 0 && p.app.svc.Account.Bills {
		figure("billed", widget.Clock(b), widget.Text)
	}
	if j.Spent != nil {
		figure("cost", fmt.Sprintf("$%.2f", j.Spent.USD), widget.Text)
	}
	if !math.IsNaN(p.rate) {
		figure("tokens/s", widget.Count(int64(p.rate)), widget.Text)
	}
	return r.String()
}

// phaseLine is the way that the job has gone through its secondary statuses.
func (p *trainingPane) phaseLine(j *training.Job) string {
	r := p.app.look.Row(p.w).Gap(2)
	for i, ph := range j.Phases {
		if i > 0 {
			r.Put(widget.Faint, " → ")
		}
		end := ph.End
		last := i == len(j.Phases)-1
		st := widget.Muted
		if last && !j.Done() {
			st = widget.Text
			end = p.app.deps.Now()
		}
		r.Put(st, ph.Status)
		if !end.IsZero() && !(last && j.Done()) {
			r.Gap(1).Put(widget.Faint, widget.Clock(end.Sub(ph.Start)))
		}
	}
	if w := j.Waiting(); w != "" {
		r.Gap(3).Put(widget.Info, w)
	}
	return r.String()
}

func (p *trainingPane) viewForm() []string {
	l := p.app.look
	title := "New training job"
	if p.from != "" {
		title = "Training job " + p.from + " once more"
	}
	lines := []string{l.Rule(p.w, title, "", true)}
	if p.h >= 24 {
		lines = append(lines, widget.Blank(p.w))
	}
	p.noteGroups()
	// One or two lines explain the field; the form and the plan share what is left.
	explain := 1
	if p.h >= 30 {
		explain = 2
	}
	rest := p.h - len(lines) - explain - 1
	room := max(min(p.form.InSight(), rest-min(len(p.planLines(rest/2)), rest/2)), 5)
	body, x, y := p.form.Lines(l, p.w, room)
	p.cx, p.cy = x, y+len(lines)
	lines = append(lines, body...)
	help := l.Wrap(p.form.Current().Help, p.w-4)
	if p.planning && p.form.Current().Name == "do" {
		help = []string{"the plan is being made"}
	}
	for i := range explain {
		r := l.Row(p.w).Gap(2)
		if i < len(help) {
			r.Put(widget.Faint, help[i])
		}
		lines = append(lines, r.String())
	}
	if explain == 1 {
		lines = append(lines, widget.Blank(p.w))
	}
	return widget.Fit(append(lines, p.planLines(p.h-len(lines))...), p.w, p.h)
}

// noteGroups tells what is in each group of the form.
func (p *trainingPane) noteGroups() {
	v := func(name string) string {
		if s := p.value(name); s != "" || name != "instance" || p.plan == nil {
			return s
		}
		return p.plan.Instance
	}
	for _, g := range jobGroups {
		p.form.Field("group " + g.label).Note = g.note(v)
	}
}
