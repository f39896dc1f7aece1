package evaluation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"tunebench/backend/chat"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
)

// DefaultScore orders records when no score is named.
const DefaultScore = "f1_score"

// RecordFilter chooses records of a run.
type RecordFilter struct {
	Model            string // as in ModelResult.Model; "" takes all models
	Category, Search string
	// Worst puts the records first on which the model's Score is worst against
	// Against's on the same row; for Against itself, those with the worst Score.
	// It leaves out records that failed. Against "" is the baseline.
	Worst   bool
	Score   string
	Against string
	// Best is Worst the other way round: first what the model does best.
	Best bool
	// AllFail keeps the rows on which no model has more than 0 of Score.
	AllFail bool
	// Least and Most bound Score where they are set.
	Least, Most *float64
	// Marked keeps the rows that are marked.
	Marked        bool
	Offset, Limit int // Limit 0 means no limit
}

// Query chooses and orders records in more ways than RecordFilter.
type Query struct {
	Model, Category, Search string
	Failed                  bool // only records with an error
	// Score orders by this score; Against by what is above or below the score of
	// this model on the same row, whose scores come with the records. Best puts the
	// highest first, or the lowest where less is better.
	Score, Against string
	Best           bool
	// Bound is the score that AllFail (no model has more than 0 of it), Least and
	// Most are about.
	Bound         string
	AllFail       bool
	Least, Most   *float64
	Marked        bool // only marked rows
	Offset, Limit int
}

// Records returns records of a run, and how many there are in all without
// Offset and Limit.
func (s *Service) Records(ctx context.Context, id string, f RecordFilter) ([]Record, int, error) {
	q := Query{Model: f.Model, Category: f.Category, Search: f.Search, Offset: f.Offset, Limit: f.Limit, AllFail: f.AllFail, Least: f.Least, Most: f.Most, Marked: f.Marked, Best: f.Best}
	if f.AllFail || f.Least != nil || f.Most != nil {
		if q.Bound = f.Score; q.Bound == "" {
			q.Bound = DefaultScore
		}
	}
	if f.Worst || f.Best {
		if q.Score = f.Score; q.Score == "" {
			q.Score = DefaultScore
		}
	}
	if f.Model != "" {
		run, err := s.stored(ctx, id)
		if err != nil {
			return nil, 0, err
		}
		_, models, err := decode(run)
		if err != nil {
			return nil, 0, err
		}
		if q.Against = f.Against; q.Against == "" && len(models) > 1 {
			q.Against = models[0].Ref
		}
		if q.Against == f.Model {
			q.Against = ""
		}
		if q.Against != "" && !slices.ContainsFunc(models, func(m chat.Model) bool { return m.Ref == q.Against }) {
			return nil, 0, fmt.Errorf("run %s has no model %s", id, safetext.Line(q.Against))
		}
	}
	return s.Query(ctx, id, q)
}

// Query returns records of a run, and how many there are in all without Offset
// and Limit.
func (s *Service) Query(ctx context.Context, id string, q Query) ([]Record, int, error) {
	stored, err := s.stored(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	run, _, err := decode(stored)
	if err != nil {
		return nil, 0, err
	}
	st, err := s.suite(run.Spec)
	if err != nil {
		return nil, 0, err
	}
	if err := errors.Join(st.check(q.Score), st.check(q.Bound)); err != nil {
		return nil, 0, err
	}
	marks, err := s.cfg.Store.Marks(ctx, stored.DatasetHash)
	if err != nil {
		return nil, 0, err
	}
	var list []Record
	total, err := s.cfg.Store.Records(ctx, store.RecordQuery{
		Run: id, Model: q.Model, Category: q.Category, Search: q.Search, Failed: q.Failed, Score: q.Score, Baseline: q.Against, With: q.Against,
		Descending: q.Best != st.lessIsBetter(q.Score),
		Bound:      q.Bound, AllFail: q.AllFail, Least: q.Least, Most: q.Most, Marked: q.Marked,
		Offset: q.Offset, Limit: q.Limit,
	}, func(r store.Record) error {
		rec, err := clean(r)
		rec.Mark = marks[r.Row]
		list = append(list, rec)
		return err
	})
	return list, total, err
}

// Row returns what every model of a run answered to one row, in the order of the
// models.
func (s *Service) Row(ctx context.Context, id string, row int64) ([]Record, error) {
	var list []Record
	_, err := s.cfg.Store.Records(ctx, store.RecordQuery{Run: id, Row: &row}, func(r store.Record) error {
		rec, err := clean(r)
		list = append(list, rec)
		return err
	})
	return list, err
}

// clean is a stored record for display. The store keeps text as it came, since
// that is what was scored.
func clean(r store.Record) (Record, error) {
	rec := Record{
		Row: r.Row, RowID: safetext.Line(r.RowID), Category: safetext.Line(r.Category), Model: r.Model, System: safetext.Text(r.System),
		Question: safetext.Text(r.Question), Reference: safetext.Text(r.Reference), Output: safetext.Text(r.Output), Err: r.Error, Latency: r.Latency,
	}
	if r.Error != "" {
		return rec, nil
	}
	if err := json.Unmarshal([]byte(r.Scores), &rec.Scores); err != nil {
		return rec, fmt.Errorf("read the scores of row %d: %w", r.Row+1, err)
	}
	if r.Others != "" {
		if err := json.Unmarshal([]byte(r.Others), &rec.Against); err != nil {
			return rec, fmt.Errorf("read the scores of row %d: %w", r.Row+1, err)
		}
	}
	return rec, nil
}
