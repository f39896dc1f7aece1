// Package svg draws the cells of a terminal as an SVG image, so that a README
// can show the real screen: sharp at every size, a few kilobytes, with text that
// can be searched in a diff.
//
// Which screens are drawn, and when, does not belong here.
package svg

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/color"
	"strconv"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

// A cell in units of the image. The glyphs of common monospace fonts are 0.6 em
// wide, which makes every edge of a cell a whole number.
const (
	cellW, cellH = 9, 19
	fontSize     = 15
	baseline     = 14 // from the upper edge of a cell
	padding      = 14
	titleH       = 32 // of the window's title bar
	fonts        = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
)

// Window is what is drawn around and beneath the cells.
type Window struct {
	// Title stands in the title bar; Describe says what the image shows to those
	// who do not see it.
	Title, Describe string
	// Background and Text are the colours of cells that have none; Muted is the
	// title's, Line the frame's.
	Background, Text, Muted, Line color.Color
}

// Draw returns the image of a screen: lines of cells, in which a wide character
// is followed by a cell of width 0. The same cells give the same bytes.
func Draw(cells [][]uv.Cell, w Window) []byte {
	d := drawing{window: w, background: hex(w.Background)}
	columns := 0
	for y, line := range cells {
		columns = max(columns, len(line))
		d.line(line, y)
	}
	return d.image(columns*cellW+2*padding, len(cells)*cellH+2*padding+titleH)
}

// style is what a run of text has in common.
type style struct {
	fill         string
	bold, italic bool
}

// drawing collects what is drawn, by colour, so that shapes that touch are one
// path and have no seams.
type drawing struct {
	window     Window
	background string
	under      layer[string] // backgrounds of cells
	over       layer[string] // lines, blocks and underlines
	arcs, dots layer[string]
	text       layer[style]
}

// layer is pieces of the image in the order in which their looks first came.
type layer[K comparable] struct {
	keys []K
	data map[K]*strings.Builder
	last map[K]rect
}

func (l *layer[K]) at(k K) *strings.Builder {
	b := l.data[k]
	if b == nil {
		if l.data == nil {
			l.data, l.last = map[K]*strings.Builder{}, map[K]rect{}
		}
		b = &strings.Builder{}
		l.keys, l.data[k] = append(l.keys, k), b
	}
	return b
}

type rect struct{ x, y, w, h float64 }

// rect adds a rectangle; one that goes on where the last of its colour ended
// makes that longer.
func (l *layer[K]) rect(k K, r rect) {
	l.at(k)
	if p := l.last[k]; p.y == r.y && p.h == r.h && r.x >= p.x && r.x <= p.x+p.w {
		p.w = max(p.w, r.x+r.w-p.x)
		l.last[k] = p
		return
	}
	l.flush(k)
	l.last[k] = r
}

func (l *layer[K]) flush(k K) {
	if r := l.last[k]; r.w > 0 && r.h > 0 {
		fmt.Fprintf(l.at(k), "M%s %sh%sv%sh-%sz", num(r.x), num(r.y), num(r.w), num(r.h), num(r.w))
	}
	delete(l.last, k)
}

// line draws one line of cells.
func (d *drawing) line(line []uv.Cell, row int) {
	y := float64(titleH + padding + row*cellH)
	run := run{y: y + baseline}
	for i := range line {
		c := &line[i]
		if c.Width == 0 && c.Content == "" {
			continue // the second half of a wide character
		}
		x, width := float64(padding+i*cellW), float64(max(1, c.Width)*cellW)
		fg, bg := d.colors(c.Style)
		if bg != d.background {
			d.under.rect(bg, rect{x, y, width, cellH})
		}
		s := style{fg, c.Style.Attrs&uv.AttrBold != 0, c.Style.Attrs&uv.AttrItalic != 0}
		switch {
		case c.Style.Attrs&uv.AttrConceal != 0 || c.Content == "":
			run.end(d)
		case c.Content == " " || c.Content == "\u00a0":
			run.space(d, s)
		case d.shape(c.Content, x, y, fg):
			run.end(d)
		default:
			run.add(d, s, c.Content, x, width)
		}
		if c.Style.Underline != ansi.UnderlineNone {
			d.over.rect(fg, rect{x, y + baseline + 2, width, 1})
		}
		if c.Style.Attrs&uv.AttrStrikethrough != 0 {
			d.over.rect(fg, rect{x, y + baseline - 4, width, 1})
		}
	}
	run.end(d)
}

