package themes

import (
	"fmt"
	"math"
	"strconv"
)

// Color is a 24-bit colour, an entry of the terminal's palette, or (the zero
// value) the terminal's default.
type Color struct {
	kind    kind
	r, g, b uint8
	index   uint8
}

type kind uint8

const (
	terminalDefault kind = iota
	rgb
	palette
)

// ParseColor reads "#rrggbb", a palette index from "0" to "255", or "default".
func ParseColor(s string) (Color, error) {
	if s == "default" {
		return Color{}, nil
	}
	if len(s) == 7 && s[0] == '#' {
		if v, err := strconv.ParseUint(s[1:], 16, 32); err == nil {
			return Color{kind: rgb, r: uint8(v >> 16), g: uint8(v >> 8), b: uint8(v)}, nil
		}
	}
	if v, err := strconv.ParseUint(s, 10, 8); err == nil {
		return Color{kind: palette, index: uint8(v)}, nil
	}
	return Color{}, fmt.Errorf(`%q is no colour; write "#rrggbb", a palette index from "0" to "255", or "default"`, s)
}

// String returns what [ParseColor] reads, with "" for the terminal's default:
// the form that terminal libraries take.
func (c Color) String() string {
	switch c.kind {
	case rgb:
		return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b)
	case palette:
		return strconv.Itoa(int(c.index))
	}
	return ""
}

// IsDefault reports whether the colour is the terminal's default.
func (c Color) IsDefault() bool { return c.kind == terminalDefault }

// RGB returns the components of a 24-bit colour; ok is false for the others,
// whose look only the terminal knows.
func (c Color) RGB() (r, g, b uint8, ok bool) { return c.r, c.g, c.b, c.kind == rgb }

// Index returns the palette index of a palette colour.
func (c Color) Index() (index int, ok bool) { return int(c.index), c.kind == palette }

// linear undoes the sRGB transfer function, giving the light of a component
// from 0 to 1.
func linear(v uint8) float64 {
	x := float64(v) / 255
	if x <= 0.04045 {
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}

func luminance(c Color) float64 {
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// Contrast returns the contrast ratio of two 24-bit colours, 1 to 21, as WCAG
// 2.2 defines it; ok is false if one of them is the terminal's to choose.
func Contrast(a, b Color) (ratio float64, ok bool) {
	if a.kind != rgb || b.kind != rgb {
		return 0, false
	}
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05), true
}

// surfaces lists the tokens that are read as text and the surfaces they stand
// on.
var surfaces = map[Token][]Token{
	Text:          {Background, Header},
	Muted:         {Background, Header},
	Faint:         {Background},
	Accent:        {Background, Header},
	AccentText:    {Accent},
	SelectionText: {Selection},
	HeaderText:    {Header},
	Key:           {Background, Header},
	Success:       {Background, Header},
	Warning:       {Background, Header},
	Error:         {Background, Header},
	Info:          {Background, Header},
	Series1:       {Background},
	Series2:       {Background},
	Series3:       {Background},
	Series4:       {Background},
	Series5:       {Background},
	Series6:       {Background},
}

// Weak is a text colour that is hard to read on a surface.
type Weak struct {
	Text, On Token
	Ratio    float64
}

// String says it in words.
func (w Weak) String() string {
	return fmt.Sprintf("%s on %s has a contrast of %.1f to 1", w.Text, w.On, w.Ratio)
}

// WeakText returns the text tokens whose contrast on a surface they stand on is
// below least (4.5 for ordinary reading, 7 for high contrast). Colours that are
// the terminal's to choose cannot be measured and are left out.
func (t Theme) WeakText(least float64) []Weak {
	var all []Weak
	for _, text := range tokens {
		for _, on := range surfaces[text] {
			if r, ok := Contrast(t.Color(text), t.Color(on)); ok && r < least {
				all = append(all, Weak{text, on, r})
			}
		}
	}
	return all
}
