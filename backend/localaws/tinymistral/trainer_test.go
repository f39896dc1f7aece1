package tinymistral

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func toyTraining(lora LoRA) TrainConfig {
	return TrainConfig{LoRA: lora, LearningRate: 1e-2, MinLRRatio: 0.1, WarmupRatio: 0.2, WeightDecay: 0.01,
		MaxGradNorm: 1, Steps: 12, Rows: 5, SeqLen: 16, Seed: 4, Shards: 3}
}

func toyData(seed uint64, n int) []Example {
	return randomExamples(rand.New(rand.NewPCG(seed, 1)), n, 33, 3, 12)
}

func mustTrain(t *testing.T, tr *Trainer, steps int) []StepStats {
	t.Helper()
	var out []StepStats
	for range steps {
		st, err := tr.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, st)
	}
	return out
}

func mustTrainer(t *testing.T, m *Model, data []Example, cfg TrainConfig) *Trainer {
	t.Helper()
	tr, err := NewTrainer(m, data, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

var trainingModes = map[string]LoRA{
	"full":    {},
	"lora":    {Rank: 3, Alpha: 6},
	"dropout": {Rank: 2, Alpha: 4, Dropout: 0.2, Targets: []string{"q_proj", "down_proj", "gate_proj"}},
}

// TestLearnsByHeart trains on a few sequences until it knows them, and leaves
// the model it began with alone.
func TestLearnsByHeart(t *testing.T) {
	m := mustNew(t, toyConfig(true), 1)
	// Embeddings that adapters can work with: a fresh model has almost none.
	perturb(rand.New(rand.NewPCG(1, 1)), m.w, 0.4)
	before := slices.Clone(m.w)
	data := toyData(2, 4)
	for name, lora := range map[string]LoRA{"full": {}, "lora": {Rank: 8, Alpha: 16}} {
		cfg := toyTraining(lora)
		cfg.Steps, cfg.LearningRate = 250, 2e-2
		tr := mustTrainer(t, m, data, cfg)
		first, err := tr.EvalLoss(t.Context(), data)
		if err != nil {
			t.Fatal(err)
		}
		mustTrain(t, tr, cfg.Steps)
		if _, err := tr.Step(t.Context()); err != io.EOF {
			t.Errorf("%s: after the last step: %v", name, err)
		}
		last, err := tr.EvalLoss(t.Context(), data)
		if err != nil {
			t.Fatal(err)
		}
		if first < 3 || last > 1 {
			t.Errorf("%s: loss %g at first, %g at last", name, first, last)
		}
		if !slices.Equal(m.w, before) {
			t.Errorf("%s: training changed the model it was given", name)
		}
	}
}

// TestSameWeightsOnAnyProcessors trains with one, two and seven processors.
func TestSameWeightsOnAnyProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	m := mustNew(t, toyConfig(true), 1)
	for name, lora := range trainingModes {
		var want []float32
		var stats []StepStats
		for _, procs := range []int{1, 2, 7} {
			runtime.GOMAXPROCS(procs)
			tr := mustTrainer(t, m, toyData(2, 30), toyTraining(lora))
			st := mustTrain(t, tr, 8)
			if want == nil {
				want, stats = slices.Clone(tr.trained()), st
				continue
			}
			if !slices.Equal(tr.trained(), want) || !slices.Equal(st, stats) {
				t.Errorf("%s: %d processors give other weights or losses", name, procs)
			}
		}
	}
}

func TestResumeEqualsUninterrupted(t *testing.T) {
	m := mustNew(t, toyConfig(false), 1)
	for name, lora := range trainingModes {
		cfg := toyTraining(lora)
		whole := mustTrainer(t, m, toyData(2, 30), cfg)
		want := mustTrain(t, whole, cfg.Steps)
		first := mustTrainer(t, m, toyData(2, 30), cfg)
		mustTrain(t, first, 5)
		var file bytes.Buffer
		if err := first.Save(&file); err != nil {
			t.Fatal(err)
		}
		saved := file.Bytes()
		second := mustTrainer(t, m, toyData(2, 30), cfg)
		if err := second.Restore(bytes.NewReader(saved)); err != nil {
			t.Fatal(err)
		}
		got := mustTrain(t, second, cfg.Steps-5)
		if !slices.Equal(got, want[5:]) || !slices.Equal(second.trained(), whole.trained()) {
			t.Errorf("%s: the resumed run differs from the uninterrupted one", name)
		}

		refuse := func(what, message string, tr *Trainer, file []byte) {
			t.Helper()
			err := tr.Restore(bytes.NewReader(file))
			if err == nil || !strings.Contains(err.Error(), message) {
				t.Errorf("%s: %s: got %v", name, what, err)
			}
		}
		other := cfg
		other.LearningRate *= 2
		refuse("other plan", "another configuration", mustTrainer(t, m, toyData(2, 30), other), saved)
		refuse("other data", "other data", mustTrainer(t, m, toyData(3, 30), cfg), saved)
		refuse("other model", "another model", mustTrainer(t, mustNew(t, toyConfig(false), 2), toyData(2, 30), cfg), saved)
		refuse("cut off", "cut off", mustTrainer(t, m, toyData(2, 30), cfg), saved[:len(saved)/2])
		damaged := slices.Clone(saved)
		damaged[len(damaged)-100] ^= 1
		refuse("damaged", "checksum", mustTrainer(t, m, toyData(2, 30), cfg), damaged)
		refuse("foreign", "not a checkpoint", mustTrainer(t, m, toyData(2, 30), cfg), []byte("{}"))
		refuse("used", "not stepped", second, saved)
	}
}

// cancelAfter is a context that is cancelled after a number of looks at it.
type cancelAfter struct {
	context.Context
	looks int
}

func (c *cancelAfter) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

// TestCancelLeavesNoTrace cancels a step at every place where it looks at its
// context; the run must go on as if nothing had happened.
func TestCancelLeavesNoTrace(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // cancelAfter counts on one goroutine
	m := mustNew(t, toyConfig(true), 1)
	cfg := toyTraining(LoRA{Rank: 2})
	want := mustTrainer(t, m, toyData(2, 30), cfg)
	stats := mustTrain(t, want, 3)
	got := mustTrainer(t, m, toyData(2, 30), cfg)
	cancelled := 0
	for i := range stats {
		for looks := 0; ; looks++ {
			st, err := got.Step(&cancelAfter{t.Context(), looks})
			if err == nil {
				if st != stats[i] {
					t.Fatalf("step %d: got %+v, want %+v", i, st, stats[i])
				}
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			cancelled++
		}
	}
	if !slices.Equal(got.trained(), want.trained()) || cancelled < 9 {
		t.Errorf("after %d cancellations the weights differ", cancelled)
	}
}

// TestMergedEqualsAdapters computes the same tokens with adapters beside their
// matrices and with the merged model.
func TestMergedEqualsAdapters(t *testing.T) {
	eachKernel(t, func(t *testing.T, k *kernel) {
		m := mustNew(t, toyConfig(true), 1)
		m.k = k
		tr := mustTrainer(t, m, toyData(2, 30), toyTraining(LoRA{Rank: 3, Alpha: 6}))
		mustTrain(t, tr, 6)
		ids := []int32{1, 7, 12, 30, 4, 19, 8}
		b := batch{segs: []segment{{0, len(ids)}}, ids: ids, rows: []int32{0, 1, 2, 3, 4, 5, 6}}
		w := newWorker(m)
		w.forward(&network{m: m, packs: m.packs(), lora: tr.lora, explicit: true}, &b)
		with := slices.Clone(w.out)
		merged := tr.Merged()
		w.forward(&network{m: merged, packs: merged.packs()}, &b)
		if d := furthest(w.out, with); d > 1e-4 {
			t.Errorf("merged model off by %g", d)
		}
		w.forward(&network{m: m, packs: m.packs()}, &b)
		if furthest(w.out, with) < 1e-3 {
			t.Error("the adapters do nothing, so this test says nothing")
		}
		loss, err := tr.EvalLoss(t.Context(), toyData(2, 30))
		if err != nil {
			t.Fatal(err)
		}
		own, err := mustTrainer(t, merged, toyData(2, 30), toyTraining(LoRA{})).EvalLoss(t.Context(), toyData(2, 30))
		if err != nil || math.Abs(loss-own) > 1e-5 {
			t.Errorf("loss %g with adapters, %g merged (%v)", loss, own, err)
		}
	})
}

// TestPackingChangesNothing compares the loss and gradient of packed examples
// with the sum over each alone.
func TestPackingChangesNothing(t *testing.T) {
	eachKernel(t, func(t *testing.T, k *kernel) {
		m := mustNew(t, toyConfig(true), 1)
		m.k = k
		perturb(rand.New(rand.NewPCG(1, 1)), m.w, 0.2)
		data := toyData(9, 7)
		packs := newWeightPacks(m)
		for i := range packs.units() {
			packs.packUnit(m, i, m.unitWeights(i), true)
		}
		net := network{m: m, packs: packs}
		run := func(b *batch, g *gradient) float64 {
			w := newWorker(m)
			w.forward(&net, b)
			loss := w.loss(&net, b, 1, g)
			w.backward(&net, b, g)
			return loss
		}
		var packedBatch batch
		var want float64
		together, alone := newGradient(m, nil), newGradient(m, nil)
		for _, e := range data {
			packedBatch.add(e)
			var b batch
			b.add(e)
			want += run(&b, alone)
		}
		got := run(&packedBatch, together)
		if math.Abs(got-want) > 1e-5*want {
			t.Errorf("loss %g packed, %g alone", got, want)
		}
		if d := furthest(together.flat, alone.flat); d > 1e-5 {
			t.Errorf("gradient off by %g", d)
		}
	})
}

func TestPackerUsesEveryExampleOnce(t *testing.T) {
	m := mustNew(t, toyConfig(true), 1)
	data := toyData(5, 200)
	for i := range data {
		data[i].IDs[0], data[i].AnswerStart = int32(i%33), 1
	}
	left := slices.Clone(data)
	p := packer{src: sourceFunc(func() Example {
		if len(left) == 0 {
			return Example{}
		}
		e := left[0]
		left = left[1:]
		return e
	}), rows: 4, seqLen: 16, m: m}
	seen, rooms, tokens, steps := 0, 0, 0, 0
	for {
		rows, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		if rows == nil {
			break
		}
		steps++
		for _, row := range rows {
			used := 0
			for _, e := range row {
				used += len(e.IDs) - 1
				seen++
			}
			if used > 16 {
				t.Errorf("a row holds %d tokens", used)
			}
			rooms += 16
			tokens += used
		}
	}
	if seen != len(data) {
		t.Errorf("%d of %d examples packed", seen, len(data))
	}
	if float64(tokens) < 0.9*float64(rooms) {
		t.Errorf("rows are %d of %d full", tokens, rooms)
	}
}

type sourceFunc func() Example

func (f sourceFunc) Next() Example { return f() }

func TestTrainerRefusesBadInput(t *testing.T) {
	m := mustNew(t, toyConfig(true), 1)
	ok := toyData(1, 3)
	long := Example{IDs: make([]int32, 40), AnswerStart: 20}
	for what, c := range map[string]struct {
		data    []Example
		change  func(*TrainConfig)
		message string
	}{
		"no data":        {nil, func(*TrainConfig) {}, "no examples"},
		"unknown token":  {[]Example{{IDs: []int32{1, 99, 2}}}, func(*TrainConfig) {}, "vocabulary"},
		"no answer":      {[]Example{{IDs: []int32{1, 2, 3}, AnswerStart: 3}}, func(*TrainConfig) {}, "no answer"},
		"answer cut off": {[]Example{long}, func(*TrainConfig) {}, "longer rows"},
		"no steps":       {ok, func(c *TrainConfig) { c.Steps = 0 }, "steps"},
		"rate":           {ok, func(c *TrainConfig) { c.LearningRate = math.NaN() }, "learning rate"},
		"row length":     {ok, func(c *TrainConfig) { c.SeqLen = 65 }, "context"},
		"target":         {ok, func(c *TrainConfig) { c.LoRA = LoRA{Rank: 2, Targets: []string{"lm_head"}} }, "q_proj"},
		"dropout":        {ok, func(c *TrainConfig) { c.LoRA = LoRA{Rank: 2, Dropout: 1} }, "dropout"},
	} {
		cfg := toyTraining(LoRA{})
		c.change(&cfg)
		if _, err := NewTrainer(m, c.data, cfg); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	long.AnswerStart = 5
	tr := mustTrainer(t, m, []Example{long}, toyTraining(LoRA{}))
	if tr.Truncated() != 1 {
		t.Errorf("%d examples cut, want 1", tr.Truncated())
	}
	tr = mustTrainer(t, m, ok, toyTraining(LoRA{}))
	tr.model.w[0] = float32(math.NaN())
	for i := range tr.model.w {
		tr.model.w[i] = float32(math.NaN())
	}
	if _, err := tr.Step(t.Context()); err == nil || !strings.Contains(err.Error(), "diverged") {
		t.Errorf("weights that are not numbers: %v", err)
	}
}

func TestLearningRate(t *testing.T) {
	c := TrainConfig{LearningRate: 1, MinLRRatio: 0.1, WarmupRatio: 0.1, Steps: 100}
	for step, want := range map[int]float64{0: 0.1, 9: 1, 10: 1, 55: 0.55} {
		if got := c.rate(step); math.Abs(got-want) > 1e-9 {
			t.Errorf("step %d: %g, want %g", step, got, want)
		}
	}
	if got := c.rate(99); got < 0.1 || got > 0.101 {
		t.Errorf("last step: %g", got)
	}
}

func TestDropoutKeepsTheMean(t *testing.T) {
	x := make([]float32, 40000)
	for i := range x {
		x[i] = 1
	}
	dropout(x, x, 7, 0.25)
	zeros, sum := 0, 0.0
	for _, v := range x {
		if v == 0 {
			zeros++
		}
		sum += float64(v)
	}
	if math.Abs(float64(zeros)/40000-0.25) > 0.01 || math.Abs(sum/40000-1) > 0.02 {
		t.Errorf("%d zeros, mean %g", zeros, sum/40000)
	}
}
