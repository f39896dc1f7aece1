package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestOpenMakesPrivateFileWithWAL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b", "x?y#z%.db")
	s := open(t, path)
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", st.Mode().Perm())
	}
	var mode string
	if err := s.db.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal mode %q, %v", mode, err)
	}
	var fk int
	if err := s.db.QueryRow("PRAGMA foreign_keys").Scan(&fk); err != nil || fk != 1 {
		t.Errorf("foreign keys %d, %v", fk, err)
	}
}

func TestTrainingJobs(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "t.db")
	s := open(t, path)
	want := TrainingJob{Account: "local", Region: "us-east-1", Name: "tb-a", ARN: "arn:x", Dataset: "d.jsonl", Preset: "style",
		PromptFormat: "mistral-v3", BaseModel: "tunebench-base", Config: `{"version":1}`, Created: time.UnixMilli(1700000000123).UTC()}
	if err := s.PutTrainingJob(ctx, want); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, path)
	got, err := s.TrainingJob(ctx, "local", "us-east-1", "tb-a")
	if err != nil || got != want {
		t.Fatalf("got %+v, %v\nwant %+v", got, err, want)
	}
	if _, err := s.TrainingJob(ctx, "local", "eu-west-1", "tb-a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("other Region: %v", err)
	}
	jobs, err := s.TrainingJobs(ctx, "local", "us-east-1")
	if err != nil || len(jobs) != 1 || jobs[0] != want {
		t.Errorf("jobs %+v, %v", jobs, err)
	}
	if err := s.SetLogPosition(ctx, "local", "us-east-1", "tb-a", want.Created, want.Created); err != nil {
		t.Fatal(err)
	}
	if at, err := s.LogPosition(ctx, "local", "us-east-1", "tb-a"); err != nil || !at.Equal(want.Created) {
		t.Errorf("position %v, %v", at, err)
	}
	if err := s.ForgetAccount(ctx, "local"); err != nil {
		t.Fatal(err)
	}
	if jobs, _ := s.TrainingJobs(ctx, "local", "us-east-1"); len(jobs) != 0 {
		t.Errorf("still there: %+v", jobs)
	}
}

func TestPrefs(t *testing.T) {
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "t.db"))
	if v, err := s.Pref(ctx, "theme", "dusk"); v != "dusk" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	for _, v := range []string{"dawn", "noon"} {
		if err := s.SetPref(ctx, "theme", v); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Pref(ctx, "theme", ""); got != v || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// Several processes open the file at once; several handles stand in for them.
func TestManyOpenAndWriteAtOnce(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "t.db")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			s, err := Open(ctx, path)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for range 5 {
				if err := s.SetPref(ctx, "k", strings.Repeat("v", i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestClearErrors(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.db")
	if err := os.WriteFile(bad, []byte(strings.Repeat("no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, bad); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("damaged: %v", err)
	}
	newer := filepath.Join(dir, "newer.db")
	s := open(t, newer)
	if _, err := s.db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := Open(ctx, newer); err == nil || !strings.Contains(err.Error(), "newer tunebench") {
		t.Errorf("newer: %v", err)
	}
	// SQLite's own page limit stands in for a full disk.
	s = open(t, filepath.Join(dir, "full.db"))
	s.db.SetMaxOpenConns(1)
	if _, err := s.db.Exec("PRAGMA max_page_count = 60"); err != nil {
		t.Fatal(err)
	}
	err := s.SetPref(ctx, "big", strings.Repeat("x", 1<<20))
	if err == nil || !strings.Contains(err.Error(), "is full") {
		t.Errorf("full: %v", err)
	}
	if v, err := s.Pref(ctx, "big", "none"); v != "none" || err != nil {
		t.Errorf("after a full disk: %.10q, %v", v, err)
	}
}
