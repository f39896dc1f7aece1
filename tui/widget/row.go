package widget

import (
	"strings"

	"tunebench/themes"
)

// Row composes one line of exact width. The zero value is no row; see Look.Row.
type Row struct {
	look *Look
	b    strings.Builder
	cur  Style
	on   themes.Token
	w    int
	max  int
}

// Row starts a line of width cells.
func (l *Look) Row(width int) *Row {
	r := &Row{look: l, max: max(width, 0)}
	if l.linear {
		r.max = unbounded
		return r
	}
	r.b.Grow(width*2 + 32)
	return r
}

// On sets the surface of what follows. On the selection, text takes the
// selection's own colour so that it stays readable.
func (r *Row) On(bg themes.Token) *Row {
	r.on = bg
	return r
}

// Left returns how many cells are free.
func (r *Row) Left() int { return r.max - r.w }

func (r *Row) style(st Style) {
	if st.Bg == "" {
		st.Bg = r.on
	}
	switch st.Bg {
	case themes.Selection:
		switch st.Fg {
		case themes.Text, themes.Muted, themes.Faint, themes.Key, "":
			st.Fg = themes.SelectionText
		}
	case themes.Header:
		if st.Fg == themes.Text || st.Fg == "" {
			st.Fg = themes.HeaderText
		}
	}
	if st != r.cur {
		r.cur = st
		r.b.WriteString(r.look.escape(st))
	}
}

// Hint adds a key and what it does.
func (r *Row) Hint(key, does string) *Row {
	return r.Put(Key, r.look.KeyName(key)).Gap(1).Put(Muted, does).Gap(2)
}

// Put adds text, cut at the end of the line.
func (r *Row) Put(st Style, s string) *Row {
	if s == "" || r.w >= r.max {
		return r
	}
	if r.look.linear {
		if st == Accent && s == "▌" {
			s = Chosen
		}
		return r.word(s)
	}
	s, w := r.look.Cut(s, r.max-r.w)
	r.style(st)
	r.b.WriteString(s)
	r.w += w
	return r
}

const blanks = "                                                                                                "

func (r *Row) spaces(n int) {
	n = min(n, r.max-r.w)
	if n <= 0 {
		return
	}
	if r.look.linear {
		r.part(n)
		return
	}
	st := Style{Fg: r.cur.Fg, Bg: r.on}
	if r.cur.Attr != 0 || r.cur.Bg != r.on {
		r.style(st)
	}
	r.w += n
	for ; n > len(blanks); n -= len(blanks) {
		r.b.WriteString(blanks)
	}
	r.b.WriteString(blanks[:n])
}

// Gap adds n empty cells.
func (r *Row) Gap(n int) *Row {
	r.spaces(n)
	return r
}

// Cell adds text in a column of its own width, cut or padded; right aligns it to
// the right.
func (r *Row) Cell(st Style, s string, width int, right bool) *Row {
	width = min(width, r.max-r.w)
	if width <= 0 {
		return r
	}
	if r.look.linear {
		return r.word(strings.TrimSpace(s)).part(2)
	}
	s, w := r.look.Cut(s, width)
	if right {
		r.spaces(width - w)
	}
	if s != "" {
		r.style(st)
		r.b.WriteString(s)
		r.w += w
	}
	if !right {
		r.spaces(width - w)
	}
	return r
}

// Note adds a faint note at the end of the line, where there is room for it.
func (r *Row) Note(s string) *Row {
	if n := r.look.Width(s); n > 0 && r.Left() > n+4 {
		r.Gap(r.Left()-n-2).Put(Faint, s)
	}
	return r
}

// Fill repeats a character of one cell up to column col (from the left edge).
func (r *Row) Fill(st Style, char string, col int) *Row {
	if r.look.linear {
		return r.part(2)
	}
	n := min(col, r.max) - r.w
	if n <= 0 {
		return r
	}
	r.style(st)
	if r.look.ascii {
		char = toASCII(char, 1)
	}
	for range n {
		r.b.WriteString(char)
	}
	r.w += n
	return r
}

// To pads up to column col.
func (r *Row) To(col int) *Row {
	if r.look.linear {
		return r.part(2)
	}
	r.spaces(col - r.w)
	return r
}

// Raw adds a piece that was drawn before (by another Row) and is width cells
// wide.
func (r *Row) Raw(s string, width int) *Row {
	if width > r.max-r.w {
		return r
	}
	if r.look.linear {
		return r.word(strings.TrimRight(s, " "))
	}
	if r.cur != (Style{}) {
		r.b.WriteString("\x1b[m")
	}
	r.b.WriteString(s)
	r.cur = Style{}
	r.w += width
	return r
}

// String ends the line: padded to its width, all styles off.
//
// The last cell of a coloured surface is a no-break space: a renderer would
// otherwise erase to the end of the line, and not every terminal erases in
// colour.
func (r *Row) String() string {
	if r.look.linear {
		return strings.TrimRight(r.b.String(), " ,")
	}
	if r.on != "" && r.w < r.max {
		r.spaces(r.max - r.w - 1)
		if r.cur.Attr != 0 || r.cur.Bg != r.on {
			r.style(Style{Fg: r.cur.Fg, Bg: r.on})
		}
		if r.look.ascii {
			r.b.WriteByte(' ')
		} else {
			r.b.WriteString("\u00a0")
		}
		r.w++
	}
	r.spaces(r.max - r.w)
	if r.cur != (Style{}) {
		r.b.WriteString("\x1b[m")
		r.cur = Style{}
	}
	return r.b.String()
}

// Blank returns an empty line.
func Blank(width int) string { return strings.Repeat(" ", max(width, 0)) }

// Fit makes lines exactly height long: cut, or filled with empty ones.
func Fit(lines []string, width, height int) []string {
	height = max(height, 0)
	if len(lines) > height {
		return lines[:height]
	}
	for len(lines) < height {
		lines = append(lines, Blank(width))
	}
	return lines
}

// Rule draws a quiet line over the whole width with a title at the left and a
// note at the right.
func (l *Look) Rule(width int, title, note string, focused bool) string {
	if l.linear {
		return l.heading(title, note, focused)
	}
	line, head := Border, Muted
	if focused {
		line, head = Focus, Accent.With(Bold)
	}
	r := l.Row(width)
	if title != "" {
		mark := "──"
		if focused {
			mark = "━━"
		}
		r.Put(line, mark).Gap(1).Put(head, title).Gap(1)
	}
	nw := l.Width(note)
	if note != "" && nw+6 < r.Left() {
		r.Fill(line, "─", width-nw-4).Gap(1).Put(Faint, note).Gap(1).Put(line, "──")
	} else {
		r.Fill(line, "─", width)
	}
	return r.String()
}
