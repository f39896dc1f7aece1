package modelimport

import (
	"context"
	"slices"
	"time"
)

// Usual is how long imports of an account took.
type Usual struct {
	// Low and High hold the middle half of them; with fewer than four, all.
	Low, High time.Duration
	Jobs      int
}

// recent is how many imports a yardstick is made of.
const recent = 20

// Yardstick says how long the account's last completed imports took; ok is false
// if there is none. Time in the queue does not count: a job of Bedrock begins
// when it is created.
func Yardstick(jobs []Job) (u Usual, ok bool) {
	done := slices.DeleteFunc(slices.Clone(jobs), func(j Job) bool {
		return j.Status != "Completed" || j.Ended.IsZero() || !j.Ended.After(j.Created)
	})
	slices.SortFunc(done, func(a, b Job) int { return b.Ended.Compare(a.Ended) })
	done = done[:min(len(done), recent)]
	if len(done) == 0 {
		return u, false
	}
	var took []time.Duration
	for _, j := range done {
		took = append(took, j.Ended.Sub(j.Created))
	}
	slices.Sort(took)
	lo, hi := 0, len(took)-1
	if len(took) >= 4 {
		lo, hi = len(took)/4, len(took)-1-len(took)/4
	}
	return Usual{Low: took[lo], High: took[hi], Jobs: len(took)}, true
}

// Explain says why a job failed, as far as the preflight can see: the checks of
// its artifact that block now. It is empty if the preflight finds nothing, and
// the artifact may have changed since.
func (s *Service) Explain(ctx context.Context, j Job) ([]Check, error) {
	if j.Source == "" {
		full, err := s.Job(ctx, j.Name) // a list does not say where the artifact lies
		if err != nil {
			return nil, err
		}
		j = full
	}
	r, err := s.Check(ctx, j.Source)
	if err != nil {
		return nil, err
	}
	var why []Check
	for _, c := range r.Checks {
		if c.Result == Blocks {
			why = append(why, c)
		}
	}
	return why, nil
}
