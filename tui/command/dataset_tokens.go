package command

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"tunebench/backend/dataset"
)

// tokensOut is `dataset tokens -o json`.
type tokensOut struct {
	Tokens    int64  `json:"tokens"`
	Low       int64  `json:"low"`
	High      int64  `json:"high"`
	Estimated bool   `json:"estimated"` // from a part of the rows
	Rows      int64  `json:"rows"`      // that were looked at
	Counter   string `json:"token_counter"`
	Exact     bool   `json:"tokens_exact"` // counted by a model's own tokenizer
}

func newDatasetTokens(g *globals) *cobra.Command {
	var in reading
	var all bool
	c := &cobra.Command{
		Use: "tokens FILE", Short: "How many tokens the texts have",
		Long: "Estimates the tokens of all system texts, questions and answers to about one\n" +
			"percent from pieces all over the file, and says so; --all counts every row. The\n" +
			"tokens that a prompt format adds are not among them. Without --tokenizer the\n" +
			"tokens themselves are estimated by rules.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, done, err := in.open(cmd.Context(), g, args[0])
			if err != nil {
				return err
			}
			defer done()
			if err := d.Usable(); err != nil {
				return err
			}
			var n dataset.TokenCount
			if all {
				bar := newProgressLine(g)
				n, err = d.CountTokens(cmd.Context(), bar.show)
				bar.end()
			} else {
				n, err = d.EstimateTokens(cmd.Context())
			}
			if err != nil {
				return err
			}
			if g.jsonOut() {
				return g.printJSON(tokensOut{n.Tokens, n.Low, n.High, n.Estimated, n.Rows, n.Counter, n.Exact})
			}
			how := "counted in all rows"
			bounds := ""
			if n.Estimated {
				how = fmt.Sprintf("estimated from %d rows; --all counts every row", n.Rows)
				bounds = fmt.Sprintf("%d to %d (95 %%)", n.Low, n.High)
			}
			by := n.Counter
			if !n.Exact {
				by = "rules (an estimate; --tokenizer counts with a model's own)"
			}
			fields(g.out, "tokens", strconv.FormatInt(n.Tokens, 10), "between", bounds, "how", how, "tokens by", by)
			return nil
		},
	}
	in.flags(c)
	in.tokenizerFlag(c)
	c.Flags().BoolVar(&all, "all", false, "count every row")
	return c
}
