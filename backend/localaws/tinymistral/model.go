package tinymistral

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"tunebench/backend/artifact"
)

// maxContext bounds the context length whatever config.json says, and with it
// the memory of position tables and caches.
const maxContext = 32768

// maxParams bounds the size of a model this engine takes on: float32 weights
// of 1 GiB.
const maxParams = 1 << 28

// shape holds the sizes of a model under short names.
type shape struct {
	d, f, layers    int // residual width, inner width, number of layers
	heads, kv, hd   int // query heads, key/value heads, width of a head
	vocab, context  int
	qd, kvd, qkv    int // widths of the queries, of the keys, of q, k and v together
	group           int // query heads per key/value head
	eps, theta      float64
	attentionFactor float32 // 1/sqrt(hd)
	tied            bool
}

func newShape(c artifact.Config) (shape, error) {
	s := shape{
		d: c.HiddenSize, f: c.IntermediateSize, layers: c.NumHiddenLayers,
		heads: c.NumAttentionHeads, kv: c.NumKeyValueHeads, hd: c.HeadDim,
		vocab: c.VocabSize, context: min(c.MaxPositionEmbeddings, maxContext),
		eps: c.RMSNormEps, theta: c.RopeTheta, tied: c.TieWordEmbeddings,
	}
	if err := c.Validate(); err != nil {
		return s, err
	}
	if raw, ok := c.Raw("sliding_window"); ok {
		// Within one window, attention is the same with and without it.
		var window int
		if json.Unmarshal(raw, &window) == nil && window > 0 {
			s.context = min(s.context, window)
		}
	}
	s.qd, s.kvd = s.heads*s.hd, s.kv*s.hd
	s.qkv, s.group = s.qd+2*s.kvd, s.heads/s.kv
	s.attentionFactor = float32(1 / math.Sqrt(float64(s.hd)))
	perLayer := s.qkv*s.d + s.d*s.qd + 3*s.f*s.d + 2*s.d
	if n := s.layers*perLayer + 2*s.vocab*s.d; n > maxParams {
		return s, fmt.Errorf("model has about %d million parameters; the local engine takes up to %d million: use a smaller Mistral", n>>20, maxParams>>20)
	}
	return s, nil
}

// param is a window of the flat weight buffer.
type param struct {
	name   string
	dims   []int
	off, n int
}

// decays says whether weight decay applies: to matrices, not to norms.
func (p param) decays() bool { return len(p.dims) > 1 }

// layerWeights are windows of one layer. Weights that share an input lie next
// to each other and are used as one matrix: q, k and v; gate and up.
type layerWeights struct {
	norm1, qkv, o, norm2, gateUp, down []float32
}

// Model is a decoder with its weights in float32. It does not change.
type Model struct {
	cfg    artifact.Config
	shape  shape
	k      *kernel
	params []param
	w      []float32 // all parameters, in the order of params
	eos    []int32   // tokens that end an answer

	embed, norm, head []float32
	layers            []layerWeights

	rope   atomic.Pointer[ropeTable]
	ropeMu sync.Mutex
	// Forms of the matrices that inference reads, built when first needed.
	packs   func() *weightPacks // for many tokens at once
	vectors func() *vectors     // for one token
}

// newModel lays out the parameters of a configuration, all zero.
func newModel(cfg artifact.Config) (*Model, error) {
	s, err := newShape(cfg)
	if err != nil {
		return nil, err
	}
	m := &Model{cfg: cfg, shape: s, k: defaultKernel(), eos: []int32{cfg.EOSTokenID}}
	if raw, ok := cfg.Raw("eos_token_id"); ok {
		var several []int32
		if json.Unmarshal(raw, &several) == nil {
			m.eos = several
		}
	}
	off := 0
	for _, t := range artifact.ExpectedTensors(cfg) {
		n := 1
		for _, d := range t.Shape {
			n *= d
		}
		m.params = append(m.params, param{name: t.Name, dims: t.Shape, off: off, n: n})
		off += n
	}
	m.w = make([]float32, off)
	m.bind()
	return m, nil
}

// bind points the windows into m.w.
func (m *Model) bind() {
	s := &m.shape
	off := 0
	next := func(n int) []float32 {
		w := m.w[off : off+n : off+n]
		off += n
		return w
	}
	m.embed = next(s.vocab * s.d)
	m.layers = make([]layerWeights, s.layers)
	for i := range m.layers {
		l := &m.layers[i]
		l.norm1 = next(s.d)
		l.qkv = next(s.qkv * s.d)
		l.o = next(s.d * s.qd)
		l.norm2 = next(s.d)
		l.gateUp = next(2 * s.f * s.d)
		l.down = next(s.d * s.f)
	}
	m.norm = next(s.d)
	m.head = m.embed
	if !s.tied {
		m.head = next(s.vocab * s.d)
	}
	m.packs = sync.OnceValue(func() *weightPacks {
		p := newWeightPacks(m)
		for i := range p.units() {
			p.packUnit(m, i, m.unitWeights(i), false)
		}
		return p
	})
	m.vectors = sync.OnceValue(func() *vectors { return newVectors(m) })
}

