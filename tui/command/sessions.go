package command

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/chat"
)

// mostSessions bounds a list of sessions.
const mostSessions = 1000

func newSessions(g *globals) *cobra.Command {
	var query string
	list := listCommand(g, "list", "What was asked and answered before, the last used first",
		func(ctx context.Context, s *session) ([]chat.Conversation, error) {
			return s.chat.Conversations(ctx, query, mostSessions)
		},
		[]string{"id", "updated", "models", "title"},
		func(c chat.Conversation) []string {
			return []string{strconv.FormatInt(c.ID, 10), when(c.Updated), strings.Join(c.Models, ","), c.Title}
		})
	list.Flags().StringVar(&query, "search", "", "only sessions that hold this text, in a title, a question or an answer")
	return group("sessions", "What was asked and answered before", list, newSessionShow(g), newSessionTable(g), newSessionExport(g), newSessionDelete(g))
}

// sessionID reads the number of a session.
func sessionID(arg string) (int64, error) {
	id, err := strconv.ParseInt(arg, 10, 64)
	if err != nil || id < 1 {
		return 0, usagef("%q is no session; a number is needed, as in: tunebench sessions list", arg)
	}
	return id, nil
}

func newSessionShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Print a session, as Markdown or with -o json as it is kept", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := sessionID(args[0])
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error {
				if !g.jsonOut() {
					return s.chat.Export(ctx, id, "markdown", g.out)
				}
				c, turns, err := s.chat.Load(ctx, id)
				if err != nil {
					return err
				}
				return g.printJSON(struct {
					chat.Conversation
					Turns []chat.Turn `json:"turns"`
				}{c, nonNil(turns)})
			})
		},
	}
}

func newSessionTable(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "table ID", Short: "Speed, tokens, cost, score and vote of every answer of a session, and of each model", Args: cobra.ExactArgs(1),
		Long: `Print a line for every answer of a session: time to the first token, tokens a
second, tokens in and out, how it ended, cost, F1 score against the reference,
vote. Then a line for each model: medians of times, sums of tokens and costs, the
mean score, votes as won-lost-neither. -o json has how a cost was reckoned.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := sessionID(args[0])
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error {
				c, turns, err := s.chat.Load(ctx, id)
				if err != nil {
					return err
				}
				figures, err := s.chat.Figures(ctx, c, turns)
				if err != nil {
					return err
				}
				totals := chat.Totals(figures)
				if g.jsonOut() {
					return g.printJSON(struct {
						Answers []chat.Figure `json:"answers"`
						Models  []chat.Total  `json:"models"`
					}{nonNil(figures), nonNil(totals)})
				}
				return g.figures(figures, totals)
			})
		},
	}
}

// figures prints the table over a session.
func (g *globals) figures(figures []chat.Figure, totals []chat.Total) error {
	ms := func(v float64) string {
		if v == 0 {
			return "-"
		}
		return fmt.Sprintf("%.0f", v)
	}
	score := func(v *float64, exact bool) string {
		switch {
		case v == nil:
			return "-"
		case exact:
			return "exact"
		}
		return fmt.Sprintf("%.2f", *v)
	}
	var rows [][]string
	for _, f := range figures {
		rows = append(rows, []string{itoa(f.Number), oneLine(f.Question, 32), f.Model, ms(f.FirstTokenMS), ms(f.TokensPerSecond), itoa(f.Input), itoa(f.Output), f.Ended(),
			f.Cost.String(), score(f.F1, f.Exact), cmp.Or(f.Vote, "-")})
	}
	if err := g.table([]string{"#", "question", "model", "first ms", "tokens/s", "in", "out", "ended", "cost", "f1", "vote"}, rows); err != nil {
		return err
	}
	fmt.Fprintln(g.out)
	rows = nil
	for _, t := range totals {
		rows = append(rows, []string{t.Model, fmt.Sprintf("%d of %d", t.Finished, t.Answers), ms(t.FirstTokenMS), ms(t.TokensPerSecond), itoa(t.Input), itoa(t.Output),
			t.Cost(), score(t.F1, false), cmp.Or(t.Votes(), "-")})
	}
	return g.table([]string{"model", "finished", "first ms", "tokens/s", "in", "out", "cost", "f1", "votes"}, rows)
}

func newSessionExport(g *globals) *cobra.Command {
	var format, file string
	c := &cobra.Command{
		Use: "export ID", Short: "Write a session to be read, or as rows that datasets and evaluations read", Args: cobra.ExactArgs(1),
		Long: `Write a session as Markdown to be read, or as JSON Lines: a line for each answer,
with question, response, system_prompt, reference, model and the figures. Such a
file is a dataset like any other: it can be looked at, prepared, trained on and
used in an evaluation. CSV has the figures alone, as sessions table does.`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			id, err := sessionID(args[0])
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) (err error) {
				if file == "" {
					return s.chat.Export(ctx, id, format, g.out)
				}
				if _, _, err := s.chat.Load(ctx, id); err != nil {
					return err // before there is a file
				}
				f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
				if err != nil {
					return fmt.Errorf("export session %d: %w", id, err)
				}
				defer func() {
					if cerr := f.Close(); err == nil {
						err = cerr
					}
				}()
				return s.chat.Export(ctx, id, format, f)
			})
		},
	}
	c.Flags().StringVar(&format, "format", "markdown", "form: "+strings.Join(chat.ExportFormats(), ", "))
	c.Flags().StringVar(&file, "file", "", "file to write, which must not be there yet (default: standard output)")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(chat.ExportFormats(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func newSessionDelete(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "delete ID", Short: "Remove a session with all its answers", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := sessionID(args[0])
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error {
				c, _, err := s.chat.Load(ctx, id)
				if err != nil {
					return err
				}
				if err := g.confirm(fmt.Sprintf("Remove session %d, %q?", id, c.Title)); err != nil {
					return err
				}
				return s.chat.DeleteConversation(ctx, id)
			})
		},
	}
}
