package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tunebench/backend/dataset"
	"tunebench/backend/evaluation"
)

// scoreNames are FMEval's question-answering scores in the order in which a
// reader looks for them.
var scoreNames = []string{
	"exact_match_score", "quasi_exact_match_score", "f1_score",
	"precision_over_words", "recall_over_words",
}

func newEval(g *globals) *cobra.Command {
	return group("eval", "Score models on a dataset and compare them",
		newEvalRun(g), newEvalList(g), newEvalShow(g), newEvalExport(g), newEvalScore(g))
}

// modelOut is one model of a scoreboard as data; loop prints the same.
type modelOut struct {
	Model      string                         `json:"model"`
	Records    int                            `json:"records"`
	Errors     int                            `json:"errors"`
	Scores     map[string]float64             `json:"scores"`
	Intervals  map[string]evaluation.Interval `json:"intervals,omitempty"`
	Categories []evaluation.CategoryScore     `json:"categories,omitempty"`
	LatencyMS  float64                        `json:"mean_latency_ms"`
}

// runOut is a run as data.
type runOut struct {
	Run         string                  `json:"run"`
	Status      string                  `json:"status"`
	Dataset     string                  `json:"dataset"`
	Models      []modelOut              `json:"models"`
	Differences []evaluation.Difference `json:"differences"`
}

func modelsOut(rs []evaluation.ModelResult) []modelOut {
	outs := make([]modelOut, 0, len(rs))
	for _, r := range rs {
		outs = append(outs, modelOut{r.Model, r.Records, r.Errors, r.Scores, r.Intervals, r.Categories,
			float64(r.MeanLatency.Microseconds()) / 1000})
	}
	return outs
}

func (g *globals) printRun(r evaluation.Run) error {
	if g.jsonOut() {
		return g.printJSON(runOut{r.ID, r.Status, r.Spec.Dataset, modelsOut(r.Models), nonNil(r.Differences)})
	}
	g.say("run %s on %s: %s", r.ID, r.Spec.Dataset, r.Status)
	return g.printScoreboard(r.Models, r.Differences)
}

