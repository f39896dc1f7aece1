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

// get returns up to n lines from number from on; lines that are gone are
// skipped.
func (r *lineRing) get(from, n int) []LogLine {
	first := max(from-r.dropped, 0)
	if n <= 0 || first >= len(r.lines) {
		return nil
	}
	return append([]LogLine(nil), r.lines[first:min(first+n, len(r.lines))]...)
}
