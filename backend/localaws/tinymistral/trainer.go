package tinymistral

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// TrainConfig is the plan of a training run. Zero values of Beta1, Beta2 and
// Shards mean 0.9, 0.98 and 4.
type TrainConfig struct {
	LoRA         LoRA
	LearningRate float64 // highest learning rate, reached after the warm-up
	MinLRRatio   float64 // the cosine ends at LearningRate·MinLRRatio
	WarmupRatio  float64 // fraction of Steps in which the rate grows
	WeightDecay  float64 // of matrices; norms and adapters are not decayed
	MaxGradNorm  float64 // longer gradients are shortened to this; 0 means never
	Beta1, Beta2 float64
	Steps        int // optimiser updates
	Rows, SeqLen int // one step is Rows packed rows of up to SeqLen tokens
	Seed         uint64
	// PromptDropout is the share of a prompt's tokens that is left out, drawn
	// anew each time an example comes up, this much on average. It keeps a few
	// examples seen many times from being learnt by their exact wording. 0 to
	// 0.5; only for examples given to NewTrainer.
	PromptDropout float64
	// Shards is the number of parts each step is computed in. It is part of the
	// plan, and the parts are added up in order, so the weights do not depend on
	// the number of processors. At most Rows.
	Shards int
}

func (c TrainConfig) withDefaults() TrainConfig {
	c.LoRA = c.LoRA.withDefaults()
	if c.Beta1 == 0 {
		c.Beta1 = 0.9
	}
	if c.Beta2 == 0 {
		c.Beta2 = 0.98
	}
	if c.Shards == 0 {
		c.Shards = 4
	}
	c.Shards = min(c.Shards, max(c.Rows, 1))
	return c
}

func (c TrainConfig) validate(m *Model) error {
	if err := c.LoRA.validate(); err != nil {
		return err
	}
	fraction := func(v float64) bool { return v >= 0 && v <= 1 }
	switch {
	case !(c.LearningRate > 0) || c.LearningRate > 1:
		return fmt.Errorf("learning rate %g: choose a number above 0 and at most 1", c.LearningRate)
	case !fraction(c.MinLRRatio) || !fraction(c.WarmupRatio):
		return errors.New("the warm-up ratio and the lowest rate's ratio are fractions from 0 to 1")
	case !(c.WeightDecay >= 0) || !(c.MaxGradNorm >= 0):
		return errors.New("weight decay and the largest gradient norm must not be negative")
	case !(c.Beta1 > 0 && c.Beta1 < 1 && c.Beta2 > 0 && c.Beta2 < 1):
		return errors.New("the AdamW betas lie between 0 and 1")
	case !(c.PromptDropout >= 0 && c.PromptDropout <= 0.5):
		return fmt.Errorf("prompt dropout %g: choose a fraction from 0 to 0.5", c.PromptDropout)
	case c.Steps < 1:
		return fmt.Errorf("%d training steps: choose at least 1", c.Steps)
	case c.Rows < 1 || c.Shards < 1:
		return fmt.Errorf("%d rows in %d shards: choose at least 1 of each", c.Rows, c.Shards)
	case c.SeqLen < 2 || c.SeqLen > m.shape.context:
		return fmt.Errorf("rows of %d tokens: choose 2 to %d, the model's context", c.SeqLen, m.shape.context)
	}
	return nil
}

// rate returns the learning rate of a step, counted from zero: linear warm-up,
// then a cosine.
func (c TrainConfig) rate(step int) float64 {
	warm := int(math.Ceil(c.WarmupRatio * float64(c.Steps)))
	if step < warm {
		return c.LearningRate * float64(step+1) / float64(warm)
	}
	progress := float64(step-warm) / float64(max(c.Steps-warm, 1))
	return c.LearningRate * (c.MinLRRatio + (1-c.MinLRRatio)*0.5*(1+math.Cos(math.Pi*progress)))
}

// StepStats describes one finished step.
type StepStats struct {
	Step       int     // counted from 1
	Loss       float64 // mean over the learnt tokens of the step, in nats, before the update
	LR         float64
	GradNorm   float64 // before shortening
	Tokens     int     // tokens computed
	LossTokens int     // tokens learnt
}

