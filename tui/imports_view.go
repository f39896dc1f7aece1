package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/modelimport"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

func (p *importPane) Bindings() *keys.Table { return p.keys[p.mode] }
func (p *importPane) Tables() []*keys.Table { return p.keys[:] }

func (p *importPane) noModel() string {
	if why := p.app.needAccount(); why != "" {
		return why
	}
	if p.model() == nil {
		return "no model is imported yet; n imports one"
	}
	return ""
}

func (p *importPane) noImportJob() string {
	if why := p.app.needAccount(); why != "" {
		return why
	}
	if len(p.jobs) == 0 {
		return "there is no import job yet; n starts one"
	}
	return ""
}

func (p *importPane) notWaiting() string {
	if why := p.noImportJob(); why != "" {
		return why
	}
	if j := p.job(); j == nil || j.Status != modelimport.Waiting {
		return "only an import that waits for its turn can be taken out; Bedrock cannot stop one that runs"
	}
	return ""
}

func (p *importPane) bind() {
	do := func(f func()) func(string) tea.Cmd {
		return func(string) tea.Cmd { f(); return nil }
	}
	newest := func() string {
		for _, j := range p.app.train.jobs {
			if j.Status == "Completed" {
				return j.Name
			}
		}
		return ""
	}
	shared := []keys.Binding{
		{ID: "import.new", Keys: []string{"n"}, Label: "import", Help: "check an artifact and import it", Args: "TRAINING-JOB|FOLDER|S3URI", Rank: 4, Off: p.app.needAccount,
			Do: func(s string) tea.Cmd {
				for _, j := range p.app.train.jobs {
					if j.Name == s {
						return p.startWith(s, "")
					}
				}
				if s == "" {
					return p.startWith(newest(), "")
				}
				return p.startWith("", s)
			}},
		{ID: "import.refresh", Keys: []string{"r"}, Label: "refresh", Help: "read models and jobs again", Do: func(string) tea.Cmd {
			if p.app.openErr != nil {
				return p.app.open()
			}
			p.err = nil
			return p.poll()
		}},
	}
	move := func(f func()) func(string) tea.Cmd {
		return func(string) tea.Cmd { f(); return p.look() }
	}
	list := func(s *widget.Scroll) []keys.Binding {
		return []keys.Binding{
			{ID: "import.down", Keys: []string{"down", "j"}, Label: "down", Help: "next entry", Hidden: true, Do: move(func() { s.Move(1) })},
			{ID: "import.up", Keys: []string{"up", "k"}, Label: "up", Help: "entry before", Hidden: true, Do: move(func() { s.Move(-1) })},
			{ID: "import.first", Keys: []string{"g", "home"}, Label: "first", Help: "first entry", Hidden: true, Do: move(func() { s.To(0) })},
			{ID: "import.last", Keys: []string{"G", "end"}, Label: "last", Help: "last entry", Hidden: true, Do: move(func() { s.To(1 << 20) })},
		}
	}
	p.keys[importModels] = &keys.Table{Scope: "Import, models", Bindings: append(append([]keys.Binding{
		{ID: "import.chat", Keys: []string{"c", "enter"}, Label: "chat", Help: "chat with this model beside the base model", Rank: 1, Off: p.noModel,
			Do: func(string) tea.Cmd { return p.app.chat.with("base", p.model().Name) }},
		{ID: "import.evaluate", Keys: []string{"e"}, Label: "evaluate", Help: "score this model beside the base model", Rank: 2, Off: p.noModel,
			Do: func(string) tea.Cmd { return p.app.score.startWith([]string{"base", p.model().Name}, "") }},
		{ID: "import.prove", Keys: []string{"v"}, Label: "prove", Help: "ask this model in every form it can be asked in", Rank: 3, Off: p.cannotProve,
			Do: func(string) tea.Cmd { return p.prove() }},
		{ID: "import.delete", Keys: []string{"d"}, Label: "delete", Help: "delete this imported model", Rank: 5, Off: p.noModel,
			Do: func(string) tea.Cmd { return p.remove() }},
		{ID: "import.jobs", Keys: []string{"tab"}, Label: "jobs", Help: "move in the list of import jobs", Rank: 6, Off: p.noImportJob,
			Do: do(func() { p.mode = importJobs })},
	}, list(&p.ms)...), shared...)}
	p.keys[importJobs] = &keys.Table{Scope: "Import, jobs", Bindings: append(append([]keys.Binding{
		{ID: "import.models", Keys: []string{"tab", "esc"}, Label: "models", Help: "move in the list of models", Rank: 1, Do: do(func() { p.mode = importModels })},
		{ID: "import.explain", Keys: []string{"x"}, Label: "explain", Help: "check the artifact of this failed job: what does it not pass?", Rank: 2, Off: p.notFailed,
			Do: func(string) tea.Cmd { return p.explain() }},
		{ID: "import.unqueue", Keys: []string{"d"}, Label: "take out", Help: "take this import out of the queue", Rank: 5, Off: p.notWaiting,
			Do: func(string) tea.Cmd { return p.unqueue() }},
	}, list(&p.js)...), shared...)}
	form := formKeys("import", &p.form, p.start, func() tea.Cmd {
		p.mode = importModels
		return nil
	})
	p.keys[importForm] = &keys.Table{Scope: "Import, new", Bindings: append(form,
		keys.Binding{ID: "import.checks-down", Keys: []string{"pgdown"}, Label: "checks", Help: "scroll the checks down", Hidden: true, Do: do(func() { p.top += 5 })},
		keys.Binding{ID: "import.checks-up", Keys: []string{"pgup"}, Label: "checks", Help: "scroll the checks up", Hidden: true, Do: do(func() { p.top -= 5 })},
	)}
}

