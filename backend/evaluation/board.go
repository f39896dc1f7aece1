package evaluation

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
	"tunebench/metrics"
)

// The states of a record on the board.
const (
	missing = iota
	scored
	failed
)

// board holds the scores of a run, one column for each model, by the position of
// the row in the plan. It costs 45 bytes a record.
type board struct {
	seed   uint64
	rows   []int64
	scores []metrics.Score
	prices map[string]Price

	mu         sync.Mutex
	columns    []*column
	categories []string       // "" is the first
	catIndex   map[string]int // category → index
	version    int            // grows with every record
}

type column struct {
	model    chat.Model
	state    []uint8
	category []int32
	values   []float64 // one for each score, row by row
	records  int
	errors   int
	latency  time.Duration
	answered int
	input    int64
	output   int64
}

func newBoard(models []chat.Model, rows []int64, spec Spec, scores []metrics.Score) *board {
	b := &board{seed: spec.Seed, prices: spec.Prices, rows: rows, scores: scores, categories: []string{""}, catIndex: map[string]int{"": 0}}
	for _, m := range models {
		b.columns = append(b.columns, &column{
			model: m, state: make([]uint8, len(rows)), category: make([]int32, len(rows)), values: make([]float64, len(rows)*len(scores)),
		})
	}
	return b
}

// has reports whether the record of a model for a row is there.
func (b *board) has(model, pos int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.columns[model].state[pos] != missing
}

// add takes a record into account. values is nil when it failed.
func (b *board) add(model, pos int, category string, values []float64, latency time.Duration, input, output int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.columns[model]
	if c.state[pos] != missing {
		return
	}
	i, ok := b.catIndex[category]
	if !ok {
		i = len(b.categories)
		b.categories, b.catIndex[category] = append(b.categories, category), i
	}
	c.category[pos] = int32(i)
	c.records++
	b.version++
	if values == nil {
		c.state[pos] = failed
		c.errors++
		return
	}
	c.state[pos] = scored
	copy(c.values[pos*len(b.scores):][:len(b.scores)], values)
	c.answered++
	c.latency += latency
	c.input += int64(input)
	c.output += int64(output)
}

func (b *board) done() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, c := range b.columns {
		n += c.records
	}
	return n
}

// collect appends the values of one score in row order, so that their mean does
// not depend on which answer came first. The caller holds the lock.
func (c *column) collect(score, scores int, dst []float64) []float64 {
	for pos, st := range c.state {
		if st == scored {
			dst = append(dst, c.values[pos*scores+score])
		}
	}
	return dst
}

// options bound the work for an interval: many rows need few repetitions, many
// models at least so many that a p-value can be small enough after its correction.
func (b *board) options(n int) metrics.Options {
	many := 100 * len(b.columns)
	return metrics.Options{Seed: b.seed, Resamples: min(max(2000, many), max(200, many, 20_000_000/max(1, n)))}
}

// results computes a row of the scoreboard for each model; intervals only if
// asked, as they take long.
func (b *board) results(total int, intervals bool) []ModelResult {
	b.mu.Lock()
	list := make([]ModelResult, len(b.columns))
	values := make([][][]float64, len(b.columns))
	for i, c := range b.columns {
		r := ModelResult{
			Model: c.model.Ref, ModelID: c.model.ID, Records: c.records, Total: total, Errors: c.errors,
			Scores: map[string]float64{}, InputTokens: c.input, OutputTokens: c.output, Cost: b.prices[c.model.Ref].of(c.input, c.output),
		}
		if c.answered > 0 {
			r.MeanLatency = c.latency / time.Duration(c.answered)
			values[i] = make([][]float64, len(b.scores))
			for k, s := range b.scores {
				values[i][k] = c.collect(k, len(b.scores), make([]float64, 0, c.answered))
				r.Scores[s.Name] = metrics.Mean(values[i][k])
			}
		}
		r.Categories = b.byCategory(c)
		list[i] = r
	}
	b.mu.Unlock() // the rest works on copies
	if !intervals {
		return list
	}
	for i := range list {
		if values[i] == nil {
			continue
		}
		list[i].Intervals = map[string]Interval{}
		for k, s := range b.scores {
			e := metrics.EstimateMean(values[i][k], s.Binary, b.options(len(values[i][k])))
			list[i].Intervals[s.Name] = Interval(e.Interval)
		}
	}
	return list
}

