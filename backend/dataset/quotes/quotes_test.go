package quotes

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// slow reads as a reader of CSV does, byte by byte, quotes that are no field's
// noticed.
func slow(b []byte, prev, comma byte, inside bool) (feeds int, stray, end bool) {
	for _, c := range b {
		switch {
		case c == '"' && inside:
			inside = false
		case c == '"':
			stray = stray || prev != comma && prev != '\n' && prev != '"'
			inside = true
		case c == '\n' && !inside:
			feeds++
		}
		prev = c
	}
	return feeds, stray, inside
}

func check(t *testing.T, b []byte, prev, comma byte) {
	t.Helper()
	var want Count
	var odd [2]bool
	want.Feeds[0], want.Stray[0], odd[0] = slow(b, prev, comma, false)
	want.Feeds[1], want.Stray[1], odd[1] = slow(b, prev, comma, true)
	want.Odd = odd[0]
	if odd[1] == odd[0] {
		t.Fatal("a piece ends as it began or not, whatever that was")
	}
	if got := of(b, prev, comma, nil); got != want {
		t.Fatalf("%q behind %q: %+v, want %+v", b, prev, got, want)
	}
	if got := Of(b, prev, comma); got != want {
		t.Fatalf("vectors: %q behind %q: %+v, want %+v", b, prev, got, want)
	}
}

func TestOf(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		b := make([]byte, rng.IntN(300))
		letters := []string{"ab,\n\"", "abcdefgh,\n\"", "abcdefghijklmnopqrstuvwxyz\n", "a\r,\n\"\"\""}[rng.IntN(4)]
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		check(t, b, letters[rng.IntN(len(letters))], ",\ta"[rng.IntN(3)])
	}
}

func FuzzOf(f *testing.F) {
	f.Add([]byte("a,\"b\nc\",d\n\"\"\"x\"\"\n\"\n"+strings.Repeat("a \"b\" c\n", 30)), byte('\n'), byte(','))
	f.Fuzz(func(t *testing.T, b []byte, prev, comma byte) {
		if comma == '"' || comma == '\n' {
			return
		}
		check(t, b, prev, comma)
	})
}

func BenchmarkOf(b *testing.B) {
	text := bytes.Repeat([]byte("flan.17,You are an assistant.,\"a question \"\"with\"\" quotes,\nand a line feed\",an answer\n"), 3000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Of(text, '\n', ',')
	}
}
