package widget

import (
	"regexp"

	"tunebench/themes"
)

// Column of a table. Width is its smallest width; what is left over is shared
// out by Grow. A column whose Drop is not 0 is left out while the table is too
// narrow, the highest Drop first.
type Column struct {
	Title string
	Width int
	Grow  int
	Max   int // largest width; 0 for none
	Drop  int
	Right bool // numbers
	Name  bool // names: their middle is left out where they do not fit
}

// Cell of a table.
type Cell struct {
	Text  string
	Style Style
	// Hit marks what it matches in the text; nil marks nothing.
	Hit *regexp.Regexp
}

// Table draws rows of a fixed width under a head. Make one per size.
type Table struct {
	look   *Look
	cols   []Column
	widths []int // 0: left out
	width  int
}

const (
	tableEdge = 2 // room for the mark of the chosen row
	tableGap  = 2
)

// NewTable lays out columns over width cells.
func NewTable(l *Look, width int, cols ...Column) *Table {
	t := &Table{look: l, cols: cols, width: width, widths: make([]int, len(cols))}
	for i, c := range cols {
		t.widths[i] = c.Width
	}
	need := func() int {
		n := tableEdge
		for _, w := range t.widths {
			if w > 0 {
				n += w + tableGap
			}
		}
		return n - tableGap + 1
	}
	for need() > width && !l.linear {
		worst := -1
		for i, c := range cols {
			if t.widths[i] > 0 && c.Drop > 0 && (worst < 0 || c.Drop > cols[worst].Drop) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		t.widths[worst] = 0
	}
	for spare := width - need(); spare > 0; {
		parts := 0
		for i, c := range cols {
			if t.canGrow(i, c) {
				parts += c.Grow
			}
		}
		if parts == 0 {
			break
		}
		given := 0
		for i, c := range cols {
			if t.canGrow(i, c) {
				add := max(1, spare*c.Grow/parts)
				if c.Max > 0 {
					add = min(add, c.Max-t.widths[i])
				}
				add = min(add, spare-given)
				t.widths[i] += add
				given += add
			}
		}
		spare -= given
		if given == 0 {
			break
		}
	}
	return t
}

func (t *Table) canGrow(i int, c Column) bool {
	return t.widths[i] > 0 && c.Grow > 0 && (c.Max == 0 || t.widths[i] < c.Max)
}

// Width of column i as laid out; 0 if it is left out.
func (t *Table) Width(i int) int { return t.widths[i] }

// Head draws the titles.
func (t *Table) Head() string {
	if t.look.linear {
		return "" // each value has its title before it
	}
	r := t.look.Row(t.width).Gap(tableEdge)
	first := true
	for i, c := range t.cols {
		if t.widths[i] == 0 {
			continue
		}
		if !first {
			r.Gap(tableGap)
		}
		first = false
		title := c.Title
		if c.Name {
			title = t.look.Squeeze(title, t.widths[i])
		}
		r.Cell(Faint, title, t.widths[i], c.Right)
	}
	return r.String()
}

// Line draws one row. The chosen one has a mark at the left, so that it is seen
// without colour; it is quieter where the table has no focus.
func (t *Table) Line(cells []Cell, chosen, focused bool) string {
	if t.look.linear {
		return t.spoken(cells, chosen)
	}
	r := t.look.Row(t.width)
	switch {
	case chosen && focused:
		r.On(themes.Selection).Put(Accent, "▌").Gap(1)
	case chosen:
		r.Put(Faint, "▌").Gap(1)
	default:
		r.Gap(tableEdge)
	}
	first := true
	for i := range t.cols {
		if t.widths[i] == 0 || i >= len(cells) {
			continue
		}
		if !first {
			r.Gap(tableGap)
		}
		first = false
		st := cells[i].Style
		if st.Fg == "" {
			st.Fg = themes.Text
		}
		text := cells[i].Text
		if t.cols[i].Name {
			text = t.look.Squeeze(text, t.widths[i])
		}
		if cells[i].Hit != nil {
			r.Marked(st, text, t.widths[i], cells[i].Hit)
			continue
		}
		r.Cell(st, text, t.widths[i], t.cols[i].Right)
	}
	return r.String()
}

// Scroll keeps a cursor and the window around it over a list of Len entries, of
// which Height are seen.
type Scroll struct {
	Cursor, Top, Len, Height int
}

// Set changes the length and the height and keeps the cursor in sight.
func (s *Scroll) Set(length, height int) {
	s.Len, s.Height = max(length, 0), max(height, 1)
	s.To(s.Cursor)
}

// To puts the cursor on entry i, or the nearest there is.
func (s *Scroll) To(i int) {
	s.Cursor = max(0, min(i, s.Len-1))
	if s.Cursor < s.Top {
		s.Top = s.Cursor
	}
	if s.Cursor >= s.Top+s.Height {
		s.Top = s.Cursor - s.Height + 1
	}
	s.Top = max(0, min(s.Top, s.Len-s.Height))
}

// Move moves the cursor by n entries.
func (s *Scroll) Move(n int) { s.To(s.Cursor + n) }

// Page moves by n windows.
func (s *Scroll) Page(n int) { s.Move(n * max(s.Height-1, 1)) }

// Roll moves what is in sight by a key that scrolls and reports whether it is one.
// Top may lie outside of the list until Set, or whoever draws, puts it right.
func (s *Scroll) Roll(key string) bool {
	switch key {
	case "down", "j":
		s.Top++
	case "up", "k":
		s.Top--
	case "pgdown", "space":
		s.Top += s.Height
	case "pgup":
		s.Top -= s.Height
	case "g", "home":
		s.Top = 0
	case "G", "end":
		s.Top = 1 << 20
	default:
		return false
	}
	return true
}

// End returns the entry behind the last one in sight.
func (s *Scroll) End() int { return min(s.Top+s.Height, s.Len) }
