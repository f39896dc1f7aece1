package training

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// course makes n points, five steps apart.
func course(n int, f func(i int, p *Point)) []Point {
	pts := make([]Point, n)
	for i := range pts {
		pts[i] = noPoint(5 * (i + 1))
		f(i, &pts[i])
	}
	return pts
}

func kinds(a []Advice) string {
	var k []string
	for _, x := range a {
		k = append(k, x.Kind)
	}
	return strings.Join(k, " ")
}

func TestAdvice(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	noise := func(by float64) float64 { return by * (rnd.Float64() - 0.5) }
	falling := func(i int, p *Point) {
		p.Loss = 0.8 + 2*math.Exp(-float64(i)/20) + noise(0.4)
		p.LR = 2e-4
		p.GradNorm = 0.5 + noise(0.3)
		p.TokensPerS = 2400 + noise(300)
		if i%10 == 9 {
			p.EvalLoss = 0.9 + 2*math.Exp(-float64(i)/20) + noise(0.002)
		}
	}
	and := func(g func(i int, p *Point)) func(int, *Point) {
		return func(i int, p *Point) { falling(i, p); g(i, p) }
	}
	inf := math.Inf(1)
	for _, c := range []struct {
		name, want string
		points     []Point
	}{
		{"nothing yet", "", nil},
		{"a good run", "", course(200, falling)},
		{"its beginning", "", course(12, falling)},
		{"one bad batch", "", course(200, and(func(i int, p *Point) {
			if i == 195 {
				p.Loss, p.GradNorm, p.TokensPerS = 9, 40, 500
			}
		}))},
		{"a hard warm-up that is over", "", course(200, and(func(i int, p *Point) {
			if i < 20 {
				p.GradNorm, p.Loss = 30, 6
			}
		}))},
		{"a flat loss near nothing", "", course(100, func(i int, p *Point) { p.Loss = 0.001 + 0.002*float64(i%2) })},
		{"diverging", "diverging", course(200, and(func(i int, p *Point) {
			if i > 150 {
				p.Loss += 0.1 * float64(i-150)
			}
		}))},
		{"diverged and back", "", course(200, and(func(i int, p *Point) {
			if i > 100 && i < 140 {
				p.Loss += 3
			}
		}))},
		{"no number", "nan", course(100, and(func(i int, p *Point) {
			if i >= 60 {
				p.Loss = inf
			}
		}))},
		{"no number once", "", course(100, and(func(i int, p *Point) {
			if i == 60 {
				p.Loss = inf
			}
		}))},
		{"high gradients", "grad-norm", course(100, and(func(i int, p *Point) {
			if i > 90 {
				p.GradNorm = 12
			}
		}))},
		{"gradients of nine", "", course(100, and(func(_ int, p *Point) { p.GradNorm = 9 }))},
		{"by heart", "eval-rising", course(100, and(func(i int, p *Point) {
			if i%10 == 9 && i > 60 {
				p.EvalLoss += 0.03 * float64(i-50)
			}
		}))},
		{"one worse evaluation", "", course(100, and(func(i int, p *Point) {
			if i == 99 {
				p.EvalLoss += 0.5
			}
		}))},
		{"slower", "slower", course(100, and(func(i int, p *Point) {
			if i > 92 {
				p.TokensPerS /= 2
			}
		}))},
		{"a little slower", "", course(100, and(func(i int, p *Point) {
			if i > 92 {
				p.TokensPerS *= 0.85
			}
		}))},
		{"a pause for a checkpoint", "", course(100, and(func(i int, p *Point) {
			if i%10 == 8 {
				p.TokensPerS /= 4
			}
		}))},
		{"all of it", "nan grad-norm eval-rising slower", course(100, and(func(i int, p *Point) {
			if i > 60 {
				p.GradNorm, p.TokensPerS = 50, 100
				if i > 92 {
					p.Loss = inf
				}
				if i%10 == 9 {
					p.EvalLoss += 4
				}
			}
			if i > 60 && i < 93 {
				p.TokensPerS = 2000
			}
		}))},
	} {
		a := Advise(c.points)
		if got := kinds(a); got != c.want {
			t.Errorf("%s: %q, not %q (%+v)", c.name, got, c.want, a)
		}
		for _, x := range a {
			if x.Step <= 0 || !strings.HasSuffix(x.Text, ".") || strings.Contains(x.Text, "%!") {
				t.Errorf("%s: %+v", c.name, x)
			}
		}
	}
}
