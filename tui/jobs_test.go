package tui_test

import (
	"testing"
	"time"

	"tunebench/backend/training"
	"tunebench/tui/uitest"
)

// TestOpenJob: any job of the account is opened by its name, one that the list
// does not hold too, and it stays.
func TestOpenJob(t *testing.T) {
	play(t, with(func(w *uitest.World) {
		w.Old = []training.Job{{Name: "somebody-elses-job", Status: "Completed", Created: uitest.Noon.AddDate(-1, 0, 0), Ended: uitest.Noon.AddDate(-1, 0, 0).Add(time.Hour)}}
	}), 120, 40, func(r *rig) {
		r.press("2", "o")
		r.want("Open a training job")
		r.write("somebody-elses-job")
		r.press("enter")
		r.want("── somebody-elses-job ──")
		r.pass(3 * time.Second)
		r.want("▌ somebody-elses-job")
		r.press(":")
		r.write("open tunebench-facts-20260713-170001")
		r.press("enter")
		r.want("── tunebench-facts-20260713-170001 ──")
		r.press("o")
		r.write("nobody")
		r.press("enter")
		r.want("there is no training job nobody")
	})
}

// TestWaiting: what a job waits for and what it has cost is said.
func TestWaiting(t *testing.T) {
	play(t, with(func(w *uitest.World) {
		w.Account.Bills = true
		j := &w.TrainJobs[0]
		j.SecondaryStatus, j.Instance, j.Started, j.Spent = "Downloading", "ml.g6e.2xlarge", uitest.Noon.Add(-18*time.Second), &training.Cost{USD: 1.2345}
		j.Phases = j.Phases[:2]
		w.Logs[j.Name] = uitest.NewLog(*j)
	}), 120, 40, func(r *rig) {
		r.press("2")
		r.want("waits for its data to be copied to the instance", "billed 0:18", "cost $1.23")
	})
}
