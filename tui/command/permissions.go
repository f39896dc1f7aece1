package command

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"tunebench/backend/account"
	"tunebench/backend/config"
)

func newPermissions(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "permissions", Short: "The IAM policy that somebody needs to work with this program",
		Long: "Prints the IAM policy document of a person who works with this program: the\n" +
			"actions that it uses, on what it uses them on, and no others. Region, bucket and\n" +
			"roles are taken from the configuration; what is not there is a name in capitals\n" +
			"to fill in. With --read-only it allows nothing that changes anything. The roles\n" +
			"of the jobs themselves are told by `train role` and `import role`. Nothing is\n" +
			"sent.",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			paths, err := config.DefaultPaths(g.home)
			if err != nil {
				return err
			}
			cfg, err := config.Load(paths.ConfigFile())
			if err != nil {
				return err
			}
			s := account.Scope{Region: cfg.Account.Region, Bucket: cfg.Account.Bucket, TrainingRole: cfg.Account.TrainingRole, ImportRole: cfg.Account.ImportRole,
				ReadOnly: g.readOnly || cfg.Account.ReadOnly}
			if g.region != "" {
				s.Region = g.region
			}
			b, err := json.MarshalIndent(account.Permissions(s), "", "  ")
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(g.out, "%s\n", b)
			return err
		},
	}
}
