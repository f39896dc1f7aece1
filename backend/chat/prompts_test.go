package chat

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tunebench/backend/files"
)

// TestPromptFill: variables are found, filled once and not looked through again;
// an escaped one, and what only looks like one, stays.
func TestPromptFill(t *testing.T) {
	p := Prompt{Name: "x", System: "Answer in {{ language }}.", Text: `{{question}} In {{language}}: {{first name}}, \{{question}} {{ 1 }} {{}} {{a|b}} {{größe}} {{unit.price}}`}
	if got := p.Variables(); !reflect.DeepEqual(got, []string{"language", "question", "first name", "größe", "unit.price"}) {
		t.Errorf("variables %q", got)
	}
	filled, missing := p.Fill(map[string]string{"language": "{{question}}", "question": `C:\{{x}} $5`, "größe": ""})
	if want := `C:\{{x}} $5 In {{question}}: {{first name}}, {{question}} {{ 1 }} {{}} {{a|b}}  {{unit.price}}`; filled.Text != want {
		t.Errorf("filled\n%s\n%s", filled.Text, want)
	}
	if filled.System != "Answer in {{question}}." || !reflect.DeepEqual(missing, []string{"first name", "unit.price"}) {
		t.Errorf("system %q, missing %q", filled.System, missing)
	}
}

// TestPromptFolder: prompts are files that people edit; what is wrong with one is
// said and keeps nobody from the others.
func TestPromptFolder(t *testing.T) {
	d := PromptFolder(filepath.Join(t.TempDir(), "prompts"))
	if all, err := d.List(); len(all) != 0 || err != nil {
		t.Fatalf("%v %v", all, err)
	}
	if _, err := d.Read("short"); err == nil || !strings.Contains(err.Error(), "none was saved yet") {
		t.Errorf("%v", err)
	}
	short := Prompt{Name: "short", System: "Be terse.\nVery.", Text: "What is {{thing}}?\n\nOne line."}
	for _, p := range []Prompt{short, {Name: "plain", Text: "Say hello."}} {
		if err := d.Save(p, false); err != nil {
			t.Fatal(err)
		}
	}
	var exists *files.ExistsError
	if err := d.Save(short, false); !errors.As(err, &exists) || exists.Name != "short" {
		t.Errorf("%v", err)
	}
	if got, err := d.Read("short"); err != nil || got != short {
		t.Errorf("%+v %v", got, err)
	}
	if i, err := os.Stat(d.files().Path("short")); err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", i, err)
	}
	// By hand: line ends of Windows, and what could act on a terminal.
	if err := os.WriteFile(d.files().Path("short"), []byte("Be \x1b]0;x\a kind.\r\n  --- question ---\r\nWho?\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Read("short"); err != nil || got.Text != "Who?" || strings.ContainsAny(got.System, "\x1b\a\r") || !strings.Contains(got.System, "kind.") {
		t.Errorf("%+v %v", got, err)
	}
	if err := os.WriteFile(d.files().Path("empty"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := d.List()
	if len(all) != 2 || err == nil || !strings.Contains(err.Error(), "empty cannot be used") {
		t.Errorf("%v %v", all, err)
	}
	for _, name := range []string{"", "../x", "A", "a b", strings.Repeat("a", 41)} {
		if err := d.Save(Prompt{Name: name, Text: "x"}, false); err == nil {
			t.Errorf("a prompt was saved as %q", name)
		}
		if err := d.Delete(name); err == nil {
			t.Errorf("%q was deleted", name)
		}
	}
	if err := d.Delete("plain"); err != nil {
		t.Error(err)
	}
	if _, err := d.Read("plain"); err == nil || !strings.Contains(err.Error(), "saved are: short") {
		t.Errorf("%v", err)
	}
}
