package evaluation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
	"tunebench/metrics"
	"tunebench/metrics/fmevalio"
	"tunebench/metrics/perturb"
)

// Explanation is how the scores of a record came about. Text has passed safetext.
type Explanation struct {
	Model string `json:"model"`
	// Prompt is the question in the run's template; "" when it was asked alone.
	Prompt string `json:"prompt,omitempty"`
	// How has a sentence for each metric that needs one.
	How []Reason `json:"how,omitempty"`
	// Disturbed are the answers to disturbed copies of the question, where a metric
	// compares them and they were kept; Missing counts those that were not.
	Disturbed []Disturbed `json:"disturbed,omitempty"`
	Missing   int         `json:"missing,omitempty"`
}

// Reason is what there is to say of a metric's scores.
type Reason struct {
	Metric string `json:"metric"`
	Text   string `json:"text"`
}

// Disturbed is a disturbed copy of a question, its answer, and the scores of that
// answer, without those that compare.
type Disturbed struct {
	Question string             `json:"question"`
	Output   string             `json:"output"`
	Scores   map[string]float64 `json:"scores,omitempty"`
}

// Explain says of every model of a run how its scores of one row came about. The
// answers to disturbed copies are those that were kept by request; a run at a
// temperature above 0 keeps none.
func (s *Service) Explain(ctx context.Context, id string, row int64) ([]Explanation, error) {
	stored, err := s.stored(ctx, id)
	if err != nil {
		return nil, err
	}
	run, models, err := decode(stored)
	if err != nil {
		return nil, err
	}
	st, err := s.suite(run.Spec)
	if err != nil {
		return nil, err
	}
	if st.needsLabels() {
		if err := s.labelsOf(ctx, id, st); err != nil {
			return nil, err
		}
	}
	var list []Explanation
	_, err = s.cfg.Store.Records(ctx, store.RecordQuery{Run: id, Row: &row}, func(r store.Record) error {
		e := Explanation{Model: r.Model}
		if t := run.Spec.Template; t != "" && strings.TrimSpace(t) != "$model_input" && len(run.Spec.Outputs) == 0 {
			if p, err := fmevalio.Compose(t, r.Question); err == nil { // else the record has the error
				e.Prompt = safetext.Text(p)
			}
		}
		i := slices.IndexFunc(models, func(m chat.Model) bool { return m.Ref == r.Model })
		if r.Error == "" && i >= 0 {
			if err := s.explain(ctx, &e, run.Spec, st, models[i], r); err != nil {
				return err
			}
		}
		list = append(list, e)
		return nil
	})
	return list, err
}

// labelsOf takes the labels of a run from its references.
func (s *Service) labelsOf(ctx context.Context, id string, st *suite) error {
	labels := map[string]bool{}
	_, err := s.cfg.Store.Records(ctx, store.RecordQuery{Run: id}, func(r store.Record) error {
		labels[r.Reference] = true
		return nil
	})
	st.setLabels(slices.Sorted(maps.Keys(labels)))
	return err
}

func (s *Service) explain(ctx context.Context, e *Explanation, spec Spec, st *suite, m chat.Model, r store.Record) error {
	row := metrics.Row{Target: r.Reference, Output: r.Output}
	if st.perturb != nil {
		if err := s.disturbed(ctx, e, spec, st, m, r); err != nil {
			return err
		}
		if e.Missing == 0 {
			for _, d := range e.Disturbed {
				row.Perturbed = append(row.Perturbed, d.Output)
			}
		}
	}
	seen := map[string]bool{}
	for i, metric := range st.metrics {
		text, err := metrics.Explain(metric.Name, st.params[i], row)
		if err != nil || text == "" || seen[text] {
			continue // the scores stand there all the same
		}
		seen[text] = true
		e.How = append(e.How, Reason{metric.Name, safetext.Line(text)})
	}
	for i := range e.Disturbed {
		d := &e.Disturbed[i]
		d.Question, d.Output = safetext.Text(d.Question), safetext.Text(d.Output)
	}
	return nil
}

// disturbed finds the kept answers to the disturbed copies of a question.
func (s *Service) disturbed(ctx context.Context, e *Explanation, spec Spec, st *suite, m chat.Model, rec store.Record) error {
	p, err := perturb.New(*st.perturb)
	if err != nil {
		return err
	}
	sc, err := st.scorer()
	if err != nil {
		return err
	}
	for _, text := range p.Perturb(rec.Question) {
		ex := dataset.Example{System: rec.System, Question: text}
		if spec.Template != "" {
			if ex.Question, err = fmevalio.Compose(spec.Template, text); err != nil {
				return err
			}
		}
		kept := store.CachedAnswer{}
		hash, err := s.cfg.Chat.Fingerprint(request(spec, m, ex))
		if err == nil && spec.Temperature == 0 {
			kept, err = s.cfg.Store.CachedAnswer(ctx, hash)
		}
		switch {
		case errors.Is(err, store.ErrNotFound) || spec.Temperature > 0:
			e.Missing++
			continue
		case err != nil:
			return fmt.Errorf("find the answers to disturbed prompts of row %d: %w", rec.Row+1, err)
		}
		d := Disturbed{Question: text, Output: kept.Output, Scores: map[string]float64{}}
		// Compared with itself an answer has its own scores, and no change.
		values, err := sc.Score(nil, metrics.Row{Target: rec.Reference, Output: kept.Output, Perturbed: []string{kept.Output}})
		if err == nil {
			for i, v := range values {
				if name := st.scores[i].Name; !strings.HasPrefix(name, "delta_") && name != "word_error_rate" {
					d.Scores[name] = v
				}
			}
		}
		e.Disturbed = append(e.Disturbed, d)
	}
	return nil
}
