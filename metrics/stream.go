package metrics

import (
	"context"
	"iter"
	"runtime"

	"tunebench/metrics/internal/ordered"
)

// Scored is a row with what a metric gave it.
type Scored struct {
	Row      Row
	Values   []float64 // in the order of the metric's Scores; nil with Err
	Warnings Warnings
	Err      error // why this row cannot be scored
}

// streamChunk is the number of rows that a worker takes at a time.
const streamChunk = 256

// Stream scores rows on all cores and yields them in their order, in memory that
// does not grow with their number. Options that are wrong end it with an error,
// as does the context; a row that cannot be scored does not.
func (m Metric) Stream(ctx context.Context, params map[string]string, rows iter.Seq[Row]) iter.Seq2[Scored, error] {
	chunks := func(yield func([]Row, error) bool) {
		var chunk []Row
		for r := range rows {
			if chunk = append(chunk, r); len(chunk) == streamChunk {
				if !yield(chunk, nil) {
					return
				}
				chunk = make([]Row, 0, streamChunk)
			}
		}
		if len(chunk) > 0 {
			yield(chunk, nil)
		}
	}
	score := func() (func([]Row) []Scored, error) {
		s, err := m.NewScorer(params)
		if err != nil {
			return nil, err
		}
		return func(rows []Row) []Scored {
			out := make([]Scored, len(rows))
			values := make([]float64, 0, len(rows)*len(m.Scores))
			for i, r := range rows {
				first := len(values)
				out[i].Row = r
				values, out[i].Warnings, out[i].Err = s.Score(values, r)
				if out[i].Err == nil {
					out[i].Values = values[first:len(values):len(values)]
				}
			}
			return out
		}, nil
	}
	return func(yield func(Scored, error) bool) {
		for chunk, err := range ordered.Map(ctx, runtime.GOMAXPROCS(0), chunks, score) {
			if err != nil {
				yield(Scored{}, err)
				return
			}
			for _, s := range chunk {
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}
