package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/widget"
)

// sheet is a dialog to read: lines that scroll.
type sheet struct {
	app    *App
	title  string
	lines  func(l *widget.Look, width int) []string
	keys   map[string]func() tea.Cmd // further keys, told by more
	more   []hint
	scroll widget.Scroll
}

func (s *sheet) input() *widget.Input { return nil }
func (s *sheet) edited() tea.Cmd      { return nil }
func (s *sheet) hints() []hint {
	return append(append([]hint{}, s.more...), hint{"↑ ↓", "scroll"}, hint{"esc", "close"})
}

func (s *sheet) press(key, _ string) tea.Cmd {
	if do := s.keys[key]; do != nil {
		return do()
	}
	switch key {
	case "esc", "q", "enter":
		s.app.close()
	case "down", "j":
		s.scroll.Top++
	case "up", "k":
		s.scroll.Top--
	case "pgdown", "space", "ctrl+d":
		s.scroll.Top += s.scroll.Height
	case "pgup", "ctrl+u":
		s.scroll.Top -= s.scroll.Height
	case "g", "home":
		s.scroll.Top = 0
	case "G", "end":
		s.scroll.Top = 1 << 20
	}
	return nil
}

func (s *sheet) box(l *widget.Look, maxWidth, maxHeight int) (string, []string, int, int, int) {
	inner := min(maxWidth, 100)
	lines := s.lines(l, inner)
	s.scroll.Height = min(len(lines), maxHeight)
	s.scroll.Top = max(0, min(s.scroll.Top, len(lines)-s.scroll.Height))
	title := s.title
	if s.scroll.Height < len(lines) {
		title = fmt.Sprintf("%s   %d to %d of %d lines", title, s.scroll.Top+1, s.scroll.Top+s.scroll.Height, len(lines))
	}
	return title, lines[s.scroll.Top : s.scroll.Top+s.scroll.Height], inner, -1, 0
}
