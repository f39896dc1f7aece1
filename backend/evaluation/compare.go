package evaluation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tunebench/backend/safetext"
	"tunebench/backend/store"
	"tunebench/metrics"
)

// Side is one of the two things that are compared: a model's records of a run.
type Side struct {
	Run           string             `json:"run"`
	Model         string             `json:"model"`
	Records       int                `json:"records"` // answered and scored
	Errors        int                `json:"errors"`
	MeanLatencyMS float64            `json:"mean_latency_ms"`
	Scores        map[string]float64 `json:"scores"` // over the rows that both have
}

// Compared is one score of both sides over the rows that both have.
type Compared struct {
	Score      string   `json:"score"`
	Baseline   float64  `json:"baseline"`
	Candidate  float64  `json:"candidate"`
	Difference float64  `json:"difference"`
	Interval   Interval `json:"interval"` // of the difference, 95 %
	PValue     float64  `json:"p_value"`
	Test       string   `json:"test"`
	Better     int      `json:"rows_higher"` // rows on which the candidate scores higher
	Worse      int      `json:"rows_lower"`
	Real       bool     `json:"real"`
	Verdict    string   `json:"verdict"`
}

// Judged is a rule with what came of it.
type Judged struct {
	Rule
	Got   float64 `json:"got"`
	Limit float64 `json:"limit"`
	// Broken is true when the candidate's value is on the wrong side; Sure when
	// the whole interval of the difference is, so that chance is no excuse.
	Broken bool `json:"broken"`
	Sure   bool `json:"sure"`
}

// Comparison is a candidate against a baseline.
type Comparison struct {
	Baseline  Side       `json:"baseline"`
	Candidate Side       `json:"candidate"`
	Rows      int        `json:"rows"` // that both answered
	Left      int        `json:"rows_left_out"`
	Scores    []Compared `json:"scores"`
	Rules     []Judged   `json:"rules,omitempty"`
}

type sideRecord struct {
	key    string
	scores map[string]float64
}

// Compare compares two runs, or two models of one, on the rows that both
// answered: the same question and reference. A side is named RUN or RUN/MODEL;
// without a model the baseline of one run compared with itself is its first
// model, and else a side is the last model of its run.
func (s *Service) Compare(ctx context.Context, baseline, candidate string, rules []Rule) (Comparison, error) {
	var c Comparison
	same, _, _ := strings.Cut(candidate, "/")
	a, modelA, namesA, err := s.side(ctx, baseline, baseline == same)
	if err != nil {
		return c, err
	}
	b, modelB, namesB, err := s.side(ctx, candidate, false)
	if err != nil {
		return c, err
	}
	if a == b && modelA == modelB {
		return c, fmt.Errorf("both sides are %s of run %s; name another as RUN/MODEL", modelA, a)
	}
	c.Baseline, c.Candidate = Side{Run: a, Model: modelA}, Side{Run: b, Model: modelB}
	recsA, err := s.sideRecords(ctx, &c.Baseline)
	if err != nil {
		return c, err
	}
	recsB, err := s.sideRecords(ctx, &c.Candidate)
	if err != nil {
		return c, err
	}
	pairs := pair(recsA, recsB)
	if c.Rows = len(pairs); c.Rows == 0 {
		return c, fmt.Errorf("%s of run %s and %s of run %s have no question in common that both answered", modelA, a, modelB, b)
	}
	c.Left = len(recsA) + len(recsB) - 2*c.Rows
	c.Baseline.Scores, c.Candidate.Scores = map[string]float64{}, map[string]float64{}
	for _, name := range namesA {
		if !slices.Contains(namesB, name) {
			continue
		}
		info, _ := s.cfg.Metrics.LookupScore(name)
		x, y := make([]float64, len(pairs)), make([]float64, len(pairs))
		for i, p := range pairs {
			x[i], y[i] = p[0].scores[name], p[1].scores[name]
		}
		o := metrics.Options{Seed: 1}
		m, err := metrics.Compare(x, y, info.Binary, o)
		if err != nil {
			return c, err
		}
		c.Baseline.Scores[name], c.Candidate.Scores[name] = metrics.Mean(x), metrics.Mean(y)
		c.Scores = append(c.Scores, Compared{
			Score: name, Baseline: metrics.Mean(x), Candidate: metrics.Mean(y), Difference: m.Mean, Interval: Interval(m.Interval),
			PValue: m.PValue, Test: m.Test, Better: m.Higher, Worse: m.Lower, Real: m.Real(), Verdict: m.Verdict(0, o),
		})
	}
	for _, r := range rules {
		j, err := c.judge(r)
		if err != nil {
			return c, err
		}
		c.Rules = append(c.Rules, j)
	}
	return c, nil
}

