package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/widget"
)

// Copied is where a copied text has gone.
type Copied struct {
	// How says it: "by wl-copy".
	How string
	// Terminal says that the terminal is to be given the text, too, by OSC 52.
	Terminal bool
}

// copy puts a text where it can be pasted from and says where that is; what says
// what was copied.
func (a *App) copy(what, text string) tea.Cmd {
	done := func(c Copied) tea.Cmd {
		cmd := a.say(widget.Info, widget.MarkDone, what+" copied "+c.How)
		if c.Terminal {
			cmd = tea.Batch(tea.SetClipboard(text), cmd)
		}
		return cmd
	}
	if a.deps.Copy == nil {
		return done(Copied{"by OSC 52, if this terminal allows it", true})
	}
	return task(a.ctx, func(ctx context.Context) (Copied, error) { return a.deps.Copy(ctx, text) }, func(c Copied, err error) tea.Cmd {
		if err != nil {
			return a.fail(err)
		}
		return done(c)
	})
}
