package tui

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/backend/evaluation"
	"tunebench/metrics"
	"tunebench/metrics/fmevalio"
	"tunebench/tui/widget"
)

// startWith opens the form with models and a dataset; "" takes the held-out file.
func (p *scorePane) startWith(refs []string, path string) tea.Cmd {
	return p.openForm(evaluation.Spec{Dataset: or(path, p.app.deps.HeldOut), Models: refs, Limit: p.app.deps.Eval.Limit,
		MaxTokens: p.app.deps.Eval.MaxTokens, Delimiter: p.app.deps.Eval.Delimiter, Seed: 1})
}

// again opens the form with the settings of the run that is shown.
func (p *scorePane) again() tea.Cmd { return p.openForm(p.run.Spec) }

// openForm opens the form with the settings of a run.
func (p *scorePane) openForm(s evaluation.Spec) tea.Cmd {
	cmd := p.app.goTo(p)
	if why := p.app.needAccount(); why != "" {
		return tea.Batch(cmd, p.app.say(widget.Warn, widget.MarkWarning, why))
	}
	p.mode, p.refused = scoreForm, ""
	p.form = widget.Form{Apart: true}
	add := func(f evalField) {
		w := widget.Field{Name: f.name, Label: f.label, Help: f.help}
		w.Input.Placeholder = f.hint
		for _, c := range f.choices {
			w.Kind = widget.ChoiceField
			w.Options = append(w.Options, c[1])
		}
		p.form.Fields = append(p.form.Fields, w)
	}
	for _, f := range evalFields {
		add(f)
	}
	p.form.Fields = append(p.form.Fields, widget.Field{Name: "do", Label: "Evaluate", Kind: widget.ButtonField, Help: "asks every model every question; + opens more settings"})
	for _, g := range evalGroups {
		p.form.Fields = append(p.form.Fields, widget.Field{Name: "group " + g.label, Label: g.label, Kind: widget.GroupField, Help: g.help})
		for _, f := range g.fields {
			add(f)
		}
	}
	p.form.Fields = append(p.form.Fields,
		widget.Field{Name: "open", Label: "Open a run file", Kind: widget.ButtonField, Press: p.askRunFile, Help: "take these settings from a TOML file, as eval run --config does"},
		widget.Field{Name: "save", Label: "Save as a run file", Kind: widget.ButtonField, Press: func() tea.Cmd { return p.saveRunFile("") }, Help: "keep these settings in git, and run them with eval run --config"})
	p.form.Field("max_tokens").Input.Placeholder = positive(float64(p.app.deps.Eval.MaxTokens))
	p.fill(s)
	p.form.On("do")
	return tea.Batch(cmd, task(p.app.ctx, p.app.svc.Chat.Models, func(ms []chat.Model, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		p.models = ms
		if f := p.form.Field("models"); f != nil && f.Value() == "" && p.form.Value("outputs") == "" {
			var refs []string
			for _, m := range usual(ms) {
				refs = append(refs, m.Ref)
			}
			f.Input.Set(strings.Join(refs, ", "))
		}
		return nil
	}))
}

// eachField calls f with every setting of the form.
func eachField(f func(evalField)) {
	for _, x := range evalFields {
		f(x)
	}
	for _, g := range evalGroups {
		for _, x := range g.fields {
			f(x)
		}
	}
}

// fill puts a run's settings into the form.
func (p *scorePane) fill(s evaluation.Spec) {
	if len(s.Outputs) > 0 {
		s.Models = nil // named with the files
		if s.Dataset == s.Outputs[0].File {
			s.Dataset = ""
		}
	}
	p.base = s
	eachField(func(f evalField) {
		w := p.form.Field(f.name)
		w.Err = ""
		v := f.show(s)
		if v == w.Input.Placeholder && f.name != "seed" {
			v = "" // it stands there anyway
		}
		w.Input.Set(v)
		for i, c := range f.choices {
			if c[0] == v {
				w.Choice = i
			}
		}
	})
}

// value is what a field of the form stands for.
func (p *scorePane) value(f evalField) string {
	w := p.form.Field(f.name)
	if len(f.choices) > 0 {
		return f.choices[w.Choice][0]
	}
	return strings.TrimSpace(w.Value())
}

