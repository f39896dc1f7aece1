package tui_test

import (
	"fmt"
	"testing"
	"time"

	"tunebench/backend/chat"
	"tunebench/tui/uitest"
)

// TestAllocations: a frame costs little although it is composed after every
// message.
func TestAllocations(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		most float64
	}{{"dataset", []string{"1"}, 700}, {"training", []string{"2"}, 500}, {"chat", []string{"c", "enter", "esc"}, 500}, {"scoreboard", []string{"5"}, 700}} {
		play(t, uitest.Full, 200, 50, func(r *rig) {
			r.press(c.keys...)
			r.app.Frame()
			if n := testing.AllocsPerRun(20, func() { r.app.Frame() }); n > c.most {
				r.t.Errorf("%s: %.0f allocations for a frame", c.name, n)
			}
		})
	}
}

// BenchmarkFrame is the cost of a frame at 200x50.
func BenchmarkFrame(b *testing.B) {
	for _, pane := range []string{"1", "2", "3", "4", "5"} {
		b.Run(pane, func(b *testing.B) {
			app := open(b, uitest.Full(), 200, 50, pane)
			app.Frame()
			b.ReportAllocs()
			for b.Loop() {
				app.Frame()
			}
		})
	}
}

// TestLongAnswer: a very long answer is drawn as it comes, at the cost of what is
// new and what is in sight.
func TestLongAnswer(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World {
		w = uitest.Full()
		long := make([]byte, 0, 2<<20)
		for i := 0; len(long) < 2<<20; i++ {
			long = fmt.Appendf(long, "sentence %d of an answer that does not end. ", i)
		}
		w.Answers["base"] = chat.AnswerState{Phase: chat.Broken, Text: string(long), Err: "the stream ended without a stop reason"}
		return w
	}, 120, 40, func(r *rig) {
		r.press("c", "enter")
		r.want("broken", "the stream ended without a stop reason")
		r.press("esc", "g")
		r.want("sentence 0 of an answer", "In what color")
		r.pass(time.Second)
	})
}
