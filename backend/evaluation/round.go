package evaluation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
	"tunebench/metrics"
)

// RoundSpec describes a round of votes between two models: over rows of a
// dataset that they are asked, or over answers that a run has.
type RoundSpec struct {
	Dataset string // a file, a folder that prepare wrote, or a .txt with a prompt on each line
	Run     string // in place of Dataset
	A, B    string // the models; of a run "" are its first and its last
	// Rows is how many rows, 0 for all. The same Seed gives the same rows in the
	// same order.
	Rows        int
	Seed        uint64
	MaxTokens   int
	Temperature float64
}

// Round is a round of votes as far as it is.
type Round struct {
	ID      string    `json:"id"`
	Run     string    `json:"run"` // that holds the answers
	Dataset string    `json:"dataset"`
	A       string    `json:"a"`
	B       string    `json:"b"`
	Seed    uint64    `json:"seed"`
	Created time.Time `json:"created"`
	Rows    int       `json:"rows"`
	Voted   int       `json:"voted"`
	// Broken counts the rows on which a model gave no answer: there is nothing to
	// vote on.
	Broken int `json:"no_answer"`
	WinsA  int `json:"wins_a"`
	WinsB  int `json:"wins_b"`
	Ties   int `json:"ties"`
	Bad    int `json:"both_bad"`
	// Share is B's share of the votes with a winner, with its 95 % interval, and
	// PValue the exact sign test's.
	Share    float64  `json:"share_b"`
	Interval Interval `json:"interval"`
	PValue   float64  `json:"p_value"`
}

// Done reports whether every row that can be voted on has been.
func (r Round) Done() bool { return r.Voted+r.Broken >= r.Rows }

// Pair is one row of a round. Which model stands left differs from row to row.
type Pair struct {
	Place                       int // in the round, from 0
	Row                         int64
	System, Question, Reference string
	Left, Right                 Record
	Ready                       bool   // both answers are there
	Broken                      string // why there is nothing to vote on
	// Voted is what was voted: First is the left one. "" is nothing yet.
	Voted chat.Outcome
}

// ahead is how many rows are asked beyond the one that is read.
const ahead = 3

// Voting is a round that somebody votes in. Its methods are safe for concurrent
// use.
type Voting struct {
	s    *Service
	rec  store.Round
	rows []int64
	live *Live // nil where all answers are there already

	mu     sync.Mutex
	round  Round
	votes  map[int64]string // the winning model, "tie" or "both bad", by row
	broken map[int64]bool
	state  *Round // nil since something has changed
}

// StartRound begins a round. Rows of a dataset are asked as they are wanted; that
// ends with ctx or Close, and goes on with ResumeRound.
func (s *Service) StartRound(ctx context.Context, spec RoundSpec) (*Voting, error) {
	if spec.Run != "" {
		return s.roundOver(ctx, spec)
	}
	if spec.A == "" || spec.B == "" {
		return nil, errors.New("a round is between two models; name both")
	}
	l, err := s.Start(ctx, Spec{Voting: true, Name: "votes", Dataset: spec.Dataset, Models: []string{spec.A, spec.B}, Limit: spec.Rows,
		MaxTokens: spec.MaxTokens, Temperature: spec.Temperature, Seed: spec.Seed})
	if err != nil {
		return nil, err
	}
	rows := make([]int64, len(l.plan.order))
	for i, pos := range l.plan.order {
		rows[i] = l.plan.rows[pos]
	}
	models := l.Run().Models
	v, err := s.addRound(ctx, spec, l.id, models[0].Model, models[1].Model, rows)
	if err != nil {
		l.Stop()
		return nil, err
	}
	v.live = l
	l.plan.gate.open(ahead)
	return v, nil
}

