package widget

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"tunebench/backend/safetext"
)

// Input is a text field: one line, or several where Multi is set. The text is
// what the user typed or pasted, cleaned.
type Input struct {
	Multi       bool
	Placeholder string

	text []rune
	pos  int
	left int // first cell in sight of a single line
}

// Value returns the text.
func (in *Input) Value() string { return string(in.text) }

// Set replaces the text and puts the cursor behind it.
func (in *Input) Set(s string) {
	in.text = []rune(s)
	in.pos, in.left = len(in.text), 0
}

// Insert adds text at the cursor, cleaned: pastes are text from outside.
func (in *Input) Insert(s string) {
	if in.Multi {
		s = safetext.Text(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s))
	} else {
		s = safetext.Line(s)
	}
	add := []rune(s)
	in.text = append(in.text[:in.pos:in.pos], append(add, in.text[in.pos:]...)...)
	in.pos += len(add)
}

// Press handles a key by its name; typed is the text that it stands for, if any.
// It reports whether the key meant something here.
func (in *Input) Press(key, typed string) bool {
	switch key {
	case "left", "ctrl+b":
		in.pos = max(in.pos-1, 0)
	case "right", "ctrl+f":
		in.pos = min(in.pos+1, len(in.text))
	case "home", "ctrl+a":
		in.pos = in.lineStart()
	case "end", "ctrl+e":
		in.pos = in.lineEnd()
	case "alt+left", "ctrl+left", "alt+b":
		in.pos = in.wordLeft()
	case "alt+right", "ctrl+right", "alt+f":
		in.pos = in.wordRight()
	case "backspace", "ctrl+h":
		in.remove(in.pos-1, in.pos)
	case "delete":
		in.remove(in.pos, in.pos+1)
	case "ctrl+w", "alt+backspace":
		in.remove(in.wordLeft(), in.pos)
	case "ctrl+u":
		in.remove(in.lineStart(), in.pos)
	case "ctrl+k":
		in.remove(in.pos, in.lineEnd())
	default:
		if typed == "" {
			return false
		}
		in.Insert(typed)
	}
	return true
}

// Takes reports whether a key that stands for no text means something here.
func (in *Input) Takes(key string) bool {
	probe := *in
	return probe.Press(key, "")
}

func (in *Input) remove(from, to int) {
	from, to = max(from, 0), min(to, len(in.text))
	if from >= to {
		return
	}
	in.text = append(in.text[:from:from], in.text[to:]...)
	in.pos = from
}

func (in *Input) lineStart() int {
	i := in.pos
	for i > 0 && in.text[i-1] != '\n' {
		i--
	}
	return i
}

func (in *Input) lineEnd() int {
	i := in.pos
	for i < len(in.text) && in.text[i] != '\n' {
		i++
	}
	return i
}

func (in *Input) wordLeft() int {
	i := in.pos
	for i > 0 && unicode.IsSpace(in.text[i-1]) {
		i--
	}
	for i > 0 && !unicode.IsSpace(in.text[i-1]) {
		i--
	}
	return i
}

func (in *Input) wordRight() int {
	i := in.pos
	for i < len(in.text) && unicode.IsSpace(in.text[i]) {
		i++
	}
	for i < len(in.text) && !unicode.IsSpace(in.text[i]) {
		i++
	}
	return i
}

// Line adds a single-line field of width cells to a row and returns the column
// of the cursor within the field.
func (in *Input) Line(r *Row, width int, focused bool) (cursor int) {
	l := r.look
	if len(in.text) == 0 {
		r.Cell(Faint, in.Placeholder, width, false)
		return 0
	}
	before := l.Width(string(in.text[:in.pos]))
	if !focused {
		in.left = 0
	} else if before < in.left {
		in.left = before
	} else if before-in.left >= width {
		in.left = before - width + 1
	}
	s := l.Skip(string(in.text), in.left)
	if focused {
		part, w := l.head(s, width)
		r.Put(Text, part).Gap(width - w)
	} else {
		r.Cell(Text, s, width, false)
	}
	return min(before-in.left, width-1)
}

// Lines draws a field of several lines in at most height lines and returns them
// with the place of the cursor.
func (in *Input) Lines(l *Look, width, height int) (lines []string, x, y int) {
	if len(in.text) == 0 {
		return []string{l.Row(width).Put(Faint, in.Placeholder).String()}, 0, 0
	}
	// Hard breaks only: the cursor must stand where the next letter goes.
	var rows []string
	var b strings.Builder
	w := 0
	flush := func() {
		rows = append(rows, b.String())
		b.Reset()
		w = 0
	}
	for i, c := range in.text {
		if i == in.pos {
			x, y = w, len(rows)
		}
		if c == '\n' {
			flush()
			continue
		}
		cw := l.Width(string(c))
		if w+cw > width-1 {
			flush()
			if i == in.pos {
				x, y = 0, len(rows)
			}
		}
		b.WriteRune(c)
		w += cw
	}
	if in.pos == len(in.text) {
		x, y = w, len(rows)
	}
	flush()
	top := max(0, y-height+1)
	for _, s := range rows[top:min(top+height, len(rows))] {
		lines = append(lines, l.Row(width).Put(Text, s).String())
	}
	return lines, x, y - top
}

// Cursor returns how many bytes of the text stand before the cursor.
func (in *Input) Cursor() int { return len(string(in.text[:in.pos])) }

// SetCursor puts the cursor behind the first n bytes of the text, at the start of
// the character that n falls into.
func (in *Input) SetCursor(n int) {
	at := 0
	for i, r := range in.text {
		if at+utf8.RuneLen(r) > n {
			in.pos = i
			return
		}
		at += utf8.RuneLen(r)
	}
	in.pos = len(in.text)
}
