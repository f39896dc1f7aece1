package tui_test

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tunebench/tui"
	"tunebench/tui/uitest"
)

// TestReadOnly: the screen says what it is, offers nothing that changes anything,
// and what is asked for all the same is not done.
func TestReadOnly(t *testing.T) {
	var world *uitest.World
	deps := func() tui.Deps {
		world = uitest.Full()
		d := world.Deps()
		d.ReadOnly = true
		d.Create = func(path string) (io.WriteCloser, error) {
			t.Errorf("%s was made", path)
			return nil, io.ErrClosedPipe
		}
		return d
	}
	playDeps(t, deps, 120, 40, func(r *rig) {
		r.want("user/local   read-only")
		r.press("m", "w")
		r.want("this is a read-only session")
		r.press("p", "enter")
		r.pass(time.Second)
		r.want("nothing is changed in the account", "failed")
		r.press("esc", "2", "s")
		r.want("this is a read-only session")
		r.press("3", "d")
		r.want("this is a read-only session")
		if did := world.Done(); slices.ContainsFunc(did, func(s string) bool {
			return strings.HasPrefix(s, "prepare") || strings.HasPrefix(s, "stop") || strings.HasPrefix(s, "delete")
		}) {
			r.t.Errorf("it was done: %q", did)
		}
		have := map[string]bool{}
		for _, table := range r.app.Tables() {
			for _, b := range table.Bindings {
				have[b.ID] = true
			}
		}
		for _, id := range tui.Changing {
			if !have[id] {
				r.t.Errorf("there is no action %s", id)
			}
		}
	})
}
