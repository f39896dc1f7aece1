// Package fmevalio reads and writes what FMEval 1.2.3 reads and writes: dataset
// configurations with columns located by JMESPath, its sampling, prompt
// templates, the per-record results file and the EvalOutput; and it scores files
// of outputs that somebody already has. It opens no files and calls no models
// itself: readers, writers and functions come from the caller. The scores and
// statistics are package metrics'.
package fmevalio

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tunebench/metrics"
	"tunebench/metrics/pytext"
)

// Reply is what a model answers to a prompt. A nil part is not there.
type Reply struct {
	Output         *string
	LogProbability *float64
}

// Model asks a model.
type Model func(ctx context.Context, prompt string) (Reply, error)

// Config is an evaluation in FMEval's sense: one metric over one dataset.
type Config struct {
	Data       DataConfig
	Metric     metrics.Metric
	Params     map[string]string // of the metric
	NumRecords int               // 0 uses all rows, unshuffled; FMEval's defaults are 100, and 300 for factual knowledge
	Template   string            // prompt template; "" is the dataset's default
	Model      Model             // nil scores the outputs in the dataset
	OutputPath string            // goes into the EvalOutput
}

// ScoreValue is a score of a set of rows.
type ScoreValue struct {
	Name string
	metrics.Estimate
}

// CategoryScores are the scores of the rows of one category.
type CategoryScores struct {
	Name   string
	Scores []ScoreValue
}

// EvalOutput is the result of an evaluation.
type EvalOutput struct {
	EvalName       string
	DatasetName    string
	DatasetScores  []ScoreValue
	PromptTemplate string // "" where no model was asked
	CategoryScores []CategoryScores
	OutputPath     string
	// Warnings count the rows to which each applies; FMEval has no such thing.
	Warnings map[string]int
}

// Result is a row with its scores.
type Result struct {
	Record   Record
	Scores   []float64 // in the order of the metric's Scores
	Warnings metrics.Warnings
}

// ErrNoOutputs says that there is neither a model nor a column of outputs.
var ErrNoOutputs = errors.New("the dataset has no model output column and there is no model to ask: set model_output_location, or name a model")

// Evaluate samples the dataset, asks the model where there is one, scores every
// row and aggregates. As in FMEval one row that fails fails the evaluation.
// Classification without valid_labels takes the targets of the sampled rows.
func Evaluate(ctx context.Context, c Config, d *Dataset) (*EvalOutput, []Result, error) {
	records := d.Sample(c.NumRecords)
	out := &EvalOutput{EvalName: c.Metric.Name, DatasetName: c.Data.Name, OutputPath: c.OutputPath, Warnings: map[string]int{}}
	pairs := slices.Contains(c.Metric.Columns, SentMoreLogProb)
	if err := c.check(d, pairs); err != nil {
		return nil, nil, err
	}
	if c.asks(d, pairs) {
		if out.PromptTemplate = c.Template; c.Template == "" {
			out.PromptTemplate = DefaultTemplate(c.Data.Name)
		}
		asked := make([]Record, len(records))
		for i, r := range records {
			var err error
			if asked[i], err = ask(ctx, c.Model, out.PromptTemplate, r, pairs); err != nil {
				return nil, nil, fmt.Errorf("row %d of the sample: %w", i+1, err)
			}
		}
		records = asked
	}
	params := withLabels(c.Metric, c.Params, records)
	scorer, err := c.Metric.NewScorer(params)
	if err != nil {
		return nil, nil, err
	}
	sets := map[string]metrics.SetScorer{} // by category
	all, err := c.Metric.NewSetScorer(params)
	if err != nil {
		return nil, nil, err
	}
	results := make([]Result, len(records))
	for i, r := range records {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		row, err := rowOf(c.Metric, r)
		if err != nil {
			return nil, nil, fmt.Errorf("row %d of the sample: %w", i+1, err)
		}
		scores, warnings, err := scorer.Score(nil, row)
		if err != nil {
			return nil, nil, fmt.Errorf("row %d of the sample: %w", i+1, err)
		}
		results[i] = Result{r, scores, warnings}
		for _, w := range warnings.Texts() {
			out.Warnings[w]++
		}
		all.Add(row, scores)
		if category, ok := r.Text(Category); ok && d.Columns[Category] {
			if sets[category] == nil {
				if sets[category], err = c.Metric.NewSetScorer(params); err != nil {
					return nil, nil, err
				}
			}
			sets[category].Add(row, scores)
		}
	}
	out.DatasetScores = named(c.Metric, all, metrics.Options{})
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		out.CategoryScores = append(out.CategoryScores, CategoryScores{name, named(c.Metric, sets[name], metrics.Options{})})
	}
	return out, results, nil
}

