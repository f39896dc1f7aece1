package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/chat"
	"tunebench/backend/evaluation"
)

// voteFlags are the options of `eval vote`.
type voteFlags struct {
	spec   evaluation.RoundSpec
	models []string
	round  string
	judge  string
}

func newEvalVote(g *globals) *cobra.Command {
	var o voteFlags
	c := &cobra.Command{
		Use: "vote --dataset FILE --model A --model B", Short: "Vote blind between two models' answers, row by row",
		Long: `Shows a question and the answers of two models, without their names and now this,
now that one first, and reads a vote from a line of standard input: 1 or 2 for the
better answer, t for a tie, b if both are bad, u to take the vote before back, q to
leave. A round that was left goes on with --round ID; what was voted is kept at once.

--dataset takes a file of rows, a folder that dataset prepare wrote, or a text file
with a prompt on each line; --run RUN takes answers that a run has already. The same
--seed gives the same rows. With --judge a model says what it thinks after each vote.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.round == "" && o.spec.Run == "" && o.spec.Dataset == "":
				return usagef("name --dataset FILE with two --model, or --run RUN, or --round ID to go on")
			case o.round == "" && o.spec.Run == "" && len(o.models) != 2, len(o.models) != 0 && len(o.models) != 2:
				return usagef("a vote is between two models: name --model twice (tunebench models list prints them)")
			case len(o.models) == 2:
				o.spec.A, o.spec.B = o.models[0], o.models[1]
			}
			return g.with(cmd.Context(), func(s *session) error { return g.vote(cmd.Context(), s, o) })
		},
	}
	f := c.Flags()
	f.StringVar(&o.spec.Dataset, "dataset", "", "file with questions")
	f.StringVar(&o.spec.Run, "run", "", "vote on the answers of this run; nobody is asked")
	f.StringArrayVarP(&o.models, "model", "m", nil, "the two models")
	f.IntVar(&o.spec.Rows, "rows", 20, "how many rows; 0 takes all")
	f.Uint64Var(&o.spec.Seed, "seed", 1, "seed of the rows and of what stands first")
	f.IntVar(&o.spec.MaxTokens, "max-tokens", 0, "most tokens of an answer (default from the config file)")
	f.Float64Var(&o.spec.Temperature, "temperature", 0, "0 is greedy")
	f.StringVar(&o.round, "round", "", "go on with this round (tunebench eval rounds lists them)")
	f.StringVar(&o.judge, "judge", "", "model that votes too, after you")
	c.MarkFlagsMutuallyExclusive("dataset", "run", "round")
	return c
}

func newEvalRounds(g *globals) *cobra.Command {
	return listCommand(g, "rounds", "The rounds of votes, newest first",
		func(ctx context.Context, s *session) ([]evaluation.Round, error) { return s.eval.Rounds(ctx) },
		[]string{"round", "created", "models", "voted", "run", "dataset"},
		func(r evaluation.Round) []string {
			return []string{r.ID, when(r.Created), r.A + ", " + r.B, fmt.Sprintf("%d/%d", r.Voted, r.Rows), r.Run, r.Dataset}
		})
}

func (g *globals) vote(ctx context.Context, s *session, o voteFlags) (err error) {
	var v *evaluation.Voting
	if o.round != "" {
		v, err = s.eval.ResumeRound(ctx, o.round)
	} else {
		if o.spec.MaxTokens == 0 {
			o.spec.MaxTokens = s.config.Eval.MaxTokens
		}
		v, err = s.eval.StartRound(ctx, o.spec)
	}
	if err != nil {
		return err
	}
	defer func() {
		v.Close()
		if v.Done() != nil {
			<-v.Done()
		}
	}()
	in := bufio.NewScanner(g.in)
	in.Buffer(nil, 1<<16)
	before := -1
	for place := v.Next(0); place >= 0; {
		p, err := awaitPair(ctx, v, place)
		if err != nil {
			return err
		}
		if p.Broken != "" {
			g.say("row %d is passed by: %s", p.Row+1, p.Broken)
			place = v.Next(place)
			continue
		}
		r := v.Round()
		fmt.Fprintf(g.err, "\n%d of %d\n", r.Voted+1, r.Rows-r.Broken)
		if p.System != "" {
			fmt.Fprintf(g.err, "system: %s\n", strings.Join(strings.Fields(p.System), " "))
		}
		fmt.Fprintln(g.err, p.Question)
		if p.Reference != "" {
			fmt.Fprintf(g.err, "reference: %s\n", p.Reference)
		}
		fmt.Fprintf(g.err, "\n1: %s\n\n2: %s\n\n1, 2, t(ie), b(oth bad), u(ndo), q(uit): ", strings.TrimSpace(p.Left.Output), strings.TrimSpace(p.Right.Output))
		outcome, undo, ok := readVote(g, in, before >= 0)
		if !ok {
			if in.Err() != nil {
				return fmt.Errorf("read a vote: %w", in.Err())
			}
			break
		}
		if undo {
			place, before = before, -1
			continue
		}
		if err := v.Vote(ctx, place, outcome); err != nil {
			return err
		}
		if o.judge != "" {
			g.judgeSays(ctx, v, o.judge, place)
		}
		before, place = place, v.Next(place)
	}
	return g.printRound(ctx, v, o.judge)
}

// awaitPair waits until a row's answers are there.
func awaitPair(ctx context.Context, v *evaluation.Voting, place int) (evaluation.Pair, error) {
	for {
		p, err := v.Pair(ctx, place)
		if err != nil || p.Ready || p.Broken != "" {
			return p, err
		}
		select {
		case <-v.Changed():
		case <-v.Done():
			if p, err := v.Pair(ctx, place); err != nil || p.Ready || p.Broken != "" {
				return p, err
			}
			return p, errors.New("the models are not asked any more; go on with --round " + v.Round().ID)
		case <-ctx.Done():
			return p, context.Cause(ctx)
		}
	}
}

// readVote reads lines until one is a vote; ok is false at the end or at q.
func readVote(g *globals, in *bufio.Scanner, mayUndo bool) (o chat.Outcome, undo, ok bool) {
	for in.Scan() {
		switch strings.ToLower(strings.TrimSpace(in.Text())) {
		case "1":
			return chat.First, false, true
		case "2":
			return chat.Second, false, true
		case "t", "tie":
			return chat.Tie, false, true
		case "b", "both bad":
			return chat.BothBad, false, true
		case "u":
			if mayUndo {
				return "", true, true
			}
			fmt.Fprint(g.err, "there is no vote before to take back: ")
		case "q":
			return "", false, false
		default:
			fmt.Fprint(g.err, "1, 2, t, b, u or q: ")
		}
	}
	return "", false, false
}

// judgeSays asks a judge after the vote. That it cannot be asked ends no round.
func (g *globals) judgeSays(ctx context.Context, v *evaluation.Voting, judge string, place int) {
	o, err := v.Judge(ctx, judge, place)
	switch {
	case err != nil:
		g.say("the judge %s: %v", judge, err)
	case o.Same:
		g.say("the two answers are the same; the judge was not asked")
	case o.Outcome == "":
		g.say("the judge %s gave no verdict: %q", o.Judge, o.Unread)
	case o.Swayed:
		g.say("the judge %s goes by the order alone: a tie", o.Judge)
	default:
		g.say("the judge %s says: %s", o.Judge, map[chat.Outcome]string{chat.First: "1", chat.Second: "2", chat.Tie: "tie"}[o.Outcome])
	}
}

func (g *globals) printRound(ctx context.Context, v *evaluation.Voting, judge string) error {
	r := v.Round()
	var people *chat.Agreement
	if judge != "" {
		all, err := v.Agreements(ctx)
		if err != nil {
			return err
		}
		people = all[judge]
	}
	if g.jsonOut() {
		return g.printJSON(struct {
			evaluation.Round
			Judge  string          `json:"judge,omitempty"`
			People *chat.Agreement `json:"people,omitempty"`
		}{r, judge, people})
	}
	fmt.Fprintf(g.err, "\n")
	io.WriteString(g.out, roundText(r))
	if judge != "" {
		fmt.Fprintf(g.out, "judge %s: %s\n", judge, agreement(people))
	}
	if !r.Done() {
		g.say("go on with: tunebench eval vote --round %s", r.ID)
	}
	return nil
}

// roundText says what came out of a round.
func roundText(r evaluation.Round) string {
	text := fmt.Sprintf("round %s: %d of %d voted\n%s won %d, %s won %d, %d ties, %d both bad\n", r.ID, r.Voted, r.Rows-r.Broken, r.A, r.WinsA, r.B, r.WinsB, r.Ties, r.Bad)
	if r.WinsA+r.WinsB > 0 {
		text += fmt.Sprintf("%s won %.3f of the votes with a winner (%.3f to %.3f), p %.2g\n", r.B, r.Share, r.Interval.Low, r.Interval.High, r.PValue)
	}
	return text
}
