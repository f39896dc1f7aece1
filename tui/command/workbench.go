package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"tunebench/backend/account"
	"tunebench/backend/chat"
	"tunebench/backend/config"
	"tunebench/backend/dataset/objectstore"
	"tunebench/backend/evaluation"
	"tunebench/backend/training"
	"tunebench/themes"
	"tunebench/tui"
	"tunebench/tui/crash"
)

// runWorkbench opens the screen. The account is opened while the first frame is
// already shown.
func runWorkbench(ctx context.Context, g *globals) error {
	if g.jsonOut() {
		return usagef("-o json needs a command; the workbench is a screen")
	}
	if d, linear, err := g.linear(); linear || err != nil {
		if err != nil {
			return err
		}
		return tui.RunLinear(ctx, d, g.in, g.out)
	}
	tty, ok := g.out.(*os.File)
	if !ok || !term.IsTerminal(int(tty.Fd())) {
		return usagef("the workbench needs a terminal; without one there are commands: see tunebench --help")
	}
	d, paths, err := g.workbench()
	if err != nil {
		return err
	}
	watcher, err := crash.Watch(tty, reports(paths), version())
	if err != nil {
		// Only the net is missing: a fault would leave the terminal as it is.
		fmt.Fprintf(g.err, "tunebench: a crash would not be reported: %v\n", err)
		return tui.Run(ctx, d)
	}
	return errors.Join(tui.Run(ctx, d), watcher.End())
}

// linear returns what the workbench is given where it is lines of text: by the
// flag, the environment, the config file or a terminal that can do nothing else.
func (g *globals) linear() (tui.Deps, bool, error) {
	on := g.aloud || os.Getenv("TERM") == "dumb"
	if v := os.Getenv("TUNEBENCH_ACCESSIBLE"); v != "" {
		on = on || v != "0" && v != "false"
	}
	d, _, err := g.workbench()
	if err != nil || !on && !d.UI.Accessible {
		return d, on, err
	}
	return d, true, nil
}

// reports is the folder that reports of faults are written to.
func reports(paths config.Paths) string { return filepath.Join(paths.State, "reports") }

// Workbench is what the screen is given on the local account with this home; the
// program that draws the README's screens plays it.
func Workbench(home string) (tui.Deps, error) {
	g := &globals{home: home, account: account.Local, output: "table", in: strings.NewReader(""), out: io.Discard, err: io.Discard}
	d, _, err := g.workbench()
	return d, err
}

// workbench is what the screen is given.
func (g *globals) workbench() (tui.Deps, config.Paths, error) {
	g.lenient, g.screen, g.problems = true, true, nil
	paths, cfg, err := g.settings()
	if err != nil {
		return tui.Deps{}, paths, err
	}
	if g.theme != "" {
		cfg.UI.Theme = g.theme
	}
	if g.color != "" && g.color != "auto" {
		cfg.UI.Color = g.color
	}
	cfg.UI.Mouse = cfg.UI.Mouse || g.mouse
	if g.ascii {
		cfg.UI.Symbols = "ascii"
	}
	name := cfg.Account.Name
	if name == account.AWS && cfg.Account.Profile != "" {
		name = cfg.Account.Profile
	}
	objects := &screenObjects{}
	return tui.Deps{
		Datasets: &tui.Files{Objects: objects, Tokenizer: screenTokenizer(cfg)},
		Open: func(ctx context.Context) (*tui.Services, error) {
			return openServices(ctx, paths, cfg, objects)
		},
		AccountName: name,
		ReadOnly:    cfg.Account.ReadOnly,
		Tour:        name == account.Local && !cfg.Account.ReadOnly && isNew(paths),
		KeepTheme:   func(name string) error { return config.SaveTheme(paths.ConfigFile(), name) },
		TourSeen:    func() error { return os.WriteFile(filepath.Join(paths.State, tourFile), nil, 0o600) },
		HeldOut:     sampleHeldout,
		WorkDir:     filepath.Join(paths.State, "datasets"),
		Paths:       completePath,
		Problems:    g.problems,
		SettingLine: func(setting string) string {
			if n := config.Line(paths.ConfigFile(), setting); n > 0 {
				return fmt.Sprintf("%s:%d: %s", paths.ConfigFile(), n, setting)
			}
			return setting
		},
		Create: func(path string) (io.WriteCloser, error) {
			return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		},
		Editor:    tui.EditorFrom(os.Getenv),
		Copy:      clipboard{env: os.Getenv, look: exec.LookPath, file: filepath.Join(paths.State, "copied.txt")}.copy,
		Report:    func(text string) (string, error) { return crash.Report(reports(paths), version(), text) },
		Themes:    themes.NewSet(os.DirFS(paths.ThemesDir())),
		NoBraille: os.Getenv("TERM") == "linux",
		ASCII:     cfg.UI.Symbols == "ascii" || cfg.UI.Symbols != "unicode" && !showsUnicode(os.Getenv),
		UI:        cfg.UI, Chat: cfg.Chat, Eval: cfg.Eval, Train: cfg.Training, Prices: cfg.Prices,
	}, paths, nil
}

