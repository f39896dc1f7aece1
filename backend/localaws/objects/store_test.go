package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"tunebench/backend/localaws/wire"
)

func newStore(t *testing.T) (*Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := Open(dir, Options{Now: func() time.Time { return time.Unix(1767323045, 678e6) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func put(t *testing.T, s *Store, key, body string) Object {
	t.Helper()
	o, err := s.Put(t.Context(), "bucket", key, strings.NewReader(body), PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func get(t *testing.T, s *Store, key string) string {
	t.Helper()
	r, err := s.Get(t.Context(), "bucket", key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var oddKeys = []string{"a", "A", "a/", "a/b", "../../etc/passwd", ".", "..", "/", "//x", "con.txt", "line\nbreak", "tab\t", "é🙂", "%2F", "nul\x00", strings.Repeat("k", 1024)}

// Any key is safe, and everything is there after the store is opened again.
func TestOddKeysAndRestart(t *testing.T) {
	s, dir := newStore(t)
	for i, k := range oddKeys {
		put(t, s, k, fmt.Sprint("old ", i))
		put(t, s, k, fmt.Sprint("body ", i))
	}
	for _, k := range []string{"", strings.Repeat("k", 1025), "\xff"} {
		var e *wire.Error
		if _, err := s.Put(t.Context(), "bucket", k, strings.NewReader(""), PutOptions{}); !errors.As(err, &e) || e.Status != 400 {
			t.Errorf("%q: %v", k, err)
		}
	}
	// What a killed process may leave behind.
	left := filepath.Join(dir, "bucket", "objects", keyFile("a")+".9.data")
	if err := os.WriteFile(left, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range oddKeys {
		if got := get(t, s, k); got != fmt.Sprint("body ", i) {
			t.Errorf("%q: %q", k, got)
		}
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("left-over file: %v", err)
	}
	list, err := s.List(t.Context(), "bucket", "a")
	if err != nil || len(list) != 3 || list[1].Key != "a/" || list[0].ETag == "" || list[0].Modified.UnixMilli() != 1767323045678 {
		t.Errorf("%+v %v", list, err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "bucket", "objects"))
	if err != nil || len(files) != 2*len(oddKeys) {
		t.Errorf("%d files for %d objects, %v", len(files), len(oddKeys), err)
	}
	for _, k := range oddKeys {
		if err := s.Delete(t.Context(), "bucket", k); err != nil {
			t.Error(err)
		}
	}
	if err := s.DeleteBucket("bucket"); err != nil {
		t.Error(err)
	}
	if s, err = Open(dir, Options{}); err != nil || len(s.Buckets()) != 0 {
		t.Errorf("%v %v", s.Buckets(), err)
	}
}

func TestErrors(t *testing.T) {
	s, dir := newStore(t)
	ctx := t.Context()
	if _, err := s.Get(ctx, "none", "k"); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
	if _, err := s.Head(ctx, "bucket", "k"); !errors.Is(err, ErrNoSuchKey) {
		t.Error(err)
	}
	for _, name := range []string{"", "ab", "Upper", "a_b", "../x", "a..b", "192.168.0.1", "-ab", strings.Repeat("a", 64)} {
		var e *wire.Error
		if err := s.CreateBucket(name); !errors.As(err, &e) || e.Code != "InvalidBucketName" {
			t.Errorf("%q: %v", name, err)
		}
	}
	// A body that fails changes nothing.
	put(t, s, "k", "old")
	broken := io.MultiReader(strings.NewReader("new"), iotestErr{})
	if _, err := s.Put(ctx, "bucket", "k", broken, PutOptions{}); !errors.Is(err, io.ErrUnexpectedEOF) || get(t, s, "k") != "old" {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Put(gone, "bucket", "k", strings.NewReader("new"), PutOptions{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// A disk that fails is named.
	if err := os.RemoveAll(filepath.Join(dir, "bucket", "objects")); err != nil {
		t.Fatal(err)
	}
	_, err := s.Put(ctx, "bucket", "k", strings.NewReader("new"), PutOptions{})
	if err == nil || !strings.Contains(err.Error(), "s3://bucket/k could not be stored under "+dir) {
		t.Error(err)
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestFS(t *testing.T) {
	s, _ := newStore(t)
	for _, k := range []string{"out/model/config.json", "out/model/model.safetensors", "out/log", "outside", "out//odd", "out/dir/"} {
		put(t, s, k, "bytes of "+k)
	}
	fsys := s.FS(t.Context(), "bucket", "out")
	if err := fstest.TestFS(fsys, "model/config.json", "model/model.safetensors", "log"); err != nil {
		t.Error(err)
	}
	f, err := fsys.Open("model/config.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 5)
	if _, err := f.(io.ReaderAt).ReadAt(b, 9); err != nil || string(b) != "out/m" {
		t.Errorf("%q %v", b, err)
	}
	if _, err := f.(io.Seeker).Seek(0, io.SeekEnd); err != nil {
		t.Error(err)
	}
	if _, err := fs.Stat(fsys, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := fs.ReadDir(s.FS(t.Context(), "none", ""), "."); !errors.Is(err, ErrNoSuchBucket) {
		t.Error(err)
	}
}

// Readers always see one whole version while writers replace it.
func TestConcurrentPutAndGet(t *testing.T) {
	s, _ := newStore(t)
	put(t, s, "k", "0")
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for range 25 {
				body := bytes.Repeat([]byte{byte('a' + w)}, 1000)
				if _, err := s.Put(t.Context(), "bucket", "k", bytes.NewReader(body), PutOptions{}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 50 {
				r, err := s.Get(t.Context(), "bucket", "k")
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(r)
				r.Close()
				if err != nil || int64(len(b)) != r.Object.Size || strings.Trim(string(b), string(b[:1])) != "" {
					t.Errorf("%d bytes, %v", len(b), err)
				}
				if _, err := s.List(t.Context(), "bucket", ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestParseURI(t *testing.T) {
	if b, k, err := ParseURI("s3://b/k/l"); b != "b" || k != "k/l" || err != nil {
		t.Error(b, k, err)
	}
	for _, bad := range []string{"", "s3://", "b/k", "http://b/k"} {
		if _, _, err := ParseURI(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
