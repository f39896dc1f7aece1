package uitest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"tunebench/backend/dataset"
	"tunebench/backend/files"
	"tunebench/backend/training"
	"tunebench/tui"
)

type trainings struct{ w *World }

func (t trainings) Presets() []training.Preset {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	return t.presets()
}

func (t trainings) presets() []training.Preset {
	return append([]training.Preset{
		{Name: "style", Summary: "for a style of answering", Settings: training.Settings{Method: "lora", PromptFormat: "mistral-v3", LoRARank: 16, LoRAAlpha: 32, LoRADropout: 0.05,
			LearningRate: 2e-3, Schedule: "cosine", WarmupRatio: 0.03, MaxGradNorm: 1, MaxSteps: 400, BatchRows: 16, MaxSequenceLength: 128, Seed: 1, LogEvery: 5, EvalEvery: 50, CheckpointEvery: 100}},
		{Name: "facts", Summary: "for a small set of new facts", Settings: training.Settings{Method: "full", PromptFormat: "mistral-v3",
			LearningRate: 1e-3, Schedule: "cosine", MaxSteps: 300, BatchRows: 8, MaxSequenceLength: 128, Seed: 1, LogEvery: 5}},
	}, t.w.OwnPresets...)
}

func (t trainings) SavePreset(p training.Preset, replace bool) error {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	i := slices.IndexFunc(t.w.OwnPresets, func(o training.Preset) bool { return o.Name == p.Name })
	if i >= 0 && !replace {
		return &files.ExistsError{Kind: "preset", Name: p.Name}
	}
	p.Own = true
	t.w.OwnPresets = append(slices.DeleteFunc(t.w.OwnPresets, func(o training.Preset) bool { return o.Name == p.Name }), p)
	t.w.Did = append(t.w.Did, "save preset "+p.Name)
	return t.w.Err
}

func (t trainings) DeletePreset(name string) error {
	t.w.mu.Lock()
	t.w.OwnPresets = slices.DeleteFunc(t.w.OwnPresets, func(o training.Preset) bool { return o.Name == name })
	t.w.mu.Unlock()
	t.w.did("delete preset %s", name)
	return t.w.Err
}

func (t trainings) Plan(_ context.Context, s training.Spec) (training.Plan, error) {
	if t.w.PlanErr != nil {
		return training.Plan{}, t.w.PlanErr
	}
	p := t.w.Plan
	p.Dataset = s.Dataset
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	t.w.Asked = s
	for _, ps := range t.presets() {
		if ps.Name == s.Preset {
			p.Config.Settings, p.Config.Preset = ps.Settings, ps.Name
		}
	}
	p.Options = s.Options
	return p, p.Config.Settings.Override(s.Set)
}

func (t trainings) Request(_ context.Context, p training.Plan) (json.RawMessage, error) {
	return json.Marshal(map[string]any{"TrainingJobName": p.Name, "EnableManagedSpotTraining": p.Options.Spot})
}

func (t trainings) StartProgress(ctx context.Context, p training.Plan, progress func(dataset.Progress)) (training.Job, error) {
	t.w.did("train %s", p.Name)
	if t.w.Uploading != nil {
		progress(*t.w.Uploading)
		<-ctx.Done()
		return training.Job{}, ctx.Err()
	}
	j := training.Job{Name: p.Name, Status: "InProgress", SecondaryStatus: "Starting", Created: Noon, Dataset: p.Dataset, Preset: p.Config.Preset}
	t.w.mu.Lock()
	t.w.TrainJobs = append([]training.Job{j}, t.w.TrainJobs...)
	t.w.mu.Unlock()
	return j, t.w.Err
}

func (t trainings) Jobs(context.Context) ([]training.Job, error) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	return slices.Clone(t.w.TrainJobs), t.w.Err
}

func (t trainings) Job(_ context.Context, name string) (training.Job, error) {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	for _, j := range append(slices.Clone(t.w.TrainJobs), t.w.Old...) {
		if j.Name == name {
			return j, t.w.Err
		}
	}
	return training.Job{}, fmt.Errorf("there is no training job %s", name)
}

func (t trainings) Stop(_ context.Context, name string) error {
	t.w.did("stop %s", name)
	return nil
}

func (t trainings) Resume(_ context.Context, job string) (training.Spec, error) {
	t.w.did("resume %s", job)
	return training.Spec{Dataset: "facts.jsonl", Preset: "style", Name: job + "-r2", Set: map[string]string{"learning_rate": "0.004"},
		Options: training.Options{Checkpoints: "s3://tunebench-000000000000/tunebench/jobs/" + job + "/checkpoints/", Tags: map[string]string{"team": "us"}}}, nil
}

func (t trainings) Again(ctx context.Context, job string) (training.Spec, error) {
	s, err := t.Resume(ctx, job)
	s.Name, s.Options.Checkpoints = job+"-2", ""
	return s, err
}

func (t trainings) Diff(_ context.Context, a, b string) ([]training.Difference, error) {
	t.w.did("diff %s %s", a, b)
	return t.w.Differs, t.w.Err
}

func (t trainings) Watch(_ context.Context, name string) tui.Watch {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	if l := t.w.Logs[name]; l != nil {
		return l
	}
	return NewLog(training.Job{Name: name})
}
