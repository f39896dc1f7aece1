package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tunebench/backend/chat"
	"tunebench/backend/evaluation"
)

func newEvalJudge(g *globals) *cobra.Command {
	var spec evaluation.JudgeSpec
	var prompt string
	c := &cobra.Command{
		Use: "judge RUN --judge MODEL", Short: "Let a model say which of two models' answers are better",
		Long: `Shows a judge model the question, the reference and the answers of two models of a
run, in both orders, and counts what it says. What it says in one order only counts
for neither; a reply that is no verdict is told and does not count. Its verdicts are
kept as votes, and it is said how often it agrees with people on the same answers.
Its replies are kept, so that asking again costs nothing.

What it is asked is a text: tunebench eval judge-prompt prints and replaces it, and
--prompt FILE takes another one this time.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if spec.Judge == "" {
				return usagef("name the model that judges with --judge (tunebench models list prints them)")
			}
			if prompt != "" {
				text, err := g.promptFile(prompt)
				if err != nil {
					return err
				}
				spec.Prompt = text
			}
			spec.Run = args[0]
			return g.with(cmd.Context(), func(s *session) error { return g.judgeRun(cmd.Context(), s, spec) })
		},
	}
	f := c.Flags()
	f.StringVar(&spec.Judge, "judge", "", "model that judges")
	f.StringVar(&spec.A, "a", "", "first model of the run to compare (default its baseline)")
	f.StringVar(&spec.B, "b", "", "second model (default the run's last)")
	f.IntVar(&spec.Limit, "limit", 0, "most rows to judge; 0 judges all")
	f.StringVar(&prompt, "prompt", "", "file with what the judge is asked; - reads standard input")
	return c
}

func (g *globals) judgeRun(ctx context.Context, s *session, spec evaluation.JudgeSpec) error {
	j, err := g.askJudge(ctx, s, spec)
	if err != nil {
		return err
	}
	if g.jsonOut() {
		return g.printJSON(j)
	}
	return g.printJudgement(j)
}

// askJudge asks a judge about a run and tells how far it is.
func (g *globals) askJudge(ctx context.Context, s *session, spec evaluation.JudgeSpec) (evaluation.Judgement, error) {
	next := time.Now().Add(time.Second)
	j, err := s.eval.Judge(ctx, spec, func(done, total int) {
		if now := time.Now(); now.After(next) {
			next = now.Add(2 * time.Second)
			g.say("%d of %d rows judged", done, total)
		}
	})
	if err != nil {
		return j, err
	}
	if j.Failed == j.Rows && len(j.Errors) > 0 {
		return j, fmt.Errorf("%s could not be asked on any row: %s", j.Judge, j.Errors[0])
	}
	if j.Own {
		g.say("%s is one of the two: what it says of its own answers is worth little", j.Judge)
	}
	return j, nil
}

func (g *globals) printJudgement(j evaluation.Judgement) error {
	fmt.Fprintf(g.out, "%s on %d rows of run %s\n\n", j.Judge, j.Rows, j.Run)
	if err := g.table([]string{"verdict", "rows"}, [][]string{{j.A + " is better", itoa(j.WinsA)}, {j.B + " is better", itoa(j.WinsB)}, {"tie", itoa(j.Ties)},
		{"decided by the order alone", itoa(j.Swayed)}, {"no verdict", itoa(j.Unclear)}, {"failed", itoa(j.Failed)}}); err != nil {
		return err
	}
	fmt.Fprintf(g.out, "\n%s wins %.3f of the rows with a winner (%.3f to %.3f), p %.2g\nthe answer shown first won %.3f of all verdicts; agrees with exact match on %d of %d rows\n",
		j.B, j.Share, j.Interval.Low, j.Interval.High, j.PValue, j.First, j.Exact, j.Known)
	fmt.Fprintln(g.out, agreement(j.People))
	for _, r := range j.Unread {
		fmt.Fprintf(g.out, "no verdict: %q\n", r)
	}
	for _, e := range j.Errors {
		fmt.Fprintf(g.out, "failed: %s\n", e)
	}
	return nil
}

// agreement says how far a judge agrees with people.
func agreement(a *chat.Agreement) string {
	if a == nil {
		return "there is nothing yet on which people have voted too"
	}
	kappa := "kappa is not defined: one side always says the same"
	if a.Kappa != nil {
		kappa = fmt.Sprintf("Cohen's kappa %.2f", *a.Kappa)
	}
	return fmt.Sprintf("agrees with people on %d of %d pairs: %.3f (%.3f to %.3f), %s", a.Same, a.N, a.Share, a.Interval.Low, a.Interval.High, kappa)
}

// promptFile reads a judge's prompt.
func (g *globals) promptFile(name string) (string, error) {
	const most = 1 << 20
	read := func(r io.Reader) (string, error) {
		b, err := io.ReadAll(io.LimitReader(r, most+1))
		if err == nil && len(b) > most {
			err = fmt.Errorf("it is longer than %d bytes", most)
		}
		return string(b), err
	}
	if name == "-" {
		text, err := read(g.in)
		if err != nil {
			return "", fmt.Errorf("read the judge's prompt from standard input: %w", err)
		}
		return text, evaluation.CheckJudgePrompt(text)
	}
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("read the judge's prompt: %w", err)
	}
	defer f.Close()
	text, err := read(f)
	if err != nil {
		return "", fmt.Errorf("read the judge's prompt %s: %w", name, err)
	}
	return text, evaluation.CheckJudgePrompt(text)
}

func newJudgePrompt(g *globals) *cobra.Command {
	var set string
	var reset bool
	c := &cobra.Command{
		Use: "judge-prompt", Short: "Print or replace what judges are asked",
		Long: `Prints what a judge is asked. {question}, {reference}, {answer_1} and {answer_2} stand
for the row's texts; all but {reference} have to be there. A judge answers 1, 2 or tie,
or ends with a line such as "Verdict: 1"; anything else does not count. Votes by
different prompts are counted apart.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			text := ""
			if set != "" {
				var err error
				if text, err = g.promptFile(set); err != nil {
					return err
				}
			}
			return g.with(ctx, func(s *session) error {
				if set != "" || reset {
					if err := s.eval.SetJudgePrompt(ctx, text); err != nil {
						return err
					}
				}
				text, err := s.eval.JudgePrompt(ctx)
				if err != nil {
					return err
				}
				if g.jsonOut() {
					return g.printJSON(map[string]string{"prompt": text})
				}
				fmt.Fprintln(g.out, text)
				return nil
			})
		},
	}
	c.Flags().StringVar(&set, "set", "", "file with the prompt to use from now on; - reads standard input")
	c.Flags().BoolVar(&reset, "reset", false, "go back to the prompt that comes with the program")
	c.MarkFlagsMutuallyExclusive("set", "reset")
	return c
}