// byCategory computes the means within categories, by name; none when the
// dataset has no categories.
func (b *board) byCategory(c *column) []CategoryScore {
	if len(b.categories) == 1 {
		return nil
	}
	sums := make([][]float64, len(b.categories))
	counts, records := make([]int, len(b.categories)), make([]int, len(b.categories))
	for pos, st := range c.state {
		if st == missing {
			continue
		}
		k := c.category[pos]
		records[k]++
		if st != scored {
			continue
		}
		if sums[k] == nil {
			sums[k] = make([]float64, len(b.scores))
		}
		counts[k]++
		for j := range b.scores {
			sums[k][j] += c.values[pos*len(b.scores)+j]
		}
	}
	var list []CategoryScore
	for k, name := range b.categories {
		if records[k] == 0 {
			continue
		}
		cs := CategoryScore{Category: safetext.Line(name), Records: records[k], Scores: map[string]float64{}}
		for j, s := range b.scores {
			if counts[k] > 0 {
				cs.Scores[s.Name] = sums[k][j] / float64(counts[k])
			}
		}
		list = append(list, cs)
	}
	slices.SortFunc(list, func(a, b CategoryScore) int {
		if a.Category < b.Category {
			return -1
		}
		return 1
	})
	return list
}

// differences compares every model with the first over the rows that both
// answered.
func (b *board) differences() []Difference {
	var list []Difference
	for k, s := range b.scores {
		from := len(list)
		for i := 1; i < len(b.columns); i++ {
			b.mu.Lock()
			base, other := b.columns[0], b.columns[i]
			var x, y []float64
			for pos := range b.rows {
				if base.state[pos] == scored && other.state[pos] == scored {
					x = append(x, base.values[pos*len(b.scores)+k])
					y = append(y, other.values[pos*len(b.scores)+k])
				}
			}
			b.mu.Unlock()
			if len(x) == 0 {
				continue
			}
			c, err := metrics.Compare(x, y, s.Binary, b.options(len(x)))
			if err != nil {
				continue // only for lists of different length
			}
			list = append(list, Difference{Model: other.model.Ref, Score: s.Name, Mean: c.Mean, Interval: Interval(c.Interval), PValue: c.PValue, PAdjusted: c.PValue, Real: c.Real()})
		}
		together(list[from:])
	}
	slices.SortStableFunc(list, func(x, y Difference) int { return cmp.Compare(b.position(x.Model), b.position(y.Model)) })
	return list
}

// alpha is the probability of any false alarm among models that are compared
// with one baseline.
const alpha = 0.05

// together corrects the differences of several models on one score for their
// number.
func together(list []Difference) {
	if len(list) < 2 {
		return
	}
	p := make([]float64, len(list))
	for i, d := range list {
		p[i] = d.PValue
	}
	for i, v := range metrics.Holm(p) {
		list[i].PAdjusted = v
		list[i].Real = list[i].Real && v <= alpha
	}
}

func (b *board) position(model string) int {
	return slices.IndexFunc(b.columns, func(c *column) bool { return c.model.Ref == model })
}

// rowsOf lists the rows that a run has records of.
func (s *Service) rowsOf(ctx context.Context, id string) ([]int64, error) {
	seen := map[int64]bool{}
	var rows []int64
	_, err := s.cfg.Store.Records(ctx, store.RecordQuery{Run: id}, func(r store.Record) error {
		if !seen[r.Row] {
			seen[r.Row] = true
			rows = append(rows, r.Row)
		}
		return nil
	})
	slices.Sort(rows)
	return rows, err
}

// load fills a board with the records on disk.
func (s *Service) load(ctx context.Context, id string, b *board) error {
	index := map[string]int{}
	for i, c := range b.columns {
		index[c.model.Ref] = i
	}
	values := make([]float64, len(b.scores))
	_, err := s.cfg.Store.Records(ctx, store.RecordQuery{Run: id}, func(r store.Record) error {
		model, ok := index[r.Model]
		pos, found := slices.BinarySearch(b.rows, r.Row)
		if !ok || !found {
			return nil
		}
		if r.Error != "" {
			b.add(model, pos, r.Category, nil, 0, 0, 0)
			return nil
		}
		var named map[string]float64
		if err := json.Unmarshal([]byte(r.Scores), &named); err != nil {
			return fmt.Errorf("read the record of row %d in run %s: %w", r.Row, id, err)
		}
		for k, sc := range b.scores {
			values[k] = named[sc.Name]
		}
		b.add(model, pos, r.Category, values, r.Latency, r.InputTokens, r.OutputTokens)
		return nil
	})
	return err
}