// spec is the run that the form describes; ok is false when a field is wrong, which
// has the focus then.
func (p *scorePane) spec() (s evaluation.Spec, ok bool) {
	s = p.base
	if s.FMEval != nil {
		c := *s.FMEval
		s.FMEval = &c
	}
	bad := func(field, why string) {
		if ok {
			p.form.Field(field).Err = why
			p.form.On(field)
			ok = false
		}
	}
	ok = true
	eachField(func(f evalField) {
		if err := f.take(&s, p.value(f)); err != nil {
			bad(f.name, err.Error())
		}
	})
	if s.FMEval != nil && *s.FMEval == (fmevalio.DataConfig{}) {
		s.FMEval = nil
	}
	if s.MaxTokens == 0 {
		s.MaxTokens = p.app.deps.Eval.MaxTokens
	}
	switch {
	case len(s.Outputs) > 0:
		s.Models, s.Dataset = nil, ""
	case s.Dataset == "":
		bad("dataset", "a file is needed")
	case len(s.Models) == 0:
		bad("models", "at least one model is needed")
	}
	return s, ok
}

// start starts the run that the form describes.
func (p *scorePane) start() tea.Cmd {
	switch {
	case p.live != nil:
		return p.app.say(widget.Warn, widget.MarkWarning, "an evaluation is already running; x stops it")
	case p.starting:
		return nil
	}
	spec, ok := p.spec()
	if !ok {
		return nil
	}
	begin := func() tea.Cmd {
		p.starting = true
		return task(p.app.ctx, func(ctx context.Context) (Live, error) {
			err := p.app.svc.Evaluation.Fetch(ctx, spec.Dataset, func(at dataset.Progress) { p.fetching.Store(&at) })
			p.fetching.Store(nil)
			if err != nil {
				return nil, err
			}
			// The run lives as long as the program, not as long as this call.
			return p.app.svc.Evaluation.Start(p.app.ctx, spec)
		}, p.started)
	}
	if !p.app.svc.Account.Bills || len(spec.Outputs) > 0 {
		return begin()
	}
	rows := "all rows"
	if spec.Limit > 0 {
		rows = widget.Plural(int64(spec.Limit), "row")
	}
	bound := "none"
	for _, g := range evalGroups {
		if g.label == "time and money" {
			bound = g.note(p.form.Value)
		}
	}
	facts := [][2]string{{"dataset", spec.Dataset + ", " + rows}, {"models", strings.Join(spec.Models, ", ")}, {"stops at", bound}}
	if spec.Judge != "" {
		facts = append(facts, [2]string{"judge", spec.Judge + ", asked twice for each row at the end; the bound is not for it"})
	}
	p.app.modal = newConfirm(p.app, confirm{title: "Start an evaluation that costs money?", yes: "start it", do: begin,
		text:  []string{"Every row is one request to every model. Bedrock bills them as it bills any other; a model that sleeps is loaded and billed while it answers."},
		facts: facts})
	return nil
}

// askRunFile asks for a run file and takes its settings.
func (p *scorePane) askRunFile() tea.Cmd {
	m := &prompt{app: p.app, title: "Open a run file", help: "a TOML file that describes an evaluation", complete: p.app.deps.Paths, do: func(path string) tea.Cmd {
		if path == "" {
			return nil
		}
		return p.openRunFile(path)
	}}
	p.app.modal = m
	return nil
}

// openRunFile opens the form with the settings of a run file.
func (p *scorePane) openRunFile(path string) tea.Cmd {
	return task(p.app.ctx, func(context.Context) (evaluation.RunFile, error) {
		return p.app.svc.Evaluation.ReadRunFile(path)
	}, func(f evaluation.RunFile, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		return tea.Batch(p.openForm(f.Spec), p.app.say(widget.Good, widget.MarkDone, "these are the settings of "+path))
	})
}

