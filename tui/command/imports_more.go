package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tunebench/backend/modelimport"
)

// sayUsual tells how long imports of this account took. It is a hint: nothing
// fails if it cannot be had.
func (g *globals) sayUsual(ctx context.Context, s *session) {
	jobs, err := s.imports.Jobs(ctx)
	if err != nil {
		return
	}
	if u, ok := modelimport.Yardstick(jobs); ok {
		g.say("%s", usual(u))
	}
}

func usual(u modelimport.Usual) string {
	lo, hi := u.Low.Round(time.Second), u.High.Round(time.Second)
	if lo == hi {
		return fmt.Sprintf("imports of this account took about %s (%d so far)", hi, u.Jobs)
	}
	return fmt.Sprintf("imports of this account took %s to %s (%d so far)", lo, hi, u.Jobs)
}

// sayWhy tells which checks the artifact of a failed job does not pass.
func (g *globals) sayWhy(ctx context.Context, s *session, j modelimport.Job) {
	why, err := s.imports.Explain(ctx, j)
	switch {
	case err != nil:
		g.say("its artifact could not be looked at: %v", err)
	case len(why) == 0:
		g.say("the preflight finds nothing wrong with its artifact as it is now")
	}
	for _, c := range why {
		g.say("blocks: %s: %s", c.Title, c.Evidence)
		g.say("        %s", c.Remedy)
	}
}

func newImportRole(g *globals) *cobra.Command {
	var kms string
	c := &cobra.Command{
		Use: "role", Short: "The policies that the import role needs, ready to paste",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				id, err := s.account.Identity(cmd.Context())
				if err != nil {
					return err
				}
				role := s.account.ImportRole()
				return g.printRole(role, modelimport.RolePolicies(id.Account, s.account.Region(), s.account.Bucket(), kms, role))
			})
		},
	}
	c.Flags().StringVar(&kms, "kms-key", "", "ARN of the KMS key that the bucket is encrypted with")
	return c
}
