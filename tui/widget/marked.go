package widget

import "regexp"

// Hit is the style of text that a search has found: it is seen without colour.
var Hit = Style{Fg: Accent.Fg, Attr: Bold | Underline}

// Marked adds text in a column of its own width, like Cell, with what re matches
// marked. Where the first match would lie outside of the column, the text before
// it is left out, so that the reader sees why the row was found. A nil re marks
// nothing.
func (r *Row) Marked(st Style, s string, width int, re *regexp.Regexp) *Row {
	width = min(width, r.max-r.w)
	if width <= 0 {
		return r
	}
	if r.look.linear {
		return r.Cell(st, s, width, false)
	}
	var at []int
	if re != nil {
		at = re.FindStringIndex(s)
	}
	if at == nil || at[0] == at[1] {
		return r.Cell(st, s, width, false)
	}
	end := r.w + width
	l := r.look
	if before := l.Width(s[:at[0]]); before+l.Width(s[at[0]:at[1]]) > width-2 {
		// A third of the column is left for what stands before the match.
		s = l.Skip(s, max(0, before-width/3))
		r.Put(Faint, "←")
	}
	sub := l.Row(end - r.w)
	sub.on = r.on
	sub.segments(st, s, re)
	sub.To(sub.max)
	r.Raw(sub.end(), sub.max)
	return r
}

// MarkedLine adds text up to the end of the line, with what re matches marked.
func (r *Row) MarkedLine(st Style, s string, re *regexp.Regexp) *Row {
	r.segments(st, s, re)
	return r
}

// maxMarks bounds the matches that are marked in one line.
const maxMarks = 50

func (r *Row) segments(st Style, s string, re *regexp.Regexp) {
	if re != nil {
		for range maxMarks {
			at := re.FindStringIndex(s)
			if at == nil || r.Left() == 0 {
				break
			}
			if at[0] == at[1] { // a match of nothing marks nothing
				break
			}
			r.Put(st, s[:at[0]]).Put(Hit.On(st.Bg), s[at[0]:at[1]])
			s = s[at[1]:]
		}
	}
	r.Put(st, s)
}

// end closes the styles of a piece that goes into another row.
func (r *Row) end() string {
	if r.cur != (Style{}) {
		r.b.WriteString("\x1b[m")
		r.cur = Style{}
	}
	return r.b.String()
}