// colors returns the colours of a cell as they are seen.
func (d *drawing) colors(s uv.Style) (fg, bg string) {
	f, b := s.Fg, s.Bg
	if f == nil {
		f = d.window.Text
	}
	if b == nil {
		b = d.window.Background
	}
	if s.Attrs&uv.AttrReverse != 0 {
		f, b = b, f
	}
	if s.Attrs&uv.AttrFaint != 0 {
		return mix(f, b, 0.6), hex(b)
	}
	return hex(f), hex(b)
}

// run is text of one style without gaps. Its length is written with it, so that
// columns stay where they are whatever font the viewer has.
type run struct {
	y, x, width float64
	style       style
	text        strings.Builder
	alone       bool // holds a character that fonts disagree about
	gap         bool // a space follows, if more text does
}

func (r *run) add(d *drawing, s style, content string, x, width float64) {
	alone := width != cellW || len(content) > 2 // beyond Latin, Greek and Cyrillic
	if r.width > 0 && (s != r.style || alone || r.alone) {
		r.end(d)
	}
	if r.width == 0 {
		r.x, r.style, r.alone = x, s, alone
	} else if r.gap {
		r.text.WriteByte(' ')
	}
	r.gap, r.width = false, x+width-r.x
	r.text.WriteString(content)
}

// space keeps the words of a sentence together; two spaces part columns.
func (r *run) space(d *drawing, s style) {
	if r.width > 0 && (r.gap || r.alone || s != r.style) {
		r.end(d)
	}
	r.gap = r.width > 0
}

func (r *run) end(d *drawing) {
	if r.width > 0 {
		b := d.text.at(r.style)
		fmt.Fprintf(b, `<text x="%s" y="%s" textLength="%s">%s</text>`+"\n", num(r.x), num(r.y), num(r.width), escaped(r.text.String()))
	}
	r.text.Reset()
	r.width, r.gap, r.alone = 0, false, false
}

// image writes everything that was collected.
func (d *drawing) image(width, height int) []byte {
	var b bytes.Buffer
	d.window.head(&b, width, height, "")
	d.body(&b)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// head begins an image with the window that screens are drawn in.
func (w Window) head(b *bytes.Buffer, width, height int, css string) {
	line := hex(w.Line)
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="%s" font-size="%d">`+"\n",
		width, height, width, height, fonts, fontSize)
	fmt.Fprintf(b, "<title>%s</title>\n", escaped(w.Describe))
	if css != "" {
		fmt.Fprintf(b, "<style>\n%s</style>\n", css)
	}
	fmt.Fprintf(b, `<rect x=".5" y=".5" width="%d" height="%d" rx="10" fill="%s" stroke="%s"/>`+"\n", width-1, height-1, hex(w.Background), line)
	fmt.Fprintf(b, `<path stroke="%s" stroke-width="11" stroke-linecap="round" d="M22 %dh.01M41 %[2]dh.01M60 %[2]dh.01"/>`+"\n", line, titleH/2+4)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" font-size="13" fill="%s">%s</text>`+"\n", width/2, titleH/2+9, hex(w.Muted), escaped(w.Title))
}

// body writes the cells.
func (d *drawing) body(b *bytes.Buffer) {
	paths := func(l *layer[string], attrs string) {
		for _, k := range l.keys {
			l.flush(k)
			fmt.Fprintf(b, `<path `+attrs+` d="%s"/>`+"\n", k, l.data[k])
		}
	}
	paths(&d.under, `fill="%s"`)
	paths(&d.over, `fill="%s"`)
	paths(&d.arcs, `fill="none" stroke="%s"`)
	paths(&d.dots, `stroke="%s" stroke-width="2.6" stroke-linecap="round"`)
	for _, k := range d.text.keys {
		fmt.Fprintf(b, `<g fill="%s"`, k.fill)
		if k.bold {
			b.WriteString(` font-weight="700"`)
		}
		if k.italic {
			b.WriteString(` font-style="italic"`)
		}
		fmt.Fprintf(b, ">\n%s</g>\n", d.text.data[k])
	}
}

func escaped(s string) string {
	var e strings.Builder
	_ = xml.EscapeText(&e, []byte(s))
	return e.String()
}

// num writes a number as short as it can be.
func num(v float64) string {
	s := strconv.FormatFloat(v, 'f', 2, 64)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

func hex(c color.Color) string {
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}

// mix lays a colour over another; part is how much of it is seen.
func mix(c, over color.Color, part float64) string {
	r, g, b, _ := c.RGBA()
	r2, g2, b2, _ := over.RGBA()
	m := func(a, b uint32) uint8 { return uint8((float64(a)*part + float64(b)*(1-part)) / 257) }
	return hex(color.RGBA{m(r, r2), m(g, g2), m(b, b2), 255})
}
