package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/widget"
)

// notes is a text that is read and closed.
type notes struct {
	app    *App
	title  string
	text   []string // paragraphs
	scroll widget.Scroll
}

func (n *notes) input() *widget.Input { return nil }
func (n *notes) edited() tea.Cmd      { return nil }
func (n *notes) hints() []hint        { return []hint{{"↑ ↓", "scroll"}, {"esc", "close"}} }

func (n *notes) press(key, _ string) tea.Cmd {
	switch key {
	case "esc", "q", "enter":
		n.app.close()
	default:
		n.scroll.Roll(key)
	}
	return nil
}

func (n *notes) box(l *widget.Look, maxWidth, maxHeight int) (string, []string, int, int, int) {
	inner := min(maxWidth, 96)
	var lines []string
	for i, p := range n.text {
		if i > 0 {
			lines = append(lines, widget.Blank(inner))
		}
		for _, s := range l.Wrap(p, inner-2) {
			lines = append(lines, l.Row(inner).Gap(1).Put(widget.Text, s).String())
		}
	}
	n.scroll.Height = max(1, min(len(lines), maxHeight))
	n.scroll.Top = max(0, min(n.scroll.Top, len(lines)-n.scroll.Height))
	return n.title, lines[n.scroll.Top:min(n.scroll.Top+n.scroll.Height, len(lines))], inner, -1, 0
}

// problems shows what is wrong in the configuration.
func (a *App) problems() tea.Cmd {
	text := append([]string{"The program goes on without these settings; their defaults hold."}, a.deps.Problems...)
	a.modal = &notes{app: a, title: "The configuration", text: text}
	return nil
}

// problemWord is what the header says of them.
func (a *App) problemWord() string {
	if n := len(a.deps.Problems); n > 0 {
		return fmt.Sprintf("%s config: %s", widget.MarkWarning, widget.Plural(int64(n), "problem"))
	}
	return ""
}

// warn says at the start that the configuration has problems.
func (a *App) warn() tea.Cmd {
	switch n := len(a.deps.Problems); n {
	case 0:
		return nil
	case 1:
		return a.say(widget.Warn, widget.MarkWarning, a.deps.Problems[0])
	default:
		return a.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("the configuration has %d problems; :problems shows them. The first: %s", n, a.deps.Problems[0]))
	}
}
