package quotes

import "golang.org/x/sys/cpu"

// scanAVX2 takes in the n bytes at b, a multiple of width: accumulator.step for
// each 64 of them.
//
//go:noescape
func scanAVX2(b *byte, n int, comma byte, a *accumulator)

// scan is nil where the processor has not what it takes.
var scan = func() func(b *byte, n int, comma byte, a *accumulator) {
	if cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT && cpu.X86.HasPCLMULQDQ && cpu.X86.HasBMI1 {
		return scanAVX2
	}
	return nil
}()
