package tinymistral

import "math"

// rmsNorm writes y = x/rms(x)·gain for each row of width d, and 1/rms into r.
func rmsNorm(x, gain, y, r []float32, d int, eps float64) {
	for i := range r {
		xi, yi := x[i*d:][:d], y[i*d:][:d]
		ri := float32(1 / math.Sqrt(float64(dotGo(xi, xi))/float64(d)+eps))
		r[i] = ri
		g := gain[:len(xi)]
		yi = yi[:len(xi)]
		for j, v := range xi {
			yi[j] = v * ri * g[j]
		}
	}
}

// rmsNormGrad adds the gradient of rmsNorm to dx and, unless it is nil, to dgain.
func rmsNormGrad(x, gain, r, dy, dx, dgain []float32, d int) {
	for i, ri := range r {
		xi, dyi, dxi := x[i*d:][:d], dy[i*d:][:d], dx[i*d:][:d]
		g := gain[:len(xi)]
		var s0, s1 float32
		for j := 0; j+1 < len(xi); j += 2 {
			s0 += dyi[j] * g[j] * xi[j]
			s1 += dyi[j+1] * g[j+1] * xi[j+1]
		}
		if d%2 == 1 {
			s0 += dyi[d-1] * g[d-1] * xi[d-1]
		}
		c := (s0 + s1) * ri * ri * ri / float32(d)
		for j, v := range xi {
			dxi[j] += dyi[j]*g[j]*ri - v*c
		}
		if dgain != nil {
			dg := dgain[:len(xi)]
			for j, v := range xi {
				dg[j] += dyi[j] * v * ri
			}
		}
	}
}

func maxOf(x []float32) float32 {
	m0, m1, m2, m3 := x[0], x[0], x[0], x[0]
	for len(x) >= 4 {
		m0, m1, m2, m3 = max(m0, x[0]), max(m1, x[1]), max(m2, x[2]), max(m3, x[3])
		x = x[4:]
	}
	for _, v := range x {
		m0 = max(m0, v)
	}
	return max(m0, m1, m2, m3)
}

func scaleBy(x []float32, f float32) {
	for i := range x {
		x[i] *= f
	}
}

func addTo(x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += v
	}
}

// softmaxRows turns row i of p, of which the first i+shift+1 values count, into
// probabilities of factor·p; what a causal mask hides becomes zero.
func (k *kernel) softmaxRows(p []float32, rows, cols, shift int, factor float32) {
	for i := range rows {
		n := i + shift + 1
		row := p[i*cols : i*cols+n]
		scaleBy(row, 1/k.expSum(row, maxOf(row), factor))
		clear(p[i*cols+n : (i+1)*cols])
	}
}