func (p *importPane) View() []string {
	p.cx = -1
	if s := p.app.accountState(p.w, p.h); s != nil {
		return s
	}
	switch {
	case p.mode == importForm:
		return p.viewForm()
	case !p.loaded && p.err != nil:
		return p.app.message(p.w, p.h, widget.Bad, widget.MarkFailed, "Imported models could not be read", p.err.Error(), hint{"r", "try again"})
	case !p.loaded:
		return p.app.message(p.w, p.h, widget.Info, widget.MarkRunning, "Reading imported models", "")
	case len(p.jobs) == 0 && len(p.models) == 0:
		return p.app.message(p.w, p.h, widget.Muted, widget.MarkWaiting, "No model is imported yet",
			"An import job makes a model out of the artifact that a training job wrote. It is checked first: what Bedrock would refuse is found before a job is started.",
			hint{"n", "import an artifact"}, hint{"2", "training jobs"})
	}
	l, now := p.app.look, p.app.deps.Now()
	note := ""
	if p.err != nil {
		note = widget.MarkWarning + " read " + widget.Ago(p.read, now) + ": " + p.err.Error()
	}
	jobRows := min(len(p.jobs), max(3, p.h/3))
	modelRows := min(max(len(p.models), 1), max(p.h-jobRows-6, 2))
	p.ms.Set(len(p.models), modelRows)
	p.js.Set(len(p.jobs), jobRows)
	lines := []string{l.Rule(p.w, "Imported models", note, p.mode == importModels)}
	t := widget.NewTable(l, p.w, widget.Column{Title: "model", Width: 20, Grow: 5, Name: true, Max: p.longest(func(m modelimport.Model) string { return m.Name })},
		widget.Column{Title: "from", Width: 18, Grow: 3, Name: true, Max: p.longest(func(m modelimport.Model) string { return or(m.TrainingJob, m.Source) }), Drop: 2}, widget.Column{Title: "prompt format", Width: 15, Drop: 3},
		widget.Column{Title: "architecture", Width: 18, Grow: 1, Max: 22, Drop: 4}, widget.Column{Title: "units", Width: 5, Right: true, Drop: 5},
		widget.Column{Title: "imported", Width: 11, Right: true, Drop: 1})
	lines = append(lines, t.Head())
	for i := p.ms.Top; i < p.ms.End(); i++ {
		m := p.models[i]
		format := widget.Cell{Text: m.PromptFormat, Style: widget.Muted}
		if m.PromptFormat == "" {
			format = widget.Cell{Text: "not known", Style: widget.Faint}
		}
		units := ""
		if t := p.details[m.ARN]; t != nil && t.d.Units > 0 {
			units = fmt.Sprint(t.d.Units)
		}
		lines = append(lines, t.Line([]widget.Cell{{Text: m.Name}, {Text: or(m.TrainingJob, m.Source), Style: widget.Muted}, format,
			{Text: m.Architecture, Style: widget.Muted}, {Text: units, Style: widget.Muted}, {Text: widget.Ago(m.Created, now), Style: widget.Faint}},
			i == p.ms.Cursor, p.mode == importModels))
	}
	if len(p.models) == 0 {
		lines = append(lines, l.Row(p.w).Gap(2).Put(widget.Faint, "none yet").String())
	}
	usual := ""
	if u, ok := modelimport.Yardstick(p.jobs); ok && p.active() > 0 {
		usual = "imports took " + span(u)
	}
	lines = append(lines, widget.Blank(p.w), l.Rule(p.w, "Import jobs", usual, p.mode == importJobs))
	t = widget.NewTable(l, p.w, widget.Column{Title: "import job", Width: 20, Grow: 4, Max: 50, Name: true}, widget.Column{Title: "status", Width: 13},
		widget.Column{Title: "model", Width: 16, Grow: 2, Name: true, Max: p.longest(func(m modelimport.Model) string { return m.Name }), Drop: 2}, widget.Column{Title: "source", Width: 12, Grow: 1, Drop: 3, Name: true},
		widget.Column{Title: "took", Width: 7, Right: true}, widget.Column{Title: "started", Width: 11, Right: true, Drop: 1})
	lines = append(lines, t.Head())
	for i := p.js.Top; i < p.js.End(); i++ {
		j := p.jobs[i]
		mark, st := widget.Status(j.Status)
		end := j.Ended
		if end.IsZero() {
			end = now
		}
		lines = append(lines, t.Line([]widget.Cell{{Text: j.Name}, {Text: mark + " " + j.Status, Style: st}, {Text: j.Model, Style: widget.Muted},
			{Text: j.Source, Style: widget.Muted}, {Text: widget.Took(end.Sub(j.Created)), Style: widget.Muted}, {Text: widget.Ago(j.Created, now), Style: widget.Faint}},
			i == p.js.Cursor, p.mode == importJobs))
	}
	if j := p.job(); j != nil && j.FailureMessage != "" && p.mode == importJobs {
		lines = append(lines, widget.Blank(p.w))
		lines = append(lines, paragraph(l, p.w, widget.MarkFailed, j.FailureMessage, widget.Bad, 1)...)
		lines = append(lines, p.whyLines(j)...)
	}
	if p.mode == importModels && p.model() != nil {
		// What was asked for stands before what is always there.
		if proof := p.proofLines(p.h - len(lines) - 1); proof != nil {
			lines = append(append(lines, widget.Blank(p.w)), proof...)
		}
		if p.h-len(lines) >= 12 {
			lines = append(append(lines, widget.Blank(p.w)), p.modelLines()...)
		}
	}
	return widget.Fit(lines, p.w, p.h)
}

