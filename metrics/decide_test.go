package metrics

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
)

// scipy 1.x's stats.bootstrap (method "BCa" and "percentile", 400,000 resamples)
// on the mouse data of Efron and Tibshirani, "An Introduction to the Bootstrap"
// (1993), table 2.1, and on skewed scores.
func TestBootstrapAgainstScipy(t *testing.T) {
	for _, c := range []struct {
		values          []float64
		bca, percentile Interval
		by              float64
	}{
		{[]float64{94, 197, 16, 38, 99, 141, 23}, Interval{46.286, 138.286}, Interval{43.429, 134.714}, 1.2},
		{[]float64{52, 104, 146, 10, 51, 30, 40, 27, 46}, Interval{36.111, 92}, Interval{33.111, 84.778}, 0.8},
		{[]float64{0, 0, 0, 0, 1, 0, 0.2, 0.9, 0.1, 0, 0, 0.5, 0, 0, 0.05}, Interval{0.06, 0.41667}, Interval{0.03667, 0.36333}, 0.005},
	} {
		o := Options{Resamples: 20000, Seed: 1}
		got, want := BCaMean(c.values, o), c.bca
		near(t, "BCa low", got.Low, want.Low, c.by)
		near(t, "BCa high", got.High, want.High, c.by)
		got, want = BootstrapMean(c.values, o), c.percentile
		near(t, "percentile low", got.Low, want.Low, c.by)
		near(t, "percentile high", got.High, want.High, c.by)
	}
	if i := BCaMean([]float64{1, 1, 1}, Options{}); i != (Interval{1, 1}) {
		t.Error(i)
	}
}

// The same seed gives the same interval however many cores share the work.
func TestParallelIsSeeded(t *testing.T) {
	values := make([]float64, 3000)
	for i := range values {
		values[i] = float64(i*7919%1000) / 1000
	}
	o := Options{Resamples: 200, Seed: 9}
	if a, b := BCaMean(values, o), BCaMean(values, o); a != b {
		t.Error(a, b)
	}
	if a, b := Permutation(values, o), Permutation(values, o); a != b {
		t.Error(a, b)
	}
}

// The example of https://en.wikipedia.org/wiki/Holm–Bonferroni_method; the
// corrected values are those of R's p.adjust(c(.01,.04,.03,.005), "holm").
func TestHolm(t *testing.T) {
	want := []float64{0.03, 0.06, 0.06, 0.02}
	for i, p := range Holm([]float64{0.01, 0.04, 0.03, 0.005}) {
		near(t, "corrected p", p, want[i], 1e-15)
	}
	if got := Holm([]float64{0.9, 0.8}); got[0] != 1 || got[1] != 1 {
		t.Error(got)
	}
}

