package metrics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
)

// Comparison is one model against another on one score over the same rows.
type Comparison struct {
	N int
	// Mean is the mean of b − a: above 0 where the second model's values are higher.
	Mean float64
	Interval
	// PValue is the two-sided probability of a difference this large if the
	// models were equally good; Test names how it was found ("McNemar",
	// "permutation", or "" when there is nothing to test).
	PValue float64
	Test   string
	// SD is the standard deviation of the differences (n − 1), and EffectSize
	// Mean over it: Cohen's d for pairs, of which 0.2 is called small, 0.5 medium
	// and 0.8 large. Both are 0 where there is no spread.
	SD, EffectSize float64
	// Higher and Lower count the rows on which b's value is above and below a's.
	Higher, Lower int
}

// FewestDiffering is how many rows must differ before a difference can be called
// real. With five of them all point the same way by chance in one of sixteen cases,
// which no interval of so few shows.
const FewestDiffering = 6

// Real reports whether the interval leaves out zero, over enough rows that differ.
func (c Comparison) Real() bool {
	return c.N > 0 && !c.Contains(0) && c.Higher+c.Lower >= FewestDiffering
}

// Compare compares the values that two models got on the same rows: a[i] and
// b[i] belong to one row. Pairing takes out how hard the rows are, which is
// most of the spread, so differences show that two separate intervals hide.
//
// The interval is the percentile bootstrap of the mean of the differences. The
// p-value is the exact McNemar test's for values that are 0 or 1 by nature
// (binary), else the paired permutation test's.
func Compare(a, b []float64, binary bool, o Options) (Comparison, error) {
	if len(a) != len(b) {
		return Comparison{}, fmt.Errorf("the models have %d and %d values; compare them over the rows that both answered", len(a), len(b))
	}
	o = o.filled()
	c := Comparison{N: len(a), PValue: 1}
	if len(a) == 0 {
		return c, nil
	}
	d := make([]float64, len(a))
	for i := range a {
		d[i] = b[i] - a[i]
		switch {
		case d[i] > 0:
			c.Higher++
		case d[i] < 0:
			c.Lower++
		}
	}
	c.Mean = Mean(d)
	if c.SD = deviation(d, c.Mean); c.SD > 0 {
		c.EffectSize = c.Mean / c.SD
	}
	c.Interval = BootstrapMean(d, o)
	switch {
	case c.Higher+c.Lower == 0:
	case binary:
		c.PValue, c.Test = McNemar(c.Higher, c.Lower), "McNemar"
	default:
		c.PValue, c.Test = Permutation(d, o), "permutation"
	}
	return c, nil
}

// McNemar returns the exact two-sided p-value for 0/1 scores: of the rows on
// which two models differ, b went one way and c the other; if the models were
// equally good each would go either way with probability 1/2, so
//
//	p = min(1, 2·Σ_{k ≤ min(b,c)} C(b+c, k) / 2^(b+c))
//
// Source: Q. McNemar, "Note on the sampling error of the difference between
// correlated proportions", Psychometrika 12 (1947), in its exact binomial form.
func McNemar(b, c int) float64 {
	n := b + c
	if b < 0 || c < 0 || n == 0 {
		return 1
	}
	ln, _ := math.Lgamma(float64(n + 1))
	sum := 0.0
	for k := range min(b, c) + 1 {
		lk, _ := math.Lgamma(float64(k + 1))
		lr, _ := math.Lgamma(float64(n - k + 1))
		sum += math.Exp(ln - lk - lr - float64(float64(n)*math.Ln2))
	}
	return min(1, 2*sum)
}

// Permutation returns the two-sided p-value of paired differences d: if the
// models were equally good each difference could as well have the other sign,
// so signs are flipped at random o.Resamples times, and p is the share of mean
// differences at least as far from 0 as the real one, which counts too:
// (1 + hits)/(1 + resamples). Source: E. S. Edgington, P. Onghena,
// "Randomization Tests" (2007); the ones added are Phipson and Smyth's (2010).
func Permutation(d []float64, o Options) float64 {
	o = o.filled()
	observed, size := 0.0, 0.0
	for _, v := range d {
		observed += v
		size += math.Abs(v)
	}
	// Sums in another order differ in their last bits; what equals the real
	// difference but for those counts as equal.
	least := math.Abs(observed) - float64(1e-12*size)
	var hits atomic.Int64
	inParallel(o.Resamples, len(d), func(r int) {
		rng := rand.NewPCG(o.Seed^0x9e3779b97f4a7c15, uint64(r))
		sum, bits := 0.0, uint64(0)
		for i, v := range d {
			if i&63 == 0 {
				bits = rng.Uint64()
			}
			if bits&1 == 0 {
				sum += v
			} else {
				sum -= v
			}
			bits >>= 1
		}
		if math.Abs(sum) >= least {
			hits.Add(1)
		}
	})
	return float64(1+hits.Load()) / float64(1+o.Resamples)
}

// deviation is the sample standard deviation, 0 for fewer than two values.
func deviation(values []float64, mean float64) float64 {
	if len(values) < 2 {
		return 0
	}
	sum := 0.0
	for _, v := range values {
		d := v - mean
		sum += float64(d * d)
	}
	return math.Sqrt(sum / float64(len(values)-1))
}
