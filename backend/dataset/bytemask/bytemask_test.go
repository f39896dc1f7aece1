package bytemask

import (
	"math/rand/v2"
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
	}
}

func FuzzBytes(f *testing.F) {
	f.Add([]byte("a string of JSON that goes on for longer than any vector does, \"quoted\" \x01\xff"))
	f.Fuzz(func(t *testing.T, b []byte) { check(t, b) })
}
