package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tunebench/backend/dataset/match"
	"tunebench/backend/safetext"
	"tunebench/backend/training/logstore"
)

// logFile is where a job's log is kept; "" when logs are not.
func (s *Service) logFile(job string) string {
	if s.c.LogDir == "" {
		return ""
	}
	safe := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
				return r
			}
			return '_'
		}, s)
	}
	return filepath.Join(s.c.LogDir, safe(s.c.AccountName)+"_"+safe(s.c.Region), safe(job)+".log")
}

// openLog opens what is kept of the log and learns from it what the curves
// were.
func (w *Watch) openLog(ctx context.Context) error {
	log, err := logstore.Open(w.s.logFile(w.name))
	if err != nil {
		return err
	}
	log.Use(w.s.c.Now())
	w.s.tidied.Do(func() { _, _ = w.s.TidyLogs() }) // KeptLogs shows what could not go
	traces := w.tracebacks(ctx, log)
	w.mu.Lock()
	w.log, w.traces = log, traces
	w.mu.Unlock()
	if log.Len() == 0 {
		return nil
	}
	w.notify() // it can be read while the numbers are looked for
	defer w.notify()
	return w.learn(ctx, log)
}

// forget drops what is kept of the log when it is another job's: one of the same
// name that there was before this one was created, as after the local account
// has been emptied.
func (w *Watch) forget(ctx context.Context, created time.Time) error {
	log := w.store()
	first, err := log.Lines(0, 1)
	if err != nil || len(first) == 0 || first[0].Time >= created.Add(-longOverlap).UnixMilli() {
		return err
	}
	w.mu.Lock()
	traces := w.traces
	w.log, w.traces, w.curve, w.latest = nil, nil, curve{version: w.curve.version + 1}, Event{}
	w.mu.Unlock()
	traces.Close()
	if err := log.Remove(); err != nil {
		return err
	}
	return w.openLog(ctx)
}

