package tui

import (
	"context"
	"fmt"
	"sync/atomic"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/widget"
)

// upload is how far the upload of a folder is. It is written by the goroutine that
// uploads and read when the screen is drawn.
type upload struct{ done, total atomic.Int64 }

func (u *upload) set(done, total int64) {
	u.done.Store(done)
	u.total.Store(total)
}

// String says how far it is, "" before it has begun.
func (u *upload) String() string {
	if u == nil || u.total.Load() == 0 {
		return ""
	}
	return fmt.Sprintf("%s of %s are uploaded", widget.Bytes(u.done.Load()), widget.Bytes(u.total.Load()))
}

// unqueue takes the import under the cursor out of the queue.
func (p *importPane) unqueue() tea.Cmd {
	j := *p.job()
	return act(p.app.ctx, func(ctx context.Context) error { return p.app.svc.Imports.Unqueue(ctx, j.Name) }, func(err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		return tea.Batch(p.poll(), p.app.say(widget.Muted, widget.MarkDone, "the import as "+j.Model+" waits no longer"))
	})
}
