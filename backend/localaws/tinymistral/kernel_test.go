package tinymistral

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// kernelTolerance is how far two sets of inner loops may differ, relative to
// the largest value of the result.
const kernelTolerance = 1e-5

func randoms(rng *rand.Rand, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(rng.NormFloat64())
	}
	return out
}

// randomRows returns the same matrix every time it is asked for the same size.
func randomRows(rows, cols int) []float32 {
	return randoms(rand.New(rand.NewPCG(uint64(rows), uint64(cols))), rows*cols)
}

// furthest returns the largest difference relative to the largest value.
func furthest(got, want []float32) float64 {
	var diff, scale float64
	for i := range want {
		diff = max(diff, math.Abs(float64(got[i]-want[i])))
		scale = max(scale, math.Abs(float64(want[i])))
		if math.IsNaN(float64(got[i])) {
			return math.Inf(1)
		}
	}
	return diff / max(scale, 1e-30)
}

func eachKernel(t *testing.T, f func(t *testing.T, k *kernel)) {
	for _, k := range kernels() {
		t.Run(k.name, func(t *testing.T) { f(t, k) })
	}
}

func TestMatrixProduct(t *testing.T) {
	eachKernel(t, func(t *testing.T, k *kernel) {
		rng := rand.New(rand.NewPCG(1, 2))
		g := newGemm(k)
		shapes := [][3]int{{1, 1, 1}, {2, 3, 5}, {6, 16, 8}, {7, 17, 9}, {12, 32, 33}, {13, 33, 400}, {100, 70, 50}, {25, 530, 20}, {60, 40, 800}}
		for _, s := range shapes {
			m, n, kd := s[0], s[1], s[2]
			for layout := range 8 {
				transA, transB, acc := layout&1 != 0, layout&2 != 0, layout&4 != 0
				a, b := randoms(rng, m*kd), randoms(rng, kd*n)
				ldc := n + 3
				c := randoms(rng, m*ldc)
				want := make([]float32, len(c))
				copy(want, c)
				rsa, csa, rsb, csb := kd, 1, n, 1
				if transA {
					rsa, csa = 1, m
				}
				if transB {
					rsb, csb = 1, kd
				}
				for i := range m {
					for j := range n {
						var sum float64
						for p := range kd {
							sum += float64(a[i*rsa+p*csa]) * float64(b[p*rsb+j*csb])
						}
						if acc {
							sum += float64(want[i*ldc+j])
						}
						want[i*ldc+j] = float32(sum)
					}
				}
				if !acc {
					var pk packed
					pk.pack(k, kd, n, b, rsb, csb)
					c2 := make([]float32, len(c))
					copy(c2, c)
					g.mulPacked(m, a, rsa, csa, &pk, c2, ldc, false)
					if d := furthest(c2, want); d > kernelTolerance {
						t.Errorf("packed %v layout %d: off by %g", s, layout, d)
					}
				}
				g.mul(m, n, kd, a, rsa, csa, b, rsb, csb, c, ldc, acc)
				if d := furthest(c, want); d > kernelTolerance {
					t.Errorf("%v layout %d: off by %g", s, layout, d)
				}
			}
		}
	})
}

// TestKernelsAgree holds every set of inner loops to the portable one.
func TestKernelsAgree(t *testing.T) {
	eachKernel(t, func(t *testing.T, k *kernel) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, n := range []int{1, 7, 8, 9, 16, 24, 31, 64, 129} {
			check := func(what string, got, want []float32) {
				t.Helper()
				if d := furthest(got, want); d > kernelTolerance {
					t.Errorf("%s of %d: off by %g", what, n, d)
				}
			}
			twice := func(x []float32) ([]float32, []float32) {
				return append([]float32(nil), x...), append([]float32(nil), x...)
			}
			x, u, dy := randoms(rng, n), randoms(rng, n), randoms(rng, n)
			w := randoms(rng, 11*(n+2))
			got, want := make([]float32, 11), make([]float32, 11)
			k.dots(w, n+2, x, got)
			portable.dots(w, n+2, x, want)
			check("dots", got, want)

			cols := min(n, 41)
			got, want = make([]float32, cols), make([]float32, cols)
			k.mix(x, randomRows(n, cols+2), cols+2, got)
			portable.mix(x, randomRows(n, cols+2), cols+2, want)
			check("mix", got, want)

			got, want = twice(x)
			s1, s2 := k.expSum(got, 0.3, 5), portable.expSum(want, 0.3, 5)
			check("exp", append(got, s1), append(want, s2))
			for i, v := range x {
				if e := math.Exp((float64(v) - 0.3) * 5); math.Abs(float64(want[i])-e) > 1e-5*e {
					t.Errorf("exp: got %g, want %g", want[i], e)
				}
			}

			g1, g2, y1, y2 := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
			k.swiglu(x, u, g1, y1)
			portable.swiglu(x, u, g2, y2)
			check("swiglu", y1, y2)
			check("sigmoid", g1, g2)
			d1, d2, e1, e2 := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
			k.swigluGrad(x, u, g1, dy, d1, e1)
			portable.swigluGrad(x, u, g1, dy, d2, e2)
			check("swiglu gradient", append(d1, e1...), append(d2, e2...))

			par := adamParams{0.5, 0.9, 0.1, 0.98, 0.02, 1.5, 1.2, 1e-8, 1e-2, 1e-4}
			p1, p2 := twice(x)
			m1, m2 := twice(u)
			v1, v2 := make([]float32, n), make([]float32, n)
			k.adamW(p1, dy, m1, v1, &par)
			portable.adamW(p2, dy, m2, v2, &par)
			check("adamW", append(append(p1, m1...), v1...), append(append(p2, m2...), v2...))
		}
	})
}

func BenchmarkMatrixProduct(b *testing.B) {
	for _, k := range kernels() {
		for _, s := range [][3]int{{256, 384, 128}, {256, 128, 384}, {256, 2048, 128}, {1024, 1024, 1024}} {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", k.name, s[0], s[1], s[2]), func(b *testing.B) {
				m, n, kd := s[0], s[1], s[2]
				rng := rand.New(rand.NewPCG(1, 1))
				x, w, y := randoms(rng, m*kd), randoms(rng, n*kd), make([]float32, m*n)
				g := newGemm(k)
				b.ReportAllocs()
				start := cpuTime()
				for b.Loop() {
					g.mul(m, n, kd, x, kd, 1, w, 1, kd, y, n, false)
				}
				b.ReportMetric(2*float64(m*n*kd)*float64(b.N)/(cpuTime()-start).Seconds()/1e9, "GFLOP/core-s")
			})
		}
	}
}
