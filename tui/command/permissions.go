package command

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"tunebench/backend/account"
	"tunebench/backend/account/iam"
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
			return g.printPolicy(account.Permissions(s))
		},
	}
}

// printRole prints the documents around a role, ready to paste.
func (g *globals) printRole(arn string, r iam.Role) error {
	if g.jsonOut() {
		return g.printJSON(r)
	}
	for _, part := range []struct {
		title string
		doc   iam.Policy
	}{{"Trust policy of " + arn, r.Trust}, {"Permissions", r.Permissions}, {"What you need to hand it over", r.Caller}} {
		fmt.Fprintf(g.out, "%s:\n", part.title)
		if err := g.printPolicy(part.doc); err != nil {
			return err
		}
		fmt.Fprintln(g.out)
	}
	return nil
}

func (g *globals) printPolicy(p iam.Policy) error {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(g.out, "%s\n", b)
	return err
}
