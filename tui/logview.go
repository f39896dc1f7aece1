package tui

import (
	"fmt"
	"math"

	"tunebench/backend/training"
	"tunebench/tui/widget"
)

var nan = math.NaN()

// logView is the window over a log that may be growing. It follows the end until
// the reader scrolls, and holds drawn lines only for what is in sight.
//
// With a filter it shows the lines that the filter found, and positions count
// those.
type logView struct {
	n      int // lines there are
	top    int
	height int
	left   int // cells scrolled off at the left
	follow bool
	fresh  int // lines that came since the reader scrolled away

	filter LogSearch // nil shows all lines
	find   LogSearch // what is marked in the lines; nil for nothing
	match  int       // place of the line that the reader was taken to; -1 for none

	// anchor is the arrival of the line at the top: it stays there when a line
	// comes late above it.
	anchor  int
	version int

	cache  map[int]string // by arrival
	key    logKey
	window []string
	shown  logWindow
}

// logKey is what all drawn lines depend on; logWindow what is in sight.
type logKey struct {
	width, left, look, match int
	raw, labels              bool
	find                     LogSearch
}

type logWindow struct {
	top, height, n, version int
	filter                  LogSearch
}

// grown takes over how many lines there are now.
func (v *logView) grown(w Watch) {
	n := w.Len()
	if v.filter != nil {
		n = v.filter.Len()
	}
	if !v.follow {
		v.fresh += max(0, n-v.n)
	}
	v.n = n
	if now := w.LogVersion(); now != v.version {
		v.version = now
		if !v.follow {
			if place := w.Place(v.anchor); place >= 0 {
				v.top = v.position(place)
			}
		}
	}
}

// position is where the line at a place of the log stands in the view.
func (v *logView) position(place int) int {
	if v.filter != nil {
		return v.filter.Before(place)
	}
	return place
}

// place is the place in the log of a position; -1 when there is none.
func (v *logView) place(position int) int {
	if v.filter != nil {
		return v.filter.Place(position)
	}
	return position
}

func (v *logView) end() int { return max(0, v.n-v.height) }

func (v *logView) move(by int) {
	if v.follow {
		v.top = v.end()
	}
	v.to(v.top + by)
}

// to puts a position at the top, and follows from there if it is the end.
func (v *logView) to(top int) {
	v.top = max(0, min(top, v.end()))
	v.follow = v.top >= v.end()
	if v.follow {
		v.fresh = 0
	}
}

// show scrolls to a place of the log, so that what is around it is in sight.
func (v *logView) show(place int) {
	v.match = place
	at := v.position(place)
	if at < v.top || at >= v.top+v.height || v.follow {
		v.top = max(0, min(at-v.height/3, v.end()))
	}
	v.follow = false
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
	case v.follow && v.filter == nil && v.n < 100:
		return "following"
	case v.follow && v.filter == nil:
		// In steps, so that a line that comes costs no more than itself.
		return "over " + widget.Count(int64(v.n/100*100)) + " lines   following"
	case v.follow:
		return matches(v.n) + "   following"
	case v.fresh > 0:
		return fmt.Sprintf("%s new, G shows them   line %s of %s", widget.Count(int64(v.fresh)), widget.Count(int64(v.top+1)), widget.Count(int64(v.n)))
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
	key := logKey{width, v.left, l.Version(), v.match, raw, w.Streams() > 1, v.find}
	if v.cache == nil || key != v.key || len(v.cache) > 1000 {
		v.cache, v.key, v.window = make(map[int]string, height*2), key, nil
	}
	shown := logWindow{v.top, height, v.n, v.version, v.filter}
	if v.window != nil && shown == v.shown {
		return v.window
	}
	var got []training.LogLine
	if v.filter != nil {
		got = v.filter.Lines(v.top, height)
	} else {
		got = w.Lines(v.top, height)
	}
	out := make([]string, 0, height)
	for i, ln := range got {
		if i == 0 {
			v.anchor = ln.Arrival
		}
		s, ok := v.cache[ln.Arrival]
		if !ok {
			d := lineDrawer{look: l, width: width, left: v.left, raw: raw, labels: key.labels, find: v.find}
			d.chosen = v.match >= 0 && v.place(v.top+i) == v.match
			s = d.line(ln)
			v.cache[ln.Arrival] = s
		}
		out = append(out, s)
	}
	v.window, v.shown = widget.Fit(out, width, height), shown
	return v.window
}

func matches(n int) string {
	if n == 1 {
		return "1 match"
	}
	return widget.Count(int64(n)) + " matches"
}
