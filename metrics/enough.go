package metrics

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Holm corrects p-values for the number of tests: the i-th smallest of m is
// multiplied by m − i + 1, made at least as large as those before it and at most
// 1. Deciding by the corrected values keeps the probability of any false alarm
// below the level, whatever the tests have to do with each other. The order of
// the result is that of p. Source: S. Holm, "A simple sequentially rejective
// multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out := make([]float64, len(p))
	largest := 0.0
	for rank, i := range order {
		largest = max(largest, min(1, float64(float64(len(p)-rank)*p[i])))
		out[i] = largest
	}
	return out
}

// Power is the probability with which RowsNeeded lets a real difference be found.
const Power = 0.8

// RowsNeeded returns how many rows two models must be compared on so that a mean
// difference of size delta, with a standard deviation sd of the differences, is
// found with probability Power at the level of confidence:
//
//	n = (z_{1−α/2} + z_power)²·sd²/delta² + z²_{1−α/2}/2
//
// It is 0 if delta or sd is 0. Source: W. C. Guenther, "Sample size formulas for
// normal theory T tests", The American Statistician 35 (1981).
func RowsNeeded(sd, delta, level float64) int {
	if delta == 0 || sd == 0 {
		return 0
	}
	z := normalQuantile(0.5 + level/2)
	ratio := float64((z + normalQuantile(Power)) * sd / delta)
	n := float64(ratio*ratio) + float64(z*z)/2
	if n > 1e12 {
		n = 1e12
	}
	return int(math.Ceil(n))
}

// Verdict says in plain words whether the rows suffice to tell the models apart.
// smallest is the difference that would matter, in the score's unit (0.02 is 2
// points of a score from 0 to 1); 0 takes the observed difference.
func (c Comparison) Verdict(smallest float64, o Options) string {
	o = o.filled()
	if c.N == 0 {
		return "there are no rows that both models answered"
	}
	if c.Real() {
		word := "higher"
		if c.Mean < 0 {
			word = "lower"
		}
		return fmt.Sprintf("the second model is %s points %s, and the difference is real", points(c.Mean), word)
	}
	if n := c.Higher + c.Lower; n > 0 && n < FewestDiffering && !c.Contains(0) {
		return fmt.Sprintf("the models differ on only %d of %d rows, which is too few to tell chance from a difference", n, c.N)
	}
	delta := math.Abs(smallest)
	if delta == 0 {
		delta = math.Abs(c.Mean)
	}
	switch {
	case c.SD == 0:
		return fmt.Sprintf("the models score the same on all %d rows", c.N)
	case delta == 0:
		return fmt.Sprintf("the models score the same in the mean over %d rows", c.N)
	}
	need := RowsNeeded(c.SD, delta, o.Level)
	if need <= c.N {
		return fmt.Sprintf("no difference was found, and %d rows suffice to tell %s points apart", c.N, points(delta))
	}
	return fmt.Sprintf("no difference can be seen yet: it needs about %s more rows to tell %s points apart", about(need-c.N), points(delta))
}

// points writes a difference of a score from 0 to 1 in points of 100.
func points(d float64) string {
	v := math.Abs(d) * 100
	digits := 1
	if v < 0.1 {
		digits = 3
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	for s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	return s
}

// about rounds a number of rows up to two digits.
func about(n int) string {
	unit := 1
	for n/unit >= 100 {
		unit *= 10
	}
	return strconv.Itoa((n + unit - 1) / unit * unit)
}
