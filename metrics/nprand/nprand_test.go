package nprand

import (
	"slices"
	"testing"

	"tunebench/metrics/internal/golden"
)

// Row numbers from pandas' DataFrame.sample.
func TestSampleVectors(t *testing.T) {
	type vector struct {
		Count   int
		N       int `json:"num_records"`
		Seed    uint32
		Indices []int
	}
	for _, v := range golden.Lines[vector](t, "sampling.jsonl", 9) {
		if got := Sample(v.Count, v.N, v.Seed); !slices.Equal(got, v.Indices) {
			t.Errorf("Sample(%d, %d, %d) = %v, want %v", v.Count, v.N, v.Seed, got, v.Indices)
		}
	}
}

// Draws of numpy 1.26.4's default_rng, made with numpy itself.
func TestGenerator(t *testing.T) {
	g := New(5)
	for i, want := range []float64{0.8050029237453802, 0.8079407897364937, 0.515325561042142, 0.2858013800881416, 0.053930702381656426} {
		if got := g.Float64(); got != want {
			t.Errorf("draw %d = %v, want %v", i, got, want)
		}
	}
	g = New(1 << 40)
	if got := g.Float64(); got != 0.3608095734199638 {
		t.Errorf("a seed of two words gives %v", got)
	}
	g = New(7)
	if got, want := g.Choose(30, 8), []int{27, 24, 6, 23, 26, 15, 17, 21}; !slices.Equal(got, want) {
		t.Errorf("Choose(30, 8) = %v, want %v", got, want)
	}
	var ints []int
	for range 9 {
		ints = append(ints, g.Intn(14))
	}
	if want := []int{11, 1, 11, 1, 6, 11, 4, 4, 3}; !slices.Equal(ints, want) {
		t.Errorf("Intn(14) = %v, want %v", ints, want)
	}
	sum := 0
	tail := New(11).Choose(12000, 1200)
	for i, v := range tail {
		sum += i * v
	}
	if sum != 4285972598 || len(tail) != 1200 {
		t.Errorf("the tail of a shuffle sums up to %d", sum)
	}
	if got := New(1).Choose(0, 0); len(got) != 0 {
		t.Error(got)
	}
}
