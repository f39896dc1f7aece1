package training

// maxLines is how many log lines a Watch holds.
const maxLines = 50_000

// lineRing holds the newest lines. Lines are numbered from the first that ever
// came, so a number stays good when older lines go.
type lineRing struct {
	lines   []LogLine
	dropped int
	max     int
}

func (r *lineRing) add(l LogLine) {
	if len(r.lines) >= r.max {
		// In lots, so that adding stays cheap.
		n := max(r.max/10, 1)
		kept := make([]LogLine, len(r.lines)-n, r.max)
		copy(kept, r.lines[n:])
		r.lines = kept
		r.dropped += n
	}
	r.lines = append(r.lines, l)
}

// end is the number behind the last line.
func (r *lineRing) end() int { return r.dropped + len(r.lines) }

// goneText stands in the place of a line that is no longer held.
const goneText = "(no longer held here)"

// get returns the lines from number from on, n at most. A line that is gone
// comes as a mark, so that numbers and lines stay together.
func (r *lineRing) get(from, n int) []LogLine {
	from = max(from, 0)
	end := min(from+n, r.end())
	if from >= end {
		return nil
	}
	out := make([]LogLine, 0, end-from)
	for i := from; i < end; i++ {
		if i < r.dropped {
			out = append(out, LogLine{Text: goneText})
			continue
		}
		out = append(out, r.lines[i-r.dropped])
	}
	return out
}
