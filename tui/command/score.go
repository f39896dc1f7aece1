package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/evaluation"
	"tunebench/backend/safetext"
	"tunebench/metrics"
	"tunebench/metrics/fmevalio"
	"tunebench/metrics/meteor"
)

// scoreFlags are the options of `eval score`.
type scoreFlags struct {
	metrics   []string
	params    []string
	fields    map[string]*string // FMEval's name of a column → the field that holds it
	delimiter string
	seed      uint64
}

func newEvalScore(g *globals) *cobra.Command {
	o := scoreFlags{fields: map[string]*string{}}
	c := &cobra.Command{
		Use: "score FILE", Short: "Score answers that a file already holds",
		Long: `Scores JSON Lines with model_output and target_output (and, for some metrics, other
columns) as FMEval does. -o jsonl prints the same lines in the same order, each with
a "scores" object; -o json prints the means with their intervals. A row that cannot
be scored keeps its place with an "error". FILE may be - for standard input. CSV, TSV
and Parquet files, also with a model column, are scored for qa_accuracy.

` + metricHelp(),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch strings.ToLower(filepath.Ext(args[0])) {
			case ".csv", ".tsv", ".parquet", ".json":
				return g.scoreTable(cmd.Context(), args[0], o)
			}
			return g.scoreLines(cmd.Context(), args[0], o)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.metrics, "metric", []string{"qa_accuracy"}, "metric to score (repeat)")
	f.StringArrayVar(&o.params, "param", nil, "option of a metric under FMEval's name, as name=value (repeat)")
	f.StringVar(&o.delimiter, "target-delimiter", "", `what separates alternative reference answers (default "<OR>")`)
	f.Uint64Var(&o.seed, "seed", 1, "seed of the intervals")
	for _, column := range []string{fmevalio.ModelOutput, fmevalio.TargetOutput, fmevalio.ModelInput, fmevalio.Category} {
		o.fields[column] = f.String(strings.ReplaceAll(column, "_", "-")+"-field", column, "field or JMESPath expression of "+column)
	}
	return c
}

// metricHelp lists the metrics and their options from the registry.
func metricHelp() string {
	var b strings.Builder
	b.WriteString("Metrics:\n")
	for _, m := range (metrics.Registry{}).All() {
		fmt.Fprintf(&b, "  %-28s %s\n", m.Name, m.What)
		for _, p := range m.Params {
			fmt.Fprintf(&b, "      --param %s: %s\n", p.Name, p.What)
		}
	}
	return b.String()
}

// options resolves the metrics and checks the options.
func (o scoreFlags) options() (fmevalio.ScoreOptions, error) {
	opts := fmevalio.ScoreOptions{Params: map[string]string{}, Fields: map[string]string{}, Interval: metrics.Options{Seed: o.seed}}
	reg := metrics.Registry{}
	for _, name := range o.metrics {
		if name == "summarization_accuracy" && reg.English == nil && reg.WhyNoMeteor == "" {
			reg.English, reg.WhyNoMeteor = english()
		}
		m, err := reg.Lookup(name)
		if err != nil {
			return opts, usageError{err}
		}
		opts.Metrics = append(opts.Metrics, m)
	}
	for _, p := range o.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return opts, usagef("--param %q has no value; write --param name=value", p)
		}
		opts.Params[name] = value
	}
	if o.delimiter != "" {
		opts.Params["target_output_delimiter"] = o.delimiter
	}
	for column, field := range o.fields {
		if *field != column {
			opts.Fields[column] = *field
		}
	}
	return opts, nil
}

// english reads METEOR's word lists where the machine has them.
func english() (*meteor.English, string) {
	nltk := filepath.SplitList(os.Getenv("NLTK_DATA"))
	if home, err := os.UserHomeDir(); err == nil {
		nltk = append(nltk, filepath.Join(home, "nltk_data"))
	}
	e, err := meteor.Find(os.DirFS("/"), nltk...)
	if err != nil {
		return nil, err.Error()
	}
	return e, ""
}

// scoreLines scores JSON Lines.
func (g *globals) scoreLines(ctx context.Context, path string, o scoreFlags) error {
	opts, err := o.options()
	if err != nil {
		return err
	}
	open := func() (io.ReadCloser, error) { return os.Open(path) }
	if path == "-" { // some metrics read the input twice
		b, err := io.ReadAll(g.in)
		if err != nil {
			return fmt.Errorf("read standard input: %w", err)
		}
		open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
	}
	var w io.Writer
	if g.output == "jsonl" {
		w = g.out
	}
	sum, err := fmevalio.ScoreLines(ctx, open, w, opts)
	if err != nil {
		return err
	}
	for _, note := range sum.Notes() {
		g.say("note: %s", safetext.Line(note))
	}
	if sum.Errors > 0 {
		g.say("%d of %d rows could not be scored by every metric", sum.Errors, sum.Rows)
	}
	switch g.output {
	case "jsonl":
		return nil
	case "json":
		b, err := sum.AppendJSON(nil)
		if err != nil {
			return err
		}
		_, err = g.out.Write(append(b, '\n'))
		return err
	}
	var rows [][]string
	for _, m := range sum.Metrics {
		for _, s := range m.Scores {
			rows = append(rows, scoreRow(m.Name, "", s))
		}
		for _, c := range m.Categories {
			for _, s := range c.Scores {
				rows = append(rows, scoreRow(m.Name, safetext.Line(c.Name), s))
			}
		}
		for _, a := range m.Absent {
			rows = append(rows, []string{m.Name, a.Name, "", "0", "not available here", ""})
		}
	}
	return g.table([]string{"metric", "score", "category", "rows", "mean", "interval"}, rows)
}

func scoreRow(metric, category string, s fmevalio.ScoreValue) []string {
	return []string{metric, s.Name, category, itoa(s.N), fmt.Sprintf("%.3f", s.Mean), fmt.Sprintf("%.3f to %.3f", s.Low, s.High)}
}

// scoreTable scores a file that is not JSON Lines.
func (g *globals) scoreTable(ctx context.Context, path string, o scoreFlags) error {
	if g.output == "jsonl" || len(o.params) > 0 || len(o.metrics) != 1 || o.metrics[0] != "qa_accuracy" {
		return usagef("%s: only JSON Lines can be scored with -o jsonl, --param or other metrics than qa_accuracy", safetext.Line(path))
	}
	list, err := evaluation.ScoreModels(ctx, path, o.delimiter)
	if err != nil {
		return err
	}
	if g.jsonOut() {
		return g.printJSON(runOut{Dataset: path, Status: "finished", Models: modelsOut(list), Differences: []evaluation.Difference{}})
	}
	return g.printScoreboard(nil, list, nil)
}
