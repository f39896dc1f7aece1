package fmevalio

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"runtime"
	"slices"

	"tunebench/metrics"
	"tunebench/metrics/internal/ordered"
	"tunebench/metrics/pytext"
)

// ScoreOptions say how to score a file of outputs.
type ScoreOptions struct {
	Metrics []metrics.Metric
	// Params are options under FMEval's names. Each metric takes those it has;
	// one that none of them has is an error.
	Params map[string]string
	// Fields names the field of a line that holds a column ("model_output" and so
	// on): a key, or else a JMESPath expression. A column left out is under its
	// own name.
	Fields map[string]string
	// Interval are the options of the intervals.
	Interval metrics.Options
}

// Summary is what the lines of a file came to.
type Summary struct {
	Rows    int // lines that are rows
	Errors  int // rows that at least one metric could not score
	Metrics []MetricSummary
}

// MetricSummary is the part of one metric.
type MetricSummary struct {
	Name       string
	Scores     []ScoreValue
	Categories []CategoryScores // by name; nil if no row has a category
	Absent     []metrics.Absent
	Warnings   []WarningCount
}

// WarningCount is a warning and the number of rows it is about.
type WarningCount struct {
	Text string
	Rows int
}

// ScoreLines scores JSON Lines of outputs that somebody already has and writes
// the same lines in the same order, each with an object "scores" and, where there
// are any, a list "warnings". A row that cannot be scored keeps its place with an
// "error". w may be nil when only the summary is wanted. Memory does not grow
// with the number of rows (but does with that of categories); all cores work.
//
// open opens the input from its beginning; it is called a second time where
// classification has to look for the labels first.
func ScoreLines(ctx context.Context, open func() (io.ReadCloser, error), w io.Writer, o ScoreOptions) (*Summary, error) {
	s, err := newLineScorer(o)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(s.jobs, func(j metricJob) bool { return j.wantsLabels }) {
		labels, err := s.findLabels(ctx, open)
		if err != nil {
			return nil, err
		}
		for i := range s.jobs {
			if s.jobs[i].wantsLabels {
				s.jobs[i].params["valid_labels"] = labels
			}
		}
	}
	in, err := open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	sum, err := s.newSums()
	if err != nil {
		return nil, err
	}
	for chunk, err := range ordered.Map(ctx, runtime.GOMAXPROCS(0), chunks(in), s.worker) {
		if err != nil {
			return nil, err
		}
		if w != nil {
			if _, err := w.Write(chunk.text); err != nil {
				return nil, fmt.Errorf("the scores cannot be written: %w", err)
			}
		}
		if err := sum.add(chunk); err != nil {
			return nil, err
		}
	}
	return sum.summary(o.Interval), nil
}

// metricJob is a metric with its options.
type metricJob struct {
	metric      metrics.Metric
	params      map[string]string
	wantsLabels bool
}

type lineScorer struct {
	jobs   []metricJob
	fields map[string]field
}

// field is where a column is in a line.
type field struct {
	key string
	at  *location // nil if the key is all there is
}

func newLineScorer(o ScoreOptions) (*lineScorer, error) {
	if len(o.Metrics) == 0 {
		return nil, errors.New("no metric is named")
	}
	s := &lineScorer{fields: map[string]field{}}
	used := map[string]bool{}
	for _, m := range o.Metrics {
		j := metricJob{metric: m, params: map[string]string{}}
		for _, p := range m.Params {
			if v, ok := o.Params[p.Name]; ok {
				j.params[p.Name], used[p.Name] = v, true
			}
			if p.Name == "valid_labels" && j.params[p.Name] == "" {
				j.wantsLabels = true
			}
		}
		probe := maps.Clone(j.params)
		if j.wantsLabels {
			probe["valid_labels"] = "[]"
		}
		if _, err := m.NewScorer(probe); err != nil {
			return nil, err
		}
		s.jobs = append(s.jobs, j)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Params)) {
		if !used[name] {
			return nil, fmt.Errorf("none of the metrics has a parameter %q", name)
		}
	}
	columns := []string{TargetOutput, ModelOutput, Category, SentMoreLogProb, SentLessLogProb, "perturbed_outputs", "repeated_outputs"}
	for _, c := range columns {
		s.fields[c] = field{key: c}
	}
	for c, name := range o.Fields {
		if !slices.Contains(columns, c) {
			return nil, fmt.Errorf("there is no column %q; the columns are %v", c, columns)
		}
		if name == "" {
			continue
		}
		f := field{key: name}
		if at, err := compile(c, name); err == nil {
			f.at = at // else it can only be a key, such as one with spaces
		}
		s.fields[c] = f
	}
	return s, nil
}

// findLabels reads the input once for the targets there are.
func (s *lineScorer) findLabels(ctx context.Context, open func() (io.ReadCloser, error)) (string, error) {
	in, err := open()
	if err != nil {
		return "", err
	}
	defer in.Close()
	seen := map[string]bool{}
	for chunk, err := range chunks(in) {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return "", err
		}
		for _, line := range chunk.lines {
			if d, err := decodeRow(line); err == nil {
				if t, ok := s.record(d, []string{TargetOutput}).Text(TargetOutput); ok {
					seen[t] = true
				}
			}
		}
	}
	return metrics.FormatLabels(slices.Sorted(maps.Keys(seen))), nil
}

// record takes columns out of a line, cast as FMEval casts them. What is not
// there, or null, is left out.
func (s *lineScorer) record(d *pytext.Dict, columns []string) Record {
	r := make(Record, len(columns))
	var doc *document
	for _, c := range columns {
		f := s.fields[c]
		v, ok := d.Get(f.key)
		if !ok && f.at != nil {
			if doc == nil {
				doc = newDocument(d)
			}
			v, _ = f.at.search(doc)
		}
		switch {
		case v == nil:
		case c == "perturbed_outputs" || c == "repeated_outputs":
			r[c] = v
		default:
			r[c] = cast(c, v)
		}
	}
	return r
}

var errNoObject = errors.New("the line is no JSON object")

func decodeRow(line []byte) (*pytext.Dict, error) {
	v, err := pytext.Decode(line)
	if err != nil {
		return nil, err
	}
	d, ok := v.(*pytext.Dict)
	if !ok {
		return nil, errNoObject
	}
	return d, nil
}

// lineChunk is some lines of the input; blank ones before another line are rows,
// and nil.
type lineChunk struct{ lines [][]byte }

// A chunk ends after so many lines or bytes.
const (
	chunkLines = 256
	chunkBytes = 1 << 20
)

// chunks reads lines. Blank lines at the end are no rows.
func chunks(r io.Reader) iter.Seq2[lineChunk, error] {
	return func(yield func(lineChunk, error) bool) {
		in := bufio.NewReaderSize(r, 1<<16)
		var c lineChunk
		size, blank := 0, 0
		for {
			line, err := in.ReadBytes('\n')
			if err != nil && err != io.EOF {
				yield(lineChunk{}, fmt.Errorf("the input cannot be read: %w", err))
				return
			}
			line = bytes.TrimRight(line, "\r\n")
			if len(bytes.TrimSpace(line)) > 0 {
				for ; blank > 0; blank-- {
					c.lines = append(c.lines, nil)
				}
				c.lines = append(c.lines, line)
				size += len(line)
			} else if err == nil {
				blank++
			}
			if len(c.lines) > 0 && (err == io.EOF || len(c.lines) >= chunkLines || size >= chunkBytes) {
				if !yield(c, nil) {
					return
				}
				c, size = lineChunk{}, 0
			}
			if err == io.EOF {
				return
			}
		}
	}
}
