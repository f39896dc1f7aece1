package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/widget"
)

// export is something that can be written to a file.
type export struct {
	title, help string
	proposed    string // path that the field begins with
	// write writes it and says what was written; path decides the form.
	write func(ctx context.Context, f io.Writer, path string) (what string, err error)
}

// export writes to a file that does not exist yet, or asks for its name first.
func (a *App) export(path string, e export) tea.Cmd {
	if path == "" {
		m := &prompt{app: a, title: e.title, help: e.help, complete: a.deps.Paths, do: func(s string) tea.Cmd {
			if s == "" {
				return nil
			}
			return a.export(s, e)
		}}
		m.in.Set(e.proposed)
		a.modal = m
		return nil
	}
	if a.deps.Create == nil {
		return a.fail(errors.New("nothing can be written here"))
	}
	return task(a.ctx, func(ctx context.Context) (string, error) {
		f, err := a.deps.Create(path)
		if errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("%w; name a file that does not exist yet", err)
		}
		if err != nil {
			return "", err
		}
		what, err := e.write(ctx, f, path)
		return what, errors.Join(err, f.Close())
	}, func(what string, err error) tea.Cmd {
		if err != nil {
			return a.fail(err)
		}
		return a.say(widget.Good, widget.MarkDone, what+"written to "+path)
	})
}