// Trainer trains a copy of a model. Its methods must not be called at the same
// time; it uses up to GOMAXPROCS goroutines inside a call and none between calls.
type Trainer struct {
	cfg    TrainConfig
	base   *Model // the model given; the adapters' weights refer to it
	model  *Model // the copy being trained, or base with LoRA
	lora   *adapters
	packer *packer
	data   uint64 // fingerprint of the examples, 0 for a Source

	step      int
	pending   []batch // packed but not finished: a cancelled step is repeated
	truncated int
	m1, m2    []float32 // moments

	net       network
	effective weightPacks // adapters in the weights, when the run keeps them explicit
	stale     bool        // packs are older than the weights
	frozen    bool        // packs without adapters are done
	workers   []*worker
	grads     []*gradient
	scratch   [][2][]float32 // per worker, for adapters.apply
	pieces    []piece
}

// piece is a range of trained weights that one goroutine updates at a time.
type piece struct {
	lo, hi int
	decay  bool
}

// NewTrainer prepares a run over data, reshuffled every epoch. The model itself
// stays as it is. An example longer than SeqLen+1 tokens is cut at its end (see
// Truncated); one whose answer would be cut off entirely is refused.
func NewTrainer(m *Model, data []Example, cfg TrainConfig) (*Trainer, error) {
	if len(data) == 0 {
		return nil, errors.New("training data: there are no examples")
	}
	truncated := 0
	for i, e := range data {
		if err := m.checkIDs(e.IDs); err != nil {
			return nil, fmt.Errorf("training example %d: %w", i+1, err)
		}
		if _, ok := e.cut(cfg.SeqLen); !ok {
			if len(e.IDs) < 2 || len(e.IDs) <= e.AnswerStart {
				return nil, fmt.Errorf("training example %d has no answer to learn", i+1)
			}
			return nil, fmt.Errorf("training example %d: the answer begins at token %d, beyond rows of %d tokens; use longer rows or leave it out", i+1, e.AnswerStart, cfg.SeqLen)
		}
		if len(e.IDs) > cfg.SeqLen+1 {
			truncated++
		}
	}
	t, err := NewTrainerFrom(m, &dataSource{data: data, seed: cfg.Seed, dropout: cfg.PromptDropout}, cfg)
	if err != nil {
		return nil, err
	}
	t.data, t.truncated = fingerprint(data), truncated
	return t, nil
}

// NewTrainerFrom prepares a run over examples from a source. Examples whose
// answer does not begin within SeqLen tokens are skipped.
func NewTrainerFrom(m *Model, src Source, cfg TrainConfig) (*Trainer, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(m); err != nil {
		return nil, err
	}
	t := &Trainer{cfg: cfg, base: m, model: m, stale: true,
		packer: &packer{src: src, rows: cfg.Rows, seqLen: cfg.SeqLen, m: m}}
	if cfg.LoRA.Rank > 0 {
		t.lora = newAdapters(&m.shape, cfg.LoRA, cfg.Seed)
	} else {
		t.model = m.Clone()
	}
	t.net = network{m: t.model, packs: newWeightPacks(t.model), lora: t.lora,
		explicit: cfg.LoRA.Dropout > 0, dropout: cfg.LoRA.Dropout}
	t.effective = *newWeightPacks(t.model)
	w := t.trained()
	t.m1, t.m2 = make([]float32, len(w)), make([]float32, len(w))
	for range cfg.Shards {
		t.grads = append(t.grads, newGradient(t.model, t.lora))
	}
	t.pieces = t.cutPieces()
	return t, nil
}

// trained returns the weights the optimiser changes.
func (t *Trainer) trained() []float32 {
	if t.lora != nil {
		return t.lora.w
	}
	return t.model.w
}

func (t *Trainer) cutPieces() []piece {
	const size = 1 << 14
	var out []piece
	add := func(lo, hi int, decay bool) {
		for ; lo < hi; lo += size {
			out = append(out, piece{lo, min(lo+size, hi), decay})
		}
	}
	if t.lora != nil {
		add(0, len(t.lora.w), false)
		return out
	}
	for _, p := range t.model.params {
		add(p.off, p.off+p.n, p.decays())
	}
	return out
}

