package fmevalio

import (
	"bufio"
	"fmt"
	"io"
	"path"

	"tunebench/metrics"
	"tunebench/metrics/pytext"
)

// ResultsPath returns where FMEval puts the results of an evaluation below its
// results folder. The name holds neither the model nor the time.
func ResultsPath(dir, evalName, datasetName string) string {
	return path.Join(dir, evalName+"_"+datasetName+".jsonl")
}

// WriteResults writes FMEval's results file: one JSON object a line with the
// columns there are and the scores, byte for byte as Python's json.dumps writes
// them, line feeds between the lines and none at the end.
func WriteResults(w io.Writer, m metrics.Metric, results []Result) error {
	b := bufio.NewWriter(w)
	var line []byte
	for i, r := range results {
		line = line[:0]
		if i > 0 {
			line = append(line, '\n')
		}
		var err error
		if line, err = appendResult(line, m, r); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
		if _, err := b.Write(line); err != nil {
			return fmt.Errorf("the results cannot be written: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("the results cannot be written: %w", err)
	}
	return nil
}

func appendResult(dst []byte, m metrics.Metric, r Result) ([]byte, error) {
	dst = append(dst, '{')
	for _, column := range columnOrder {
		v, ok := r.Record[column]
		if !ok {
			continue
		}
		dst = append(pytext.AppendJSONString(dst, column), ": "...)
		var err error
		if dst, err = pytext.AppendJSON(dst, v); err != nil {
			return nil, err
		}
		dst = append(dst, ", "...)
	}
	dst = append(dst, `"scores": [`...)
	for i, v := range r.Scores {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(pytext.AppendJSONString(append(dst, `{"name": `...), m.Scores[i].Name), `, "value": `...)
		dst = append(appendScore(dst, m, v), '}')
	}
	return append(dst, "]}"...), nil
}

// appendScore writes a row's score: classification's is a whole number in
// FMEval, every other a float.
func appendScore(dst []byte, m metrics.Metric, v float64) []byte {
	if m.Name == metrics.ClassificationAccuracy.Name {
		return append(dst, byte('0'+int(v)))
	}
	return pytext.AppendJSONFloat(dst, v)
}

// MarshalJSON writes the EvalOutput with FMEval's keys in FMEval's order, as
// Python's json.dumps writes it. Intervals and warnings are not in it.
func (o *EvalOutput) MarshalJSON() ([]byte, error) {
	scores := func(list []ScoreValue) []any {
		all := make([]any, len(list))
		for i, s := range list {
			all[i] = dict("name", s.Name, "value", s.Mean, "error", nil)
		}
		return all
	}
	var template, categories any
	if o.PromptTemplate != "" {
		template = o.PromptTemplate
	}
	if o.CategoryScores != nil {
		all := make([]any, len(o.CategoryScores))
		for i, c := range o.CategoryScores {
			all[i] = dict("name", c.Name, "scores", scores(c.Scores))
		}
		categories = all
	}
	return pytext.AppendJSON(nil, dict(
		"eval_name", o.EvalName, "dataset_name", o.DatasetName, "dataset_scores", scores(o.DatasetScores), "prompt_template", template,
		"category_scores", categories, "output_path", o.OutputPath, "error", nil))
}

// dict makes an object from keys and values in turn.
func dict(pairs ...any) *pytext.Dict {
	d := &pytext.Dict{}
	for i := 0; i < len(pairs); i += 2 {
		d.Set(pairs[i].(string), pairs[i+1])
	}
	return d
}
