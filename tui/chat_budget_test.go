package tui_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tunebench/backend/chat"
	"tunebench/backend/chat/chattest"
	"tunebench/tui/uitest"
)

// TestStreamingBytes: four models that stream 200 tokens a second each stay
// within what a slow link carries. A step is what comes between two frames.
func TestStreamingBytes(t *testing.T) {
	const steps, models, perSecond = 60, 4, 30
	var ticks [models]chan int
	srv := &chattest.Server{}
	for i := range models {
		ticks[i] = make(chan int)
		srv.Foundation = append(srv.Foundation, fmt.Sprintf("vendor.model-%d", i))
	}
	srv.Answer = func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		s := chattest.NewStream(w)
		n := int(c.Model[len(c.Model)-1] - '0')
		for step := range ticks[n] {
			for _, word := range words(6) {
				s.Delta(word)
			}
			s.Delta(fmt.Sprintf("step-%d-%d ", n, step))
		}
		s.Stop("end_turn", 5, 7*steps)
	}
	s := uitest.Start(t, chatOver(t, srv, nil), 200, 50)
	s.Wait("row 1").Press("4").Wait("question").Press("esc").Wait("enter write").Press(":")
	s.Type("models vendor.model-0 vendor.model-1 vendor.model-2 vendor.model-3").Press("enter").Wait("model-3 ─")
	s.Type("Go on.").Press("enter").Wait("> Go on.")
	mark := s.Bytes()
	for step := range steps {
		var wait []string
		for n := range ticks {
			ticks[n] <- step
			wait = append(wait, fmt.Sprintf("step-%d-%d ", n, step))
		}
		s.Until(uitest.Patience, fmt.Sprint(wait), func(screen string) bool {
			screen = strings.ReplaceAll(screen, "\n", " \n")
			for _, x := range wait {
				if !strings.Contains(screen, x) {
					return false
				}
			}
			return true
		})
	}
	perS := (s.Bytes() - mark) * perSecond / steps
	t.Logf("%d bytes a second at 200x50", perS)
	if perS > 40_000 {
		t.Errorf("%d bytes a second at 200x50", perS)
	}
	for n := range ticks {
		close(ticks[n])
	}
	s.Until(uitest.Patience, "four answers", func(screen string) bool { return strings.Count(screen, "end_turn") == models })
}

// TestStreamingAllocations: a frame of four answers that are arriving is made of
// what is in sight, however long they are.
func TestStreamingAllocations(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		text := strings.Join(words(40_000), "")
		w.Models = nil
		for _, name := range []string{"one", "two", "three", "four"} {
			w.Models = append(w.Models, chat.Model{Ref: name, ID: name, Kind: chat.Foundation, Converse: true})
			w.Answers[name] = chat.AnswerState{Phase: chat.Streaming, Text: text, Stats: chat.Stats{OutputTokens: 40_000}}
		}
		return w
	}, 200, 50, func(r *rig) {
		r.press("4", "esc", ":")
		r.write("models one two three four")
		r.press("enter")
		r.write("Go on.")
		r.press("enter")
		r.want("40,000 tokens")
		n := testing.AllocsPerRun(20, func() { r.app.Frame() })
		t.Logf("%.0f allocations for a frame", n)
		if n > 800 {
			r.t.Errorf("%.0f allocations for a frame of four answers that are arriving", n)
		}
	})
}

// BenchmarkChatFrame is a frame of four long answers that are arriving.
func BenchmarkChatFrame(b *testing.B) {
	w := uitest.Full()
	w.Models = nil
	for _, name := range []string{"one", "two", "three", "four"} {
		w.Models = append(w.Models, chat.Model{Ref: name, ID: name, Kind: chat.Foundation, Converse: true})
		w.Answers[name] = chat.AnswerState{Phase: chat.Streaming, Text: strings.Join(words(4000), "")}
	}
	app := open(b, w, 200, 50, "4\x1b:models one two three four\rGo on.\r")
	b.ReportAllocs()
	for b.Loop() {
		app.Frame()
	}
}
