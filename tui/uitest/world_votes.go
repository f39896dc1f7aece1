package uitest

import (
	"context"
	"errors"

	"tunebench/backend/chat"
	"tunebench/backend/evaluation"
	"tunebench/tui"
)

// Voting is a round of votes made of plain values. Pairs that are not Ready
// become so with Arrive.
type Voting struct {
	w       *World
	State   evaluation.Round
	Pairs   []evaluation.Pair
	Asked   []evaluation.Progress
	Agree   map[string]*chat.Agreement
	changed chan struct{}
	broken  map[int]bool // that were looked at
}

// NewVoting is a round over these pairs.
func NewVoting(w *World, r evaluation.Round, pairs []evaluation.Pair) *Voting {
	r.Rows = len(pairs)
	return &Voting{w: w, State: r, Pairs: pairs, changed: make(chan struct{}, 1), broken: map[int]bool{}}
}

// Arrive makes the pair at a place ready.
func (v *Voting) Arrive(place int) {
	v.Pairs[place].Ready = true
	v.changed <- struct{}{}
}

func (v *Voting) Round() evaluation.Round {
	r := v.State
	for _, p := range v.Pairs {
		switch winner := map[chat.Outcome]string{chat.First: p.Left.Model, chat.Second: p.Right.Model}[p.Voted]; {
		case p.Broken != "":
			r.Broken++
			continue
		case p.Voted == "":
			continue
		case winner == r.A:
			r.WinsA++
		case winner == r.B:
			r.WinsB++
		case p.Voted == chat.BothBad:
			r.Bad++
		default:
			r.Ties++
		}
		r.Voted++
	}
	if n := r.WinsA + r.WinsB; n > 0 {
		r.Share = float64(r.WinsB) / float64(n)
	}
	return r
}

func (v *Voting) Pair(_ context.Context, place int) (evaluation.Pair, error) {
	p := v.Pairs[place]
	p.Place = place
	v.broken[place] = p.Broken != ""
	return p, v.w.Err
}

func (v *Voting) Next(from int) int {
	for i := range v.Pairs {
		if p := (from + i) % len(v.Pairs); v.Pairs[p].Voted == "" && !v.broken[p] {
			return p
		}
	}
	return -1
}

func (v *Voting) Vote(_ context.Context, place int, o chat.Outcome) error {
	v.w.did("vote on %d: %s", place, o)
	v.Pairs[place].Voted = o
	return v.w.Err
}

func (v *Voting) Judge(_ context.Context, judge string, place int) (evaluation.Opinion, error) {
	v.w.did("%s judges %d", judge, place)
	if v.Pairs[place].Voted == "" {
		return evaluation.Opinion{}, errors.New("asked before the vote")
	}
	o := v.w.Opinion
	o.Judge = judge
	return o, v.w.Err
}

func (v *Voting) Agreements(context.Context) (map[string]*chat.Agreement, error) {
	return v.Agree, v.w.Err
}

func (v *Voting) Changed() <-chan struct{}        { return v.changed }
func (v *Voting) Done() <-chan struct{}           { return nil }
func (v *Voting) Progress() []evaluation.Progress { return v.Asked }
func (v *Voting) Close()                          { v.w.did("leave the round") }

func (e evaluations) StartRound(_ context.Context, s evaluation.RoundSpec) (tui.Voting, error) {
	e.w.did("round %s%s %s %s, %d rows, seed %d", s.Dataset, s.Run, s.A, s.B, s.Rows, s.Seed)
	if e.w.Voting == nil {
		return nil, errors.New("the world has no rounds")
	}
	return e.w.Voting, e.w.Err
}

func (e evaluations) ResumeRound(_ context.Context, id string) (tui.Voting, error) {
	e.w.did("resume round %s", id)
	if e.w.Voting == nil {
		return nil, errors.New("the world has no rounds")
	}
	return e.w.Voting, e.w.Err
}

func (e evaluations) Rounds(context.Context) ([]evaluation.Round, error) {
	return e.w.RoundList, e.w.Err
}

func (e evaluations) Judge(ctx context.Context, s evaluation.JudgeSpec, progress func(done, total int)) (evaluation.Judgement, error) {
	e.w.did("judge %s by %s: %s, %s", s.Run, s.Judge, s.A, s.B)
	progress(1, 200)
	return e.w.Judgement, e.w.Err
}

func (e evaluations) AskJudge(_ context.Context, q evaluation.AskJudge) (evaluation.Opinion, error) {
	e.w.did("ask the judge %s", q.Judge)
	o := e.w.Opinion
	o.Judge = q.Judge
	return o, e.w.Err
}

func (e evaluations) JudgePrompt(context.Context) (string, error) {
	return evaluation.JudgePrompt, e.w.Err
}

func (e evaluations) SetJudgePrompt(_ context.Context, text string) error {
	e.w.did("the judge's prompt has %d bytes", len(text))
	return errors.Join(evaluation.CheckJudgePrompt(text), e.w.Err)
}
