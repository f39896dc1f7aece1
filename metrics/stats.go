package metrics

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Level is the confidence level that the scoreboard shows.
const Level = 0.95

// Interval is a confidence interval.
type Interval struct{ Low, High float64 }

// Contains reports whether x lies in the interval, ends included.
func (i Interval) Contains(x float64) bool { return i.Low <= x && x <= i.High }

// Estimate is the mean of a score over rows and how sure it is.
type Estimate struct {
	N    int
	Mean float64
	Interval
	// Method is how the interval was made: "Wilson", "bootstrap", or "" when
	// there are too few rows for one (then it reaches over all that is possible
	// or, outside 0/1 scores, is the mean alone).
	Method string
}

// Options of the resampling methods.
type Options struct {
	Level     float64 // confidence level, 0 to 1; 0 means Level
	Resamples int     // 0 means 2,000
	Seed      uint64  // the same seed gives the same interval
}

func (o Options) filled() Options {
	if o.Level <= 0 || o.Level >= 1 {
		o.Level = Level
	}
	if o.Resamples <= 0 {
		o.Resamples = 2000
	}
	return o
}

// Mean returns the arithmetic mean, summed from left to right as FMEval's
// aggregation does; 0 for no values.
func Mean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// EstimateMean returns the mean of values with an interval: Wilson's if binary
// says that the values are 0 or 1 by nature (Score.Binary), else the bootstrap's.
func EstimateMean(values []float64, binary bool, o Options) Estimate {
	o = o.filled()
	e := Estimate{N: len(values), Mean: Mean(values)}
	switch {
	case binary:
		ones := 0
		for _, v := range values {
			if v == 1 {
				ones++
			}
		}
		e.Interval, e.Method = Wilson(ones, len(values), o.Level), "Wilson"
	case len(values) > 1:
		e.Interval, e.Method = BootstrapMean(values, o), "bootstrap"
	default:
		e.Interval = Interval{e.Mean, e.Mean}
	}
	return e
}

// Wilson returns the score interval of a proportion of k out of n:
//
//	(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n),  p = k/n
//
// It stays within 0 and 1 and is right for few rows and for proportions near
// the ends, where the textbook p ± z·√(p(1−p)/n) is not. n = 0 gives 0 to 1.
// Source: E. B. Wilson, "Probable inference, the law of succession, and
// statistical inference", JASA 22 (1927).
func Wilson(k, n int, level float64) Interval {
	if n <= 0 {
		return Interval{0, 1}
	}
	z := normalQuantile(0.5 + float64(level/2))
	nf := float64(n)
	p := float64(k) / nf
	z2 := float64(z * z)
	middle := p + z2/(2*nf)
	half := float64(z * math.Sqrt(float64(p*(1-p))/nf+z2/float64(4*nf*nf)))
	scale := 1 + z2/nf
	i := Interval{(middle - half) / scale, (middle + half) / scale}
	// At the ends the formula gives 0 and 1 but for rounding.
	if k == 0 {
		i.Low = 0
	}
	if k == n {
		i.High = 1
	}
	return i
}

// normalQuantile is the inverse of the standard normal distribution function.
func normalQuantile(p float64) float64 { return math.Sqrt2 * math.Erfinv(2*p-1) }

// BootstrapMean returns the percentile bootstrap interval of the mean: rows are
// drawn with replacement o.Resamples times, and the interval is cut from the
// quantiles of the means. Source: B. Efron, R. Tibshirani, "An Introduction to
// the Bootstrap" (1993), chapter 13.
func BootstrapMean(values []float64, o Options) Interval {
	o = o.filled()
	if len(values) == 0 {
		return Interval{}
	}
	means := bootstrapMeans(values, o)
	tail := (1 - o.Level) / 2
	return Interval{Quantile(means, tail), Quantile(means, 1-tail)}
}

// bootstrapMeans returns the means of resamples, sorted. Each resample has its own
// generator, so that they may be made in any order or at once and stay the same.
func bootstrapMeans(values []float64, o Options) []float64 {
	means := make([]float64, o.Resamples)
	n := uint64(len(values))
	inParallel(o.Resamples, len(values), func(b int) {
		rng := rand.NewPCG(o.Seed, uint64(b))
		sum := 0.0
		for range n {
			sum += values[below(rng, n)]
		}
		means[b] = sum / float64(n)
	})
	slices.Sort(means)
	return means
}

// inParallel calls f for 0 to times−1, on all cores if each call goes over so
// many values that it is worth it.
func inParallel(times, values int, f func(i int)) {
	workers := runtime.GOMAXPROCS(0)
	if times*values < 1<<17 {
		workers = 1
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(workers, times) {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= times {
					return
				}
				f(i)
			}
		})
	}
	all.Wait()
}

// BCaMean returns the bias-corrected and accelerated bootstrap interval of the
// mean, which follows skewed values better than BootstrapMean's. Where it is not
// defined (fewer than two different values) it is the mean alone. Source:
// B. Efron, "Better bootstrap confidence intervals", JASA 82 (1987); the
// acceleration is the jackknife's.
func BCaMean(values []float64, o Options) Interval {
	o = o.filled()
	mean := Mean(values)
	var squares, cubes float64
	for _, v := range values {
		d := v - mean
		squares += float64(d * d)
		cubes += float64(float64(d*d) * d)
	}
	if squares == 0 {
		return Interval{mean, mean}
	}
	means := bootstrapMeans(values, o)
	below, equal := 0, 0
	for _, m := range means {
		switch {
		case m < mean:
			below++
		case m == mean:
			equal++
		}
	}
	// Half of the ties count as below; at the ends half a resample is added, so
	// that the correction stays finite.
	share := (float64(below) + float64(equal)/2) / float64(len(means))
	share = min(max(share, 0.5/float64(len(means))), 1-0.5/float64(len(means)))
	bias := normalQuantile(share)
	acceleration := cubes / float64(6*math.Pow(squares, 1.5))
	at := func(p float64) float64 {
		z := bias + normalQuantile(p)
		return Quantile(means, normalCDF(bias+z/(1-float64(acceleration*z))))
	}
	tail := (1 - o.Level) / 2
	return Interval{at(tail), at(1 - tail)}
}

// normalCDF is the standard normal distribution function.
func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// below returns a number in [0, n). The bias of the multiplication is below
// n/2³², which no number of rows makes visible, and it costs a third of an
// exact draw.
func below(rng *rand.PCG, n uint64) uint64 { return (rng.Uint64() >> 32) * n >> 32 }

// Quantile returns the q-quantile of sorted values, interpolated linearly
// between order statistics (Hyndman and Fan's type 7, numpy's default); 0 for
// no values.
func Quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := float64(q * float64(len(sorted)-1))
	i := int(math.Floor(at))
	if i >= len(sorted)-1 {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((at-float64(i))*(sorted[i+1]-sorted[i]))
}
