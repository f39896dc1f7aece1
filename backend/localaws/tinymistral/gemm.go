package tinymistral

// Cache blocking of the matrix product: a block of b of blockK rows and up to
// blockN columns is packed at a time and used for blockM rows of a.
const (
	blockK = 384
	blockN = 512
	blockM = 96
	maxMR  = 12
	maxNR  = 32
)

// packed is a right-hand matrix b[k][n] in the order the micro-kernel reads it:
// for each block of blockK rows, panels of nr columns, zero padded.
type packed struct {
	k, n int
	mi   *micro
	data []float32
}

// gemm multiplies matrices on one goroutine; it holds that goroutine's packing
// memory and must not be shared.
type gemm struct {
	k    *kernel
	a, b []float32
	tile [maxMR * maxNR]float32
}

func newGemm(k *kernel) *gemm {
	return &gemm{k: k, a: make([]float32, maxMR*blockK), b: make([]float32, (blockN+maxNR)*blockK)}
}

// mul computes c[m][n] (+)= a·b, where a(i,k) is a[i*rsa+k*csa], b(k,j) is
// b[k*rsb+j*csb] and the rows of c lie ldc apart.
func (g *gemm) mul(m, n, kd int, a []float32, rsa, csa int, b []float32, rsb, csb int, c []float32, ldc int, acc bool) {
	if m == 0 || n == 0 {
		return
	}
	mi := g.k.pick(n)
	first := 0
	if csb == 1 && m <= 4*mi.mr {
		// b is used so few times that packing it would cost more than it saves.
		first = n / mi.nr * mi.nr
		if first > 0 {
			add := acc
			for p := 0; p < kd; p += blockK {
				kc := min(blockK, kd-p)
				g.macro(mi, m, first, kc, a[p*csa:], rsa, csa, b[p*rsb:], 1, rsb, c, ldc, add)
				add = true
			}
		}
	}
	for j := first; j < n; j += blockN {
		nc := min(blockN, n-j)
		add := acc
		for p := 0; p < kd; p += blockK {
			kc := min(blockK, kd-p)
			packPanels(g.b, b[p*rsb+j*csb:], rsb, csb, kc, nc, mi.nr)
			g.macro(mi, m, nc, kc, a[p*csa:], rsa, csa, g.b, kc, mi.nr, c[j:], ldc, add)
			add = true
		}
	}
}

// mulPacked is mul with a right-hand side packed beforehand.
func (g *gemm) mulPacked(m int, a []float32, rsa, csa int, b *packed, c []float32, ldc int, acc bool) {
	if m == 0 {
		return
	}
	padded := roundUp(b.n, b.mi.nr)
	for p := 0; p < b.k; p += blockK {
		kc := min(blockK, b.k-p)
		g.macro(b.mi, m, b.n, kc, a[p*csa:], rsa, csa, b.data[p*padded:], kc, b.mi.nr, c, ldc, acc || p > 0)
	}
}

// pack fills dst with b(k,j) = b[k*rsb+j*csb], reusing its memory.
func (dst *packed) pack(kern *kernel, k, n int, b []float32, rsb, csb int) {
	dst.k, dst.n, dst.mi = k, n, kern.pick(n)
	padded := roundUp(n, dst.mi.nr)
	dst.data = grow(dst.data, padded*k)
	for p := 0; p < k; p += blockK {
		kc := min(blockK, k-p)
		packPanels(dst.data[p*padded:], b[p*rsb:], rsb, csb, kc, n, dst.mi.nr)
	}
}

// macro runs the micro-kernel over one block. The panel of column j of b starts
// at j*bcol and its rows lie ldb apart.
func (g *gemm) macro(mi *micro, m, n, kc int, a []float32, rsa, csa int, b []float32, bcol, ldb int, c []float32, ldc int, acc bool) {
	mr, nr := mi.mr, mi.nr
	var add int64
	if acc {
		add = 1
	}
	tail := m % mr
	full := m - tail
	if tail > 0 {
		// Rows past the end must not be read, so the last tile gets its own copy.
		packPanels(g.a, a[full*rsa:], csa, rsa, kc, tail, mr)
	}
	for i0 := 0; i0 < m; i0 += blockM {
		i1 := min(m, i0+blockM)
		for j := 0; j < n; j += nr {
			bp := &b[j*bcol]
			nn := min(nr, n-j)
			for i := i0; i < i1; i += mr {
				ap, rs, cs, mm := &g.a[0], 1, mr, tail
				if i < full {
					ap, rs, cs, mm = &a[i*rsa], rsa, csa, mr
				}
				if mm == mr && nn == nr {
					_ = c[(i+mr-1)*ldc+j+nr-1]
					mi.run(int64(kc), ap, int64(rs), int64(cs), bp, int64(ldb), &c[i*ldc+j], int64(ldc), add)
					continue
				}
				mi.run(int64(kc), ap, int64(rs), int64(cs), bp, int64(ldb), &g.tile[0], int64(nr), 0)
				for r := range mm {
					row := c[(i+r)*ldc+j:][:nn]
					t := g.tile[r*nr:][:nn]
					if !acc {
						copy(row, t)
						continue
					}
					for x, v := range t {
						row[x] += v
					}
				}
			}
		}
	}
}

// packPanels copies x(k,j) = x[k*rs+j*cs] into panels of w columns, zero padded:
// dst[panel][k][w].
func packPanels(dst, x []float32, rs, cs, kc, n, w int) {
	for j := 0; j < n; j += w {
		m := min(w, n-j)
		out := dst[j*kc : j*kc+kc*w]
		if m < w {
			clear(out)
		}
		src := x[j*cs:]
		switch {
		case cs == 1:
			for k := range kc {
				copy(out[k*w:k*w+m], src[k*rs:k*rs+m])
			}
		case rs == 1:
			transpose(out, src, cs, kc, m, w)
		default:
			for k := range kc {
				for c := range m {
					out[k*w+c] = src[k*rs+c*cs]
				}
			}
		}
	}
}

// transpose writes out[k*w+c] = src[c*cs+k], four columns at a time.
func transpose(out, src []float32, cs, kc, m, w int) {
	c := 0
	for ; c+4 <= m; c += 4 {
		x0 := src[c*cs:][:kc]
		x1 := src[(c+1)*cs:][:kc]
		x2 := src[(c+2)*cs:][:kc]
		x3 := src[(c+3)*cs:][:kc]
		o := c
		for k := range x0 {
			q := out[o : o+4 : o+4]
			q[0], q[1], q[2], q[3] = x0[k], x1[k], x2[k], x3[k]
			o += w
		}
	}
	for ; c < m; c++ {
		o := c
		for _, v := range src[c*cs:][:kc] {
			out[o] = v
			o += w
		}
	}
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// grow returns a slice of n elements, reusing s where it is large enough. The
// contents are undefined.
func grow(s []float32, n int) []float32 {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]float32, n, n+n/8)
}
