package tinymistral

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate go run ./gen -out kernel_amd64.s

//go:noescape
func micro6x16(k int64, a *float32, rsa, csa int64, b *float32, ldb int64, c *float32, ldc, acc int64)

//go:noescape
func micro12x32(k int64, a *float32, rsa, csa int64, b *float32, ldb int64, c *float32, ldc, acc int64)

//go:noescape
func dotsAVX2(w *float32, ldw int64, x *float32, n int64, out *float32, groups int64)

//go:noescape
func dotsHalfAVX2(w *uint32, x *float32, n int64, out *float32, groups int64)

//go:noescape
func mixAVX2(p *float32, n int64, v *float32, ldv int64, out *float32, cols int64)

//go:noescape
func expSumAVX2(x *float32, n int64, sub, scale float32) float32

//go:noescape
func swigluAVX2(gate, u, s, y *float32, n int64)

//go:noescape
func swigluGradAVX2(gate, u, s, dy, dg, du *float32, n int64)

//go:noescape
func adamWAVX2(p, grad, m, v *float32, n int64, par *float32)

// cpuKernels lists the kernels this processor and operating system can run,
// best first, without the portable one.
func cpuKernels() []*kernel {
	var out []*kernel
	avx2 := cpu.X86.HasAVX2 && cpu.X86.HasFMA
	narrow := micro{mr: 6, nr: 16, run: micro6x16}
	vector := kernel{
		dots:       dotsVector,
		dotsHalf:   dotsHalfVector,
		mix:        mixVector,
		expSum:     expSumVector,
		swiglu:     swigluVector,
		swigluGrad: swigluGradVector,
		adamW:      adamWVector,
	}
	if avx2 && cpu.X86.HasAVX512F {
		k := vector
		k.name, k.wide, k.narrow = "avx512", micro{mr: 12, nr: 32, run: micro12x32}, narrow
		out = append(out, &k)
	}
	if avx2 {
		k := vector
		k.name, k.wide, k.narrow = "avx2", narrow, narrow
		out = append(out, &k)
	}
	return out
}

// The wrappers below hand the part that is a multiple of eight to the assembly
// and finish the rest in Go.

func dotsVector(w []float32, ldw int, x, out []float32) {
	n, rows := len(x), len(out)
	if rows == 0 {
		return
	}
	_ = w[(rows-1)*ldw+n-1]
	v := n &^ 7
	groups := rows / 4
	if v == 0 || groups == 0 {
		dotsGo(w, ldw, x, out)
		return
	}
	dotsAVX2(unsafe.SliceData(w), int64(ldw), unsafe.SliceData(x), int64(v), unsafe.SliceData(out), int64(groups))
	if v < n {
		for r := range 4 * groups {
			out[r] += dotGo(w[r*ldw+v:r*ldw+n], x[v:])
		}
	}
	if r := 4 * groups; r < rows {
		dotsGo(w[r*ldw:], ldw, x, out[r:])
	}
}

func dotsHalfVector(w []uint32, x, out []float32) {
	_ = w[len(out)*len(x)/2-1]
	dotsHalfAVX2(unsafe.SliceData(w), unsafe.SliceData(x), int64(len(x)), unsafe.SliceData(out), int64(len(out)/4))
}

func mixVector(p, v []float32, ldv int, out []float32) {
	n, cols := len(p), len(out)
	_ = v[(n-1)*ldv+cols-1]
	c := cols &^ 7
	if c > 0 {
		mixAVX2(unsafe.SliceData(p), int64(n), unsafe.SliceData(v), int64(ldv), unsafe.SliceData(out), int64(c))
	}
	if c < cols {
		mixGo(p, v[c:], ldv, out[c:])
	}
}

func expSumVector(x []float32, sub, scale float32) float32 {
	v := len(x) &^ 7
	var sum float32
	if v > 0 {
		sum = expSumAVX2(unsafe.SliceData(x), int64(v), sub, scale)
	}
	return sum + expSumGo(x[v:], sub, scale)
}

func swigluVector(g, u, s, y []float32) {
	n := len(g)
	u, s, y = u[:n], s[:n], y[:n]
	v := n &^ 7
	if v > 0 {
		swigluAVX2(unsafe.SliceData(g), unsafe.SliceData(u), unsafe.SliceData(s), unsafe.SliceData(y), int64(v))
	}
	swigluGo(g[v:], u[v:], s[v:], y[v:])
}

func swigluGradVector(g, u, s, dy, dg, du []float32) {
	n := len(g)
	u, s, dy, dg, du = u[:n], s[:n], dy[:n], dg[:n], du[:n]
	v := n &^ 7
	if v > 0 {
		swigluGradAVX2(unsafe.SliceData(g), unsafe.SliceData(u), unsafe.SliceData(s), unsafe.SliceData(dy),
			unsafe.SliceData(dg), unsafe.SliceData(du), int64(v))
	}
	swigluGradGo(g[v:], u[v:], s[v:], dy[v:], dg[v:], du[v:])
}

func adamWVector(p, g, m, v []float32, par *adamParams) {
	n := len(p)
	g, m, v = g[:n], m[:n], v[:n]
	k := n &^ 7
	if k > 0 {
		adamWAVX2(unsafe.SliceData(p), unsafe.SliceData(g), unsafe.SliceData(m), unsafe.SliceData(v), int64(k), &par.gradScale)
	}
	adamWGo(p[k:], g[k:], m[k:], v[k:], par)
}