// roundOver begins a round over answers that a run has.
func (s *Service) roundOver(ctx context.Context, spec RoundSpec) (*Voting, error) {
	run, err := s.Run(ctx, spec.Run)
	if err != nil {
		return nil, err
	}
	if spec.A == "" {
		spec.A = run.Spec.Models[0]
	}
	if spec.B == "" {
		spec.B = run.Spec.Models[len(run.Spec.Models)-1]
	}
	if spec.A == spec.B {
		return nil, fmt.Errorf("a round is between two models, and run %s has only %s", run.ID, safetext.Line(spec.A))
	}
	pairs, err := s.answerPairs(ctx, JudgeSpec{Run: run.ID, A: spec.A, B: spec.B})
	if err != nil {
		return nil, err
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("there is no row of run %s that both %s and %s answered", run.ID, safetext.Line(spec.A), safetext.Line(spec.B))
	}
	order := shuffled(len(pairs), spec.Seed)
	if spec.Rows > 0 && spec.Rows < len(order) {
		order = order[:spec.Rows]
	}
	if len(order) > mostVoted {
		return nil, fmt.Errorf("a round has %d rows at most; name fewer of the %d", mostVoted, len(order))
	}
	rows := make([]int64, len(order))
	for i, k := range order {
		rows[i] = pairs[k][0].Row
	}
	return s.addRound(ctx, spec, run.ID, spec.A, spec.B, rows)
}

func (s *Service) addRound(ctx context.Context, spec RoundSpec, run, a, b string, rows []int64) (*Voting, error) {
	now := s.cfg.Now()
	account, _ := s.cfg.Chat.Account()
	rec := store.Round{ID: now.Format("20060102-150405-") + nonce(2), Account: account, Run: run, Seed: spec.Seed, Created: now}
	var err error
	if rec.Models, err = toJSON([2]string{a, b}); err != nil {
		return nil, err
	}
	if rec.Rows, err = toJSON(rows); err != nil {
		return nil, err
	}
	if err := s.cfg.Store.AddRound(ctx, rec); err != nil {
		return nil, err
	}
	return s.voting(ctx, rec)
}

