package match

import "golang.org/x/sys/cpu"

//go:noescape
func findAVX2(b *byte, n int, table *byte) (at int, mask uint64, lines int)

//go:noescape
func findFoldAVX2(b *byte, n int, table *byte) (at int, mask uint64, lines int)

// vectors are what finds places as they are and without regard to case, nil when
// this processor cannot. n is a multiple of vectorWidth; what is read of b goes on
// behind n by the longest distance in the table.
var vectors = func() (v [2]findFunc) {
	if cpu.X86.HasAVX2 && cpu.X86.HasPOPCNT {
		v = [2]findFunc{findAVX2, findFoldAVX2}
	}
	return v
}()
