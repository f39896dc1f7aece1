// Package golden reads the vectors in metrics/testdata for tests: values that
// FMEval's own functions computed. Only tests use it.
package golden

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Dir returns the folder of the vectors.
func Dir(t testing.TB) string {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "..", "..", "testdata")
	if _, err := os.Stat(dir); err != nil {
		// With -trimpath the caller's path is no path of this machine.
		for dir = "testdata"; ; dir = filepath.Join("..", dir) {
			if _, err := os.Stat(filepath.Join(dir, "qa_accuracy.jsonl.gz")); err == nil {
				return dir
			}
			if len(dir) > 60 {
				t.Fatal("metrics/testdata was not found")
			}
		}
	}
	return dir
}

// Bytes returns the content of a file under the folder of vectors, packed (name
// plus ".gz") or not.
func Bytes(t testing.TB, name string) []byte {
	t.Helper()
	path := filepath.Join(Dir(t), name)
	data, err := os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	packed, err := os.ReadFile(path + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return data
}

// Lines returns the rows of a JSON Lines file of vectors; there must be want.
func Lines[T any](t testing.TB, name string, want int) []T {
	t.Helper()
	var all []T
	for d := json.NewDecoder(bytes.NewReader(Bytes(t, name))); ; {
		var v T
		if err := d.Decode(&v); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, v)
	}
	if len(all) != want {
		t.Fatalf("%s has %d rows, want %d", name, len(all), want)
	}
	return all
}
