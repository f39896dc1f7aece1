package tinymistral

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// LoRA says how adapters are trained instead of the weights themselves.
type LoRA struct {
	Rank    int      // 0 means full fine-tuning
	Alpha   float64  // the adapter's output is scaled by Alpha/Rank; 0 means 2·Rank
	Dropout float64  // probability that an adapter's input is zeroed, in [0, 1)
	Targets []string // "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"; empty means all
}

// loraTargets lists the matrices that can carry an adapter, in the order of use.
var loraTargets = []string{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}

// LoRATargets returns the names LoRA.Targets may hold.
func LoRATargets() []string { return slices.Clone(loraTargets) }

func (l LoRA) withDefaults() LoRA {
	if l.Rank > 0 && l.Alpha == 0 {
		l.Alpha = 2 * float64(l.Rank)
	}
	if l.Rank > 0 && len(l.Targets) == 0 {
		l.Targets = LoRATargets()
	}
	return l
}

func (l LoRA) validate() error {
	if l.Rank == 0 {
		return nil
	}
	if l.Rank < 0 || l.Rank > 256 {
		return fmt.Errorf("LoRA rank %d: choose 1 to 256, or 0 for full fine-tuning", l.Rank)
	}
	if !(l.Alpha > 0) || math.IsInf(l.Alpha, 0) {
		return fmt.Errorf("LoRA alpha %g: choose a positive number", l.Alpha)
	}
	if !(l.Dropout >= 0 && l.Dropout < 1) {
		return fmt.Errorf("LoRA dropout %g: choose a fraction from 0 up to, not including, 1", l.Dropout)
	}
	for i, t := range l.Targets {
		if !slices.Contains(loraTargets, t) {
			return fmt.Errorf("LoRA target %q is unknown: choose from %s", t, strings.Join(loraTargets, ", "))
		}
		if slices.Contains(l.Targets[:i], t) {
			return fmt.Errorf("LoRA target %q is named twice", t)
		}
	}
	return nil
}

// adapter is one pair of matrices: A is [rank][in]; B is kept transposed, as
// [rank][out]. It serves the columns from col of its matrix's output.
type adapter struct {
	col, out int
	b        int // offset of Bᵀ in the adapter weights
}

// adapterGroup holds the adapters of one matrix. Their A lie next to each other
// from offset a.
type adapterGroup struct {
	a        int
	adapters []adapter
}

// adapters is a set of LoRA weights for one model.
type adapters struct {
	rank   int
	scale  float32
	groups [][matsPerLayer]adapterGroup
	w      []float32
	names  []string // what each of the ranges holds, for tests and errors
	ranges [][2]int
}

func newAdapters(s *shape, cfg LoRA, seed uint64) *adapters {
	l := &adapters{rank: cfg.Rank, scale: float32(cfg.Alpha / float64(cfg.Rank)), groups: make([][matsPerLayer]adapterGroup, s.layers)}
	parts := [matsPerLayer][]struct {
		name     string
		col, out int
	}{
		matQKV:    {{"q_proj", 0, s.qd}, {"k_proj", s.qd, s.kvd}, {"v_proj", s.qd + s.kvd, s.kvd}},
		matO:      {{"o_proj", 0, s.d}},
		matGateUp: {{"gate_proj", 0, s.f}, {"up_proj", s.f, s.f}},
		matDown:   {{"down_proj", 0, s.d}},
	}
	rng := rand.New(rand.NewPCG(seed, 0x6c6f_7261))
	add := func(name string, n int, bound float64) int {
		off := len(l.w)
		l.names, l.ranges = append(l.names, name), append(l.ranges, [2]int{off, off + n})
		for range n {
			l.w = append(l.w, float32((2*rng.Float64()-1)*bound))
		}
		return off
	}
	for li := range l.groups {
		for mat := range l.groups[li] {
			g := &l.groups[li][mat]
			_, in := s.matDims(mat)
			g.a = len(l.w)
			var chosen []string
			for _, p := range parts[mat] {
				if !slices.Contains(cfg.Targets, p.name) {
					continue
				}
				// A as PEFT starts it, B zero: the adapter begins as nothing.
				add(fmt.Sprintf("layers.%d.%s.lora_A", li, p.name), l.rank*in, 1/math.Sqrt(float64(in)))
				g.adapters = append(g.adapters, adapter{col: p.col, out: p.out})
				chosen = append(chosen, p.name)
			}
			for i := range g.adapters {
				ad := &g.adapters[i]
				ad.b = add(fmt.Sprintf("layers.%d.%s.lora_B", li, chosen[i]), l.rank*ad.out, 0)
			}
		}
	}
	return l
}

// apply writes dst = w + scale·B·A for one matrix; w and dst are [out][in].
// It returns w itself when the matrix has no adapter.
func (l *adapters) apply(g *gemm, s *shape, li, mat int, w, dst, scratch []float32) []float32 {
	group := &l.groups[li][mat]
	if len(group.adapters) == 0 {
		return w
	}
	out, in := s.matDims(mat)
	dst = dst[:out*in]
	copy(dst, w)
	n := l.rank * in
	for t, ad := range group.adapters {
		a := scratch[:n]
		copy(a, l.w[group.a+t*n:])
		scaleBy(a, l.scale)
		g.mul(ad.out, in, l.rank, l.w[ad.b:], 1, ad.out, a, in, 1, dst[ad.col*in:], in, true)
	}
	return dst
}

// merge returns a copy of m with the adapters added to its weights.
func (l *adapters) merge(m *Model) *Model {
	c := m.Clone()
	g := newGemm(m.k)
	var dst, scratch []float32
	for li := range l.groups {
		for mat := range matsPerLayer {
			out, in := m.shape.matDims(mat)
			dst, scratch = grow(dst, out*in), grow(scratch, l.rank*in)
			copy(c.layers[li].mat(mat), l.apply(g, &m.shape, li, mat, m.layers[li].mat(mat), dst, scratch))
		}
	}
	return c
}

// dropout writes dst = src with values zeroed with probability p and the others
// scaled by 1/(1-p). The same seed zeroes the same values, so the backward pass
// needs no mask. dst may be src.
func dropout(dst, src []float32, seed uint64, p float64) {
	limit := uint64(p * 65536)
	keep := float32(1 / (1 - float64(limit)/65536))
	state := seed
	var bits uint64
	for i, v := range src {
		if i%4 == 0 {
			state += 0x9e3779b97f4a7c15
			bits = mix(state)
		}
		if bits&0xffff < limit {
			v = 0
		}
		dst[i] = v * keep
		bits >>= 16
	}
}

// mix is the finaliser of the splitmix64 generator.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