// saveRunFile writes the settings of the form to a file.
func (p *scorePane) saveRunFile(path string) tea.Cmd {
	s, ok := p.spec()
	if !ok {
		return nil
	}
	return p.app.export(path, export{
		title: "Save as a run file", help: "it is run with: tunebench eval run --config FILE",
		proposed: filepath.Join(p.app.deps.WorkDir, or(s.Name, "evaluation")+".toml"),
		write: func(_ context.Context, f io.Writer, path string) (string, error) {
			return "", evaluation.RunFile{Spec: s}.Write(f, filepath.Dir(path))
		},
	})
}

func (p *scorePane) viewForm() []string {
	l := p.app.look
	lines := []string{l.Rule(p.w, "New evaluation", "", true)}
	if p.h >= 16 {
		lines = append(lines, widget.Blank(p.w))
	}
	btn := p.form.Field("do")
	help := l.Wrap(p.form.Current().Help, p.w-4)
	btn.Off = ""
	switch {
	case p.starting:
		help = []string{p.startingText()}
	case p.live != nil:
		btn.Off = "an evaluation is running"
	}
	for _, g := range evalGroups {
		p.form.Field("group " + g.label).Note = g.note(p.form.Value)
	}
	var why []string
	if p.refused != "" {
		why = append([]string{l.Rule(p.w, "It did not start", "", false)}, paragraph(l, p.w, widget.MarkFailed, p.refused, widget.Bad, 1)...)
	}
	room := max(5, min(p.form.InSight(), p.h-len(lines)-2-len(why)))
	body, x, y := p.form.Lines(l, p.w, room)
	p.cx, p.cy = x, y+len(lines)
	lines = append(lines, body...)
	for i := range 2 {
		r := l.Row(p.w).Gap(2)
		if i < len(help) {
			r.Put(widget.Faint, help[i])
		}
		lines = append(lines, r.String())
	}
	lines = append(lines, why...)
	if why == nil && p.h-len(lines) > 2 {
		lines = append(lines, p.nameable()...)
	}
	return widget.Fit(lines, p.w, p.h)
}

// nameable lists what can be written into the field with the focus: datasets,
// metrics or their options; for the other fields it lists the models.
func (p *scorePane) nameable() []string {
	l := p.app.look
	title, rows := "Models that can be named", [][3]string(nil)
	add := func(name, note, more string) { rows = append(rows, [3]string{name, note, more}) }
	switch p.form.Current().Name {
	case "dataset":
		title = "Datasets that can be named, besides files"
		add(p.app.deps.HeldOut, "comes with the program", "")
		for _, b := range fmevalio.BuiltIns() {
			if b.Why == "" {
				add("fmeval:"+b.Name, "FMEval's, for "+b.Metric, "")
			}
		}
	case "metrics":
		title = "Metrics that can be named"
		for _, m := range metrics.All() {
			add(m.Name, m.What, "")
		}
	case "params":
		title = "Options of metrics"
		seen := map[string]bool{"target_output_delimiter": true} // a field of its own
		list := func(params []metrics.Param) {
			for _, o := range params {
				if !seen[o.Name] {
					seen[o.Name] = true
					add(o.Name, o.What, o.Default)
				}
			}
		}
		for _, m := range metrics.All() {
			list(m.Params)
		}
		list(evaluation.DisturbOptions)
	default:
		for _, m := range p.models {
			add(m.Ref, string(m.Kind), m.PromptFormat)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	name := 0
	for _, r := range rows {
		name = max(name, l.Width(r[0]))
	}
	lines := []string{l.Rule(p.w, title, "", false)}
	for _, r := range rows {
		row := l.Row(p.w).Gap(2).Cell(widget.Text, r[0], min(name, 44, p.w/2), false).Gap(2).Put(widget.Muted, r[1])
		if r[2] != "" {
			row.Gap(2).Put(widget.Faint, r[2])
		}
		lines = append(lines, row.String())
	}
	return lines
}

// startingText says what is done before the first question.
func (p *scorePane) startingText() string {
	at := p.fetching.Load()
	switch {
	case at == nil:
		return widget.MarkRunning + " the dataset is being read"
	case at.Total > 0:
		return fmt.Sprintf("%s %s: %s of %s", widget.MarkRunning, at.What, widget.Bytes(at.Done), widget.Bytes(at.Total))
	}
	return fmt.Sprintf("%s %s: %s", widget.MarkRunning, at.What, widget.Bytes(at.Done))
}
