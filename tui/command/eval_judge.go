package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tunebench/backend/evaluation"
)

func newEvalJudge(g *globals) *cobra.Command {
	var spec evaluation.JudgeSpec
	c := &cobra.Command{
		Use: "judge RUN --judge MODEL", Short: "Let a model say which of two models' answers are better",
		Long: `Shows a judge model the question, the reference and the answers of two models of a
run, in both orders, and counts what it says. What it says in one order only counts
for neither. Its replies are kept, so that asking again costs nothing. On rows where
just one answer matches the reference exactly it is said how often the judge agrees.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if spec.Judge == "" {
				return usagef("name the model that judges with --judge (tunebench models list prints them)")
			}
			spec.Run = args[0]
			return g.with(cmd.Context(), func(s *session) error {
				next := time.Now().Add(time.Second)
				j, err := s.eval.Judge(cmd.Context(), spec, func(done, total int) {
					if now := time.Now(); now.After(next) {
						next = now.Add(2 * time.Second)
						g.say("%d of %d rows judged", done, total)
					}
				})
				if err != nil {
					return err
				}
				if g.jsonOut() {
					return g.printJSON(j)
				}
				fmt.Fprintf(g.out, "%s on %d rows of run %s\n\n", j.Judge, j.Rows, j.Run)
				if err := g.table([]string{"verdict", "rows"}, [][]string{{j.A + " is better", itoa(j.WinsA)}, {j.B + " is better", itoa(j.WinsB)}, {"tie", itoa(j.Ties)},
					{"decided by the order alone", itoa(j.Swayed)}, {"no verdict", itoa(j.Unclear)}, {"failed", itoa(j.Failed)}}); err != nil {
					return err
				}
				fmt.Fprintf(g.out, "\n%s wins %.3f of the rows with a winner (%.3f to %.3f), p %.2g\nthe answer shown first won %.3f of all verdicts; agrees with exact match on %d of %d rows\n",
					j.B, j.Share, j.Interval.Low, j.Interval.High, j.PValue, j.First, j.Exact, j.Known)
				return nil
			})
		},
	}
	f := c.Flags()
	f.StringVar(&spec.Judge, "judge", "", "model that judges")
	f.StringVar(&spec.A, "a", "", "first model of the run to compare (default its baseline)")
	f.StringVar(&spec.B, "b", "", "second model (default the run's last)")
	f.IntVar(&spec.Limit, "limit", 0, "most rows to judge; 0 judges all")
	return c
}
