package match

import (
	"bytes"
	"testing"
)

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
