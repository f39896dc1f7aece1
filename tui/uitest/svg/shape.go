package svg

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// arms are the lines of U+2500 to U+257F, four digits a character: to the left,
// up, to the right, down; 0 nothing, 1 light, 2 heavy, 3 double. Dashed lines do
// not join and are left to the font; arcs and diagonals are drawn on their own.
const arms = "1010202001010202000000000000000000000000000000000011002100120022" +
	"1001200110022002011001200210022011002100120022000111012102110112" +
	"0212022101220222110121011201110212022201210222021011201110212021" +
	"1012201210222022111021101120212012102210122022201111211111212121" +
	"1211111212122211122121121122222121222212122222220000000000000000" +
	"3030030300310013003330011003300301300310033031001300330001310313" +
	"0333310113033303303110133033313013103330313113133333000000000000" +
	"0000000000000000100001000010000120000200002000021020010220100201"

// Where the lines of a cell cross.
const midX, midY = 4, 9

// shape draws a character that has to join its neighbours, and reports whether
// it is one.
func (d *drawing) shape(content string, x, y float64, fg string) bool {
	r, n := utf8.DecodeRuneInString(content)
	if n != len(content) {
		return false
	}
	switch {
	case r >= 0x256d && r <= 0x2573:
		d.curve(r, x, y, fg)
	case r >= 0x2500 && r < 0x2580:
		a := arms[4*(r-0x2500):][:4]
		if a == "0000" {
			return false
		}
		d.lines(a, x, y, fg)
	case r >= 0x2580 && r < 0x25a0:
		return d.block(r, x, y, fg)
	case r >= 0x2800 && r < 0x2900:
		// bits 0 to 5 go down the left and then the right column; 6 and 7 are the
		// lowest dots, which came later
		for bit := range 8 {
			if (r-0x2800)>>bit&1 == 0 {
				continue
			}
			column, line := bit/3, bit%3
			if bit >= 6 {
				column, line = bit-6, 3
			}
			fmt.Fprintf(d.dots.at(fg), "M%s %sh.01", num(x+cellW*(1+2*float64(column))/4), num(y+cellH*(1+2*float64(line))/8))
		}
	default:
		return false
	}
	return true
}

// lines draws arms from the edges of a cell to its middle.
func (d *drawing) lines(arms string, x, y float64, fg string) {
	// how far an arm goes beyond the middle, so that corners are closed
	over := func(across ...byte) float64 {
		if strings.ContainsAny(string(across), "23") {
			return 1
		}
		return 0
	}
	left, up, right, down := arms[0], arms[1], arms[2], arms[3]
	h, v := over(up, down), over(left, right)
	for _, s := range strands(left) {
		d.over.rect(fg, rect{x, y + midY + s.at, midX + 1 + h, s.width})
	}
	for _, s := range strands(right) {
		d.over.rect(fg, rect{x + midX - h, y + midY + s.at, cellW - midX + h, s.width})
	}
	for _, s := range strands(up) {
		d.over.rect(fg, rect{x + midX + s.at, y, s.width, midY + 1 + v})
	}
	for _, s := range strands(down) {
		d.over.rect(fg, rect{x + midX + s.at, y + midY - v, s.width, cellH - midY + v})
	}
}

type strand struct{ at, width float64 }

func strands(arm byte) []strand {
	switch arm {
	case '1':
		return []strand{{0, 1}}
	case '2':
		return []strand{{-1, 3}}
	case '3':
		return []strand{{-1, 1}, {1, 1}}
	}
	return nil
}

// curve draws rounded corners and diagonals.
func (d *drawing) curve(r rune, x, y float64, fg string) {
	b := d.arcs.at(fg)
	midX, midY, right, low := num(x+midX+0.5), num(y+midY+0.5), num(x+cellW), num(y+cellH)
	left, top := num(x), num(y)
	bend := func(side, end string) { fmt.Fprintf(b, "M%s %sQ%s %[2]s %[3]s %s", side, midY, midX, end) }
	switch r {
	case '╭':
		bend(right, low)
	case '╮':
		bend(left, low)
	case '╯':
		bend(left, top)
	case '╰':
		bend(right, top)
	}
	if r == '╱' || r == '╳' {
		fmt.Fprintf(b, "M%s %sL%s %s", left, low, right, top)
	}
	if r == '╲' || r == '╳' {
		fmt.Fprintf(b, "M%s %sL%s %s", left, top, right, low)
	}
}

// block draws U+2580 to U+2595 but for the shades; it reports false for the rest.
func (d *drawing) block(r rune, x, y float64, fg string) bool {
	part := func(x0, y0, x1, y1 float64) bool { // in eighths of the cell
		d.over.rect(fg, rect{x + x0*cellW/8, y + y0*cellH/8, (x1 - x0) * cellW / 8, (y1 - y0) * cellH / 8})
		return true
	}
	switch n := float64(r - 0x2580); {
	case r == '▀':
		return part(0, 0, 8, 4)
	case r <= '█':
		return part(0, 8-n, 8, 8)
	case r <= '▏':
		return part(0, 0, 16-n, 8)
	case r == '▐':
		return part(4, 0, 8, 8)
	case r == '▔':
		return part(0, 0, 8, 1)
	case r == '▕':
		return part(7, 0, 8, 8)
	}
	return false
}
