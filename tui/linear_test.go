package tui_test

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tunebench/backend/training"
	"tunebench/tui"
	"tunebench/tui/uitest"
)

// TestTold: every scene is read aloud as text: no sequence, no drawing, nothing
// cut off.
func TestTold(t *testing.T) {
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			playDeps(t, func() tui.Deps { d := s.world().Deps(); d.Linear = true; return d }, 100, 40, func(r *rig) {
				s.walk(r)
				lines := r.app.Told()
				if len(lines) < 3 {
					r.t.Fatalf("only %q is told", lines)
				}
				for _, line := range lines {
					if strings.TrimSpace(line) == "" || strings.Contains(line, "  ") {
						r.t.Errorf("gaps are told: %q", line)
					}
					for _, c := range line {
						if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 || c >= 0x2190 && c <= 0x259f || c >= 0x2800 && c <= 0x28ff {
							r.t.Errorf("%U is told: %q", c, line)
						}
					}
				}
				golden(r.t, filepath.Join("linear", s.name), strings.Join(lines, "\n")+"\n")
			})
		})
	}
}

// reading is a workbench that is read aloud, with what was said so far.
type reading struct {
	t    *testing.T
	in   *io.PipeWriter
	mu   sync.Mutex
	said strings.Builder
}

func (r *reading) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.Write(p)
}

// line types a line and returns what is said in the next seconds.
func (r *reading) line(s string) string {
	r.t.Helper()
	before := len(r.all()) // the answer may be there before the line has been taken
	if _, err := io.WriteString(r.in, s+"\n"); err != nil {
		r.t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	return r.all()[before:]
}

func (r *reading) listen(d time.Duration) string {
	r.mu.Lock()
	before := r.said.Len()
	r.mu.Unlock()
	time.Sleep(d)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()[before:]
}

// all is what was said so far.
func (r *reading) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()
}

// aloud runs f with a workbench that is read aloud, in synthetic time.
func aloud(t *testing.T, world func() *uitest.World, f func(*testing.T, *uitest.World, *reading)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := world()
		pr, pw := io.Pipe()
		r := &reading{t: t, in: pw}
		defer pw.Close()
		done := make(chan error, 1)
		go func() { done <- tui.RunLinear(context.Background(), w.Deps(), pr, r) }()
		r.listen(3 * time.Second)
		if s := r.all(); !strings.Contains(s, "accessible mode") || !strings.Contains(s, "Pane 1 of 5: Dataset") {
			t.Fatalf("at the start is said:\n%s", s)
		}
		f(t, w, r)
		pw.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func says(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, s := range want {
		if !strings.Contains(got, s) {
			t.Fatalf("%q is not said, but:\n%s", s, got)
		}
	}
}

// TestAloud plays the loop by lines: keys, commands and text, and what is said.
func TestAloud(t *testing.T) {
	aloud(t, uitest.Full, func(t *testing.T, w *uitest.World, r *reading) {
		s := r.line("down")
		says(t, s, "selected: row 2, question For how long is the Mossbank tent covered?")
		if n := strings.Count(s, "Mossbank"); n > 3 {
			t.Errorf("too much is said after one key:\n%s", s)
		}
		says(t, r.line("2"), "Pane 2 of 5: Training", "selected: training job tunebench-style-20260714-115937, status InProgress", "train, first 3.252 at step 5", "-- log", "Keys: enter log")
		says(t, r.line("zzz"), "Notice: there is no command")
		says(t, r.line("down down i"), "Notice: this training job ended Failed")
		says(t, r.line("?"), "Dialog: Keys", "enter tab, :log, move in the log of this job")
		says(t, r.line("4"), "Pane 4 of 5: Chat", "A line is text here")
		says(t, r.line("In what color is the Mossbank tent sold?"), "base: The Mossbank tent is sold in brown.", "style-20260714-102210: brown")
		says(t, r.line(".esc"), "Keys: enter write")
		says(t, r.line("3"), "Pane 3 of 5: Import", "selected: model style-20260714-102210, from")
		says(t, r.line("d"), "Dialog: Delete", "Type style-20260714-102210 to delete it")
		says(t, r.line("style-20260714-102210"), "Pane 3 of 5")
		if got := w.Done(); got[len(got)-1] != "delete arn:aws:bedrock:us-east-1:000000000000:imported-model/abcdefghijkl" {
			t.Errorf("done: %v", got)
		}
		says(t, r.line("."), "Pane 3 of 5: Import")
	})
}

// TestAnnounced: what changes by itself is said, and what only counts is not.
func TestAnnounced(t *testing.T) {
	aloud(t, uitest.Full, func(t *testing.T, w *uitest.World, r *reading) {
		log := w.Logs[w.TrainJobs[0].Name]
		r.line("2")
		last := 249
		count := func(n int) {
			for range n {
				last++
				step, loss := last, 0.3
				log.Write(training.LogLine{Time: uitest.Noon, Stream: "algo-1", Event: &training.Event{Event: "step", Step: &step, Loss: &loss}})
				time.Sleep(100 * time.Millisecond)
			}
		}
		count(30) // the first are lines of a new kind
		r.listen(time.Minute)
		before := len(r.all())
		count(100)
		if s := r.all()[before:]; s != "" {
			t.Errorf("ten seconds of steps say:\n%s", s)
		}
		r.line("enter")
		before = len(r.all())
		count(20)
		time.Sleep(5 * time.Second)
		says(t, r.all()[before:], "step, 399 loss")
		w.EndTraining("Completed")
		says(t, r.listen(10*time.Second), "Notice: ", "completed: import it with i")
		if s := r.listen(time.Minute); s != "" {
			t.Errorf("an idle minute says:\n%s", s)
		}
	})
}
