package evaluation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"tunebench/backend/artifact"
	"tunebench/backend/chat"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
	"tunebench/metrics"
)

// JudgeSpec asks a model which of two models' answers in a run is the better one.
type JudgeSpec struct {
	Run, Judge string
	A, B       string // models of the run; "" are its first and its last
	Limit      int    // most rows; 0 takes all
	// Prompt is what the judge is asked, with the marks of JudgePrompt; "" is the
	// one that is kept.
	Prompt string
}

// Judgement is what a judge says of two models. Every pair of answers is shown
// in both orders: what it says of one order only is its taste for a place, and
// counts as a tie. What it says is kept as its vote.
type Judgement struct {
	Run   string `json:"run"`
	Judge string `json:"judge"`
	Form  string `json:"form"` // names the prompt
	// Own says that the judge is one of the two.
	Own     bool   `json:"judges_itself,omitempty"`
	A       string `json:"a"`
	B       string `json:"b"`
	Rows    int    `json:"rows"` // judged
	WinsA   int    `json:"wins_a"`
	WinsB   int    `json:"wins_b"`
	Ties    int    `json:"ties"`    // said in both orders, or the answers are the same
	Swayed  int    `json:"swayed"`  // the order decided
	Unclear int    `json:"unclear"` // a reply was no verdict; no vote is kept
	Failed  int    `json:"failed"`
	// First is how often the answer shown first won, of all verdicts that named
	// one; 0.5 is a judge without a taste for a place.
	First float64 `json:"first"`
	// Share is B's share of the rows with a winner, with its 95 % interval, and
	// PValue the exact sign test's.
	Share    float64  `json:"share_b"`
	Interval Interval `json:"interval"`
	PValue   float64  `json:"p_value"`
	// Exact is how often the judge agrees with exact match on the rows where just
	// one of the two matches the reference; Known counts these rows.
	Exact int `json:"agrees_with_exact_match"`
	Known int `json:"known_by_exact_match"`
	// People is how far the judge agrees with people's votes on these two models'
	// answers in the run; nil where there are none.
	People *chat.Agreement `json:"people,omitempty"`
	// Unread are some of the replies that were no verdict.
	Unread []string `json:"unread,omitempty"`
	// Errors are some of the reasons why the judge could not be asked.
	Errors []string `json:"errors,omitempty"`
}

// judged is one row's outcome.
type judged struct {
	kind        string // "a", "b", "tie", "same", "swayed", "unclear", "failed"
	first, said int    // verdicts for the answer shown first, and for any
	exact       int    // 1 when a, 2 when b alone matches the reference
	unread      string // a reply that was no verdict, or why it failed
}