// ResumeRound goes on with a round where it was left.
func (s *Service) ResumeRound(ctx context.Context, id string) (*Voting, error) {
	rec, err := s.cfg.Store.Round(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("there is no round %s; list them with: tunebench eval rounds", safetext.Line(id))
	}
	if err != nil {
		return nil, err
	}
	v, err := s.voting(ctx, rec)
	if err != nil {
		return nil, err
	}
	run, err := s.Run(ctx, rec.Run)
	if err != nil {
		return nil, err
	}
	if run.Spec.Voting && run.Status != Finished {
		next := v.Next(0)
		if next < 0 {
			return v, nil
		}
		if err := s.endLive(ctx, rec.Run); err != nil {
			return nil, err
		}
		if v.live, err = s.resume(ctx, rec.Run, next+ahead); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// endLive waits for the end of a round's run that this process still executes: it
// was left a moment ago.
func (s *Service) endLive(ctx context.Context, run string) error {
	rec, err := s.stored(ctx, run)
	if err != nil {
		return err
	}
	l := s.lookup(rec.Owner)
	if l == nil {
		return nil
	}
	l.Stop()
	select {
	case <-l.Done():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Rounds lists the rounds of the account, newest first.
func (s *Service) Rounds(ctx context.Context) ([]Round, error) {
	account, _ := s.cfg.Chat.Account()
	recs, err := s.cfg.Store.Rounds(ctx, account)
	if err != nil {
		return nil, err
	}
	list := make([]Round, 0, len(recs))
	for _, rec := range recs {
		v, err := s.voting(ctx, rec)
		if err != nil {
			return nil, err
		}
		list = append(list, v.Round())
	}
	return list, nil
}

// voting reads what has been voted in a round.
func (s *Service) voting(ctx context.Context, rec store.Round) (*Voting, error) {
	v := &Voting{s: s, rec: rec, votes: map[int64]string{}, broken: map[int64]bool{}}
	var models [2]string
	if err := errors.Join(json.Unmarshal([]byte(rec.Models), &models), json.Unmarshal([]byte(rec.Rows), &v.rows)); err != nil {
		return nil, fmt.Errorf("read round %s: %w", rec.ID, err)
	}
	run, err := s.stored(ctx, rec.Run)
	if err != nil {
		return nil, err
	}
	spec, _, err := decode(run)
	if err != nil {
		return nil, err
	}
	v.round = Round{ID: rec.ID, Run: rec.Run, Dataset: spec.Spec.Dataset, A: models[0], B: models[1], Seed: rec.Seed, Created: rec.Created, Rows: len(v.rows)}
	in := map[int64]bool{}
	for _, r := range v.rows {
		in[r] = true
	}
	votes, err := s.cfg.Chat.RunVotes(ctx, rec.Run, models[0], models[1])
	if err != nil {
		return nil, err
	}
	for row, w := range votes {
		if in[row] {
			v.votes[row] = w
		}
	}
	_, err = s.cfg.Store.Records(ctx, store.RecordQuery{Run: rec.Run, Failed: true}, func(r store.Record) error {
		if in[r.Row] && slices.Contains(models[:], r.Model) {
			v.broken[r.Row] = true
		}
		return nil
	})
	return v, err
}

// Round is the round as it is now.
func (v *Voting) Round() Round {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.state != nil {
		return *v.state
	}
	r := v.round
	for row, w := range v.votes {
		if v.broken[row] {
			continue
		}
		r.Voted++
		switch w {
		case r.A:
			r.WinsA++
		case r.B:
			r.WinsB++
		case string(chat.BothBad):
			r.Bad++
		default:
			r.Ties++
		}
	}
	r.Broken = len(v.broken)
	if n := r.WinsA + r.WinsB; n > 0 {
		r.Share = float64(r.WinsB) / float64(n)
	}
	r.Interval = Interval(metrics.Wilson(r.WinsB, r.WinsA+r.WinsB, metrics.Level))
	r.PValue = metrics.McNemar(r.WinsB, r.WinsA)
	v.state = &r
	return r
}

// Next is the first place from that one on, and then from the beginning, that can
// be voted on and has not been; -1 where there is none.
func (v *Voting) Next(from int) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.rows {
		place := (from + i) % len(v.rows)
		if row := v.rows[place]; v.votes[row] == "" && !v.broken[row] {
			return place
		}
	}
	return -1
}

// leftIsB says how a row is laid out: always the same way.
func (v *Voting) leftIsB(row int64) bool {
	return rand.New(rand.NewPCG(v.rec.Seed, uint64(row)+0x6c65_6674)).IntN(2) == 1
}

// sides are the models left and right.
func (v *Voting) sides(row int64) (left, right string) {
	if v.leftIsB(row) {
		return v.round.B, v.round.A
	}
	return v.round.A, v.round.B
}

// Pair is the row at a place of the round; the rows after it are asked meanwhile.
func (v *Voting) Pair(ctx context.Context, place int) (Pair, error) {
	if v.live != nil {
		v.live.plan.gate.open(min(place, len(v.rows)) + 1 + ahead)
	}
	return v.pair(ctx, place)
}

func (v *Voting) pair(ctx context.Context, place int) (Pair, error) {
	if place < 0 || place >= len(v.rows) {
		return Pair{}, fmt.Errorf("the round has no place %d", place)
	}
	row := v.rows[place]
	p := Pair{Place: place, Row: row}
	left, right := v.sides(row)
	recs, err := v.s.Row(ctx, v.rec.Run, row)
	if err != nil {
		return p, err
	}
	there := 0
	for _, r := range recs {
		switch r.Model {
		case left:
			p.Left = r
		case right:
			p.Right = r
		default:
			continue
		}
		there++
		p.System, p.Question, p.Reference = r.System, r.Question, r.Reference
		p.Broken = cmp.Or(p.Broken, r.Err)
	}
	p.Ready = there == 2
	if !p.Ready && v.live != nil {
		if e, ok := v.example(row); ok {
			p.System, p.Question, p.Reference = safetext.Text(e.System), safetext.Text(e.Question), safetext.Text(e.Answer)
		}
		select {
		case <-v.live.Done():
			if _, err := v.live.Wait(ctx); err != nil {
				return p, err
			}
		default:
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if p.Ready && p.Broken != "" && !v.broken[row] {
		v.broken[row], v.state = true, nil
	}
	switch v.votes[row] {
	case "":
	case left:
		p.Voted = chat.First
	case right:
		p.Voted = chat.Second
	default:
		p.Voted = chat.Outcome(v.votes[row])
	}
	return p, nil
}

// Vote keeps what somebody thought of the row at a place: First is the left
// answer. It is on disk when it returns.
func (v *Voting) Vote(ctx context.Context, place int, o chat.Outcome) error {
	p, err := v.pair(ctx, place)
	switch {
	case err != nil:
		return err
	case p.Broken != "":
		return fmt.Errorf("there is nothing to vote on: %s", p.Broken)
	case !p.Ready:
		return errors.New("the answers are not there yet")
	}
	left, right := v.sides(p.Row)
	if err := v.s.cfg.Chat.Cast(ctx, chat.Ballot{Run: v.rec.Run, Row: p.Row, First: left, Second: right, Outcome: o}); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state = nil
	v.votes[p.Row] = map[chat.Outcome]string{chat.First: left, chat.Second: right, chat.Tie: string(chat.Tie), chat.BothBad: string(chat.BothBad)}[o]
	return nil
}

// Judge asks a judge about the row at a place and keeps what it says as its vote.
// It answers only after a person has voted there, so that it sways nobody.
func (v *Voting) Judge(ctx context.Context, judge string, place int) (Opinion, error) {
	p, err := v.pair(ctx, place)
	if err != nil {
		return Opinion{}, err
	}
	if p.Voted == "" {
		return Opinion{}, errors.New("a judge is heard after the vote")
	}
	o, err := v.s.AskJudge(ctx, AskJudge{Judge: judge, System: p.System, Question: p.Question, Reference: p.Reference, First: p.Left.Output, Second: p.Right.Output})
	if err != nil || o.Outcome == "" || o.Same {
		return o, err
	}
	left, right := v.sides(p.Row)
	return o, v.s.cfg.Chat.Cast(ctx, chat.Ballot{Run: v.rec.Run, Row: p.Row, First: left, Second: right, Outcome: o.Outcome, Judge: o.Judge, Form: o.Form, Swayed: o.Swayed})
}

// Agreements are how far each judge agrees with people on these models' answers in
// the round's run, by the prompt that is kept.
func (v *Voting) Agreements(ctx context.Context) (map[string]*chat.Agreement, error) {
	prompt, err := v.s.JudgePrompt(ctx)
	if err != nil {
		return nil, err
	}
	return v.s.cfg.Chat.Agreements(ctx, v.rec.Run, v.round.A, v.round.B, promptName(prompt))
}

// Changed is signalled when answers have come; nil where all are there already.
func (v *Voting) Changed() <-chan struct{} {
	if v.live == nil {
		return nil
	}
	return v.live.Changed()
}

// Done is closed when no more answers come; nil where all are there already.
func (v *Voting) Done() <-chan struct{} {
	if v.live == nil {
		return nil
	}
	return v.live.Done()
}

// Progress says how the models get on that are asked.
func (v *Voting) Progress() []Progress {
	if v.live == nil {
		return nil
	}
	return v.live.Progress()
}

// Close stops asking. What was answered and voted is kept.
func (v *Voting) Close() {
	if v.live != nil {
		v.live.Stop()
	}
}