// Truncated returns how many examples NewTrainer had to cut at their end.
func (t *Trainer) Truncated() int { return t.truncated }

// StepsDone returns the number of finished steps.
func (t *Trainer) StepsDone() int { return t.step }

// Step does one optimiser update. It returns io.EOF after the last step or when
// the source has ended, and the context's error when that is cancelled: then
// nothing has changed and the same step can be tried again.
func (t *Trainer) Step(ctx context.Context) (StepStats, error) {
	if err := ctx.Err(); err != nil {
		return StepStats{}, err
	}
	if t.step >= t.cfg.Steps {
		return StepStats{}, io.EOF
	}
	if t.pending == nil {
		rows, err := t.packer.next()
		if err != nil {
			return StepStats{}, err
		}
		if rows == nil {
			return StepStats{}, io.EOF
		}
		t.pending = split(rows, t.cfg.Shards)
	}
	st := StepStats{Step: t.step + 1, LR: t.cfg.rate(t.step)}
	for i := range t.pending {
		st.Tokens += len(t.pending[i].ids)
		st.LossTokens += len(t.pending[i].rows)
	}
	if err := t.pack(ctx); err != nil {
		return StepStats{}, err
	}
	losses := make([]float64, t.cfg.Shards)
	norm := float32(1 / float64(st.LossTokens))
	err := t.parallel(ctx, t.cfg.Shards, func(w int, i int) {
		net := t.net
		net.seed = mix(t.cfg.Seed ^ mix(uint64(t.step)<<16|uint64(i)))
		clear(t.grads[i].flat)
		b := &t.pending[i]
		if len(b.rows) == 0 {
			return
		}
		wk := t.workers[w]
		wk.forward(&net, b)
		losses[i] = wk.loss(&net, b, norm, t.grads[i])
		wk.backward(&net, b, t.grads[i])
	})
	if err != nil {
		return StepStats{}, err
	}
	for _, l := range losses {
		st.Loss += l
	}
	st.Loss /= float64(st.LossTokens)
	if st.GradNorm, err = t.update(st.LR); err != nil {
		return StepStats{}, err
	}
	t.step++
	t.pending = nil
	t.stale = true
	return st, nil
}

// update adds up the shards' gradients in order and applies AdamW. It is not
// interrupted: either all weights change or none.
func (t *Trainer) update(rate float64) (gradNorm float64, err error) {
	ctx := context.Background()
	sum := t.grads[0].flat
	squares := make([]float64, len(t.pieces))
	_ = t.parallel(ctx, len(t.pieces), func(_, i int) {
		p := t.pieces[i]
		d := sum[p.lo:p.hi]
		for _, g := range t.grads[1:] {
			addTo(g.flat[p.lo:p.hi], d)
		}
		for part := d; len(part) > 0; {
			// Short sums in float32 keep the precision of the long one.
			n := min(len(part), 256)
			squares[i] += float64(dotGo(part[:n], part[:n]))
			part = part[n:]
		}
	})
	var total float64
	for _, s := range squares {
		total += s
	}
	gradNorm = math.Sqrt(total)
	if math.IsNaN(gradNorm) || math.IsInf(gradNorm, 0) {
		return 0, fmt.Errorf("training diverged at step %d: the gradient is not a number; use a lower learning rate", t.step+1)
	}
	clip := 1.0
	if t.cfg.MaxGradNorm > 0 && gradNorm > t.cfg.MaxGradNorm {
		clip = t.cfg.MaxGradNorm / gradNorm
	}
	n := float64(t.step + 1)
	par := adamParams{
		gradScale: float32(clip),
		beta1:     float32(t.cfg.Beta1), oneMinusBeta1: float32(1 - t.cfg.Beta1),
		beta2: float32(t.cfg.Beta2), oneMinusBeta2: float32(1 - t.cfg.Beta2),
		correction1: float32(1 / (1 - math.Pow(t.cfg.Beta1, n))),
		correction2: float32(1 / (1 - math.Pow(t.cfg.Beta2, n))),
		epsilon:     1e-8, rate: float32(rate),
	}
	w := t.trained()
	_ = t.parallel(ctx, len(t.pieces), func(_, i int) {
		p, par := t.pieces[i], par
		if p.decay {
			par.rateTimesDecay = float32(rate * t.cfg.WeightDecay)
		}
		t.model.k.adamW(w[p.lo:p.hi], sum[p.lo:p.hi], t.m1[p.lo:p.hi], t.m2[p.lo:p.hi], &par)
	})
	return gradNorm, nil
}

