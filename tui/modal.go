package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/widget"
)

// modal is a dialog over the panes. It gets all keys while it is there.
type modal interface {
	press(key, typed string) tea.Cmd
	// input is the text field that pastes go into, nil if there is none.
	input() *widget.Input
	edited() tea.Cmd
	// box returns the title, the lines and their width; x is -1 without a cursor.
	box(l *widget.Look, maxWidth, maxHeight int) (title string, lines []string, inner, x, y int)
	hints() []hint
}

func (a *App) close() { a.modal = nil }

// place returns where a dialog stands.
func (a *App) place() (title string, lines []string, inner, x, y, cx, cy int) {
	title, lines, inner, cx, cy = a.modal.box(a.look, a.width-8, a.height-6)
	x = (a.width - inner - 4) / 2
	y = max(1, (a.height-len(lines)-2)*2/5)
	return
}

func (a *App) drawModal(frame []string) []string {
	title, lines, inner, x, y, _, _ := a.place()
	box, w := a.look.Box(title, lines, inner)
	back := a.look.Backdrop(frame[:len(frame)-1], a.width)
	return append(a.look.Over(back, box, a.width, w, x, y), frame[len(frame)-1])
}

func (a *App) modalCursor() (int, int, bool) {
	_, _, _, x, y, cx, cy := a.place()
	return x + 2 + cx, y + 1 + cy, cx >= 0
}

// confirm asks before something that cannot be undone or that costs money.
type confirm struct {
	title string
	text  []string
	facts [][2]string // name and value, in a table
	yes   string      // the word for doing it
	do    func() tea.Cmd
	no    func()
	bad   bool   // it destroys something
	lead  bool   // doing it is the usual answer
	typed string // what has to be typed to do it, "" for nothing
}

type confirmModal struct {
	app *App
	confirm
	on bool // the button that does it has the focus
	in widget.Input
}

func newConfirm(a *App, c confirm) *confirmModal {
	return &confirmModal{app: a, confirm: c, on: c.lead}
}

func (m *confirmModal) input() *widget.Input {
	if m.typed == "" {
		return nil
	}
	return &m.in
}
func (m *confirmModal) edited() tea.Cmd { return nil }
func (m *confirmModal) hints() []hint {
	if m.typed != "" {
		return []hint{{"enter", m.yes + ", when the name stands there"}, {"esc", "no"}}
	}
	return []hint{{"y", m.yes}, {"n", "no"}, {"← →", "choose"}, {"enter", "take"}}
}

func (m *confirmModal) press(key, typed string) tea.Cmd {
	if m.typed != "" {
		switch {
		case key == "esc":
			return m.end(false)
		case key == "enter" && m.in.Value() == m.typed:
			return m.end(true)
		case key != "enter":
			m.in.Press(key, typed)
		}
		return nil
	}
	switch key {
	case "y", "Y":
		return m.end(true)
	case "n", "N", "esc", "q":
		return m.end(false)
	case "left", "right", "tab", "shift+tab", "h", "l":
		m.on = !m.on
	case "enter":
		return m.end(m.on)
	}
	return nil
}

func (m *confirmModal) end(yes bool) tea.Cmd {
	m.app.close()
	if yes {
		return m.do()
	}
	if m.no != nil {
		m.no()
	}
	return nil
}

func (m *confirmModal) box(l *widget.Look, maxWidth, maxHeight int) (string, []string, int, int, int) {
	inner := min(maxWidth, 64)
	lines := []string{widget.Blank(inner)}
	for _, t := range m.text {
		for _, s := range l.Wrap(t, inner-2) {
			lines = append(lines, l.Row(inner).Gap(1).Put(widget.Text, s).String())
		}
	}
	if len(m.facts) > 0 {
		lines = append(lines, widget.Blank(inner))
		name := 0
		for _, f := range m.facts {
			name = max(name, l.Width(f[0]))
		}
		for _, f := range m.facts {
			for i, s := range l.Wrap(f[1], inner-name-4) {
				if i > 0 {
					f[0] = ""
				}
				lines = append(lines, l.Row(inner).Gap(1).Cell(widget.Muted, f[0], name, false).Gap(2).Put(widget.Text, s).String())
			}
		}
	}
	lines = append(lines, widget.Blank(inner))
	if m.typed != "" {
		for _, s := range l.Wrap("Type "+m.typed+" to "+m.yes+":", inner-2) {
			lines = append(lines, l.Row(inner).Gap(1).Put(widget.Muted, s).String())
		}
		r := l.Row(inner).Gap(1).Put(widget.Key, "> ")
		x := m.in.Line(r, min(inner-4, l.Width(m.typed)+2), true)
		if m.in.Value() == m.typed {
			r.Gap(2).Put(widget.Bad, "enter: "+m.yes)
		}
		lines = append(lines, r.String())
		if len(lines) > maxHeight {
			lines = append(lines[:maxHeight-1], lines[len(lines)-1])
		}
		return m.title, lines, inner, 3 + x, len(lines) - 1
	}
	r := l.Row(inner)
	yes, no := "[ "+m.yes+" ]", "[ no ]"
	r.Gap(inner - l.Width(yes) - l.Width(no) - 3)
	button(r, no, !m.on, false)
	r.Gap(2)
	button(r, yes, m.on, m.bad)
	lines = append(lines, r.String())
	if len(lines) > maxHeight {
		lines = append(lines[:maxHeight-1], lines[len(lines)-1])
	}
	return m.title, lines, inner, -1, 0
}

