package tui

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"tunebench/backend/training"
	"tunebench/tui/widget"
)

// chartMetric is one of the charts.
type chartMetric struct {
	title string
	names []string // of training.Metrics, the main one first
}

var chartMetrics = []chartMetric{
	{"loss", []string{"loss", "eval_loss"}},
	{"learning rate", []string{"lr"}},
	{"gradient norm", []string{"grad_norm"}},
	{"tokens/s", []string{"tokens_per_s"}},
	{"GPU memory, GB", []string{"gpu_gb"}},
}

// rival is another job in the chart.
type rival struct {
	name  string
	watch Watch
	stop  context.CancelFunc
}

// chartState is what is drawn and how.
type chartState struct {
	metric  int
	logY    bool // the other scale than the one that suits
	smooth  bool
	words   bool // in words and not as a drawing
	from    int  // steps that are shown; all if to is 0
	to      int
	cursor  int // step; -1 for none
	rivals  []rival
	sets    [][]training.Point // points of the job and its rivals
	seen    []int              // their versions
	drawn   chartKey
	lines   []string
	advice  []training.Advice
	advised int
}

// chartKey is what the drawn lines depend on.
type chartKey struct {
	metric, from, to, cursor, w, h, look, steps, version int
	logY, smooth, words                                  bool
}

// reset begins with another job.
func (c *chartState) reset() {
	c.from, c.to, c.cursor = 0, 0, -1
	c.sets, c.seen, c.lines, c.advice, c.advised = nil, nil, nil, nil, -1
}

// load takes over points that are new and returns a number that changes when
// there are some.
func (p *trainingPane) loadPoints() (version int) {
	c := &p.chart
	watches := []Watch{p.watch}
	for _, r := range c.rivals {
		watches = append(watches, r.watch)
	}
	if len(c.seen) != len(watches) {
		c.seen, c.sets = make([]int, len(watches)), make([][]training.Point, len(watches))
		c.lines = nil
	}
	for i, w := range watches {
		if v := w.PointsVersion(); v != c.seen[i] || c.sets[i] == nil {
			c.seen[i], c.sets[i] = v, w.Points()
		}
		version = version*31 + c.seen[i]
	}
	if c.advised != c.seen[0] {
		c.advised, c.advice = c.seen[0], training.Advise(c.sets[0])
	}
	return version
}

// smoothed is the moving average of a curve, without the bias towards its
// beginning; gaps stay.
func smoothed(y []float64) []float64 {
	const keep = 0.85
	out := make([]float64, len(y))
	sum, weight := 0.0, 0.0
	for i, v := range y {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			out[i] = v
			continue
		}
		sum, weight = keep*sum+(1-keep)*v, keep*weight+(1-keep)
		out[i] = sum / weight
	}
	return out
}

// curves are the lines of the chart: the job in front is drawn last.
func (p *trainingPane) curves() []widget.Curve {
	c := &p.chart
	var all []widget.Curve
	several := len(c.rivals) > 0
	for set := len(c.sets) - 1; set >= 0; set-- {
		for k, name := range chartMetrics[c.metric].names {
			cv := widget.Curve{Style: widget.Series(set), Marks: k > 0}
			switch {
			case several && k == 0:
				cv.Name = p.shortJob(set)
			case several: // the marks are of the line of the same colour
			case k > 0:
				cv.Name, cv.Style = "eval", widget.Series(1)
			case c.metric == 0:
				cv.Name = "train"
			}
			for i := range c.sets[set] {
				if v := c.sets[set][i].Value(name); !math.IsNaN(v) {
					cv.X, cv.Y = append(cv.X, float64(c.sets[set][i].Step)), append(cv.Y, v)
				}
			}
			if c.smooth && !cv.Marks {
				cv.Y = smoothed(cv.Y)
			}
			all = append(all, cv)
		}
	}
	return all
}

// shortJob is the name of a job in the legend.
func (p *trainingPane) shortJob(set int) string {
	name := p.name
	if set > 0 {
		name = p.chart.rivals[set-1].name
	}
	return p.app.look.Squeeze(strings.TrimPrefix(strings.TrimPrefix(name, "tunebench-"), "tb-"), 32)
}

// viewChart draws the chart, once for everything that changes it.
func (p *trainingPane) viewChart(height int) []string {
	l, c := p.app.look, &p.chart
	version := p.loadPoints()
	key := chartKey{c.metric, c.from, c.to, c.cursor, p.w, height, l.Version(), p.steps, version, c.logY, c.smooth, c.words || p.app.deps.NoBraille}
	if c.lines != nil && key == c.drawn {
		return c.lines
	}
	c.drawn, c.lines = key, nil
	curves := p.curves()
	logY := c.logY != steep(curves, c.from, c.to)
	head := p.chartHead(curves, logY)
	if key.words {
		c.lines = append([]string{head}, p.chartWords(curves, height-1)...)
		return c.lines
	}
	plot := widget.Plot{Curves: curves, XMax: float64(p.steps), LogY: logY, From: float64(c.from), To: float64(c.to),
		Cursor: float64(c.cursor), Pointed: c.cursor >= 0}
	body := plot.Draw(l, p.w-3, height-1)
	if body == nil {
		if p.mode != trainChart {
			return nil
		}
		if len(p.chartSteps()) > 0 { // too little room, or nothing between these steps
			c.lines = append([]string{head}, p.chartWords(curves, height-1)...)
			return c.lines
		}
		body = []string{l.Row(p.w-3).Gap(2).Put(widget.Faint, "no "+chartMetrics[c.metric].title+" has been logged").String()}
	}
	c.lines = append(c.lines, head)
	for _, s := range body {
		c.lines = append(c.lines, l.Row(p.w).Gap(2).Raw(s, p.w-3).String())
	}
	return c.lines
}

