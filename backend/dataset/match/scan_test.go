package match

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// places is what Next finds by looking at every byte.
func places(s *Scanner, b []byte, from, end int) (at, lines int) {
	for i := from; i < end; i++ {
		for _, n := range s.needles {
			if n.lit < 0 {
				if s.escaped(b, i) {
					return i, lines
				}
				continue
			}
			want, k := s.lits[n.lit].text, i-n.at
			if k < 0 || k+len(want) > len(b) {
				continue
			}
			if got := b[k : k+len(want)]; bytes.Equal(got, want) || s.fold && bytes.Equal(lower(got), want) {
				return i, lines
			}
		}
		if b[i] == '\n' {
			lines++
		}
	}
	return -1, lines
}

// kinds is every way to search on this processor.
func kinds() [][2]findFunc { return [][2]findFunc{{}, vectors} }

func checkScanner(t *testing.T, text, like string, lits []string, fold, escapes bool, from, end, slack int) {
	t.Helper()
	b := append(make([]byte, 0, len(text)+slack), text...)
	for i := range b[len(b):cap(b)] { // what lies behind the text does not matter
		b[:cap(b)][len(b)+i] = "\nneedle"[i%7]
	}
	for k, find := range kinds() {
		s := newScanner(lits, fold, escapes, []byte(like), find)
		for at := from; ; {
			want, lines := places(s, b, at, end)
			got, n := s.Next(b, at, end)
			if got != want || n != lines {
				t.Fatalf("kind %d: %q in %q[%d:%d], fold %v: %d after %d lines, want %d after %d", k, lits, text, at, end, fold, got, n, want, lines)
			}
			if at = got + 1; got < 0 {
				break
			}
		}
	}
}

// Every way to search finds the places that are there, wherever they lie in what
// a vector holds, and counts the lines before them.
func TestScanner(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 4000 {
		words := []string{"needle", "Needle", "ne", "x", "NEEDLE", "government", "\n", " ", "\\u006e", "\\u0020", "\\u00e9", "u00", strings.Repeat("long", 30)}
		var b strings.Builder
		for range rng.IntN(300) {
			if rng.IntN(6) == 0 {
				b.WriteString(words[rng.IntN(len(words))])
			} else {
				b.WriteByte("abcdefghi \n"[rng.IntN(11)])
			}
		}
		text := b.String()
		lits := [][]string{{"needle"}, {"x"}, {"needle", "government", strings.Repeat("long", 20)}, {"le", "e"}, {strings.Repeat("glon", 25)}}[rng.IntN(5)]
		from := rng.IntN(len(text) + 1)
		end := from + rng.IntN(len(text)-from+1)
		checkScanner(t, text, "needle hay", lits, rng.IntN(2) == 0, rng.IntN(2) == 0, from, end, rng.IntN(300))
	}
}

func FuzzScanner(f *testing.F) {
	f.Add("one two One \\u006fne\n", "one", "two", "xyz", true, true, 0, 9, 70)
	f.Add(strings.Repeat("aaaaab\n", 40), "aab", "b", "aaaa", false, false, 3, 200, 200)
	f.Fuzz(func(t *testing.T, text, a, b, like string, fold, escapes bool, from, end, slack int) {
		if a == "" || b == "" || from < 0 || from > end || end > len(text) || slack < 0 || slack > 1000 {
			return
		}
		checkScanner(t, text, like, []string{a, b}, fold, escapes, from, end, slack)
	})
}

func BenchmarkScanner(b *testing.B) {
	text := []byte(strings.Repeat("the words of a line of text that goes on for some while, \\\"so\\\" to say.\\n\n", 4000))
	text = append(make([]byte, 0, len(text)+512), text...)
	for _, lits := range [][]string{{"zqneedle"}, {"zqneedle", "mistral", "government"}} {
		for k, find := range kinds() {
			b.Run(strings.Join(lits, "|")+"/"+string(rune('0'+k)), func(b *testing.B) {
				s := newScanner(lits, false, true, text, find)
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					if at, _ := s.Next(text, 0, len(text)); at >= 0 {
						b.Fatal(at)
					}
				}
			})
		}
	}
}