// side finds the run and the model that a name stands for.
func (s *Service) side(ctx context.Context, name string, first bool) (run, model string, scores []string, err error) {
	run, model, _ = strings.Cut(name, "/")
	rec, err := s.stored(ctx, run)
	if err != nil {
		return "", "", nil, err
	}
	r, models, err := decode(rec)
	if err != nil {
		return "", "", nil, err
	}
	st, err := s.name(&r)
	if err != nil {
		return "", "", nil, err
	}
	var refs []string
	for _, m := range models {
		refs = append(refs, m.Ref)
	}
	switch {
	case model != "" && !slices.Contains(refs, model):
		return "", "", nil, fmt.Errorf("run %s has no model %s; it has %s", run, safetext.Line(model), strings.Join(refs, ", "))
	case model == "" && first:
		model = refs[0]
	case model == "":
		model = refs[len(refs)-1]
	}
	return run, model, st.names(), nil
}

// sideRecords reads a side's records and counts them.
func (s *Service) sideRecords(ctx context.Context, side *Side) ([]sideRecord, error) {
	var list []sideRecord
	var latency time.Duration
	_, err := s.cfg.Store.Records(ctx, store.RecordQuery{Run: side.Run, Model: side.Model}, func(r store.Record) error {
		if r.Error != "" {
			side.Errors++
			return nil
		}
		rec := sideRecord{key: r.System + "\x00" + r.Question + "\x00" + r.Reference}
		if err := json.Unmarshal([]byte(r.Scores), &rec.scores); err != nil {
			return fmt.Errorf("read the scores of row %d: %w", r.Row+1, err)
		}
		latency += r.Latency
		list = append(list, rec)
		return nil
	})
	if side.Records = len(list); side.Records > 0 {
		side.MeanLatencyMS = float64((latency / time.Duration(len(list))).Microseconds()) / 1000
	}
	return list, err
}

// pair finds the records of the same question, each used once.
func pair(a, b []sideRecord) [][2]sideRecord {
	at := map[string][]int{}
	for i, r := range b {
		at[r.key] = append(at[r.key], i)
	}
	var pairs [][2]sideRecord
	for _, r := range a {
		if list := at[r.key]; len(list) > 0 {
			pairs = append(pairs, [2]sideRecord{r, b[list[0]]})
			at[r.key] = list[1:]
		}
	}
	return pairs
}

// judge applies a rule.
func (c Comparison) judge(r Rule) (Judged, error) {
	j := Judged{Rule: r}
	share := func(s Side) float64 { return float64(s.Errors) / float64(max(1, s.Errors+s.Records)) }
	switch r.Value {
	case "errors":
		j.Got, j.Limit = share(c.Candidate), r.limit(share(c.Baseline))
		j.Broken = r.holds(j.Got, j.Limit)
		return j, nil
	case "mean_latency_ms":
		j.Got, j.Limit = c.Candidate.MeanLatencyMS, r.limit(c.Baseline.MeanLatencyMS)
		j.Broken = r.holds(j.Got, j.Limit)
		return j, nil
	}
	var names []string
	for _, s := range c.Scores {
		names = append(names, s.Score)
		if s.Score != r.Value {
			continue
		}
		j.Got, j.Limit = s.Candidate, r.limit(s.Baseline)
		j.Broken = r.holds(j.Got, j.Limit)
		// The baseline's mean is taken as it is; the difference may be anywhere
		// in its interval.
		j.Sure = r.holds(s.Baseline+s.Interval.Low, j.Limit) && r.holds(s.Baseline+s.Interval.High, j.Limit)
		return j, nil
	}
	if len(names) == 0 {
		return j, errors.New("the two runs have no score in common")
	}
	return j, fmt.Errorf("rule %q: there is no value %s; use %s, errors or mean_latency_ms", r.Text, r.Value, strings.Join(names, ", "))
}
