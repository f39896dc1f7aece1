package bytemask

import "golang.org/x/sys/cpu"

// plainAVX2 is plain of the first n bytes, a multiple of wide.
//
//go:noescape
func plainAVX2(b *byte, n int) int

// unescapeAVX2 is Unescape as long as more than wide bytes are left, n in all.
//
//go:noescape
func unescapeAVX2(dst, src *byte, n int, table *[256]byte) (written, read int)

// unescapeAVX512 is Unescape as long as 64 bytes are left and nothing stops it
// among them.
//
//go:noescape
func unescapeAVX512(dst, src *byte, n int, table *[256]byte) (written, read int)

// compress says that there is unescapeAVX512.
var compress = vectors && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VBMI && cpu.X86.HasAVX512VBMI2

// spelledAVX2 is Spelled of text that goes on behind n, a multiple of 64; at is n
// when all of that is as it should be and has no end.
//
//go:noescape
func spelledAVX2(b *byte, n int) (at int, ok bool)

//go:noescape
func spelledAVX512(b *byte, n int) (at int, ok bool)

// spellers are what does Spelled on this processor, the fastest first.
var spellers = func() (all []func(b *byte, n int) (at int, ok bool)) {
	if vectors && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW {
		all = append(all, spelledAVX512)
	}
	if vectors {
		all = append(all, spelledAVX2)
	}
	return all
}()

// wordsAVX2 is words of 64 bytes.
//
//go:noescape
func wordsAVX2(b *byte) uint64

var vectors = cpu.X86.HasAVX2 && cpu.X86.HasBMI1
