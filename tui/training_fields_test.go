package tui

import (
	"testing"

	"tunebench/backend/training"
)

// TestEveryFieldIsOffered: the form has every setting and option of a job, each
// explained in a line that fits the narrowest screen.
func TestEveryFieldIsOffered(t *testing.T) {
	n := 0
	for name := range (training.Settings{}).Texts() {
		if f := jobFields[name]; f == nil || f.option {
			t.Errorf("setting %s: %+v", name, f)
		}
		n++
	}
	for name := range (training.Options{}).Texts() {
		if name == "checkpoints" { // another job's; R takes it
			continue
		}
		if f := jobFields[name]; f == nil || !f.option {
			t.Errorf("option %s: %+v", name, f)
		}
		n++
	}
	if n != len(jobFields) {
		t.Errorf("%d fields for %d settings and options", len(jobFields), n)
	}
	for _, g := range jobGroups {
		if g.help == "" || len(g.help) > 90 || g.label == "" {
			t.Errorf("group %+v", g.label)
		}
		for _, f := range g.fields {
			if f.help == "" || len(f.help) > 78 || f.label == "" || len(f.label) > 18 {
				t.Errorf("%s: label %q, help of %d bytes %q", f.name, f.label, len(f.help), f.help)
			}
		}
	}
	for _, p := range training.Presets() {
		if len(p.Summary) > 78 {
			t.Errorf("%s: summary of %d bytes", p.Name, len(p.Summary))
		}
	}
}
