package widget

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// More marks text that goes on behind the edge.
const More = "→"

func (l *Look) more() string {
	if l.ascii {
		return "~"
	}
	return More
}

// plain reports whether s is printable ASCII only: as wide as it is long.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// next returns the first character of s as it is drawn, its width, and how many
// bytes of s it takes. What could act on the terminal is replaced: text from
// outside was cleaned where it entered, and this is the second net.
func (l *Look) next(s string) (show string, width, n int) {
	c := s[0]
	switch {
	case c == '\n' && l.ascii:
		return toASCII("↵", 1), 1, 1
	case c == '\n':
		return "↵", 1, 1
	case c < ' ' || c == 0x7f:
		return " ", 1, 1
	case c < 0x80 && (len(s) == 1 || s[1] < 0x80):
		return s[:1], 1, 1
	}
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size < 2 || r >= 0x80 && r < 0xa0 {
		return "?", 1, max(size, 1)
	}
	g, w := ansi.FirstGraphemeCluster(s, l.method)
	switch {
	case !utf8.ValidString(g): // a cluster may begin well and end in broken bytes
		g = s[:size]
		w = l.method.StringWidth(g)
	}
	switch {
	case w < 1:
		return "", 0, len(g)
	case l.ascii, l.dotless && isBraille(g):
		return toASCII(g, w), w, len(g)
	}
	return g, w, len(g)
}

// Width returns the number of cells that s takes.
func (l *Look) Width(s string) int {
	if plain(s) {
		return len(s)
	}
	w := 0
	for s != "" {
		_, cw, n := l.next(s)
		w, s = w+cw, s[n:]
	}
	return w
}

// Cut returns s as it is drawn in at most width cells, with its width. Text that
// does not fit ends in More.
func (l *Look) Cut(s string, width int) (string, int) {
	if width <= 0 || s == "" {
		return "", 0
	}
	if l.linear {
		return s, l.Width(s)
	}
	if len(s) <= width && plain(s) {
		return s, len(s)
	}
	if len(s) > width && plain(s[:width]) && s[width] < 0x80 {
		return s[:width-1] + l.more(), width
	}
	var b strings.Builder
	w := 0
	last, lastW := 0, 0 // where to cut if More has to go in
	for s != "" {
		show, cw, n := l.next(s)
		if w+cw > width {
			return b.String()[:last] + l.more(), lastW + 1
		}
		b.WriteString(show)
		w, s = w+cw, s[n:]
		if w < width {
			last, lastW = b.Len(), w
		}
	}
	return b.String(), w
}

// Squeeze returns s in at most width cells with its middle left out, for names
// that differ at their ends.
func (l *Look) Squeeze(s string, width int) string {
	w := l.Width(s)
	if w <= width || width < 5 || l.linear {
		return s
	}
	tail := (width - 1) / 2
	head, hw := l.head(s, width-1-tail)
	rest := l.Skip(s, w-tail)
	for hw+1+l.Width(rest) > width { // a wide character was cut
		rest = l.Skip(rest, 1)
	}
	return head + l.more() + rest
}

// Skip returns what is left of s behind its first cells.
func (l *Look) Skip(s string, cells int) string {
	for cells > 0 && s != "" {
		_, w, n := l.next(s)
		cells, s = cells-w, s[n:]
	}
	return s
}

// Wrap breaks text into lines of at most width cells, at spaces where it can and
// at every line feed. An empty text is one empty line.
func (l *Look) Wrap(text string, width int) []string {
	lines, _ := l.wrap(nil, text, 0, width)
	return lines
}

// wrap appends the lines of text[from:] and returns where the last one starts:
// what comes later can change that line only.
func (l *Look) wrap(lines []string, text string, from, width int) ([]string, int) {
	width = max(width, 1)
	if l.linear {
		width = unbounded
	}
	start := from
	for {
		w, i := 0, start
		brk := -1 // behind the last space that fits
		for i < len(text) && text[i] != '\n' {
			if text[i] == ' ' {
				brk = i + 1
			}
			_, cw, n := l.next(text[i:])
			if w+cw > width && text[i] != ' ' {
				break
			}
			w, i = w+cw, i+n
		}
		if i >= len(text) {
			return append(lines, strings.TrimRight(text[start:], " ")), start
		}
		if text[i] == '\n' {
			lines = append(lines, strings.TrimRight(text[start:i], " "))
			start = i + 1
			continue
		}
		if brk <= start {
			if i == start { // a character wider than the line
				_, _, n := l.next(text[i:])
				i += n
			}
			brk = i
		}
		lines = append(lines, strings.TrimRight(text[start:brk], " "))
		start = brk
	}
}

// Wrapped keeps the lines of a text that grows: only its last line is broken
// again when there is more.
type Wrapped struct {
	text    string
	width   int
	version int
	last    int
	lines   []string
}

// Lines returns the lines of text.
func (k *Wrapped) Lines(l *Look, text string, width int) []string {
	switch {
	case k.lines == nil || k.width != width || k.version != l.Version() || !strings.HasPrefix(text, k.text):
		*k = Wrapped{width: width, version: l.Version()}
		k.lines, k.last = l.wrap(nil, text, 0, width)
	case len(text) != len(k.text):
		k.lines, k.last = l.wrap(k.lines[:len(k.lines)-1], text, k.last, width)
	}
	k.text = text
	return k.lines
}
