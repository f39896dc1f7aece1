package tui

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/training"
	"tunebench/tui/widget"
)

// startWith opens the form for a dataset, with the focus on the button: enter is
// enough.
func (p *trainingPane) startWith(path string) tea.Cmd {
	cmd := p.app.goTo(p)
	if why := p.app.needAccount(); why != "" {
		return tea.Batch(cmd, p.app.say(widget.Warn, widget.MarkWarning, why))
	}
	p.mode, p.goFrom, p.from, p.remarks, p.wanted = trainForm, "", "", nil, false
	p.form = widget.Form{Apart: true, Fields: []widget.Field{
		{Name: "dataset", Label: "dataset", Help: "a file of examples, or a folder that prepare wrote"},
		{Name: "preset", Label: "preset", Kind: widget.ChoiceField},
		{Name: "name", Label: "name", Help: "of the job, used once; empty takes the proposed one"},
		{Name: "do", Label: "Start training", Kind: widget.ButtonField, Help: "what will be done stands below; + opens the settings"},
	}}
	p.form.Field("dataset").Input.Set(path)
	p.form.Field("preset").Changed = func() tea.Cmd {
		p.fillSettings()
		return p.replan(0)
	}
	for _, g := range jobGroups {
		p.form.Fields = append(p.form.Fields, widget.Field{Name: "group " + g.label, Label: g.label, Kind: widget.GroupField, Help: g.help + "; enter opens and closes"})
		for _, f := range g.fields {
			w := widget.Field{Name: f.name, Label: f.label, Help: f.help}
			w.Input.Placeholder = f.hint
			for _, c := range f.choices {
				w.Kind = widget.ChoiceField
				w.Options = append(w.Options, c[1])
			}
			if w.Kind == widget.ChoiceField {
				w.Changed = func() tea.Cmd { return p.replan(0) }
			}
			p.form.Fields = append(p.form.Fields, w)
		}
	}
	p.form.Fields = append(p.form.Fields, widget.Field{Name: "keep", Label: "Save as a preset", Kind: widget.ButtonField, Press: p.savePreset,
		Help: "keep the settings under a name, to start other jobs with"})
	p.form.Field("instance").Input.Placeholder = p.app.deps.Train.Instance
	p.form.On("do")
	p.offerPresets(or(p.preset, p.app.deps.Train.Preset))
	p.fillSettings()
	return tea.Batch(cmd, p.replan(0))
}

// offerPresets puts the presets that there are into the form.
func (p *trainingPane) offerPresets(chosen string) {
	f := p.form.Field("preset")
	f.Options = nil
	p.presets = p.app.svc.Training.Presets()
	for _, ps := range p.presets {
		f.Options = append(f.Options, ps.Name)
	}
	f.Choice = max(slices.Index(f.Options, chosen), 0)
}

func (p *trainingPane) presetNow() training.Preset {
	for _, ps := range p.presets {
		if ps.Name == p.form.Value("preset") {
			return ps
		}
	}
	return training.Preset{}
}

// fillSettings puts the settings and options of the chosen preset into the form.
func (p *trainingPane) fillSettings() {
	ps := p.presetNow()
	p.preset = ps.Name
	p.form.Field("preset").Help = ps.Summary
	p.fill(presetTexts(ps))
}

// fill puts values into the fields of their names.
func (p *trainingPane) fill(values map[string]string) {
	for name, v := range values {
		w, f := p.form.Field(name), jobFields[name]
		if w == nil || f == nil {
			continue
		}
		w.Input.Set(v)
		if !f.option {
			w.Input.Placeholder = v // holds when the field is empty
		}
		w.Choice = max(slices.IndexFunc(f.choices, func(c [2]string) bool { return c[0] == v }), 0)
	}
}

// value is what a field of the form stands for.
func (p *trainingPane) value(name string) string {
	w, f := p.form.Field(name), jobFields[name]
	if w == nil || f == nil {
		return ""
	}
	if w.Kind == widget.ChoiceField {
		return f.choices[w.Choice][0]
	}
	return strings.TrimSpace(w.Input.Value())
}

