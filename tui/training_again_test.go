package tui_test

import (
	"slices"
	"strings"
	"testing"

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
