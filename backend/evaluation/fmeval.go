package evaluation

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"tunebench/backend/safetext"
	"tunebench/backend/store"
	"tunebench/metrics/fmevalio"
)

// FMEvalFile is a file that ExportFMEval writes.
type FMEvalFile struct {
	Model, Metric string
	// Name is the file's: FMEval's name of a results file, or that with
	// .output.json for the EvalOutput.
	Name  string
	Write func(w io.Writer) error
}

// ExportFMEval makes FMEval's own files of a run: for every model and metric the
// results file, byte for byte as FMEval writes it, and the EvalOutput. Records
// that failed are left out; FMEval knows none. Metrics over disturbed prompts
// have no such file, since the disturbed answers are not kept.
func (s *Service) ExportFMEval(ctx context.Context, id string) ([]FMEvalFile, error) {
	run, err := s.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	st, err := s.suite(run.Spec)
	if err != nil {
		return nil, err
	}
	name := safetext.Line(strings.TrimSuffix(filepath.Base(run.Spec.Dataset), filepath.Ext(run.Spec.Dataset)))
	if run.Spec.FMEval != nil && run.Spec.FMEval.Name != "" {
		name = run.Spec.FMEval.Name
	}
	var files []FMEvalFile
	for _, model := range run.Spec.Models {
		d, err := s.recordsOf(ctx, run, model)
		if err != nil {
			return nil, err
		}
		if len(d.Records) == 0 {
			continue
		}
		for i, m := range st.metrics {
			if st.perturb != nil && hasColumn(m, "perturbed_outputs") {
				continue
			}
			results := fmevalio.ResultsPath("", m.Name, name)
			params := st.params[i]
			out, rows, err := fmevalio.Evaluate(ctx, fmevalio.Config{
				Data: fmevalio.DataConfig{Name: name}, Metric: m, Params: params, OutputPath: results,
			}, d)
			if err != nil {
				return nil, fmt.Errorf("export run %s: %w", id, err)
			}
			if len(run.Spec.Outputs) == 0 {
				out.PromptTemplate = promptTemplate(run.Spec)
			}
			files = append(files,
				FMEvalFile{model, m.Name, results, func(w io.Writer) error { return fmevalio.WriteResults(w, m, rows) }},
				FMEvalFile{model, m.Name, strings.TrimSuffix(results, ".jsonl") + ".output.json", func(w io.Writer) error {
					text, err := json.Marshal(out)
					if err == nil {
						_, err = w.Write(append(text, '\n'))
					}
					return err
				}})
		}
	}
	return files, nil
}

// promptTemplate is the prompt template of a run as FMEval names it.
func promptTemplate(spec Spec) string {
	if spec.Template == "" {
		return "$model_input"
	}
	return spec.Template
}

// recordsOf is what a model answered, as an FMEval dataset.
func (s *Service) recordsOf(ctx context.Context, run Run, model string) (*fmevalio.Dataset, error) {
	d := &fmevalio.Dataset{Columns: map[string]bool{fmevalio.ModelOutput: true, fmevalio.TargetOutput: true}}
	_, err := s.cfg.Store.Records(ctx, store.RecordQuery{Run: run.ID, Model: model}, func(r store.Record) error {
		if r.Error != "" {
			return nil
		}
		rec := fmevalio.Record{fmevalio.ModelOutput: r.Output, fmevalio.TargetOutput: r.Reference}
		if r.Question != "" {
			d.Columns[fmevalio.ModelInput] = true
			rec[fmevalio.ModelInput] = r.Question
			if len(run.Spec.Outputs) == 0 {
				prompt, err := fmevalio.Compose(promptTemplate(run.Spec), r.Question)
				if err != nil {
					return err
				}
				rec[fmevalio.Prompt] = prompt
			}
		}
		if r.Category != "" {
			d.Columns[fmevalio.Category] = true
			rec[fmevalio.Category] = r.Category
		}
		d.Records = append(d.Records, rec)
		return nil
	})
	return d, err
}
