package tui_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"tunebench/backend/dataset"
	"tunebench/backend/training"
	"tunebench/tui/uitest"
)

// TestFormAsks: what is changed in the form's groups is what is planned, and
// nothing else.
func TestFormAsks(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = uitest.Full(); return w }, 80, 24, func(r *rig) {
		r.press("t")
		r.want("+ machine", "on demand, at most 24 h")
		r.lacks("spot, at most")
		r.press("down", "enter") // the first group
		r.want("- learning", "prompt format", "learning rate")
		r.press("down", "down")
		r.want("size of a step, reached after the warm-up")
		r.press("ctrl+u")
		r.write("5e-5")
		r.pass(time.Second)
		r.want("> 5e-5")
		for range 12 {
			r.press("down")
		}
		r.want("+ adapter") // the groups behind it are still closed
		r.press("down", "down", "right", "down", "down")
		r.press("ctrl+u")
		r.write("2")
		r.press("down", "right")
		r.want("← yes →", "cheaper capacity that may be taken back")
		r.press("down")
		r.write("36")
		r.pass(time.Second)
		want := training.Spec{Dataset: w.Asked.Dataset, Preset: "style", Set: map[string]string{"learning_rate": "5e-5"},
			Options: training.Options{InstanceCount: 2, Spot: true, MaxRuntimeHours: 36}}
		if !reflect.DeepEqual(w.Asked, want) {
			t.Errorf("asked %+v\nwant  %+v", w.Asked, want)
		}
		r.press("up", "up", "up", "up", "left")
		r.want("+ machine", "2 x ml.m5.large, spot, at most 36 h")

		// A value that cannot be is named where it stands.
		r.press("right", "down", "down")
		r.write("x")
		r.pass(time.Second)
		r.want("╳ see below", "instance_count cannot be \"2x\"; it is a whole number")
		r.press("backspace")
		r.pass(time.Second)
		r.lacks("see below")
	})
}

// TestFormPresets: what the form holds is saved under a name, offered, replaced
// after a question, and deleted.
func TestFormPresets(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = uitest.Full(); return w }, 120, 40, func(r *rig) {
		r.press("t", "down", "enter", "down", "down", "ctrl+u")
		r.write("5e-5")
		r.press("ctrl+y")
		r.want("Save as a preset")
		r.write("mine")
		r.press("enter")
		r.want("saved the preset mine", "> 5e-05")
		r.pass(time.Second)
		if w.Asked.Preset != "mine" || len(w.Asked.Set) != 0 {
			t.Errorf("asked %+v", w.Asked)
		}
		r.press("ctrl+y")
		r.press("enter") // its name stands there
		r.want("Replace the preset?")
		r.press("y")
		r.want("saved the preset mine")
		if got := w.Done(); !slices.Equal(got, []string{"save preset mine", "save preset mine"}) {
			t.Error(got)
		}
		if len(w.OwnPresets) != 1 || w.OwnPresets[0].Settings.LearningRate != 5e-5 {
			t.Errorf("%+v", w.OwnPresets)
		}
		r.press("esc", "n")
		r.want("preset                mine")
		r.press(":")
		r.write("delete-preset mine")
		r.press("enter")
		r.want("Delete the preset?")
		r.press("y")
		r.want("preset                style")
		r.press(":")
		r.write("delete-preset")
		r.press("enter")
		r.want("there is no preset of yours")
	})
}

// TestUploadIsTold: while a job's inputs are uploaded the list says how far they
// are, and no second job is started beside it.
func TestUploadIsTold(t *testing.T) {
	for _, w := range []func() *uitest.World{uitest.Full, empty} {
		play(t, func() *uitest.World {
			w := w()
			w.Uploading = &dataset.Progress{What: "uploading train.jsonl", Done: 3 << 20, Total: 12 << 20}
			return w
		}, 80, 24, func(r *rig) {
			r.press("t", "enter")
			r.want("uploading train.jsonl: 3.1 MB of 12.6 MB")
			r.press("n")
			r.pass(time.Second)
			r.press("enter")
			r.want("another training job is being started")
		})
	}
}
