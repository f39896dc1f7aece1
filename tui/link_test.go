package tui_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tunebench/backend/evaluation"
	"tunebench/backend/training"
	"tunebench/tui/uitest"
)

// busyWorld is one in which everything runs at once.
func busyWorld() *uitest.World {
	w := uitest.Full()
	w.Streams = map[string]*uitest.Stream{"base": uitest.NewStream(), "style-20260714-102210": uitest.NewStream()}
	w.Live = uitest.NewLive(w.RunList[0])
	return w
}

// everything makes a log of 50 lines a second with a step in each, two answers of
// 30 tokens a second and an evaluation of 20 records a second go on for a time.
func everything(w *uitest.World, d time.Duration) {
	log := w.Logs[w.TrainJobs[0].Name]
	for i := range int(d / (time.Second / 60)) {
		if i%6 < 5 {
			step, loss := 250+i, 1/float64(i+1)
			log.Write(training.LogLine{Time: uitest.Noon, Stream: "algo-1", Event: &training.Event{Event: "step", Step: &step, Loss: &loss}})
		}
		if i%2 == 0 {
			for _, a := range w.Streams {
				a.Token(fmt.Sprintf("word %d ", i))
			}
		}
		if i%3 == 0 {
			w.Live.Advance(1)
		}
		time.Sleep(time.Second / 60)
	}
}

// TestSlowLink: a minute of everything at once over 1 Mbit/s with 150 ms of
// delay each way stays usable: a key is answered after the way there and back,
// and hardly later.
func TestSlowLink(t *testing.T) {
	wire := &uitest.Wire{Rate: 1_000_000 / 8, Delay: 150 * time.Millisecond, Buffer: 64 << 10}
	live(t, busyWorld, 200, 50, wire, func(t *testing.T, w *uitest.World, s *uitest.Screen) {
		w.Live = uitest.NewLive(evaluation.Run{ID: "8", Total: 2000, Models: w.RunList[0].Models, Spec: w.RunList[0].Spec, Created: uitest.Noon})
		s.Press("5", "n").Wait("New evaluation").Press("ctrl+s").Wait("running")
		s.Press("4", "esc", ":").Type("models base style-20260714-102210").Press("enter").Wait("━━ style-2026").Press("i").Type("say much").Press("enter").Wait("waiting").Press("esc")
		time.Sleep(time.Second)
		done := make(chan struct{})
		go func() { defer close(done); everything(w, 70*time.Second) }()
		begin, before := time.Now(), s.Bytes()
		var waits []time.Duration
		wait := func(text string, keys ...string) {
			start := time.Now()
			time.Sleep(wire.Delay) // the key's own way
			s.Press(keys...).Wait(text)
			waits = append(waits, time.Since(start))
			time.Sleep(500*time.Millisecond - time.Duration(len(waits)%7)*30*time.Millisecond)
		}
		for time.Since(begin) < time.Minute {
			wait("following", "2")
			wait("search all actions", "?")
			s.Press("esc")
			wait("New training job", "n")
			s.Press("esc")
			wait("enter write", "4")
			wait("as it is trained", "1")
			wait("running", "5")
			wait("enter log", "2")
			wait("esc jobs", "enter")
			wait("new", "pgup")
			wait("following", "G")
			s.Press("esc")
		}
		seconds, bytes := int64(time.Since(begin)/time.Second), s.Bytes()-before
		<-done
		slices.Sort(waits)
		median, worst := waits[len(waits)/2], waits[len(waits)-1]
		t.Logf("%d keys in %d s: median %v, worst %v from key to screen; %d bytes a second; at most %d bytes on their way",
			len(waits), seconds, median, worst, bytes/seconds, wire.Most())
		if worst > 600*time.Millisecond {
			t.Errorf("a key took %v; the way there and back is %v", worst, 2*wire.Delay)
		}
	})
}

// TestStalledLink: a link that takes nothing for a minute stops nobody, holds
// little, and shows the latest afterwards.
func TestStalledLink(t *testing.T) {
	wire := &uitest.Wire{Rate: 1_000_000, Delay: time.Millisecond, Buffer: 4 << 10}
	live(t, busyWorld, 200, 50, wire, func(t *testing.T, w *uitest.World, s *uitest.Screen) {
		s.Press("2").Wait("following")
		wire.Stall(true)
		everything(w, time.Minute)
		s.Press("1", "3", "4", "esc", "2", "enter") // each would draw a whole screen
		time.Sleep(time.Second)
		if n := wire.Most(); n > 40_000 {
			t.Errorf("%d bytes wait for a link that takes none", n)
		}
		before := s.Bytes()
		wire.Stall(false)
		s.Wait("esc jobs", "step       3848")
		n := s.Bytes() - before
		t.Logf("at most %d bytes waited, %d were needed to catch up", wire.Most(), n)
		if n > 60_000 {
			t.Errorf("%d bytes to catch up", n)
		}
		if !strings.Contains(s.Text(), "following") {
			t.Error("the log no longer follows")
		}
	})
}
