package bytemask

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func check(t *testing.T, b []byte) {
	t.Helper()
	want := 0
	for want < len(b) && b[want] >= ' ' && b[want] != '"' && b[want] != '\\' {
		want++
	}
	if got, one := Plain(b), plain(b); got != want || one != want {
		t.Fatalf("Plain(%q): %d and without vectors %d, want %d", b, got, one, want)
	}
	var text []byte
	read := 0
	for read < len(b) && b[read] >= ' ' && b[read] != '"' {
		if b[read] != '\\' {
			text = append(text, b[read])
			read++
			continue
		}
		i := -1
		if read+1 < len(b) {
			i = strings.IndexByte(`"\/ntrbf`, b[read+1])
		}
		if i < 0 {
			break
		}
		text = append(text, "\"\\/\n\t\r\b\f"[i])
		read += 2
	}
	dst := make([]byte, len(b), len(b)+1)
	dst[:cap(dst)][len(b)] = 'x'
	if n, k := Unescape(dst, b); n != len(text) || k != read || string(dst[:n]) != string(text) || dst[:cap(dst)][len(b)] != 'x' {
		t.Fatalf("Unescape(%q): %q of %d bytes, want %q of %d", b, dst[:n], k, text, read)
	}
	if got, want := Words(b), words(b[:min(64, len(b))]); got != want {
		t.Fatalf("Words(%q): %x, want %x", b, got, want)
	}
}

func TestEveryByteEverywhere(t *testing.T) {
	for c := range 256 {
		for n := range 100 {
			for at := 0; at < n; at += 1 + n/9 {
				b := make([]byte, n)
				for i := range b {
					b[i] = "a \x80"[i%3]
				}
				b[at] = byte(c)
				check(t, b)
			}
		}
		if got, want := letters[c], c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c > 127; got != want {
			t.Errorf("byte %#x: %v", c, got)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		b := make([]byte, rng.IntN(200))
		for i := range b {
			b[i] = byte(rng.IntN(256))
		}
		check(t, b)
		for i := range b {
			b[i] = "abcdefghijklmnoprstu\\\\\\\\nnnn"[rng.IntN(28)]
		}
		check(t, b)
	}
}

func FuzzBytes(f *testing.F) {
	f.Add([]byte("a string of JSON that goes on for longer than any vector does, \"quoted\" \x01\xff"))
	f.Fuzz(func(t *testing.T, b []byte) { check(t, b) })
}
