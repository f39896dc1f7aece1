package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

// globalKeys is the table that holds in every pane.
func (a *App) globalKeys() *keys.Table {
	t := &keys.Table{Scope: "everywhere"}
	names := []string{"dataset", "training", "import", "chat", "scoreboard"}
	for i, p := range a.panes {
		t.Bindings = append(t.Bindings, keys.Binding{
			ID: "go." + names[i], Keys: []string{fmt.Sprint(i + 1)}, Label: p.Title(),
			Help: "go to the pane " + p.Title(),
			Do:   func(string) tea.Cmd { return a.goTo(p) },
		})
	}
	cycle := func(n int) func(string) tea.Cmd {
		return func(string) tea.Cmd { return a.goTo(a.panes[(a.front+n+len(a.panes))%len(a.panes)]) }
	}
	t.Bindings = append(t.Bindings,
		keys.Binding{ID: "go.next", Keys: []string{"]"}, Label: "next pane", Help: "go to the next pane", Do: cycle(1), Hidden: true},
		keys.Binding{ID: "go.previous", Keys: []string{"["}, Label: "previous pane", Help: "go to the pane before", Do: cycle(-1), Hidden: true},
		keys.Binding{ID: "app.help", Keys: []string{"?", "f1"}, Label: "help", Help: "show the keys that work here",
			Do: func(string) tea.Cmd { a.modal = newHelp(a); return nil }},
		keys.Binding{ID: "app.tour", Keys: []string{"f2"}, Label: "tour", Help: "begin the tour through the loop, or end it", Hidden: true,
			Off: func() string {
				if a.deps.ReadOnly {
					return "this is a read-only session"
				}
				return ""
			},
			Do: func(string) tea.Cmd { return a.toggleTour() }},
		keys.Binding{ID: "app.command", Keys: []string{":"}, Label: "command", Help: "type a command",
			Do: func(string) tea.Cmd { a.line = &commandLine{app: a}; return nil }, Hidden: true},
		keys.Binding{ID: "app.palette", Keys: []string{"ctrl+p"}, Label: "palette", Help: "search all actions",
			Do: func(string) tea.Cmd { a.palette(); return nil }, Hidden: true},
		keys.Binding{ID: "app.theme", Label: "theme", Help: "change the colours", Args: "NAME", Complete: a.themeNames,
			Do: a.themeCommand},
		keys.Binding{ID: "app.mouse", Keys: []string{"ctrl+t"}, Label: "mouse", Help: "turn the mouse on or off (off lets the terminal select text)",
			Do: func(string) tea.Cmd {
				a.mouse = !a.mouse
				return a.say(widget.Info, widget.MarkDone, map[bool]string{true: "the mouse works in the panes; ctrl+t gives it back to the terminal", false: "the mouse is the terminal's: text can be selected"}[a.mouse])
			}},
		keys.Binding{ID: "app.problems", Label: "problems", Help: "show what is wrong in the configuration",
			Off: func() string {
				if len(a.deps.Problems) == 0 {
					return "nothing is wrong in it"
				}
				return ""
			},
			Do: func(string) tea.Cmd { return a.problems() }},
		keys.Binding{ID: "app.reconnect", Label: "reconnect", Help: "open the account again after it could not be opened",
			Off: func() string {
				if a.openErr == nil {
					return "the account is open or being opened"
				}
				return ""
			},
			Do: func(string) tea.Cmd { return a.open() }},
		keys.Binding{ID: "app.redraw", Keys: []string{"ctrl+l"}, Label: "redraw", Help: "draw the whole screen again",
			Do: func(string) tea.Cmd { return tea.ClearScreen }},
		keys.Binding{ID: "app.suspend", Keys: []string{"ctrl+z"}, Label: "suspend", Help: "go back to the shell; fg comes back here",
			Do: func(string) tea.Cmd { return tea.Suspend }},
		keys.Binding{ID: "app.quit", Keys: []string{"q", "ctrl+c"}, Label: "quit", Help: "leave; jobs that run go on",
			Do: func(string) tea.Cmd { return a.quit() }},
	)
	return t
}

