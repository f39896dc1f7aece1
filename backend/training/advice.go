package training

import (
	"fmt"
	"math"
	"slices"
)

// Advice is what the curves of a job say, in words.
type Advice struct {
	// Kind is "nan", "diverging", "grad-norm", "eval-rising" or "slower".
	Kind string `json:"kind"`
	// Step is where it was seen.
	Step int    `json:"step"`
	Text string `json:"text"`
}

// The thresholds of Advise.
const (
	divergeRise   = 1.5 // recent loss over the lowest that it had settled at
	divergeWindow = 8   // points that are averaged
	highGradNorm  = 10.0
	highGradShare = 3 // of the last divergeWindow norms
	evalRise      = 1.02
	evalPoints    = 2 // eval losses in a row above the best
	slowShare     = 0.7
	slowWindow    = 5
)

// Advise says what is worth knowing about the curves of a job, the most urgent
// first; nothing if nothing is. It looks at what is now: a loss that has come
// back is not mentioned.
func Advise(points []Point) []Advice {
	var out []Advice
	if a := notFinite(points); a != nil {
		out = append(out, *a)
	} else if a := diverging(points); a != nil {
		out = append(out, *a)
	}
	for _, f := range [...]func([]Point) *Advice{highNorm, evalRising, slower} {
		if a := f(points); a != nil {
			out = append(out, *a)
		}
	}
	return out
}

// finiteOf are the steps and finite values of a metric.
func finiteOf(points []Point, metric string) (steps []int, values []float64) {
	for i := range points {
		if v := *points[i].value(metric); !math.IsNaN(v) && !math.IsInf(v, 0) {
			steps, values = append(steps, points[i].Step), append(values, v)
		}
	}
	return steps, values
}

// notFinite fires when the newest loss is no number.
func notFinite(points []Point) *Advice {
	for i := len(points) - 1; i >= 0; i-- {
		v := points[i].Loss
		if math.IsNaN(v) {
			continue
		}
		if !math.IsInf(v, 0) {
			return nil
		}
		first := points[i].Step
		for ; i >= 0 && (math.IsInf(points[i].Loss, 0) || math.IsNaN(points[i].Loss)); i-- {
			if !math.IsNaN(points[i].Loss) {
				first = points[i].Step
			}
		}
		return &Advice{"nan", first, fmt.Sprintf("The loss is no number since step %d: what is trained from here on is lost. Stop the job; start again from the checkpoint before with a lower learning rate or gradient clipping, and look for rows without an answer.", first)}
	}
	return nil
}

// diverging fires when the average of the newest losses is well above the lowest
// average that there was.
func diverging(points []Point) *Advice {
	steps, v := finiteOf(points, "loss")
	n := divergeWindow
	if len(v) < 3*n {
		return nil
	}
	mean := func(from int) float64 {
		s := 0.0
		for _, x := range v[from : from+n] {
			s += x
		}
		return s / float64(n)
	}
	best, at := math.Inf(1), 0
	for i := 0; i+2*n <= len(v); i++ {
		if m := mean(i); m < best {
			best, at = m, i+n-1
		}
	}
	now := mean(len(v) - n)
	// All of the newest are above, not one spike; and the way is of some size.
	if now < best*divergeRise || now-best < 0.1 || slices.Min(v[len(v)-n:]) < best*1.1 {
		return nil
	}
	return &Advice{"diverging", steps[at], fmt.Sprintf("The loss is diverging: %.3g on average now, %.3g around step %d. The learning rate is probably too high; stop the job and start again with a third of it, or from the checkpoint before step %d.", now, best, steps[at], steps[at])}
}

// highNorm fires when several of the newest gradient norms are above ten.
func highNorm(points []Point) *Advice {
	steps, v := finiteOf(points, "grad_norm")
	from := max(0, len(v)-divergeWindow)
	high, most, at := 0, 0.0, 0
	for i := from; i < len(v); i++ {
		if v[i] > highGradNorm {
			high++
			if v[i] > most {
				most, at = v[i], steps[i]
			}
		}
	}
	if high < highGradShare {
		return nil
	}
	return &Advice{"grad-norm", at, fmt.Sprintf("The gradient norm is above %g in %d of the last %d logged steps (%.3g at step %d). Clip it at 1, warm up for longer, or lower the learning rate.", highGradNorm, high, len(v)-from, most, at)}
}

// evalRising fires when the newest eval losses are all above the best while the
// training loss goes on falling, or not.
func evalRising(points []Point) *Advice {
	steps, v := finiteOf(points, "eval_loss")
	if len(v) < evalPoints+1 {
		return nil
	}
	best := 0
	for i := range v {
		if v[i] < v[best] {
			best = i
		}
	}
	if len(v)-1-best < evalPoints {
		return nil
	}
	for _, x := range v[len(v)-evalPoints:] {
		if x < v[best]*evalRise {
			return nil
		}
	}
	return &Advice{"eval-rising", steps[best], fmt.Sprintf("The evaluation loss has been rising since step %d (%.4g then, %.4g now): the model learns the training rows by heart. The checkpoint of step %d is the better one; train for fewer steps, or with more rows.", steps[best], v[best], v[len(v)-1], steps[best])}
}

// perSecond writes a rate as people read it.
func perSecond(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

// slower fires when the newest throughput is well below what it was.
func slower(points []Point) *Advice {
	steps, v := finiteOf(points, "tokens_per_s")
	if len(v) < 3*slowWindow {
		return nil
	}
	before, now := median(v[:len(v)-slowWindow]), median(v[len(v)-slowWindow:])
	if before <= 0 || now >= before*slowShare || slices.Max(v[len(v)-slowWindow:]) >= before*0.85 {
		return nil
	}
	return &Advice{"slower", steps[len(steps)-slowWindow], fmt.Sprintf("The throughput has dropped from %s to %s tokens/s at about step %d. The data may be read slowly, or a device may be throttled or shared; look at the host's figures.", perSecond(before), perSecond(now), steps[len(steps)-slowWindow])}
}

func median(v []float64) float64 {
	s := slices.Clone(v)
	slices.Sort(s)
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
