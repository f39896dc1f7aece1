package training

import (
	"math"
	"slices"
)

// Point is what was logged at one step. A value that was not logged there is
// NaN; one that was logged and is no finite number is +Inf, so that a chart can
// mark it.
type Point struct {
	Step       int
	Loss       float64
	EvalLoss   float64
	LR         float64
	GradNorm   float64
	TokensPerS float64
	GPUGB      float64
}

func noPoint(step int) Point {
	nan := math.NaN()
	return Point{step, nan, nan, nan, nan, nan, nan}
}

// Metrics are the names of a Point's values, as they stand in an event.
func Metrics() []string {
	return []string{"loss", "eval_loss", "lr", "grad_norm", "tokens_per_s", "gpu_gb"}
}

// Value is the value with one of the names of Metrics; NaN for any other.
func (p Point) Value(metric string) float64 {
	if v := p.value(metric); v != nil {
		return *v
	}
	return math.NaN()
}

func (p *Point) value(metric string) *float64 {
	switch metric {
	case "loss":
		return &p.Loss
	case "eval_loss":
		return &p.EvalLoss
	case "lr":
		return &p.LR
	case "grad_norm":
		return &p.GradNorm
	case "tokens_per_s":
		return &p.TokensPerS
	case "gpu_gb":
		return &p.GPUGB
	}
	return nil
}

// curve collects the points of the charts, one for each step.
type curve struct {
	points []Point
	// Steps of lines that name none are counted: last is the newest of them.
	last int
	// version counts the points that came.
	version int
}

// maxPoints bounds the curve; beyond it every second point goes.
const maxPoints = 20_000

func (c *curve) add(e *Event) {
	if e.Event != "step" && e.Event != "eval" && e.Step == nil || e.Event == "summary" {
		return
	}
	p := noPoint(0)
	any := false
	for name, v := range map[string]*float64{"loss": e.Loss, "eval_loss": e.EvalLoss, "lr": e.LR, "grad_norm": e.GradNorm, "tokens_per_s": e.TokensPerS, "gpu_gb": e.GPUGB} {
		if v != nil {
			*p.value(name), any = *v, true
		}
	}
	for _, name := range e.NotFinite {
		if v := p.value(name); v != nil {
			*v, any = math.Inf(1), true
		}
	}
	if !any {
		return
	}
	switch {
	case e.Step != nil:
		p.Step = *e.Step
	case e.Event == "eval":
		p.Step = c.last
	default:
		p.Step = c.last + 1
	}
	c.last = max(c.last, p.Step)
	c.version++
	i, found := slices.BinarySearchFunc(c.points, p.Step, func(p Point, step int) int { return p.Step - step })
	if !found {
		c.points = slices.Insert(c.points, i, noPoint(p.Step))
	}
	for _, name := range Metrics() {
		if v := p.value(name); !math.IsNaN(*v) {
			*c.points[i].value(name) = *v
		}
	}
	if len(c.points) > maxPoints {
		kept := c.points[:0]
		for i, p := range c.points {
			// Points with an eval loss are few and worth most.
			if i%2 == 1 || !math.IsNaN(p.EvalLoss) && len(kept) < maxPoints {
				kept = append(kept, p)
			}
		}
		c.points = kept
	}
}
