package uitest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"tunebench/backend/dataset"
	"tunebench/backend/evaluation"
	"tunebench/metrics"
	"tunebench/tui"
)

type evaluations struct{ w *World }

func (e evaluations) Fetch(_ context.Context, path string, progress func(dataset.Progress)) error {
	if strings.HasPrefix(path, "fmeval:") {
		progress(dataset.Progress{What: "fetching " + path, Done: 1 << 20, Total: 4 << 20})
		e.w.did("fetch %s", path)
	}
	return nil
}

func (e evaluations) ReadRunFile(path string) (evaluation.RunFile, error) {
	e.w.did("read %s", path)
	return e.w.RunFile, e.w.Err
}

func (e evaluations) Start(_ context.Context, s evaluation.Spec) (tui.Live, error) {
	e.w.did("evaluate %s", strings.Join(s.Models, ", "))
	e.w.Spec = s
	if e.w.Refuse != "" {
		return nil, errors.New(e.w.Refuse)
	}
	if e.w.Live != nil {
		return e.w.Live, nil
	}
	return nil, errors.New("the world runs no evaluations")
}

func (e evaluations) Resume(context.Context, string) (tui.Live, error) {
	return nil, errors.New("the world runs no evaluations")
}

func (e evaluations) Runs(context.Context) ([]evaluation.Run, error) {
	return slices.Clone(e.w.RunList), e.w.Err
}

func (e evaluations) Run(_ context.Context, id string) (evaluation.Run, error) {
	for _, r := range e.w.RunList {
		if r.ID == id {
			return r, nil
		}
	}
	return evaluation.Run{}, fmt.Errorf("there is no run %s", id)
}

func (e evaluations) Records(_ context.Context, _ string, f tui.RecordFilter) ([]evaluation.Record, int, error) {
	var all []evaluation.Record
	for _, r := range e.w.RecList {
		if f.Marked && r.Mark == "" || f.Most != nil && r.Scores[f.Score] > *f.Most || f.Least != nil && r.Scores[f.Score] < *f.Least {
			continue
		}
		if (f.Model == "" || r.Model == f.Model) && (f.Category == "" || r.Category == f.Category) && strings.Contains(r.Question+r.Output, f.Search) {
			for _, o := range e.w.RecList {
				if o.Row == r.Row && o.Model == f.Against && o.Model != r.Model {
					r.Against = o.Scores
				}
			}
			all = append(all, r)
		}
	}
	if f.Worst {
		slices.SortStableFunc(all, func(a, b evaluation.Record) int {
			switch {
			case a.Scores[f.Score] < b.Scores[f.Score]:
				return -1
			case a.Scores[f.Score] > b.Scores[f.Score]:
				return 1
			}
			return 0
		})
	}
	n := len(all)
	from := min(f.Offset, n)
	return all[from:min(from+f.Limit, n)], n, e.w.Err
}

func (e evaluations) Compare(_ context.Context, a, b string, _ []evaluation.Rule) (evaluation.Comparison, error) {
	e.w.did("compare %s with %s", b, a)
	return evaluation.Comparison{Rules: e.w.Judged, Scores: []evaluation.Compared{{Score: "exact_match_score", Difference: 0.04, Interval: evaluation.Interval{Low: -0.01, High: 0.09}}}}, e.w.Err
}

func (e evaluations) Row(_ context.Context, _ string, row int64) ([]evaluation.Record, error) {
	var all []evaluation.Record
	for _, r := range e.w.RecList {
		if r.Row == row {
			all = append(all, r)
		}
	}
	return all, e.w.Err
}

func (e evaluations) Explain(_ context.Context, _ string, row int64) ([]evaluation.Explanation, error) {
	if e.w.Explained != nil {
		return e.w.Explained, e.w.Err
	}
	var all []evaluation.Explanation
	for _, r := range e.w.RecList {
		if r.Row != row {
			continue
		}
		why, err := metrics.Explain("qa_accuracy", nil, metrics.Row{Target: r.Reference, Output: r.Output})
		if err != nil {
			return nil, err
		}
		all = append(all, evaluation.Explanation{Model: r.Model, How: []evaluation.Reason{{Metric: "qa_accuracy", Text: why}}})
	}
	return all, e.w.Err
}

func (e evaluations) Mark(_ context.Context, _ string, row int64, mark string) error {
	e.w.did("mark row %d %s", row, mark)
	for i := range e.w.RecList {
		if e.w.RecList[i].Row == row {
			e.w.RecList[i].Mark = mark
		}
	}
	return e.w.Err
}

func (e evaluations) Without(ctx context.Context, id string) (evaluation.Run, error) {
	r, err := e.Run(ctx, id)
	rows := map[int64]bool{}
	for _, rec := range e.w.RecList {
		if rec.Mark != "" {
			rows[rec.Row] = true
		}
	}
	r.Excluded = 2 * len(rows)
	return r, err
}

func (e evaluations) Export(_ context.Context, id, format string, _ bool, w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s as %s\n", id, format)
	return err
}
