package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tunebench/backend/dataset"
	"tunebench/backend/evaluation"
	"tunebench/metrics"
)

// scoreNames are FMEval's question-answering scores in the order in which a
// reader looks for them.
var scoreNames = []string{
	"exact_match_score", "quasi_exact_match_score", "f1_score",
	"precision_over_words", "recall_over_words",
}

func newEval(g *globals) *cobra.Command {
	return group("eval", "Score models on a dataset and compare them",
		newEvalRun(g), newEvalDatasets(g), newEvalList(g), newEvalShow(g), newEvalTrend(g), newEvalDelete(g), newEvalExport(g), newEvalScore(g), newEvalCompare(g), newEvalMark(g), newEvalJudge(g), newJudgePrompt(g), newEvalVote(g), newEvalRounds(g), newEvalVotes(g))
}

// modelOut is one model of a scoreboard as data; loop prints the same.
type modelOut struct {
	Model      string                         `json:"model"`
	ModelID    string                         `json:"model_id,omitempty"`
	Records    int                            `json:"records"`
	Errors     int                            `json:"errors"`
	Scores     map[string]float64             `json:"scores"`
	Intervals  map[string]evaluation.Interval `json:"intervals,omitempty"`
	Categories []evaluation.CategoryScore     `json:"categories,omitempty"`
	LatencyMS  float64                        `json:"mean_latency_ms"`
	TokensIn   int64                          `json:"input_tokens"`
	TokensOut  int64                          `json:"output_tokens"`
	Cost       float64                        `json:"cost_dollars,omitempty"`
}

// runOut is a run as data.
type runOut struct {
	Run         string                  `json:"run"`
	Status      string                  `json:"status"`
	Why         string                  `json:"why,omitempty"`
	Excluded    int                     `json:"excluded,omitempty"`
	Dataset     string                  `json:"dataset"`
	Models      []modelOut              `json:"models"`
	Differences []evaluation.Difference `json:"differences"`
	// What decided the result.
	Created     *time.Time            `json:"created,omitempty"`
	DatasetHash string                `json:"dataset_sha256,omitempty"`
	Spec        *evaluation.Spec      `json:"spec,omitempty"`
	Judgement   *evaluation.Judgement `json:"judgement,omitempty"`
	// Scores of FMEval's metrics that are not computed.
	Absent []evaluation.Absent `json:"absent,omitempty"`
}

func modelsOut(rs []evaluation.ModelResult) []modelOut {
	outs := make([]modelOut, 0, len(rs))
	for _, r := range rs {
		outs = append(outs, modelOut{r.Model, r.ModelID, r.Records, r.Errors, r.Scores, r.Intervals, r.Categories,
			float64(r.MeanLatency.Microseconds()) / 1000, r.InputTokens, r.OutputTokens, r.Cost})
	}
	return outs
}

func (g *globals) printRun(r evaluation.Run) error { return g.printJudged(r, nil) }

// printJudged prints a run and what a judge said of it, if one was asked.
func (g *globals) printJudged(r evaluation.Run, j *evaluation.Judgement) error {
	if g.jsonOut() {
		return g.printJSON(runOut{r.ID, r.Status, r.Why, r.Excluded, r.Spec.Dataset, modelsOut(r.Models), nonNil(r.Differences), &r.Created, r.DatasetHash, &r.Spec, j, r.Absent})
	}
	if j != nil {
		if err := g.printRun(r); err != nil {
			return err
		}
		fmt.Fprintln(g.out)
		return g.printJudgement(*j)
	}
	g.say("run %s on %s: %s", r.ID, r.Spec.Dataset, r.Status)
	if r.Why != "" {
		g.say("%s", r.Why)
	}
	if r.Excluded > 0 {
		g.say("%d records of marked rows are left out", r.Excluded)
	}
	if r.Spec.Voting {
		g.say("its answers are voted on and not scored; see tunebench eval rounds and tunebench eval votes --run %s", r.ID)
		return nil
	}
	for _, a := range r.Absent {
		if a.Score == "bertscore" {
			continue // on no machine; --about says so
		}
		g.say("not scored: %s: %s", a.Score, a.Why)
	}
	return g.printScoreboard(r.ScoreNames, r.Models, r.Differences)
}

