package dataset

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// normalSlowly is normal a character at a time.
func normalSlowly(question string) string {
	var b strings.Builder
	gap := false
	for _, r := range question { // bytes that are no UTF-8 become U+FFFD
		if r < utf8.RuneSelf && (r == ' ' || r >= '\t' && r <= '\r') || r >= utf8.RuneSelf && unicode.IsSpace(r) {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func checkNormal(t *testing.T, q string, buf []byte) []byte {
	t.Helper()
	got := normal(q, buf)
	if want := normalSlowly(q); !bytes.Equal(got, []byte(want)) {
		t.Fatalf("%q: %q, want %q", q, got, want)
	}
	return got
}

func TestNormal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var buf []byte
	for range 50_000 {
		var q strings.Builder
		for range rng.IntN(40) {
			q.WriteString([]string{"a", "Word", "Z", "@[`{", " ", "  ", "\n", "\t ", "\u00a0", "\u0085", "É", "Ⱥ", "\xff", "\x00\x01\x1f", "0123456789", "some longer words of it", "\x7f"}[rng.IntN(17)])
		}
		buf = checkNormal(t, q.String(), buf)
	}
	for r := range rune(unicode.MaxRune + 1) {
		if n := utf8.RuneLen(unicode.ToLower(r)); n > 3*max(1, utf8.RuneLen(r)) {
			t.Errorf("%U is %d bytes long in small letters", r, n)
		}
	}
	checkNormal(t, strings.Repeat("\xff", 1000), nil) // each becomes three bytes
}
