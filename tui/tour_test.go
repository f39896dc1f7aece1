package tui_test

import (
	"errors"
	"strings"
	"testing"

	"tunebench/tui"
	"tunebench/tui/uitest"
)

// TestTour: it says what to press where the user is, goes on by what has happened,
// can be left and taken up again, and takes its lines from the pane. The whole of
// it is played by TestStory.
func TestTour(t *testing.T) {
	seen := 0
	var fault error
	deps := func() tui.Deps {
		d := touring().Deps()
		d.TourSeen = func() error { seen++; return fault }
		return d
	}
	for _, size := range [][2]int{{60, 20}, {80, 24}, {120, 40}, {200, 50}} {
		playDeps(t, deps, size[0], size[1], func(r *rig) {
			check := func() {
				r.t.Helper()
				checkFrame(r.t, r.app.Frame(), size[0], size[1], false)
			}
			r.want("Tour 1 of 6", "p prepares them", "f2 ends it")
			check()
			r.press("5")
			r.want("1 goes to the Dataset; then p")
			r.press("1", "p")
			r.want("This is the recipe")
			r.press("enter")
			r.want("Tour 2 of 6", "The splits are written")
			check()
			r.press("t")
			r.want("This is what the job", "enter starts")
			r.press("esc")
			r.press("f2")
			r.lacks("Tour 2 of 6")
			r.want("f2 begins the tour again")
			check()
			r.press("f2")
			r.want("Tour 1 of 6") // the splits are those of before
			check()
		})
	}
	if seen != 4 {
		t.Errorf("it was noted %d times that the tour was seen", seen)
	}
	fault = errors.New("disk full")
	playDeps(t, deps, 120, 40, func(r *rig) {
		r.press("f2")
		r.want("the tour would come again: disk full")
	})
	play(t, uitest.Full, 120, 40, func(r *rig) {
		if strings.Contains(r.text(), "Tour") {
			r.t.Error("the tour came unasked")
		}
	})
}
