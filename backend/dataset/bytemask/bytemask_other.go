//go:build !amd64

package bytemask

const vectors, compress = false, false

func plainAVX2(b *byte, n int) int { panic("not on this processor") }
func wordsAVX2(b *byte) uint64     { panic("not on this processor") }

func unescapeAVX512(dst, src *byte, n int, table *[256]byte) (written, read int) {
	panic("not on this processor")
}

func unescapeAVX2(dst, src *byte, n int, table *[256]byte) (written, read int) {
	panic("not on this processor")
}

var spellers []func(b *byte, n int) (at int, ok bool)
