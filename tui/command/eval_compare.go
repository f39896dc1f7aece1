package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/evaluation"
)

func newEvalCompare(g *globals) *cobra.Command {
	var failIf []string
	var sure bool
	c := &cobra.Command{
		Use: "compare BASELINE CANDIDATE", Short: "Compare two runs row by row, and judge the second by rules",
		Long: `Compares the answers of two runs, or of two models of one run, on the questions that
both answered. A side is RUN or RUN/MODEL; without a model it is the last model of
the run, and the first if a run is compared with itself.

With --fail-if the command exits 3 when a rule holds for the candidate:

  tunebench eval compare A B --fail-if 'f1_score < baseline - 0.02'
  tunebench eval compare A B --fail-if 'exact_match_score < 0.9' --fail-if 'errors > 0.01'
  tunebench eval compare A B --fail-if 'mean_latency_ms > baseline * 1.5'

The values are the scores, errors (their share) and mean_latency_ms; the limit is a
number, or baseline with + or - a number or * a factor. The exit status goes by the
means; with --only-if-sure by the whole 95 % interval of the difference.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			rules, err := parseRules(failIf)
			if err != nil {
				return err
			}
			return g.with(cmd.Context(), func(s *session) error {
				c, err := s.eval.Compare(cmd.Context(), args[0], args[1], rules)
				if err != nil {
					return err
				}
				if err := g.printComparison(c); err != nil {
					return err
				}
				return brokenRules(c, sure)
			})
		},
	}
	c.Flags().StringArrayVar(&failIf, "fail-if", nil, "exit 3 if this holds, as 'f1_score < baseline - 0.02' (repeat)")
	c.Flags().BoolVar(&sure, "only-if-sure", false, "exit 3 only if chance cannot explain it")
	return c
}

func parseRules(texts []string) ([]evaluation.Rule, error) {
	var rules []evaluation.Rule
	for _, text := range texts {
		r, err := evaluation.ParseRule(text)
		if err != nil {
			return nil, usageError{err}
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func (g *globals) printComparison(c evaluation.Comparison) error {
	if g.jsonOut() {
		return g.printJSON(c)
	}
	side := func(s evaluation.Side) string {
		return fmt.Sprintf("%s of run %s (%d scored, %d failed, %.0f ms on the average)", s.Model, s.Run, s.Records, s.Errors, s.MeanLatencyMS)
	}
	fmt.Fprintf(g.out, "baseline   %s\ncandidate  %s\nrows       %d that both answered, %d left out\n\n", side(c.Baseline), side(c.Candidate), c.Rows, c.Left)
	var rows [][]string
	for _, s := range c.Scores {
		word := "not sure"
		if s.Real {
			word = "real"
		}
		rows = append(rows, []string{s.Score, fmt.Sprintf("%.3f", s.Baseline), fmt.Sprintf("%.3f", s.Candidate), fmt.Sprintf("%+.3f", s.Difference),
			fmt.Sprintf("%+.3f to %+.3f", s.Interval.Low, s.Interval.High), fmt.Sprintf("%.2g", s.PValue), fmt.Sprintf("%d / %d", s.Better, s.Worse), word})
	}
	if err := g.table([]string{"score", "baseline", "candidate", "difference", "95 % interval", "p", "rows up / down", ""}, rows); err != nil {
		return err
	}
	if len(c.Scores) > 0 {
		fmt.Fprintf(g.out, "\n%s: %s\n", c.Scores[0].Score, c.Scores[0].Verdict)
	}
	for _, r := range c.Rules {
		word := "holds not"
		switch {
		case r.Broken && r.Sure:
			word = "HOLDS, and chance does not explain it"
		case r.Broken:
			word = "HOLDS, though chance may explain it"
		}
		fmt.Fprintf(g.out, "\nrule %s: %.4g against %.4g: %s\n", r.Text, r.Got, r.Limit, word)
	}
	return nil
}

// brokenRules is the verdict of a comparison.
func brokenRules(c evaluation.Comparison, sure bool) error {
	var broken []string
	for _, r := range c.Rules {
		if r.Broken && (r.Sure || !sure) {
			broken = append(broken, fmt.Sprintf("%s: it is %.4g, the limit %.4g", r.Text, r.Got, r.Limit))
		}
	}
	if len(broken) == 0 {
		return nil
	}
	return verdictf("%s of run %s fails: %s", c.Candidate.Model, c.Candidate.Run, strings.Join(broken, "; "))
}
