package uitest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"tunebench/backend/dataset/match"
	"tunebench/backend/training"
	"tunebench/tui"
)

// WriteLate puts a line before the one at a place, as one that came late.
func (l *Log) WriteLate(place int, ln training.LogLine) {
	l.mu.Lock()
	ln.Arrival, ln.Late = len(l.lines), true
	l.lines = slices.Insert(l.lines, place, ln)
	l.version++
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// LogVersion counts the late lines.
func (l *Log) LogVersion() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.version
}

// PointsVersion counts the points.
func (l *Log) PointsVersion() int { return len(l.Points()) }

// Place is where a line stands.
func (l *Log) Place(arrival int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.IndexFunc(l.lines, func(ln training.LogLine) bool { return ln.Arrival == arrival })
}

// Streams counts the streams.
func (l *Log) Streams() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := map[string]bool{}
	for _, ln := range l.lines {
		if ln.Stream != "" {
			names[ln.Stream] = true
		}
	}
	return len(names)
}

// Traceback is the place of the first traceback.
func (l *Log) Traceback() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.IndexFunc(l.lines, func(ln training.LogLine) bool { return strings.Contains(ln.Text, "Traceback (most recent call last)") })
}

// WriteLog writes the lines.
func (l *Log) WriteLog(_ context.Context, to io.Writer, _ func(done, total int)) error {
	for _, ln := range l.Lines(0, l.Len()) {
		if _, err := fmt.Fprintln(to, ln.Text); err != nil {
			return err
		}
	}
	return nil
}

// Search looks through the lines there are whenever it is asked.
func (l *Log) Search(_ context.Context, pattern string, regexp bool) (tui.LogSearch, error) {
	p, err := match.New(pattern, match.Options{Regexp: regexp, Fold: match.Smart(pattern)})
	if err != nil {
		return nil, err
	}
	return &logSearch{l, p}, nil
}

type logSearch struct {
	l *Log
	p *match.Pattern
}

func (s *logSearch) places() []int {
	var out []int
	for i, ln := range s.l.Lines(0, s.l.Len()) {
		if from, _ := s.p.Find([]byte(ln.Text)); from >= 0 {
			out = append(out, i)
		}
	}
	return out
}

func (s *logSearch) Len() int     { return len(s.places()) }
func (s *logSearch) Scanned() int { return s.l.Len() }
func (s *logSearch) Before(place int) int {
	n, _ := slices.BinarySearch(s.places(), place)
	return n
}

func (s *logSearch) Place(k int) int {
	if p := s.places(); k >= 0 && k < len(p) {
		return p[k]
	}
	return -1
}

func (s *logSearch) Lines(k, n int) (out []training.LogLine) {
	for i := k; i < k+n; i++ {
		if place := s.Place(i); place >= 0 {
			out = append(out, s.l.Lines(place, 1)...)
		}
	}
	return out
}

func (s *logSearch) Match(text string) (int, int) { return s.p.Find([]byte(text)) }
func (s *logSearch) Changed() <-chan struct{}     { return nil }
func (s *logSearch) Err() error                   { return nil }
func (s *logSearch) Close()                       {}
