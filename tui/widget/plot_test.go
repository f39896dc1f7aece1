package widget

import (
	"math"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"tunebench/themes"
)

func TestLogTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		n      int
		want   string
	}{
		{0.0038, 0.0069, 8, "0.004 0.0045 0.005 0.0055 0.006 0.0065"},
		{0.003, 3, 10, "0.005 0.01 0.02 0.05 0.1 0.2 0.5 1 2"},
		{0.003, 3, 4, "0.01 0.1 1"},
		{1e-9, 1e3, 5, "1e-09 1e-06 0.001 1 1000"},
	} {
		var got []string
		for _, v := range logTicks(math.Log10(c.lo), math.Log10(c.hi), c.n) {
			got = append(got, Number(math.Pow(10, v)))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%g to %g: %s, not %s", c.lo, c.hi, s, c.want)
		}
	}
}

// TestGapsAndWindow: a value that is no number breaks the line and is marked on
// the axis; only what is asked for is shown, and every line has its width.
func TestGapsAndWindow(t *testing.T) {
	theme, err := themes.NewSet(nil).Load("dark")
	if err != nil {
		t.Fatal(err)
	}
	l := NewLook(theme)
	var c Curve
	for i := range 100 {
		y := float64(i % 10)
		if i >= 50 && i < 60 {
			y = math.Inf(1)
		}
		c.X, c.Y = append(c.X, float64(i)), append(c.Y, y)
	}
	draw := func(p Plot) string {
		lines := p.Draw(l, 80, 12)
		if len(lines) != 12 {
			t.Fatalf("%d lines", len(lines))
		}
		for _, s := range lines {
			if w := ansi.StringWidth(s); w != 80 {
				t.Fatalf("%d cells: %q", w, s)
			}
		}
		return ansi.Strip(strings.Join(lines, "\n"))
	}
	all := draw(Plot{Curves: []Curve{c}})
	if n := strings.Count(all, MarkGap); n < 6 || n > 10 {
		t.Errorf("%d marks:\n%s", n, all)
	}
	part := draw(Plot{Curves: []Curve{c}, From: 0, To: 40, Cursor: 20, Pointed: true})
	if strings.Contains(part, MarkGap) || !strings.Contains(part, "20") || strings.Contains(part, "50") {
		t.Errorf("the part from 0 to 40:\n%s", part)
	}
	if n := strings.Count(part, "│"); n < 8 {
		t.Errorf("no cursor:\n%s", part)
	}
	if (Plot{Curves: []Curve{c}, From: 51, To: 58}).Draw(l, 80, 12) != nil {
		t.Error("a chart of nothing but gaps")
	}
}
