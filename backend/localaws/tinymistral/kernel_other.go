//go:build !amd64

package tinymistral

// cpuKernels lists the kernels written for this processor: none, so the
// portable one runs.
func cpuKernels() []*kernel { return nil }
