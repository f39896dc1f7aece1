package metrics

import (
	"math"
	"math/rand/v2"
)

// A SetScorer turns the scored rows of a set, such as a dataset or a category,
// into the scores of the set. Its memory does not grow with the number of rows.
// It is not safe for use by several goroutines.
type SetScorer interface {
	// Add takes in a row and the values that the metric's Scorer gave it. Sums
	// are made in this order.
	Add(row Row, values []float64)
	// Estimates returns the scores of the set with their intervals, in the order
	// of the metric's SetScores, or of Scores where SetScores is nil.
	Estimates(o Options) []Estimate
}

// NewSetScorer makes a scorer for a set of rows; params are those of NewScorer.
func (m Metric) NewSetScorer(params map[string]string) (SetScorer, error) {
	full, err := m.complete(params)
	if err != nil {
		return nil, err
	}
	if m.newSetScorer != nil {
		return m.newSetScorer(full)
	}
	means := make(meanSet, len(m.Scores))
	for i, s := range m.Scores {
		means[i].binary = s.Binary
	}
	return means, nil
}

// OfSet returns what the values of a SetScorer's Estimates are.
func (m Metric) OfSet() []Score {
	if m.SetScores != nil {
		return m.SetScores
	}
	return m.Scores
}

// keep is the number of values up to which a mean remembers them all for the
// bootstrap. Beyond, the normal approximation gives the same interval.
const keep = 1 << 14

// Running is a mean in the making: its value is the sum from left to right over
// the number of values, and its memory is bounded.
type Running struct {
	binary     bool
	n          int
	sum        float64
	ones       int
	mean, m2   float64 // Welford's
	values     []float64
	unsuitable bool // a value of a binary score that is not 0 or 1
}

// NewRunning makes a mean; binary is Score.Binary.
func NewRunning(binary bool) *Running { return &Running{binary: binary} }

// Add takes in a value.
func (r *Running) Add(v float64) {
	r.n++
	r.sum += v
	if r.binary {
		switch v {
		case 1:
			r.ones++
		case 0:
		default:
			r.unsuitable = true
		}
	}
	d := v - r.mean
	r.mean += d / float64(r.n)
	r.m2 += float64(d * (v - r.mean))
	switch {
	case r.n <= keep:
		r.values = append(r.values, v)
	case r.values != nil:
		r.values = nil
	}
}

// N returns the number of values.
func (r *Running) N() int { return r.n }

// Estimate returns the mean with its interval: Wilson's for binary scores, else
// the bootstrap's up to 16,384 values and the normal approximation's above.
func (r *Running) Estimate(o Options) Estimate {
	o = o.filled()
	e := Estimate{N: r.n}
	if r.n > 0 {
		e.Mean = r.sum / float64(r.n)
	}
	switch {
	case r.binary && !r.unsuitable:
		e.Interval, e.Method = Wilson(r.ones, r.n, o.Level), "Wilson"
	case r.values != nil:
		return EstimateMean(r.values, false, o)
	case r.n > 1:
		e.Interval, e.Method = normalInterval(e.Mean, r.m2, r.n, o.Level), "normal"
	}
	return e
}

// normalInterval is mean ± z·s/√n, with the sum of squared deviations m2.
func normalInterval(mean, m2 float64, n int, level float64) Interval {
	half := float64(normalQuantile(0.5+float64(level/2)) * math.Sqrt(m2/float64(n-1)/float64(n)))
	return Interval{mean - half, mean + half}
}

type meanSet []Running

func (m meanSet) Add(_ Row, values []float64) {
	for i := range m {
		m[i].Add(values[i])
	}
}

func (m meanSet) Estimates(o Options) []Estimate {
	all := make([]Estimate, len(m))
	for i := range m {
		all[i] = m[i].Estimate(o)
	}
	return all
}

// resample draws n rows with replacement from cells with counts that sum up to n
// and returns the counts drawn.
func resample(counts []int, n int, seed, stream uint64) []int {
	rng := rand.New(rand.NewPCG(seed, stream))
	drawn := make([]int, len(counts))
	if n > 4096 {
		// Cell by cell: binomial draws from what is left, rounded from the
		// normal distribution where that is close.
		rows, left := n, n
		for i, c := range counts {
			if c >= left {
				drawn[i] = rows
				break
			}
			drawn[i] = binomial(rng, rows, float64(c)/float64(left))
			rows -= drawn[i]
			left -= c
		}
		return drawn
	}
	cells := make([]int, 0, n)
	for i, c := range counts {
		for range c {
			cells = append(cells, i)
		}
	}
	for range n {
		drawn[cells[rng.IntN(n)]]++
	}
	return drawn
}

// binomial draws the number of successes in n trials of probability p: trial by
// trial where few are expected of one kind, else from the normal distribution.
func binomial(rng *rand.Rand, n int, p float64) int {
	mean := float64(float64(n) * p)
	if spread := float64(mean * (1 - p)); spread > 100 {
		k := int(math.Round(mean + float64(math.Sqrt(spread)*rng.NormFloat64())))
		return min(max(k, 0), n)
	}
	if p > 0.5 {
		return n - binomial(rng, n, 1-p)
	}
	// The gaps between successes are geometric.
	if p <= 0 {
		return 0
	}
	k, at := 0, 0.0
	for {
		at += math.Floor(math.Log(1-rng.Float64())/math.Log1p(-p)) + 1
		if at > float64(n) {
			return k
		}
		k++
	}
}