// inOrder is the scores of a run in the order in which a reader looks for them.
func inOrder(names []string) []string {
	var list []string
	for _, n := range scoreNames {
		if len(names) == 0 || slices.Contains(names, n) {
			list = append(list, n)
		}
	}
	for _, n := range names {
		if !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

func (g *globals) printScoreboard(names []string, models []evaluation.ModelResult, diffs []evaluation.Difference) error {
	names = inOrder(names)
	header := []string{"model", "records", "errors"}
	for _, n := range names {
		header = append(header, scoreHead(n))
	}
	rows := make([][]string, 0, len(models))
	for _, m := range models {
		row := []string{m.Model, itoa(m.Records), itoa(m.Errors)}
		for _, n := range names {
			cell := scoreText(m.Scores, n)
			if iv, ok := m.Intervals[n]; ok && n == names[0] {
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
		if d.Score != names[0] {
			continue
		}
		word := "not sure"
		if d.Real {
			word = "real"
		}
		fmt.Fprintf(g.out, "\n%s against %s: %s %+.3f (%.3f to %.3f), %s\n",
			d.Model, models[0].Model, header[3], d.Mean, d.Interval.Low, d.Interval.High, word)
	}
	return nil
}

// followEval prints progress until the run ends: every tenth of a second at first, and
// less often the longer it takes.
func (g *globals) followEval(ctx context.Context, live *evaluation.Live) (evaluation.Run, error) {
	pause := 100 * time.Millisecond
	began := time.Now()
	next, first := began.Add(pause), live.Run().Done
	for {
		select {
		case <-live.Changed():
			if now := time.Now(); now.After(next) {
				g.say("%s", evalProgress(live.Run(), first, now.Sub(began)))
				pause = min(pause*3/2, 10*time.Second)
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
	name := inOrder(r.ScoreNames)[0]
	for i, m := range r.Models {
		if v, ok := m.Scores[name]; ok {
			if i == 0 {
				line += "; " + scoreHead(name)
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
		if _, known := metrics.LookupScore(name); !ok || err != nil || !known {
			return nil, usagef("--at-least %q: write SCORE=FRACTION with a score of the run's metrics, such as %s", s, strings.Join(scoreNames, ", "))
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
		v, ok := last.Scores[name]
		if !ok {
			return usagef("--at-least %s: this run has no such score; it has %s", name, strings.Join(r.ScoreNames, ", "))
		}
		if v < limit {
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

func newEvalExport(g *globals) *cobra.Command {
	var format, out string
	var without bool
	c := &cobra.Command{
		Use: "export RUN", Short: "Write a run's records as jsonl, csv or FMEval's files, its scoreboard as md or html, or itself as a run file", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				if format == "fmeval" {
					return g.exportFMEval(cmd.Context(), s, args[0], out)
				}
				w := io.Writer(g.out)
				if out != "" {
					f, err := os.Create(out)
					if err != nil {
						return err
					}
					defer f.Close()
					w = f
				}
				return s.eval.Export(cmd.Context(), args[0], format, without, w)
			})
		},
	}
	c.Flags().StringVar(&format, "format", "jsonl", "jsonl, csv, md, html, toml (a run file), or fmeval for FMEval's own files in the folder --out")
	c.Flags().BoolVar(&without, "without-marked", false, "leave out the rows that are marked, and say how many")
	c.Flags().StringVar(&out, "out", "", "file to write (default: standard output)")
	return c
}

// exportFMEval writes FMEval's files of every model into a folder of its own.
func (g *globals) exportFMEval(ctx context.Context, s *session, id, dir string) error {
	if dir == "" {
		return usagef("name the folder for FMEval's files with --out")
	}
	files, err := s.eval.ExportFMEval(ctx, id)
	if err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(dir, strings.Map(fileRune, f.Model), strings.Map(fileRune, f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		w, err := os.Create(path)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Write(w), w.Close()); err != nil {
			return err
		}
		fmt.Fprintln(g.out, path)
	}
	return nil
}

// fileRune keeps separators and what is special to a shell out of file names.
func fileRune(r rune) rune {
	if strings.ContainsRune("/\\:*?\"<>|", r) {
		return '_'
	}
	return r
}

// sampleHeldout is the embedded evaluation file of the sample dataset.
const (
	sampleTrain   = dataset.SamplePrefix + "openorca-sample.jsonl"
	sampleHeldout = dataset.SamplePrefix + "heldout.jsonl"
)
