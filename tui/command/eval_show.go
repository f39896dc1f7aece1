package command

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/evaluation"
)

// showFlags are the options of `eval show`.
type showFlags struct {
	records, without, about, categories bool
	row                                 int64
	least, most                         float64
	filter                              evaluation.RecordFilter
}

func newEvalShow(g *globals) *cobra.Command {
	var o showFlags
	c := &cobra.Command{
		Use: "show RUN", Short: "The scoreboard of a run, its records, or one record with how its scores came about",
		Long: `Prints the scoreboard of a run; with --records its records, ordered and narrowed by the
other flags; with --row one row: what was asked, every model's answer, its scores and
how they came about.

  tunebench eval show RUN --records --model tuned --worst --limit 20
  tunebench eval show RUN --records --all-fail --category geography
  tunebench eval show RUN --row 47`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				set := cmd.Flags().Changed
				switch {
				case set("row"):
					return g.showRow(cmd.Context(), s, args[0], o.row-1)
				case o.records:
					if set("least") {
						o.filter.Least = &o.least
					}
					if set("most") {
						o.filter.Most = &o.most
					}
					return g.showRecords(cmd.Context(), s, args[0], o.filter)
				}
				return g.showRun(cmd.Context(), s, args[0], o)
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&o.records, "records", false, "print the records instead of the scoreboard")
	f.Int64Var(&o.row, "row", 0, "print this row, counted from 1 as --records does, with how its scores came about")
	f.BoolVar(&o.about, "about", false, "also print what decided the result: dataset and its hash, prompt, settings, models, program")
	f.BoolVar(&o.categories, "categories", false, "also print the scores of every category")
	f.BoolVar(&o.without, "without-marked", false, "leave out the rows that are marked, and say how many")
	f.BoolVar(&o.filter.Worst, "worst", false, "records first on which the model is furthest below the other")
	f.BoolVar(&o.filter.Best, "best", false, "records first on which the model is furthest above the other")
	f.BoolVar(&o.filter.AllFail, "all-fail", false, "only records on which no model scores")
	f.BoolVar(&o.filter.Marked, "marked", false, "only marked records")
	f.Float64Var(&o.least, "least", 0, "only records with at least this much of the score")
	f.Float64Var(&o.most, "most", 0, "only records with at most this much of the score")
	f.StringVar(&o.filter.Score, "score", "", "score for the order and the filters (default the run's first)")
	f.StringVar(&o.filter.Model, "model", "", "only this model's records")
	f.StringVar(&o.filter.Against, "against", "", "the other model (default the baseline)")
	f.StringVar(&o.filter.Category, "category", "", "only this category's records")
	f.StringVar(&o.filter.Search, "search", "", "only records that hold this text")
	f.IntVar(&o.filter.Limit, "limit", 0, "most records; 0 prints all")
	return c
}

func (g *globals) showRun(ctx context.Context, s *session, id string, o showFlags) error {
	read := s.eval.Run
	if o.without {
		read = s.eval.Without
	}
	r, err := read(ctx, id)
	if err != nil {
		return err
	}
	if err := g.printRun(r); err != nil || g.jsonOut() {
		return err // the output has all of it
	}
	if o.categories {
		if err := g.printCategories(r); err != nil {
			return err
		}
	}
	if o.about {
		fmt.Fprintln(g.out)
		for _, f := range evaluation.About(r) {
			fmt.Fprintf(g.out, "%s: %s\n", f.Name, f.Text)
		}
	}
	return nil
}

