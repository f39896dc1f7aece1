//go:build !amd64

package bytemask

const vectors = false

func plainAVX2(b *byte, n int) int { panic("not on this processor") }
func wordsAVX2(b *byte) uint64     { panic("not on this processor") }
