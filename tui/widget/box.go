package widget

import (
	"github.com/charmbracelet/x/ansi"
)

// Backdrop returns lines without their colours, dimmed, as they look behind a
// dialog. The lines must be ours.
func (l *Look) Backdrop(lines []string, width int) []string {
	out := make([]string, len(lines))
	for i, s := range lines {
		out[i] = l.Row(width).Put(Border, ansi.Strip(s)).String()
	}
	return out
}

// Over lays a box of boxWidth cells over a backdrop with its left upper corner
// at x, y. The backdrop is as Backdrop made it.
func (l *Look) Over(back, box []string, width, boxWidth, x, y int) []string {
	out := append([]string(nil), back...)
	for i, s := range box {
		if y+i < 0 || y+i >= len(out) {
			continue
		}
		plain := ansi.Strip(back[y+i])
		r := l.Row(width)
		left, w := l.head(plain, x)
		r.Put(Border, left).Gap(x-w).Raw(s, boxWidth)
		r.Put(Border, l.Skip(plain, x+boxWidth))
		out[y+i] = r.String()
	}
	return out
}

// head returns the first cells of s without a mark where it is cut.
func (l *Look) head(s string, cells int) (string, int) {
	w, i := 0, 0
	for i < len(s) {
		_, cw, n := l.next(s[i:])
		if w+cw > cells {
			break
		}
		w, i = w+cw, i+n
	}
	return s[:i], w
}

// Box draws a frame with a title around lines of exactly inner cells, and
// returns it with its width.
func (l *Look) Box(title string, lines []string, inner int) ([]string, int) {
	w := inner + 4
	top := l.Row(w).Put(Focus, "╭─")
	if title != "" {
		top.Gap(1).Put(Accent.With(Bold), title).Gap(1)
	}
	top.Fill(Focus, "─", w-1).Put(Focus, "╮")
	box := []string{top.String()}
	for _, s := range lines {
		box = append(box, l.Row(w).Put(Focus, "│").Gap(1).Raw(s, inner).Gap(1).Put(Focus, "│").String())
	}
	return append(box, l.Row(w).Put(Focus, "╰").Fill(Focus, "─", w-1).Put(Focus, "╯").String()), w
}
