package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/keys"
)

func (p *trainingPane) Bindings() *keys.Table { return p.keys[p.mode] }
func (p *trainingPane) Tables() []*keys.Table { return p.keys[:] }

// noJob says why an action that needs a job cannot be used.
func (p *trainingPane) noJob() string {
	if why := p.app.needAccount(); why != "" {
		return why
	}
	if p.job() == nil {
		return "there is no training job yet; n starts one"
	}
	return ""
}

func (p *trainingPane) noArtifact() string {
	if why := p.noJob(); why != "" {
		return why
	}
	switch j := p.job(); j.Status {
	case "Completed":
		return ""
	case "Failed", "Stopped":
		if j.Artifact != "" {
			return "" // it was stopped, and what it had learnt was written
		}
		return "this training job ended " + j.Status + " and has no artifact"
	default:
		return "the training job has not ended yet"
	}
}

func (p *trainingPane) noStop() string {
	if why := p.noJob(); why != "" {
		return why
	}
	if j := p.job(); j.Done() {
		return "this training job has already ended: " + j.Status
	}
	return ""
}

// leaveLog takes back one thing: the filter, the search, the log itself.
func (p *trainingPane) leaveLog() {
	switch {
	case p.log.filter != nil:
		p.dropFilter()
	case p.log.find != nil:
		p.dropFind()
	default:
		p.mode, p.zoom = trainJobs, false
	}
}

