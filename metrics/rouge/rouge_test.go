package rouge

import (
	"math"
	"strings"
	"testing"

	"tunebench/metrics/internal/golden"
)

type vector struct {
	ID      int
	Target  string             `json:"target_output"`
	Output  string             `json:"model_output"`
	Stem    map[string]float64 `json:"rouge_stemmer"`
	NoStem  map[string]float64 `json:"rouge_no_stemmer"`
	Comment string             `json:"tag"`
}

func scorer(t testing.TB, kind Type, stem bool) *Scorer {
	s, err := New(kind, stem)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Values of FMEval's RougeScore, bit for bit: three variants with and without
// the stemmer.
func TestVectors(t *testing.T) {
	n := 0
	for _, kind := range []Type{Rouge1, Rouge2, RougeL} {
		for _, stem := range []bool{true, false} {
			s := scorer(t, kind, stem)
			for _, v := range golden.Lines[vector](t, "summarization.jsonl", 276) {
				want, ok := v.NoStem[string(kind)]
				if stem {
					want, ok = v.Stem[string(kind)]
				}
				if !ok {
					t.Fatalf("row %d has no %s", v.ID, kind)
				}
				n++
				if got := s.Score(v.Target, v.Output).F; math.Float64bits(got) != math.Float64bits(want) {
					t.Errorf("%s stem=%v row %d (%s) = %v, want %v", kind, stem, v.ID, v.Comment, got, want)
				}
			}
		}
	}
	if n != 6*276 {
		t.Errorf("%d values compared", n)
	}
}

func TestUnknownType(t *testing.T) {
	if _, err := New("rougeLsum", true); err == nil || !strings.Contains(err.Error(), "rouge2") {
		t.Error(err)
	}
}

func FuzzScore(f *testing.F) {
	for _, v := range golden.Lines[vector](f, "summarization.jsonl", 276)[:60] {
		f.Add(v.Target, v.Output)
	}
	f.Add("naïve \xff İ", "K\xc3 a")
	f.Fuzz(func(t *testing.T, target, output string) {
		for _, kind := range []Type{Rouge1, Rouge2, RougeL} {
			s := scorer(t, kind, true)
			r := s.Score(target, output)
			for _, v := range []float64{r.Precision, r.Recall, r.F} {
				if !(v >= 0 && v <= 1) {
					t.Fatalf("%s = %v", kind, r)
				}
			}
			// f is symmetric, and a used scorer gives what a new one gives.
			if back := s.Score(output, target); back.F != r.F {
				t.Fatalf("%s: %v one way, %v the other", kind, r, back)
			}
			if again := s.Score(target, output); again != r {
				t.Fatalf("%s: %v, then %v", kind, r, again)
			}
		}
	})
}

func bench(b *testing.B, kind Type, stem bool) {
	words := strings.Fields("The central bank announced plans to close three factories after months of negotiations; local residents discovered hundreds of relational studies, investigations and conditional generalizations running since the beginning of the year")
	pick := func(i, n int) string {
		w := make([]string, n)
		for j := range w {
			w[j] = words[(i*7+j*(i%5+1))%len(words)]
		}
		return strings.Join(w, " ")
	}
	var targets, outputs [997]string
	for i := range targets {
		targets[i], outputs[i] = pick(i, 10), pick(i+1, 40)
	}
	s := scorer(b, kind, stem)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		s.Score(targets[n%len(targets)], outputs[n%len(targets)])
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkRouge1(b *testing.B)       { bench(b, Rouge1, true) }
func BenchmarkRouge2(b *testing.B)       { bench(b, Rouge2, true) }
func BenchmarkRouge2NoStem(b *testing.B) { bench(b, Rouge2, false) }
func BenchmarkRougeL(b *testing.B)       { bench(b, RougeL, true) }