// pack brings the packed matrices of the run up to date with its weights.
func (t *Trainer) pack(ctx context.Context) error {
	if !t.stale {
		return nil
	}
	if err := t.packInto(ctx, t.net.packs, !t.net.explicit, true); err != nil {
		return err
	}
	t.stale, t.frozen = false, true
	return nil
}

// packInto packs the current weights, with the adapters merged in or without.
// Matrices that no step changes are packed once.
func (t *Trainer) packInto(ctx context.Context, packs *weightPacks, merged, backward bool) error {
	m := t.model
	return t.parallel(ctx, packs.units(), func(w, i int) {
		weights := m.unitWeights(i)
		if t.lora != nil {
			li, mat := i/matsPerLayer, i%matsPerLayer
			plain := !merged || li == m.shape.layers || len(t.lora.groups[li][mat].adapters) == 0
			if plain && t.frozen && packs == t.net.packs {
				return
			}
			if !plain {
				out, in := m.shape.matDims(mat)
				sc := &t.scratch[w]
				sc[0], sc[1] = grow(sc[0], out*in), grow(sc[1], t.lora.rank*in)
				weights = t.lora.apply(t.workers[w].g, &m.shape, li, mat, weights, sc[0], sc[1])
			}
		}
		packs.packUnit(m, i, weights, backward)
	})
}

// EvalLoss returns the mean loss over the learnt tokens of data, in nats, with
// the weights as they are now and without dropout. Examples are cut to SeqLen.
func (t *Trainer) EvalLoss(ctx context.Context, data []Example) (float64, error) {
	net := t.net
	net.explicit, net.dropout = false, 0
	if t.net.explicit {
		if err := t.packInto(ctx, &t.effective, true, false); err != nil {
			return 0, err
		}
		net.packs = &t.effective
	} else if err := t.pack(ctx); err != nil {
		return 0, err
	}
	var batches []batch
	for i, e := range data {
		if err := t.base.checkIDs(e.IDs); err != nil {
			return 0, fmt.Errorf("evaluation example %d: %w", i+1, err)
		}
		e, ok := e.cut(t.cfg.SeqLen)
		if !ok {
			continue
		}
		if k := len(batches); k == 0 || len(batches[k-1].ids)+len(e.IDs) > 4*max(t.cfg.SeqLen, 64) {
			batches = append(batches, batch{})
		}
		batches[len(batches)-1].add(e)
	}
	if len(batches) == 0 {
		return 0, errors.New("evaluation data: there is no answer to score")
	}
	losses := make([]float64, len(batches))
	err := t.parallel(ctx, len(batches), func(w, i int) {
		t.workers[w].forward(&net, &batches[i])
		losses[i] = t.workers[w].loss(&net, &batches[i], 0, nil)
	})
	if err != nil {
		return 0, err
	}
	var total float64
	n := 0
	for i := range batches {
		total += losses[i]
		n += len(batches[i].rows)
	}
	return total / float64(n), nil
}

// Merged returns a copy of the trained model, adapters merged into its weights.
func (t *Trainer) Merged() *Model {
	if t.lora != nil {
		return t.lora.merge(t.base)
	}
	return t.model.Clone()
}

// parallel calls f(worker, i) for every i below n on up to GOMAXPROCS
// goroutines and waits for them. It stops early when ctx is cancelled.
func (t *Trainer) parallel(ctx context.Context, n int, f func(w, i int)) error {
	procs := min(runtime.GOMAXPROCS(0), n)
	for len(t.workers) < procs {
		t.workers = append(t.workers, newWorker(t.model))
		t.scratch = append(t.scratch, [2][]float32{})
	}
	var next atomic.Int64
	run := func(w int) {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			f(w, i)
		}
	}
	var wg sync.WaitGroup
	for w := 1; w < procs; w++ {
		wg.Go(func() { run(w) })
	}
	run(0)
	wg.Wait()
	return ctx.Err()
}
