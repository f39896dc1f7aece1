package chat

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"tunebench/backend/store"
	"tunebench/metrics"
)

// People is the name of the voter that is no judge.
const People = "people"

// Rated is a model's place on the board of votes.
type Rated struct {
	Model string `json:"model"`
	// Rating is in Elo's points around 1,000 by the Bradley-Terry model, with the
	// interval of 95 % between Low and High.
	Rating float64 `json:"rating"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Votes  int     `json:"votes"`
	Wins   int     `json:"wins"`
	Losses int     `json:"losses"`
	Ties   int     `json:"ties"` // with those of which both were bad
	Bad    int     `json:"both_bad"`
	// Group tells models apart that no votes connect: ratings of different groups
	// cannot be compared. It counts from 0.
	Group int `json:"group"`
	// Against is the direct comparison with the baseline; nil without votes
	// between the two.
	Against *Against `json:"against,omitempty"`
}

// Interval is a confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Against is how often a model won against the baseline. Share is that of the
// votes with a winner, with Wilson's interval of 95 %, and PValue the exact sign
// test's against a half.
type Against struct {
	Baseline string   `json:"baseline"`
	Wins     int      `json:"wins"`
	Losses   int      `json:"losses"`
	Ties     int      `json:"ties"`
	Share    float64  `json:"share"`
	Interval Interval `json:"interval"`
	PValue   float64  `json:"p_value"`
}

// Voter is what people, or one judge, have voted.
type Voter struct {
	// Judge is the model that judged, "" for people; Form names the words by which
	// it was asked.
	Judge string `json:"judge,omitempty"`
	Form  string `json:"form,omitempty"`
	Votes int    `json:"votes"`
	// Swayed counts the votes of a judge that the order decided; they are ties.
	Swayed int     `json:"swayed,omitempty"`
	Models []Rated `json:"models"` // the best first
	// People is how far a judge agrees with people on the answers on which both
	// have voted; nil where there are none.
	People *Agreement `json:"people,omitempty"`
}

// Agreement is how often a judge says what people say of the same two answers:
// the one, the other, or neither. Interval is Wilson's of 95 %. Kappa is Cohen's;
// nil where it is not defined.
type Agreement struct {
	N        int      `json:"n"`
	Same     int      `json:"same"`
	Share    float64  `json:"share"`
	Interval Interval `json:"interval"`
	Kappa    *float64 `json:"kappa"`
}

// The middle of the ratings, and the confidence of their intervals.
const (
	ratingMiddle = 1000
	ratingLevel  = metrics.Level
)

// Voters are the models by the votes of this account: those of people, then those
// of each judge by name. Models are compared with the baseline, if it is not "".
// Votes of the playground, of rounds and on runs count alike.
func (s *Service) Voters(ctx context.Context, baseline string) ([]Voter, error) {
	kept, err := s.cfg.Store.Votes(ctx, s.cfg.AccountName)
	if err != nil {
		return nil, err
	}
	return voters(kept, baseline)
}

// RunVoters is Voters of the votes on the answers of one run.
func (s *Service) RunVoters(ctx context.Context, run, baseline string) ([]Voter, error) {
	kept, err := s.cfg.Store.RunVotes(ctx, run)
	if err != nil {
		return nil, err
	}
	return voters(kept, baseline)
}

// RowVotes are the votes on the answers to one row of a run, people's first.
func (s *Service) RowVotes(ctx context.Context, run string, row int64) ([]Ballot, error) {
	kept, err := s.cfg.Store.RunVotes(ctx, run)
	if err != nil {
		return nil, err
	}
	var list []Ballot
	for _, v := range kept {
		if v.Row != row {
			continue
		}
		c, err := read(v)
		if err != nil {
			return nil, err
		}
		b := Ballot{Run: run, Row: row, First: c.place.a, Second: c.place.b, Judge: v.Voter, Form: v.Form, Swayed: c.note == ByOrder}
		switch {
		case c.winner == b.First:
			b.Outcome = First
		case c.winner == b.Second:
			b.Outcome = Second
		case c.note == string(BothBad):
			b.Outcome = BothBad
		default:
			b.Outcome = Tie
		}
		list = append(list, b)
	}
	slices.SortStableFunc(list, func(a, b Ballot) int { return cmp.Or(cmp.Compare(a.Judge, b.Judge), cmp.Compare(a.Form, b.Form)) })
	return list, nil
}

func voters(kept []store.Vote, baseline string) (all []Voter, err error) {
	by := map[[2]string][]cast{}
	for _, v := range kept {
		c, err := read(v)
		if err != nil {
			return nil, err
		}
		k := [2]string{v.Voter, v.Form}
		by[k] = append(by[k], c)
	}
	people := map[place]cast{}
	for _, c := range by[[2]string{}] {
		people[c.place] = c
	}
	for k, votes := range by {
		v := Voter{Judge: k[0], Form: k[1], Votes: len(votes)}
		if v.Models, err = rate(votes, baseline); err != nil {
			return nil, fmt.Errorf("rate the models: %w", err)
		}
		if v.Judge != "" {
			v.People = agree(votes, people)
		}
		for _, c := range votes {
			if c.note == ByOrder {
				v.Swayed++
			}
		}
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b Voter) int { return cmp.Or(cmp.Compare(a.Judge, b.Judge), cmp.Compare(a.Form, b.Form)) })
	return all, nil
}

// Agreements are how far judges, asked by a prompt, agree with people on the
// answers of two models in a run, by judge; those are missing that have judged
// nothing on which people have voted.
func (s *Service) Agreements(ctx context.Context, run, a, b, form string) (map[string]*Agreement, error) {
	kept, err := s.cfg.Store.RunVotes(ctx, run)
	if err != nil {
		return nil, err
	}
	people, judges := map[place]cast{}, map[string][]cast{}
	for _, v := range kept {
		c, err := read(v)
		switch {
		case err != nil:
			return nil, err
		case c.place.a != min(a, b) || c.place.b != max(a, b):
		case v.Voter == "":
			people[c.place] = c
		case v.Form == form:
			judges[v.Voter] = append(judges[v.Voter], c)
		}
	}
	all := map[string]*Agreement{}
	for judge, votes := range judges {
		if g := agree(votes, people); g != nil {
			all[judge] = g
		}
	}
	return all, nil
}

// agree compares a judge's votes with people's on the same answers.
func agree(votes []cast, people map[place]cast) *Agreement {
	var judge, person []string
	for _, c := range votes {
		if p, ok := people[c.place]; ok {
			judge, person = append(judge, side(c)), append(person, side(p))
		}
	}
	if len(judge) == 0 {
		return nil
	}
	g := metrics.Agree(judge, person)
	a := &Agreement{N: g.N, Same: g.Same, Share: g.Share, Interval: Interval(g.Interval)}
	if g.Known {
		a.Kappa = &g.Kappa
	}
	return a
}

// side is what a vote says, whichever models it is about.
func side(c cast) string {
	switch c.winner {
	case c.place.a:
		return "a"
	case c.place.b:
		return "b"
	}
	return "tie"
}

// rate rates the models of one voter, group by group.
func rate(votes []cast, baseline string) ([]Rated, error) {
	by := map[string]*Rated{}
	of := func(m string) *Rated {
		if by[m] == nil {
			by[m] = &Rated{Model: m}
		}
		return by[m]
	}
	root := map[string]string{} // of the models that votes connect
	var find func(m string) string
	find = func(m string) string {
		if root[m] == "" || root[m] == m {
			return m
		}
		root[m] = find(root[m])
		return root[m]
	}
	for _, c := range votes {
		a, b := of(c.place.a), of(c.place.b)
		a.Votes++
		b.Votes++
		switch side(c) {
		case "a":
			a.Wins++
			b.Losses++
		case "b":
			b.Wins++
			a.Losses++
		default:
			a.Ties++
			b.Ties++
			if c.note == string(BothBad) {
				a.Bad++
				b.Bad++
			}
		}
		against(a, b, c, baseline)
		if x, y := find(c.place.a), find(c.place.b); x != y {
			root[max(x, y)] = min(x, y)
		}
	}
	groups := map[string][]metrics.Vote{}
	for _, c := range votes {
		winner := map[string]string{"a": "A", "b": "B", "tie": "tie"}[side(c)]
		k := find(c.place.a)
		groups[k] = append(groups[k], metrics.Vote{A: c.place.a, B: c.place.b, Winner: winner})
	}
	var list []Rated
	size := map[string]int{}
	for k, some := range groups {
		r, err := metrics.BradleyTerry(some)
		if err != nil {
			return nil, err
		}
		size[k] = len(some)
		for i, m := range r.Models {
			row := by[m]
			rating, interval := r.Rating(i, ratingMiddle, ratingLevel)
			row.Rating, row.Low, row.High = math.Round(rating), math.Round(interval.Low), math.Round(interval.High)
			list = append(list, *row)
		}
	}
	// The group with most votes first, then the best.
	slices.SortFunc(list, func(a, b Rated) int {
		x, y := find(a.Model), find(b.Model)
		return cmp.Or(-cmp.Compare(size[x], size[y]), cmp.Compare(x, y), -cmp.Compare(a.Rating, b.Rating), cmp.Compare(a.Model, b.Model))
	})
	for i := range list {
		if i > 0 {
			list[i].Group = list[i-1].Group
			if find(list[i].Model) != find(list[i-1].Model) {
				list[i].Group++
			}
		}
		if v := list[i].Against; v != nil {
			if n := v.Wins + v.Losses; n > 0 {
				v.Share = float64(v.Wins) / float64(n)
			}
			v.Interval = Interval(metrics.Wilson(v.Wins, v.Wins+v.Losses, ratingLevel))
			v.PValue = metrics.McNemar(v.Wins, v.Losses)
		}
	}
	return list, nil
}

// against counts a vote between a model and the baseline.
func against(a, b *Rated, c cast, baseline string) {
	model := a
	switch baseline {
	case a.Model:
		model = b
	case b.Model:
	default:
		return
	}
	if model.Against == nil {
		model.Against = &Against{Baseline: baseline}
	}
	switch v := model.Against; c.winner {
	case model.Model:
		v.Wins++
	case baseline:
		v.Losses++
	default:
		v.Ties++
	}
}
