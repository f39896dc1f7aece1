//go:build !amd64

package quotes

var scan func(b *byte, n int, comma byte, a *accumulator)
