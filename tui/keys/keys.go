// Package keys holds the one table of what can be done: every action with its
// keys, its name, what it does and when it cannot. Dispatch, footer, help,
// palette, command line and the key list of the README come from such tables.
//
// The actions themselves belong to the panes.
package keys

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// Binding is one action.
type Binding struct {
	// ID names the action in the configuration and, with an argument behind it,
	// on the command line: "dataset.find". The part behind the dot is the command.
	ID   string
	Keys []string
	// Label is the word in the footer; Help the sentence everywhere else.
	Label string
	Help  string
	// Do runs the action. Args is what stands behind the command's name on the
	// command line, "" from a key.
	Do func(args string) tea.Cmd
	// Off says why the action cannot be used now, "" if it can. Nil means always.
	Off func() string
	// Rank places the action in the footer, the lowest first; 0 leaves it out.
	Rank int
	// Args names what the command takes, for help: "ROW".
	Args string
	// Complete returns what may stand behind the command's name.
	Complete func(prefix string) []string
	// Hidden keeps movements out of the palette.
	Hidden bool
}

// Why returns why the action cannot be used now, "" if it can.
func (b *Binding) Why() string {
	if b.Off == nil {
		return ""
	}
	return b.Off()
}

// Command returns the action's name on the command line.
func (b *Binding) Command() string {
	_, name, _ := strings.Cut(b.ID, ".")
	return name
}

// Table is the actions of one scope: a pane in one of its modes, or everywhere.
type Table struct {
	// Scope in words: "Dataset", "everywhere".
	Scope    string
	Bindings []Binding
}

// Find returns the binding of a key, or nil.
func (t *Table) Find(key string) *Binding {
	if t == nil {
		return nil
	}
	for i := range t.Bindings {
		if slices.Contains(t.Bindings[i].Keys, key) {
			return &t.Bindings[i]
		}
	}
	return nil
}

// Named returns the binding whose command or ID is name, or nil.
func (t *Table) Named(name string) *Binding {
	if t == nil || name == "" {
		return nil
	}
	for i := range t.Bindings {
		if b := &t.Bindings[i]; b.Command() == name || b.ID == name {
			return b
		}
	}
	return nil
}

// Footer returns the bindings that the footer shows, in order of rank, without
// those that cannot be used now.
func (t *Table) Footer() []*Binding {
	var all []*Binding
	if t == nil {
		return all
	}
	for i := range t.Bindings {
		if b := &t.Bindings[i]; b.Rank > 0 && b.Why() == "" {
			all = append(all, b)
		}
	}
	slices.SortStableFunc(all, func(a, b *Binding) int { return a.Rank - b.Rank })
	return all
}

// Refusal is why an action does not get the keys that it was to have: its own
// hold.
type Refusal struct {
	ID     string
	Reason string
}

func (r *Refusal) Error() string { return r.Reason }

// Rebind gives actions other keys, by ID. It refuses names that are unknown and
// keys that another action of the same scope has, each by name; the rest holds.
func Rebind(tables []*Table, keys map[string][]string) []*Refusal {
	own := map[*Binding][]string{}
	var ids []string
	for _, t := range tables {
		for i := range t.Bindings {
			b := &t.Bindings[i]
			ids = append(ids, b.ID)
			if k, ok := keys[b.ID]; ok {
				own[b] = b.Keys
				b.Keys = slices.Clone(k)
			}
		}
	}
	var refused []*Refusal
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		if slices.Contains(ids, id) {
			continue
		}
		why := "there is no such action; ? in the workbench lists them"
		if near := nearest(id, ids); near != "" {
			why = "there is no such action; did you mean " + near + "?"
		}
		refused = append(refused, &Refusal{id, why})
	}
	// Giving one action its own keys back may collide with another that was given
	// them, so this is done until nothing collides.
	told := map[string]bool{}
	for again := true; again; {
		again = false
		for _, t := range tables {
			a, b, key := t.collision()
			if a == nil {
				continue
			}
			if _, given := own[b]; !given {
				a, b = b, a
			}
			before, given := own[b]
			if !given {
				return append(refused, &Refusal{b.ID, fmt.Sprintf("%s: the key %s belongs to %s, too", t.Scope, key, a.ID)})
			}
			b.Keys = before
			delete(own, b)
			again = true
			if !told[b.ID] {
				told[b.ID] = true
				refused = append(refused, &Refusal{b.ID, fmt.Sprintf("the key %s is that of %s (%s) already, so its own keys hold; give one of them another key", key, a.ID, t.Scope)})
			}
		}
	}
	return refused
}

// collision returns two actions that have a key in common; nil if there are none.
func (t *Table) collision() (a, b *Binding, key string) {
	owner := map[string]*Binding{}
	for i := range t.Bindings {
		b := &t.Bindings[i]
		for _, k := range b.Keys {
			if o := owner[k]; o != nil && o != b {
				return o, b, k
			}
			owner[k] = b
		}
	}
	return nil, nil, ""
}

// nearest returns the name that differs from id least, if it is a likely slip.
func nearest(id string, names []string) string {
	best, least := "", max(2, len(id)/4)+1
	for _, n := range names {
		if d := distance(id, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is how many letters have to be put in, left out or replaced.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := left
			if a[i] != b[j] {
				d = min(left, row[j], row[j+1]) + 1
			}
			left, row[j+1] = row[j+1], d
		}
	}
	return row[len(b)]
}

// Check reports a key that two actions of the scope have, or an action that is
// not complete.
func (t *Table) Check() error {
	owner := map[string]string{}
	for i := range t.Bindings {
		b := &t.Bindings[i]
		if b.ID == "" || b.Help == "" || b.Do == nil || b.Label == "" {
			return fmt.Errorf("%s: the action %q lacks a name, a label, a help text or a handler", t.Scope, b.ID)
		}
		for _, k := range b.Keys {
			if o, ok := owner[k]; ok {
				return fmt.Errorf("%s: the key %s belongs to %s and to %s; give one of them another key", t.Scope, k, o, b.ID)
			}
			owner[k] = b.ID
		}
	}
	return nil
}

// Show writes keys as they stand on the keyboard: "space" for " ".
func Show(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	return ShowOne(keys[0])
}

// ShowOne writes one key.
func ShowOne(k string) string {
	switch k {
	case "up":
		return "↑"
	case "down":
		return "↓"
	case "left":
		return "←"
	case "right":
		return "→"
	case "pgup":
		return "PgUp"
	case "pgdown":
		return "PgDn"
	}
	return k
}
