package tui_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"tunebench/backend/training"
	"tunebench/tui"
	"tunebench/tui/uitest"
)

const liveJob = "tunebench-style-20260714-115937"

// numbered is a world whose live log has n numbered lines.
func numbered(n int) func() *uitest.World {
	return func() *uitest.World {
		w := uitest.Full()
		for i := range n {
			text := fmt.Sprintf("number %d", i)
			if i%100 == 50 {
				text += " ERROR out of luck"
			}
			w.Logs[liveJob].Write(training.LogLine{Time: uitest.Noon, Stream: "algo-1", Text: text})
		}
		return w
	}
}

// TestLogFind: n and N go through the matches both ways, say when there is no
// further one, and esc takes the search back.
func TestLogFind(t *testing.T) {
	play(t, numbered(1000), 120, 40, func(r *rig) {
		r.press("2", "enter", "g", "/")
		r.write("out of luck")
		r.press("enter")
		r.want("→ 12:00:00 ╳ number 50 ERROR out of luck", "/out of luck 1 of 10")
		r.press("n", "n")
		r.want("number 250 ERROR", "3 of 10")
		r.press("N")
		r.want("number 150 ERROR", "2 of 10")
		r.press("N", "N")
		r.want("number 50 ERROR", "no further match above")
		r.press("G", "N")
		r.want("number 950 ERROR", "10 of 10")
		r.press("n")
		r.want("no further match below")
		r.press("esc")
		r.lacks("of 10")
		r.want("esc jobs")
		r.press("/")
		r.write("nothing at all")
		r.press("enter")
		r.want("no line holds nothing at all")
		r.press("esc", "/", "ctrl+r")
		r.write("number (")
		r.press("enter")
		r.want("find regexp", "╳ the regular expression is wrong")
		r.press("esc")
		r.want("esc jobs")
	})
}

// TestLogFilter: only the lines that match are shown, what comes is filtered
// too, the search works within, and esc comes back to the same place.
func TestLogFilter(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = numbered(1000)(); return w }, 120, 40, func(r *rig) {
		r.press("2", "enter", ":")
		r.write("filter ERROR")
		r.press("enter")
		r.want("only ERROR   10 matches   following", "number 50 ERROR", "number 950 ERROR")
		r.lacks("number 951")
		w.Logs[liveJob].Write(training.LogLine{Text: "number 1000"}, training.LogLine{Text: "one more ERROR"})
		r.pass(time.Second)
		r.want("11 matches", "one more ERROR")
		r.lacks("number 1000")
		r.press("/")
		r.write("number 350")
		r.press("enter")
		r.want("→ 12:00:00 ╳ number 350 ERROR")
		r.press("esc")
		r.want("number 350 ERROR", "number 351", "/number 350 1 of 1")
		r.press("esc", "esc")
		r.want("enter log")
	})
}

// TestLateLine: a line that comes late stands in its place, is marked, counts as
// new, and what the reader looks at stays where it is.
func TestLateLine(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = numbered(1000)(); return w }, 120, 40, func(r *rig) {
		r.press("2", "enter")
		r.want("following") // drawn, so that it is known what a page is
		r.press("g", "pgdown", "pgdown")
		r.lacks("phase      training")
		before := logRows(r)
		w.Logs[liveJob].WriteLate(3, training.LogLine{Time: uitest.Noon, Text: "I am late"})
		r.pass(time.Second)
		if got := logRows(r); got != before {
			r.t.Fatalf("the lines moved:\n%s\nwere\n%s", got, before)
		}
		r.want("1 new, G shows them")
		r.press("g")
		r.want("late I am late")
	})
}

// logRows is the part of the screen below the log's rule.
func logRows(r *rig) string {
	text := r.text()
	_, rows, _ := strings.Cut(text[strings.Index(text, " log "):], "\n")
	return rows
}

// TestTraceback: the first one is pinned and one key away.
func TestTraceback(t *testing.T) {
	var w *uitest.World
	play(t, func() *uitest.World { w = numbered(1000)(); return w }, 120, 40, func(r *rig) {
		r.press("2", "enter")
		r.lacks("traceback")
		r.press("t")
		r.want("there is no traceback in this log")
		log := w.Logs[liveJob]
		log.Write(training.LogLine{Text: "Traceback (most recent call last):"}, training.LogLine{Text: "ValueError: first"})
		for i := range 200 {
			log.Write(training.LogLine{Text: fmt.Sprint("later ", i)}, training.LogLine{Text: "Traceback (most recent call last):"})
		}
		r.pass(time.Second)
		r.want("the first traceback is at line 1,060", "later 199")
		r.lacks("ValueError")
		r.press("t")
		r.want("ValueError: first", "Traceback (most recent call last):")
		r.lacks("following")
	})
}

type kept struct{ bytes.Buffer }

func (*kept) Close() error { return nil }

// TestSaveLog: the log goes to a new file, never over one that is there.
func TestSaveLog(t *testing.T) {
	files := map[string]*kept{}
	d := numbered(5)().Deps()
	d.Create = func(path string) (io.WriteCloser, error) {
		if files[path] != nil {
			return nil, fs.ErrExist
		}
		files[path] = &kept{}
		return files[path], nil
	}
	playDeps(t, func() tui.Deps { return d }, 120, 40, func(r *rig) {
		r.press("2", "enter", "S")
		r.want("the log was written to /data/tunebench/" + liveJob + ".log")
		r.press("S")
		r.want(liveJob + "-2.log")
		if got := files["/data/tunebench/"+liveJob+"-2.log"].String(); !strings.Contains(got, "number 4\n") {
			r.t.Errorf("%q", got)
		}
	})
}
