package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "a.txt"), filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, text string
		mode       fs.FileMode
	}{{path, "one", 0o600}, {path, "two", 0o644}, {link, "three", 0o600}, {path, "", 0o600}} {
		if err := Write(c.path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		i, err2 := os.Stat(path)
		if err != nil || err2 != nil || string(b) != c.text || i.Mode() != c.mode {
			t.Errorf("%q in mode %v: %q, %v, %v, %v", c.text, c.mode, b, i, err, err2)
		}
	}
	if i, err := os.Lstat(link); err != nil || i.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", i, err)
	}
	for _, bad := range []string{filepath.Join(dir, "none", "a.txt"), dir} {
		if err := Write(bad, []byte("x"), 0o600); err == nil {
			t.Errorf("%s was written", bad)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestFolder(t *testing.T) {
	d := Folder{Dir: filepath.Join(t.TempDir(), "a", "things"), Kind: "thing", Suffix: ".txt", Most: 2048}
	if names, err := d.Names(); err != nil || names != nil {
		t.Errorf("%v, %v", names, err)
	}
	for _, name := range []string{"b", "a-1.2_x"} {
		if err := d.Save(name, []byte("text of "+name), false); err != nil {
			t.Fatal(err)
		}
	}
	var exists *ExistsError
	if err := d.Save("b", nil, false); !errors.As(err, &exists) || *exists != (ExistsError{"thing", "b"}) || !strings.HasPrefix(err.Error(), "a thing named b was saved already") {
		t.Error(err)
	}
	if err := d.Save("b", []byte("other"), true); err != nil {
		t.Error(err)
	}
	for _, other := range []string{"B.txt", "c.md", ".hidden.txt"} {
		if err := os.WriteFile(filepath.Join(d.Dir, other), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := d.Names(); err != nil || !slices.Equal(names, []string{"a-1.2_x", "b"}) {
		t.Errorf("%v, %v", names, err)
	}
	read := ""
	take := func(b []byte) error { read = string(b); return nil }
	if err := d.Read("b", take); err != nil || read != "other" {
		t.Errorf("%q, %v", read, err)
	}
	if err := d.Read("b", func([]byte) error { return errors.New("no\x1b good") }); err == nil || strings.Contains(err.Error(), "\x1b") || !strings.Contains(err.Error(), "the thing b cannot be used: no") ||
		!strings.Contains(err.Error(), "correct "+d.Path("b")) {
		t.Error(err)
	}
	if err := os.WriteFile(d.Path("large"), make([]byte, 2049), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Read("large", take); err == nil || !strings.Contains(err.Error(), "larger than 2 KiB") {
		t.Error(err)
	}
	if err := d.Save("large", make([]byte, 2049), true); err == nil {
		t.Error("too much was saved")
	}
	for _, name := range []string{"", "../x", "A", "a b", ".x", strings.Repeat("a", 41)} {
		if d.Save(name, nil, true) == nil || d.Read(name, take) == nil || d.Delete(name) == nil {
			t.Errorf("%q is a name", name)
		}
	}
	if err := d.Delete("b"); err != nil {
		t.Error(err)
	}
	for _, d := range []Folder{d, {Kind: "thing"}} {
		if err := d.Read("b", take); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if err := d.Delete("b"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	if err := (Folder{Kind: "thing"}).Save("b", nil, false); err == nil || err.Error() != "things are not kept here" {
		t.Error(err)
	}
}