func (a *App) themeNames(prefix string) []string {
	var all []string
	for _, n := range a.deps.Themes.Names() {
		if strings.HasPrefix(n, prefix) {
			all = append(all, n)
		}
	}
	return all
}

func (a *App) setTheme(name string) error {
	t, err := a.deps.Themes.Load(name)
	if err != nil {
		return err
	}
	a.themeSet = true
	a.look.SetTheme(t)
	return nil
}

// themeCommand takes a theme by name, or offers them all, each shown while it is
// under the cursor.
func (a *App) themeCommand(name string) tea.Cmd {
	if name == "auto" {
		a.themeSet = false
		a.autoTheme()
		return a.keepTheme(name)
	}
	if name != "" {
		if err := a.setTheme(name); err != nil {
			return a.fail(err)
		}
		return a.keepTheme(name)
	}
	before, set := a.look.Theme(), a.themeSet
	var all []entry
	at := 0
	for i, n := range a.deps.Themes.Names() {
		t, err := a.deps.Themes.Load(n)
		if err != nil {
			continue
		}
		if n == before.Name {
			at = i
		}
		all = append(all, entry{text: n, note: t.About, do: func() tea.Cmd { return a.themeCommand(n) }})
	}
	p := newPicker(a, "Theme", "type to narrow", all)
	p.scroll.Height = len(all)
	p.scroll.To(at)
	p.preview = func(i int) {
		if t, err := a.deps.Themes.Load(all[i].text); err == nil {
			a.look.SetTheme(t)
		}
	}
	p.cancel = func() {
		a.look.SetTheme(before)
		a.themeSet = set
	}
	a.modal = p
	return nil
}

// keepTheme writes the choice down for the next start.
func (a *App) keepTheme(name string) tea.Cmd {
	keep := a.deps.KeepTheme
	if keep == nil {
		return nil
	}
	return act(a.ctx, func(context.Context) error { return keep(name) }, func(err error) tea.Cmd {
		if err != nil {
			return a.fail(err)
		}
		return a.say(widget.Good, widget.MarkDone, "theme "+name+", also at the next start")
	})
}

// palette offers every action that has a sense here.
func (a *App) palette() {
	var all []entry
	for _, t := range a.Active() {
		if t == nil {
			continue
		}
		for i := range t.Bindings {
			b := &t.Bindings[i]
			if b.Hidden {
				continue
			}
			all = append(all, entry{text: b.Help, note: ":" + b.Command(), key: a.look.KeyName(keys.Show(a.Keys(b))), off: b.Why(),
				do: func() tea.Cmd { return a.run(b, "") }})
		}
	}
	a.modal = newPicker(a, "Actions", "what do you want to do?", all)
}

// commandLine is the line behind ":".
type commandLine struct {
	app *App
	in  widget.Input
}

// split returns the command's name, what stands behind it, and whether there is
// a space between.
func (c *commandLine) split() (name, args string, second bool) {
	name, args, second = strings.Cut(strings.TrimLeft(c.in.Value(), " "), " ")
	return name, strings.TrimSpace(args), second
}

func (c *commandLine) find(name string) *keys.Binding {
	for _, t := range c.app.Active() {
		if b := t.Named(name); b != nil {
			return b
		}
	}
	// Other panes' commands work from here too, by their whole name.
	for _, t := range c.app.Tables() {
		for i := range t.Bindings {
			if t.Bindings[i].ID == name {
				return &t.Bindings[i]
			}
		}
	}
	return nil
}

// candidates returns what the line may become.
func (c *commandLine) candidates() []string {
	name, args, second := c.split()
	if second {
		if b := c.find(name); b != nil && b.Complete != nil {
			return b.Complete(args)
		}
		return nil
	}
	var all []string
	for _, t := range c.app.Active() {
		if t == nil {
			continue
		}
		for i := range t.Bindings {
			if n := t.Bindings[i].Command(); strings.HasPrefix(n, name) && !slices.Contains(all, n) && !(t.Bindings[i].Hidden && name == "") {
				all = append(all, n)
			}
		}
	}
	slices.Sort(all)
	return all
}

