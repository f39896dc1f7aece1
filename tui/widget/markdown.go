package widget

import (
	"strings"
	"unicode/utf8"
)

// Markdown keeps the drawn lines of a Markdown text that grows. Every line of the
// source is drawn by itself, from what it says and from whether it stands in a
// code block; only the rows of a table belong together. So what has been drawn
// stays, and a text that arrives in pieces looks as it will when it is whole.
//
// The zero value is ready. It belongs to the goroutine that draws.
type Markdown struct {
	text    string
	width   int
	version int
	at      int      // text[:at] is drawn for good
	lines   []string // drawn for good
	fence   string   // the fence of the open code block at at; "" outside
	all     []string // lines, and behind them the drawn rest
	blocks  []string // the code blocks that have ended
	code    strings.Builder
}

// Lines returns the lines of text, each width cells wide. The slice is valid
// until the next call.
func (m *Markdown) Lines(l *Look, text string, width int) []string {
	width = max(width, 8)
	if m.width != width || m.version != l.Version() || !strings.HasPrefix(text, m.text) {
		*m = Markdown{width: width, version: l.Version()}
	} else if len(text) == len(m.text) && m.all != nil {
		return m.all
	}
	m.text = text
	d := mdDrawer{look: l, width: width, out: m.lines}
	for {
		rest := text[m.at:]
		n := strings.IndexByte(rest, '\n')
		if len(rest) > longLine && (n < 0 || n > longLine) {
			// No prose: it is taken piece by piece, so that its end costs no more
			// than any other line's.
			cut := strings.LastIndexByte(rest[:longLine], ' ') + 1
			if cut < longLine/2 {
				cut = longLine
				for cut > longLine/2 && !utf8.RuneStart(rest[cut]) {
					cut--
				}
			}
			d.line(rest[:cut], m.fence)
			m.at += cut
			continue
		}
		if n < 0 {
			break
		}
		line := rest[:n]
		if m.fence == "" && strings.Contains(line, "|") {
			end, whole := table(rest)
			if !whole {
				break
			}
			if end > 0 {
				d.table(rest[:end])
				m.at += end
				continue
			}
		}
		m.line(&d, line)
		m.at += n + 1
	}
	m.lines = d.out
	// The rest is drawn on top and taken away again.
	d.out = m.lines[:len(m.lines):len(m.lines)]
	rest := text[m.at:]
	if end, _ := table(rest); m.fence == "" && end > 0 {
		d.table(rest[:end])
		rest = rest[end:]
	}
	if rest != "" {
		fence := m.fence
		for line := range strings.SplitSeq(rest, "\n") {
			fence = d.line(line, fence)
		}
	}
	m.all = d.out
	return m.all
}

// Blocks returns the code blocks that have ended, in their order.
func (m *Markdown) Blocks() []string { return m.blocks }

// line draws a whole line and keeps track of code blocks.
func (m *Markdown) line(d *mdDrawer, line string) {
	was := m.fence
	m.fence = d.line(line, was)
	switch {
	case was != "" && m.fence == "":
		m.blocks = append(m.blocks, m.code.String())
		m.code.Reset()
	case was != "":
		m.code.WriteString(strings.TrimPrefix(line, indentOf(was)) + "\n")
	}
}

// mdDrawer appends drawn lines.
type mdDrawer struct {
	look  *Look
	width int
	out   []string
}

const maxIndent = 12

func indentOf(s string) string { return s[:len(s)-len(strings.TrimLeft(s, " "))] }

