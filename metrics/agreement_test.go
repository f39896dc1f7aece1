package metrics

import (
	"math"
	"testing"
)

func repeat(counts map[[2]string]int) (a, b []string) {
	for words, n := range counts {
		for range n {
			a, b = append(a, words[0]), append(b, words[1])
		}
	}
	return a, b
}

// TestAgree: the examples are the table in Cohen's paper (200 cases,
// three diagnoses, κ 0.492) and two that differ only in how often chance
// agrees (κ 0.130 and 0.259).
func TestAgree(t *testing.T) {
	for name, c := range map[string]struct {
		counts map[[2]string]int
		n      int
		share  float64
		kappa  float64
		known  bool
	}{
		"cohen": {map[[2]string]int{{"1", "1"}: 88, {"1", "2"}: 14, {"1", "3"}: 18, {"2", "1"}: 10, {"2", "2"}: 40, {"2", "3"}: 10, {"3", "1"}: 2, {"3", "2"}: 6, {"3", "3"}: 12},
			200, 0.7, 0.492, true},
		"even":     {map[[2]string]int{{"y", "y"}: 45, {"y", "n"}: 15, {"n", "y"}: 25, {"n", "n"}: 15}, 100, 0.6, 0.130, true},
		"uneven":   {map[[2]string]int{{"y", "y"}: 25, {"y", "n"}: 35, {"n", "y"}: 5, {"n", "n"}: 35}, 100, 0.6, 0.259, true},
		"opposite": {map[[2]string]int{{"y", "n"}: 5, {"n", "y"}: 5}, 10, 0, -1, true},
		"one word": {map[[2]string]int{{"y", "y"}: 7}, 7, 1, 0, false},
		"nothing":  {nil, 0, 0, 0, false},
	} {
		a, b := repeat(c.counts)
		g := Agree(a, b)
		if g.N != c.n || math.Abs(g.Share-c.share) > 1e-12 || math.Abs(g.Kappa-c.kappa) > 0.0005 || g.Known != c.known {
			t.Errorf("%s: %+v", name, g)
		}
		if g.N > 0 && !g.Interval.Contains(g.Share) {
			t.Errorf("%s: %v leaves out %v", name, g.Interval, g.Share)
		}
	}
}
