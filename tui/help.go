package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

// help lists the keys of the pane in front and those that hold everywhere. It is
// drawn from the table that dispatch uses.
type help struct {
	app    *App
	scroll widget.Scroll
}

func newHelp(a *App) *help { return &help{app: a} }

func (h *help) input() *widget.Input { return nil }
func (h *help) edited() tea.Cmd      { return nil }
func (h *help) hints() []hint {
	return []hint{{"↑ ↓", "scroll"}, {"ctrl+p", "search all actions"}, {"esc", "close"}}
}

func (h *help) press(key, _ string) tea.Cmd {
	switch key {
	case "esc", "q", "?", "f1", "enter":
		h.app.close()
	case "ctrl+p":
		h.app.palette()
	default:
		h.scroll.Roll(key)
	}
	return nil
}

func (h *help) box(l *widget.Look, maxWidth, maxHeight int) (string, []string, int, int, int) {
	inner := min(maxWidth, 108)
	var lines []string
	for n, t := range h.app.Active() {
		if t == nil {
			continue
		}
		if n > 0 {
			lines = append(lines, widget.Blank(inner))
		}
		lines = append(lines, l.Row(inner).Put(widget.Strong, t.Scope).String())
		for i := range t.Bindings {
			lines = append(lines, h.lines(l, &t.Bindings[i], inner)...)
		}
	}
	h.scroll.Height = min(len(lines), maxHeight)
	h.scroll.Top = max(0, min(h.scroll.Top, len(lines)-h.scroll.Height))
	return "Keys", lines[h.scroll.Top : h.scroll.Top+h.scroll.Height], inner, -1, 0
}

// lines tells a binding: its keys, its command where there is room for both (and
// where it has no key), and what it does.
func (h *help) lines(l *widget.Look, b *keys.Binding, inner int) []string {
	var ks []string
	for _, k := range h.app.Keys(b) {
		ks = append(ks, keys.ShowOne(k))
	}
	text, st, key := b.Help, widget.Text, widget.Key
	if off := b.Why(); off != "" {
		text, st, key = text+" ("+off+")", widget.Faint, widget.Faint
	}
	name := ":" + b.Command()
	if b.Args != "" {
		name += " " + b.Args
	}
	shown, wide := l.KeyName(strings.Join(ks, " ")), inner >= 80
	if shown == "" && !wide {
		shown, key = name, widget.Faint
	}
	left := 16
	if wide {
		left += 20
	}
	var lines []string
	for i, part := range l.Wrap(text, inner-left) {
		r := l.Row(inner).Gap(1)
		if i > 0 {
			r.Gap(left - 1)
		} else {
			r.Cell(key, shown, 14, false).Gap(1)
			if wide {
				r.Cell(widget.Faint, name, 19, false).Gap(1)
			}
		}
		lines = append(lines, r.Put(st, part).String())
	}
	return lines
}
