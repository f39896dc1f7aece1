package tui_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tunebench/tui/uitest"
)

// TestSearch: hits are counted while they are typed, n and N go from one to the
// next and on from the other end, esc ends it.
func TestSearch(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.press("/")
		r.write("mossbank")
		r.pass(time.Second)
		r.want("268 hits", "all columns")
		r.press("enter")
		r.want("/mossbank  268 hits", "row 2")
		r.press("n")
		r.want("row 10")
		r.press("N", "N", "N")
		r.want("searched on from the other end", "row 1,19")
		r.press("esc")
		r.lacks("hits")
		r.press("n")
		r.want("nothing was searched yet")

		// One column only, and a regular expression.
		r.press("/", "tab", "tab", "ctrl+r")
		r.want("in response, regular expression")
		r.write("^[0-9]+$")
		r.press("enter")
		r.want("row 5", "133 hits")
		r.press("/")
		r.write("(")
		r.press("enter")
		r.want("missing closing")
		r.press("esc")
		r.press("/", "ctrl+r")
		r.write("not in any row")
		r.press("enter")
		r.want(`no row contains "not in any row" in response`)
	})
}

// TestFilter: a filter makes a view of the same rows, on the same row; errors stand
// under the word; esc goes back to where one was.
func TestFilter(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.press("down", "down", "down", "&")
		r.write("len(answre) > 3")
		r.press("enter")
		r.want("^^^^^^", "there is no column")
		for range len("len(answre) > 3") {
			r.press("backspace")
		}
		r.write("answer ~ mon")
		r.press("enter")
		r.want("shown answer ~ mon", "6 months")
		r.lacks("South America")
		r.want("row 11") // the first that is kept after row 4
		r.press("G")
		r.want("row 1,19")
		// A search inside of the view finds only what the view has.
		r.press("/")
		r.write("mossbank")
		r.press("enter")
		r.want("row 2")
		r.press("n")
		r.want("row 11")
		r.press("esc")
		r.want("row 11")
		r.lacks("shown")
		r.want("South America")
	})
}

// TestCompleteFilter: tab puts a suggestion in where the cursor is.
func TestCompleteFilter(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.press("&")
		r.write("ans")
		r.want("answer")
		r.press("tab")
		r.write(" ~ months")
		r.press("enter")
		r.want("shown answer ~ months")
		r.press("&") // it is there to be changed
		r.want("& answer ~ months")
		for range len("answer ~ months") {
			r.press("backspace")
		}
		r.press("enter") // an empty filter shows all
		r.lacks("shown")
	})
}

// TestEmptyView: a filter that keeps nothing says so and is left with esc.
func TestEmptyView(t *testing.T) {
	play(t, uitest.Full, 80, 24, func(r *rig) {
		r.press("&")
		r.write("answer ~ zzz")
		r.press("enter")
		r.want("0 shown", "no row; esc shows all")
		r.press("enter")
		r.want("this view has no rows")
		r.press("esc")
		r.want("1,200 rows", "row 1")
	})
}

// TestProfile: rows that look wrong are one key away.
func TestProfile(t *testing.T) {
	world := func() *uitest.World {
		w := uitest.Full()
		w.Rows = slices.Clone(w.Rows)
		for _, i := range []int{7, 11} {
			w.Rows[i].Answer = ""
		}
		w.Rows[12].Answer = "As an AI language model, I cannot answer that."
		return w
	}
	play(t, world, 120, 40, func(r *rig) {
		r.press("s")
		r.want("Rows that look wrong", "empty answer", "refusal", "Sub-mixes", "flan", "tokens, estimated")
		r.press("down", "enter")
		r.want("1 shown rows that look wrong: refusal", "row 13")
		r.press("esc")
		r.want("row 13")
		r.press("s", "up", "enter")
		r.want("2 shown rows that look wrong: empty answer")
	})
	play(t, func() *uitest.World { w := world(); w.Slow = true; return w }, 80, 24, func(r *rig) {
		r.press("s")
		r.want("reading, ")
		r.press("esc")
		r.lacks("Rows that look wrong")
	})
}

// TestHostileSearch: what a file holds does not break the frame where it is marked.
func TestHostileSearch(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		w.Rows = slices.Clone(w.Rows)
		w.Rows[0].Fields = slices.Clone(w.Rows[0].Fields)
		for i := range w.Rows[0].Fields {
			w.Rows[0].Fields[i].Value = strings.Repeat("日本語 e\u0301 ", 40) + "needle" + strings.Repeat(" \U0001f469\u200d\U0001f467", 20)
		}
		return w
	}, 80, 24, func(r *rig) {
		r.press("/")
		r.write("needle")
		r.press("enter")
		r.want("needle")
		checkFrame(r.t, r.app.Frame(), 80, 24, false)
		r.press("enter")
		checkFrame(r.t, r.app.Frame(), 80, 24, false)
	})
}