func (p *trainingPane) bind() {
	do := func(f func()) func(string) tea.Cmd {
		return func(string) tea.Cmd { f(); return nil }
	}
	move := func(n int) func(string) tea.Cmd {
		return func(string) tea.Cmd { return p.move(n) }
	}
	shared := []keys.Binding{
		{ID: "training.new", Keys: []string{"n"}, Label: "new", Help: "plan and start a training job", Args: "DATASET", Rank: 3, Off: p.app.needAccount,
			Do: func(path string) tea.Cmd { return p.startWith(or(path, p.app.data.trainPath())) }},
		{ID: "training.import", Keys: []string{"i"}, Label: "import", Help: "import the artifact of this training job", Rank: 2, Off: p.noArtifact,
			Do: func(string) tea.Cmd { return p.app.imports.startWith(p.job().Name, "") }},
		{ID: "training.stop", Keys: []string{"s"}, Label: "stop", Help: "stop this training job", Rank: 4, Off: p.noStop,
			Do: func(string) tea.Cmd { return p.stop() }},
		{ID: "training.resume", Keys: []string{"R"}, Label: "go on", Help: "go on from the last checkpoint of this job, as a new job", Off: p.noResume,
			Do: func(string) tea.Cmd { return p.resume() }},
		{ID: "training.again", Keys: []string{"A"}, Label: "again", Help: "start this job once more: its settings in the form, to be changed or not", Off: p.noJob,
			Do: func(string) tea.Cmd { return p.again() }},
		{ID: "training.diff", Keys: []string{"d"}, Label: "diff", Help: "in what this job and another one differ: rows, settings, options", Args: "JOB", Off: p.noJob, Complete: p.jobNames, Do: p.diff},
		{ID: "training.zoom", Keys: []string{"z"}, Label: "zoom", Help: "give the log the whole pane, or take it back", Rank: 5, Off: p.noJob,
			Do: do(func() { p.zoom = !p.zoom })},
		{ID: "training.raw", Keys: []string{"w"}, Label: "raw", Help: "show log lines as they were written, or read", Off: p.noJob,
			Do: do(func() { p.raw = !p.raw; p.log.cache = nil })},
		{ID: "training.scale", Keys: []string{"y"}, Label: "log scale", Help: "draw the chart on the other scale: logarithmic or linear", Off: p.noJob,
			Do: do(func() { p.chart.logY = !p.chart.logY })},
		{ID: "training.metric", Keys: []string{"m"}, Label: "metric", Help: "chart another number: loss, learning rate, gradient norm, tokens/s, GPU memory", Off: p.noJob,
			Do: do(func() { p.chart.metric = (p.chart.metric + 1) % len(chartMetrics) })},
		{ID: "training.compare", Keys: []string{"c"}, Label: "compare", Help: "draw other jobs into the same chart", Args: "JOB...", Off: p.noJob, Do: p.compare},
		{ID: "training.refresh", Keys: []string{"r"}, Label: "refresh", Help: "read the list of jobs again", Do: func(string) tea.Cmd {
			if p.app.openErr != nil {
				return p.app.open()
			}
			p.err = nil
			return p.poll()
		}},
	}
	p.keys[trainJobs] = &keys.Table{Scope: "Training", Bindings: append([]keys.Binding{
		{ID: "training.log", Keys: []string{"enter", "tab"}, Label: "log", Help: "move in the log of this job", Rank: 1, Off: p.noJob,
			Do: do(func() { p.mode = trainLog })},
		{ID: "training.open", Keys: []string{"o"}, Label: "open", Help: "open any training job of the account by its name", Args: "JOB", Off: p.app.needAccount,
			Complete: p.jobNames, Do: p.openJob},
		{ID: "training.chart", Keys: []string{"v"}, Label: "chart", Help: "look closely at the chart: cursor, zoom, smoothing", Rank: 6, Off: p.noJob,
			Do: do(func() { p.mode = trainChart; p.point(0) })},
		{ID: "training.down", Keys: []string{"down", "j"}, Label: "down", Help: "next job", Hidden: true, Do: move(1)},
		{ID: "training.up", Keys: []string{"up", "k"}, Label: "up", Help: "job before", Hidden: true, Do: move(-1)},
		{ID: "training.first", Keys: []string{"g", "home"}, Label: "newest", Help: "go to the newest job", Hidden: true, Do: move(-1 << 20)},
		{ID: "training.last", Keys: []string{"G", "end"}, Label: "oldest", Help: "go to the oldest job", Hidden: true, Do: move(1 << 20)},
	}, shared...)}
	inLog := slices.Clone(shared)
	inLog[0].Keys, inLog[0].Rank = nil, 0 // n is the next match there
	p.keys[trainLog] = &keys.Table{Scope: "Training, log", Bindings: append([]keys.Binding{
		{ID: "training.jobs", Keys: []string{"esc", "tab", "enter"}, Label: "jobs", Help: "end a filter, then a search, then move in the list of jobs again", Rank: 1,
			Do: do(p.leaveLog)},
		{ID: "training.find", Keys: []string{"/"}, Label: "find", Help: "find lines of the log that hold a text", Args: "TEXT", Rank: 3, Off: p.noJob, Do: p.openFind(false)},
		{ID: "training.next-match", Keys: []string{"n"}, Label: "next match", Help: "go to the next line that matches", Rank: 2, Off: p.noFind, Do: p.next(1)},
		{ID: "training.previous-match", Keys: []string{"N"}, Label: "previous match", Help: "go to the line before that matches", Off: p.noFind, Do: p.next(-1)},
		{ID: "training.filter", Keys: []string{"&"}, Label: "only", Help: "show only the lines of the log that hold a text; an empty text shows all", Args: "TEXT", Rank: 4, Off: p.noJob, Do: p.openFind(true)},
		{ID: "training.traceback", Keys: []string{"t"}, Label: "traceback", Help: "go to the first traceback", Rank: 2, Off: p.noTraceback, Do: p.toTraceback},
		{ID: "training.save", Keys: []string{"S"}, Label: "save", Help: "write the whole log to a file", Args: "FILE", Off: p.noJob, Complete: p.app.deps.Paths, Do: p.save},
		{ID: "training.follow", Keys: []string{"G", "end"}, Label: "follow", Help: "go to the end of the log and follow it", Rank: 2, Do: do(p.log.toEnd)},
		{ID: "training.down", Keys: []string{"down", "j"}, Label: "down", Help: "scroll down", Hidden: true, Do: do(func() { p.log.move(1) })},
		{ID: "training.up", Keys: []string{"up", "k"}, Label: "up", Help: "scroll up; the log is no longer followed", Hidden: true, Do: do(func() { p.log.move(-1) })},
		{ID: "training.page-down", Keys: []string{"pgdown", "ctrl+d", "space"}, Label: "page down", Help: "next page", Hidden: true, Do: do(func() { p.log.move(max(p.log.height-1, 1)) })},
		{ID: "training.page-up", Keys: []string{"pgup", "ctrl+u"}, Label: "page up", Help: "page before", Hidden: true, Do: do(func() { p.log.move(-max(p.log.height-1, 1)) })},
		{ID: "training.top", Keys: []string{"g", "home"}, Label: "top", Help: "go to the first line", Hidden: true, Do: do(func() { p.log.move(-1 << 30) })},
		{ID: "training.right", Keys: []string{"right", "l"}, Label: "right", Help: "show what is further right", Hidden: true, Do: do(func() { p.log.sideways(8) })},
		{ID: "training.left", Keys: []string{"left", "h"}, Label: "left", Help: "show what is further left", Hidden: true, Do: do(func() { p.log.sideways(-8) })},
	}, inLog...)}
	p.keys[trainFind] = &keys.Table{Scope: "Training, find", Bindings: []keys.Binding{
		{ID: "training.find-take", Keys: []string{"enter"}, Label: "find", Help: "search for the text, or show only the lines that hold it", Rank: 1,
			Do: func(string) tea.Cmd { return p.takeFind(p.find.in.Value()) }},
		{ID: "training.find-regexp", Keys: []string{"ctrl+r"}, Label: "regexp", Help: "read the text as a regular expression, or not", Rank: 2,
			Do: do(func() { p.find.regexp, p.find.err = !p.find.regexp, "" })},
		{ID: "training.find-close", Keys: []string{"esc"}, Label: "close", Help: "do not search", Rank: 3, Do: do(func() { p.mode = trainLog })},
	}}
	inChart := slices.DeleteFunc(slices.Clone(shared), func(b keys.Binding) bool { return b.ID == "training.zoom" })
	for i := range inChart {
		switch inChart[i].ID {
		case "training.metric", "training.compare", "training.scale":
			inChart[i].Rank = 3
		default:
			inChart[i].Rank = 0
		}
	}
	c := &p.chart
	p.keys[trainChart] = &keys.Table{Scope: "Training, chart", Bindings: append([]keys.Binding{
		{ID: "training.chart-close", Keys: []string{"esc", "v", "enter", "tab"}, Label: "jobs", Help: "back to the list of jobs", Rank: 1,
			Do: do(func() { p.mode, c.cursor = trainJobs, -1 })},
		{ID: "training.cursor-right", Keys: []string{"right", "l"}, Label: "cursor right", Help: "move the cursor to the next step that was logged", Hidden: true, Do: do(func() { p.point(1) })},
		{ID: "training.cursor-left", Keys: []string{"left", "h"}, Label: "cursor left", Help: "move the cursor to the step before", Hidden: true, Do: do(func() { p.point(-1) })},
		{ID: "training.cursor-far-right", Keys: []string{"pgdown", "L"}, Label: "far right", Help: "move the cursor by ten steps that were logged", Hidden: true, Do: do(func() { p.point(10) })},
		{ID: "training.cursor-far-left", Keys: []string{"pgup", "H"}, Label: "far left", Help: "move the cursor back by ten", Hidden: true, Do: do(func() { p.point(-10) })},
		{ID: "training.cursor-first", Keys: []string{"g", "home"}, Label: "first", Help: "move the cursor to the first step", Hidden: true, Do: do(func() { p.point(-1 << 30) })},
		{ID: "training.cursor-last", Keys: []string{"G", "end"}, Label: "last", Help: "move the cursor to the last step", Hidden: true, Do: do(func() { p.point(1 << 30) })},
		{ID: "training.zoom-in", Keys: []string{"+", "="}, Label: "closer", Help: "show half as many steps, around the cursor", Rank: 2, Do: do(func() { p.magnify(0.5) })},
		{ID: "training.zoom-out", Keys: []string{"-"}, Label: "further", Help: "show twice as many steps", Rank: 2, Do: do(func() { p.magnify(2) })},
		{ID: "training.zoom-all", Keys: []string{"0"}, Label: "all", Help: "show all steps", Do: do(func() { c.from, c.to = 0, 0 })},
		{ID: "training.smooth", Keys: []string{"a"}, Label: "average", Help: "smooth the curves with a moving average, or not", Rank: 4, Do: do(func() { c.smooth = !c.smooth })},
		{ID: "training.words", Keys: []string{"x"}, Label: "words", Help: "tell the chart in words, or draw it", Rank: 5, Do: do(func() { c.words = !c.words })},
	}, inChart...)}
	preset := []keys.Binding{
		{ID: "training.plan", Keys: []string{"ctrl+o"}, Label: "whole plan", Help: "show all of the plan, and the request that would be sent", Rank: 4, Off: p.noPlan,
			Do: func(string) tea.Cmd { return p.showPlan() }},
		{ID: "training.save-preset", Keys: []string{"ctrl+y"}, Label: "save preset", Help: "keep the settings of the form under a name", Args: "NAME", Rank: 5,
			Complete: p.ownPresets, Do: func(name string) tea.Cmd {
				if name != "" {
					return p.keepPreset(name, false)
				}
				return p.savePreset()
			}},
		{ID: "training.delete-preset", Label: "delete preset", Help: "delete one of your presets", Args: "NAME", Complete: p.ownPresets, Do: p.deletePreset},
	}
	p.keys[trainForm] = &keys.Table{Scope: "Training, new job", Bindings: append(formKeys("training", &p.form, p.start, func() tea.Cmd {
		p.mode = trainJobs
		return nil
	}), preset...)}
}
