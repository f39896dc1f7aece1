package widget

import (
	"html"
	"strings"

	"tunebench/backend/safetext"
)

// mdSpan is text of one style.
type mdSpan struct {
	text  string
	style Style
}

// longLine is the longest line in bytes whose marks are looked at; a longer one
// is no prose.
const longLine = 16 << 10

// inline parts a line into spans. Marks that have no partner stay as they are.
func (l *Look) inline(s string, base Style, depth int) []mdSpan {
	if len(s) > longLine || depth > 4 || !strings.ContainsAny(s, "\\`*_~[<&") {
		return []mdSpan{{s, base}}
	}
	p := mdLine{look: l, base: base, depth: depth}
	i := 0
	for i < len(s) {
		if n := p.mark(s, i); n > 0 {
			i += n
			continue
		}
		p.plain.WriteByte(s[i])
		i++
	}
	p.flush()
	return p.out
}

type mdLine struct {
	look  *Look
	base  Style
	depth int
	plain strings.Builder
	out   []mdSpan
	none  map[string]bool // marks that are known to have no partner further on
}

func (p *mdLine) flush() {
	if p.plain.Len() > 0 {
		p.out = append(p.out, mdSpan{p.plain.String(), p.base})
		p.plain.Reset()
	}
}

func (p *mdLine) alone(mark string) {
	if p.none == nil {
		p.none = map[string]bool{}
	}
	p.none[mark] = true
}

func (p *mdLine) add(spans ...mdSpan) {
	p.flush()
	p.out = append(p.out, spans...)
}

// mark takes the mark at s[i:], if there is one, and returns its length with all
// that belongs to it.
func (p *mdLine) mark(s string, i int) int {
	rest := s[i:]
	switch c := rest[0]; c {
	case '\\':
		if len(rest) > 1 && strings.IndexByte("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", rest[1]) >= 0 {
			p.plain.WriteByte(rest[1])
			return 2
		}
	case '`':
		n := len(rest) - len(strings.TrimLeft(rest, "`"))
		tick := rest[:n]
		if p.none[tick] {
			return 0
		}
		for at := n; at < len(rest); {
			j := strings.Index(rest[at:], tick)
			if j < 0 {
				break
			}
			end := at + j
			run := len(rest[end:]) - len(strings.TrimLeft(rest[end:], "`"))
			if run == n {
				code := rest[n:end]
				if strings.HasPrefix(code, " ") && strings.HasSuffix(code, " ") && strings.TrimSpace(code) != "" {
					code = code[1 : len(code)-1]
				}
				st := Info
				if p.look.Mono() {
					st = st.With(Underline)
				}
				p.add(mdSpan{code, st})
				return end + n
			}
			at = end + run
		}
		p.alone(tick)
		p.plain.WriteString(tick)
		return n
	case '*', '_':
		if n := p.emphasis(s, i, strings.Repeat(rest[:1], 3), Bold|Italic); n > 0 {
			return n
		}
		if n := p.emphasis(s, i, strings.Repeat(rest[:1], 2), Bold); n > 0 {
			return n
		}
		return p.emphasis(s, i, rest[:1], Italic)
	case '~':
		return p.emphasis(s, i, "~~", Dim)
	case '[', '!':
		return p.link(rest)
	case '<':
		if end := strings.IndexByte(rest, '>'); end > 0 && end < 200 {
			in := rest[1:end]
			switch {
			case strings.HasPrefix(in, "http://"), strings.HasPrefix(in, "https://"), strings.HasPrefix(in, "mailto:"):
				p.add(mdSpan{in, p.base.With(Underline)})
				return end + 1
			case in == "br" || in == "br/" || in == "br /":
				p.plain.WriteByte(' ')
				return end + 1
			}
		}
	case '&':
		// What an entity stands for is text from outside, as if it stood there.
		if end := strings.IndexByte(rest, ';'); end > 1 && end < 40 {
			if c := html.UnescapeString(rest[:end+1]); c != rest[:end+1] {
				p.plain.WriteString(safetext.Line(c))
				return end + 1
			}
		}
	}
	return 0
}

// emphasis takes a text between two marks.
func (p *mdLine) emphasis(s string, i int, mark string, a Attr) int {
	rest := s[i:]
	n := len(mark)
	if !strings.HasPrefix(rest, mark) || p.none[mark] || len(rest) <= n || rest[n] == ' ' || rest[n] == mark[0] {
		return 0
	}
	if mark[0] == '_' && i > 0 && letter(s[i-1]) {
		return 0
	}
	for at := n; ; {
		j := strings.Index(rest[at:], mark)
		if j < 0 {
			p.alone(mark)
			return 0
		}
		end := at + j
		run := len(rest[end:]) - len(strings.TrimLeft(rest[end:], mark[:1]))
		open := rest[end-1] == ' ' || rest[end-1] == '\\' || mark[0] == '_' && end+run < len(rest) && letter(rest[end+run])
		if open || n == 1 && run == 2 {
			at = end + run
			continue
		}
		if n < 3 && run > 2 {
			end += run - n // the inner mark comes first
		}
		p.add(p.look.inline(rest[n:end], p.base.With(a), p.depth+1)...)
		return end + n
	}
}

func letter(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// link takes a link or an image: its text, and where it leads in full view.
func (p *mdLine) link(rest string) int {
	at := 0
	if rest[0] == '!' {
		at = 1
	}
	if len(rest) <= at || rest[at] != '[' || p.none["]("] {
		return 0
	}
	mid := strings.Index(rest, "](")
	if mid < 0 {
		p.alone("](")
		return 0
	}
	end := strings.IndexByte(rest[mid:], ')')
	if end < 0 || strings.Contains(rest[at+1:mid], "[") {
		return 0
	}
	text := rest[at+1 : mid]
	to, _, _ := strings.Cut(strings.TrimSpace(rest[mid+2:mid+end]), " ")
	p.add(p.look.inline(text, p.base.With(Underline), p.depth+1)...)
	if to != "" && to != text {
		p.add(mdSpan{" (" + to + ")", Faint})
	}
	return mid + end + 1
}

// wrapSpans breaks spans into lines of at most width cells, at spaces where it
// can.
func (l *Look) wrapSpans(spans []mdSpan, width int) [][]mdSpan {
	var lines [][]mdSpan
	var line, word []mdSpan
	lw, ww, gap := 0, 0, 0 // cells of the line, of the word, of the spaces before it
	var gapStyle Style
	flush := func() {
		if ww == 0 {
			return
		}
		if lw > 0 && lw+gap+ww > width {
			lines = append(lines, line)
			line, lw, gap = nil, 0, 0
		}
		if gap > 0 {
			line = append(line, mdSpan{Blank(gap), gapStyle})
			lw += gap
		}
		line = append(line, word...)
		lw += ww
		word, ww, gap = nil, 0, 0
	}
	for _, s := range spans {
		text := s.text
		start := 0
		cut := func(i int) {
			if i > start {
				word = append(word, mdSpan{text[start:i], s.style})
			}
			start = i
		}
		for i := 0; i < len(text); {
			if text[i] == ' ' {
				cut(i)
				flush()
				if lw > 0 {
					gap++
					gapStyle = s.style
				}
				i++
				start = i
				continue
			}
			_, cw, n := l.next(text[i:])
			if ww+cw > width { // a word longer than the line
				cut(i)
				flush()
				lines = append(lines, line)
				line, lw, gap = nil, 0, 0
			}
			ww += cw
			i += n
		}
		cut(len(text))
	}
	flush()
	if line != nil || len(lines) == 0 {
		lines = append(lines, line)
	}
	return lines
}
