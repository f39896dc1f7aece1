package tinymistral

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"tunebench/backend/artifact"
)

// toyConfig is a model small enough for numeric gradients, with every feature:
// grouped queries and a head width that is not hidden/heads.
func toyConfig(tied bool) artifact.Config {
	return artifact.Config{
		Architectures: []string{"MistralForCausalLM"}, ModelType: "mistral",
		HiddenSize: 12, IntermediateSize: 20, NumHiddenLayers: 2,
		NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 6,
		VocabSize: 33, MaxPositionEmbeddings: 64,
		RMSNormEps: 1e-5, RopeTheta: 10000, TieWordEmbeddings: tied,
		TorchDtype: "float32", BOSTokenID: 1, EOSTokenID: 2,
	}
}

// baseConfig is the shape of the embedded base model.
func baseConfig() artifact.Config {
	return artifact.Config{
		Architectures: []string{"MistralForCausalLM"}, ModelType: "mistral",
		HiddenSize: 128, IntermediateSize: 384, NumHiddenLayers: 4,
		NumAttentionHeads: 4, NumKeyValueHeads: 2, HeadDim: 32,
		VocabSize: 2048, MaxPositionEmbeddings: 512,
		RMSNormEps: 1e-5, RopeTheta: 10000, TieWordEmbeddings: true,
		TorchDtype: "bfloat16", BOSTokenID: 1, EOSTokenID: 2,
	}
}

