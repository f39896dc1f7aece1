package tui_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tunebench/backend/training"
	"tunebench/tui/uitest"
)

// TestGoOn: a job that was stopped goes on as a new one after a question; one
// that runs does not.
func TestGoOn(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World {
		w = uitest.Full()
		w.TrainJobs[1].Status, w.TrainJobs[1].SecondaryStatus = "Stopped", "Stopped"
		return w
	}, 120, 40, func(r *rig) {
		r.press("2", "R")
		r.want("has not ended yet")
		r.press("down", "R")
		r.want("Go on with the training job?", "from its last checkpoint", w.TrainJobs[1].Name)
		r.press("enter")
		r.lacks("Go on with the training job?")
		done := strings.Join(w.Done(), "\n")
		if !strings.Contains(done, "resume "+w.TrainJobs[2].Name) || !slices.ContainsFunc(w.Done(), func(s string) bool { return strings.HasPrefix(s, "train ") }) {
			t.Errorf("%s", done)
		}
	})
}

// TestAgain: a job's settings come into the form, where they can be changed, and
// a job that was stopped can begin at its last checkpoint.
func TestAgain(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World {
		w = uitest.Full()
		w.TrainJobs[1].Status, w.TrainJobs[1].SecondaryStatus = "Stopped", "Stopped"
		return w
	}, 120, 40, func(r *rig) {
		job := w.TrainJobs[1].Name
		r.press("2", "A")
		r.want("Training job "+w.TrainJobs[0].Name+" once more", "rate 0.004", "tags team=us")
		r.lacks("begin")
		r.press("esc", "down", "A")
		r.want("Training job "+job+" once more", "begin                 at step 0", job+"-2")
		r.pass(time.Second)
		if w.Asked.Options.Checkpoints != "" || w.Asked.Set["learning_rate"] != "0.004" || w.Asked.Options.Tags["team"] != "us" {
			t.Errorf("%+v", w.Asked)
		}
		r.press("up", "right")
		r.want("from the last checkpoint", job+"-r2")
		r.pass(time.Second)
		r.want("goes on     from the last checkpoint in")
		if !strings.HasSuffix(w.Asked.Options.Checkpoints, "/jobs/"+job+"/checkpoints/") || w.Asked.Name != job+"-r2" {
			t.Errorf("%+v", w.Asked)
		}
		r.press("left")
		r.pass(time.Second)
		if w.Asked.Options.Checkpoints != "" || w.Asked.Name != job+"-2" {
			t.Errorf("%+v", w.Asked)
		}
		r.press("down", "enter")
		if done := strings.Join(w.Done(), "\n"); !strings.Contains(done, "train ") {
			t.Error(done)
		}
	})
}

// TestDiff: the job under the cursor is held against another one.
func TestDiff(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = differing(); return w }, 80, 24, func(r *rig) {
		r.press("2", "d")
		r.want("What differs from which job?")
		r.press("enter")
		r.want("What differs", "- "+w.TrainJobs[1].Name, "+ "+w.TrainJobs[0].Name, "learning rate      - 0.002", "+ 5e-05", "- not set", "+ team=us")
		if done := w.Done(); !slices.Equal(done, []string{"diff " + w.TrainJobs[1].Name + " " + w.TrainJobs[0].Name}) {
			t.Error(done)
		}
		w.Differs = nil
		r.press("esc", ":")
		r.write("diff " + w.TrainJobs[2].Name)
		r.press("enter")
		r.want("no difference is known")
	})
}

// TestStopSays: what stopping keeps and costs is said before.
func TestStopSays(t *testing.T) {
	play(t, with(func(w *uitest.World) {
		w.Account.Bills = true
		w.TrainJobs[0].BaseModel, w.TrainJobs[0].Spent = "mistralai/Mistral-7B-v0.3", &training.Cost{USD: 3.21}
		w.Logs[w.TrainJobs[0].Name] = uitest.NewLog(w.TrainJobs[0])
	}), 120, 40, func(r *rig) {
		r.press("2", "s")
		r.want("It saves a checkpoint and ends without an artifact", "What it has run is billed", "cost so far  about $3.21")
	})
}
