package tinymistral

import (
	"math"
	"unsafe"
)

// portable is the set of inner loops in Go, for machines without one of their own.
var portable = &kernel{
	name:       "go",
	wide:       micro{mr: 2, nr: 4, run: micro2x4},
	narrow:     micro{mr: 2, nr: 4, run: micro2x4},
	dots:       dotsGo,
	mix:        mixGo,
	expSum:     expSumGo,
	swiglu:     swigluGo,
	swigluGrad: swigluGradGo,
	adamW:      adamWGo,
}

// micro2x4 keeps eight sums in registers; a larger tile would spill on AMD64.
func micro2x4(k int64, a *float32, rsa, csa int64, b *float32, ldb int64, c *float32, ldc, acc int64) {
	// The caller guarantees the extents; pointers keep the loop free of checks,
	// which cost as much as the arithmetic.
	pa, pb := unsafe.Pointer(a), unsafe.Pointer(b)
	row, stepA, stepB := int(rsa)*4, int(csa)*4, int(ldb)*4
	var c00, c01, c02, c03, c10, c11, c12, c13 float32
	for {
		a0, a1 := *(*float32)(pa), *(*float32)(unsafe.Add(pa, row))
		q := (*[4]float32)(pb)
		b0, b1, b2, b3 := q[0], q[1], q[2], q[3]
		c00 += a0 * b0
		c10 += a1 * b0
		c01 += a0 * b1
		c11 += a1 * b1
		c02 += a0 * b2
		c12 += a1 * b2
		c03 += a0 * b3
		c13 += a1 * b3
		if k--; k == 0 {
			break
		}
		pa, pb = unsafe.Add(pa, stepA), unsafe.Add(pb, stepB)
	}
	r0 := unsafe.Slice(c, ldc+4)
	r1 := r0[ldc : ldc+4]
	r0 = r0[:4]
	if acc != 0 {
		c00, c01, c02, c03 = c00+r0[0], c01+r0[1], c02+r0[2], c03+r0[3]
		c10, c11, c12, c13 = c10+r1[0], c11+r1[1], c12+r1[2], c13+r1[3]
	}
	r0[0], r0[1], r0[2], r0[3] = c00, c01, c02, c03
	r1[0], r1[1], r1[2], r1[3] = c10, c11, c12, c13
}

func dotGo(a, b []float32) float32 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float32
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		s0 += v * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}

func dotsGo(w []float32, ldw int, x, out []float32) {
	n := len(x)
	r := 0
	for ; r+4 <= len(out); r += 4 {
		w0, w1, w2, w3 := w[r*ldw:][:n], w[(r+1)*ldw:][:n], w[(r+2)*ldw:][:n], w[(r+3)*ldw:][:n]
		var s0, s1, s2, s3 float32
		for i, v := range x {
			s0 += w0[i] * v
			s1 += w1[i] * v
			s2 += w2[i] * v
			s3 += w3[i] * v
		}
		out[r], out[r+1], out[r+2], out[r+3] = s0, s1, s2, s3
	}
	for ; r < len(out); r++ {
		out[r] = dotGo(w[r*ldw:][:n], x)
	}
}

func mixGo(p, v []float32, ldv int, out []float32) {
	clear(out)
	for j, f := range p {
		row := v[j*ldv:][:len(out)]
		for i, x := range row {
			out[i] += f * x
		}
	}
}

// expGo is e^x with the same reduction and polynomial as the assembly.
func expGo(x float32) float32 {
	x = min(max(x, -87), 88)
	z := x * 1.44269504088896341
	var n int32
	if z >= 0 {
		n = int32(z + 0.5)
	} else {
		n = int32(z - 0.5)
	}
	fn := float32(n)
	r := x - fn*0.693359375 + fn*2.12194440e-4
	p := float32(1.9875691500e-4)
	p = p*r + 1.3981999507e-3
	p = p*r + 8.3334519073e-3
	p = p*r + 4.1665795894e-2
	p = p*r + 1.6666665459e-1
	p = p*r + 0.5
	y := p*r*r + r + 1
	return y * math.Float32frombits(uint32(n+127)<<23)
}

func expSumGo(x []float32, sub, scale float32) float32 {
	var sum float32
	for i, v := range x {
		e := expGo((v - sub) * scale)
		x[i] = e
		sum += e
	}
	return sum
}

func swigluGo(g, u, s, y []float32) {
	n := len(g)
	u, s, y = u[:n], s[:n], y[:n]
	for i, v := range g {
		sg := 1 / (1 + expGo(-v))
		y[i] = v * sg * u[i]
		s[i] = sg
	}
}

func swigluGradGo(g, u, s, dy, dg, du []float32) {
	n := len(g)
	u, s, dy, dg, du = u[:n], s[:n], dy[:n], dg[:n], du[:n]
	for i, v := range g {
		sg := s[i]
		d := dy[i] * sg
		ui := u[i]
		du[i] = d * v
		dg[i] = d * ui * (1 + v*(1-sg))
	}
}

func adamWGo(p, g, m, v []float32, par *adamParams) {
	n := len(p)
	g, m, v = g[:n], m[:n], v[:n]
	for i := range p {
		d := g[i] * par.gradScale
		mi := par.beta1*m[i] + par.oneMinusBeta1*d
		vi := par.beta2*v[i] + par.oneMinusBeta2*d*d
		m[i], v[i] = mi, vi
		up := mi * par.correction1 / (float32(math.Sqrt(float64(vi*par.correction2))) + par.epsilon)
		p[i] -= par.rate*up + par.rateTimesDecay*p[i]
	}
}
