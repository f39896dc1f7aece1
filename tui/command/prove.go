package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"tunebench/backend/chat"
)

func newProve(g *globals) *cobra.Command {
	var questions []string
	c := &cobra.Command{
		Use: "prove MODEL", Short: "Ask an imported model in every form it can be asked in; exit 3 when one does not work or they disagree",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error {
				m, err := s.chat.Resolve(ctx, args[0])
				if err != nil {
					return err
				}
				v, err := s.chat.Prove(ctx, m, questions, func(p chat.Proof) { g.say("%s: %s", p.Body, proofWord(p)) })
				if err != nil {
					return err
				}
				if err := g.printVerdict(v); err != nil {
					return err
				}
				if len(v.Findings) > 0 {
					return verdictf("%s: %s", m.Ref, v.Findings[0])
				}
				return nil
			})
		},
	}
	c.Flags().StringArrayVarP(&questions, "question", "q", nil, "question to ask (repeat; default: three simple ones)")
	return c
}

// proofWord says in a word how it stands with a body.
func proofWord(p chat.Proof) string {
	switch {
	case p.Works:
		return "works"
	case p.Error != "":
		return "refused"
	}
	return "doubtful"
}

func (g *globals) printVerdict(v chat.Verdict) error {
	if g.jsonOut() {
		return g.printJSON(v)
	}
	var rows [][]string
	for _, p := range v.Proofs {
		for i, a := range p.Answers {
			body, word := "", ""
			if i == 0 {
				body, word = string(p.Body), proofWord(p)
			}
			rows = append(rows, []string{body, word, oneLine(a.Question, 40), oneLine(a.Text, 60), a.StopReason})
		}
		if p.Error != "" {
			rows = append(rows, []string{string(p.Body), proofWord(p), "", oneLine(p.Error, 60), ""})
		}
	}
	if err := g.table([]string{"form", "result", "question", "answer", "stop"}, rows); err != nil {
		return err
	}
	for _, f := range v.Findings {
		fmt.Fprintf(g.out, "\n%s\n", f)
	}
	return nil
}
