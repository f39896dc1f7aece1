package widget

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
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

// TestAgainst: what is in both stands once, in the answer's spelling; what is in
// one of them stands in brackets.
func TestAgainst(t *testing.T) {
	l := testLook(t)
	for _, c := range []struct{ reference, answer, want string }{
		{"dollar", "The currency of Jamaica is the dollar.", "{+The currency of Jamaica is the+} dollar."},
		{"49", "orange", "[-49-] {+orange+}"},
		{"in the west", "In the east, west", "In the {+east,+} west"},
		{"a - b", "a b", "a [---] b"},
		{"one two three", "one three", "one [-two-] three"},
		{"", "new", "{+new+}"},
		{"gone", "", "[-gone-]"},
	} {
		var words []string
		for _, line := range l.Against(c.reference, c.answer, 24) {
			if w := l.Width(ansi.Strip(line)); w > 24 {
				t.Errorf("%q: a line of %d cells", c.answer, w)
			}
			words = append(words, strings.Fields(ansi.Strip(line))...)
		}
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.reference, c.answer, got, c.want)
		}
	}
	if l.Against(strings.Repeat("a ", longAgainst+1), "a", 40) != nil {
		t.Error("a text of any length is compared")
	}
}
