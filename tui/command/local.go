package command

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tunebench/backend/account"
	"tunebench/backend/chat"
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

// finding is one line of doctor.
type finding struct {
	Check  string `json:"check"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func newDoctor(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Check the config, the folders, the account and the terminal", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fs := g.examine(cmd)
			var bad error
			rows := make([][]string, 0, len(fs))
			for _, f := range fs {
				mark := "ok"
				if !f.OK {
					mark = "not ok"
					bad = errors.Join(bad, fmt.Errorf("%s: %s", f.Check, f.Detail))
				}
				rows = append(rows, []string{mark, f.Check, oneLine(f.Detail, 100)})
			}
			var err error
			if g.jsonOut() {
				err = g.printJSON(fs)
			} else {
				err = g.table([]string{"result", "check", "detail"}, rows)
			}
			if err == nil && bad != nil {
				err = verdictError{bad}
			}
			return err
		},
	}
}

// examine runs the checks in the order in which they depend on each other and
// stops at the first that makes the rest impossible.
func (g *globals) examine(cmd *cobra.Command) []finding {
	ctx := cmd.Context()
	fs := []finding{{"program", true, fmt.Sprintf("tunebench %s, %s %s/%s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)}}
	add := func(check string, err error, detail string) bool {
		if err != nil {
			detail = account.Explain(err).Error()
		}
		fs = append(fs, finding{check, err == nil, detail})
		return err == nil
	}
	size := "no terminal"
	if w, h, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		size = fmt.Sprintf("%d×%d", w, h)
	}
	add("terminal", nil, fmt.Sprintf("%s, TERM=%s COLORTERM=%s", size, os.Getenv("TERM"), os.Getenv("COLORTERM")))
	paths, cfg, err := g.settings()
	if !add("config", err, paths.ConfigFile()) {
		return fs
	}
	if !add("state folder", writable(paths.State), paths.State) {
		return fs
	}
	s, err := openSession(ctx, paths, cfg)
	if !add("account", err, cfg.Account.Name) {
		return fs
	}
	defer s.close()
	id, err := s.account.Identity(ctx)
	add("identity", err, id.ARN)
	add("region", nil, s.account.Region())
	_, err = s.training.Jobs(ctx)
	add("training jobs", err, "can be listed")
	_, err = s.imports.Jobs(ctx)
	add("import jobs", err, "can be listed")
	models, err := s.chat.Models(ctx)
	imported := 0
	for _, m := range models {
		if m.Kind == chat.Imported {
			imported++
		}
	}
	add("models", err, fmt.Sprintf("%d models, %d of them imported", len(models), imported))
	return fs
}

// writable says why files cannot be written in a folder.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	name := f.Name()
	err = errors.Join(f.Close(), os.Remove(name))
	if err != nil {
		return fmt.Errorf("cannot write in %s: %w", filepath.Dir(name), err)
	}
	return nil
}
