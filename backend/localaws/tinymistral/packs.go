package tinymistral

// The matrices of a layer, in the order of their use.
const (
	matQKV = iota
	matO
	matGateUp
	matDown
	matsPerLayer
)

// weightPacks holds every matrix of a model as a packed right-hand side:
// forward (x·Wᵀ) and, for training, backward (dy·W).
type weightPacks struct {
	forward, backward [][matsPerLayer]packed // per layer
	head, headBack    packed
}

func newWeightPacks(m *Model) *weightPacks {
	return &weightPacks{
		forward:  make([][matsPerLayer]packed, m.shape.layers),
		backward: make([][matsPerLayer]packed, m.shape.layers),
	}
}

// units is the number of matrices; unit layers*matsPerLayer is the output head.
func (p *weightPacks) units() int { return len(p.forward)*matsPerLayer + 1 }

// matDims returns the outputs and inputs of a layer's matrix.
func (s *shape) matDims(mat int) (out, in int) {
	switch mat {
	case matQKV:
		return s.qkv, s.d
	case matO:
		return s.d, s.qd
	case matGateUp:
		return 2 * s.f, s.d
	default:
		return s.d, s.f
	}
}

func (l *layerWeights) mat(mat int) []float32 {
	return [matsPerLayer][]float32{l.qkv, l.o, l.gateUp, l.down}[mat]
}

// unitWeights returns the weights that unit i packs.
func (m *Model) unitWeights(i int) []float32 {
	if i == m.shape.layers*matsPerLayer {
		return m.head
	}
	return m.layers[i/matsPerLayer].mat(i % matsPerLayer)
}

// packUnit packs unit i from w; units may be packed at the same time.
func (p *weightPacks) packUnit(m *Model, i int, w []float32, backward bool) {
	out, in := m.shape.vocab, m.shape.d
	fwd, bwd := &p.head, &p.headBack
	if i < len(p.forward)*matsPerLayer {
		out, in = m.shape.matDims(i % matsPerLayer)
		fwd, bwd = &p.forward[i/matsPerLayer][i%matsPerLayer], &p.backward[i/matsPerLayer][i%matsPerLayer]
	}
	fwd.pack(m.k, in, out, w, 1, in)
	if backward {
		bwd.pack(m.k, out, in, w, in, 1)
	}
}
