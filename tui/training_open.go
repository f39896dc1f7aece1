package tui

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/training"
)

// openJob puts a job of the account under the cursor, whoever started it. The
// list holds the newest few hundred; an older one is read by its name.
func (p *trainingPane) openJob(name string) tea.Cmd {
	if name == "" {
		p.app.modal = &prompt{app: p.app, title: "Open a training job", complete: p.jobNames,
			help: "the name of any training job in this account and Region",
			do: func(s string) tea.Cmd {
				if s = strings.TrimSpace(s); s == "" {
					return nil
				}
				return p.openJob(s)
			}}
		return nil
	}
	for i := range p.jobs {
		if p.jobs[i].Name == name {
			p.mode = trainJobs
			p.scroll.To(i)
			return tea.Batch(p.app.goTo(p), p.watchChosen())
		}
	}
	return task(p.app.ctx, func(ctx context.Context) (training.Job, error) { return p.app.svc.Training.Job(ctx, name) }, func(j training.Job, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		p.extra = append(p.extra, j)
		p.opening, p.mode = j.Name, trainJobs
		return tea.Batch(p.app.goTo(p), p.take(slices.Clone(p.jobs)))
	})
}

// withExtra adds the jobs that were opened by name.
func (p *trainingPane) withExtra(jobs []training.Job) []training.Job {
	for _, e := range p.extra {
		if !slices.ContainsFunc(jobs, func(j training.Job) bool { return j.Name == e.Name }) {
			jobs = append(jobs, e)
		}
	}
	return jobs
}

// jobNames completes the name of a job.
func (p *trainingPane) jobNames(prefix string) []string {
	var names []string
	for _, j := range p.jobs {
		if strings.HasPrefix(j.Name, prefix) {
			names = append(names, j.Name)
		}
	}
	return names
}
