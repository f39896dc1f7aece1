package command

import (
	"github.com/spf13/cobra"

	"tunebench/backend/training"
)

func newTrainRole(g *globals) *cobra.Command {
	var req trainRequest
	c := &cobra.Command{
		Use: "role", Short: "The policies that the training role needs, ready to paste", Args: cobra.NoArgs,
		Long: "Prints the trust policy and the permissions of the role of training jobs, and what you need to\nstart jobs with it. Options that a job takes (--base-weights, --hub-token-secret, --kms-key,\n--subnet …) add what they need. Nothing is changed.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			spec, err := req.asked(g, cmd)
			if err != nil {
				return err
			}
			return g.with(cmd.Context(), func(s *session) error {
				id, err := s.account.Identity(cmd.Context())
				if err != nil {
					return err
				}
				role := s.account.TrainingRole()
				return g.printRole(role, training.RolePolicies(id.Account, s.account.Region(), s.account.Bucket(), role, spec.Options))
			})
		},
	}
	req.optionFlags(g, c)
	return c
}
