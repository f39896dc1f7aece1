package chat

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"tunebench/backend/store"
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

// ByOrder is the note of a judge's vote that is a tie only because the judge said
// something else when the answers changed places.
const ByOrder = "order"

// Ballot is one vote on the answers of two models to the same question.
type Ballot struct {
	// Conversation and Position say where the question stands, or Run and Row.
	Conversation  int64
	Position      int
	Run           string
	Row           int64
	First, Second string // the models
	Outcome       Outcome
	// Judge is the model whose vote it is, "" for a person's; Form says by which
	// words the judge was asked, and Swayed that it made up its mind by the order
	// alone: the outcome is a tie then.
	Judge, Form string
	Swayed      bool
}

// Vote keeps what somebody thought of two models' answers to the question at a
// position, in place of an earlier vote on it.
func (s *Service) Vote(ctx context.Context, conversation int64, position int, first, second string, o Outcome) error {
	return s.Cast(ctx, Ballot{Conversation: conversation, Position: position, First: first, Second: second, Outcome: o})
}

// Cast keeps a vote, in place of an earlier one of the same voter on the same
// answers.
func (s *Service) Cast(ctx context.Context, b Ballot) error {
	if b.First == b.Second {
		return fmt.Errorf("a vote needs two models; both are %q", b.First)
	}
	v := store.Vote{Account: s.cfg.AccountName, Conversation: b.Conversation, Position: b.Position, Run: b.Run, Row: b.Row, Voter: b.Judge, Form: b.Form, Created: s.cfg.Now()}
	switch b.Outcome {
	case First:
		v.Winner = b.First
	case Second:
		v.Winner = b.Second
	case Tie, BothBad:
		v.Note = string(b.Outcome)
		if b.Swayed {
			v.Note = ByOrder
		}
	default:
		return fmt.Errorf("%q is no outcome of a vote; it is first, second, tie or both bad", b.Outcome)
	}
	models, err := json.Marshal([2]string{b.First, b.Second})
	if err != nil {
		return fmt.Errorf("keep the vote: %w", err)
	}
	v.Models = string(models)
	return s.cfg.Store.PutVote(ctx, v)
}

// cast is a vote as it is counted: models in alphabetical order.
type cast struct {
	place  place
	winner string // a model, or "" for none
	note   string
}

// place is what a vote is about.
type place struct {
	conversation int64
	position     int
	run          string
	row          int64
	a, b         string
}

// read makes a vote of a stored one.
func read(v store.Vote) (cast, error) {
	var models [2]string
	if err := json.Unmarshal([]byte(v.Models), &models); err != nil {
		return cast{}, fmt.Errorf("read vote %d: %w", v.ID, err)
	}
	if models[0] > models[1] {
		models[0], models[1] = models[1], models[0]
	}
	return cast{place{v.Conversation, v.Position, v.Run, v.Row, models[0], models[1]}, v.Winner, v.Note}, nil
}

// RunVotes are people's votes on the answers of two models in a run, by row: the
// model that won, Tie or BothBad.
func (s *Service) RunVotes(ctx context.Context, run, a, b string) (map[int64]string, error) {
	kept, err := s.cfg.Store.RunVotes(ctx, run)
	if err != nil {
		return nil, err
	}
	votes := map[int64]string{}
	for _, v := range kept {
		c, err := read(v)
		if err != nil {
			return nil, err
		}
		if v.Voter == "" && c.place.a == min(a, b) && c.place.b == max(a, b) {
			votes[v.Row] = cmp.Or(c.winner, c.note)
		}
	}
	return votes, nil
}
