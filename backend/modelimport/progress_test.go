package modelimport

import (
	"os"
	"path/filepath"
	"testing"

	"tunebench/backend/artifact/corpus"
)

// TestUploadProgress: it goes forward only, and ends at the whole.
func TestUploadProgress(t *testing.T) {
	s := service(t, nil)
	dir := t.TempDir()
	if err := corpus.Make(corpus.Layout{Tied: true}).Write(dir); err != nil {
		t.Fatal(err)
	}
	// More than one part.
	if err := os.WriteFile(filepath.Join(dir, "notes.md"), make([]byte, 20<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	var seen []int64
	var whole int64
	j, err := s.Start(t.Context(), Request{Source: dir, Name: "told", Progress: func(done, total int64) {
		seen, whole = append(seen, done), total
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) < 3 || seen[len(seen)-1] != whole || whole < 20<<20 {
		t.Fatalf("%d of %d, %d times", seen[len(seen)-1], whole, len(seen))
	}
	for i := 1; i < len(seen); i++ {
		if seen[i] <= seen[i-1] {
			t.Fatalf("%d after %d", seen[i], seen[i-1])
		}
	}
	if _, err := s.Wait(t.Context(), j.Name, nil); err != nil {
		t.Fatal(err)
	}
}
