package uitest

import (
	"context"
	"slices"
	"strings"

	"tunebench/backend/modelimport"
)

type imports struct{ w *World }

func (i imports) Check(_ context.Context, source string) (modelimport.Report, error) {
	r := i.w.Report
	r.Source = source
	return r, i.w.Err
}

func (i imports) Start(_ context.Context, r modelimport.Request) (modelimport.Job, error) {
	i.w.did("import %s as %s", r.TrainingJob+r.Source, r.Name)
	j := modelimport.Job{Name: "import-" + r.Name, Model: r.Name, Status: "InProgress", Created: Noon, TrainingJob: r.TrainingJob}
	i.w.mu.Lock()
	i.w.ImportJobs = append([]modelimport.Job{j}, i.w.ImportJobs...)
	i.w.mu.Unlock()
	return j, i.w.Err
}

func (i imports) Jobs(context.Context) ([]modelimport.Job, error) {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	return slices.Clone(i.w.ImportJobs), i.w.Err
}

func (i imports) Details(_ context.Context, m modelimport.Model) (modelimport.Details, error) {
	return i.w.Details[m.Name], i.w.Err
}

func (i imports) Advance(context.Context) (*modelimport.Job, error) { return nil, nil }

func (i imports) Explain(_ context.Context, j modelimport.Job) ([]modelimport.Check, error) {
	i.w.did("explain %s", j.Name)
	return i.w.Why, i.w.Err
}

func (i imports) Unqueue(_ context.Context, job string) error {
	i.w.did("take %s out of the queue", job)
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	i.w.ImportJobs = slices.DeleteFunc(i.w.ImportJobs, func(j modelimport.Job) bool { return j.Name == job })
	return nil
}

func (i imports) Models(context.Context) ([]modelimport.Model, error) {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	return slices.Clone(i.w.Imported), i.w.Err
}

func (i imports) Delete(_ context.Context, name string) error {
	i.w.did("delete %s", name)
	return nil
}

func (i imports) ProposeName(job string) string { return strings.TrimPrefix(job, "tunebench-") }
