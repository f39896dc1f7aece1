package svg

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/color"
	"io"
	"strings"
	"testing"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

var window = Window{Title: "a <title>", Describe: `what "it" shows`, Background: color.RGBA{0x10, 0x10, 0x10, 255}, Text: color.RGBA{0xee, 0xee, 0xee, 255},
	Muted: color.RGBA{0x99, 0x99, 0x99, 255}, Line: color.RGBA{0x33, 0x33, 0x33, 255}}

// draw draws what a terminal shows of that text.
func draw(t *testing.T, text string) string {
	t.Helper()
	lines := strings.Split(text, "\n")
	emu := vt.NewEmulator(20, len(lines))
	if _, err := emu.WriteString(strings.Join(lines, "\r\n")); err != nil {
		t.Fatal(err)
	}
	cells := make([][]uv.Cell, emu.Height())
	for y := range cells {
		for x := range emu.Width() {
			cells[y] = append(cells[y], *emu.CellAt(x, y))
		}
	}
	got := Draw(cells, window)
	if again := Draw(cells, window); !bytes.Equal(got, again) {
		t.Error("the same cells give another image")
	}
	d := xml.NewDecoder(bytes.NewReader(got))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v\n%s", err, got)
		}
	}
	return string(got)
}

func TestDraw(t *testing.T) {
	const x0, y0 = padding, titleH + padding
	text := func(column int, cells int, s string) string {
		return fmt.Sprintf(`<text x="%d" y="%d" textLength="%d">%s</text>`, x0+column*cellW, y0+baseline, cells*cellW, s)
	}
	for _, c := range []struct {
		name, in   string
		want, none []string
	}{
		{"a sentence is one run, columns are two", "one two   three", []string{text(0, 7, "one two"), text(10, 5, "three")}, nil},
		{"text is escaped", `a<b>&"c"`, []string{text(0, 8, "a&lt;b&gt;&amp;&#34;c&#34;")}, nil},
		{"title and description", "", []string{">a &lt;title&gt;</text>", "<title>what &#34;it&#34; shows</title>"}, nil},
		{"characters fonts disagree about stand alone", "ab → cd", []string{text(0, 2, "ab"), text(3, 1, "→"), text(5, 2, "cd")}, nil},
		{"Latin letters do not", "café·", []string{text(0, 5, "café·")}, nil},
		{"wide characters take two cells", "日本x", []string{text(0, 2, "日"), text(2, 2, "本"), text(4, 1, "x")}, nil},
		{"bold, italic and colour", "\x1b[1;3;38;2;1;2;3mhi", []string{"<g fill=\"#010203\" font-weight=\"700\" font-style=\"italic\">\n" + text(0, 2, "hi")}, nil},
		{"faint is nearer to the background", "\x1b[2mhi", []string{`<g fill="#959595">`}, []string{`<g fill="#eeeeee">`}},
		{"reverse", "\x1b[7mhi", []string{`<g fill="#101010">`, fmt.Sprintf(`<path fill="#eeeeee" d="M%d %dh%dv%dh-%[3]dz"/>`, x0, y0, 2*cellW, cellH)}, nil},
		{"underline goes on under spaces", "\x1b[4mA b", []string{fmt.Sprintf(`<path fill="#eeeeee" d="M%d %dh%dv1h-%[3]dz"/>`, x0, y0+baseline+2, 3*cellW)}, nil},
		{"concealed text is not in the image", "\x1b[8msecret", nil, []string{"secret"}},
		{"neighbours of one background are one piece", "\x1b[48;2;9;9;9ma\x1b[31mb", []string{fmt.Sprintf(`<path fill="#090909" d="M%d %dh%dv%dh-%[3]dz"/>`, x0, y0, 2*cellW, cellH)}, nil},
		{"lines join", "───", []string{fmt.Sprintf(`d="M%d %dh%dv1h-%[3]dz"`, x0, y0+midY, 3*cellW)}, []string{"─"}},
		{"blocks are rectangles", "█▌", []string{fmt.Sprintf(`d="M%d %dh%sv%dh-%[3]sz"`, x0, y0, num(1.5*cellW), cellH)}, []string{"█", "▌"}},
		{"lower eighths stand on the ground", "▄", []string{fmt.Sprintf(`M%d %sh9v9.5h-9z`, x0, num(y0+cellH/2.0))}, nil},
		{"braille is dots", "⠁⢀", []string{fmt.Sprintf(`d="M%s %sh.01M%s %sh.01"`, num(x0+2.25), num(y0+cellH/8.0), num(x0+cellW+6.75), num(y0+7*cellH/8.0))}, []string{"⠁", "⢀"}},
		{"round corners are curves", "╭", []string{fmt.Sprintf(`d="M%d %sQ%s %[2]s %[3]s %d"`, x0+cellW, num(y0+9.5), num(x0+4.5), y0+cellH)}, []string{"╭"}},
		{"shades and dashes are left to the font", "▒┄", []string{">▒<", ">┄<"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := draw(t, c.in)
			for _, w := range c.want {
				if !strings.Contains(got, w) {
					t.Errorf("%q lacks %s\n%s", c.in, w, got)
				}
			}
			for _, n := range c.none {
				if strings.Contains(got, n) {
					t.Errorf("%q has %s\n%s", c.in, n, got)
				}
			}
		})
	}
}

// TestCorners holds the arms of every corner and crossing against what they
// join: each arm reaches its edge of the cell, and nothing else does.
func TestCorners(t *testing.T) {
	for r, want := range map[rune]string{'─': "LR", '━': "LR", '│': "UD", '┌': "RD", '┐': "LD", '└': "UR", '┘': "LU", '├': "URD", '┤': "LUD", '┬': "LRD", '┴': "LUR", '┼': "LURD", '╸': "L", '╺': "R", '╹': "U", '╻': "D", '╔': "RD", '╬': "LURD", '╿': "UD", '╋': "LURD"} {
		d := drawing{window: window}
		cell := []uv.Cell{{Content: string(r), Width: 1, Style: uv.Style{Fg: ansi.BasicColor(1)}}}
		d.line(cell, 0)
		got := map[byte]bool{}
		for _, k := range d.over.keys {
			d.over.flush(k)
			for _, sub := range strings.Split(strings.Trim(d.over.data[k].String(), "Mz"), "zM") {
				var x, y, w, h float64
				if _, err := fmt.Sscanf(sub, "%f %fh%fv%f", &x, &y, &w, &h); err != nil {
					t.Fatalf("%c: %q: %v", r, sub, err)
				}
				x, y = x-padding, y-padding-titleH
				got['L'] = got['L'] || x == 0
				got['U'] = got['U'] || y == 0
				got['R'] = got['R'] || x+w == cellW
				got['D'] = got['D'] || y+h == cellH
			}
		}
		for _, side := range []byte("LURD") {
			if got[side] != strings.Contains(want, string(side)) {
				t.Errorf("%c: %c is %v", r, side, got[side])
			}
		}
	}
}
