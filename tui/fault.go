package tui

import (
	"fmt"
	"runtime/debug"
	"sync"

	tea "charm.land/bubbletea/v2"
)

// guard is the model that runs: the workbench, with a net under it. A panic in
// the model or in a command it started ends the program in good order, with the
// terminal restored, the account given back and a report written.
type guard struct {
	app  *App
	link *link    // nil where there is none
	last tea.View // what was drawn last
	// quit ends the program; it must not wait for it.
	quit func()

	mu    sync.Mutex
	fault string // what happened first, with its stack; "" for nothing
	brief string
}

func (g *guard) catch(where string) {
	v := recover()
	if v == nil {
		return
	}
	g.mu.Lock()
	first := g.fault == ""
	if first {
		g.brief = fmt.Sprint(v)
		g.fault = fmt.Sprintf("panic in %s, pane %s, %d by %d cells: %v\n\n%s", where, g.app.pane().Title(), g.app.width, g.app.height, v, debug.Stack())
	}
	g.mu.Unlock()
	if first {
		g.quit()
	}
}

// broken reports whether there was a fault: the model is then left alone.
func (g *guard) broken() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fault != ""
}

func (g *guard) Init() tea.Cmd {
	defer g.catch("Init")
	return g.command(g.app.Init())
}

func (g *guard) Update(msg tea.Msg) (m tea.Model, cmd tea.Cmd) {
	m = g
	if g.broken() {
		return
	}
	defer g.catch(fmt.Sprintf("Update(%T)", msg))
	_, cmd = g.app.Update(msg)
	return g, g.command(cmd)
}

func (g *guard) View() (v tea.View) {
	if g.broken() {
		return
	}
	defer g.catch("View")
	if g.link == nil || !g.link.hold() {
		g.last = g.app.View()
	}
	return g.last
}

// command guards a command, and those that it turns out to consist of.
func (g *guard) command(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() (msg tea.Msg) {
		defer g.catch("a command")
		msg = cmd()
		if all, ok := msg.(tea.BatchMsg); ok {
			for i, c := range all {
				all[i] = g.command(c)
			}
		}
		return msg
	}
}

// report writes down what happened and returns it as the error to end with; nil
// if nothing did.
func (g *guard) report(write func(string) (string, error)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fault == "" {
		return nil
	}
	const what = "the workbench ended by a fault of its own (%s); what was on disk is kept"
	if write == nil {
		return fmt.Errorf(what+"\n%s", g.brief, g.fault)
	}
	path, err := write(g.fault)
	if err != nil {
		return fmt.Errorf(what+", and no report could be written: %w\n%s", g.brief, err, g.fault)
	}
	return fmt.Errorf(what+". The report is in %s", g.brief, path)
}
