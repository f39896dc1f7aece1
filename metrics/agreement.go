package metrics

// Agreement is how far two raters say the same of the same things.
type Agreement struct {
	N    int // things that both have rated
	Same int // of which they say the same
	// Share is Same of N with Wilson's interval.
	Share    float64
	Interval Interval
	// Kappa is Cohen's: what of the agreement that chance would leave out is
	// there; 1 is all of it, 0 none beyond chance. Known is false where it is not
	// defined: without anything rated, or when both say the same one word always.
	Kappa float64
	Known bool
}

// Agree compares the words of two raters, in the same order. The lists have the
// same length.
// Source: J. Cohen, "A coefficient of agreement for nominal scales", Educational
// and Psychological Measurement 20 (1960).
func Agree(a, b []string) Agreement {
	g := Agreement{N: len(a), Interval: Wilson(0, 0, Level)}
	if g.N == 0 {
		return g
	}
	first, second := map[string]int{}, map[string]int{}
	for i := range a {
		first[a[i]]++
		second[b[i]]++
		if a[i] == b[i] {
			g.Same++
		}
	}
	chance := 0 // times N²
	for word, n := range first {
		chance += n * second[word]
	}
	g.Share = float64(g.Same) / float64(g.N)
	g.Interval = Wilson(g.Same, g.N, Level)
	// In whole numbers, so that no order of adding up shows.
	if all := g.N * g.N; chance < all {
		g.Kappa, g.Known = float64(g.Same*g.N-chance)/float64(all-chance), true
	}
	return g
}
