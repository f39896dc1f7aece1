package tui

import (
	"fmt"
	"maps"
	"regexp"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

// The size that panes are laid out for where they are read aloud: lines are not
// cut, so the height only bounds how much of a list is told.
const (
	linearWidth  = 100
	linearHeight = 40
)

// reader tells what the workbench shows, line after line: all of it when
// something else has come to the front, and else what has changed.
type reader struct {
	app *App

	where  string          // what was in front
	before map[string]bool // its lines, without marks and numbers
	exact  map[string]int  // its lines as they were
	chosen string          // the entry that keys act on
	toast  int             // the last word that was told
	tour   string          // what the tour said
}

// told is a line, and under which heading it stands.
type told struct {
	text, heading string
	live          bool // every line of it is news, whatever differs
}

// place is what is in front, in words.
func (r *reader) place() string {
	a := r.app
	if a.modal != nil {
		title, _, _, _, _ := a.modal.box(a.look, linearWidth, linearHeight)
		return "Dialog: " + title
	}
	scope := a.pane().Title()
	if b := a.pane().Bindings(); b != nil && b.Scope != scope {
		scope += "; " + b.Scope
	}
	return fmt.Sprintf("Pane %d of %d: %s", a.front+1, len(a.panes), scope)
}

// lines are what is shown, as text.
func (r *reader) lines() []told {
	a := r.app
	raw := []string(nil)
	if a.modal != nil {
		height := linearHeight
		if _, ok := a.modal.(*help); ok {
			height = 1 << 16
		}
		_, raw, _, _, _ = a.modal.box(a.look, linearWidth, height)
	} else {
		raw = a.pane().View()
	}
	var all []told
	heading := ""
	live := false
	for _, s := range raw {
		s = strings.Join(strings.Fields(s), " ")
		switch {
		case s == "":
		case strings.HasPrefix(s, widget.Heading):
			heading = s
			live = strings.HasPrefix(s, widget.Heading+"log") && strings.Contains(s, widget.InFocus)
		default:
			all = append(all, told{s, heading, live})
		}
	}
	return all
}

var digits = regexp.MustCompile(`[0-9][0-9.,:]*`)

// likeness is a line without what changes all the time.
func likeness(s string) string {
	return digits.ReplaceAllString(strings.TrimPrefix(s, widget.Chosen), "0")
}

// tell returns what there is to say. After a key that is every change; what
// changes by itself is told where more than numbers has changed.
func (r *reader) tell(asked bool) []string {
	a := r.app
	var out []string
	for _, t := range a.toasts {
		if t.id > r.toast {
			r.toast = t.id
			out = append(out, "Notice: "+t.text)
		}
	}
	if step, text := a.tourText(); text != r.tour {
		r.tour = text
		if text != "" {
			out = append(out, step+": "+text+" "+a.keyOf("app.tour")+" ends it.")
		}
	}
	where, all := r.place(), r.lines()
	if where != r.where {
		if a.svc != nil && (r.where == "" || !strings.HasPrefix(r.where, "Pane")) {
			acc := a.svc.Account
			out = append(out, strings.TrimSpace(fmt.Sprintf("Account %s, %s, %s", acc.Name, acc.Region, acc.ID)))
		}
		out = append(out, where)
	}
	heading := ""
	add := func(t told) {
		if t.heading != heading {
			heading = t.heading
			out = append(out, heading)
		}
		out = append(out, t.text)
	}
	news := r.news(where == r.where, asked, all)
	for _, t := range news {
		add(t)
	}
	r.remember(where, all)
	if len(out) > 0 && where != r.where || r.where == "" {
		out = append(out, r.keys())
	}
	r.where = where
	if _, ok := a.modal.(*help); ok {
		a.close() // it has been read
	}
	return out
}

// news are the lines that were not there before.
func (r *reader) news(again, asked bool, all []told) []told {
	if !again {
		return all
	}
	exact := maps.Clone(r.exact)
	var news []told
	moved := map[string]bool{} // headings under which another entry was chosen
	for _, t := range all {
		picked := strings.HasPrefix(t.text, widget.Chosen)
		bare := strings.TrimPrefix(t.text, widget.Chosen)
		old := exact[bare] > 0
		exact[bare]--
		like := r.before[likeness(t.text)]
		switch {
		case picked && bare != r.chosen && (asked || likeness(bare) != likeness(r.chosen)):
			moved[t.heading] = true
		case old, !asked && !t.live && like:
			continue
		}
		news = append(news, t)
	}
	// Where another entry was chosen, the entries that came into sight with it are
	// none.
	kept := news[:0]
	for _, t := range news {
		if !moved[t.heading] || strings.HasPrefix(t.text, widget.Chosen) {
			kept = append(kept, t)
		}
	}
	return kept
}

func (r *reader) remember(where string, all []told) {
	r.exact, r.before, r.chosen = map[string]int{}, map[string]bool{}, ""
	for _, t := range all {
		bare := strings.TrimPrefix(t.text, widget.Chosen)
		r.exact[bare]++
		r.before[likeness(t.text)] = true
		if bare != t.text {
			r.chosen = bare
		}
	}
}

// input is the field that a line of text goes into; nil where lines are keys.
func (r *reader) input() *widget.Input {
	if m := r.app.modal; m != nil {
		return m.input()
	}
	return r.app.pane().Typing()
}

// keys says which keys work.
func (r *reader) keys() string {
	a := r.app
	var all []string
	switch {
	case a.modal != nil:
		for _, h := range a.modal.hints() {
			all = append(all, a.look.KeyName(h.key)+" "+h.label)
		}
	default:
		for _, b := range a.pane().Bindings().Footer() {
			if k := keys.Show(a.Keys(b)); k != "" {
				all = append(all, a.look.KeyName(k)+" "+b.Label)
			}
		}
		for _, id := range []string{"app.help", "app.quit"} {
			if k := keys.Show(a.Keys(a.global.Named(id))); k != "" {
				all = append(all, k+" "+a.global.Named(id).Label)
			}
		}
	}
	if r.input() != nil {
		return "A line is text here; one that begins with a dot is keys. Keys: " + strings.Join(all, ", ")
	}
	return "Keys: " + strings.Join(all, ", ")
}

// take does what a line says: keys, a command behind a colon, or text where a
// field takes it.
func (r *reader) take(line string) tea.Cmd {
	a := r.app
	line = strings.TrimRight(line, "\r\n")
	switch in := r.input(); {
	case line == ".":
		r.where = ""
		return nil
	case strings.HasPrefix(line, ".") && !strings.HasPrefix(line, ".."):
		return r.press(strings.Fields(line[1:]))
	case strings.HasPrefix(line, ":") && a.modal == nil:
		return r.command(line[1:])
	case in != nil:
		return r.text(in, strings.TrimPrefix(line, "."))
	case line == "":
		return r.press([]string{"enter"})
	}
	words := strings.Fields(line)
	for _, w := range words {
		if !keyName(w) {
			if a.modal == nil {
				return r.command(line)
			}
			return a.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("%s is no key; %s", w, r.keys()))
		}
	}
	return r.press(words)
}

