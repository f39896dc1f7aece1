package match

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"testing"
)

// Every \u00 that spells printable ASCII, or is cut off, is seen.
func TestHasEscapedASCII(t *testing.T) {
	want := regexp.MustCompile(`\\u00[2-7]|\\(u(00?)?)?$`)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		b := make([]byte, rng.IntN(12))
		for i := range b {
			b[i] = `\\\uu00002789a`[rng.IntN(14)]
		}
		if got := HasEscapedASCII(b); got != want.Match(b) {
			t.Fatalf("%q: %v", b, got)
		}
	}
}

// A finder finds the same whatever text it was made for.
func FuzzFinder(f *testing.F) {
	f.Add("one two One", "one", "two", "xyz", true)
	f.Add("aaaaab", "aab", "b", "aaaa", false)
	f.Fuzz(func(t *testing.T, text, a, b, like string, fold bool) {
		if a == "" || b == "" {
			return
		}
		x, y := NewFinder([]string{a, b}, fold), NewFinderFor([]string{a, b}, fold, []byte(like))
		hay, la, lb := []byte(text), []byte(a), []byte(b)
		if fold {
			hay, la, lb = lower(hay), lower(la), lower(lb)
		}
		x.Reset([]byte(text))
		y.Reset([]byte(text))
		for from := 0; ; {
			want := -1
			for i := from; i < len(hay) && want < 0; i++ {
				if bytes.HasPrefix(hay[i:], la) || bytes.HasPrefix(hay[i:], lb) {
					want = i
				}
			}
			i, j := x.Next(from), y.Next(from)
			if i != want || j != want {
				t.Fatalf("%q, %q in %q from %d: %d, %d, want %d", a, b, text, from, i, j, want)
			}
			if i < 0 {
				return
			}
			from = i + 1
		}
	})
}
