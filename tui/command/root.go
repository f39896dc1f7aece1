// Package command is the command line: the same services as the workbench,
// without a screen. Data goes to standard output and nothing else does; errors,
// plans and progress go to standard error.
//
// What a command does belongs to the services in backend; here are only flags,
// their meaning, and how results are printed.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"tunebench/backend/account"
	"tunebench/backend/safetext"
)

// Exit statuses, the same for every command.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitVerdict = 3 // done, with a negative answer
)

// usageError is a mistake in how a command was called.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// verdictError says that the work was done and its answer is no: a preflight
// that blocks, a job that ended Failed, a comparison that was not met.
type verdictError struct{ err error }

func (e verdictError) Error() string { return e.err.Error() }
func (e verdictError) Unwrap() error { return e.err }

func verdictf(format string, args ...any) error {
	return verdictError{fmt.Errorf(format, args...)}
}

// globals are the flags that every command has, and where it reads and writes.
type globals struct {
	account string
	profile string
	region  string
	home    string
	output  string
	yes     bool

	readOnly bool

	// lenient goes on with the defaults of settings that are wrong; problems are
	// what is wrong, told on the screen where there is one.
	lenient, screen bool
	problems        []string

	theme string
	color string
	mouse bool
	ascii bool
	aloud bool

	in       io.Reader
	out, err io.Writer
	started  bool // a command's own work has begun: errors are no longer usage errors
}

// Main runs the program with the process's arguments and returns its exit
// status.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// Run runs one command line and returns its exit status. Standard input is used
// only to ask for a confirmation, and only when it is a terminal.
func Run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	g := &globals{in: in, out: out, err: errOut}
	root := newRoot(g)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	return status(g, root.ExecuteContext(ctx))
}

// status prints what an error says and turns it into an exit status.
func status(g *globals, err error) int {
	if err == nil {
		return exitDone
	}
	var usage usageError
	var verdict verdictError
	switch {
	case errors.As(err, &verdict):
		fmt.Fprintln(g.err, safetext.Text(err.Error()))
		return exitVerdict
	case errors.As(err, &usage) || !g.started:
		fmt.Fprintf(g.err, "tunebench: %s\n", safetext.Text(err.Error()))
		return exitUsage
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(g.err, "tunebench: interrupted")
		return exitFailed
	default:
		fmt.Fprintf(g.err, "tunebench: %s\n", safetext.Text(account.Explain(err).Error()))
		return exitFailed
	}
}

func newRoot(g *globals) *cobra.Command {
	root := &cobra.Command{
		Use:   "tunebench",
		Short: "Fine-tune, import, chat with and score a Mistral model from the terminal",
		Long: `tunebench is a workbench for one loop: prepare a question-answering dataset,
fine-tune Mistral as an Amazon SageMaker training job, import the merged weights
into Amazon Bedrock, chat with the result beside other models, and score it.

Without a command it opens the workbench. It starts on the local account: an
AWS-compatible service inside this process that really trains and really answers.`,
		Version:       version(),
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if g.output != "table" && g.output != "json" && (g.output != "jsonl" || cmd.Name() != "score" && cmd.Name() != "chat") && (g.output != "csv" || cmd.Name() != "metrics") {
				return usagef("-o %q is not a form of output; use -o table or -o json", g.output)
			}
			if err := g.refuse(cmd); err != nil {
				return err
			}
			g.lenient = looking[pathOf(cmd)]
			g.started = true
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runWorkbench(cmd.Context(), g)
		},
	}
	p := root.PersistentFlags()
	p.StringVar(&g.account, "account", "", `account to work on: "local" or "aws" (default from the config file, else local)`)
	p.StringVar(&g.profile, "profile", "", "AWS profile for --account aws")
	p.StringVar(&g.region, "region", "", "AWS region for --account aws")
	p.StringVar(&g.home, "home", "", "folder for config and all state (default: the XDG folders)")
	p.StringVarP(&g.output, "output", "o", "table", "form of the output: table or json")
	p.BoolVar(&g.yes, "yes", false, "confirm what would be asked")
	p.BoolVar(&g.readOnly, "read-only", false, "change nothing in the account and write no file outside of the program's own folders")
	f := root.Flags()
	f.StringVar(&g.theme, "theme", "", "colour theme of the workbench")
	f.StringVar(&g.color, "color", "auto", "colours: auto, truecolor, 256, 16 or none")
	f.BoolVar(&g.aloud, "accessible", false, "lines of text, for screen readers (also TUNEBENCH_ACCESSIBLE=1, ui.accessible, TERM=dumb)")
	f.BoolVar(&g.ascii, "ascii", false, "draw with ASCII only, as under LANG=C")
	f.BoolVar(&g.mouse, "mouse", false, "start with the mouse on")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
	_ = root.RegisterFlagCompletionFunc("account", cobra.FixedCompletions([]string{"local", "aws"}, cobra.ShellCompDirectiveNoFileComp))
	_ = root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "truecolor", "256", "16", "none"}, cobra.ShellCompDirectiveNoFileComp))

	root.AddCommand(
		newDataset(g), newTrain(g), newImport(g), newModels(g), newChat(g), newSessions(g), newPrompts(g),
		newEval(g), newLoop(g), newLocal(g), newDoctor(g), newPermissions(g),
	)
	return root
}

// version is the module's version where the build knows it, else the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v += " " + s.Value[:12]
		}
	}
	return v
}

// group makes a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return usagef("%s needs one of its commands; see tunebench %s --help", use, use)
	}}
	c.AddCommand(subs...)
	return c
}