// New makes a model with random weights; the same seed gives the same model.
// It fails when cfg is not a valid Mistral configuration.
func New(cfg artifact.Config, seed uint64) (*Model, error) {
	m, err := newModel(cfg)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(seed, 0x7469_6e79))
	for _, p := range m.params {
		w := m.w[p.off : p.off+p.n]
		if !p.decays() {
			for i := range w {
				w[i] = 1
			}
			continue
		}
		sd := 0.02
		if strings.Contains(p.name, "_proj.") {
			sd = 0.6 / math.Sqrt(float64(p.dims[1]))
		}
		if strings.Contains(p.name, "o_proj.") || strings.Contains(p.name, "down_proj.") {
			// These write into the residual stream, which grows with depth.
			sd /= math.Sqrt(2 * float64(m.shape.layers))
		}
		for i := range w {
			w[i] = float32(rng.NormFloat64() * sd)
		}
	}
	return m, nil
}

// Load reads config.json and the weights of an artifact folder. The error names
// what is missing or has the wrong shape.
func Load(fsys fs.FS) (*Model, error) {
	cfg, err := artifact.ReadConfig(fsys)
	if err != nil {
		return nil, err
	}
	m, err := newModel(cfg)
	if err != nil {
		return nil, err
	}
	weights, err := artifact.OpenWeights(fsys)
	if err != nil {
		return nil, err
	}
	defer weights.Close()
	found := make(map[string][]int)
	for _, t := range weights.Tensors() {
		found[t.Name] = t.Shape
	}
	for _, p := range m.params {
		dims, ok := found[p.name]
		if !ok {
			return nil, fmt.Errorf("weights: tensor %q is missing; the folder does not hold the model that its config.json describes", p.name)
		}
		if !slices.Equal(dims, p.dims) {
			return nil, fmt.Errorf("weights: tensor %q has shape %v, config.json asks for %v", p.name, dims, p.dims)
		}
		data, err := weights.Float32(p.name)
		if err != nil {
			return nil, err
		}
		copy(m.w[p.off:p.off+p.n], data)
	}
	return m, nil
}

// Config returns the configuration the model was made from.
func (m *Model) Config() artifact.Config { return m.cfg }

// Tensors returns the weights under their Hugging Face names. The data is the
// model's own memory: read it, do not write it.
func (m *Model) Tensors() []artifact.Tensor {
	out := make([]artifact.Tensor, len(m.params))
	for i, p := range m.params {
		out[i] = artifact.Tensor{Name: p.name, Shape: slices.Clone(p.dims), Data: m.w[p.off : p.off+p.n]}
	}
	return out
}

// Clone returns a model with its own copy of the weights.
func (m *Model) Clone() *Model {
	c := &Model{cfg: m.cfg, shape: m.shape, k: m.k, params: m.params, eos: m.eos, w: slices.Clone(m.w)}
	c.bind()
	return c
}

// Context returns the longest sequence the model takes, in tokens.
func (m *Model) Context() int { return m.shape.context }

// checkIDs refuses token ids the model has no embedding for.
func (m *Model) checkIDs(ids []int32) error {
	for i, id := range ids {
		if id < 0 || int(id) >= m.shape.vocab {
			return fmt.Errorf("token %d at position %d is outside the model's vocabulary of %d; the tokenizer and the model do not belong together", id, i, m.shape.vocab)
		}
	}
	return nil
}

// ropeTable holds the cosines and sines of the rotary embedding, half a head
// per position.
type ropeTable struct {
	positions int
	cos, sin  []float32
}

// ropeFor returns a table of at least n positions.
func (m *Model) ropeFor(n int) *ropeTable {
	if t := m.rope.Load(); t != nil && t.positions >= n {
		return t
	}
	m.ropeMu.Lock()
	defer m.ropeMu.Unlock()
	if t := m.rope.Load(); t != nil && t.positions >= n {
		return t
	}
	n = min(max(n, 256, roundUp(n, 1024)), max(n, m.shape.context))
	half := m.shape.hd / 2
	t := &ropeTable{positions: n, cos: make([]float32, n*half), sin: make([]float32, n*half)}
	for i := range half {
		freq := math.Pow(m.shape.theta, -2*float64(i)/float64(m.shape.hd))
		for p := range n {
			sin, cos := math.Sincos(float64(p) * freq)
			t.cos[p*half+i], t.sin[p*half+i] = float32(cos), float32(sin)
		}
	}
	m.rope.Store(t)
	return t
}

// rotate turns the heads of one row for position pos; inverse turns them back,
// which is also what carries a gradient through.
func (t *ropeTable) rotate(row []float32, pos, hd int, inverse bool) {
	half := hd / 2
	cos, sin := t.cos[pos*half:][:half], t.sin[pos*half:][:half]
	for ; len(row) >= hd; row = row[hd:] {
		x, y := row[:half], row[half:hd]
		if inverse {
			for i, c := range cos {
				a, b, s := x[i], y[i], sin[i]
				x[i], y[i] = a*c+b*s, b*c-a*s
			}
			continue
		}
		for i, c := range cos {
			a, b, s := x[i], y[i], sin[i]
			x[i], y[i] = a*c-b*s, b*c+a*s
		}
	}
}
