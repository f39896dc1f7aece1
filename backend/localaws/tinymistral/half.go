package tinymistral

import "math"

// Generation reads every weight once per token, so its speed is that of memory.
// Artifacts are bfloat16: where each weight of a model is one exactly, a second
// copy at half the size serves generation, with bit for bit the same results.

// halfMatrix holds rows of bfloat16. A word holds value i of a block of sixteen
// in its low half and value i+8 in its high half, so that a shift and a mask
// turn eight words into two runs of eight float32.
type halfMatrix []uint32

// halfBlock is the number of values that are stored together.
const halfBlock = 16

// matrix is a matrix of a model for matrix-vector products.
type matrix struct {
	full []float32
	half halfMatrix // nil unless it may be used
}

// gemv computes y[n] = w[n][len(x)]·x.
func (k *kernel) gemv(w *matrix, x, y []float32) {
	if w.half != nil {
		k.dotsHalf(w.half, x, y)
		return
	}
	k.dots(w.full, len(x), x, y)
}

// newMatrix prepares w, rows of cols values, for gemv with kernel k.
func newMatrix(k *kernel, w []float32, cols int) matrix {
	m := matrix{full: w}
	if k.dotsHalf == nil || cols%halfBlock != 0 || len(w)/cols%4 != 0 {
		return m
	}
	for _, v := range w {
		if math.Float32bits(v)&0xffff != 0 {
			return m
		}
	}
	m.half = make(halfMatrix, 0, len(w)/2)
	for ; len(w) > 0; w = w[halfBlock:] {
		for i := range halfBlock / 2 {
			m.half = append(m.half, math.Float32bits(w[i])>>16|math.Float32bits(w[i+halfBlock/2]))
		}
	}
	return m
}

// vectors holds the matrices of a model for generation.
type vectors struct {
	layers [][matsPerLayer]matrix
	head   matrix
}

func newVectors(m *Model) *vectors {
	v := &vectors{layers: make([][matsPerLayer]matrix, m.shape.layers), head: newMatrix(m.k, m.head, m.shape.d)}
	for li := range v.layers {
		for mat := range matsPerLayer {
			_, in := m.shape.matDims(mat)
			v.layers[li][mat] = newMatrix(m.k, m.layers[li].mat(mat), in)
		}
	}
	return v
}