// changed are the values of the form that differ from the preset's, settings and
// options.
func (p *trainingPane) changed(ps training.Preset) (set, options map[string]string) {
	set, options = map[string]string{}, map[string]string{}
	was := presetTexts(ps)
	for name, f := range jobFields {
		v := p.value(name)
		switch {
		case v == was[name]:
		case f.option && v == "":
			options[name] = map[string]string{"instance_count": "0", "max_runtime_hours": "0", "max_wait_hours": "0"}[name]
		case f.option:
			options[name] = v
		case v != "" || len(f.choices) > 0:
			set[name] = v
		}
	}
	return set, options
}

// spec is what the form asks for.
func (p *trainingPane) spec() (training.Spec, error) {
	ps := p.presetNow()
	set, options := p.changed(ps)
	s := training.Spec{Dataset: strings.TrimSpace(p.form.Value("dataset")), Preset: ps.Name, Name: strings.TrimSpace(p.form.Value("name")), Set: set, Options: ps.Options, Remarks: p.remarks}
	s.Options.Tags = maps.Clone(ps.Options.Tags)
	s.Options.Checkpoints = p.goFrom
	return s, s.Options.Override(options)
}

// replan makes the plan again after a pause in typing.
func (p *trainingPane) replan(wait time.Duration) tea.Cmd {
	p.planGen++
	gen := p.planGen
	p.planning = true
	return later(p.app.ctx, wait, func() tea.Cmd {
		if gen != p.planGen {
			return nil
		}
		spec, err := p.spec()
		if err != nil {
			p.planned(training.Plan{}, err)
			p.wanted = false
			return nil
		}
		return task(p.app.ctx, func(ctx context.Context) (training.Plan, error) {
			return p.app.svc.Training.Plan(ctx, spec)
		}, func(plan training.Plan, err error) tea.Cmd {
			if gen != p.planGen {
				return nil
			}
			p.planned(plan, err)
			if p.wanted { // enter was faster than the plan
				p.wanted = false
				return p.start()
			}
			return nil
		})
	})
}

// planned takes over a plan, or why there is none; a field that is named as the
// cause is marked.
func (p *trainingPane) planned(plan training.Plan, err error) {
	p.planning, p.planErr, p.plan = false, err, nil
	for i := range p.form.Fields {
		f := &p.form.Fields[i]
		f.Err = ""
		if err != nil && jobFields[f.Name] != nil && strings.Contains(err.Error(), " "+f.Name+" ") {
			f.Err = widget.MarkFailed + " see below"
		}
	}
	if err == nil {
		p.plan = &plan
		p.form.Field("name").Input.Placeholder = plan.Name
	}
}

// start starts the planned job; where it costs money it asks first.
func (p *trainingPane) start() tea.Cmd {
	switch {
	case p.planning:
		p.wanted = true
		return nil
	case p.plan == nil:
		if p.planErr != nil {
			return p.app.fail(p.planErr)
		}
		return p.replan(0)
	}
	plan := *p.plan
	begin := func() tea.Cmd {
		p.mode = trainJobs
		return p.launch(plan, func(error) tea.Cmd {
			p.mode = trainForm
			return p.replan(0)
		})
	}
	if !p.app.svc.Account.Bills {
		return begin()
	}
	facts := p.moneyFacts(plan)
	p.app.modal = newConfirm(p.app, confirm{title: "Start a training job that costs money?", yes: "start it", facts: facts,
		text: []string{fmt.Sprintf("%s on %s, %s", widget.Plural(int64(plan.Steps), "step"), plan.Dataset, widget.Plural(plan.TrainRows, "row"))}, do: begin})
	return nil
}

// moneyFacts are what a plan that costs money is confirmed by.
func (p *trainingPane) moneyFacts(plan training.Plan) [][2]string {
	facts := [][2]string{{"job", plan.Name}, {"instance", fmt.Sprintf("%d x %s", plan.InstanceCount, plan.Instance)}, {"cost", "could not be estimated"}}
	if plan.Options.Spot {
		facts[1][1] += ", spot"
	}
	if c := plan.Cost; c != nil {
		facts[2][1] = c.Text()
		if spot := c.Spot(); spot != "" && plan.Options.Spot {
			facts[2][1] = spot + " (on demand " + c.Text() + ")"
		}
		facts = append(facts, [2]string{"", c.Basis})
	}
	if plan.Time != nil {
		facts = append(facts, [2]string{"time", plan.Time.Text()})
	}
	if n := len(plan.Warnings); n > 0 {
		facts = append(facts, [2]string{"warnings", fmt.Sprintf("%d, ctrl+o in the form shows them", n)})
	}
	return facts
}
