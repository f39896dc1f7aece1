package widget

import (
	"math/rand"
	"strings"
	"testing"
)

// TestDiff: the words that are not marked are the same on both sides, in the same
// order, and as many as can be.
func TestDiff(t *testing.T) {
	l := testLook(t)
	unmarked := func(text, other string, first bool) []string {
		lines, ok := l.Diff(text, other, 60, first)
		if !ok {
			t.Fatal("too long")
		}
		var out []string
		style := l.escape(Text)
		for _, s := range lines {
			for _, part := range strings.Split(s, "\x1b[") {
				if strings.HasPrefix("\x1b["+part, style) {
					out = append(out, strings.Fields(strings.TrimPrefix("\x1b["+part, style))...)
				}
			}
		}
		return out
	}
	for _, c := range []struct{ a, b, same string }{
		{"the tent is brown", "the tent was dark brown", "the tent brown"},
		{"a b c d", "b a d c", "a c"},
		{"one\ntwo three", "one two\n\nthree four", "one two three"},
		{"x", "y", ""},
	} {
		a, b := unmarked(c.a, c.b, true), unmarked(c.b, c.a, false)
		if len(a) != len(strings.Fields(c.same)) || strings.Join(a, " ") != strings.Join(b, " ") {
			t.Errorf("%q, %q: %q and %q", c.a, c.b, a, b)
		}
	}
	rnd := rand.New(rand.NewSource(1))
	for range 200 {
		text := func() string {
			var w []string
			for range rnd.Intn(30) {
				w = append(w, string(rune('a'+rnd.Intn(4))))
			}
			return strings.Join(w, " ")
		}
		x, y := text(), text()
		if a, b := unmarked(x, y, true), unmarked(y, x, false); len(a) != len(b) {
			t.Fatalf("%q, %q: %q and %q", x, y, a, b)
		}
	}
	if _, ok := l.Diff(strings.Repeat("a ", longDiff+1), "a", 40, true); ok {
		t.Error("a text of any length is compared")
	}
}
