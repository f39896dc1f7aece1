package widget

import (
	"math"
	"strings"
)

// Curve is one line of a chart. NaN and infinite values are gaps.
type Curve struct {
	Name  string
	X, Y  []float64
	Style Style
	// Marks draws a mark at each point and not the line between them.
	Marks bool
}

// Plot is a chart with axes, drawn in braille: two by four dots in a cell. The
// last curve lies on top; a cell has one colour.
type Plot struct {
	Curves []Curve
	// XMax widens the x axis, so that a curve that is growing has its whole way
	// in sight; 0 for what the points need.
	XMax float64
	LogY bool
	// From and To, when To is larger, are the part of the x axis that is shown.
	From, To float64
	// Cursor is where a line stands across the chart, if Pointed.
	Cursor  float64
	Pointed bool
}

// MarkGap stands on the x axis where a value was no finite number.
const MarkGap = "╳"

// inside reports whether x is in the part that is shown.
func (p Plot) inside(x float64) bool { return p.To <= p.From || x >= p.From && x <= p.To }

type span struct{ lo, hi float64 }

func (s *span) add(v float64) {
	s.lo, s.hi = min(s.lo, v), max(s.hi, v)
}

func (s span) empty() bool { return s.lo > s.hi }

// dots is a canvas of braille cells.
type dots struct {
	w, h  int // cells
	bits  []rune
	owner []int // curve + 1
}

func newDots(w, h int) *dots {
	return &dots{w: w, h: h, bits: make([]rune, w*h), owner: make([]int, w*h)}
}

