package widget

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// SetLinear makes everything a text that can be read aloud: no lines, marks or
// blocks, nothing cut to a width, a value behind its label, bars and charts in
// numbers. Lines are then as long as what they say.
func (l *Look) SetLinear(on bool) {
	if l.linear != on {
		l.linear = on
		l.changed()
	}
}

// Linear reports whether what is drawn is to be read aloud.
func (l *Look) Linear() bool { return l.linear }

// unbounded is the width of a line that is not cut.
const unbounded = 1 << 30

// say returns text without what is only drawn.
func (l *Look) say(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for s != "" {
		show, _, n := l.next(s)
		r, _ := utf8.DecodeRuneInString(s)
		switch {
		case r == '↵' || r == '\u00a0':
			b.WriteByte(' ')
		case r >= 0x2190 && r <= 0x259f || r >= 0x2800 && r <= 0x28ff:
		default:
			b.WriteString(show)
		}
		s = s[n:]
	}
	return b.String()
}

// word adds a piece to a line that is read aloud.
func (r *Row) word(s string) *Row {
	if s = r.look.say(s); s != "" {
		r.b.WriteString(s)
		r.w += len(s)
	}
	return r
}

// part parts two pieces of a line that is read aloud.
func (r *Row) part(n int) *Row {
	s := r.b.String()
	switch {
	case n <= 0 || s == "" || strings.HasSuffix(s, " "):
	case n == 1 || strings.ContainsRune(":,.;", rune(s[len(s)-1])):
		r.b.WriteByte(' ')
		r.w++
	default:
		r.b.WriteString(", ")
		r.w += 2
	}
	return r
}

// Chosen marks the entry that keys act on.
const Chosen = "selected: "

// spoken is a row of a table in words: each value behind the title of its column.
func (t *Table) spoken(cells []Cell, selected bool) string {
	r := t.look.Row(t.width)
	if selected {
		r.word(Chosen)
	}
	first := true
	for i, c := range t.cols {
		if i >= len(cells) || strings.TrimSpace(cells[i].Text) == "" {
			continue
		}
		text := strings.TrimSpace(t.look.say(cells[i].Text))
		if text == "" {
			continue
		}
		if !first {
			r.word(", ")
		}
		first = false
		if c.Title != "" {
			r.word(c.Title + " ")
		}
		r.word(text)
	}
	return r.String()
}

// spoken is a field of a form in words.
func (c *Field) spoken(l *Look, width int, focused bool) string {
	r := l.Row(width)
	if focused {
		r.word(Chosen)
	}
	switch c.Kind {
	case NoteField:
		return r.word(c.Label + ":").String()
	case ButtonField:
		r.word("button " + c.Label)
		if c.Off != "" {
			r.word(", not now: " + c.Off)
		}
		if focused && c.Help != "" {
			r.word(". " + c.Help)
		}
		return r.String()
	case GroupField:
		state := "closed; right opens it"
		if c.Open {
			state = "open; left closes it"
		}
		r.word("group " + c.Label + ", " + state)
	case ChoiceField:
		r.word(fmt.Sprintf("%s, choice %d of %d: %s", c.Label, c.Choice+1, len(c.Options), c.Value()))
	default:
		v := c.Value()
		if v == "" {
			v = "empty"
		}
		r.word(c.Label + ": " + v)
	}
	if c.Err != "" {
		r.word(". Wrong: " + c.Err)
	}
	if focused && c.Help != "" {
		r.word(". " + c.Help)
	}
	return r.String()
}

// heading is a rule in words.
func (l *Look) heading(title, note string, focused bool) string {
	r := l.Row(unbounded)
	if title == "" && note == "" {
		return ""
	}
	r.word(Heading).word(title)
	if focused {
		r.word(InFocus)
	}
	if note != "" {
		r.word(", ").word(note)
	}
	return r.String()
}

// Heading begins a line that heads what follows, where text is read aloud;
// InFocus says that the keys act there.
const (
	Heading = "-- "
	InFocus = ", in focus"
)

func percent(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }
