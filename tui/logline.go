package tui

import (
	"fmt"
	"strconv"
	"strings"

	"tunebench/backend/training"
	"tunebench/themes"
	"tunebench/tui/widget"
)

// lineDrawer draws lines of a log.
type lineDrawer struct {
	look        *widget.Look
	width, left int
	raw         bool // as it was written, not read
	labels      bool // with the name of the stream
	chosen      bool // the reader was taken to it
	find        LogSearch
}

// line draws one line: its time, how grave it is, and a line of our own format
// as words.
func (d *lineDrawer) line(ln training.LogLine) string {
	l := d.look
	r := l.Row(d.width)
	if d.chosen {
		r.Put(widget.Accent.With(widget.Bold), "→").Gap(1)
	} else {
		r.Gap(2)
	}
	if !ln.Time.IsZero() {
		r.Put(widget.Faint, ln.Time.Format("15:04:05")).Gap(1)
	}
	mark, st := level(ln)
	r.Put(st, mark).Gap(1)
	if d.labels && ln.Stream != "" {
		r.Cell(widget.Faint, ln.Stream, 9, false).Gap(1)
	}
	if ln.Late {
		r.Put(widget.Warn, "late").Gap(1)
	}
	if ln.Event == nil || d.raw {
		d.text(r, st, ln.Text)
		return r.String()
	}
	e := ln.Event
	name, text := widget.Muted, widget.Text
	switch e.Event {
	case "eval":
		name, text = widget.Series(1), widget.Series(1)
	case "warning":
		name, text = widget.Warn, widget.Warn
	case "failed":
		name, text = widget.Bad, widget.Bad
	case "done", "export":
		name = widget.Good
	case "phase", "plan", "resume", "merge", "checkpoint":
		name = widget.Accent
	}
	words := eventText(e)
	if d.found(ln.Text) && !d.found(words) && !d.found(e.Event) { // it is in what was written only
		d.text(r, text, ln.Text)
		return r.String()
	}
	if d.found(e.Event) {
		name = foundStyle
	}
	r.Cell(name, e.Event, 10, false).Gap(1)
	d.text(r, text, words)
	return r.String()
}

// foundStyle is the style of what was searched for.
var foundStyle = widget.Style{Fg: themes.SelectionText, Bg: themes.Selection, Attr: widget.Bold}

// found reports whether what is searched for is in a text.
func (d *lineDrawer) found(s string) bool {
	if d.find == nil || s == "" {
		return false
	}
	from, _ := d.find.Match(s)
	return from >= 0
}

// text adds text with what was searched for marked in it.
func (d *lineDrawer) text(r *widget.Row, st widget.Style, s string) {
	s = d.look.Skip(s, d.left)
	if d.find == nil {
		r.Put(st, s)
		return
	}
	for s != "" && r.Left() > 0 {
		from, to := d.find.Match(s)
		if from < 0 || to <= from {
			break
		}
		// The end of what has room is drawn once, so that the mark of a line that
		// goes on stands at its edge.
		if d.look.Width(s[:to]) > r.Left() {
			break
		}
		r.Put(st, s[:from]).Put(foundStyle, s[from:to])
		s = s[to:]
	}
	r.Put(st, s)
}

// eventText writes the numbers of an event in columns that line up.
func eventText(e *training.Event) string {
	var b strings.Builder
	if e.Step != nil {
		if e.Steps != nil {
			total := strconv.Itoa(*e.Steps)
			fmt.Fprintf(&b, "%*d of %s  ", len(total), *e.Step, total)
		} else {
			fmt.Fprintf(&b, "%d  ", *e.Step)
		}
	}
	num := func(label string, v *float64, form string) {
		if v != nil {
			fmt.Fprintf(&b, "%s "+form+"  ", label, *v)
		}
	}
	num("loss", e.Loss, "%.4f")
	num("eval", e.EvalLoss, "%.4f")
	if e.TokensPerS != nil {
		fmt.Fprintf(&b, "%s tokens/s  ", widget.Count(int64(*e.TokensPerS)))
	}
	num("lr", e.LR, "%.2e")
	num("grad", e.GradNorm, "%.2f")
	num("epoch", e.Epoch, "%.2f")
	if e.GPUGB != nil && *e.GPUGB > 0 {
		fmt.Fprintf(&b, "%.1f GB  ", *e.GPUGB)
	}
	if e.Message != "" {
		b.WriteString(e.Message)
	}
	return strings.TrimRight(b.String(), " ")
}

// The words by which a line of text says how grave it is. They are those of
// Python's logging, of exceptions and of common shell tools; a plain "error"
// inside a sentence is none.
var (
	badWords  = []string{"ERROR", "CRITICAL", "FATAL", "Traceback (most recent call last)", "Error:", "Exception:", "error:", "panic:", "CUDA out of memory", "ChildFailedError"}
	warnWords = []string{"WARNING", "WARN ", "Warning:", "warning:"}
)

// level is how grave a line is: a mark and a style.
func level(ln training.LogLine) (mark string, st widget.Style) {
	if e := ln.Event; e != nil {
		switch e.Event {
		case "failed":
			return widget.MarkFailed, widget.Bad
		case "warning":
			return widget.MarkWarning, widget.Warn
		}
		return " ", widget.Text
	}
	for _, w := range badWords {
		if strings.Contains(ln.Text, w) {
			return widget.MarkFailed, widget.Bad
		}
	}
	for _, w := range warnWords {
		if strings.Contains(ln.Text, w) {
			return widget.MarkWarning, widget.Warn
		}
	}
	return " ", widget.Text
}
