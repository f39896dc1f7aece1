package widget

import "strings"

// longTable is the most bytes of one table: its rows are drawn again with each
// that arrives.
const longTable = 64 << 10

// table returns how much of s is a table that s begins with, 0 if it begins with
// none. whole is false if more of s could belong to it, or make one of it.
func table(s string) (end int, whole bool) {
	head, rest, ok := strings.Cut(s, "\n")
	if !ok || !strings.Contains(head, "|") {
		return 0, ok
	}
	under, rest, ok := strings.Cut(rest, "\n")
	if aligns(under) == nil {
		return 0, ok || under != "" && strings.Trim(under, " |:-") != ""
	}
	end = len(head) + 1 + len(under)
	if !ok {
		return end, false
	}
	for end++; ; {
		row, after, ok := strings.Cut(rest, "\n")
		if !ok {
			if strings.Contains(row, "|") {
				end += len(row)
			}
			return end, false
		}
		if !strings.Contains(row, "|") {
			return end, true
		}
		end += len(row) + 1
		rest = after
		if end > longTable {
			return end, true
		}
	}
}

// cells parts a row of a table.
func cells(row string) []string {
	row = strings.TrimSpace(row)
	row = strings.TrimPrefix(row, "|")
	if strings.HasSuffix(row, "|") && !strings.HasSuffix(row, `\|`) {
		row = row[:len(row)-1]
	}
	var out []string
	var b strings.Builder
	for i := 0; i < len(row); i++ {
		switch {
		case row[i] == '\\' && i+1 < len(row) && row[i+1] == '|':
			b.WriteByte('|')
			i++
		case row[i] == '|':
			out = append(out, strings.TrimSpace(b.String()))
			b.Reset()
		default:
			b.WriteByte(row[i])
		}
	}
	return append(out, strings.TrimSpace(b.String()))
}

// aligns reads the line below a table's head: 'l' or 'r' for each column; nil if
// it is no such line.
func aligns(line string) []byte {
	if !strings.Contains(line, "-") || strings.Trim(line, " |:-") != "" {
		return nil
	}
	var out []byte
	for _, c := range cells(line) {
		switch {
		case strings.Trim(c, ":") == "":
			return nil
		case strings.HasSuffix(c, ":") && !strings.HasPrefix(c, ":"):
			out = append(out, 'r')
		default:
			out = append(out, 'l')
		}
	}
	return out
}

// maxColumns is the widest table in columns that is drawn as one.
const maxColumns = 30

// table draws a table; where it is too wide, its columns become narrower and
// their texts are wrapped.
func (d *mdDrawer) table(s string) {
	l := d.look
	var rows [][][]mdSpan
	var align []byte
	for i, line := range strings.Split(strings.TrimRight(s, "\n"), "\n") {
		if i == 1 {
			align = aligns(line)
			continue
		}
		st := Text
		if i == 0 {
			st = Strong
		}
		var row [][]mdSpan
		for _, c := range cells(line) {
			row = append(row, l.inline(c, st, 0))
		}
		rows = append(rows, row)
	}
	n := len(rows[0])
	for len(align) < n {
		align = append(align, 'l')
	}
	if n > maxColumns || d.width < n*6 {
		for _, line := range strings.Split(s, "\n") {
			d.put([]mdSpan{{line, Text}}, nil, nil)
		}
		return
	}
	widths := make([]int, n)
	for _, row := range rows {
		for i := range min(n, len(row)) {
			widths[i] = max(widths[i], 1, spanWidth(l, row[i]))
		}
	}
	room := d.width - 3*(n-1)
	shrink(widths, room)
	for y, row := range rows {
		var cols [][][]mdSpan
		tall := 1
		for i := range n {
			var lines [][]mdSpan
			if i < len(row) {
				lines = l.wrapSpans(row[i], widths[i])
			}
			tall = max(tall, len(lines))
			cols = append(cols, lines)
		}
		for k := range tall {
			r := l.Row(d.width)
			for i, lines := range cols {
				if i > 0 {
					r.Put(Border, " │ ")
				}
				var line []mdSpan
				if k < len(lines) {
					line = lines[k]
				}
				gap := widths[i] - spanWidth(l, line)
				if align[i] == 'r' {
					r.Gap(gap)
				}
				for _, s := range line {
					r.Put(s.style, s.text)
				}
				if align[i] != 'r' {
					r.Gap(gap)
				}
			}
			d.out = append(d.out, r.String())
		}
		if y == 0 {
			r := l.Row(d.width)
			for i, w := range widths {
				if i > 0 {
					r.Put(Border, "─┼─")
				}
				r.Fill(Border, "─", d.width-r.Left()+w)
			}
			d.out = append(d.out, r.String())
		}
	}
}

func spanWidth(l *Look, spans []mdSpan) int {
	w := 0
	for _, s := range spans {
		w += l.Width(s.text)
	}
	return w
}

// shrink takes from the widest columns until all fit into room.
func shrink(widths []int, room int) {
	total := 0
	for _, w := range widths {
		total += w
	}
	for total > room {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= 1 {
			return
		}
		// Down to the next widest at once: a column may be very wide.
		second := 1
		for i, w := range widths {
			if i != widest {
				second = max(second, w)
			}
		}
		cut := max(1, min(widths[widest]-second, total-room))
		widths[widest] -= cut
		total -= cut
	}
}
