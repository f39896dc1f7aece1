package metrics

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Vote is the outcome of one comparison of two models' answers by a person.
type Vote struct {
	A, B string // the models
	// Winner is "A", "B" or "tie".
	Winner string
}

// Ratings are the strengths of models by the Bradley–Terry model with ties:
//
//	P(i beats j) = πi/(πi + πj + ν√(πi·πj)),  P(tie) = ν√(πi·πj)/(same)
//
// Sources: R. A. Bradley, M. E. Terry, Biometrika 39 (1952); R. R. Davidson, "On
// extending the Bradley–Terry model to accommodate ties", JASA 65 (1970).
type Ratings struct {
	Models []string
	// Strength is log π, 0 in the mean over the models.
	Strength []float64
	// Ties is ν: 0 without ties, 2 if equal models tie half of the time.
	Ties float64
	// Smoothed says that the votes alone do not bound the strengths (a model won
	// or lost everything but ties), so half a vote each way was added to every pair.
	Smoothed   bool
	covariance [][]float64
}

// ErrUnconnected says that the votes fall into groups of models that were never
// compared with each other, so that no common rating exists.
var ErrUnconnected = errors.New("some models were never compared with the others, directly or through a third: collect votes between them")

// pair counts the votes between two models.
type pair struct {
	i, j          int
	first, second float64 // wins of i and of j
	ties          float64
}

// BradleyTerry rates the models by maximum likelihood. Models come in
// alphabetical order. It needs votes between two models at least.
func BradleyTerry(votes []Vote) (*Ratings, error) {
	r := &Ratings{}
	for _, v := range votes {
		if v.A == v.B {
			return nil, fmt.Errorf("a vote compares %q with itself", v.A)
		}
		r.Models = append(r.Models, v.A, v.B)
	}
	slices.Sort(r.Models)
	r.Models = slices.Compact(r.Models)
	if len(r.Models) < 2 {
		return nil, errors.New("there are no votes yet")
	}
	pairs := map[[2]int]*pair{}
	ties := false
	for _, v := range votes {
		i, _ := slices.BinarySearch(r.Models, v.A)
		j, _ := slices.BinarySearch(r.Models, v.B)
		winner := v.Winner
		if i > j {
			i, j = j, i
			switch winner {
			case "A":
				winner = "B"
			case "B":
				winner = "A"
			}
		}
		p := pairs[[2]int{i, j}]
		if p == nil {
			p = &pair{i: i, j: j}
			pairs[[2]int{i, j}] = p
		}
		switch winner {
		case "A":
			p.first++
		case "B":
			p.second++
		case "tie":
			p.ties++
			ties = true
		default:
			return nil, fmt.Errorf("the winner of a vote is %q; it must be A, B or tie", v.Winner)
		}
	}
	list := make([]*pair, 0, len(pairs))
	for i := range r.Models {
		for j := range r.Models {
			if p := pairs[[2]int{i, j}]; p != nil {
				list = append(list, p)
			}
		}
	}
	if !r.connected(list, true) {
		return nil, ErrUnconnected
	}
	decided := slices.ContainsFunc(list, func(p *pair) bool { return p.first+p.second > 0 })
	if r.connected(list, false) && decided && r.fit(list, ties) == nil {
		return r, nil
	}
	// A model whose every vote went one way has no finite strength, also where
	// ties stand beside them, and nothing but ties leaves ν without a bound.
	r.Smoothed = true
	for _, p := range list {
		p.first += 0.5
		p.second += 0.5
	}
	return r, r.fit(list, ties)
}

// connected reports whether every model can be reached from every other over
// votes: any, or only from winners to losers (a tie goes both ways).
func (r *Ratings) connected(list []*pair, any bool) bool {
	n := len(r.Models)
	reach := make([][]bool, n)
	for i := range reach {
		reach[i] = make([]bool, n)
	}
	for _, p := range list {
		reach[p.i][p.j] = any || p.first+p.ties > 0
		reach[p.j][p.i] = any || p.second+p.ties > 0
	}
	for k := range n {
		for i := range n {
			for j := range n {
				reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
			}
		}
	}
	for i := range n {
		for j := range n {
			if i != j && !reach[i][j] {
				return false
			}
		}
	}
	return true
}

// fit maximizes the likelihood by Newton's method with halved steps.
func (r *Ratings) fit(list []*pair, ties bool) error {
	n := len(r.Models)
	size := n
	if ties {
		size++ // log ν comes last
	}
	x := make([]float64, size)
	last := likelihood(list, x, n, ties)
	for range 200 {
		gradient, hessian := slopes(list, x, n, ties)
		inverse, ok := invert(hessian)
		if !ok {
			return errors.New("the votes do not determine the ratings")
		}
		step := make([]float64, size)
		largest := 0.0
		for i := range step {
			for j := range step {
				step[i] += float64(inverse[i][j] * gradient[j])
			}
			largest = max(largest, math.Abs(step[i]))
		}
		scale := 1.0
		next := make([]float64, size)
		for range 60 {
			for i := range x {
				next[i] = x[i] + float64(scale*step[i])
			}
			if l := likelihood(list, next, n, ties); l >= last-1e-12*math.Abs(last) {
				last = l
				break
			}
			scale /= 2
		}
		copy(x, next)
		if largest < 1e-10 {
			r.Strength = x[:n]
			if ties {
				r.Ties = math.Exp(x[n])
			}
			mean := Mean(r.Strength)
			for i := range r.Strength {
				r.Strength[i] -= mean
			}
			for i := range n {
				for j := range n {
					inverse[i][j] -= 1 / float64(n*n) // what fixing the mean had added
				}
			}
			r.covariance = inverse
			return nil
		}
	}
	return errors.New("the ratings did not settle; there may be too few votes")
}

