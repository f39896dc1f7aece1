package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"tunebench/backend/chat"
	"tunebench/backend/evaluation"
)

func newEvalVotes(g *globals) *cobra.Command {
	var baseline, run string
	c := &cobra.Command{
		Use: "votes", Short: "The models by the votes of people and of judges",
		Long: `Rates the models by the votes that people gave in the workbench and with eval vote,
and apart from these by what each judge model said. Votes of the chat, of rounds and
on runs count alike. Ratings are Bradley-Terry's in Elo points with 95 % intervals;
the share of wins against the baseline is of the votes with a winner. A judge's
agreement with people is over the answers on which both have voted.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				var all []chat.Voter
				var err error
				if run != "" {
					var r evaluation.Run
					if r, err = s.eval.Run(cmd.Context(), run); err == nil && !cmd.Flags().Changed("baseline") && len(r.Spec.Models) > 0 {
						baseline = r.Spec.Models[0]
					}
					if err == nil {
						all, err = s.chat.RunVoters(cmd.Context(), run, baseline)
					}
				} else {
					all, err = s.chat.Voters(cmd.Context(), baseline)
				}
				if err != nil {
					return err
				}
				if g.jsonOut() {
					return g.printJSON(nonNil(all))
				}
				if len(all) == 0 {
					g.say("there are no votes yet; give some with: tunebench eval vote, or in the workbench")
				}
				for i, v := range all {
					if i > 0 {
						fmt.Fprintln(g.out)
					}
					if err := g.printVoter(v); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&run, "run", "", "only votes on the answers of this run")
	c.Flags().StringVar(&baseline, "baseline", "base", "model that the others are compared with")
	return c
}

func (g *globals) printVoter(v chat.Voter) error {
	who := "people"
	if v.Judge != "" {
		who = "judge " + v.Judge
	}
	if v.Form != "" {
		who += ", asked by prompt " + v.Form
	}
	fmt.Fprintf(g.out, "%s: %d votes\n", who, v.Votes)
	rows := make([][]string, 0, len(v.Models))
	for i, r := range v.Models {
		if i > 0 && r.Group != v.Models[i-1].Group {
			rows = append(rows, []string{"(never compared with those above)", "", "", "", "", "", "", ""})
		}
		against := "-"
		if a := r.Against; a != nil && a.Wins+a.Losses > 0 {
			against = fmt.Sprintf("%.3f of %d (%.3f to %.3f), p %.2g", a.Share, a.Wins+a.Losses, a.Interval.Low, a.Interval.High, a.PValue)
		}
		rows = append(rows, []string{r.Model, fmt.Sprintf("%.0f", r.Rating), fmt.Sprintf("%.0f to %.0f", r.Low, r.High), itoa(r.Votes), itoa(r.Wins), itoa(r.Losses), itoa(r.Ties), against})
	}
	if err := g.table([]string{"model", "rating", "95 % interval", "votes", "won", "lost", "ties", "wins against the baseline"}, rows); err != nil {
		return err
	}
	if v.Judge == "" {
		return nil
	}
	fmt.Fprintln(g.out, agreement(v.People))
	if v.Swayed > 0 {
		fmt.Fprintf(g.out, "%d of its ties were decided by the order alone\n", v.Swayed)
	}
	return nil
}
