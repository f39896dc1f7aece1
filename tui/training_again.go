package tui

import (
	"context"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/dataset"
	"tunebench/backend/training"
	"tunebench/tui/widget"
)

// noResume says why the job cannot be gone on with.
func (p *trainingPane) noResume() string {
	if why := p.noJob(); why != "" {
		return why
	}
	switch j := p.job(); {
	case !j.Done():
		return "the training job has not ended yet; s stops it"
	case j.Status == "Completed":
		return "the training job was completed; there is nothing to go on with"
	}
	return ""
}

// resume plans a new job from the last checkpoint of this one, and asks.
func (p *trainingPane) resume() tea.Cmd {
	from := p.job().Name
	svc := p.app.svc.Training
	return task(p.app.ctx, func(ctx context.Context) (training.Plan, error) {
		spec, err := svc.Resume(ctx, from)
		if err != nil {
			return training.Plan{}, err
		}
		return svc.Plan(ctx, spec)
	}, func(plan training.Plan, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		facts := [][2]string{{"new job", plan.Name}, {"work", widget.Plural(int64(plan.Steps), "step") + " in all"}, {"checkpoints", plan.Checkpoints}}
		if p.app.svc.Account.Bills {
			facts = append(facts, p.moneyFacts(plan)[1:]...)
		}
		p.app.modal = newConfirm(p.app, confirm{title: "Go on with the training job?", yes: "go on", lead: !p.app.svc.Account.Bills,
			text: []string{from, "A new job goes on from its last checkpoint, with the same rows and settings; A changes some first."}, facts: facts,
			do: func() tea.Cmd { return p.goOn(plan) }})
		return nil
	})
}

func (p *trainingPane) goOn(plan training.Plan) tea.Cmd {
	p.mode = trainJobs
	return p.launch(plan, func(error) tea.Cmd { return nil })
}

// launch starts a plan's job; how its upload comes along is shown meanwhile.
func (p *trainingPane) launch(plan training.Plan, failed func(error) tea.Cmd) tea.Cmd {
	if p.starting {
		return p.app.say(widget.Warn, widget.MarkWarning, "another training job is being started; try again when it has")
	}
	p.starting = true
	at := &p.upload
	at.Store(nil)
	return task(p.app.ctx, func(ctx context.Context) (training.Job, error) {
		return p.app.svc.Training.StartProgress(ctx, plan, func(g dataset.Progress) { at.Store(&g) })
	}, func(j training.Job, err error) tea.Cmd {
		p.starting = false
		if err != nil {
			return tea.Batch(p.app.fail(err), failed(err))
		}
		return p.started(j)
	})
}

// startingText says how far the start of a job is.
func (p *trainingPane) startingText() string {
	g := p.upload.Load()
	switch {
	case g == nil:
		return "The dataset is being read and the code packed."
	case g.Total > 0:
		return fmt.Sprintf("%s: %s of %s", g.What, widget.Bytes(g.Done), widget.Bytes(g.Total))
	}
	return g.What
}

// started puts a job that was just started under the cursor.
func (p *trainingPane) started(j training.Job) tea.Cmd {
	p.mode, p.opening = trainJobs, j.Name
	p.status[j.Name] = j.Status
	jobs := append([]training.Job{j}, slices.DeleteFunc(slices.Clone(p.jobs), func(o training.Job) bool { return o.Name == j.Name })...)
	return tea.Batch(p.take(jobs), p.poll())
}

// again opens the form with what the job under the cursor was asked for. Where
// it can be gone on with, that is a choice.
func (p *trainingPane) again() tea.Cmd {
	name, svc := p.job().Name, p.app.svc.Training
	goOn := p.noResume() == ""
	type specs struct {
		again  training.Spec
		resume *training.Spec
	}
	return task(p.app.ctx, func(ctx context.Context) (specs, error) {
		again, err := svc.Again(ctx, name)
		if err != nil || !goOn {
			return specs{again: again}, err
		}
		if resume, err := svc.Resume(ctx, name); err == nil { // one without checkpoints can only begin anew
			return specs{again, &resume}, nil
		}
		return specs{again: again}, nil
	}, func(s specs, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		return p.startFrom(name, s.again, s.resume)
	})
}

// How a job that is started again begins.
const (
	beginAnew = "at step 0"
	beginOn   = "from the last checkpoint"
)

// startFrom opens the form filled with a spec, or with one that goes on from a
// checkpoint.
func (p *trainingPane) startFrom(job string, again training.Spec, resume *training.Spec) tea.Cmd {
	cmd := p.startWith(again.Dataset)
	p.from = job
	if resume != nil {
		f := widget.Field{Name: "begin", Label: "begin", Kind: widget.ChoiceField, Options: []string{beginAnew, beginOn}, Help: "a checkpoint takes only the settings that it was written with; what it runs on may change"}
		f.Changed = func() tea.Cmd {
			if p.form.Value("begin") == beginOn {
				p.fillSpec(*resume)
			} else {
				p.fillSpec(again)
			}
			return p.replan(0)
		}
		p.form.Fields = slices.Insert(p.form.Fields, 3, f)
		p.form.On("do")
	}
	p.fillSpec(again)
	return tea.Batch(cmd, p.replan(0))
}

// fillSpec puts all of a spec into the form.
func (p *trainingPane) fillSpec(s training.Spec) {
	p.offerPresets(or(s.Preset, p.form.Value("preset")))
	p.fillSettings()
	values := s.Options.Texts()
	for k, v := range values {
		if v == "0" {
			values[k] = ""
		}
	}
	p.fill(values)
	p.fill(s.Set)
	p.form.Field("name").Input.Set(s.Name)
	p.goFrom, p.remarks = s.Options.Checkpoints, s.Remarks
}