func (p *importPane) viewForm() []string {
	l := p.app.look
	lines := []string{l.Rule(p.w, "Import a model", "", true), widget.Blank(p.w)}
	btn := p.form.Field("do")
	btn.Off, btn.Help = "", ""
	switch {
	case p.starting:
		btn.Help = or(p.upload.String(), "the import job is being started")
	case p.report != nil && !p.report.Importable:
		btn.Off = "Bedrock would refuse this artifact"
	}
	body, x, y := p.form.Lines(l, p.w, len(p.form.Fields))
	p.cx, p.cy = x, y+len(lines)
	lines = append(lines, body...)
	lines = append(lines, widget.Blank(p.w))
	what, _ := p.source()
	switch {
	case p.checking:
		lines = append(lines, l.Rule(p.w, "Preflight", "", false), l.Row(p.w).Gap(2).Put(widget.Info, widget.MarkRunning).Gap(1).Put(widget.Muted, "reading the artifact of "+what).String())
	case p.checkErr != nil:
		lines = append(lines, l.Rule(p.w, "Preflight", "", false))
		lines = append(lines, paragraph(l, p.w, widget.MarkFailed, p.checkErr.Error(), widget.Bad, 1)...)
	case p.report != nil:
		lines = append(lines, p.reportLines(p.h-len(lines))...)
	}
	return widget.Fit(lines, p.w, p.h)
}

// reportLines shows every check with what was found, and what to do about those
// that do not pass. What needs a look stands first.
func (p *importPane) reportLines(height int) []string {
	l := p.app.look
	count := map[modelimport.Result]int{}
	for _, c := range p.report.Checks {
		count[c.Result]++
	}
	var words []string
	order := []modelimport.Result{modelimport.Blocks, modelimport.Warning, modelimport.Unknown, modelimport.Pass}
	for _, r := range order {
		if count[r] > 0 {
			words = append(words, fmt.Sprintf("%d %s", count[r], r))
		}
	}
	var body []string
	title := 10
	for _, c := range p.report.Checks {
		title = max(title, l.Width(c.Title))
	}
	title = min(title, p.w*2/5)
	checks := slices.Clone(p.report.Checks)
	slices.SortStableFunc(checks, func(a, b modelimport.Check) int {
		return slices.Index(order, a.Result) - slices.Index(order, b.Result)
	})
	for _, c := range checks {
		mark, st := widget.Status(string(c.Result))
		r := l.Row(p.w).Gap(2).Cell(st, mark+" "+string(c.Result), 10, false).Gap(1).Cell(widget.Text, c.Title, title, false).Gap(2)
		r.Put(widget.Muted, c.Evidence)
		body = append(body, r.String())
		if c.Result != modelimport.Pass && c.Remedy != "" {
			for i, s := range l.Wrap(c.Remedy, p.w-17) {
				mark := "→ "
				if i > 0 {
					mark = "  "
				}
				body = append(body, l.Row(p.w).Gap(13).Put(widget.Key, mark).Put(widget.Text, s).String())
			}
		}
	}
	p.top = max(0, min(p.top, len(body)-(height-1)))
	return append([]string{l.Rule(p.w, "Preflight", strings.Join(words, ", "), false)}, body[p.top:]...)
}

// longest is the width of the longest text that the models have somewhere.
func (p *importPane) longest(of func(modelimport.Model) string) int {
	n := 20
	for _, m := range p.models {
		n = max(n, p.app.look.Width(of(m)))
	}
	return min(n, 48)
}