func likelihood(list []*pair, x []float64, n int, ties bool) float64 {
	sum := 0.0
	for _, p := range list {
		a, b, t := terms(p, x, n, ties)
		largest := max(a, b, t)
		sum += float64(p.first*a) + float64(p.second*b)
		if p.ties > 0 {
			sum += float64(p.ties * t)
		}
		sum -= float64((p.first + p.second + p.ties) * (largest + math.Log(math.Exp(a-largest)+math.Exp(b-largest)+math.Exp(t-largest))))
	}
	return sum
}

// terms are the logarithms of what the outcomes are in proportion to.
func terms(p *pair, x []float64, n int, ties bool) (a, b, t float64) {
	a, b, t = x[p.i], x[p.j], math.Inf(-1)
	if ties {
		t = x[n] + (a+b)/2
	}
	return a, b, t
}

// slopes returns the gradient of the log-likelihood and its negative Hessian,
// with ones added for the strengths: they fix the mean, which no vote does.
func slopes(list []*pair, x []float64, n int, ties bool) ([]float64, [][]float64) {
	size := len(x)
	gradient := make([]float64, size)
	hessian := make([][]float64, size)
	for i := range hessian {
		hessian[i] = make([]float64, size)
		if i < n {
			for j := range n {
				hessian[i][j] = 1
			}
		}
	}
	for _, p := range list {
		a, b, t := terms(p, x, n, ties)
		largest := max(a, b, t)
		ea, eb, et := math.Exp(a-largest), math.Exp(b-largest), math.Exp(t-largest)
		sum := ea + eb + et
		probability := [3]float64{ea / sum, eb / sum, et / sum}
		votes := p.first + p.second + p.ties
		counts := [3]float64{p.first, p.second, p.ties}
		// How each outcome's term depends on θi, θj and log ν.
		at := []int{p.i, p.j}
		depends := [3][]float64{{1, 0}, {0, 1}, {0.5, 0.5}}
		if ties {
			at = append(at, n)
			depends = [3][]float64{{1, 0, 0}, {0, 1, 0}, {0.5, 0.5, 1}}
		}
		for u := range at {
			mean := 0.0
			for k := range 3 {
				mean += float64(probability[k] * depends[k][u])
				gradient[at[u]] += float64(counts[k] * depends[k][u])
			}
			gradient[at[u]] -= float64(votes * mean)
			for v := range at {
				both, other := 0.0, 0.0
				for k := range 3 {
					both += float64(float64(probability[k]*depends[k][u]) * depends[k][v])
					other += float64(probability[k] * depends[k][v])
				}
				hessian[at[u]][at[v]] += float64(votes * (both - float64(mean*other)))
			}
		}
	}
	return gradient, hessian
}

// invert inverts a small matrix by elimination with pivots.
func invert(m [][]float64) ([][]float64, bool) {
	n := len(m)
	a := make([][]float64, n)
	for i := range a {
		a[i] = append(slices.Clone(m[i]), make([]float64, n)...)
		a[i][n+i] = 1
	}
	for c := range n {
		best := c
		for i := c; i < n; i++ {
			if math.Abs(a[i][c]) > math.Abs(a[best][c]) {
				best = i
			}
		}
		if math.Abs(a[best][c]) < 1e-12 {
			return nil, false
		}
		a[c], a[best] = a[best], a[c]
		pivot := a[c][c]
		for j := range a[c] {
			a[c][j] /= pivot
		}
		for i := range n {
			if f := a[i][c]; i != c && f != 0 {
				for j := range a[i] {
					a[i][j] -= float64(f * a[c][j])
				}
			}
		}
	}
	for i := range a {
		a[i] = a[i][n:]
	}
	return a, true
}

// Difference returns how much stronger model i is than model j, as log π, and
// its standard error. The arguments are places in Models.
func (r *Ratings) Difference(i, j int) (difference, standardError float64) {
	c := r.covariance
	return r.Strength[i] - r.Strength[j], math.Sqrt(max(0, c[i][i]+c[j][j]-2*c[i][j]))
}

// EloScale is the number of points of a rating per unit of log π: 400 points are
// odds of ten to one.
const EloScale = 400 / math.Ln10

// Rating returns model i's strength in points around middle, with the interval
// (Wald's) at the level of confidence.
func (r *Ratings) Rating(i int, middle, level float64) (float64, Interval) {
	points := middle + float64(EloScale*r.Strength[i])
	half := float64(float64(normalQuantile(0.5+level/2)*EloScale) * math.Sqrt(max(0, r.covariance[i][i])))
	return points, Interval{points - half, points + half}
}

// EloExpected is the score that a player of rating a may expect against one of
// rating b: 1/(1 + 10^((b−a)/400)).
func EloExpected(a, b float64) float64 { return 1 / (1 + math.Pow(10, (b-a)/400)) }

// Elo rates models vote by vote: everybody begins at start, and after each vote
// the two move by k times what the outcome was above or below the expectation.
// Later votes count more, and another order gives other ratings; BradleyTerry
// has neither fault. Source: A. Elo, "The Rating of Chessplayers" (1978).
func Elo(votes []Vote, start, k float64) map[string]float64 {
	ratings := map[string]float64{}
	rating := func(m string) float64 {
		if v, ok := ratings[m]; ok {
			return v
		}
		return start
	}
	for _, v := range votes {
		score := 0.5
		switch v.Winner {
		case "A":
			score = 1
		case "B":
			score = 0
		}
		a, b := rating(v.A), rating(v.B)
		move := float64(k * (score - EloExpected(a, b)))
		ratings[v.A], ratings[v.B] = a+move, b-move
	}
	return ratings
}