// text puts a line into a field and takes it.
func (r *reader) text(in *widget.Input, line string) tea.Cmd {
	a := r.app
	var edited tea.Cmd
	if line != "" {
		in.Set("")
		in.Insert(line)
		if a.modal != nil {
			edited = a.modal.edited()
		} else {
			edited = a.pane().Edited()
		}
		if p, ok := a.modal.(*picker); ok && len(p.shown) != 1 {
			return edited // several are left: they are told
		}
	}
	return tea.Batch(edited, r.press([]string{"enter"}))
}

func (r *reader) command(line string) tea.Cmd {
	c := &commandLine{app: r.app}
	c.in.Set(line)
	r.app.line = c
	return c.press("enter", "")
}

func (r *reader) press(names []string) tea.Cmd {
	a := r.app
	var cmds []tea.Cmd
	for _, k := range names {
		typed := ""
		if k == "space" {
			typed = " "
		} else if len([]rune(k)) == 1 {
			typed = k
		}
		if a.modal == nil && a.pane().Bindings().Find(k) == nil && a.global.Find(k) == nil && r.input() == nil {
			cmds = append(cmds, a.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("%s means nothing here; ? lists the keys", k)))
			continue
		}
		cmds = append(cmds, a.key(k, typed))
	}
	return tea.Batch(cmds...)
}

var named = map[string]bool{"enter": true, "esc": true, "tab": true, "up": true, "down": true, "left": true, "right": true,
	"pgup": true, "pgdown": true, "home": true, "end": true, "space": true, "backspace": true, "delete": true, "f1": true}

// keyName reports whether a word is the name of a key.
func keyName(w string) bool {
	return len([]rune(w)) == 1 || named[w] || strings.HasPrefix(w, "ctrl+") || strings.HasPrefix(w, "alt+") || strings.HasPrefix(w, "shift+")
}
