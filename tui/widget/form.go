package widget

import (
	tea "charm.land/bubbletea/v2"

	"tunebench/themes"
)

// FieldKind says how a field is filled in.
type FieldKind uint8

// The kinds of field.
const (
	TextField   FieldKind = iota
	ChoiceField           // one of Options
	ButtonField           // does something when pressed
	NoteField             // a heading; cannot be focused
)

// Field of a form.
type Field struct {
	Name  string // what the owner calls it
	Label string
	Help  string // shown while it has the focus
	Kind  FieldKind
	Input Input
	// Options and Choice belong to a ChoiceField.
	Options []string
	Choice  int
	Err     string
	Off     string // why a button cannot be pressed
	// Changed is called after another choice was taken.
	Changed func() tea.Cmd
}

// Value returns what the field holds.
func (f *Field) Value() string {
	if f.Kind == ChoiceField {
		if f.Choice < len(f.Options) {
			return f.Options[f.Choice]
		}
		return ""
	}
	return f.Input.Value()
}

// Form is a list of fields, one of which has the focus.
type Form struct {
	Fields []Field
	Focus  int
	top    int
}

// Field returns the field of that name, or nil.
func (f *Form) Field(name string) *Field {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			return &f.Fields[i]
		}
	}
	return nil
}

// Value returns what a field holds; "" if there is none of that name.
func (f *Form) Value(name string) string {
	if x := f.Field(name); x != nil {
		return x.Value()
	}
	return ""
}

// On gives the focus to a field.
func (f *Form) On(name string) {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			f.Focus = i
		}
	}
}

// Current returns the field with the focus.
func (f *Form) Current() *Field { return &f.Fields[f.Focus] }

// Move gives the focus to the n-th field from here, over the ends.
func (f *Form) Move(n int) {
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for range n {
		for range f.Fields {
			f.Focus = (f.Focus + step + len(f.Fields)) % len(f.Fields)
			if f.Fields[f.Focus].Kind != NoteField {
				break
			}
		}
	}
}

// Choose changes a choice that has the focus by n places.
func (f *Form) Choose(n int) bool {
	c := f.Current()
	if c.Kind != ChoiceField || len(c.Options) == 0 {
		return false
	}
	c.Choice = (c.Choice + n + len(c.Options)) % len(c.Options)
	return true
}

// Typing reports whether letters go into the field with the focus.
func (f *Form) Typing() bool { return f.Current().Kind == TextField }

// Lines draws the form in height lines, with the place of the cursor; x is -1
// where there is none.
func (f *Form) Lines(l *Look, width, height int) (lines []string, x, y int) {
	label := 0
	for i := range f.Fields {
		if k := f.Fields[i].Kind; k == TextField || k == ChoiceField {
			label = max(label, l.Width(f.Fields[i].Label))
		}
	}
	label = min(label, width/3)
	x, y = -1, 0
	f.top = max(0, min(f.top, len(f.Fields)-height))
	if f.Focus < f.top {
		f.top = f.Focus
		if f.top > 0 && f.Fields[f.top-1].Kind == NoteField {
			f.top--
		}
	}
	if f.Focus >= f.top+height {
		f.top = f.Focus - height + 1
	}
	for i := f.top; i < len(f.Fields) && len(lines) < height; i++ {
		s, cx := f.line(l, i, width, label)
		if cx >= 0 {
			x, y = cx, len(lines)
		}
		lines = append(lines, s)
	}
	return Fit(lines, width, height), x, y
}

func (f *Form) line(l *Look, i, width, label int) (string, int) {
	c := &f.Fields[i]
	focused := i == f.Focus
	r := l.Row(width)
	name := Muted
	if focused {
		r.Put(Accent, "▌").Gap(1)
		name = Strong
	} else {
		r.Gap(2)
	}
	cursor := -1
	switch c.Kind {
	case NoteField:
		return r.Put(Faint, c.Label).String(), -1
	case ButtonField:
		st := Key
		switch {
		case c.Off != "":
			st = Faint
		case focused:
			st = Style{Fg: themes.AccentText, Bg: themes.Accent, Attr: Bold}
		}
		r.Put(st, "[ "+c.Label+" ]").Gap(2)
		if c.Off != "" {
			r.Put(Warn, c.Off)
		} else if focused {
			r.Put(Faint, c.Help)
		}
		return r.String(), -1
	case ChoiceField:
		r.Cell(name, c.Label, label, false).Gap(2)
		if focused {
			r.Put(Key, "← ").Put(Strong, c.Value()).Put(Key, " →").Gap(2).Put(Faint, c.Help)
		} else {
			r.Gap(2).Put(Text, c.Value())
		}
	default:
		r.Cell(name, c.Label, label, false).Gap(2)
		start := width - r.Left()
		// A field is as long as what is usually written into it, so that its help
		// stands near.
		field := min(r.Left()-1, max(26, l.Width(c.Value())+2))
		if !focused {
			r.Gap(2)
			field -= 2
			c.Input.Line(r, field, false)
		} else {
			r.Put(Key, "> ")
			cursor = start + 2 + c.Input.Line(r, field-2, true)
		}
		r.Gap(2)
		if c.Err != "" {
			r.Put(Bad, c.Err)
		} else if focused {
			r.Put(Faint, c.Help)
		}
	}
	if c.Kind == ChoiceField && c.Err != "" {
		r.Gap(2).Put(Bad, c.Err)
	}
	return r.String(), cursor
}
