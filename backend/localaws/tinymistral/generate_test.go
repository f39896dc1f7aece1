package tinymistral

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// batchLogits computes the logits of every position with the training path.
func batchLogits(m *Model, ids []int32) [][]float32 {
	b := batch{segs: []segment{{0, len(ids)}}, ids: ids}
	for i := range ids {
		b.rows = append(b.rows, int32(i))
	}
	w := newWorker(m)
	net := network{m: m, packs: m.packs()}
	w.forward(&net, &b)
	out := make([][]float32, len(ids))
	d := m.shape.d
	n, r := make([]float32, d), make([]float32, 1)
	for i := range ids {
		rmsNorm(w.out[i*d:(i+1)*d], m.norm, n, r, d, m.shape.eps)
		out[i] = make([]float32, m.shape.vocab)
		m.k.dots(m.head, d, n, out[i])
	}
	return out
}

// TestCacheEqualsBatch computes one sequence token by token, in chunks, and as a
// training batch, and wants the same logits.
func TestCacheEqualsBatch(t *testing.T) {
	eachKernel(t, func(t *testing.T, k *kernel) {
		for _, tied := range []bool{true, false} {
			m := mustNew(t, toyConfig(tied), 3)
			m.k = k
			rng := rand.New(rand.NewPCG(1, 1))
			perturb(rng, m.w, 0.3)
			ids := make([]int32, 40)
			for i := range ids {
				ids[i] = int32(rng.IntN(m.shape.vocab))
			}
			want := batchLogits(m, ids)
			single, chunks, mixed := newDecoder(m), newDecoder(m), newDecoder(m)
			mixed.prefill(ids[:17], nil)
			chunk := func(d *decoder, lo, hi int) {
				d.prefill(ids[lo:hi], func(row int, logits []float32) {
					if d := furthest(logits, want[lo+row]); d > 1e-4 {
						t.Errorf("chunk, position %d: off by %g", lo+row, d)
					}
				})
			}
			chunk(chunks, 0, 1)
			chunk(chunks, 1, 14)
			chunk(chunks, 14, 40)
			for i, id := range ids {
				single.step(id)
				if d := furthest(single.logits, want[i]); d > 1e-4 {
					t.Errorf("single, position %d: off by %g", i, d)
				}
				if i >= 16 {
					if d := furthest(mixed.logits, want[i]); d > 1e-4 {
						t.Errorf("mixed, position %d: off by %g", i, d)
					}
					if i+1 < len(ids) {
						mixed.step(ids[i+1])
					}
				}
			}
		}
	})
}

func TestLogProbs(t *testing.T) {
	m := mustNew(t, toyConfig(true), 3)
	ids := []int32{1, 5, 9, 20, 31, 2}
	got, err := NewGenerator(m, nil).LogProbs(ids)
	if err != nil {
		t.Fatal(err)
	}
	logits := batchLogits(m, ids)
	for i := range got {
		var sum float64
		for _, v := range logits[i] {
			sum += math.Exp(float64(v))
		}
		want := float64(logits[i][ids[i+1]]) - math.Log(sum)
		if math.Abs(got[i]-want) > 1e-5 {
			t.Errorf("position %d: %g, want %g", i, got[i], want)
		}
	}
}

// TestGreedyAllocatesNothing allows a fixed number of allocations per answer,
// none per token.
func TestGreedyAllocatesNothing(t *testing.T) {
	m := mustNew(t, toyConfig(true), 3)
	m.eos = nil
	g := NewGenerator(m, nil)
	allocs := func(tokens int) float64 {
		return testing.AllocsPerRun(5, func() {
			res, err := g.Generate(context.Background(), []int32{1, 4}, GenerateOptions{MaxTokens: tokens}, func(Token) error { return nil })
			if err != nil || res.CompletionTokens != tokens {
				t.Fatal(res, err)
			}
		})
	}
	allocs(60)
	few, many := allocs(4), allocs(60)
	if many > few || many > 5 {
		t.Errorf("%g allocations for 4 tokens, %g for 60", few, many)
	}
}

func BenchmarkGreedy(b *testing.B) {
	for _, k := range kernels() {
		for _, weights := range []string{"bfloat16", "float32"} {
			b.Run(k.name+"/"+weights, func(b *testing.B) {
				m := mustNew(b, baseConfig(), 1)
				m.k = k
				m.eos = nil
				if weights == "bfloat16" {
					roundToHalf(m.w)
				}
				g := NewGenerator(m, nil)
				prompt := make([]int32, 24)
				tokens := 0
				if _, err := g.Generate(context.Background(), prompt, GenerateOptions{MaxTokens: 100}, nil); err != nil {
					b.Fatal(err) // and the caches have grown
				}
				b.ReportAllocs()
				start := cpuTime()
				for b.Loop() {
					res, err := g.Generate(context.Background(), prompt, GenerateOptions{MaxTokens: 100}, nil)
					if err != nil {
						b.Fatal(err)
					}
					tokens += res.CompletionTokens
				}
				b.ReportMetric(float64(tokens)/(cpuTime()-start).Seconds(), "tokens/core-s")
			})
		}
	}
}

// roundToHalf cuts weights down to bfloat16, as an artifact holds them.
func roundToHalf(w []float32) {
	for i, v := range w {
		w[i] = math.Float32frombits(math.Float32bits(v) &^ 0xffff)
	}
}

// TestHalfWeightsChangeNothing compares generation from the two forms of the
// same weights.
func TestHalfWeightsChangeNothing(t *testing.T) {
	eachKernel(t, func(t *testing.T, k *kernel) {
		cfg := toyConfig(true)
		cfg.HiddenSize, cfg.IntermediateSize, cfg.HeadDim, cfg.VocabSize = 32, 48, 12, 36
		m := mustNew(t, cfg, 3)
		m.k = k
		roundToHalf(m.w)
		half, full := newDecoder(m), newDecoder(m.Clone())
		v := full.m.vectors()
		v.head.half = nil
		for i := range v.layers {
			for j := range v.layers[i] {
				v.layers[i][j].half = nil
			}
		}
		if used := m.vectors().layers[0][matDown].half != nil; used != (k.dotsHalf != nil) {
			t.Fatalf("half-size weights used: %v", used)
		}
		for i := range 20 {
			half.step(int32(i))
			full.step(int32(i))
			if !slices.Equal(half.logits, full.logits) {
				t.Fatalf("logits differ at position %d", i)
			}
		}
	})
}
