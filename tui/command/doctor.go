package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"tunebench/backend/account"
	"tunebench/backend/chat"
	"tunebench/tui"
)

// finding is one line of doctor.
type finding struct {
	Check  string `json:"check"`
	Result string `json:"result"` // ok, warning, not ok or unknown
	OK     bool   `json:"ok"`     // nothing has to be done before work can begin
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

func newDoctor(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Check terminal, config, folders, credentials, permissions, bucket and roles", Args: cobra.NoArgs,
		Long: "Checks what work needs and says what to do where something is missing. Nothing is\n" +
			"changed and nothing costs money: each permission to look is tried with one\n" +
			"request, and what only a job would show is \"unknown\", with how to find it out.\n" +
			"Status 3 says that something is not ok.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			fs := g.examine(cmd.Context())
			var bad error
			rows := make([][]string, 0, len(fs))
			for _, f := range fs {
				if !f.OK {
					bad = errors.Join(bad, fmt.Errorf("%s: %s", f.Check, f.Detail))
				}
				rows = append(rows, []string{f.Result, f.Check, oneLine(f.Detail, 160)})
				if f.Remedy != "" {
					rows = append(rows, []string{"", "", "→ " + oneLine(f.Remedy, 240)})
				}
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
func (g *globals) examine(ctx context.Context) []finding {
	fs := []finding{{"program", account.ProbeOK, true, fmt.Sprintf("tunebench %s, %s %s/%s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH), ""}}
	add := func(check string, err error, detail string) bool {
		f := finding{check, account.ProbeOK, err == nil, detail, ""}
		if err != nil {
			f.Result, f.Detail = account.ProbeFailed, account.Explain(err).Error()
		}
		fs = append(fs, f)
		return err == nil
	}
	size := [2]int{}
	if w, h, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		size = [2]int{w, h}
	}
	fs = append(fs, examineTerminal(os.Getenv, size)...)
	paths, cfg, err := g.settings()
	if !add("config", err, paths.ConfigFile()) {
		return fs
	}
	if !add("state folder", writable(paths.State), paths.State) {
		return fs
	}
	fs = append(fs, space(paths.State))
	s, err := openSession(ctx, paths, cfg)
	if !add("account", err, cfg.Account.Name) {
		return fs
	}
	defer s.close()
	id, err := s.account.Identity(ctx)
	if !add("identity", err, id.ARN) {
		return fs
	}
	add("region", nil, s.account.Region())
	if why := s.imports.Elsewhere(); why != "" {
		fs = append(fs, finding{"import region", account.ProbeFailed, false, why, "Choose another region with --region or account.region; train and keep the artifact there, too."})
	}
	for _, p := range s.account.Probe(ctx) {
		fs = append(fs, finding{p.Check, p.Result, p.Result != account.ProbeFailed, p.Detail, p.Remedy})
	}
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

// examineTerminal says what the workbench will make of the terminal. Nothing in
// it keeps commands from working, so it only warns.
func examineTerminal(env func(string) string, size [2]int) []finding {
	var fs []finding
	add := func(check, result, detail, remedy string) {
		fs = append(fs, finding{check, result, result != account.ProbeFailed, detail, remedy})
	}
	name := env("TERM")
	at := fmt.Sprintf("TERM=%s, %d×%d", name, size[0], size[1])
	for _, x := range [][2]string{{"SSH_CONNECTION", "over SSH"}, {"TMUX", "in tmux"}, {"STY", "in screen"}} {
		if env(x[0]) != "" {
			at += ", " + x[1]
		}
	}
	switch {
	case size == [2]int{}:
		add("terminal", account.ProbeOK, "no terminal; the commands need none", "")
	case name == "" || name == "dumb":
		add("terminal", account.ProbeWarning, at+": it cannot be drawn on", "The workbench will speak in lines of text (--accessible); export TERM=xterm-256color if this terminal can more.")
	case size[0] < tui.MinWidth || size[1] < tui.MinHeight:
		add("terminal", account.ProbeWarning, at+": too small", fmt.Sprintf("Make it at least %d×%d.", tui.MinWidth, tui.MinHeight))
	default:
		add("terminal", account.ProbeOK, at, "")
	}
	colors := "16 colours"
	switch {
	case env("NO_COLOR") != "":
		colors = "none (NO_COLOR)"
	case slices.Contains([]string{"truecolor", "24bit"}, env("COLORTERM")):
		colors = "24 bits"
	case strings.Contains(name, "256"):
		colors = "256 colours"
	}
	add("colours", account.ProbeOK, colors, "")
	if showsUnicode(env) {
		add("characters", account.ProbeOK, "UTF-8", "")
	} else {
		add("characters", account.ProbeWarning, "the locale is not UTF-8, so ASCII is drawn", "export LANG=C.UTF-8, or set ui.symbols = \"unicode\".")
	}
	if e := tui.EditorFrom(env); len(e) > 0 {
		add("editor", account.ProbeOK, strings.Join(e, " "), "")
	} else {
		add("editor", account.ProbeWarning, "none is known for rows and long prompts", "export EDITOR=nano, or whichever you use.")
	}
	return fs
}

// little is how many free bytes on the disk are worth a warning.
const little = 2 << 30

func space(dir string) finding {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return finding{"disk", account.ProbeUnknown, true, err.Error(), ""}
	}
	free := st.Bavail * uint64(st.Bsize)
	f := finding{"disk", account.ProbeOK, true, fmt.Sprintf("%.1f GB free", float64(free)/1e9), ""}
	if free < little {
		f.Result, f.Remedy = account.ProbeWarning, "Datasets, logs and the local account's models lie there; make room, or name another place with --home."
	}
	return f
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
