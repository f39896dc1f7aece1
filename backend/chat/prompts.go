package chat

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

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

const (
	promptSuffix  = ".md"
	maxPromptFile = 1 << 20
)

// promptForm has no capitals: some file systems take them for small letters.
var promptForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)

// PromptExistsError says that a prompt of that name has been saved already.
type PromptExistsError struct{ Name string }

func (e *PromptExistsError) Error() string {
	return fmt.Sprintf("a prompt named %s was saved already; replace it, or choose another name", e.Name)
}

func checkPromptName(name string) error {
	if !promptForm.MatchString(name) {
		return fmt.Errorf("a prompt cannot be named %q; use up to 40 small letters, digits, dots, hyphens and underscores, a letter or digit first", safetext.Line(name))
	}
	return nil
}

// path is where a prompt lies.
func (d PromptFolder) path(name string) string { return filepath.Join(string(d), name+promptSuffix) }

// List reads all prompts, by name. Files that cannot be read are left out, and
// the error is about them.
func (d PromptFolder) List() ([]Prompt, error) {
	if d == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the prompts: %w", err)
	}
	var all []Prompt
	var bad []error
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), promptSuffix)
		if !ok || checkPromptName(name) != nil {
			continue
		}
		p, err := d.Read(name)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		all = append(all, p)
	}
	return all, errors.Join(bad...)
}

// Read reads one prompt; the error says which there are when there is none of
// that name.
func (d PromptFolder) Read(name string) (Prompt, error) {
	if err := checkPromptName(name); err != nil {
		return Prompt{}, err
	}
	i, err := os.Stat(d.path(name))
	if d == "" || errors.Is(err, fs.ErrNotExist) {
		return Prompt{}, d.none(name)
	}
	if err == nil && (!i.Mode().IsRegular() || i.Size() > maxPromptFile) {
		err = errors.New("it is no file, or larger than 1 MiB")
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(d.path(name))
	}
	p := Prompt{}
	if err == nil {
		p, err = PromptFrom(name, string(b))
	}
	if err != nil {
		return Prompt{}, fmt.Errorf("the prompt %s cannot be used: %s; correct %s or delete it", name, safetext.Line(err.Error()), safetext.Line(d.path(name)))
	}
	return p, nil
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
// when that is wanted; the error is *PromptExistsError otherwise.
func (d PromptFolder) Save(p Prompt, replace bool) (err error) {
	switch err := checkPromptName(p.Name); {
	case err != nil:
		return err
	case d == "":
		return errors.New("prompts are not kept here")
	case strings.TrimSpace(p.Text) == "":
		return fmt.Errorf("the prompt %s has no question", p.Name)
	case len(p.File()) > maxPromptFile:
		return fmt.Errorf("the prompt %s is larger than 1 MiB", p.Name)
	}
	if _, err := os.Stat(d.path(p.Name)); err == nil && !replace {
		return &PromptExistsError{Name: p.Name}
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("save the prompt %s: %w", p.Name, err)
		}
	}()
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(string(d), ".prompt-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(p.File())
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), d.path(p.Name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// Delete removes a prompt.
func (d PromptFolder) Delete(name string) error {
	if err := checkPromptName(name); err != nil {
		return err
	}
	err := fs.ErrNotExist
	if d != "" {
		err = os.Remove(d.path(name))
	}
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