var dotBit = [4][2]rune{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

func (d *dots) set(x, y, owner int) {
	if x < 0 || y < 0 || x >= d.w*2 || y >= d.h*4 {
		return
	}
	i := y/4*d.w + x/2
	d.owner[i] = owner // one colour a cell: the curve that was drawn last
	d.bits[i] |= dotBit[y%4][x%2]
}

func (d *dots) line(x0, y0, x1, y1, owner int) {
	n := max(abs(x1-x0), abs(y1-y0), 1)
	for i := 0; i <= n; i++ {
		d.set(x0+(x1-x0)*i/n, y0+(y1-y0)*i/n, owner)
	}
}

// Draw returns the chart as height lines of width cells; nil if there is no room
// or nothing to draw.
func (p Plot) Draw(l *Look, width, height int) []string {
	const axisLines = 2
	rows := height - axisLines
	if rows < 2 || width < 16 {
		return nil
	}
	y := func(v float64) float64 {
		if p.LogY {
			return math.Log10(v)
		}
		return v
	}
	xs, ys := span{math.Inf(1), math.Inf(-1)}, span{math.Inf(1), math.Inf(-1)}
	for _, c := range p.Curves {
		for i, v := range c.Y {
			if v := y(v); finite(v) && finite(c.X[i]) && p.inside(c.X[i]) {
				xs.add(c.X[i])
				ys.add(v)
			}
		}
	}
	if xs.empty() {
		return nil
	}
	if p.To > p.From {
		xs = span{p.From, p.To}
	} else {
		xs.hi = max(xs.hi, p.XMax)
		xs.lo = min(xs.lo, max(0, xs.lo-1)) // a first step of 1 starts at the axis
	}
	if xs.hi == xs.lo {
		xs.hi++
	}
	if ys.hi == ys.lo {
		ys.lo, ys.hi = ys.lo-math.Abs(ys.lo)/4-1e-9, ys.hi+math.Abs(ys.hi)/4+1e-9
	}
	labels, lw := p.yLabels(l, ys, rows)
	d := newDots(width-lw-2, rows)
	for i, c := range p.Curves {
		d.curve(p.cut(c), i+1, xs, ys, y)
	}
	cursor := -1
	if p.Pointed && p.Cursor >= xs.lo && p.Cursor <= xs.hi {
		cursor = int(math.Round((p.Cursor-xs.lo)/(xs.hi-xs.lo)*float64(d.w*2-1))) / 2
	}
	lines := make([]string, 0, height)
	for r := range rows {
		row := l.Row(width).Cell(Faint, labels[r], lw, true)
		if labels[r] != "" {
			row.Put(Border, " ┤")
		} else {
			row.Put(Border, " │")
		}
		for c := 0; c < d.w; {
			i := r*d.w + c
			if d.bits[i] == 0 {
				if c == cursor {
					row.Put(Faint, "│")
				} else {
					row.Gap(1)
				}
				c++
				continue
			}
			var b strings.Builder
			owner := d.owner[i]
			for c < d.w && d.bits[r*d.w+c] != 0 && d.owner[r*d.w+c] == owner {
				b.WriteRune(0x2800 + d.bits[r*d.w+c])
				c++
			}
			row.Put(p.Curves[owner-1].Style, b.String())
		}
		lines = append(lines, row.String())
	}
	return append(lines, p.xAxis(l, xs, width, lw)...)
}

// cut leaves out the points that are not in the part that is shown.
func (p Plot) cut(c Curve) Curve {
	if p.To <= p.From {
		return c
	}
	out := Curve{Name: c.Name, Style: c.Style, Marks: c.Marks}
	for i, x := range c.X {
		if p.inside(x) {
			out.X, out.Y = append(out.X, x), append(out.Y, c.Y[i])
		}
	}
	return out
}

func (d *dots) curve(c Curve, owner int, xs, ys span, y func(float64) float64) {
	px := func(v float64) int { return int(math.Round((v - xs.lo) / (xs.hi - xs.lo) * float64(d.w*2-1))) }
	py := func(v float64) int {
		return int(math.Round((ys.hi - v) / (ys.hi - ys.lo) * float64(d.h*4-1)))
	}
	// Several points in one column of dots are drawn as the reach between the
	// smallest and the largest, so that a spike is not averaged away.
	lastX, lastY, have := 0, 0, false
	for i := 0; i < len(c.Y); {
		v := y(c.Y[i])
		if !finite(v) || !finite(c.X[i]) {
			have = false // a gap
			i++
			continue
		}
		x := px(c.X[i])
		if c.Marks {
			at := py(v)
			for _, d2 := range [...][2]int{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
				d.set(min(x, d.w*2-2)+d2[0], min(at, d.h*4-2)+d2[1], owner)
			}
			i++
			continue
		}
		lo, hi, last := v, v, v
		for i++; i < len(c.Y) && finite(c.X[i]) && px(c.X[i]) == x; i++ {
			if w := y(c.Y[i]); finite(w) {
				lo, hi, last = min(lo, w), max(hi, w), w
			}
		}
		if have {
			d.line(lastX, lastY, x, py(last), owner)
		}
		d.line(x, py(hi), x, py(lo), owner)
		lastX, lastY, have = x, py(last), true
	}
}

func (p Plot) yLabels(l *Look, ys span, rows int) ([]string, int) {
	labels := make([]string, rows)
	width := 0
	n := max(3, rows/2)
	ticks := Ticks(ys.lo, ys.hi, n)
	if p.LogY {
		ticks = logTicks(ys.lo, ys.hi, n)
	}
	for _, v := range ticks {
		r := int(math.Round((ys.hi - v) / (ys.hi - ys.lo) * float64(rows*4-1)))
		r = max(0, min(r/4, rows-1))
		shown := v
		if p.LogY {
			shown = math.Pow(10, v)
		}
		if labels[r] == "" {
			labels[r] = Number(shown)
		}
		width = max(width, l.Width(labels[r]))
	}
	return labels, width
}

// logTicks returns round numbers between 10^lo and 10^hi, as their logarithms.
func logTicks(lo, hi float64, n int) []float64 {
	var ticks []float64
	if hi-lo < 1.3 { // little more than a decade: the numbers of a linear axis
		for _, v := range Ticks(math.Pow(10, lo), math.Pow(10, hi), n) {
			if v > 0 {
				ticks = append(ticks, math.Log10(v))
			}
		}
		return ticks
	}
	steps := []float64{0}
	if float64(n) >= 2*(hi-lo) {
		steps = []float64{0, math.Log10(2), math.Log10(5)}
	}
	every := math.Max(1, math.Ceil((hi-lo)/float64(n)))
	for d := math.Floor(lo); d <= hi; d += every {
		for _, s := range steps {
			if v := d + s; v >= lo && v <= hi {
				ticks = append(ticks, v)
			}
		}
	}
	return ticks
}

func (p Plot) xAxis(l *Look, xs span, width, lw int) []string {
	w := width - lw - 2
	axis := []rune(strings.Repeat("─", w))
	label := []rune(strings.Repeat(" ", width))
	free := 0
	for _, v := range Ticks(xs.lo, xs.hi, max(2, w/14)) {
		c := int(math.Round((v - xs.lo) / (xs.hi - xs.lo) * float64(w-1)))
		s := []rune(Number(v))
		at := min(lw+2+c-len(s)/2, width-len(s))
		if at < free || c >= w {
			continue
		}
		axis[c] = '┬'
		copy(label[at:], s)
		free = at + len(s) + 2
	}
	gap := make([]bool, w)
	for _, c := range p.Curves {
		for i, v := range c.Y {
			if math.IsInf(v, 0) && c.X[i] >= xs.lo && c.X[i] <= xs.hi {
				gap[int(math.Round((c.X[i]-xs.lo)/(xs.hi-xs.lo)*float64(w-1)))] = true
			}
		}
	}
	r := l.Row(width).Gap(lw).Put(Border, " └")
	for i, c := range axis {
		if gap[i] {
			r.Put(Bad, MarkGap)
		} else {
			r.Put(Border, string(c))
		}
	}
	return []string{r.String(), l.Row(width).Put(Faint, string(label)).String()}
}

// Ticks returns about n round numbers between lo and hi.
func Ticks(lo, hi float64, n int) []float64 {
	if !(hi > lo) || n < 1 || !finite(hi-lo) {
		return nil
	}
	raw := (hi - lo) / float64(n)
	mag := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * mag
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*mag >= raw*(1-1e-9) {
			step = m * mag
			break
		}
	}
	var ticks []float64
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+step*1e-9; k++ {
		// Rounded to the step, so that 0.30000000000000004 reads 0.3.
		ticks = append(ticks, math.Round(k*step/mag*100)/100*mag+0) // and no -0
	}
	return ticks
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func abs(x int) int {
	if x < 0 {
		return -x
	}
	return x
}
