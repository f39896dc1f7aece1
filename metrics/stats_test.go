package metrics

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func near(t *testing.T, what string, got, want, by float64) {
	t.Helper()
	if !(math.Abs(got-want) <= by) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// The examples of R. G. Newcombe, "Two-sided confidence intervals for the single
// proportion: comparison of seven methods", Statistics in Medicine 17 (1998),
// table I, method 3.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
	} {
		i := Wilson(c.k, c.n, 0.95)
		near(t, "low", i.Low, c.low, 0.00005)
		near(t, "high", i.High, c.high, 0.00005)
	}
	if i := Wilson(0, 0, 0.95); i != (Interval{0, 1}) {
		t.Error(i)
	}
	if i := Wilson(7, 7, 0.95); i.High != 1 {
		t.Error(i)
	}
	near(t, "z", normalQuantile(0.975), 1.959963984540054, 1e-14)
}

// McNemar against sums in whole numbers.
func TestMcNemar(t *testing.T) {
	for n := range 60 {
		for b := range n + 1 {
			c := n - b
			sum := new(big.Int)
			for k := range min(b, c) + 1 {
				sum.Add(sum, new(big.Int).Binomial(int64(n), int64(k)))
			}
			want, _ := new(big.Rat).SetFrac(sum.Lsh(sum, 1), new(big.Int).Lsh(big.NewInt(1), uint(n))).Float64()
			near(t, "p", McNemar(b, c), min(1, want), 1e-12)
		}
	}
	if p := McNemar(40000, 42000); !(p > 0 && p < 1e-10) {
		t.Errorf("p = %v for large counts", p)
	}
}

func TestQuantile(t *testing.T) {
	v := []float64{1, 2, 4, 8}
	for q, want := range map[float64]float64{0: 1, 1: 8, 0.5: 3, 0.25: 1.75, 0.9: 6.8} {
		near(t, "quantile", Quantile(v, q), want, 1e-12)
	}
}

// For many rows the bootstrap must agree with the normal approximation.
func TestBootstrapMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	v := make([]float64, 2000)
	for i := range v {
		v[i] = rng.Float64()
	}
	m := Mean(v)
	ss := 0.0
	for _, x := range v {
		ss += (x - m) * (x - m)
	}
	half := 1.96 * math.Sqrt(ss/float64(len(v)-1)/float64(len(v)))
	i := BootstrapMean(v, Options{Seed: 7})
	near(t, "low", i.Low, m-half, half/10)
	near(t, "high", i.High, m+half, half/10)
	if again := BootstrapMean(v, Options{Seed: 7}); again != i {
		t.Error("the same seed gives another interval")
	}
	if other := BootstrapMean(v, Options{Seed: 8}); other == i {
		t.Error("another seed gives the same interval")
	}
}

// Of 95 % intervals over fresh samples about 95 % must hold the true mean.
func TestBootstrapCovers(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const trials = 400
	hits := 0
	v := make([]float64, 60)
	for k := range trials {
		for i := range v {
			v[i] = rng.Float64() * rng.Float64() // mean 1/4, skewed
		}
		if BootstrapMean(v, Options{Seed: uint64(k), Resamples: 500}).Contains(0.25) {
			hits++
		}
	}
	if hits < trials*91/100 || hits > trials*98/100 {
		t.Errorf("%d of %d intervals hold the mean", hits, trials)
	}
}

func TestEstimateMean(t *testing.T) {
	e := EstimateMean([]float64{1, 0, 1, 1}, true, Options{})
	if e.Mean != 0.75 || e.Method != "Wilson" || !e.Contains(0.75) || e.N != 4 {
		t.Errorf("%+v", e)
	}
	if e := EstimateMean([]float64{0.5}, false, Options{}); e.Interval != (Interval{0.5, 0.5}) || e.Method != "" {
		t.Errorf("%+v", e)
	}
	if e := EstimateMean(nil, true, Options{}); e.Interval != (Interval{0, 1}) {
		t.Errorf("%+v", e)
	}
}

// The full permutation distribution of few differences is known: all 2^n signs.
func TestPermutation(t *testing.T) {
	d := []float64{1.1, 0.3, 2.2, -0.4, 0.9, 1.5, -0.2, 0.7, 1.8, 0.6}
	real := 0.0
	for _, v := range d {
		real += v
	}
	hits := 0
	for signs := range 1 << len(d) {
		sum := 0.0
		for i, v := range d {
			if signs>>i&1 == 1 {
				v = -v
			}
			sum += v
		}
		if math.Abs(sum) >= real-1e-9 {
			hits++
		}
	}
	want := float64(hits) / float64(int(1)<<len(d))
	near(t, "p", Permutation(d, Options{Resamples: 40000}), want, 0.003)
}

func TestCompare(t *testing.T) {
	a := make([]float64, 200)
	b := make([]float64, 200)
	for i := range a {
		b[i] = zeroOne(i%10 != 0)  // 90 %
		a[i] = zeroOne(i%20 == 10) // 5 %
	}
	c, err := Compare(a, b, true, Options{Seed: 1})
	if err != nil || !c.Real() || c.Test != "McNemar" || c.PValue > 1e-20 || c.Higher != 180 || c.Lower != 10 {
		t.Errorf("%+v %v", c, err)
	}
	near(t, "mean", c.Mean, 0.85, 1e-12)
	if c, _ := Compare(a, a, true, Options{}); c.Real() || c.PValue != 1 || c.Test != "" {
		t.Errorf("a model against itself: %+v", c)
	}
	if _, err := Compare(a, b[:3], true, Options{}); err == nil {
		t.Error("different lengths were taken")
	}
	if c, err := Compare(nil, nil, true, Options{}); err != nil || c.Real() {
		t.Errorf("%+v %v", c, err)
	}
	a[0], b[0] = 0.5, 0.25
	if c, _ := Compare(a, b, false, Options{Seed: 1}); c.Test != "permutation" || c.PValue > 0.001 {
		t.Errorf("%+v", c)
	}
}

func BenchmarkBootstrapMean(b *testing.B) {
	v := make([]float64, 1000)
	for i := range v {
		v[i] = float64(i%7) / 7
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = BootstrapMean(v, Options{Seed: 1})
	}
}
