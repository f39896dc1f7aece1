package porter

import (
	"strings"
	"testing"
	"unicode/utf8"

	"tunebench/metrics/internal/golden"
)

type word struct{ Word, Stem string }

func TestVectors(t *testing.T) {
	for _, v := range golden.Lines[word](t, "porter_nltk.jsonl", 2649) {
		if got := Stem(v.Word); got != v.Stem {
			t.Errorf("Stem(%q) = %q, want %q", v.Word, got, v.Stem)
		}
	}
}

// The irregular words that the facts page lists.
func TestIrregular(t *testing.T) {
	for in, want := range map[string]string{
		"skies": "sky", "sky": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news", "innings": "inning",
		"outings": "outing", "cannings": "canning", "howe": "howe", "proceed": "proceed", "exceed": "exceed", "succeed": "succeed",
		"": "", "as": "as", "éé": "éé",
	} {
		if got := Stem(in); got != want {
			t.Errorf("Stem(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzStem(f *testing.F) {
	for _, v := range golden.Lines[word](f, "porter_nltk.jsonl", 2649)[:300] {
		f.Add(v.Word)
	}
	f.Add("éééing\xff")
	f.Add("İΣing")
	f.Fuzz(func(t *testing.T, w string) {
		s := Stem(w)
		if utf8.RuneCountInString(s) > utf8.RuneCountInString(w)+strings.Count(w, "İ") {
			t.Fatalf("Stem(%q) = %q is longer", w, s)
		}
	})
}

func BenchmarkStem(b *testing.B) {
	words := strings.Fields("relational conditional rationally generalization hopefulness troubled hopping running studies the bank announced")
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		buf = append(buf[:0], words[i%len(words)]...)
		ASCII(buf)
	}
}