// tourFile says that the tour was seen.
const tourFile = "tour"

// isNew reports whether nobody has worked here yet.
func isNew(paths config.Paths) bool {
	for _, name := range []string{tourFile, storeFile} {
		if _, err := os.Lstat(filepath.Join(paths.State, name)); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return true
}

// showsUnicode reports whether the terminal can be expected to show more than
// ASCII: not a dumb one, and none whose locale is not UTF-8.
func showsUnicode(env func(string) string) bool {
	if env("TERM") == "dumb" {
		return false
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(env(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return true // nothing is known: sshd may not have passed it on
}

// openServices opens the account for the screen.
func openServices(ctx context.Context, paths config.Paths, cfg config.Config, objects *screenObjects) (*tui.Services, error) {
	s, err := openSession(ctx, paths, cfg)
	if err != nil {
		return nil, account.Explain(err)
	}
	id, err := s.account.Identity(ctx)
	if err != nil {
		return nil, errors.Join(account.Explain(err), s.close())
	}
	objects.use(objectstore.New(s.account.S3()))
	name := s.account.Name()
	if p := s.account.Profile(); p != "" {
		name = p
	}
	return &tui.Services{
		Account:    tui.Account{Name: name, Region: s.account.Region(), ID: id.Account, ARN: id.ARN, Bills: s.account.Bills()},
		Training:   screenTraining{s.training},
		Imports:    s.imports,
		Chat:       screenChat{s.chat},
		Evaluation: screenEvaluation{s.eval},
		Close:      func(context.Context) error { return s.close() },
	}, nil
}

// The adapters turn concrete results into the interfaces that the screen
// declares; nothing else happens in them.

type screenTraining struct{ *training.Service }

func (t screenTraining) Watch(ctx context.Context, name string) tui.Watch {
	return screenWatch{t.Service.Watch(ctx, name)}
}

type screenWatch struct{ *training.Watch }

func (w screenWatch) Search(ctx context.Context, pattern string, regexp bool) (tui.LogSearch, error) {
	h, err := w.Watch.Search(ctx, pattern, regexp)
	if err != nil {
		return nil, err // a nil *LogHits must not become a LogSearch
	}
	return h, nil
}

type screenChat struct{ *chat.Service }

func (c screenChat) Send(ctx context.Context, r chat.Request) tui.Answer {
	return c.Service.Send(ctx, r)
}

func (c screenChat) Transcript(v chat.Conversation, turns []chat.Turn) tui.Transcript {
	return c.Service.Transcript(v, turns)
}

type screenEvaluation struct{ *evaluation.Service }

func (e screenEvaluation) Start(ctx context.Context, s evaluation.Spec) (tui.Live, error) {
	l, err := e.Service.Start(ctx, s)
	if err != nil {
		return nil, err // a nil *Live must not become a Live
	}
	return l, nil
}

func (screenEvaluation) ReadRunFile(path string) (evaluation.RunFile, error) {
	return evaluation.ReadRunFile(path)
}

func (e screenEvaluation) Resume(ctx context.Context, id string) (tui.Live, error) {
	l, err := e.Service.Resume(ctx, id)
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (e screenEvaluation) StartRound(ctx context.Context, s evaluation.RoundSpec) (tui.Voting, error) {
	v, err := e.Service.StartRound(ctx, s)
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (e screenEvaluation) ResumeRound(ctx context.Context, id string) (tui.Voting, error) {
	v, err := e.Service.ResumeRound(ctx, id)
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (e screenEvaluation) Records(ctx context.Context, id string, f tui.RecordFilter) ([]evaluation.Record, int, error) {
	return e.Service.Records(ctx, id, evaluation.RecordFilter(f))
}

// maxPaths bounds what a completion offers.
const maxPaths = 50

// completePath lists the files and folders that begin like this; folders end in
// a slash.
func completePath(prefix string) []string {
	home, _ := os.UserHomeDir()
	expanded := prefix
	if rest, ok := strings.CutPrefix(prefix, "~/"); ok && home != "" {
		expanded = filepath.Join(home, rest)
		if strings.HasSuffix(rest, "/") || rest == "" {
			expanded += "/"
		}
	}
	dir, start := filepath.Split(expanded)
	entries, err := os.ReadDir(filepath.Clean(dir + "."))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), start) || strings.HasPrefix(e.Name(), ".") && start == "" {
			continue
		}
		p := strings.TrimSuffix(prefix, start) + e.Name()
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 && isDir(dir+e.Name()) {
			p += "/"
		}
		if out = append(out, p); len(out) == maxPaths {
			break
		}
	}
	return out
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
