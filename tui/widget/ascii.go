package widget

import (
	"strings"
	"unicode/utf8"
)

// SetASCII says that the terminal shows ASCII only, as under LANG=C: lines,
// marks and arrows are drawn with ASCII, and characters of texts that have no
// like in it are question marks, as wide as they are.
func (l *Look) SetASCII(on bool) {
	if l.ascii != on {
		l.ascii = on
		l.changed()
	}
}

// SetBraille says whether the terminal shows braille; ASCII stands in for it.
func (l *Look) SetBraille(on bool) {
	if l.dotless == on {
		l.dotless = !on
		l.changed()
	}
}

func isBraille(g string) bool {
	r, _ := utf8.DecodeRuneInString(g)
	return r >= 0x2800 && r < 0x2900
}

// ASCII reports whether only ASCII is drawn.
func (l *Look) ASCII() bool { return l.ascii }

// KeyName writes the name of a key as it can be shown: arrows become words
// where there are only letters.
func (l *Look) KeyName(s string) string {
	if !l.ascii && !l.linear {
		return s
	}
	return arrowWords.Replace(s)
}

var arrowWords = strings.NewReplacer("↑", "up", "↓", "down", "←", "left", "→", "right")

// ours are the characters that the workbench draws, and what stands for them.
var ours = map[rune]byte{
	'─': '-', '━': '=', '╸': '=', '│': '|', '┼': '+', '┤': '|', '┬': '+', '└': '+', '╭': '+', '╮': '+', '╯': '+', '╰': '+',
	'▌': '>', '█': '#', '▁': '_', '▂': '_', '▃': '_', '▄': 'o', '▅': 'o', '▆': 'o', '▇': '#', '░': '.', '▒': ':', '▓': '#', '╳': 'x', '↵': '/', '→': '>', '←': '<', '↑': '^', '↓': 'v',
	'↻': 'o', '⠶': '*', '⠂': '.', '⠤': '-',
	'⠋': '|', '⠙': '/', '⠹': '-', '⠸': '\\', '⠼': '|', '⠴': '/', '⠦': '-', '⠧': '\\', '⠇': '|', '⠏': '/',
	// What stands in ordinary texts.
	'\u00a0': ' ', '‘': '\'', '’': '\'', '‚': '\'', '“': '"', '”': '"', '„': '"', '«': '"', '»': '"',
	'‐': '-', '‑': '-', '‒': '-', '–': '-', '—': '-', '−': '-', '…': '.', '•': '*', '·': '.', '×': 'x', '÷': '/',
	'¡': '!', '¦': '|', 'ª': 'a', '²': '2', '³': '3', '¹': '1', 'º': 'o', '≤': '<', '≥': '>',
}

// letters are the ASCII letters nearest to U+00C0 to U+017F; ? where none is near.
const letters = "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuyty" +
	"AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs"

// toASCII returns what stands for a character of width cells.
func toASCII(g string, width int) string {
	r, _ := utf8.DecodeRuneInString(g)
	c := byte('?')
	switch b, ok := ours[r]; {
	case ok:
		c = b
	case r < 0x80:
		c = byte(r) // a letter with marks of its own
	case r >= 0xc0 && r < 0x180:
		c = letters[r-0xc0]
	case isBraille(g):
		c = dotted(r - 0x2800)
	}
	if width == 1 {
		return string(rune(c))
	}
	return strings.Repeat(string(rune(c)), width)
}

// dotted stands for dots of a chart: high, low or both.
func dotted(bits rune) byte {
	const upper, lower = 0x1b, 0xe4
	switch high, low := bits&upper != 0, bits&lower != 0; {
	case high && low:
		return ':'
	case high:
		return '\''
	}
	return '.'
}
