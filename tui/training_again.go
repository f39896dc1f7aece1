package tui

import (
	"context"
	"slices"

	tea "charm.land/bubbletea/v2"

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
			text: []string{from, "A new job goes on from its last checkpoint, with the same rows and settings."}, facts: facts,
			do: func() tea.Cmd { return p.goOn(plan) }})
		return nil
	})
}

func (p *trainingPane) goOn(plan training.Plan) tea.Cmd {
	return task(p.app.ctx, func(ctx context.Context) (training.Job, error) {
		return p.app.svc.Training.Start(ctx, plan)
	}, func(j training.Job, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		p.mode, p.opening = trainJobs, j.Name
		p.status[j.Name] = j.Status
		jobs := append([]training.Job{j}, slices.DeleteFunc(slices.Clone(p.jobs), func(o training.Job) bool { return o.Name == j.Name })...)
		return tea.Batch(p.take(jobs), p.poll())
	})
}