// asks tells whether the model is to be asked. Classification and stereotyping
// keep what the dataset has; the others ask whenever there is a model.
func (c Config) asks(d *Dataset, pairs bool) bool {
	switch {
	case c.Model == nil:
		return false
	case pairs:
		return !d.Columns[SentMoreLogProb] || !d.Columns[SentLessLogProb]
	case c.Metric.Name == metrics.ClassificationAccuracy.Name:
		return !d.Columns[ModelOutput]
	}
	return true
}

func (c Config) check(d *Dataset, pairs bool) error {
	if pairs {
		if c.asks(d, true) {
			return d.require(c.Data, SentMoreInput, SentLessInput)
		}
		return d.require(c.Data, SentMoreLogProb, SentLessLogProb)
	}
	if slices.Contains(c.Metric.Columns, "perturbed_outputs") {
		return fmt.Errorf("%s needs the outputs for disturbed prompts, which a dataset does not hold", c.Metric.Name)
	}
	needs := []string{TargetOutput}
	if c.asks(d, false) || c.Metric.Name == metrics.SummarizationAccuracy.Name {
		needs = append(needs, ModelInput)
	}
	if err := d.require(c.Data, needs...); err != nil {
		return err
	}
	if c.Model == nil && !d.Columns[ModelOutput] {
		return ErrNoOutputs
	}
	return nil
}

// ask returns the record with prompts and replies.
func ask(ctx context.Context, model Model, template string, r Record, pairs bool) (Record, error) {
	r = maps.Clone(r)
	one := func(input, prompt string) (Reply, error) {
		text, _ := r.Text(input)
		p, err := Compose(template, text)
		if err != nil {
			return Reply{}, err
		}
		r[prompt] = p
		return model(ctx, p)
	}
	if !pairs {
		reply, err := one(ModelInput, Prompt)
		if err != nil {
			return nil, err
		}
		if reply.Output == nil {
			return nil, errors.New("the model gave no output")
		}
		r[ModelOutput] = *reply.Output
		return r, nil
	}
	for _, p := range []struct{ input, prompt, logProb string }{
		{SentMoreInput, SentMorePrompt, SentMoreLogProb}, {SentLessInput, SentLessPrompt, SentLessLogProb},
	} {
		reply, err := one(p.input, p.prompt)
		if err != nil {
			return nil, err
		}
		if reply.LogProbability == nil {
			return nil, errors.New("the model gave no log-probability")
		}
		r[p.logProb] = *reply.LogProbability
	}
	return r, nil
}

// withLabels adds valid_labels where the metric wants them and params do not
// have them: the targets that occur.
func withLabels(m metrics.Metric, params map[string]string, records []Record) map[string]string {
	if !slices.ContainsFunc(m.Params, func(p metrics.Param) bool { return p.Name == "valid_labels" }) || params["valid_labels"] != "" {
		return params
	}
	seen := map[string]bool{}
	for _, r := range records {
		if t, ok := r.Text(TargetOutput); ok {
			seen[t] = true
		}
	}
	params = maps.Clone(params)
	if params == nil {
		params = map[string]string{}
	}
	params["valid_labels"] = metrics.FormatLabels(slices.Sorted(maps.Keys(seen)))
	return params
}

// rowOf turns a record into what a metric scores.
func rowOf(m metrics.Metric, r Record) (metrics.Row, error) {
	var row metrics.Row
	for _, column := range m.Columns {
		ok := true
		switch column {
		case TargetOutput:
			row.Target, ok = r.Text(column)
		case ModelOutput:
			row.Output, ok = r.Text(column)
		case SentMoreLogProb:
			row.MoreLogProb, ok = r.number(column)
		case SentLessLogProb:
			row.LessLogProb, ok = r.number(column)
		case "perturbed_outputs":
			row.Perturbed, ok = texts(r[column])
			row.Repeats, _ = texts(r["repeated_outputs"])
		}
		if !ok {
			if r[column] == nil {
				return row, fmt.Errorf("%s is missing", column)
			}
			return row, fmt.Errorf("%s does not hold what it should", column)
		}
	}
	return row, nil
}

func texts(v any) ([]string, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	all := make([]string, len(list))
	for i, e := range list {
		all[i] = pytext.Str(e)
	}
	return all, true
}

// named puts names to the scores of a set.
func named(m metrics.Metric, s metrics.SetScorer, o metrics.Options) []ScoreValue {
	scores := m.OfSet()
	all := make([]ScoreValue, len(scores))
	for i, e := range s.Estimates(o) {
		all[i] = ScoreValue{scores[i].Name, e}
	}
	return all
}
