package container

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tunebench/backend/artifact"
)

// TestComplete holds the embedded files against those on disk: all that runs in
// a container, and nothing else.
func TestComplete(t *testing.T) {
	var embedded, onDisk []string
	walk := func(fsys fs.FS, add func(string)) {
		if err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				add(path)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	walk(Files(), func(p string) { embedded = append(embedded, p) })
	walk(os.DirFS("."), func(p string) {
		ext := filepath.Ext(p)
		if strings.HasPrefix(p, "tests/") || strings.HasPrefix(p, "testdata/") || ext == ".pyc" || strings.Contains(p, "_cache/") || !slices.Contains([]string{".py", ".jinja", ".txt", ".json"}, ext) {
			return
		}
		onDisk = append(onDisk, p)
	})
	if !slices.Equal(embedded, onDisk) {
		t.Errorf("embedded %q\non disk  %q", embedded, onDisk)
	}
	// Modules that are imported must be there.
	imports := regexp.MustCompile(`(?m)^\s*(?:from tb\.(\w+) import|from tb import ([\w, ]+)|import tb\.(\w+))`)
	for _, p := range embedded {
		if filepath.Ext(p) != ".py" {
			continue
		}
		b, err := fs.ReadFile(Files(), p)
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(b), "\n"); lines > 400 {
			t.Errorf("%s has %d lines", p, lines)
		}
		for _, m := range imports.FindAllStringSubmatch(string(b), -1) {
			for _, name := range strings.Split(m[1]+m[2]+m[3], ",") {
				name, _, _ = strings.Cut(strings.TrimSpace(name), " as ")
				if file := "tb/" + name + ".py"; !slices.Contains(embedded, file) {
					t.Errorf("%s imports tb.%s, which is not embedded", p, name)
				}
			}
		}
	}
}

func TestRequirementsArePinned(t *testing.T) {
	pin := regexp.MustCompile(`^[a-z0-9-]+==[0-9][0-9a-z.]*(  # if missing)?$`)
	names, err := fs.Glob(Files(), "requirements/torch-*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("%q, %v", names, err)
	}
	for _, name := range names {
		b, err := fs.ReadFile(Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		packages := 0
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(line, "#") {
				continue
			}
			packages++
			if !pin.MatchString(line) {
				t.Errorf("%s: %q is not pinned", name, line)
			}
			if strings.HasPrefix(line, "torch==") {
				t.Errorf("%s would replace the image's PyTorch", name)
			}
		}
		if packages < 7 {
			t.Errorf("%s names %d packages", name, packages)
		}
	}
}

// TestChatTemplates holds the container's templates against those by which the
// workbench recognises a prompt format.
func TestChatTemplates(t *testing.T) {
	entries, err := fs.ReadDir(Files(), "tb/templates")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".jinja")
		names = append(names, name)
		b, err := fs.ReadFile(Files(), "tb/templates/"+e.Name())
		if err != nil {
			t.Fatal(err)
		}
		f, err := artifact.FormatByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if f.ChatTemplate() != string(b) {
			t.Errorf("the template of %s differs from the workbench's", name)
		}
	}
	want := artifact.Formats()
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("templates %q, formats %q", names, want)
	}
}

func TestImages(t *testing.T) {
	table, err := Images()
	if err != nil {
		t.Fatal(err)
	}
	defaults := 0
	for _, i := range table.Images {
		if i.Default {
			defaults++
		}
		if _, err := fs.Stat(Files(), i.Requirements); err != nil {
			t.Errorf("%s: %v", i.Name, err)
		}
		if !strings.HasPrefix(i.Tag, i.Torch+"-gpu-") || !strings.Contains(i.Tag, "cu"+strings.ReplaceAll(i.CUDA, ".", "")) {
			t.Errorf("%s: the tag %s does not fit PyTorch %s and CUDA %s", i.Name, i.Tag, i.Torch, i.CUDA)
		}
		if _, err := time.Parse(time.DateOnly, i.EndOfPatch); err != nil && i.EndOfPatch != "" {
			t.Errorf("%s: %v", i.Name, err)
		}
	}
	if defaults != 1 {
		t.Errorf("%d default images", defaults)
	}
	uri, err := table.URI(table.Default(), "eu-central-1")
	if err != nil || uri != "763104351884.dkr.ecr.eu-central-1.amazonaws.com/pytorch-training:2.5.1-gpu-py311-cu124-ubuntu22.04-sagemaker" {
		t.Errorf("%q, %v", uri, err)
	}
	if _, err := table.URI(table.Default(), "mars-1"); err == nil {
		t.Error("a registry on Mars")
	}
	day := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	if table.Default().Patched(day) || !table.Images[len(table.Images)-1].Patched(day) {
		t.Error("end of patch is read wrongly")
	}
}
