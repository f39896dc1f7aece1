package chat

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"tunebench/backend/store"
	"tunebench/metrics"
)

// Outcome of a vote between two answers.
type Outcome string

// The outcomes.
const (
	First   Outcome = "first"
	Second  Outcome = "second"
	Tie     Outcome = "tie"
	BothBad Outcome = "both bad"
)

// Vote keeps what somebody thought of two models' answers to the question at a
// position, in place of an earlier vote on it.
func (s *Service) Vote(ctx context.Context, conversation int64, position int, first, second string, o Outcome) error {
	if first == second {
		return fmt.Errorf("a vote needs two models; both are %q", first)
	}
	v := store.Vote{Conversation: conversation, Position: position, Created: s.cfg.Now()}
	switch o {
	case First:
		v.Winner = first
	case Second:
		v.Winner = second
	case Tie, BothBad:
		v.Note = string(o)
	default:
		return fmt.Errorf("%q is no outcome of a vote; it is first, second, tie or both bad", o)
	}
	models, err := json.Marshal([2]string{first, second})
	if err != nil {
		return fmt.Errorf("keep the vote: %w", err)
	}
	v.Models = string(models)
	return s.cfg.Store.PutVote(ctx, v)
}

// Rated is a model's place on the board of votes.
type Rated struct {
	Model string `json:"model"`
	// Rating is in Elo's points around 1,000 by the Bradley-Terry model, with the
	// interval of 95 % between Low and High.
	Rating float64 `json:"rating"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Wins   int     `json:"wins"`
	Losses int     `json:"losses"`
	Ties   int     `json:"ties"` // with those of which both were bad
	Bad    int     `json:"both_bad"`
}

// The middle of the ratings, and the confidence of their intervals.
const (
	ratingMiddle = 1000
	ratingLevel  = 0.95
)

// Ratings are the models by the votes of this account, the best first. A vote that
// both are bad counts as a tie.
func (s *Service) Ratings(ctx context.Context) ([]Rated, error) {
	kept, err := s.cfg.Store.Votes(ctx, s.cfg.AccountName)
	if err != nil {
		return nil, err
	}
	var votes []metrics.Vote
	by := map[string]*Rated{}
	of := func(m string) *Rated {
		if by[m] == nil {
			by[m] = &Rated{Model: m}
		}
		return by[m]
	}
	for _, v := range kept {
		var models [2]string
		if err := json.Unmarshal([]byte(v.Models), &models); err != nil {
			return nil, fmt.Errorf("read vote %d: %w", v.ID, err)
		}
		a, b := of(models[0]), of(models[1])
		vote := metrics.Vote{A: models[0], B: models[1], Winner: "tie"}
		switch v.Winner {
		case models[0]:
			vote.Winner = "A"
			a.Wins++
			b.Losses++
		case models[1]:
			vote.Winner = "B"
			b.Wins++
			a.Losses++
		default:
			a.Ties++
			b.Ties++
			if v.Note == string(BothBad) {
				a.Bad++
				b.Bad++
			}
		}
		votes = append(votes, vote)
	}
	if len(votes) == 0 {
		return nil, nil
	}
	r, err := metrics.BradleyTerry(votes)
	if err != nil {
		return nil, fmt.Errorf("rate the models: %w", err)
	}
	list := make([]Rated, 0, len(r.Models))
	for i, m := range r.Models {
		row := *by[m]
		rating, interval := r.Rating(i, ratingMiddle, ratingLevel)
		row.Rating, row.Low, row.High = math.Round(rating), math.Round(interval.Low), math.Round(interval.High)
		list = append(list, row)
	}
	slices.SortStableFunc(list, func(a, b Rated) int { return cmp.Compare(b.Rating, a.Rating) })
	return list, nil
}