func (g *globals) printScoreboard(models []evaluation.ModelResult, diffs []evaluation.Difference) error {
	header := []string{"model", "records", "errors"}
	for _, n := range scoreNames {
		header = append(header, strings.TrimSuffix(strings.ReplaceAll(n, "_", " "), " score"))
	}
	rows := make([][]string, 0, len(models))
	for _, m := range models {
		row := []string{m.Model, itoa(m.Records), itoa(m.Errors)}
		for _, n := range scoreNames {
			cell := scoreText(m.Scores, n)
			if iv, ok := m.Intervals[n]; ok && n == scoreNames[0] {
				cell += fmt.Sprintf(" (%.3f–%.3f)", iv.Low, iv.High)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	if err := g.table(header, rows); err != nil {
		return err
	}
	for _, d := range diffs {
		if d.Score != scoreNames[0] {
			continue
		}
		word := "not sure"
		if d.Real {
			word = "real"
		}
		fmt.Fprintf(g.out, "\n%s against %s: exact match %+.3f (%.3f to %.3f), %s\n",
			d.Model, models[0].Model, d.Mean, d.Interval.Low, d.Interval.High, word)
	}
	return nil
}

func newEvalRun(g *globals) *cobra.Command {
	var spec evaluation.Spec
	var resume string
	var atLeast []string
	var wait bool
	c := &cobra.Command{
		Use: "run --dataset FILE --model M [--model N]", Short: "Ask models a dataset's questions and score the answers",
		Long: `Asks every model every question of a dataset, scores the answers as FMEval's QA
accuracy does, and prints the scoreboard. The first model is the baseline. The run
belongs to this command and is followed to its end; one that was interrupted goes on
with --resume RUN.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			limits, err := parseAtLeast(atLeast)
			if err != nil {
				return err
			}
			if resume == "" && (spec.Dataset == "" || len(spec.Models) == 0) {
				return usagef("name --dataset FILE and at least one --model (tunebench models list prints them)")
			}
			return g.with(ctx, func(s *session) error {
				live, err := startEval(ctx, s, resume, spec)
				if err != nil {
					return err
				}
				run, err := g.followEval(ctx, live)
				if err != nil {
					return err
				}
				if err := g.printRun(run); err != nil {
					return err
				}
				return judge(run, limits)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&spec.Dataset, "dataset", "", "file with questions and reference answers")
	f.StringArrayVarP(&spec.Models, "model", "m", nil, "model to score (repeat to compare)")
	f.IntVar(&spec.Limit, "limit", 0, "most rows to use; 0 uses all")
	f.IntVar(&spec.MaxTokens, "max-tokens", 0, "most tokens of an answer (default from the config file)")
	f.Float64Var(&spec.Temperature, "temperature", 0, "0 is greedy")
	f.StringVar(&spec.Delimiter, "target-delimiter", "<OR>", "what separates alternative reference answers")
	f.Uint64Var(&spec.Seed, "seed", 1, "seed of the sample and the intervals")
	f.StringVar(&resume, "resume", "", "go on with an interrupted run")
	f.StringArrayVar(&atLeast, "at-least", nil, "exit 3 unless the last model reaches this, as exact_match_score=0.85 (repeat)")
	f.BoolVar(&wait, "wait", true, "wait for the end (a run always belongs to its command)")
	return c
}

func startEval(ctx context.Context, s *session, resume string, spec evaluation.Spec) (*evaluation.Live, error) {
	if resume != "" {
		return s.eval.Resume(ctx, resume)
	}
	if spec.MaxTokens == 0 {
		spec.MaxTokens = s.config.Eval.MaxTokens
	}
	return s.eval.Start(ctx, spec)
}

// followEval prints progress until the run ends: every half second at first, and
// less often the longer it takes.
func (g *globals) followEval(ctx context.Context, live *evaluation.Live) (evaluation.Run, error) {
	pause := 500 * time.Millisecond
	began := time.Now()
	next, first := began.Add(pause), live.Run().Done
	for {
		select {
		case <-live.Changed():
			if now := time.Now(); now.After(next) {
				g.say("%s", evalProgress(live.Run(), first, now.Sub(began)))
				pause = min(pause*5/4, 10*time.Second)
				next = now.Add(pause)
			}
		case <-live.Done():
			return live.Wait(ctx)
		}
	}
}

// evalProgress says how far a run is and what the scores are so far. first is
// how many records there were when it went on, took how long it has since.
func evalProgress(r evaluation.Run, first int, took time.Duration) string {
	line := fmt.Sprintf("%s  %d of %d records", r.ID, r.Done, r.Total)
	if fresh := r.Done - first; fresh > 0 {
		left := time.Duration(float64(took) * float64(r.Total-r.Done) / float64(fresh))
		line += fmt.Sprintf(", about %s left", left.Round(time.Second))
	}
	const name = "exact_match_score"
	for i, m := range r.Models {
		if v, ok := m.Scores[name]; ok {
			if i == 0 {
				line += "; exact match"
			} else {
				line += ","
			}
			line += fmt.Sprintf(" %s %.3f", m.Model, v)
		}
	}
	return line
}

func parseAtLeast(list []string) (map[string]float64, error) {
	m := map[string]float64{}
	for _, s := range list {
		name, v, ok := strings.Cut(s, "=")
		f, err := strconv.ParseFloat(v, 64)
		known := false
		for _, n := range scoreNames {
			known = known || n == name
		}
		if !ok || err != nil || !known {
			return nil, usagef("--at-least %q: write SCORE=FRACTION with one of %s", s, strings.Join(scoreNames, ", "))
		}
		m[name] = f
	}
	return m, nil
}

// judge is the verdict of a run: nothing answered, or a score below its limit.
func judge(r evaluation.Run, limits map[string]float64) error {
	for _, m := range r.Models {
		if m.Records > 0 && m.Errors == m.Records {
			return verdictf("every record of %s failed; see tunebench eval show %s --records", m.Model, r.ID)
		}
	}
	if len(r.Models) == 0 {
		return nil
	}
	last := r.Models[len(r.Models)-1]
	for name, limit := range limits {
		if v := last.Scores[name]; v < limit {
			return verdictf("%s of %s is %.3f, below %.3f", name, last.Model, v, limit)
		}
	}
	return nil
}

func newEvalList(g *globals) *cobra.Command {
	return listCommand(g, "list", "All runs, newest first",
		func(ctx context.Context, s *session) ([]evaluation.Run, error) { return s.eval.Runs(ctx) },
		[]string{"run", "status", "dataset", "models", "records", "created"},
		func(r evaluation.Run) []string {
			return []string{r.ID, r.Status, r.Spec.Dataset, strings.Join(r.Spec.Models, ", "), fmt.Sprintf("%d/%d", r.Done, r.Total), when(r.Created)}
		})
}

func newEvalShow(g *globals) *cobra.Command {
	var records bool
	var filter evaluation.RecordFilter
	c := &cobra.Command{
		Use: "show RUN", Short: "The scoreboard of a run, or its records", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				if !records {
					r, err := s.eval.Run(cmd.Context(), args[0])
					if err != nil {
						return err
					}
					return g.printRun(r)
				}
				recs, _, err := s.eval.Records(cmd.Context(), args[0], filter)
				if err != nil {
					return err
				}
				if g.jsonOut() {
					return g.printJSON(nonNil(recs))
				}
				rows := make([][]string, 0, len(recs))
				for _, r := range recs {
					out := r.Output
					if r.Err != "" {
						out = "! " + r.Err
					}
					rows = append(rows, []string{strconv.FormatInt(r.Row, 10), r.Model, oneLine(r.Question, 48), oneLine(r.Reference, 24),
						oneLine(out, 48), scoreText(r.Scores, "exact_match_score"), scoreText(r.Scores, "f1_score")})
				}
				return g.table([]string{"row", "model", "question", "reference", "output", "exact", "f1"}, rows)
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&records, "records", false, "print the records instead of the scoreboard")
	f.StringVar(&filter.Model, "model", "", "only this model's records")
	f.StringVar(&filter.Category, "category", "", "only this category's records")
	f.StringVar(&filter.Search, "search", "", "only records that hold this text")
	f.IntVar(&filter.Limit, "limit", 0, "most records; 0 prints all")
	return c
}

func newEvalExport(g *globals) *cobra.Command {
	var format, out string
	c := &cobra.Command{
		Use: "export RUN", Short: "Write a run's records as jsonl or csv, or its scoreboard as md", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				w := io.Writer(g.out)
				if out != "" {
					f, err := os.Create(out)
					if err != nil {
						return err
					}
					defer f.Close()
					w = f
				}
				return s.eval.Export(cmd.Context(), args[0], format, w)
			})
		},
	}
	c.Flags().StringVar(&format, "format", "jsonl", "jsonl, csv or md")
	c.Flags().StringVar(&out, "out", "", "file to write (default: standard output)")
	return c
}

// sampleHeldout is the embedded evaluation file of the sample dataset.
const (
	sampleTrain   = dataset.SamplePrefix + "openorca-sample.jsonl"
	sampleHeldout = dataset.SamplePrefix + "heldout.jsonl"
)
