package bytemask

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
	for i, how := range [][2]bool{{false, false}, {vectors, false}, {false, compress}} {
		clear(dst)
		if n, k := unescape(dst, b, how[0], how[1]); n != len(text) || k != read || string(dst[:n]) != string(text) || dst[:cap(dst)][len(b)] != 'x' {
			t.Fatalf("unescape(%q) %d: %q of %d bytes, want %q of %d", b, i, dst[:n], k, text, read)
		}
	}
	end, good := 0, true
	for end < len(b) && b[end] != '"' && good {
		if c := b[end]; c == '\\' {
			end++
			good = end < len(b) && strings.IndexByte(`"\ntrbf`, b[end]) >= 0
		} else {
			good = c >= ' '
		}
		end++
	}
	good = good && end < len(b)
	long := append(append(make([]byte, 0, len(b)+130), b...), []byte(`\"` + "\x01")[len(b)%3])
	for i, try := range [][]byte{b, slices.Clip(b), long[:len(b)]} {
		if got, ok := Spelled(try); ok != good || ok && got != end {
			t.Fatalf("Spelled(%q) %d: %d, %v, want %d, %v", b, i, got, ok, end, good)
		}
		for k, find := range spellers {
			if got, ok := spelledBy(find, try); ok != good || ok && got != end {
				t.Fatalf("speller %d of %q, %d: %d, %v, want %d, %v", k, b, i, got, ok, end, good)
			}
		}
	}
	if got, ok := spelled(b); ok != good || ok && got != end {
		t.Fatalf("spelled(%q): %d, %v, want %d, %v", b, got, ok, end, good)
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
	for round := range 20_000 {
		b := make([]byte, rng.IntN(200))
		for i := range b {
			b[i] = byte(rng.IntN(256))
		}
		check(t, b)
		for i := range b {
			b[i] = "abcdefghijklmnoprstu\\\\\\\\nnnn\""[rng.IntN(29-round%2)]
		}
		check(t, b)
	}
}

func FuzzBytes(f *testing.F) {
	f.Add([]byte("a string of JSON that goes on for longer than any vector does, \"quoted\" \x01\xff"))
	f.Fuzz(func(t *testing.T, b []byte) { check(t, b) })
}

func BenchmarkSpelled(b *testing.B) {
	text := []byte(strings.Repeat(`the words of a text that goes on for some while, \"so\" to say.\n\n`, 30) + `"`)
	text = append(make([]byte, 0, len(text)+64), text...)
	out := make([]byte, len(text))
	for i, find := range spellers {
		b.Run(fmt.Sprint("spelled ", i), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if n, ok := spelledBy(find, text); !ok || n != len(text)-1 {
					b.Fatal(n, ok)
				}
			}
		})
	}
	for i, compress := range []bool{compress, false} {
		b.Run(fmt.Sprint("unescape ", i), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, n := unescape(out, text, vectors, compress); n != len(text)-1 {
					b.Fatal(n)
				}
			}
		})
	}
}
