// Package widget draws: lines of exact width in a theme's colours, tables,
// forms, text fields, charts, logs and boxes.
//
// It belongs here if it turns values into lines of cells and knows nothing of
// datasets, jobs or models. What a pane shows, which keys work and where data
// comes from do not. All drawing goes through one width function (Look.Width),
// so that a border stands where it should whatever the text is.
package widget

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"tunebench/themes"
)

// Attr is a set of text attributes.
type Attr uint8

// The attributes.
const (
	Bold Attr = 1 << iota
	Dim
	Underline
	Reverse
	Italic
)

// Style is what a piece of text looks like: tokens of the theme and attributes.
// An empty Bg is the background of the row.
type Style struct {
	Fg, Bg themes.Token
	Attr   Attr
}

// On returns the style on another surface.
func (s Style) On(bg themes.Token) Style { s.Bg = bg; return s }

// With returns the style with attributes added.
func (s Style) With(a Attr) Style { s.Attr |= a; return s }

// The styles that panes use.
var (
	Text   = Style{Fg: themes.Text}
	Strong = Style{Fg: themes.Text, Attr: Bold}
	Muted  = Style{Fg: themes.Muted}
	Faint  = Style{Fg: themes.Faint}
	Accent = Style{Fg: themes.Accent}
	Key    = Style{Fg: themes.Key}
	Border = Style{Fg: themes.Border}
	Focus  = Style{Fg: themes.BorderFocus}
	Good   = Style{Fg: themes.Success}
	Warn   = Style{Fg: themes.Warning}
	Bad    = Style{Fg: themes.Error}
	Info   = Style{Fg: themes.Info}
)

// Series is the style of the i-th line of a chart or model, from 0.
func Series(i int) Style { return Style{Fg: themes.Series(i)} }

// Look is how everything is drawn: the colours, whether there are any, and how
// wide characters are. It belongs to the goroutine that draws.
type Look struct {
	theme   themes.Theme
	method  ansi.Method
	mono    bool
	ascii   bool
	linear  bool
	dotless bool // no braille
	sgr     map[Style]string
	version int
}

// NewLook returns the look of a theme. Characters are measured as terminals
// without mode 2027 do until SetGraphemes is called.
func NewLook(t themes.Theme) *Look {
	return &Look{theme: t, method: ansi.WcWidth, sgr: map[Style]string{}}
}

// Theme returns the theme in use.
func (l *Look) Theme() themes.Theme { return l.theme }

// Version changes when lines that were drawn before have to be drawn again.
func (l *Look) Version() int { return l.version }

func (l *Look) changed() {
	l.version++
	clear(l.sgr)
}

// SetTheme changes the colours.
func (l *Look) SetTheme(t themes.Theme) {
	l.theme = t
	l.changed()
}

// SetMono turns colours off: attributes take their place.
func (l *Look) SetMono(mono bool) {
	if l.mono != mono {
		l.mono = mono
		l.changed()
	}
}

// Mono reports whether there are no colours.
func (l *Look) Mono() bool { return l.mono }

// SetGraphemes says whether the terminal measures whole graphemes (mode 2027).
func (l *Look) SetGraphemes(on bool) {
	m := ansi.WcWidth
	if on {
		m = ansi.GraphemeWidth
	}
	if m != l.method {
		l.method = m
		l.changed()
	}
}

// escape returns the sequence that sets a style, whatever was set before.
func (l *Look) escape(s Style) string {
	if l.linear {
		return ""
	}
	if e, ok := l.sgr[s]; ok {
		return e
	}
	var b strings.Builder
	b.WriteString("\x1b[")
	attr := s.Attr
	if l.mono {
		attr |= monoAttr(s)
	}
	for i, code := range [...]string{"1", "2", "4", "7", "3"} {
		if attr&(1<<i) != 0 {
			b.WriteString(";" + code)
		}
	}
	if !l.mono {
		color(&b, l.theme.Color(s.Fg), s.Fg, "38", 30)
		color(&b, l.theme.Color(s.Bg), s.Bg, "48", 40)
	}
	b.WriteByte('m')
	e := b.String()
	l.sgr[s] = e
	return e
}

// monoAttr stands in for colour: what is chosen is reversed, what matters is
// bold, what hints is dim.
func monoAttr(s Style) Attr {
	var a Attr
	switch s.Bg {
	case themes.Selection, themes.Accent:
		a |= Reverse
	}
	switch s.Fg {
	case themes.Accent, themes.Key, themes.Error, themes.Warning, themes.BorderFocus:
		a |= Bold
	case themes.Faint, themes.Border:
		a |= Dim
	}
	return a
}

func color(b *strings.Builder, c themes.Color, t themes.Token, kind string, base int) {
	if t == "" {
		return
	}
	if r, g, bl, ok := c.RGB(); ok {
		b.WriteString(";" + kind + ";2;" + strconv.Itoa(int(r)) + ";" + strconv.Itoa(int(g)) + ";" + strconv.Itoa(int(bl)))
	} else if i, ok := c.Index(); ok {
		switch {
		case i < 8:
			b.WriteString(";" + strconv.Itoa(base+i))
		case i < 16:
			b.WriteString(";" + strconv.Itoa(base+60+i-8))
		default:
			b.WriteString(";" + kind + ";5;" + strconv.Itoa(i))
		}
	}
}
