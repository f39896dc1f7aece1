package command

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/account"
	"tunebench/backend/store"
)

func newLocal(g *globals) *cobra.Command {
	return group("local", "The local account", newLocalServe(g), newLocalReset(g), newLocalOwner(g))
}

// localOptions are the options of the local account, whatever --account says.
func (g *globals) localOptions() (account.Options, error) {
	paths, cfg, err := g.settings()
	if err != nil {
		return account.Options{}, err
	}
	return account.Options{Name: "local", Paths: paths, Config: cfg}, nil
}

func newLocalServe(g *globals) *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use: "serve", Short: "Serve the local account on a loopback port for other AWS clients",
		Long: `Listens on a loopback address, prints the environment for the AWS command line
and SDKs as export lines, and serves until it is stopped:

  tunebench local serve > env.sh &
  . ./env.sh            # when it has been written
  aws sagemaker list-training-jobs`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := g.localOptions()
			if err != nil {
				return err
			}
			return account.Serve(cmd.Context(), o, listen, func(env []string) error {
				var b strings.Builder
				for _, pair := range env {
					name, value, _ := strings.Cut(pair, "=")
					fmt.Fprintf(&b, "export %s=%s\n", name, shellQuote(value))
				}
				_, err := io.WriteString(g.out, b.String())
				return err
			})
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "loopback address and port; port 0 takes a free one")
	return c
}

// shellQuote quotes a value for a POSIX shell.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func newLocalReset(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "reset", Short: "Delete everything in the local account", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := g.localOptions()
			if err != nil {
				return err
			}
			if err := g.confirm("Delete all datasets, jobs, artifacts and models of the local account?"); err != nil {
				return err
			}
			if err := account.Reset(cmd.Context(), o); err != nil {
				return err
			}
			st, err := store.Open(cmd.Context(), filepath.Join(o.Paths.State, storeFile))
			if err != nil {
				return err
			}
			if err := errors.Join(st.ForgetAccount(cmd.Context(), account.Local), st.Close()); err != nil {
				return err
			}
			g.say("the local account is empty")
			return nil
		},
	}
}

// newLocalOwner is the process that goes on with jobs after the one that
// started them has ended; it is started by the program itself.
func newLocalOwner(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "owner", Short: "Go on with the local account's jobs in the background", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := g.localOptions()
			if err != nil {
				return err
			}
			// Standard error is the owner's log file when the program starts it.
			o.Logger = slog.New(slog.NewTextHandler(g.err, nil))
			return account.RunOwner(cmd.Context(), o)
		},
	}
}
