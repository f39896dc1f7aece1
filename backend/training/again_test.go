package training_test

import (
	"strings"
	"testing"

	"tunebench/backend/training"
)

// TestResumeOnTheLocalAccount: a job that was stopped goes on as another one
// from where it was, with the same settings and rows.
func TestResumeOnTheLocalAccount(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.start("one", map[string]string{"max_steps": "100000", "checkpoint_every": "3", "lora_dropout": "0.1"})
	w.until("one", func(watch *training.Watch) bool { e := watch.Latest(); return e.Step != nil && *e.Step >= 7 }).Close()
	if _, err := w.svc.Resume(ctx, "one"); err == nil || !strings.Contains(err.Error(), "stop it first") {
		t.Errorf("%v", err)
	}
	if err := w.svc.Stop(ctx, "one"); err != nil {
		t.Fatal(err)
	}
	w.until("one", ended).Close()
	w.start("early", map[string]string{"max_steps": "100000", "checkpoint_every": "100000"})
	w.until("early", func(watch *training.Watch) bool { return watch.Latest().Step != nil }).Close()
	if err := w.svc.Stop(ctx, "early"); err != nil {
		t.Fatal(err)
	}
	w.until("early", ended).Close()
	if _, err := w.svc.Resume(ctx, "early"); err == nil || !strings.Contains(err.Error(), "has written no checkpoint to go on from") {
		t.Errorf("%v", err)
	}
	spec, err := w.svc.Resume(ctx, "one")
	if err != nil {
		t.Fatal(err)
	}
	if spec.Name != "one-r2" || spec.Options.Tags["team"] != "a" || spec.Options.Tags["tunebench:resumed-from"] != "one" || len(spec.Options.Tags) != 2 {
		t.Errorf("%s, %v", spec.Name, spec.Options.Tags)
	}
	spec.Name = "two"
	p, err := w.svc.Plan(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	if c := p.Config.Settings; c.MaxSteps != 100000 || c.CheckpointEvery != 3 || c.BatchRows != 2 || c.LoRADropout != 0.1 || !strings.HasSuffix(p.Checkpoints, "/jobs/one/checkpoints/") {
		t.Errorf("%+v, %s", c, p.Checkpoints)
	}
	if _, err := w.svc.Start(ctx, p); err != nil {
		t.Fatal(err)
	}
	resumed := func(watch *training.Watch) (step int) {
		for _, l := range watch.Lines(0, watch.Len()) {
			if l.Event != nil && l.Event.Event == "resume" && l.Event.Step != nil {
				return *l.Event.Step
			}
		}
		return 0
	}
	watch := w.until("two", func(watch *training.Watch) bool {
		e := watch.Latest()
		return resumed(watch) > 0 && e.Step != nil && *e.Step > resumed(watch)
	})
	if n := resumed(watch); n < 6 {
		t.Errorf("went on from step %d", n)
	}
	watch.Close()
	if err := w.svc.Stop(ctx, "two"); err != nil {
		t.Fatal(err)
	}
	w.until("two", ended).Close()

	// Started once more it has a place of its own; the two differ in nothing else.
	again, err := w.svc.Again(ctx, "two")
	if err != nil || again.Options.Checkpoints != "" || again.Dataset != spec.Dataset || again.Name != "two-2" || len(again.Options.Tags) != 1 {
		t.Errorf("%+v, %v", again, err)
	}
	d, err := w.svc.Diff(ctx, "one", "two")
	if err != nil || len(d) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := w.svc.Again(ctx, "none"); err == nil || !strings.Contains(err.Error(), "no training job") {
		t.Errorf("%v", err)
	}
}