func button(r *widget.Row, label string, focused, bad bool) {
	switch {
	case focused:
		r.Put(widget.Style{Fg: "accent-text", Bg: "accent", Attr: widget.Bold}, label)
	case bad:
		r.Put(widget.Bad, label)
	default:
		r.Put(widget.Muted, label)
	}
}

// entry of a picker.
type entry struct {
	text string // what is matched and shown
	note string // beside it
	key  string
	off  string // why it cannot be taken
	mark bool   // ticked, where several may be chosen
	do   func() tea.Cmd
}

// picker chooses from a list that typing narrows.
type picker struct {
	app    *App
	title  string
	in     widget.Input
	all    []entry
	shown  []int
	scroll widget.Scroll
	// Several lets space tick entries; enter takes all that are ticked.
	several func(ticked []int) tea.Cmd
	// preview is called when another entry is under the cursor.
	preview func(i int)
	cancel  func()
	empty   string
	more    []pickerKey // what else can be done with an entry
}

// pickerKey does something with the entry under the cursor.
type pickerKey struct {
	key, label string
	do         func(i int) tea.Cmd
}

func newPicker(a *App, title, placeholder string, all []entry) *picker {
	p := &picker{app: a, title: title, all: all, empty: "nothing matches"}
	p.in.Placeholder = placeholder
	p.filter()
	return p
}

func (p *picker) input() *widget.Input { return &p.in }
func (p *picker) hints() []hint {
	h := []hint{{"↑ ↓", "move"}, {"enter", "take"}}
	for _, k := range p.more {
		h = append(h, hint{k.key, k.label})
	}
	h = append(h, hint{"esc", "close"})
	if p.several != nil {
		h = append([]hint{{"tab", "tick"}}, h...)
	}
	return h
}

func (p *picker) edited() tea.Cmd {
	p.filter()
	return nil
}

// filter keeps the entries that hold every word of the field.
func (p *picker) filter() {
	words := strings.Fields(strings.ToLower(p.in.Value()))
	p.shown = p.shown[:0]
	for i, e := range p.all {
		s := strings.ToLower(e.text + " " + e.note)
		ok := true
		for _, w := range words {
			ok = ok && strings.Contains(s, w)
		}
		if ok {
			p.shown = append(p.shown, i)
		}
	}
	p.scroll.Len = len(p.shown)
	p.scroll.To(0)
	p.moved()
}

func (p *picker) moved() {
	if p.preview != nil && len(p.shown) > 0 {
		p.preview(p.shown[p.scroll.Cursor])
	}
}

func (p *picker) press(key, typed string) tea.Cmd {
	for _, k := range p.more {
		if k.key == key && len(p.shown) > 0 {
			return k.do(p.shown[p.scroll.Cursor])
		}
	}
	switch key {
	case "esc":
		p.app.close()
		if p.cancel != nil {
			p.cancel()
		}
	case "up", "ctrl+p":
		p.scroll.Move(-1)
		p.moved()
	case "down", "ctrl+n":
		p.scroll.Move(1)
		p.moved()
	case "pgup":
		p.scroll.Page(-1)
		p.moved()
	case "pgdown":
		p.scroll.Page(1)
		p.moved()
	case "tab":
		if p.several != nil && len(p.shown) > 0 {
			e := &p.all[p.shown[p.scroll.Cursor]]
			e.mark = !e.mark
		}
	case "enter":
		return p.take()
	default:
		if p.in.Press(key, typed) {
			p.filter()
		}
	}
	return nil
}

