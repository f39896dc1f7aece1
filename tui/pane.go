package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

// pane is one of the five. It is drawn only while it is in front; its work goes
// on behind.
type pane interface {
	// Title is the word on the tab.
	Title() string
	// Status is a short note beside the title: what runs here; "" for nothing.
	Status() string
	SetSize(width, height int)
	// Show is called when the pane comes to the front, and when the account has
	// been opened while it is there.
	Show() tea.Cmd
	// View returns height lines of exactly width cells.
	View() []string
	// Bindings is the table of keys in the mode that the pane is in; Tables are
	// those of all its modes.
	Bindings() *keys.Table
	Tables() []*keys.Table
	// Typing returns the text field that letters go into, nil if letters are
	// keys. Edited is called after the field has changed.
	Typing() *widget.Input
	Edited() tea.Cmd
	// Cursor is where the text cursor stands, from the pane's upper left corner.
	Cursor() (x, y int, ok bool)
	// Animated reports whether something in sight turns or counts.
	Animated() bool
}

// applyMsg carries the result of work back to the program's own goroutine.
type applyMsg func() tea.Cmd

// task runs work beside the program and then, back on its goroutine, then. If
// ctx has ended in the meantime the result is dropped: nobody waits for it.
func task[T any](ctx context.Context, work func(context.Context) (T, error), then func(T, error) tea.Cmd) tea.Cmd {
	return func() tea.Msg {
		v, err := work(ctx)
		if ctx.Err() != nil {
			return nil
		}
		return applyMsg(func() tea.Cmd { return then(v, err) })
	}
}

// act is task for work without a result.
func act(ctx context.Context, work func(context.Context) error, then func(error) tea.Cmd) tea.Cmd {
	return task(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, work(ctx) },
		func(_ struct{}, err error) tea.Cmd { return then(err) })
}

// later calls f on the program's goroutine after d, unless ctx ends first.
func later(ctx context.Context, d time.Duration, f func() tea.Cmd) tea.Cmd {
	return func() tea.Msg {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			return applyMsg(f)
		}
	}
}

// follow calls refresh whenever changed signals, at most once in every pause,
// until refresh returns false or ctx ends. Producers only signal; what is shown
// is pulled here, so a slow terminal never holds them up.
func follow(ctx context.Context, changed func() <-chan struct{}, pause func() time.Duration, refresh func() (more bool, cmd tea.Cmd)) tea.Cmd {
	var wait func(time.Duration) tea.Cmd
	wait = func(d time.Duration) tea.Cmd {
		ch := changed()
		return func() tea.Msg {
			if d > 0 {
				t := time.NewTimer(d)
				defer t.Stop()
				select {
				case <-ctx.Done():
					return nil
				case <-t.C:
				}
			}
			select {
			case <-ctx.Done():
				return nil
			case <-ch:
			}
			return applyMsg(func() tea.Cmd {
				more, cmd := refresh()
				if !more {
					return cmd
				}
				return tea.Batch(cmd, wait(pause()))
			})
		}
	}
	return wait(0)
}