func mustNew(t testing.TB, cfg artifact.Config, seed uint64) *Model {
	t.Helper()
	m, err := New(cfg, seed)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// randomExamples makes sequences of random tokens, answers in their second half.
func randomExamples(rng *rand.Rand, n, vocab, shortest, longest int) []Example {
	out := make([]Example, n)
	for i := range out {
		ids := make([]int32, shortest+rng.IntN(longest-shortest+1))
		for j := range ids {
			ids[j] = int32(rng.IntN(vocab))
		}
		out[i] = Example{IDs: ids, AnswerStart: 1 + rng.IntN(len(ids)-1)}
	}
	return out
}

// perturb gives every parameter, norms and adapters included, a value of its
// own so that no gradient is zero by accident.
func perturb(rng *rand.Rand, w []float32, sd float64) {
	for i := range w {
		w[i] += float32(rng.NormFloat64() * sd)
	}
}

// checkGradients compares the gradient of the mean loss with differences of it.
func checkGradients(t *testing.T, k *kernel, tied bool, lora LoRA, explicit bool) {
	rng := rand.New(rand.NewPCG(5, 6))
	m := mustNew(t, toyConfig(tied), 7)
	m.k = k
	perturb(rng, m.w, 0.3)
	var l *adapters
	trained := m.w
	if lora.Rank > 0 {
		l = newAdapters(&m.shape, lora.withDefaults(), 3)
		perturb(rng, l.w, 0.2)
		trained = l.w
	}
	var b batch
	for _, e := range randomExamples(rng, 4, m.shape.vocab, 3, 9) {
		b.add(e)
	}
	norm := float32(1 / float64(len(b.rows)))
	w := newWorker(m)
	net := network{m: m, packs: newWeightPacks(m), lora: l, explicit: explicit, dropout: lora.Dropout, seed: 9}
	loss := func(grad *gradient) float64 {
		var dst, scratch []float32
		for i := range net.packs.units() {
			weights := m.unitWeights(i)
			if li, mat := i/matsPerLayer, i%matsPerLayer; l != nil && !explicit && li < m.shape.layers {
				out, in := m.shape.matDims(mat)
				dst, scratch = grow(dst, out*in), grow(scratch, l.rank*in)
				weights = l.apply(w.g, &m.shape, li, mat, weights, dst, scratch)
			}
			net.packs.packUnit(m, i, weights, true)
		}
		w.forward(&net, &b)
		v := w.loss(&net, &b, norm, grad)
		if grad != nil {
			w.backward(&net, &b, grad)
		}
		return v * float64(norm)
	}
	grad := newGradient(m, l)
	loss(grad)
	check := func(name string, lo, hi int) {
		var diff, size float64
		// The best kernel is looked at closely, the others where they may differ.
		samples := 6
		if k == kernels()[0] {
			samples = 24
		}
		step := max(1, (hi-lo)/samples)
		for i := lo; i < hi; i += step {
			const h = 4e-3
			old := trained[i]
			at := func(d float32) float64 {
				trained[i] = old + d
				return loss(nil)
			}
			// Five points: the error falls with the fourth power of h.
			want := (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
			trained[i] = old
			got := float64(grad.flat[i])
			diff += (got - want) * (got - want)
			size += want * want
		}
		if rel := math.Sqrt(diff / max(size, 1e-12)); rel > 3e-3 || size == 0 {
			t.Errorf("%s: gradient off by %.2g relative to its length %.2g", name, rel, math.Sqrt(size))
		}
	}
	if l != nil {
		for i, r := range l.ranges {
			check(l.names[i], r[0], r[1])
		}
		return
	}
	for _, p := range m.params {
		check(p.name, p.off, p.off+p.n)
	}
}

func TestGradients(t *testing.T) {
	all := LoRA{Rank: 3, Alpha: 5}
	some := LoRA{Rank: 2, Alpha: 4, Targets: []string{"q_proj", "v_proj", "up_proj"}}
	dropped := LoRA{Rank: 3, Alpha: 5, Dropout: 0.3}
	for _, k := range kernels() {
		t.Run(k.name+"/tied", func(t *testing.T) { checkGradients(t, k, true, LoRA{}, false) })
		t.Run(k.name+"/untied", func(t *testing.T) { checkGradients(t, k, false, LoRA{}, false) })
		t.Run(k.name+"/lora", func(t *testing.T) { checkGradients(t, k, true, all, false) })
		t.Run(k.name+"/lora-some", func(t *testing.T) { checkGradients(t, k, false, some, false) })
		t.Run(k.name+"/lora-explicit", func(t *testing.T) { checkGradients(t, k, true, all, true) })
		t.Run(k.name+"/lora-dropout", func(t *testing.T) { checkGradients(t, k, true, dropped, true) })
	}
}

func BenchmarkTraining(b *testing.B) {
	for _, k := range kernels() {
		for _, mode := range []string{"full-16x128", "lora-16x64", "lora-16x64-answers"} {
			b.Run(k.name+"/"+mode, func(b *testing.B) {
				m := mustNew(b, baseConfig(), 1)
				m.k = k
				cfg := TrainConfig{LearningRate: 1e-3, Steps: 1 << 30, Rows: 16, SeqLen: 128, Seed: 1, MaxGradNorm: 1, Shards: 2}
				rng := rand.New(rand.NewPCG(1, 1))
				var data []Example
				for range 400 {
					e := randomExamples(rng, 1, 2048, 18, 30)[0]
					e.AnswerStart = 1
					if mode == "lora-16x64-answers" {
						e.AnswerStart = len(e.IDs) * 7 / 10
					}
					data = append(data, e)
				}
				if mode != "full-16x128" {
					cfg.LoRA, cfg.SeqLen = LoRA{Rank: 8, Alpha: 16}, 64
				}
				tr, err := NewTrainer(m, data, cfg)
				if err != nil {
					b.Fatal(err)
				}
				ctx := context.Background()
				if _, err := tr.Step(ctx); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				tokens := 0
				start := cpuTime()
				for b.Loop() {
					st, err := tr.Step(ctx)
					if err != nil {
						b.Fatal(err)
					}
					tokens += st.Tokens
				}
				b.ReportMetric(float64(tokens)/(cpuTime()-start).Seconds(), "tokens/core-s")
			})
		}
	}
}
