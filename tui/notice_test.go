package tui_test

import (
	"testing"
	"time"

	"tunebench/tui/uitest"
)

// TestNotice: a word about what happened elsewhere leaves in sight what is being
// typed, and goes once what it calls for has been done.
func TestNotice(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 50}} {
		play(t, uitest.Full, size[0], size[1], func(r *rig) {
			r.press("4")
			r.write("In what color")
			r.world.EndTraining("Completed")
			r.pass(4 * time.Second)
			r.want("completed: import it with i", "> In what color")
			r.press("esc", "2", "g", "i")
			r.want("Import a model")
			r.lacks("import it with i")
		})
		play(t, uitest.Full, size[0], size[1], func(r *rig) { // it comes after that was done
			r.press("2", "g")
			r.world.EndTraining("Completed")
			r.press("3", ":")
			r.write("new " + r.world.TrainJobs[0].Name)
			r.press("enter")
			r.want("Import a model", r.world.TrainJobs[0].Name)
			r.pass(4 * time.Second)
			r.lacks("import it with i")
		})
	}
}
