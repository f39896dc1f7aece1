package tui

import tea "charm.land/bubbletea/v2"

// Covered reports whether a dialog or the command line has the keys.
func (a *App) Covered() bool { return a.modal != nil || a.line != nil }

// Key presses a key by its name, as the terminal would send it.
func (a *App) Key(name string) tea.Cmd {
	typed := ""
	switch {
	case name == "space":
		typed = " "
	case len([]rune(name)) == 1:
		typed = name
	}
	return a.key(name, typed)
}

// Told is everything that would be read aloud now.
func (a *App) Told() []string { return (&reader{app: a}).tell(true) }

// Changing are the actions that a read-only session does not offer.
var Changing = changing

// Wrong makes problems of the configuration known.
func (a *App) Wrong(lines ...string) { a.deps.Problems = lines }

// Net is the net under the frame.
func Net(frame string) string { return net(frame) }

// Poison puts a text into the frame past everything that cleans.
func (a *App) Poison(text string) { a.panes[a.front] = rawPane{a.pane(), text} }

type rawPane struct {
	pane
	text string
}

func (p rawPane) View() []string { return append([]string{p.text}, p.pane.View()[1:]...) }
