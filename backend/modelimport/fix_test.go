package modelimport

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tunebench/backend/artifact"
	"tunebench/backend/artifact/corpus"
)

// mendable are the cases of the corpus that can be mended without a guess.
var mendable = map[string]bool{
	"an index without metadata": true, "total_parameters in the index": true, "an index with another size": true,
	"the newer name of the dtype": true, "a dtype that weights do not have": true, "a dtype that these weights do not have": true,
	"the newer place of rope_theta": true, "code of its own": true, "a tokenizer class of transformers 5": true,
}

// TestFixes: what can be mended passes afterwards, in a copy; what would be a
// guess is left alone, and the original is never touched.
func TestFixes(t *testing.T) {
	s := service(t, nil)
	for _, c := range corpus.Broken() {
		t.Run(c.Name, func(t *testing.T) {
			files, dir := c.Make(), t.TempDir()
			if err := files.Write(dir); err != nil {
				t.Fatal(err)
			}
			fixes, err := s.Fixes(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(fixes.List) > 0; got != mendable[c.Name] {
				t.Fatalf("mended: %v, %+v", got, fixes.List)
			}
			if !mendable[c.Name] {
				return
			}
			if fixes.List[0].Check != c.Check {
				t.Errorf("%+v mends %s", fixes.List, c.Check)
			}
			out := filepath.Join(t.TempDir(), "mended")
			if err := fixes.Write(t.Context(), dir, out); err != nil {
				t.Fatal(err)
			}
			r, err := s.Check(t.Context(), out)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range r.Checks {
				if k.Result == Blocks || k.Result == Warning {
					t.Errorf("mended, and still %+v", k)
				}
			}
			for n, b := range files {
				if now, err := os.ReadFile(filepath.Join(dir, n)); err != nil || string(now) != string(b) {
					t.Errorf("%s of the original was changed (%v)", n, err)
				}
			}
			if err := fixes.Write(t.Context(), dir, out); err == nil || !strings.Contains(err.Error(), "not empty") {
				t.Errorf("written over a folder: %v", err)
			}
		})
	}
}

func TestFixSameTemplate(t *testing.T) {
	s := service(t, nil)
	f := corpus.Make(corpus.Layout{Tied: true})
	format, err := artifact.FormatByName("")
	if err != nil {
		t.Fatal(err)
	}
	f[artifact.ChatTemplateJinja] = []byte(format.ChatTemplate() + "\n")
	dir, out := t.TempDir(), filepath.Join(t.TempDir(), "x")
	if err := f.Write(dir); err != nil {
		t.Fatal(err)
	}
	fixes, err := s.Fixes(t.Context(), dir)
	if err != nil || len(fixes.List) != 1 {
		t.Fatalf("%+v, %v", fixes, err)
	}
	if err := fixes.Write(t.Context(), dir, out); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Check(t.Context(), out); err != nil || !r.Importable {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.Fixes(t.Context(), "s3://bucket/x/"); err == nil {
		t.Error("an artifact in S3 was mended")
	}
}
