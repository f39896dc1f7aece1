package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/artifact"
	"tunebench/backend/training"
	"tunebench/tui/widget"
)

// settingFields are the settings that the form offers, in order, with what they
// mean. The names are those of job.json.
var settingFields = [][3]string{
	{"learning_rate", "learning rate", "size of a step, reached after the warm-up"},
	{"max_steps", "steps", "optimiser steps; 0 lets the epochs decide"},
	{"epochs", "epochs", "passes over the dataset, where steps are 0"},
	{"batch_rows", "batch", "packed sequences in one step"},
	{"max_sequence_length", "sequence length", "tokens; longer rows are cut"},
	{"lora_r", "LoRA rank", "how much the adapter can hold"},
	{"lora_alpha", "LoRA alpha", "how strongly it is applied"},
	{"lora_dropout", "LoRA dropout", "0 to 1"},
	{"warmup_ratio", "warm-up", "part of the steps until the full learning rate"},
	{"weight_decay", "weight decay", "pull towards zero"},
	{"eval_every", "evaluate every", "steps between two evaluation losses"},
	{"seed", "seed", "the same seed gives the same weights"},
}

// settingValues returns settings by their JSON names, as text.
func settingValues(s training.Settings) map[string]string {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil // a struct of numbers and strings always marshals
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	m := map[string]any{}
	if d.Decode(&m) != nil {
		return nil
	}
	out := map[string]string{}
	for k, v := range m {
		out[k] = fmt.Sprint(v)
	}
	return out
}

// startWith opens the form for a dataset, with the focus on the button: enter is
// enough.
func (p *trainingPane) startWith(path string) tea.Cmd {
	cmd := p.app.goTo(p)
	if why := p.app.needAccount(); why != "" {
		return tea.Batch(cmd, p.app.say(widget.Warn, widget.MarkWarning, why))
	}
	p.mode = trainForm
	var names []string
	for _, ps := range p.app.svc.Training.Presets() {
		names = append(names, ps.Name)
	}
	want := or(p.preset, p.app.deps.Train.Preset)
	p.form = widget.Form{Fields: []widget.Field{
		{Name: "dataset", Label: "dataset", Help: "a file, or a folder that prepare wrote"},
		{Name: "preset", Label: "preset", Kind: widget.ChoiceField, Options: names, Choice: max(slices.Index(names, want), 0)},
		{Name: "name", Label: "name", Help: "of the job; empty takes a proposed one"},
		{Name: "do", Label: "Start training", Kind: widget.ButtonField},
		{Kind: widget.NoteField, Label: "settings of the preset, yours to change"},
	}}
	p.form.Field("dataset").Input.Set(path)
	p.form.Field("preset").Changed = func() tea.Cmd {
		p.fillSettings()
		return p.replan(0)
	}
	p.form.On("do")
	p.fillSettings()
	return tea.Batch(cmd, p.replan(0))
}

func (p *trainingPane) presetNow() training.Preset {
	for _, ps := range p.app.svc.Training.Presets() {
		if ps.Name == p.form.Value("preset") {
			return ps
		}
	}
	return training.Preset{}
}

// fillSettings puts the settings of the chosen preset into the form.
func (p *trainingPane) fillSettings() {
	ps := p.presetNow()
	p.preset = ps.Name
	p.form.Field("preset").Help = ps.Summary
	values := settingValues(ps.Settings)
	p.form.Fields = p.form.Fields[:5]
	formats := artifact.Formats()
	p.form.Fields = append(p.form.Fields, widget.Field{Name: "prompt_format", Label: "prompt format", Kind: widget.ChoiceField, Options: formats,
		Choice: max(slices.Index(formats, ps.Settings.PromptFormat), 0), Help: "the model is asked in the same form later",
		Changed: func() tea.Cmd { return p.replan(0) }})
	for _, f := range settingFields {
		v, ok := values[f[0]]
		if !ok && (f[0] == "lora_r" || f[0] == "lora_alpha" || f[0] == "lora_dropout") && ps.Settings.Method == "full" {
			continue
		}
		w := widget.Field{Name: f[0], Label: f[1], Help: f[2]}
		w.Input.Set(or(v, "0"))
		p.form.Fields = append(p.form.Fields, w)
	}
}

// spec is what the form asks for: only settings that differ from the preset.
func (p *trainingPane) spec() training.Spec {
	s := training.Spec{Dataset: strings.TrimSpace(p.form.Value("dataset")), Preset: p.form.Value("preset"),
		Name: strings.TrimSpace(p.form.Value("name")), Set: map[string]string{}}
	preset := settingValues(p.presetNow().Settings)
	for _, f := range p.form.Fields[5:] {
		v := strings.TrimSpace(f.Value())
		if v != or(preset[f.Name], "0") && v != "" {
			s.Set[f.Name] = v
		}
	}
	return s
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
		spec := p.spec()
		return task(p.app.ctx, func(ctx context.Context) (training.Plan, error) {
			return p.app.svc.Training.Plan(ctx, spec)
		}, func(plan training.Plan, err error) tea.Cmd {
			if gen != p.planGen {
				return nil
			}
			p.planning, p.planErr = false, err
			p.plan = &plan
			p.form.Field("name").Input.Placeholder = plan.Name
			if err != nil {
				p.plan = nil
			}
			if p.starting { // enter was faster than the plan
				p.starting = false
				return p.start()
			}
			return nil
		})
	})
}

// start starts the planned job; where it costs money it asks first.
func (p *trainingPane) start() tea.Cmd {
	switch {
	case p.planning:
		p.starting = true
		return nil
	case p.plan == nil:
		if p.planErr != nil {
			return p.app.fail(p.planErr)
		}
		return p.replan(0)
	}
	plan := *p.plan
	begin := func() tea.Cmd {
		p.mode, p.starting = trainJobs, true
		return task(p.app.ctx, func(ctx context.Context) (training.Job, error) {
			return p.app.svc.Training.Start(ctx, plan)
		}, func(j training.Job, err error) tea.Cmd {
			p.starting = false
			if err != nil {
				p.mode = trainForm
				return tea.Batch(p.app.fail(err), p.replan(0))
			}
			p.opening = j.Name
			p.status[j.Name] = j.Status
			jobs := append([]training.Job{j}, slices.DeleteFunc(slices.Clone(p.jobs), func(o training.Job) bool { return o.Name == j.Name })...)
			return tea.Batch(p.take(jobs), p.poll())
		})
	}
	if !p.app.svc.Account.Bills {
		return begin()
	}
	cost := "could not be estimated"
	if plan.Cost != nil {
		cost = fmt.Sprintf("about $%.2f", plan.Cost.USD)
	}
	facts := [][2]string{{"job", plan.Name}, {"instance", fmt.Sprintf("%d x %s", plan.InstanceCount, plan.Instance)}, {"cost", cost}}
	if plan.Cost != nil {
		facts = append(facts, [2]string{"", plan.Cost.Basis})
	}
	p.app.modal = newConfirm(p.app, confirm{title: "Start a training job that costs money?", yes: "start it", facts: facts,
		text: []string{fmt.Sprintf("%s on %s, %s", widget.Plural(int64(plan.Steps), "step"), plan.Dataset, widget.Plural(plan.TrainRows, "row"))}, do: begin})
	return nil
}
