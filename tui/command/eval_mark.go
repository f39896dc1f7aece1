package command

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"tunebench/backend/evaluation"
)

func newEvalMark(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "mark RUN ROW wrong|ambiguous|none", Short: "Mark a row of a run's dataset as wrong or ambiguous",
		Long: `Marks a row of the dataset of a run, by its row as eval show --records and the workbench count it:
wrong when its reference is, ambiguous when more than one answer is right. The mark
belongs to the dataset and is seen in every run over it; eval show --without-marked
leaves marked rows out, and says so.`,
		Args: cobra.ExactArgs(3),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 2 {
				return append([]string{"none"}, evaluation.MarkNames...), cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			row, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil {
				return usagef("%q is no row; eval show %s --records prints them", args[1], args[0])
			}
			mark := args[2]
			if mark == "none" {
				mark = ""
			}
			return g.with(cmd.Context(), func(s *session) error {
				if err := s.eval.Mark(cmd.Context(), args[0], row-1, mark); err != nil {
					return err
				}
				marks, err := s.eval.Marks(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				fmt.Fprintf(g.out, "%d rows of this dataset are marked\n", len(marks))
				return nil
			})
		},
	}
}