// line draws one line; fence is the open code block's, and that behind the line
// is returned.
func (d *mdDrawer) line(line, fence string) string {
	l := d.look
	in := len(indentOf(line))
	body := line[in:]
	indent := min(in, maxIndent)
	if fence != "" {
		mark := strings.TrimLeft(fence, " ")
		if t := strings.TrimRight(body, " "); len(t) >= len(mark) && strings.Trim(t, mark[:1]) == "" {
			d.out = append(d.out, l.Row(d.width).Put(Border, "└─").String())
			return ""
		}
		code := strings.TrimPrefix(line, indentOf(fence))
		for _, s := range hard(l, code, d.width-2) {
			d.out = append(d.out, l.Row(d.width).Put(Border, "│ ").Put(Info, s).String())
		}
		return fence
	}
	if f, word := opening(body); f != "" {
		d.out = append(d.out, l.Row(d.width).Put(Border, "┌─ ").Put(Faint, word).String())
		return indentOf(line) + f
	}
	switch {
	case body == "":
		// Several empty lines are one.
		if n := len(d.out); n > 0 && d.out[n-1] != Blank(d.width) {
			d.out = append(d.out, Blank(d.width))
		}
	case rule(body):
		d.out = append(d.out, l.Row(d.width).Fill(Border, "─", d.width).String())
	case body[0] == '#' && heading(body) > 0:
		n := heading(body)
		st := Accent.With(Bold)
		if n > 2 {
			st = Strong
		}
		text := strings.TrimRight(strings.TrimSpace(body[n:]), "#")
		d.put(l.inline(strings.TrimRight(text, " "), st, 0), nil, nil)
	case body[0] == '>':
		depth := 0
		for strings.HasPrefix(body, ">") && depth < 5 {
			body = strings.TrimPrefix(body[1:], " ")
			depth++
		}
		bar := []mdSpan{{strings.Repeat("│ ", depth), Border}}
		d.put(l.inline(body, Muted, 0), bar, bar)
	default:
		mark, rest := item(body)
		if mark == "" {
			pad := pads(indent)
			d.put(l.inline(body, Text, 0), pad, pad)
			break
		}
		box := ""
		switch {
		case strings.HasPrefix(rest, "[ ] "):
			box, rest = "[ ] ", rest[4:]
		case strings.HasPrefix(rest, "[x] "), strings.HasPrefix(rest, "[X] "):
			box, rest = "[x] ", rest[4:]
		}
		first := append(pads(indent), mdSpan{mark, Accent}, mdSpan{box, Good})
		d.put(l.inline(rest, Text, 0), first, pads(indent+len(mark)+len(box)))
	}
	return ""
}

func pads(n int) []mdSpan {
	if n == 0 {
		return nil
	}
	return []mdSpan{{Blank(n), Text}}
}

// opening returns the fence that a line begins a code block with, and the word
// behind it.
func opening(body string) (fence, word string) {
	for _, c := range []string{"`", "~"} {
		rest := strings.TrimLeft(body, c)
		if n := len(body) - len(rest); n >= 3 && !strings.Contains(rest, "`") {
			word, _, _ = strings.Cut(strings.TrimSpace(rest), " ")
			return body[:n], word
		}
	}
	return "", ""
}

// rule reports whether a line is a thematic break.
func rule(body string) bool {
	s := strings.ReplaceAll(body, " ", "")
	if len(s) < 3 || len(s) > 200 {
		return false
	}
	for _, c := range []string{"-", "*", "_"} {
		if strings.Trim(s, c) == "" {
			return true
		}
	}
	return false
}

// heading returns the level of a heading, 0 for none.
func heading(body string) int {
	n := len(body) - len(strings.TrimLeft(body, "#"))
	if n > 6 || n < len(body) && body[n] != ' ' {
		return 0
	}
	return n
}

// item parts a list item into its mark, with the space behind it, and its text.
func item(body string) (mark, rest string) {
	if len(body) > 1 && strings.IndexByte("-*+", body[0]) >= 0 && body[1] == ' ' {
		return "- ", strings.TrimLeft(body[2:], " ")
	}
	i := 0
	for i < len(body) && i < 9 && body[i] >= '0' && body[i] <= '9' {
		i++
	}
	if i > 0 && i+1 < len(body) && (body[i] == '.' || body[i] == ')') && body[i+1] == ' ' {
		return body[:i+2], strings.TrimLeft(body[i+2:], " ")
	}
	return "", body
}

// hard breaks code at the edge: nothing of it is moved or left out.
func hard(l *Look, s string, width int) []string {
	var out []string
	for s != "" {
		part, w := l.head(s, width)
		if w == 0 {
			break
		}
		out = append(out, part)
		s = l.Skip(s, w)
	}
	if out == nil {
		return []string{""}
	}
	return out
}

// put wraps spans and draws them, with first before the first line and next
// before the others.
func (d *mdDrawer) put(spans []mdSpan, first, next []mdSpan) {
	used := 0
	for _, s := range first {
		used += d.look.Width(s.text)
	}
	prefix := first
	for _, line := range d.look.wrapSpans(spans, max(d.width-used-1, 4)) {
		r := d.look.Row(d.width)
		for _, s := range prefix {
			r.Put(s.style, s.text)
		}
		for _, s := range line {
			r.Put(s.style, s.text)
		}
		d.out = append(d.out, r.String())
		prefix = next
	}
}
