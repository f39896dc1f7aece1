package evaluation

import (
	"context"
	"errors"
	"fmt"
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
}

// Judgement is what a judge says of two models. Every pair of answers is shown
// in both orders: what it says of one order only is its taste for a place, and
// counts as a tie.
type Judgement struct {
	Run     string `json:"run"`
	Judge   string `json:"judge"`
	A       string `json:"a"`
	B       string `json:"b"`
	Rows    int    `json:"rows"` // judged
	WinsA   int    `json:"wins_a"`
	WinsB   int    `json:"wins_b"`
	Ties    int    `json:"ties"`    // said in both orders, or the answers are the same
	Swayed  int    `json:"swayed"`  // the order decided
	Unclear int    `json:"unclear"` // a reply was no verdict
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
}

// judgeForm is what the judge is asked. The reference is shown, for a judge that
// does not know the answer itself.
const judgeForm = `Two answers were given to the same question. Say which one is better: correct first of all, then to the point.

Question:
%s

Reference answer:
%s

Answer 1:
%s

Answer 2:
%s

Reply with just one word: 1 if the first answer is better, 2 if the second is, or "tie".`

// verdict is what a reply says: 1, 2, 0 for a tie, or -1 when it is none.
func verdict(reply string) int {
	word := strings.ToLower(strings.Trim(reply, " \t\r\n.,:;!*\"'`()[]"))
	word = strings.TrimPrefix(word, "answer ")
	if fields := strings.Fields(word); len(fields) > 0 {
		word = strings.Trim(fields[0], ".,:;!*\"'`()[]")
	}
	switch word {
	case "1", "one", "first":
		return 1
	case "2", "two", "second":
		return 2
	case "tie", "equal", "same", "neither", "both":
		return 0
	}
	return -1
}

// judged is one row's outcome.
type judged struct {
	kind        string // "a", "b", "tie", "swayed", "unclear", "failed"
	first, said int    // verdicts for the answer shown first, and for any
	exact       int    // 1 when a, 2 when b alone matches the reference
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
	j := Judgement{Run: run.ID, Judge: judge.Ref, A: spec.A, B: spec.B}
	pairs, err := s.answerPairs(ctx, spec)
	if err != nil {
		return j, err
	}
	if len(pairs) == 0 {
		return j, fmt.Errorf("there is no row of run %s that both %s and %s answered", run.ID, safetext.Line(spec.A), safetext.Line(spec.B))
	}
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, cancel)
	defer stop()
	r := &runner{Live: &Live{service: s, id: run.ID, spec: Spec{MaxTokens: 8}, requests: requests, changed: make(chan struct{}, 1)},
		model: judge, limit: newLimiter(firstRequests, s.cfg.Concurrency)}
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
				v, err := r.judgePair(ctx, pairs[i])
				if err != nil {
					return err
				}
				verdicts[i] = v
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
	return j, nil
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

// judgePair asks about a pair in both orders.
func (r *runner) judgePair(ctx context.Context, pair [2]store.Record) (judged, error) {
	a, b := strings.TrimSpace(pair[0].Output), strings.TrimSpace(pair[1].Output)
	var v judged
	switch target := strings.TrimSpace(pair[0].Reference); {
	case a == target && b != target:
		v.exact = 1
	case b == target && a != target:
		v.exact = 2
	}
	if a == b {
		v.kind = "tie"
		return v, nil
	}
	var said [2]int
	for order, answers := range [2][2]string{{a, b}, {b, a}} {
		text := fmt.Sprintf(judgeForm, pair[0].Question, pair[0].Reference, answers[0], answers[1])
		reply, err := r.judgeReply(ctx, text)
		if err != nil {
			var row *rowError
			if errors.As(err, &row) {
				v.kind = "failed"
				return v, nil
			}
			return v, err
		}
		said[order] = verdict(reply)
		if said[order] > 0 {
			v.said++
			if said[order] == 1 {
				v.first++
			}
		}
	}
	switch {
	case said[0] < 0 || said[1] < 0:
		v.kind = "unclear"
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
		case "tie":
			j.Ties++
		case "swayed":
			j.Swayed++
		case "unclear":
			j.Unclear++
		default:
			j.Failed++
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
