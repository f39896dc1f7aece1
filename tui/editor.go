package tui

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/safetext"
)

// maxEdited bounds the text that is taken back from an editor, in bytes.
const maxEdited = 16 << 20

// edit opens a text in the user's editor, in a file of its own that only the user
// can read, and hands what is in it afterwards to done. The screen is the
// editor's meanwhile; the file is gone afterwards.
func (a *App) edit(name, text string, done func(text string) tea.Cmd) tea.Cmd {
	if len(a.deps.Editor) == 0 {
		return a.fail(errors.New("no editor is known; set VISUAL or EDITOR to one, for instance: export EDITOR=nano"))
	}
	dir, err := os.MkdirTemp("", "tunebench-edit-")
	if err != nil {
		return a.fail(fmt.Errorf("make a file to edit: %w", err))
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return a.fail(errors.Join(fmt.Errorf("make a file to edit: %w", err), os.RemoveAll(dir)))
	}
	c := exec.CommandContext(a.ctx, a.deps.Editor[0], append(a.deps.Editor[1:], path)...)
	// The editor needs the terminal itself, and all that was drawn before it.
	c.Stdout = os.Stdout
	through := a.through
	if through == nil {
		through = func(bool) {}
	}
	through(true)
	return tea.ExecProcess(c, func(failed error) tea.Msg {
		through(false)
		got, err := readEdited(path)
		err = errors.Join(err, os.RemoveAll(dir))
		return applyMsg(func() tea.Cmd {
			switch {
			case failed != nil:
				return a.fail(fmt.Errorf("the editor %s ended badly, so nothing was taken over: %w; VISUAL or EDITOR names another", safetext.Line(a.deps.Editor[0]), failed))
			case err != nil:
				return a.fail(fmt.Errorf("take over what was edited: %w", err))
			}
			return done(got)
		})
	})
}

// readEdited reads a text that came from outside; what could act on the terminal
// is taken out.
func readEdited(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if st.Size() > maxEdited {
		return "", fmt.Errorf("the text is larger than %d MiB", maxEdited>>20)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return safetext.Text(strings.TrimSuffix(string(b), "\n")), nil
}

// EditorFrom returns the editor that an environment names, with its arguments.
func EditorFrom(env func(string) string) []string {
	for _, name := range []string{"VISUAL", "EDITOR"} {
		if words := strings.Fields(env(name)); len(words) > 0 {
			return words
		}
	}
	return nil
}
