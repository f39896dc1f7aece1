package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"tunebench/backend/safetext"
)

// Folder keeps files that people save under a name: NAME and Suffix, of mode 0600.
type Folder struct {
	Dir    string // "" keeps none
	Kind   string // what people call one of them, such as "preset"
	Suffix string // of the files' names, with its dot
	Most   int64  // bytes of a file
}

// nameForm has no capitals: some file systems take them for small letters.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)

// ExistsError says that something of that kind and name has been saved already.
type ExistsError struct{ Kind, Name string }

func (e *ExistsError) Error() string {
	return fmt.Sprintf("a %s named %s was saved already; replace it, or choose another name", e.Kind, e.Name)
}

// Check refuses what cannot be a name here.
func (d Folder) Check(name string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("a %s cannot be named %q; use up to 40 small letters, digits, dots, hyphens and underscores, a letter or digit first", d.Kind, safetext.Line(name))
	}
	return nil
}

// Path is where the file of a name lies.
func (d Folder) Path(name string) string { return filepath.Join(d.Dir, name+d.Suffix) }

// Names lists what has been saved, by name.
func (d Folder) Names() ([]string, error) {
	if d.Dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(d.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the %ss: %w", d.Kind, err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), d.Suffix); ok && d.Check(name) == nil {
			names = append(names, name)
		}
	}
	return names, nil
}

// Read reads a file and gives it to use, whose error says what is wrong with what
// stands in it. The error of a name that was never saved is fs.ErrNotExist.
func (d Folder) Read(name string, use func(data []byte) error) error {
	if err := d.Check(name); err != nil {
		return err
	}
	if d.Dir == "" {
		return fs.ErrNotExist
	}
	i, err := os.Stat(d.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && (!i.Mode().IsRegular() || i.Size() > d.Most) {
		err = fmt.Errorf("it is no file, or larger than %d KiB", d.Most>>10)
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(d.Path(name))
	}
	if err == nil {
		err = use(b)
	}
	if err != nil {
		return fmt.Errorf("the %s %s cannot be used: %s; correct %s or delete it", d.Kind, name, safetext.Line(err.Error()), safetext.Line(d.Path(name)))
	}
	return nil
}

// Save writes a file under a name. One that is there already is only replaced when
// that is wanted; the error is *ExistsError otherwise.
func (d Folder) Save(name string, data []byte, replace bool) error {
	if err := d.Check(name); err != nil {
		return err
	}
	if d.Dir == "" {
		return fmt.Errorf("%ss are not kept here", d.Kind)
	}
	if int64(len(data)) > d.Most {
		return fmt.Errorf("the %s %s is larger than %d KiB", d.Kind, name, d.Most>>10)
	}
	if _, err := os.Stat(d.Path(name)); err == nil && !replace {
		return &ExistsError{d.Kind, name}
	}
	err := os.MkdirAll(d.Dir, 0o700)
	if err == nil {
		err = Write(d.Path(name), data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("save the %s %s: %w", d.Kind, name, err)
	}
	return nil
}

// Delete removes a file. The error of a name that was never saved is
// fs.ErrNotExist.
func (d Folder) Delete(name string) error {
	if err := d.Check(name); err != nil {
		return err
	}
	if d.Dir == "" {
		return fs.ErrNotExist
	}
	return os.Remove(d.Path(name))
}
