package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
)

// fps is how often the terminal is written to at most. A key is on the screen
// after one frame; how much is written depends on what changes, not on this.
const fps = 30

// closeTime is how long giving the account back may take when leaving.
const closeTime = 30 * time.Second

// Run shows the workbench on the terminal until the user leaves, ctx ends or the
// terminal hangs up. The account is given back before it returns.
func Run(ctx context.Context, d Deps) error {
	k := newLink(os.Stdout)
	return run(ctx, d, k, os.Environ(), tea.WithOutput(ttyLink{k, os.Stdout}))
}

// Options for a program that is not on the process's own terminal.
type Options struct {
	In  io.Reader
	Out io.Writer
	// Env is looked at for the terminal's abilities.
	Env           []string
	Width, Height int
}

// RunOn is Run on another terminal than the process's own, for tests.
func RunOn(ctx context.Context, d Deps, o Options) error {
	k := newLink(o.Out)
	return run(ctx, d, k, o.Env, tea.WithInput(o.In), tea.WithOutput(k), tea.WithWindowSize(o.Width, o.Height), tea.WithoutSignalHandler())
}

// run ends the link too.
func run(ctx context.Context, d Deps, k *link, env []string, more ...tea.ProgramOption) (err error) {
	defer func() { err = errors.Join(err, k.close()) }()
	// Bubble Tea knows interrupts; a hang-up would end the process at once, with
	// the account not given back.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	work, cancel := context.WithCancel(ctx)
	defer cancel()

	app, err := New(work, d)
	if err != nil {
		return err
	}
	opts := []tea.ProgramOption{tea.WithContext(ctx), tea.WithFPS(fps), tea.WithEnvironment(env), tea.WithFilter(calm(k))}
	profile, forced, err := colors(d.UI.Color, env)
	if err != nil {
		return err
	}
	if forced {
		opts = append(opts, tea.WithColorProfile(profile))
		app.setProfile(profile)
	}
	var p *tea.Program
	g := &guard{app: app, link: k, quit: func() {
		go p.Quit() // it waits for the goroutine that may be the one to call this
	}}
	p = tea.NewProgram(g, append(opts, more...)...)
	k.send = p.Send
	app.through = k.passThrough
	_, err = p.Run()
	cancel()
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil || errors.Is(err, tea.ErrInterrupted) {
		err = nil // a hang-up or an interrupt is a way to leave
	}
	return errors.Join(g.report(d.Report), err, app.shut())
}

// shut gives the account back. It must not be cut short by what ended the
// program, so it has a context of its own.
func (a *App) shut() error {
	if a.svc == nil || a.svc.Close == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return a.svc.Close(ctx)
}

// colors returns the profile that was asked for; forced is false if the terminal
// is to be looked at.
func colors(want string, env []string) (p colorprofile.Profile, forced bool, err error) {
	switch want {
	case "truecolor":
		return colorprofile.TrueColor, true, nil
	case "256":
		return colorprofile.ANSI256, true, nil
	case "16":
		return colorprofile.ANSI, true, nil
	case "none":
		return colorprofile.ASCII, true, nil
	case "", "auto":
	default:
		return 0, false, fmt.Errorf("color %q is not known; use auto, truecolor, 256, 16 or none", want)
	}
	for _, e := range env {
		// Any value means no colours, as no-color.org has it.
		if len(e) > len("NO_COLOR=") && e[:len("NO_COLOR=")] == "NO_COLOR=" {
			return colorprofile.ASCII, true, nil
		}
	}
	return 0, false, nil
}

// calm drops wheel events that come faster than frames, and what a link that is
// behind has no room for.
func calm(k *link) func(tea.Model, tea.Msg) tea.Msg {
	var last time.Time
	return func(_ tea.Model, msg tea.Msg) tea.Msg {
		if _, ok := msg.(tea.MouseWheelMsg); ok {
			now := time.Now()
			if now.Sub(last) < time.Second/fps/2 {
				return nil
			}
			last = now
		}
		return k.filter(msg)
	}
}
