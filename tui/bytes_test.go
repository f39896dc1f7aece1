package tui_test

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"tunebench/backend/training"
	"tunebench/tui/uitest"
)

func TestMain(m *testing.M) {
	// The runtime's own goroutine for signals must not begin in a bubble of
	// synthetic time, which would wait for it.
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	signal.Stop(c)
	os.Exit(m.Run())
}

// live runs the whole program on an emulated terminal in synthetic time: what is
// written in a second does not depend on the machine.
func live(t *testing.T, world func() *uitest.World, width, height int, wire *uitest.Wire, f func(t *testing.T, w *uitest.World, s *uitest.Screen)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := world() // its channels belong to the bubble
		s := uitest.StartOver(t, w.Deps(), width, height, wire)
		time.Sleep(3 * time.Second)
		f(t, w, s)
		if harm := s.Harm(); len(harm) > 0 {
			t.Errorf("the terminal was made to: %q", harm)
		}
	})
}

// spent is what f has written.
func spent(s *uitest.Screen, f func()) int64 {
	before := s.Bytes()
	f()
	return s.Bytes() - before
}

// TestBytes: what goes to the terminal stays within what a slow link carries.
func TestBytes(t *testing.T) {
	for _, wh := range sizes {
		live(t, uitest.Full, wh[0], wh[1], nil, func(t *testing.T, w *uitest.World, s *uitest.Screen) {
			log := w.Logs[w.TrainJobs[0].Name]
			n := s.Bytes()
			t.Logf("%s: first paint %d bytes", size(wh[0], wh[1]), n)
			if n > 16_000 {
				t.Errorf("%s: first paint %d bytes", size(wh[0], wh[1]), n)
			}
			for _, pane := range []string{"2", "3", "4", "esc", "5", "1"} {
				n := spent(s, func() { s.Press(pane); time.Sleep(time.Second) })
				t.Logf("%s: pane %s %d bytes", size(wh[0], wh[1]), pane, n)
				if n > 16_000 {
					t.Errorf("%s: pane %s takes %d bytes", size(wh[0], wh[1]), pane, n)
				}
			}
			s.Press("2").Wait("following")
			const lines = 100
			n = spent(s, func() {
				for i := range lines {
					log.Write(training.LogLine{Time: uitest.Noon, Text: fmt.Sprintf("a line of a log that says something about step %d of the work", i)})
					time.Sleep(100 * time.Millisecond)
				}
				if wh[0] > 60 {
					s.Wait("about step 99 of")
				}
			})
			t.Logf("%s: %d bytes for one more line of the log", size(wh[0], wh[1]), n/lines)
			if n/lines > 200 {
				t.Errorf("%s: %d bytes for one more line of the log", size(wh[0], wh[1]), n/lines)
			}
		})
	}
}

// TestAnswerBytes: an answer that streams at 30 tokens a second.
func TestAnswerBytes(t *testing.T) {
	for _, wh := range sizes[1:] {
		live(t, with(func(w *uitest.World) {
			w.Streams = map[string]*uitest.Stream{"base": uitest.NewStream()}
		}), wh[0], wh[1], nil, func(t *testing.T, w *uitest.World, s *uitest.Screen) {
			s.Press("4", "esc", ":").Type("models base").Press("enter")
			time.Sleep(time.Second)
			s.Press("i").Type("say much").Press("enter")
			time.Sleep(time.Second)
			const seconds = 20
			n := spent(s, func() { stream(w.Streams["base"], seconds) })
			s.Wait("word 599")
			t.Logf("%s: %d bytes a second", size(wh[0], wh[1]), n/seconds)
			if n/seconds > 1500 {
				t.Errorf("%s: %d bytes a second", size(wh[0], wh[1]), n/seconds)
			}
		})
	}
}

// stream writes 30 tokens a second.
func stream(a *uitest.Stream, seconds int) {
	for i := range 30 * seconds {
		a.Token(fmt.Sprintf("word %d ", i))
		time.Sleep(time.Second / 30)
	}
}

// TestSpinnerBytes: what shows that something runs costs a few bytes, and nothing
// at all is written where nothing runs.
func TestSpinnerBytes(t *testing.T) {
	for _, pane := range []string{"1", "2", "3", "4", "5"} {
		live(t, uitest.Full, 200, 50, nil, func(t *testing.T, _ *uitest.World, s *uitest.Screen) {
			s.Press(pane)
			if pane == "4" {
				s.Press("esc")
			}
			time.Sleep(time.Second)
			n := spent(s, func() { time.Sleep(10 * time.Second) })
			if n == 0 || n > 80*8 {
				t.Errorf("pane %s: %d bytes for 80 steps", pane, n)
			}
			t.Logf("pane %s: %d bytes for 80 steps", pane, n)
		})
		live(t, with(func(w *uitest.World) { w.TrainJobs = w.TrainJobs[1:] }), 200, 50, nil, func(t *testing.T, _ *uitest.World, s *uitest.Screen) {
			s.Press(pane)
			time.Sleep(time.Second)
			if n := spent(s, func() { time.Sleep(10 * time.Minute) }); n > 0 {
				t.Errorf("pane %s: %d bytes in ten idle minutes", pane, n)
			}
		})
	}
}