// printCategories prints every score of every category.
func (g *globals) printCategories(r evaluation.Run) error {
	names := inOrder(r.ScoreNames)
	var rows [][]string
	for _, m := range r.Models {
		for _, c := range m.Categories {
			row := []string{c.Category, m.Model, itoa(c.Records)}
			for _, n := range names {
				row = append(row, scoreText(c.Scores, n))
			}
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	fmt.Fprintln(g.out)
	header := []string{"category", "model", "records"}
	for _, n := range names {
		header = append(header, scoreHead(n))
	}
	return g.table(header, rows)
}

// scoreHead is a score's name above a column.
func scoreHead(n string) string {
	return strings.TrimSuffix(strings.ReplaceAll(n, "_", " "), " score")
}

func (g *globals) showRecords(ctx context.Context, s *session, id string, f evaluation.RecordFilter) error {
	run, err := s.eval.Run(ctx, id)
	if err != nil {
		return err
	}
	if f.Score == "" && len(run.ScoreNames) > 0 {
		f.Score = run.ScoreNames[0]
	}
	recs, _, err := s.eval.Records(ctx, id, f)
	if err != nil {
		return err
	}
	if g.jsonOut() {
		return g.printJSON(nonNil(recs))
	}
	// The score that was asked for, and one more that says most.
	shown := []string{f.Score}
	for _, n := range []string{"exact_match_score", evaluation.DefaultScore} {
		if n != f.Score && slices.Contains(run.ScoreNames, n) && len(shown) < 2 {
			shown = append(shown, n)
		}
	}
	against := f.Model != "" && len(run.Models) > 1
	rows := make([][]string, 0, len(recs))
	for _, r := range recs {
		out := r.Output
		if r.Err != "" {
			out = "! " + r.Err
		}
		row := []string{strconv.FormatInt(r.Row+1, 10), r.Model, oneLine(r.Question, 48), oneLine(r.Reference, 24), oneLine(out, 48)}
		for _, n := range shown {
			row = append(row, scoreText(r.Scores, n))
		}
		if against {
			row = append(row, scoreText(r.Against, f.Score))
		}
		rows = append(rows, append(row, r.Mark))
	}
	header := []string{"row", "model", "question", "reference", "output"}
	for _, n := range shown {
		header = append(header, scoreHead(n))
	}
	if against {
		header = append(header, "the other's "+scoreHead(f.Score))
	}
	return g.table(append(header, "marked"), rows)
}

// recordOut is one row with everything about it as data.
type recordOut struct {
	Records      []evaluation.Record      `json:"records"`
	Explanations []evaluation.Explanation `json:"explanations"`
}

func (g *globals) showRow(ctx context.Context, s *session, id string, row int64) error {
	run, err := s.eval.Run(ctx, id)
	if err != nil {
		return err
	}
	recs, err := s.eval.Row(ctx, id, row)
	if err != nil {
		return err
	}
	if len(recs) == 0 {
		return usagef("run %s has no row %d; tunebench eval show %s --records prints them", id, row+1, id)
	}
	why, err := s.eval.Explain(ctx, id, row)
	if err != nil {
		return err
	}
	if g.jsonOut() {
		return g.printJSON(recordOut{recs, nonNil(why)})
	}
	first := recs[0]
	put := func(name, text string) {
		if text != "" {
			fmt.Fprintf(g.out, "%-10s %s\n", name, strings.ReplaceAll(text, "\n", "\n           "))
		}
	}
	put("category", first.Category)
	put("system", first.System)
	put("question", first.Question)
	if len(why) > 0 {
		put("asked as", why[0].Prompt)
	}
	put("reference", first.Reference)
	put("marked", first.Mark)
	for _, r := range recs {
		fmt.Fprintf(g.out, "\n%s\n", r.Model)
		if r.Err != "" {
			put("error", r.Err)
			continue
		}
		put("answer", strings.TrimSpace(r.Output))
		var scores []string
		for _, n := range inOrder(run.ScoreNames) {
			scores = append(scores, scoreHead(n)+" "+scoreText(r.Scores, n))
		}
		put("scores", strings.Join(scores, ", "))
		for _, e := range why {
			if e.Model == r.Model {
				g.printReasons(e, put)
			}
		}
	}
	return nil
}

func (g *globals) printReasons(e evaluation.Explanation, put func(name, text string)) {
	for _, h := range e.How {
		put("why", h.Text)
	}
	for _, d := range e.Disturbed {
		put("disturbed", oneLine(d.Question, 60)+" → "+oneLine(strings.TrimSpace(d.Output), 60))
	}
	if e.Missing > 0 {
		put("disturbed", fmt.Sprintf("%d answers to disturbed questions were not kept", e.Missing))
	}
}

func newEvalTrend(g *globals) *cobra.Command {
	var score string
	c := &cobra.Command{
		Use: "trend RUN", Short: "A score in all runs over the dataset of a run, newest first",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				list, name, err := s.eval.Trend(cmd.Context(), args[0], score)
				if err != nil {
					return err
				}
				if g.jsonOut() {
					return g.printJSON(nonNil(list))
				}
				var rows [][]string
				for _, p := range list {
					change := ""
					if p.Before != nil {
						change = fmt.Sprintf("%+.3f", p.Value-*p.Before)
						if p.Beyond {
							change += ", beyond chance"
						}
					}
					rows = append(rows, []string{p.Run, when(p.Created), p.Model, itoa(p.Rows), fmt.Sprintf("%.3f", p.Value), fmt.Sprintf("%.3f to %.3f", p.Interval.Low, p.Interval.High), change})
				}
				return g.table([]string{"run", "created", "model", "rows", scoreHead(name), "95 % interval", "change"}, rows)
			})
		},
	}
	c.Flags().StringVar(&score, "score", "", "which score (default the run's first)")
	return c
}

func newEvalDelete(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "delete RUN", Short: "Remove a run with its records; kept answers and marks stay", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				r, err := s.eval.Run(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if err := g.confirm(fmt.Sprintf("Remove run %s over %s with %d records?", r.ID, r.Spec.Dataset, r.Done)); err != nil {
					return err
				}
				return s.eval.Delete(cmd.Context(), r.ID)
			})
		},
	}
}
