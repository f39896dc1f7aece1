package logstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTidy(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	put := func(name string, lines int, days int) string {
		path := filepath.Join(dir, "local_us-east-1", name+Suffix)
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range lines {
			if _, err := s.Append([]Entry{{Time: int64(i), Stream: "algo-1", Text: strings.Repeat("x", 990)}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		used := now.AddDate(0, 0, -days)
		if err := os.Chtimes(path, used, used); err != nil {
			t.Fatal(err)
		}
		return path
	}
	names := func(all []Log) string {
		var s []string
		for _, l := range all {
			s = append(s, strings.TrimSuffix(filepath.Base(l.Path), Suffix))
		}
		return strings.Join(s, " ")
	}
	put("ancient", 1, 400)
	put("large", 100, 30)
	put("old", 10, 20)
	open := put("open", 1, 500)
	put("new", 10, 1)
	other := filepath.Join(dir, "local_us-east-1", "notes.txt")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(open) // by somebody else
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	kept, err := Kept(dir)
	if err != nil || names(kept) != "open ancient large old new" || kept[2].Size < 99_000 {
		t.Fatalf("%+v %v", kept, err)
	}
	if gone, err := Tidy(dir, 0, 0, now); err != nil || len(gone) != 0 {
		t.Errorf("without bounds: %+v %v", gone, err)
	}
	if gone, err := Tidy(dir, 90*24*time.Hour, 0, now); err != nil || names(gone) != "ancient" {
		t.Errorf("by age: %+v %v", gone, err)
	}
	if gone, err := Tidy(dir, 90*24*time.Hour, 25_000, now); err != nil || names(gone) != "large" {
		t.Errorf("by size: %+v %v", gone, err)
	}
	kept, err = Kept(dir)
	if err != nil || names(kept) != "open old new" {
		t.Errorf("%+v %v", kept, err)
	}
	left, err := os.ReadDir(filepath.Dir(other))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if strings.HasPrefix(e.Name(), "large") || strings.HasPrefix(e.Name(), "ancient") {
			t.Errorf("left behind: %s", e.Name())
		}
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}

	// Reading one counts as use.
	s2, err := Open(filepath.Join(dir, "local_us-east-1", "old"+Suffix))
	if err != nil {
		t.Fatal(err)
	}
	s2.Use(now)
	if err := s2.Close(); err != nil {
		t.Fatal(err)
	}
	if kept, err = Kept(dir); err != nil || names(kept) != "open new old" {
		t.Errorf("%+v %v", kept, err)
	}
	if kept, err = Kept(filepath.Join(dir, "none")); err != nil || len(kept) != 0 {
		t.Errorf("%+v %v", kept, err)
	}
}
