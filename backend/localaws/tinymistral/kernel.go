package tinymistral

import (
	"os"
	"sync"
)

// micro computes one tile of a matrix product:
// c[i*ldc+j] (+)= sum over k of a[i*rsa+k*csa] * b[k*ldb+j], for i < mr, j < nr.
// It adds to c when acc is not zero and overwrites it otherwise; k is positive.
type micro struct {
	mr, nr int
	run    func(k int64, a *float32, rsa, csa int64, b *float32, ldb int64, c *float32, ldc, acc int64)
}

// kernel is one set of inner loops. All sets compute the same values up to the
// order of additions and fused rounding (relative 1e-5; a test holds them to it).
type kernel struct {
	name string
	wide micro
	// narrow serves products with few columns, where wide would compute padding.
	narrow micro

	dots       func(w []float32, ldw int, x, out []float32)  // out[r] = row r of w · x; rows lie ldw apart
	dotsHalf   func(w []uint32, x, out []float32)            // dots of a halfMatrix; nil where it would not pay
	mix        func(p, v []float32, ldv int, out []float32)  // out = sum of p[j] · row j of v; rows lie ldv apart
	expSum     func(x []float32, sub, scale float32) float32 // x = e^((x-sub)·scale), returns the sum
	swiglu     func(g, u, s, y []float32)                    // s = sigmoid(g), y = g·s·u
	swigluGrad func(g, u, s, dy, dg, du []float32)           // gradients of swiglu
	adamW      func(p, g, m, v []float32, par *adamParams)   // one optimiser update
}

// adamParams are the constants of one AdamW update. The assembly reads them in
// this order.
type adamParams struct {
	gradScale            float32
	beta1, oneMinusBeta1 float32
	beta2, oneMinusBeta2 float32
	correction1          float32 // 1/(1-beta1^t)
	correction2          float32 // 1/(1-beta2^t)
	epsilon              float32
	rate, rateTimesDecay float32
}

// pick chooses the tile for a product with n columns.
func (k *kernel) pick(n int) *micro {
	if n <= k.narrow.nr {
		return &k.narrow
	}
	return &k.wide
}

// kernelEnv forces one set of inner loops: "avx512", "avx2" or "go".
const kernelEnv = "TUNEBENCH_KERNEL"

// kernels lists every set this machine can run, best first.
var kernels = sync.OnceValue(func() []*kernel { return append(cpuKernels(), portable) })

var defaultKernel = sync.OnceValue(func() *kernel { return choose(os.Getenv(kernelEnv)) })

// choose returns the kernel of that name, or the best one where there is none.
func choose(name string) *kernel {
	for _, k := range kernels() {
		if k.name == name {
			return k
		}
	}
	return kernels()[0]
}

// KernelName says which set of inner loops runs: "avx512", "avx2" or "go". The
// environment variable TUNEBENCH_KERNEL forces one; a value that is unknown or
// that this machine cannot run is ignored.
func KernelName() string { return defaultKernel().name }