func (c *commandLine) press(key, typed string) tea.Cmd {
	a := c.app
	switch key {
	case "esc", "ctrl+c":
		a.line = nil
	case "backspace":
		if c.in.Value() == "" {
			a.line = nil
		}
		c.in.Press(key, typed)
	case "tab":
		name, _, second := c.split()
		all := c.candidates()
		s := common(all)
		if second {
			s = name + " " + s
		}
		if len(all) == 1 && !second {
			s += " "
		}
		if len(s) > len(c.in.Value()) {
			c.in.Set(s)
		}
	case "enter":
		a.line = nil
		name, args, _ := c.split()
		if name == "" {
			return nil
		}
		b := c.find(name)
		if b == nil {
			// A beginning that only one command has is enough.
			if all := c.candidates(); len(all) == 1 {
				b = c.find(all[0])
			}
		}
		if b == nil {
			return a.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("there is no command %q; ctrl+p shows all", name))
		}
		return a.run(b, args)
	default:
		c.in.Press(key, typed)
	}
	return nil
}

func (c *commandLine) view() string {
	r := c.app.look.Row(c.app.width).Gap(1).Put(widget.Key, ":")
	c.in.Line(r, c.app.width-3, true)
	return r.String()
}

func (c *commandLine) cursor() int {
	r := c.app.look.Row(c.app.width)
	return 2 + c.in.Line(r, c.app.width-3, true)
}

// draw puts the candidates on the line above.
func (c *commandLine) draw(lines []string) {
	name, _, second := c.split()
	r := c.app.look.Row(c.app.width).On("header").Gap(2)
	for _, s := range c.candidates() {
		r.Put(widget.Text, s).Gap(2)
	}
	if b := c.find(name); b != nil && (second || len(c.candidates()) <= 1) {
		if b.Args != "" {
			r.Put(widget.Key, b.Args).Gap(2)
		}
		r.Put(widget.Muted, b.Help)
	}
	lines[len(lines)-2] = r.String()
}

// toast is a word about something that happened elsewhere.
type toast struct {
	id   int
	mark string
	st   widget.Style
	text string
	// over reports that what it says to do has been done; nil never does.
	over func() bool
}

const toastTime = 8 * time.Second

// say shows a word above the footer for a while.
func (a *App) say(st widget.Style, mark, text string) tea.Cmd {
	return a.sayUntil(nil, st, mark, text)
}

// sayUntil is say for a word that calls for something: it goes, or does not come,
// once that is done.
func (a *App) sayUntil(over func() bool, st widget.Style, mark, text string) tea.Cmd {
	a.toastID++
	id := a.toastID
	a.toasts = append(a.toasts, toast{id, mark, st, text, over})
	if len(a.toasts) > 3 {
		a.toasts = a.toasts[1:]
	}
	return later(a.ctx, toastTime, func() tea.Cmd {
		a.toasts = slices.DeleteFunc(a.toasts, func(t toast) bool { return t.id == id })
		return nil
	})
}

// forget takes away the words that have been followed.
func (a *App) forget() {
	a.toasts = slices.DeleteFunc(a.toasts, func(t toast) bool { return t.over != nil && t.over() })
}

// hush takes words away that would stand over a line that is being typed in.
func (a *App) hush() { a.toasts = nil }

// fail shows an error.
func (a *App) fail(err error) tea.Cmd {
	return a.say(widget.Bad, widget.MarkFailed, err.Error())
}

func (a *App) toastLine() string {
	if len(a.toasts) == 0 {
		return ""
	}
	t := a.toasts[len(a.toasts)-1]
	return a.look.Row(a.width).On("header").Gap(1).Put(t.st, t.mark).Gap(1).Put(widget.Text, t.text).String()
}