// chartHead is the legend, or the values under the cursor.
func (p *trainingPane) chartHead(curves []widget.Curve, logY bool) string {
	c := &p.chart
	r := p.app.look.Row(p.w).Gap(2)
	title := widget.Muted
	if p.mode == trainChart {
		title = widget.Accent.With(widget.Bold)
	}
	r.Put(title, chartMetrics[c.metric].title)
	if c.cursor >= 0 {
		r.Gap(2).Put(widget.Strong, fmt.Sprintf("step %d", c.cursor))
	}
	for _, cv := range p.legend(curves) {
		mark := "⠤⠤"
		if cv.Marks {
			mark = "⠶"
		}
		if c.words || p.app.deps.NoBraille {
			mark = "-"
		}
		if c.cursor < 0 {
			if cv.Name != "" {
				r.Gap(3).Put(cv.Style, mark+" "+cv.Name)
			}
			continue
		}
		step, v, ok := at(cv, c.cursor)
		if !ok {
			continue
		}
		text := fmt.Sprintf("%.6g", v)
		if math.IsInf(v, 0) {
			text = "no number"
		}
		if step != c.cursor {
			text += fmt.Sprintf(" at %d", step)
		}
		r.Gap(3).Put(cv.Style, strings.TrimSpace(mark+" "+cv.Name)+" ").Put(widget.Text, text)
	}
	for _, f := range []struct {
		on   bool
		name string
	}{{logY, "log scale"}, {c.smooth, "smoothed"}, {c.to > 0, fmt.Sprintf("steps %d to %d", c.from, c.to)}} {
		if f.on && r.Left() > len(f.name)+4 {
			r.Gap(3).Put(widget.Faint, f.name)
		}
	}
	return r.String()
}

// legend is the curves in the order in which they are named: the job in front
// first, its main curve before the marks.
func (p *trainingPane) legend(curves []widget.Curve) []widget.Curve {
	n := len(chartMetrics[p.chart.metric].names)
	var all []widget.Curve
	for i := len(curves) - n; i >= 0; i -= n {
		all = append(all, curves[i:i+n]...)
	}
	return all
}

// at is the value of a curve at a step, or at the last one before it.
func at(c widget.Curve, cursor int) (step int, v float64, ok bool) {
	i, found := slices.BinarySearch(c.X, float64(cursor))
	if !found {
		i--
	}
	if i < 0 {
		return 0, 0, false
	}
	return int(c.X[i]), c.Y[i], true
}

// chartWords tells the curves in words, for terminals without braille and for
// who listens.
func (p *trainingPane) chartWords(curves []widget.Curve, height int) []string {
	l := p.app.look
	title := chartMetrics[p.chart.metric].title
	var lines []string
	for _, cv := range p.legend(curves) {
		name := cv.Name
		if name == "" {
			if name = title; cv.Marks {
				name = "eval"
			}
		}
		lo, hi, odd, n := -1, -1, 0, 0
		first, last := -1, -1
		for k, v := range cv.Y {
			x := int(cv.X[k])
			switch {
			case p.chart.to > 0 && (x < p.chart.from || x > p.chart.to):
				continue
			case math.IsInf(v, 0):
				odd++
				continue
			}
			if n++; first < 0 {
				first = k
			}
			last = k
			if lo < 0 || v < cv.Y[lo] {
				lo = k
			}
			if hi < 0 || v > cv.Y[hi] {
				hi = k
			}
		}
		text := "nothing logged yet"
		if n > 0 {
			say := func(k int) string { return fmt.Sprintf("%.4g at step %.0f", cv.Y[k], cv.X[k]) }
			text = fmt.Sprintf("first %s, lowest %s, highest %s, last %s; %d values", say(first), say(lo), say(hi), say(last), n)
		}
		if odd > 0 {
			text += fmt.Sprintf(", %d no numbers", odd)
		}
		for k, s := range l.Wrap(text, max(p.w-20, 20)) {
			if k > 0 {
				name = ""
			}
			lines = append(lines, l.Row(p.w).Gap(2).Cell(cv.Style, name, 14, false).Gap(2).Put(widget.Text, s).String())
		}
	}
	return lines[:min(len(lines), max(height, 0))]
}

// steep reports whether a value falls so far that a linear scale would hide the
// end of the way.
func steep(curves []widget.Curve, from, to int) bool {
	lo, hi := math.Inf(1), 0.0
	for _, c := range curves {
		for i, v := range c.Y {
			if to > 0 && (c.X[i] < float64(from) || c.X[i] > float64(to)) {
				continue
			}
			if v > 0 && !math.IsInf(v, 0) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	return hi > 30*lo
}

// adviceLines say what the curves say.
func (p *trainingPane) adviceLines(room int) []string {
	p.loadPoints()
	var lines []string
	for _, a := range p.chart.advice {
		lines = append(lines, paragraph(p.app.look, p.w, widget.MarkWarning, a.Text, widget.Warn, 1)...)
	}
	return lines[:min(len(lines), max(room, 0))]
}
