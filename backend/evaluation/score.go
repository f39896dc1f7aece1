package evaluation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
	"tunebench/metrics"
)

// Score scores outputs that a file holds already: rows with model_output and
// target_output, and optionally category, as FMEval and Export write them. A
// file with the outputs of several models is refused; ScoreModels takes it.
func Score(ctx context.Context, path string, delimiter string) (ModelResult, error) {
	list, err := ScoreModels(ctx, path, delimiter)
	if err != nil {
		return ModelResult{}, err
	}
	if len(list) > 1 {
		var names []string
		for _, m := range list {
			names = append(names, m.Model)
		}
		return ModelResult{}, fmt.Errorf("%s holds outputs of %d models (%s); keep one model's rows", safetext.Line(path), len(list), strings.Join(names, ", "))
	}
	return list[0], nil
}

// ScoreModels is Score for a file that may hold outputs of several models,
// told apart by a column named model.
func ScoreModels(ctx context.Context, path string, delimiter string) ([]ModelResult, error) {
	if delimiter == "" {
		delimiter = metrics.DefaultDelimiter
	}
	st, err := newSuite(metrics.Registry{}, Spec{Delimiter: delimiter})
	if err != nil {
		return nil, err
	}
	scorer, err := st.scorer()
	if err != nil {
		return nil, err
	}
	m, err := outputColumns(ctx, path)
	if err != nil {
		return nil, err
	}
	d, err := dataset.Open(ctx, path, dataset.OpenOptions{Mapping: &m})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if err := d.WaitIndexed(ctx); err != nil {
		return nil, err
	}
	n := d.Info().Rows
	if n == 0 {
		return nil, fmt.Errorf("%s has no rows", safetext.Line(path))
	}
	rows := make([]int64, n)
	boards := map[string]*board{}
	var names []string
	var values []float64
	err = d.Examples(ctx, 0, func(e dataset.Example) error {
		name := safetext.Line(e.ID)
		b := boards[name]
		if b == nil {
			b = newBoard([]chat.Model{{Ref: name}}, rows, Spec{Seed: 1}, st.scores)
			boards[name], names = b, append(names, name)
		}
		// A row with an error column that says something has no output.
		if e.Err != "" || e.System != "" || int(e.Index) >= len(rows) {
			b.add(0, int(min(e.Index, n-1)), e.Category, nil, 0, 0, 0)
			return nil
		}
		values, err = scorer.Score(values[:0], metrics.Row{Target: e.Answer, Output: e.Question})
		if err != nil {
			values = nil
		}
		b.add(0, int(e.Index), e.Category, values, 0, 0, 0)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var list []ModelResult
	for _, name := range names {
		r := boards[name].results(0, true)[0]
		if r.Total = r.Records; r.Model == "" {
			r.Model = safetext.Line(path)
		}
		list = append(list, r)
	}
	return list, nil
}

// outputColumns finds the columns of a file of outputs. The dataset package
// reads them as it does examples, so each gets a part there: the output the
// question's, the target the answer's, the model the id's, an error the system
// prompt's.
func outputColumns(ctx context.Context, path string) (dataset.Mapping, error) {
	d, err := dataset.Open(ctx, path, dataset.OpenOptions{})
	if err != nil {
		return dataset.Mapping{}, err
	}
	columns := d.Info().Columns
	if err := d.Close(); err != nil && !errors.Is(err, context.Canceled) {
		return dataset.Mapping{}, err
	}
	find := func(names ...string) string {
		for _, name := range names {
			if slices.Contains(columns, name) {
				return name
			}
		}
		return ""
	}
	m := dataset.Mapping{
		Question: find("model_output", "output"), Answer: find("target_output", "target", "reference"),
		Category: find("category"), ID: find("model"), System: find("error"),
	}
	if m.Question == "" || m.Answer == "" {
		return m, fmt.Errorf("%s has the columns %s; to be scored it needs model_output and target_output", safetext.Line(path), strings.Join(columns, ", "))
	}
	return m, nil
}
