package tui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"
)

// How long it has to be quiet before something is told: after a line of the
// user's, and when something changed by itself, and after how long at the latest.
const (
	quietAsked = 150 * time.Millisecond
	quietSelf  = time.Second
	latest     = 5 * time.Second
)

// maxLine bounds a line that is read, in bytes.
const maxLine = 1 << 20

// RunLinear is the workbench as lines of text, for screen readers and terminals
// that can do nothing else: keys and commands are typed as lines, and what
// changes is told. It ends with the input, with ctx, or when the user leaves.
//
// Reading in cannot be interrupted: the goroutine that reads it ends with the
// next line or with the process.
func RunLinear(ctx context.Context, d Deps, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.Linear = true
	app, err := New(ctx, d)
	if err != nil {
		return err
	}
	g := &guard{app: app, quit: cancel}
	l := &linear{ctx: ctx, g: g, r: reader{app: app}, out: out, msgs: make(chan tea.Msg, 64)}
	err = l.run(lines(ctx, in))
	cancel()
	return errors.Join(g.report(d.Report), err, app.shut())
}

// lines reads lines until the input ends.
func lines(ctx context.Context, in io.Reader) <-chan string {
	ch := make(chan string)
	go func() {
		defer close(ch)
		s := bufio.NewScanner(in)
		s.Buffer(nil, maxLine)
		for s.Scan() {
			select {
			case ch <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return ch
}

// linear is the loop of RunLinear.
type linear struct {
	ctx  context.Context
	g    *guard
	r    reader
	out  io.Writer
	msgs chan tea.Msg
}

func (l *linear) start(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() { // it ends with ctx, as every command of the workbench does
		msg := cmd()
		if all, ok := msg.(tea.BatchMsg); ok {
			for _, c := range all {
				l.start(c)
			}
			return
		}
		if msg == nil {
			return
		}
		select {
		case l.msgs <- msg:
		case <-l.ctx.Done():
		}
	}()
}

func (l *linear) update(msg tea.Msg) {
	_, cmd := l.g.Update(msg)
	l.start(cmd)
}

func (l *linear) run(in <-chan string) error {
	if _, err := fmt.Fprintln(l.out, "tunebench, accessible mode. Type keys, a command or a text, then Enter. ? lists the keys, a dot alone reads everything again, q leaves."); err != nil {
		return err
	}
	l.update(tea.WindowSizeMsg{Width: linearWidth, Height: linearHeight})
	// The colours and the modes of a terminal are asked for by Init of a screen.
	l.start(l.g.command(tea.Batch(l.g.app.warn(), l.g.app.open(), l.g.app.panes[l.g.app.front].Show())))
	asked, ended := true, false
	since := time.Now()
	quiet := time.NewTimer(quietAsked)
	defer quiet.Stop()
	wait := func() {
		d := quietSelf
		if asked {
			d = quietAsked
		}
		quiet.Reset(max(0, min(d, latest-time.Since(since))))
	}
	pending := true
	for {
		next := in
		if asked && pending {
			next = nil // what the line before did is told first
		}
		select {
		case <-l.ctx.Done():
			return nil
		case msg := <-l.msgs:
			if _, ok := msg.(tea.QuitMsg); ok {
				return nil
			}
			l.update(msg)
			if !pending {
				pending, since = true, time.Now()
			}
			wait()
		case line, ok := <-next:
			if !ok {
				in, ended = nil, true
			} else {
				l.start(l.g.command(l.take(line)))
			}
			asked, pending, since = true, true, time.Now()
			wait()
		case <-quiet.C:
			if err := l.tell(asked); err != nil || ended {
				return err
			}
			asked, pending = false, false
		}
	}
}

// take does what a line says, under the net.
func (l *linear) take(line string) (cmd tea.Cmd) {
	defer l.g.catch("a line")
	return l.r.take(line)
}

func (l *linear) tell(asked bool) error {
	defer l.g.catch("telling")
	for _, s := range l.r.tell(asked) {
		if _, err := fmt.Fprintln(l.out, s); err != nil {
			return err
		}
	}
	return nil
}