// Judge asks the judge about every row that both models answered. Its replies are
// kept like any answer: asking again costs nothing, and what was interrupted
// goes on where it was.
func (s *Service) Judge(ctx context.Context, spec JudgeSpec, progress func(done, total int)) (Judgement, error) {
	run, err := s.Run(ctx, spec.Run)
	if err != nil {
		return Judgement{}, err
	}
	models := run.Spec.Models
	if spec.A == "" {
		spec.A = models[0]
	}
	if spec.B == "" {
		spec.B = models[len(models)-1]
	}
	if spec.A == spec.B {
		return Judgement{}, fmt.Errorf("a judge compares two models, and run %s has only %s; name two with --a and --b", run.ID, safetext.Line(spec.A))
	}
	judge, err := s.cfg.Chat.Resolve(ctx, spec.Judge)
	if err != nil {
		return Judgement{}, err
	}
	if spec.Prompt == "" {
		if spec.Prompt, err = s.JudgePrompt(ctx); err != nil {
			return Judgement{}, err
		}
	}
	if err := CheckJudgePrompt(spec.Prompt); err != nil {
		return Judgement{}, err
	}
	j := Judgement{Run: run.ID, Judge: judge.Ref, Form: promptName(spec.Prompt), A: spec.A, B: spec.B, Own: judge.Ref == spec.A || judge.Ref == spec.B}
	pairs, err := s.answerPairs(ctx, spec)
	if err != nil {
		return j, err
	}
	if len(pairs) == 0 {
		return j, fmt.Errorf("there is no row of run %s that both %s and %s answered", run.ID, safetext.Line(spec.A), safetext.Line(spec.B))
	}
	r, end := s.judgeRunner(ctx, run.ID, judge)
	defer end()
	verdicts := make([]judged, len(pairs))
	var mu sync.Mutex
	done := 0
	next := make(chan int)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(next)
		for i := range pairs {
			select {
			case next <- i:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range s.cfg.Concurrency {
		g.Go(func() error {
			for i := range next {
				v, err := r.judgePair(ctx, spec.Prompt, judgedPair{pairs[i][0].System, pairs[i][0].Question, pairs[i][0].Reference, pairs[i][0].Output, pairs[i][1].Output})
				if err != nil {
					return err
				}
				verdicts[i] = v
				if o, swayed, ok := v.vote(); ok {
					// At once: what was judged stays when this is interrupted.
					if err := s.cfg.Chat.Cast(ctx, chat.Ballot{Run: run.ID, Row: pairs[i][0].Row, First: spec.A, Second: spec.B, Outcome: o, Judge: j.Judge, Form: j.Form, Swayed: swayed}); err != nil {
						return err
					}
				}
				mu.Lock()
				done++
				if progress != nil {
					progress(done, len(pairs))
				}
				mu.Unlock()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return j, err
	}
	j.count(verdicts)
	all, err := s.cfg.Chat.Agreements(context.WithoutCancel(ctx), run.ID, spec.A, spec.B, j.Form)
	j.People = all[j.Judge]
	return j, err
}

// judgeRunner asks a judge. The requests end with ctx, at the latest with end.
func (s *Service) judgeRunner(ctx context.Context, run string, judge chat.Model) (r *runner, end func()) {
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	r = &runner{Live: &Live{service: s, id: run, spec: Spec{MaxTokens: judgeTokens}, requests: requests, changed: make(chan struct{}, 1)},
		model: judge, limit: newLimiter(firstRequests, s.cfg.Concurrency)}
	return r, func() { stop(); cancel() }
}

// AskJudge is one pair of answers for a judge.
type AskJudge struct {
	Judge                       string // as users name models
	System, Question, Reference string
	First, Second               string // the answers
}

// Opinion is what a judge says of one pair. Outcome is "" where its replies could
// not be read; Unread is such a reply then. Swayed says that the order decided,
// which makes a tie; Same that the answers are the same and nobody was asked.
type Opinion struct {
	Judge, Form string
	Outcome     chat.Outcome
	Swayed      bool
	Same        bool
	Unread      string
}

// AskJudge asks a judge about one pair of answers in both orders, with the prompt
// that is kept. Greedy replies are kept, like those of Judge.
func (s *Service) AskJudge(ctx context.Context, q AskJudge) (Opinion, error) {
	judge, err := s.cfg.Chat.Resolve(ctx, q.Judge)
	if err != nil {
		return Opinion{}, err
	}
	prompt, err := s.JudgePrompt(ctx)
	if err != nil {
		return Opinion{}, err
	}
	r, end := s.judgeRunner(ctx, "", judge)
	defer end()
	o := Opinion{Judge: judge.Ref, Form: promptName(prompt)}
	v, err := r.judgePair(ctx, prompt, judgedPair{q.System, q.Question, q.Reference, q.First, q.Second})
	if err != nil {
		return o, err
	}
	if v.kind == "failed" {
		return o, fmt.Errorf("the judge could not be asked: %s", v.unread)
	}
	o.Outcome, o.Swayed, _ = v.vote()
	if o.Unread = v.unread; v.kind == "same" {
		o.Same, o.Outcome = true, chat.Tie
	}
	return o, nil
}

// answerPairs are the rows that both models answered.
func (s *Service) answerPairs(ctx context.Context, spec JudgeSpec) ([][2]store.Record, error) {
	first := map[int64]store.Record{}
	if _, err := s.cfg.Store.Records(ctx, store.RecordQuery{Run: spec.Run, Model: spec.A}, func(r store.Record) error {
		if r.Error == "" {
			first[r.Row] = r
		}
		return nil
	}); err != nil {
		return nil, err
	}
	var pairs [][2]store.Record
	_, err := s.cfg.Store.Records(ctx, store.RecordQuery{Run: spec.Run, Model: spec.B}, func(r store.Record) error {
		if a, ok := first[r.Row]; ok && r.Error == "" && (spec.Limit == 0 || len(pairs) < spec.Limit) {
			pairs = append(pairs, [2]store.Record{a, r})
		}
		return nil
	})
	return pairs, err
}

// judgedPair is what a judge is shown.
type judgedPair struct{ system, question, reference, first, second string }

// judgePair asks about a pair in both orders.
func (r *runner) judgePair(ctx context.Context, prompt string, pair judgedPair) (judged, error) {
	a, b := strings.TrimSpace(pair.first), strings.TrimSpace(pair.second)
	var v judged
	switch target := strings.TrimSpace(pair.reference); {
	case target == "":
	case a == target && b != target:
		v.exact = 1
	case b == target && a != target:
		v.exact = 2
	}
	if a == b {
		v.kind = "same"
		return v, nil
	}
	question := pair.question
	if strings.TrimSpace(pair.system) != "" {
		question = pair.system + "\n\n" + question // the answers follow it
	}
	var said [2]int
	for order, answers := range [2][2]string{{a, b}, {b, a}} {
		reply, err := r.judgeReply(ctx, judgeText(prompt, question, pair.reference, answers[0], answers[1]))
		if err != nil {
			var row *rowError
			if errors.As(err, &row) {
				v.kind, v.unread = "failed", row.text
				return v, nil
			}
			return v, err
		}
		if said[order], err = verdict(reply); err != nil {
			v.kind, v.unread = "unclear", excerpt(reply)
			continue
		}
		if said[order] > 0 {
			v.said++
			if said[order] == 1 {
				v.first++
			}
		}
	}
	switch {
	case v.kind == "unclear":
	case said[0] == 1 && said[1] == 2:
		v.kind = "a"
	case said[0] == 2 && said[1] == 1:
		v.kind = "b"
	case said[0] == 0 && said[1] == 0:
		v.kind = "tie"
	default:
		v.kind = "swayed"
	}
	return v, nil
}

// vote is the vote that a verdict makes: none where a reply was no verdict, or
// where the judge was not asked.
func (v judged) vote() (o chat.Outcome, swayed, ok bool) {
	switch v.kind {
	case "a":
		return chat.First, false, true
	case "b":
		return chat.Second, false, true
	case "tie", "swayed":
		return chat.Tie, v.kind == "swayed", true
	}
	return "", false, false
}

func (r *runner) judgeReply(ctx context.Context, text string) (string, error) {
	if err := r.limit.acquire(ctx); err != nil {
		return "", err
	}
	defer r.limit.release()
	req := chat.Request{Model: r.model, Messages: []chat.Message{{Role: artifact.RoleUser, Content: text}},
		Settings: chat.Settings{MaxTokens: r.spec.MaxTokens, TopP: 1}}
	a, fresh, err := r.answer(ctx, req)
	if err != nil {
		return "", err
	}
	if fresh && a.Hash != "" {
		if err := r.service.cfg.Store.AddRecords(ctx, r.id, nil, []store.CachedAnswer{a}); err != nil {
			return "", err
		}
	}
	return a.Output, nil
}

// some adds a text to the few that are told.
func some(list []string, text string) []string {
	if len(list) == 3 || slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// count adds the verdicts up.
func (j *Judgement) count(verdicts []judged) {
	first, said := 0, 0
	for _, v := range verdicts {
		j.Rows++
		first += v.first
		said += v.said
		switch v.kind {
		case "a":
			j.WinsA++
		case "b":
			j.WinsB++
		case "tie", "same":
			j.Ties++
		case "swayed":
			j.Swayed++
		case "unclear":
			j.Unclear++
			j.Unread = some(j.Unread, v.unread)
		default:
			j.Failed++
			j.Errors = some(j.Errors, v.unread)
		}
		if v.exact > 0 {
			j.Known++
			if v.exact == 1 && v.kind == "a" || v.exact == 2 && v.kind == "b" {
				j.Exact++
			}
		}
	}
	if said > 0 {
		j.First = float64(first) / float64(said)
	}
	decided := j.WinsA + j.WinsB
	if decided > 0 {
		j.Share = float64(j.WinsB) / float64(decided)
	}
	j.Interval = Interval(metrics.Wilson(j.WinsB, decided, metrics.Level))
	j.PValue = metrics.McNemar(j.WinsB, j.WinsA)
}
