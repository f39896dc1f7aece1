package evaluation

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tunebench/backend/safetext"
)

// TrendPoint is a model's score in one run over a dataset.
type TrendPoint struct {
	Run      string    `json:"run"`
	Created  time.Time `json:"created"`
	Model    string    `json:"model"`
	Rows     int       `json:"rows"`
	Value    float64   `json:"value"`
	Interval Interval  `json:"interval"`
	// Before is the model's score in the newest older run that has it, and Beyond
	// whether the change is more than chance is likely to make.
	Before *float64 `json:"before,omitempty"`
	Beyond bool     `json:"beyond_chance,omitempty"`
}

// Trend returns a score of every model in all runs over the dataset of a run, the
// newest first, and the score's name; score "" is the run's first.
func (s *Service) Trend(ctx context.Context, id, score string) ([]TrendPoint, string, error) {
	run, err := s.Run(ctx, id)
	if err != nil {
		return nil, "", err
	}
	if score == "" && len(run.ScoreNames) > 0 {
		score = run.ScoreNames[0]
	}
	if !slices.Contains(run.ScoreNames, score) {
		return nil, "", fmt.Errorf("run %s has no score %q; it has %s", id, safetext.Line(score), strings.Join(run.ScoreNames, ", "))
	}
	runs, err := s.Runs(ctx)
	if err != nil {
		return nil, "", err
	}
	slices.SortStableFunc(runs, func(a, b Run) int { return b.Created.Compare(a.Created) })
	var list []TrendPoint
	for _, r := range runs {
		if r.DatasetHash != run.DatasetHash {
			continue
		}
		for _, m := range r.Models {
			v, ok := m.Scores[score]
			if !ok {
				continue
			}
			iv, known := m.Intervals[score]
			if !known {
				iv = Interval{v, v}
			}
			list = append(list, TrendPoint{Run: r.ID, Created: r.Created, Model: m.Model, Rows: m.Records, Value: v, Interval: iv})
		}
	}
	for i := range list {
		p := &list[i]
		for _, o := range list[i+1:] {
			if o.Model == p.Model && o.Run != p.Run {
				p.Before = &o.Value
				p.Beyond = BeyondChance(p.Value-o.Value, p.Interval, o.Interval)
				break
			}
		}
	}
	return list, score, nil
}

// BeyondChance tells whether a change between two runs is more than chance is
// likely to make, taking their intervals as of independent samples.
func BeyondChance(d float64, a, b Interval) bool {
	return math.Abs(d) > math.Hypot((a.High-a.Low)/2, (b.High-b.Low)/2)
}
