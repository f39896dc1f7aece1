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
	GroupField            // hides the fields behind it, up to the next group or button
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
	// Press is what a button does that is not the form's own.
	Press func() tea.Cmd
	// Note is what a group holds, in short; Open shows its fields.
	Note string
	Open bool
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
	// Apart leaves the help to the owner, who has a line for it.
	Apart bool
	top   int // among the fields in sight
}

// hidden reports whether a field belongs to a group that is closed, and grouped
// whether it belongs to one.
func (f *Form) hidden(i int) (hidden, grouped bool) {
	if k := f.Fields[i].Kind; k == GroupField || k == ButtonField {
		return false, false
	}
	for i--; i >= 0; i-- {
		switch f.Fields[i].Kind {
		case GroupField:
			return !f.Fields[i].Open, true
		case ButtonField:
			return false, false
		}
	}
	return false, false
}

// group is the group that a field belongs to, or nil.
func (f *Form) group(i int) *Field {
	if _, in := f.hidden(i); !in {
		return nil
	}
	for f.Fields[i].Kind != GroupField {
		i--
	}
	return &f.Fields[i]
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

// On gives the focus to a field and opens its group.
func (f *Form) On(name string) {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			f.Focus = i
			if g := f.group(i); g != nil {
				g.Open = true
			}
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
			if hidden, _ := f.hidden(f.Focus); !hidden && f.Fields[f.Focus].Kind != NoteField {
				break
			}
		}
	}
}

// Choose changes a choice that has the focus by n places; a group is opened or
// closed.
func (f *Form) Choose(n int) bool {
	c := f.Current()
	if c.Kind == GroupField {
		c.Open = n > 0
		return true
	}
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
	label, focus := 0, 0
	var shown []int
	for i := range f.Fields {
		hidden, grouped := f.hidden(i)
		switch f.Fields[i].Kind {
		case TextField, ChoiceField:
			indent := 0
			if grouped {
				indent = 2
			}
			label = max(label, l.Width(f.Fields[i].Label)+indent)
		case GroupField:
			label = max(label, l.Width(f.Fields[i].Label)+2)
		}
		if i == f.Focus {
			focus = len(shown)
		}
		if !hidden {
			shown = append(shown, i)
		}
	}
	label = min(label, width/3)
	x, y = -1, 0
	f.top = max(0, min(f.top, len(shown)-height))
	if focus < f.top {
		f.top = focus
		if f.top > 0 && f.Fields[shown[f.top-1]].Kind == NoteField {
			f.top--
		}
	}
	if focus >= f.top+height {
		f.top = focus - height + 1
	}
	for k := f.top; k < len(shown) && len(lines) < height; k++ {
		s, cx := f.line(l, shown[k], width, label)
		if cx >= 0 {
			x, y = cx, len(lines)
		}
		lines = append(lines, s)
	}
	return Fit(lines, width, height), x, y
}

// InSight is how many fields are not hidden in a group.
func (f *Form) InSight() int {
	n := 0
	for i := range f.Fields {
		if hidden, _ := f.hidden(i); !hidden {
			n++
		}
	}
	return n
}

func (f *Form) line(l *Look, i, width, label int) (string, int) {
	c := &f.Fields[i]
	focused := i == f.Focus
	if l.linear {
		return c.spoken(l, width, focused), -1
	}
	r := l.Row(width)
	name := Muted
	if focused {
		r.Put(Accent, "▌").Gap(1)
		name = Strong
	} else {
		r.Gap(2)
	}
	cursor := -1
	help := c.Help
	if f.Apart {
		help = ""
	}
	if _, grouped := f.hidden(i); grouped {
		r.Gap(2)
		label -= 2
	}
	switch c.Kind {
	case GroupField:
		mark := "+ "
		if c.Open {
			mark = "- "
		}
		r.Put(Key, mark).Cell(name, c.Label, label-2, false).Gap(4)
		if !c.Open {
			r.Put(Muted, c.Note)
		}
		return r.String(), -1
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
			r.Put(Faint, help)
		}
		return r.String(), -1
	case ChoiceField:
		r.Cell(name, c.Label, label, false).Gap(2)
		if focused {
			r.Put(Key, "← ").Put(Strong, c.Value()).Put(Key, " →").Gap(2).Put(Faint, help)
		} else {
			r.Gap(2).Put(Text, c.Value())
		}
	default:
		r.Cell(name, c.Label, label, false).Gap(2)
		start := width - r.Left()
		// A field is as long as what is usually written into it, so that its help
		// stands near.
		field := min(r.Left()-1, max(26, l.Width(c.Value())+2, l.Width(c.Input.Placeholder)+2))
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
			r.Put(Faint, help)
		}
	}
	if c.Kind == ChoiceField && c.Err != "" {
		r.Gap(2).Put(Bad, c.Err)
	}
	return r.String(), cursor
}
