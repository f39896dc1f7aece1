package evaluation

import (
	"context"
	"fmt"
	"strings"

	"tunebench/backend/safetext"
)

// The marks of a dataset's row. They belong to the dataset as it is, by its
// hash, and so to every run over it.
const (
	MarkWrong     = "wrong"     // the reference is
	MarkAmbiguous = "ambiguous" // more than one answer is right
)

// MarkNames are the marks there are.
var MarkNames = []string{MarkWrong, MarkAmbiguous}

// Mark marks a row of the dataset of a run, by the row of its records; an empty
// mark takes it away.
func (s *Service) Mark(ctx context.Context, id string, row int64, mark string) error {
	if mark != "" && mark != MarkWrong && mark != MarkAmbiguous {
		return fmt.Errorf("a row cannot be marked as %q; use %s, or none", safetext.Line(mark), strings.Join(MarkNames, ", "))
	}
	rec, err := s.stored(ctx, id)
	if err != nil {
		return err
	}
	found, err := s.Row(ctx, id, row)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("run %s has no record of row %d", id, row+1)
	}
	return s.cfg.Store.PutMark(ctx, rec.DatasetHash, row, mark, s.cfg.Now())
}

// Marks returns the marks of the dataset of a run, by row.
func (s *Service) Marks(ctx context.Context, id string) (map[int64]string, error) {
	rec, err := s.stored(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.cfg.Store.Marks(ctx, rec.DatasetHash)
}

// Without is a run with the results that it has without the marked rows.
// Excluded says how many records that leaves out. The run itself stays as it is.
func (s *Service) Without(ctx context.Context, id string) (Run, error) {
	rec, err := s.stored(ctx, id)
	if err != nil {
		return Run{}, err
	}
	run, models, err := decode(rec)
	if err != nil {
		return Run{}, err
	}
	st, err := s.name(&run)
	if err != nil {
		return Run{}, err
	}
	marks, err := s.cfg.Store.Marks(ctx, rec.DatasetHash)
	if err != nil {
		return Run{}, err
	}
	all, err := s.rowsOf(ctx, id)
	if err != nil {
		return Run{}, err
	}
	rows := make([]int64, 0, len(all))
	for _, row := range all {
		if marks[row] == "" {
			rows = append(rows, row)
		}
	}
	b := newBoard(models, rows, run.Spec, st.scores)
	if err := s.load(ctx, id, b); err != nil {
		return Run{}, err
	}
	run.Models, run.Differences = b.results(len(rows), true), b.differences()
	run.Done = b.done()
	run.Excluded = (len(all) - len(rows)) * len(models)
	run.Total -= run.Excluded
	if run.Status == Running && !s.alive(rec) {
		run.Status = Interrupted
	}
	return run, nil
}