// learn reads the numbers of all the lines that are kept.
func (w *Watch) learn(ctx context.Context, log *logstore.Store) error {
	p, err := match.New(metricsHint, match.Options{Regexp: true})
	if err != nil {
		return err
	}
	hits := log.Search(ctx, p)
	defer hits.Close()
	for hits.Scanned() < log.Len() && hits.Err() == nil {
		select {
		case <-hits.Changed():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := hits.Err(); err != nil {
		return err
	}
	for k := 0; k < hits.Len(); k += 500 {
		if err := ctx.Err(); err != nil {
			return err
		}
		lines, err := hits.Lines(k, 500)
		if err != nil {
			return err
		}
		w.mu.Lock()
		for _, l := range lines {
			w.note(l.Text)
		}
		w.mu.Unlock()
	}
	return nil
}

// note takes the numbers of a line over. w.mu is held.
func (w *Watch) note(text string) {
	e := ParseMetrics(text)
	if e == nil {
		return
	}
	w.curve.add(e)
	if e.Event != "summary" {
		w.latest.merge(e)
	}
	if e.Step == nil && e.Event == "step" {
		step := w.curve.last
		w.latest.Step = &step
	}
}

// store is the log; nil until it is open.
func (w *Watch) store() *logstore.Store {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.log
}

// Len is the number of lines that have been read, now and earlier.
func (w *Watch) Len() int {
	if s := w.store(); s != nil {
		return s.Len()
	}
	return 0
}

// Lines returns up to n lines from place from on, in the order of their times.
// Places shift when a line comes late: LogVersion changes then.
func (w *Watch) Lines(from, n int) []LogLine {
	s := w.store()
	if s == nil {
		return nil
	}
	return w.lines(s.Lines(from, n))
}

// Arrived returns up to n lines from the from-th arrival on, in the order in
// which they came.
func (w *Watch) Arrived(from, n int) []LogLine {
	s := w.store()
	if s == nil {
		return nil
	}
	return w.lines(s.Arrived(from, n))
}

func (w *Watch) lines(lines []logstore.Line, err error) []LogLine {
	if err != nil && !errors.Is(err, os.ErrClosed) {
		w.setErr(err)
	}
	out := make([]LogLine, 0, len(lines))
	for _, l := range lines {
		out = append(out, LogLine{Time: time.UnixMilli(l.Time), Stream: l.Stream, Text: l.Text, Arrival: l.Arrival, Late: l.Late, Event: ParseEvent(l.Text)})
	}
	return out
}

// LogVersion changes when a line was put between others.
func (w *Watch) LogVersion() int {
	if s := w.store(); s != nil {
		return s.Version()
	}
	return 0
}

// Place is where the line with that arrival stands; -1 if there is none.
func (w *Watch) Place(arrival int) int {
	if s := w.store(); s != nil {
		return s.Place(arrival)
	}
	return -1
}

// Streams is how many log streams there are: hosts and attempts.
func (w *Watch) Streams() int {
	if s := w.store(); s != nil {
		return s.Streams()
	}
	return 0
}

// Search starts to look for a text (or, with regexp, what an RE2 expression
// matches) in all lines, those included that are still to come. A pattern
// without capital letters matches either case. The caller closes it.
func (w *Watch) Search(ctx context.Context, pattern string, regexp bool) (*LogHits, error) {
	if pattern == "" {
		return nil, errors.New("there is nothing to search for; give a text")
	}
	s := w.store()
	if s == nil {
		return nil, errors.New("the log is being opened; try again in a moment")
	}
	p, err := match.New(pattern, match.Options{Regexp: regexp, Fold: match.Smart(pattern)})
	if err != nil {
		return nil, err
	}
	return &LogHits{w: w, p: p, hits: s.Search(ctx, p)}, nil
}

// LogHits are the lines of a log in which something was found. They stream in.
type LogHits struct {
	w    *Watch
	p    *match.Pattern
	hits *logstore.Hits
}

// Len is the number of hits so far.
func (h *LogHits) Len() int { return h.hits.Len() }

// Scanned is how many lines have been looked at.
func (h *LogHits) Scanned() int { return h.hits.Scanned() }

// Before counts the hits before a place.
func (h *LogHits) Before(place int) int { return h.hits.Before(place) }

// Place is where the k-th hit stands; -1 if there is none.
func (h *LogHits) Place(k int) int { return h.hits.Place(k) }

// Lines returns up to n hits from the k-th on.
func (h *LogHits) Lines(k, n int) []LogLine { return h.w.lines(h.hits.Lines(k, n)) }

// Match is where the first match in a line's text begins and ends; -1, -1
// without one.
func (h *LogHits) Match(text string) (start, end int) { return h.p.Find([]byte(text)) }

// Changed is signalled when there is more; signals coalesce.
func (h *LogHits) Changed() <-chan struct{} { return h.hits.Changed() }

// Err says why the search ended early.
func (h *LogHits) Err() error { return h.hits.Err() }

// Close ends the search.
func (h *LogHits) Close() { h.hits.Close() }

// traceback begins what Python prints of an exception.
const traceback = "Traceback (most recent call last)"

// tracebacks searches for the first traceback from the first line on.
func (w *Watch) tracebacks(ctx context.Context, log *logstore.Store) *logstore.Hits {
	p, err := match.New(traceback, match.Options{})
	if err != nil {
		return nil
	}
	return log.Search(ctx, p)
}

// Traceback is the place of the first traceback, -1 while there is none.
func (w *Watch) Traceback() int {
	w.mu.Lock()
	h := w.traces
	w.mu.Unlock()
	if h == nil {
		return -1
	}
	return h.Place(0)
}

// WriteLog writes the lines that f wants (nil for all) as text, in the order of
// their times: time, stream and line. Progress is told now and then.
func (w *Watch) WriteLog(ctx context.Context, to io.Writer, progress func(done, total int)) error {
	const lot = 2000
	for i := 0; ; i += lot {
		if err := ctx.Err(); err != nil {
			return err
		}
		lines := w.Lines(i, lot)
		if len(lines) == 0 {
			if n := w.Len(); i < n {
				return fmt.Errorf("line %d of %d of the log could not be read", i+1, n)
			}
			return nil
		}
		for _, l := range lines {
			if _, err := fmt.Fprintf(to, "%s %s %s\n", l.Time.UTC().Format("2006-01-02T15:04:05.000Z"), safetext.Line(l.Stream), l.Text); err != nil {
				return fmt.Errorf("write the log: %w", err)
			}
		}
		if progress != nil {
			progress(i+len(lines), w.Len())
		}
	}
}
