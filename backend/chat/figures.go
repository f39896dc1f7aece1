package chat

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tunebench/backend/artifact"
	"tunebench/metrics"
)

// Figure is what is known of one answer: a line of the table over a session.
type Figure struct {
	Number          int      `json:"number"` // of the question, from 1 on
	Question        string   `json:"question"`
	Model           string   `json:"model"`
	Phase           Phase    `json:"phase"`
	StopReason      string   `json:"stop_reason,omitempty"`
	FirstTokenMS    float64  `json:"first_token_ms,omitempty"`
	DurationMS      float64  `json:"duration_ms,omitempty"`
	TokensPerSecond float64  `json:"tokens_per_s,omitempty"`
	Input           int      `json:"input_tokens,omitempty"`
	Output          int      `json:"output_tokens,omitempty"`
	CostUSD         *float64 `json:"cost_usd,omitempty"` // nil where it is not known
	CostBasis       string   `json:"cost_basis,omitempty"`
	// F1 is the score over words against the reference, nil without one; Exact says
	// that the two say the same but for case, punctuation and articles.
	F1    *float64 `json:"f1,omitempty"`
	Exact bool     `json:"exact,omitempty"`
	// Vote is better, worse, tie or both bad; "" for none.
	Vote string `json:"vote,omitempty"`

	Cost Cost `json:"-"`
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// FigureOf makes a line of the table, without score and vote.
func FigureOf(number int, question string, a AnswerState, c Cost) Figure {
	f := Figure{
		Number: number, Question: question, Model: a.Model.Ref, Phase: a.Phase, StopReason: a.StopReason,
		FirstTokenMS: millis(a.Stats.FirstToken), DurationMS: millis(a.Stats.Duration), TokensPerSecond: a.Stats.TokensPerSecond(),
		Input: a.Stats.InputTokens, Output: a.Stats.OutputTokens, Cost: c, CostBasis: c.Basis,
	}
	if c.Known {
		f.CostUSD = &c.USD
	}
	return f
}

// Ended says in a word how the answer ended.
func (f Figure) Ended() string {
	if f.Phase == Finished {
		return cmp.Or(f.StopReason, string(f.Phase))
	}
	return string(f.Phase)
}

// Total sums up a model's answers: medians of times and rates, sums of tokens and
// costs, the mean of scores.
type Total struct {
	Model           string   `json:"model"`
	Answers         int      `json:"answers"`
	Finished        int      `json:"finished"`
	FirstTokenMS    float64  `json:"first_token_ms,omitempty"`
	TokensPerSecond float64  `json:"tokens_per_s,omitempty"`
	Input           int      `json:"input_tokens"`
	Output          int      `json:"output_tokens"`
	USD             float64  `json:"cost_usd"`
	Unpriced        int      `json:"unpriced,omitempty"` // answers whose cost is not known
	Scored          int      `json:"scored,omitempty"`
	F1              *float64 `json:"f1,omitempty"`
	Exact           int      `json:"exact,omitempty"`
	Better          int      `json:"better,omitempty"`
	Worse           int      `json:"worse,omitempty"`
	Ties            int      `json:"ties,omitempty"` // with those of which both were bad
}

// Cost is the cost in words.
func (t Total) Cost() string {
	switch {
	case t.Unpriced == 0:
		return Money(t.USD)
	case t.Unpriced == t.Answers:
		return "unknown"
	}
	return fmt.Sprintf("%s + %d ?", Money(t.USD), t.Unpriced)
}

// Votes are the votes in words, "" for none.
func (t Total) Votes() string {
	if t.Better+t.Worse+t.Ties == 0 {
		return ""
	}
	return fmt.Sprintf("%d-%d-%d", t.Better, t.Worse, t.Ties)
}

// Totals sums up each model, in the order in which they appear.
func Totals(figures []Figure) []Total {
	var all []Total
	first, rate := map[string][]float64{}, map[string][]float64{}
	for _, f := range figures {
		i := slices.IndexFunc(all, func(t Total) bool { return t.Model == f.Model })
		if i < 0 {
			i = len(all)
			all = append(all, Total{Model: f.Model})
		}
		t := &all[i]
		t.Answers++
		if f.Phase == Finished {
			t.Finished++
		}
		t.Input += f.Input
		t.Output += f.Output
		if f.Cost.Known {
			t.USD += f.Cost.USD
		} else {
			t.Unpriced++
		}
		if f.FirstTokenMS > 0 {
			first[f.Model] = append(first[f.Model], f.FirstTokenMS)
		}
		if f.TokensPerSecond > 0 {
			rate[f.Model] = append(rate[f.Model], f.TokensPerSecond)
		}
		if f.F1 != nil {
			if t.F1 == nil {
				t.F1 = new(float64)
			}
			t.Scored++
			*t.F1 += (*f.F1 - *t.F1) / float64(t.Scored)
			if f.Exact {
				t.Exact++
			}
		}
		switch f.Vote {
		case voteBetter:
			t.Better++
		case voteWorse:
			t.Worse++
		case "":
		default:
			t.Ties++
		}
	}
	for i := range all {
		all[i].FirstTokenMS, all[i].TokensPerSecond = median(first[all[i].Model]), median(rate[all[i].Model])
	}
	return all
}

// median is the middle of values, 0 of none.
func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

const (
	voteBetter = "better"
	voteWorse  = "worse"
)

// Voted is a vote that a person gave on two answers.
type Voted struct {
	Models []string
	Winner string // "" for none, Note says which kind of none
	Note   string
}

// VoteOn is what the votes on a question say of a model: better, worse, the note
// of one without a winner, or "" if none was on it. The newest counts.
func VoteOn(votes []Voted, model string) string {
	for _, v := range slices.Backward(votes) {
		switch {
		case !slices.Contains(v.Models, model):
			continue
		case v.Winner == "":
			return v.Note
		case v.Winner == model:
			return voteBetter
		}
		return voteWorse
	}
	return ""
}

// VotesIn are the votes that people gave in a session, oldest first, by the
// position of the question.
func (s *Service) VotesIn(ctx context.Context, conversation int64) (map[int][]Voted, error) {
	kept, err := s.cfg.Store.VotesIn(ctx, conversation)
	if err != nil {
		return nil, err
	}
	all := map[int][]Voted{}
	for _, k := range kept {
		if k.Voter != "" {
			continue // a model's
		}
		v := Voted{Winner: k.Winner, Note: k.Note}
		if err := json.Unmarshal([]byte(k.Models), &v.Models); err != nil {
			return nil, fmt.Errorf("read vote %d: %w", k.ID, err)
		}
		all[k.Position] = append(all[k.Position], v)
	}
	return all, nil
}

// Answer is the answer that a turn keeps, of that model.
func (t Turn) Answer(m Model) AnswerState {
	return AnswerState{
		Model: m, Phase: t.Phase, Text: t.Content, StopReason: t.StopReason, Err: t.Err, Sent: t.Sent, Started: t.Created,
		Stats: Stats{FirstToken: t.FirstToken, Duration: t.Latency, InputTokens: t.Input, OutputTokens: t.Output},
	}
}

// Figures are the lines of the table over a session that was loaded, in the order
// of its questions. What cannot be read of prices and votes is not known.
func (s *Service) Figures(ctx context.Context, c Conversation, turns []Turn) ([]Figure, error) {
	votes, err := s.VotesIn(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	models, units := s.priced(ctx, turns)
	meter := s.Meter(units)
	scorer, err := metrics.QAAccuracy.NewScorer(nil)
	if err != nil {
		return nil, err
	}
	var all []Figure
	question, reference, position := "", "", -1
	for _, t := range turns {
		if t.Position/2 != position/2 || position < 0 {
			question, reference, position = "", "", t.Position
		}
		switch t.Role {
		case artifact.RoleUser:
			question = t.Content
		case roleReference:
			reference = t.Content
		case artifact.RoleAssistant:
			m, ok := models[t.Model]
			if !ok {
				m = Model{Ref: t.Model}
			}
			a := t.Answer(m)
			cost := Cost{Basis: "it was asked in another account, " + c.Account}
			if c.Account == "" || c.Account == s.cfg.AccountName {
				cost = meter.Cost(a)
			}
			f := FigureOf(t.Position/2+1, question, a, cost)
			f.Vote = VoteOn(votes[t.Position/2*2], t.Model)
			if f1, exact, ok := Scored(scorer, reference, a.Text); ok {
				f.F1, f.Exact = &f1, exact
			}
			all = append(all, f)
		}
	}
	return all, nil
}

// Scored is the F1 score over words of an answer, and whether it says what the
// reference says but for case, punctuation and articles. scorer is one of
// metrics.QAAccuracy; ok is false where there is nothing to score.
func Scored(scorer metrics.Scorer, reference, text string) (f1 float64, exact, ok bool) {
	if reference == "" || strings.TrimSpace(text) == "" {
		return 0, false, false
	}
	values, _, err := scorer.Score(nil, metrics.Row{Target: reference, Output: text})
	if err != nil {
		return 0, false, false
	}
	for i, s := range metrics.QAAccuracy.Scores {
		switch s.Name {
		case "f1_score":
			f1 = values[i]
		case "quasi_exact_match_score":
			exact = values[i] == 1
		}
	}
	return f1, exact, true
}

// priced are the models that answered, by their names, and the custom model units
// of the imported ones. Only an account that bills is asked, and what it does not
// tell is left out.
func (s *Service) priced(ctx context.Context, turns []Turn) (map[string]Model, map[string]int) {
	models, units := map[string]Model{}, map[string]int{}
	for _, t := range turns {
		if strings.HasPrefix(t.Model, endpointPrefix) {
			models[t.Model] = Model{Ref: t.Model, ID: strings.TrimPrefix(t.Model, endpointPrefix), Kind: Hosted}
		}
	}
	if !s.cfg.Bills {
		return models, units
	}
	list, err := s.Models(ctx)
	if err != nil {
		return models, units
	}
	for _, m := range list {
		if !slices.ContainsFunc(turns, func(t Turn) bool { return t.Model == m.Ref }) {
			continue
		}
		models[m.Ref] = m
		if m.Kind == Imported {
			if n, err := s.Units(ctx, m); err == nil {
				units[m.ID] = n
			}
		}
	}
	return models, units
}
