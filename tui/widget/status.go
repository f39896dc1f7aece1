package widget

import "strings"

// Spinner returns the n-th picture of a turning mark. There is one on the screen
// at most: what runs elsewhere has a mark that stands still, so that a step costs
// a slow link five bytes and not a hundred.
func Spinner(n int) string {
	pics := [...]string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}
	return pics[((n%len(pics))+len(pics))%len(pics)]
}

// Marks stand before the words that they mean.
const (
	MarkRunning = "↻"
	MarkDone    = "⠶"
	MarkFailed  = "╳"
	MarkStopped = "─"
	MarkWaiting = "⠂"
	MarkWarning = "!"
	MarkUnknown = "?"
)

// Status returns the mark and the style of a status word of any service.
func Status(word string) (mark string, st Style) {
	switch strings.ToLower(word) {
	case "completed", "finished", "pass", "active", "ready":
		return MarkDone, Good
	case "failed", "blocks", "broken", "error":
		return MarkFailed, Bad
	case "stopped", "cancelled", "interrupted":
		return MarkStopped, Muted
	case "warning", "stopping", "stale":
		return MarkWarning, Warn
	case "unknown", "":
		return MarkUnknown, Muted
	case "waiting", "pending", "starting":
		return MarkWaiting, Info
	case "waking":
		return MarkRunning, Warn
	}
	return MarkRunning, Info
}

// Bar draws progress as a bar of width cells; done is 0 to 1.
func (r *Row) Bar(st Style, done float64, width int) *Row {
	width = min(width, r.Left())
	if width <= 0 {
		return r
	}
	if r.look.linear {
		return r.word(percent(done))
	}
	eighths := int(max(0, min(done, 1))*float64(width*8) + 0.5)
	start := r.max - r.Left()
	r.Fill(st, "━", start+eighths/8)
	if eighths%8 >= 4 && r.max-r.Left() < start+width {
		r.Put(st, "╸")
	}
	r.Fill(Border, "─", start+width)
	return r
}

// Interval draws an estimate between 0 and 1 as a mark on a track, with the
// interval around it.
func (r *Row) Interval(st Style, mean, low, high float64, width int) *Row {
	width = min(width, r.Left())
	if width < 3 {
		return r
	}
	if r.look.linear {
		return r.word("between " + percent(low) + " and " + percent(high))
	}
	at := func(v float64) int {
		return int(max(0, min(v, 1))*float64(width-1) + 0.5)
	}
	m, lo, hi := at(mean), at(low), at(high)
	lo, hi = min(lo, m), max(hi, m)
	start := r.max - r.Left()
	r.Fill(Border, "─", start+lo)
	r.Fill(st, "━", start+m)
	r.Put(st.With(Bold), "█")
	r.Fill(st, "━", start+hi+1)
	r.Fill(Border, "─", start+width)
	return r
}

// Delta draws a difference between -1 and 1 around a middle line, with its
// interval.
func (r *Row) Delta(st Style, mean, low, high, scale float64, width int) *Row {
	width = min(width, r.Left())
	if width < 5 {
		return r
	}
	if r.look.linear {
		return r.word("difference between " + percent(low) + " and " + percent(high))
	}
	scale = max(scale, 1e-9)
	at := func(v float64) int {
		v = max(-1, min(v/scale, 1))
		return int((v+1)/2*float64(width-1) + 0.5)
	}
	zero, m, lo, hi := at(0), at(mean), at(low), at(high)
	for i := range width {
		switch {
		case i == m:
			r.Put(st.With(Bold), "█")
		case i >= lo && i <= hi:
			r.Put(st, "━")
		case i == zero:
			r.Put(Muted, "┼")
		default:
			r.Put(Border, "─")
		}
	}
	return r
}
