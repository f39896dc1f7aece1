package chat

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"tunebench/backend/files"
	"tunebench/backend/safetext"
)

// Prompt is a question of the library, with variables: {{name}} stands for a text
// that is filled in when it is asked, \{{name}} for itself.
type Prompt struct {
	Name string `json:"name"`
	// System is the system prompt that goes with it, "" for none of its own.
	System string `json:"system_prompt,omitempty"`
	Text   string `json:"prompt"`
}

// variableForm has no $, which the prompts of evaluations have for the same: what
// people ask holds prices and shell commands.
var variableForm = regexp.MustCompile(`\\?\{\{ *([\pL_][\pL\pN_ .-]*?) *\}\}`)

// Variables are the names of a prompt's variables, in the order in which they
// first appear, those of the system prompt first.
func (p Prompt) Variables() []string {
	var names []string
	for _, text := range []string{p.System, p.Text} {
		for _, m := range variableForm.FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(m[0], `\`) && !slices.Contains(names, m[1]) {
				names = append(names, m[1])
			}
		}
	}
	return names
}

// Fill puts values in the place of variables. What is put in is not looked
// through again. Variables without a value stay, and are returned.
func (p Prompt) Fill(values map[string]string) (filled Prompt, missing []string) {
	fill := func(text string) string {
		return variableForm.ReplaceAllStringFunc(text, func(found string) string {
			if rest, escaped := strings.CutPrefix(found, `\`); escaped {
				return rest
			}
			name := variableForm.FindStringSubmatch(found)[1]
			if v, ok := values[name]; ok {
				return v
			}
			if !slices.Contains(missing, name) {
				missing = append(missing, name)
			}
			return found
		})
	}
	return Prompt{p.Name, fill(p.System), fill(p.Text)}, missing
}

// questionMark is the line that parts a prompt's file where it has a system
// prompt of its own.
const questionMark = "--- question ---"

// File is the prompt as its file holds it: the text, or the system prompt, a line
// "--- question ---", and the text.
func (p Prompt) File() string {
	if p.System == "" {
		return p.Text + "\n"
	}
	return p.System + "\n" + questionMark + "\n" + p.Text + "\n"
}

// PromptFrom reads what File wrote or somebody edited. The text passes safetext.
func PromptFrom(name, file string) (Prompt, error) {
	file = safetext.Text(strings.ReplaceAll(file, "\r\n", "\n"))
	p := Prompt{Name: name, Text: strings.TrimSpace(file)}
	lines := strings.Split(file, "\n")
	if i := slices.IndexFunc(lines, func(l string) bool { return strings.TrimSpace(l) == questionMark }); i >= 0 {
		p.System, p.Text = strings.TrimSpace(strings.Join(lines[:i], "\n")), strings.TrimSpace(strings.Join(lines[i+1:], "\n"))
	}
	if p.Text == "" {
		return p, fmt.Errorf("the prompt %s has no question", safetext.Line(name))
	}
	return p, nil
}

// PromptFolder keeps prompts: each a file NAME.md of mode 0600 that may be edited
// by hand. "" keeps none.
type PromptFolder string

func (d PromptFolder) files() files.Folder {
	return files.Folder{Dir: string(d), Kind: "prompt", Suffix: ".md", Most: 1 << 20}
}

// List reads all prompts, by name. Files that cannot be read are left out, and
// the error is about them.
func (d PromptFolder) List() ([]Prompt, error) {
	names, err := d.files().Names()
	var all []Prompt
	for _, name := range names {
		p, e := d.read(name)
		if e != nil {
			err = errors.Join(err, e)
			continue
		}
		all = append(all, p)
	}
	return all, err
}

func (d PromptFolder) read(name string) (p Prompt, err error) {
	return p, d.files().Read(name, func(b []byte) error {
		p, err = PromptFrom(name, string(b))
		return err
	})
}

// Read reads one prompt; the error says which there are when there is none of
// that name.
func (d PromptFolder) Read(name string) (Prompt, error) {
	p, err := d.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = d.none(name)
	}
	return p, err
}

// none says that there is no such prompt.
func (d PromptFolder) none(name string) error {
	all, _ := d.List() // what cannot be read is not on offer
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	if len(names) == 0 {
		return fmt.Errorf("there is no prompt %s: none was saved yet; tunebench prompts save does, and P in the workbench's chat", name)
	}
	return fmt.Errorf("there is no prompt %s; saved are: %s", name, strings.Join(names, ", "))
}

// Save writes a prompt under its name. One that is there already is only replaced
// when that is wanted; the error is *files.ExistsError otherwise.
func (d PromptFolder) Save(p Prompt, replace bool) error {
	if strings.TrimSpace(p.Text) == "" {
		return fmt.Errorf("the prompt %s has no question", safetext.Line(p.Name))
	}
	return d.files().Save(p.Name, []byte(p.File()), replace)
}

// Delete removes a prompt.
func (d PromptFolder) Delete(name string) error {
	err := d.files().Delete(name)
	if errors.Is(err, fs.ErrNotExist) {
		return d.none(name)
	}
	return err
}

// Prompts are the prompts of the library that can be read, by name; the error is
// about the others.
func (s *Service) Prompts() ([]Prompt, error) { return s.cfg.Prompts.List() }

// SavePrompt keeps a prompt; see [PromptFolder.Save].
func (s *Service) SavePrompt(p Prompt, replace bool) error { return s.cfg.Prompts.Save(p, replace) }

// DeletePrompt removes a prompt.
func (s *Service) DeletePrompt(name string) error { return s.cfg.Prompts.Delete(name) }
