package tinymistral

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
)

// allowed computes with a full sort which tokens may be drawn, and how often.
func allowed(logits []float32, temperature, topP float64, topK int) map[int32]float64 {
	type tok struct {
		id int32
		p  float64
	}
	var all []tok
	for i, v := range logits {
		all = append(all, tok{int32(i), math.Exp(float64(v) / temperature)})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].p > all[j].p })
	if topK > 0 {
		all = all[:min(topK, len(all))]
	}
	sum := func() (s float64) {
		for _, t := range all {
			s += t.p
		}
		return s
	}
	if topP > 0 && topP < 1 {
		total, mass := sum(), 0.0
		for i, t := range all {
			if mass += t.p; mass >= topP*total {
				all = all[:i+1]
				break
			}
		}
	}
	total := sum()
	out := make(map[int32]float64)
	for _, t := range all {
		out[t.id] = t.p / total
	}
	return out
}

func TestSamplerDrawsAsOften(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	logits := randoms(rng, 40)
	eachKernel(t, func(t *testing.T, k *kernel) {
		s := newSampler(k, len(logits))
		for _, c := range []struct {
			temperature, topP float64
			topK              int
		}{{1, 0, 0}, {0.7, 1, 0}, {1, 0.5, 0}, {1.3, 0.95, 0}, {1, 0, 5}, {2, 0.6, 10}, {1, 0.01, 0}, {1, 0.9, 100}} {
			want := allowed(logits, c.temperature, c.topP, c.topK)
			const draws = 5000
			got := make(map[int32]int)
			s.pcg.Seed(1, 1)
			for range draws {
				got[s.draw(logits, c.temperature, c.topP, c.topK)]++
			}
			for id, n := range got {
				p, ok := want[id]
				if !ok {
					t.Fatalf("%+v: drew token %d, which is not allowed", c, id)
				}
				if share := float64(n) / draws; math.Abs(share-p) > 4*math.Sqrt(p*(1-p)/draws)+1e-3 {
					t.Errorf("%+v: token %d drawn %.4f of the time, want %.4f", c, id, share, p)
				}
			}
		}
		if got := s.draw(logits, 0, 0.5, 3); got != argmax(logits) {
			t.Errorf("temperature 0 drew %d", got)
		}
	})
}

func TestStopper(t *testing.T) {
	for _, c := range []struct {
		stops  []string
		pieces []string
		shown  []string
		hit    string
		rest   string
	}{
		{nil, []string{"a", "b"}, []string{"a", "b"}, "", ""},
		{[]string{"END"}, []string{"one E", "N", "D two"}, []string{"one ", "", ""}, "END", ""},
		{[]string{"END"}, []string{"one E", "N", "o D"}, []string{"one ", "", "ENo D"}, "", ""},
		{[]string{"END"}, []string{"say EN"}, []string{"say "}, "", "EN"},
		{[]string{"b", "ab"}, []string{"xxa", "b"}, []string{"xx", ""}, "ab", ""},
		{[]string{"aab"}, []string{"a", "a", "a", "b"}, []string{"", "", "a", ""}, "aab", ""},
		{[]string{"\n\n", ""}, []string{"x\n", "y\n", "\nz"}, []string{"x", "\ny", ""}, "\n\n", ""},
		{[]string{"é"}, []string{"caf", "é!"}, []string{"caf", ""}, "é", ""},
	} {
		s := newStopper(c.stops)
		var shown []string
		hit := ""
		for _, p := range c.pieces {
			var show string
			show, hit = s.push(p)
			shown = append(shown, show)
			if hit != "" {
				break
			}
		}
		rest := s.rest()
		if !slices.Equal(shown, c.shown) || hit != c.hit || rest != c.rest {
			t.Errorf("%q on %q: shown %q, hit %q, rest %q", c.stops, c.pieces, shown, hit, rest)
		}
	}
}

// FuzzStopper wants the same text for every way of cutting it into pieces.
func FuzzStopper(f *testing.F) {
	f.Add("abcabcab", "cab", "bb", uint8(2))
	f.Fuzz(func(t *testing.T, text, stop1, stop2 string, size uint8) {
		read := func(n int) (string, string) {
			s := newStopper([]string{stop1, stop2})
			var b strings.Builder
			for rest := text; rest != ""; {
				m := min(n, len(rest))
				show, hit := s.push(rest[:m])
				rest = rest[m:]
				b.WriteString(show)
				if hit != "" {
					return b.String(), hit
				}
			}
			b.WriteString(s.rest())
			return b.String(), ""
		}
		byByte, _ := read(1)
		pieces, _ := read(int(size) + 1)
		for _, got := range []string{byByte, pieces} {
			if !strings.HasPrefix(text, got) {
				t.Fatalf("%q is not a beginning of %q", got, text)
			}
			for _, stop := range []string{stop1, stop2} {
				if stop != "" && strings.Contains(got, stop) {
					t.Fatalf("%q shows the stop sequence %q", got, stop)
				}
			}
		}
	})
}
