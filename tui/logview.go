package tui

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"tunebench/backend/training"
	"tunebench/tui/widget"
)

var nan = math.NaN()

// logView is the window over a log that may be growing. It follows the end until
// the reader scrolls, and holds drawn lines only for what is in sight.
type logView struct {
	n      int // lines there are
	top    int
	height int
	left   int // cells scrolled off at the left
	follow bool
	fresh  int // lines that came since the reader scrolled away

	cache    map[int]string
	cacheKey [4]int // width, left, look version, raw
}

// grown takes over the number of lines there are now.
func (v *logView) grown(n int) {
	if !v.follow {
		v.fresh += max(0, n-v.n)
	}
	if n < v.n {
		v.cache = nil
	}
	v.n = n
}

func (v *logView) end() int { return max(0, v.n-v.height) }

func (v *logView) move(by int) {
	if v.follow {
		v.top = v.end()
	}
	v.top = max(0, min(v.top+by, v.end()))
	v.follow = v.top >= v.end()
	if v.follow {
		v.fresh = 0
	}
}

func (v *logView) toEnd() {
	v.follow, v.fresh = true, 0
	v.top = v.end()
}

func (v *logView) sideways(by int) { v.left = max(0, v.left+by) }

// note says where the reader is.
func (v *logView) note() string {
	switch {
	case v.n == 0:
		return ""
	case v.follow:
		return widget.Count(int64(v.n)) + " lines   following"
	case v.fresh > 0:
		return fmt.Sprintf("%s new   line %s of %s", widget.Count(int64(v.fresh)), widget.Count(int64(v.top+1)), widget.Count(int64(v.n)))
	}
	return fmt.Sprintf("line %s of %s", widget.Count(int64(v.top+1)), widget.Count(int64(v.n)))
}

// lines draws the window.
func (v *logView) lines(l *widget.Look, w Watch, width, height int, raw bool) []string {
	v.height = height
	if v.follow {
		v.top = v.end()
	}
	v.top = max(0, min(v.top, v.end()))
	key := [4]int{width, v.left, l.Version(), 0}
	if raw {
		key[3] = 1
	}
	if v.cache == nil || key != v.cacheKey || len(v.cache) > 1000 {
		v.cache, v.cacheKey = make(map[int]string, height*2), key
	}
	out := make([]string, 0, height)
	var got []training.LogLine
	for i := v.top; i < min(v.top+height, v.n); i++ {
		s, ok := v.cache[i]
		if !ok {
			if got == nil {
				got = w.Lines(v.top, height)
			}
			if i-v.top >= len(got) {
				break
			}
			s = logLine(l, got[i-v.top], width, v.left, raw)
			v.cache[i] = s
		}
		out = append(out, s)
	}
	return widget.Fit(out, width, height)
}

// logLine draws one line: the time, and a line of our own format as words.
func logLine(l *widget.Look, ln training.LogLine, width, left int, raw bool) string {
	r := l.Row(width).Gap(2)
	if !ln.Time.IsZero() {
		r.Put(widget.Faint, ln.Time.Format("15:04:05")).Gap(2)
	}
	if ln.Stream != "" && ln.Stream != "algo-1" {
		r.Put(widget.Faint, ln.Stream).Gap(1)
	}
	if ln.Event == nil || raw {
		return r.Put(level(ln.Text), l.Skip(ln.Text, left)).String()
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
	r.Cell(name, e.Event, 10, false).Gap(1)
	return r.Put(text, l.Skip(eventText(e), left)).String()
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

func level(s string) widget.Style {
	t := strings.ToLower(s)
	switch {
	case strings.Contains(t, "error") || strings.HasPrefix(t, "traceback"):
		return widget.Bad
	case strings.Contains(t, "warning"):
		return widget.Warn
	}
	return widget.Text
}