func (p *picker) take() tea.Cmd {
	if len(p.shown) == 0 {
		return nil
	}
	i := p.shown[p.scroll.Cursor]
	if off := p.all[i].off; off != "" {
		return p.app.say(widget.Warn, widget.MarkWarning, off)
	}
	p.app.close()
	if p.several != nil {
		var ticked []int
		for j, e := range p.all {
			if e.mark {
				ticked = append(ticked, j)
			}
		}
		if len(ticked) == 0 {
			ticked = []int{i}
		}
		return p.several(ticked)
	}
	return p.all[i].do()
}

func (p *picker) box(l *widget.Look, maxWidth, maxHeight int) (string, []string, int, int, int) {
	inner := min(maxWidth, 76)
	rows := min(len(p.all), max(3, maxHeight-3), 16)
	r := l.Row(inner).Put(widget.Key, "> ")
	x := 2 + p.in.Line(r, inner-2, true)
	lines := []string{r.String(), widget.Blank(inner)}
	p.scroll.Set(len(p.shown), rows)
	for i := p.scroll.Top; i < p.scroll.End(); i++ {
		lines = append(lines, p.entryLine(l, i, inner))
	}
	if len(p.shown) == 0 {
		lines = append(lines, l.Row(inner).Gap(2).Put(widget.Faint, p.empty).String())
	}
	return p.title, widget.Fit(lines, inner, rows+2), inner, x, 0
}

func (p *picker) entryLine(l *widget.Look, i, inner int) string {
	e := p.all[p.shown[i]]
	r := l.Row(inner)
	text := widget.Text
	if i == p.scroll.Cursor {
		r.On("selection").Put(widget.Accent, "▌").Gap(1)
	} else {
		r.Gap(2)
	}
	if e.off != "" {
		text = widget.Faint
	}
	if p.several != nil {
		if e.mark {
			r.Put(widget.Good, "[x] ")
		} else {
			r.Put(widget.Faint, "[ ] ")
		}
	}
	note := e.note
	if e.off != "" {
		note = e.off
	}
	kw := l.Width(e.key)
	room := r.Left() - kw - 2
	textW := min(l.Width(e.text), room)
	if note != "" {
		textW = min(textW, max(room-l.Width(note)-2, room*3/5))
	}
	r.Cell(text, e.text, textW, false).Gap(2)
	r.Cell(widget.Faint, note, max(0, r.Left()-kw-2), false)
	r.Gap(1).Put(widget.Key, e.key)
	return r.String()
}

// prompt asks for one line of text.
type prompt struct {
	app      *App
	title    string
	in       widget.Input
	help     string
	complete func(string) []string
	do       func(string) tea.Cmd
}

func (m *prompt) input() *widget.Input { return &m.in }
func (m *prompt) edited() tea.Cmd      { return nil }
func (m *prompt) hints() []hint {
	h := []hint{{"enter", "take"}, {"esc", "close"}}
	if m.complete != nil {
		h = append(h, hint{"tab", "complete"})
	}
	return h
}

func (m *prompt) press(key, typed string) tea.Cmd {
	switch key {
	case "esc":
		m.app.close()
	case "enter":
		m.app.close()
		return m.do(strings.TrimSpace(m.in.Value()))
	case "tab":
		if m.complete != nil {
			if c := common(m.complete(m.in.Value())); len(c) > len(m.in.Value()) {
				m.in.Set(c)
			}
		}
	default:
		m.in.Press(key, typed)
	}
	return nil
}

func (m *prompt) box(l *widget.Look, maxWidth, maxHeight int) (string, []string, int, int, int) {
	inner := min(maxWidth, 76)
	r := l.Row(inner).Put(widget.Key, "> ")
	x := 2 + m.in.Line(r, inner-2, true)
	lines := []string{r.String()}
	if m.complete != nil {
		for i, c := range m.complete(m.in.Value()) {
			if i == min(6, maxHeight-3) {
				break
			}
			lines = append(lines, l.Row(inner).Gap(2).Put(widget.Faint, c).String())
		}
	}
	lines = append(lines, l.Row(inner).Put(widget.Faint, m.help).String())
	return m.title, lines, inner, x, 0
}

// common returns the longest text that all candidates begin with.
func common(all []string) string {
	if len(all) == 0 {
		return ""
	}
	c := all[0]
	for _, s := range all[1:] {
		for !strings.HasPrefix(s, c) {
			c = c[:len(c)-1]
		}
	}
	return c
}