// Numbers of pairs for the t-test at 5 % and a power of 0.8 by G*Power 3.1 for
// the effect sizes that Cohen calls small, medium and large.
func TestRowsNeeded(t *testing.T) {
	for d, want := range map[float64]int{0.2: 199, 0.5: 34, 0.8: 15} {
		if got := RowsNeeded(1, d, 0.95); got != want {
			t.Errorf("effect size %v needs %d rows, want %d", d, got, want)
		}
	}
	if RowsNeeded(0, 1, 0.95) != 0 || RowsNeeded(1, 0, 0.95) != 0 {
		t.Error("nothing to find needs no rows")
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		c        Comparison
		smallest float64
		want     string
	}{
		{Comparison{N: 100, Higher: 20, Mean: 0.05, SD: 0.1, Interval: Interval{0.03, 0.07}}, 0, "5 points higher, and the difference is real"},
		{Comparison{N: 100, Lower: 20, Mean: -0.025, SD: 0.1, Interval: Interval{-0.03, -0.01}}, 0, "2.5 points lower"},
		{Comparison{N: 160, Mean: 0.02, SD: 0.16, Interval: Interval{-0.01, 0.05}}, 0, "needs about 350 more rows to tell 2 points apart"},
		{Comparison{N: 1000, Mean: 0.001, SD: 0.16, Interval: Interval{-0.01, 0.01}}, 0.02, "1000 rows suffice to tell 2 points apart"},
		{Comparison{N: 10}, 0, "the same on all 10 rows"},
		{Comparison{}, 0, "no rows"},
	} {
		if got := c.c.Verdict(c.smallest, Options{}); !strings.Contains(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	c, err := Compare([]float64{0, 0, 1, 0}, []float64{1, 0, 1, 1}, true, Options{})
	if err != nil || math.Abs(c.SD-math.Sqrt(1.0/3)) > 1e-15 || math.Abs(c.EffectSize-0.5/math.Sqrt(1.0/3)) > 1e-15 {
		t.Error(c, err)
	}
}

// American League baseball, 1987: A. Agresti, "Categorical Data Analysis" (2nd
// ed. 2002), table 10.10. Strengths against Baltimore and standard errors as in
// the example "baseball" of R package BradleyTerry2 (H. Turner, D. Firth, Journal
// of Statistical Software 48, 2012).
func TestBradleyTerryBaseball(t *testing.T) {
	teams := []string{"Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore"}
	wins := [7][7]int{
		{0, 7, 9, 7, 7, 9, 11}, {6, 0, 7, 5, 11, 9, 9}, {4, 6, 0, 7, 7, 8, 12}, {6, 8, 6, 0, 6, 7, 10},
		{6, 2, 6, 7, 0, 7, 12}, {4, 4, 5, 6, 6, 0, 6}, {2, 4, 1, 3, 1, 7, 0},
	}
	var votes []Vote
	for i := range wins {
		for j, n := range wins[i] {
			for range n {
				votes = append(votes, Vote{teams[i], teams[j], "A"})
			}
		}
	}
	r, err := BradleyTerry(votes)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range r.Models {
		want := map[string][2]float64{
			"Boston": {1.1077, 0.3339}, "Cleveland": {0.6839, 0.3319}, "Detroit": {1.4364, 0.3396}, "Milwaukee": {1.5814, 0.3433},
			"New York": {1.2476, 0.3359}, "Toronto": {1.2945, 0.3367}, "Baltimore": {0, 0},
		}[m]
		d, se := r.Difference(i, 0) // Baltimore comes first
		near(t, m, d, want[0], 0.0001)
		near(t, m+"'s error", se, want[1], 0.0001)
	}
	if r.Smoothed || r.Ties != 0 {
		t.Error(r.Smoothed, r.Ties)
	}
}

// Ties: the maximum found by scipy's optimizer on the same likelihood, with
// errors from its numeric Hessian.
func TestBradleyTerryTies(t *testing.T) {
	var votes []Vote
	add := func(a, b string, wins, losses, ties int) {
		for range wins {
			votes = append(votes, Vote{a, b, "A"})
		}
		for range losses {
			votes = append(votes, Vote{b, a, "A"})
		}
		for range ties {
			votes = append(votes, Vote{b, a, "tie"})
		}
	}
	add("a", "b", 10, 4, 6)
	add("a", "c", 7, 9, 3)
	add("b", "c", 5, 8, 7)
	add("c", "d", 11, 3, 2)
	add("a", "d", 6, 2, 4)
	r, err := BradleyTerry(votes)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.40425530, -0.15719531, 0.53679758, -0.78385757} {
		near(t, r.Models[i], r.Strength[i], want, 1e-6)
	}
	near(t, "ties", r.Ties, 0.73484093, 1e-6)
	_, se := r.Difference(0, 1)
	near(t, "error of a difference", se, 0.43110, 1e-4)
	points, interval := r.Rating(0, 1000, 0.95)
	near(t, "points", points, 1000+400/math.Ln10*0.40425530, 1e-3)
	near(t, "interval", interval.High-points, 1.959964*400/math.Ln10*0.260271, 0.05)
}

func TestBradleyTerryEdges(t *testing.T) {
	r, err := BradleyTerry([]Vote{{"x", "y", "A"}, {"x", "y", "A"}, {"y", "z", "tie"}})
	if err != nil || !r.Smoothed || !(r.Strength[0] > r.Strength[1]) {
		t.Errorf("%+v %v", r, err)
	}
	r, err = BradleyTerry([]Vote{{"x", "y", "tie"}})
	if err != nil || math.Abs(r.Strength[0]) > 1e-9 {
		t.Errorf("%+v %v", r, err)
	}
	// Ties do not bound what never lost.
	for wins := range 60 {
		votes := []Vote{{"x", "y", "tie"}}
		for range wins + 1 {
			votes = append(votes, Vote{"x", "y", "A"})
		}
		r, err := BradleyTerry(votes)
		if err != nil || !r.Smoothed || r.Strength[0]-r.Strength[1] > 8 || r.Strength[0] < r.Strength[1] {
			t.Errorf("%d wins and a tie: %+v %v", wins+1, r, err)
		}
	}
	if _, err := BradleyTerry([]Vote{{"a", "b", "A"}, {"c", "d", "A"}}); !errors.Is(err, ErrUnconnected) {
		t.Error(err)
	}
	for _, votes := range [][]Vote{nil, {{"a", "a", "A"}}, {{"a", "b", "?"}}} {
		if _, err := BradleyTerry(votes); err == nil {
			t.Error(votes)
		}
	}
}

// The worked example of https://en.wikipedia.org/wiki/Elo_rating_system: a player
// of 1613 against five others.
func TestElo(t *testing.T) {
	for opponent, want := range map[float64]float64{1609: 0.51, 1477: 0.69, 1388: 0.79, 1586: 0.54, 1720: 0.35} {
		near(t, "expected score", EloExpected(1613, opponent), want, 0.005)
	}
	got := Elo([]Vote{{"a", "b", "A"}, {"a", "b", "tie"}}, 1000, 32)
	// 1016 and 984 after the first; the tie moves 32·(0.5 − expected).
	near(t, "a", got["a"], 1016+32*(0.5-EloExpected(1016, 984)), 1e-9)
	near(t, "sum", got["a"]+got["b"], 2000, 1e-9)
}

func TestStream(t *testing.T) {
	rows := func(yield func(Row) bool) {
		for i := range 3000 {
			target := "Paris"
			if i%3 == 0 {
				target = ""
			}
			if !yield(Row{Target: target, Output: "paris"}) {
				return
			}
		}
	}
	i := 0
	for s, err := range QAAccuracy.Stream(context.Background(), map[string]string{"target_output_delimiter": "null"}, rows) {
		if err != nil {
			t.Fatal(err)
		}
		if blank := i%3 == 0; (s.Err != nil) != blank || !blank && s.Values[0] != 1 {
			t.Fatal(i, s)
		}
		i++
	}
	if i != 3000 {
		t.Error(i)
	}
	for _, err := range QAAccuracy.Stream(context.Background(), map[string]string{"x": ""}, rows) {
		if err == nil {
			t.Error("no error for an unknown parameter")
		}
	}
}

// A mean of many values keeps its memory and its interval.
func TestRunning(t *testing.T) {
	few, many := NewRunning(false), NewRunning(false)
	var values []float64
	for i := range keep + 1 {
		v := float64(i*7919%1000) / 1000
		values = append(values, v)
		if i < keep {
			few.Add(v)
		}
		many.Add(v)
	}
	o := Options{Resamples: 300}
	a, b := few.Estimate(o), many.Estimate(o)
	if a.Method != "bootstrap" || b.Method != "normal" || b.Mean != Mean(values) || many.values != nil {
		t.Error(a, b)
	}
	near(t, "low", b.Low, a.Low, 0.002)
	near(t, "high", b.High, a.High, 0.002)
}

// TestFewRows: a handful of rows that all point the same way is no difference yet,
// however narrow its interval is.
func TestFewRows(t *testing.T) {
	for n, want := range map[int]bool{1: false, 3: false, 5: false, 6: true, 40: true} {
		a, b := make([]float64, n), make([]float64, n)
		for i := range b {
			b[i] = 1
		}
		c, err := Compare(a, b, true, Options{})
		if err != nil || c.Real() != want {
			t.Errorf("%d rows: %+v, %v", n, c, err)
		}
		if !want && !strings.Contains(c.Verdict(0, Options{}), "too few") || want && !strings.Contains(c.Verdict(0, Options{}), "real") {
			t.Errorf("%d rows: %s", n, c.Verdict(0, Options{}))
		}
		if want && c.PValue > 0.05 {
			t.Errorf("%d rows: p is %v", n, c.PValue)
		}
	}
}
