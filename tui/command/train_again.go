package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"tunebench/backend/training"
)

func newTrainAgain(g *globals) *cobra.Command {
	return fromJob(g, "again JOB", "Start a job once more with the same rows, settings and options",
		func(ctx context.Context, s *session, job string) (training.Spec, error) {
			return s.training.Again(ctx, job)
		})
}

func newTrainResume(g *globals) *cobra.Command {
	return fromJob(g, "resume JOB", "Go on with a stopped or failed job from its last checkpoint, as a new job",
		func(ctx context.Context, s *session, job string) (training.Spec, error) {
			return s.training.Resume(ctx, job)
		})
}

// fromJob starts a job by what another one was asked for.
func fromJob(g *globals, use, short string, from func(context.Context, *session, string) (training.Spec, error)) *cobra.Command {
	var name string
	var set []string
	var wait, dry bool
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error {
				spec, err := from(ctx, s, args[0])
				if err != nil {
					return err
				}
				if name != "" {
					spec.Name = name
				}
				if err := finishSpec(&spec, set); err != nil {
					return err
				}
				if dry {
					return g.showRequest(ctx, s, spec)
				}
				return g.startAndShow(ctx, s, spec, wait)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&name, "name", "", "name of the new job (default: the old one's with a number)")
	f.StringArrayVar(&set, "set", nil, "change one setting, as name=value (repeat)")
	f.BoolVar(&wait, "wait", false, "wait until the job has ended; exit 3 when it failed or was stopped")
	f.BoolVar(&dry, "dry-run", false, "print the CreateTrainingJob request as JSON; nothing is uploaded or started")
	return c
}

func newTrainDiff(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "diff JOB JOB", Short: "In what two jobs differ: rows, settings, options", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				d, err := s.training.Diff(cmd.Context(), args[0], args[1])
				if err != nil {
					return err
				}
				if g.jsonOut() {
					if d == nil {
						d = []training.Difference{}
					}
					return g.printJSON(d)
				}
				if len(d) == 0 {
					fmt.Fprintln(g.out, "no difference is known")
				}
				for _, x := range d {
					fmt.Fprintf(g.out, "%s\n  - %s\n  + %s\n", x.What, oneLine(x.A, 200), oneLine(x.B, 200))
				}
				return nil
			})
		},
	}
}
