package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"tunebench/backend/safetext"
)

// SamplePrefix begins the paths of the data that comes with the program.
const SamplePrefix = "sample:"

var (
	sampleMu sync.RWMutex
	sampleFS fs.FS
)

// SetSample registers the embedded sample data; main calls it once.
func SetSample(fsys fs.FS) {
	sampleMu.Lock()
	defer sampleMu.Unlock()
	sampleFS = fsys
}

// Sample is the path of the sample dataset that comes with the program.
func Sample() string { return SamplePrefix + "openorca-sample.jsonl" }

// source is the bytes of one file of a dataset.
type source struct {
	io.ReaderAt
	path  string
	file  *os.File // when it is a plain local file
	stat  fs.FileInfo
	stop  func() // ends what runs behind it; close waits for that
	close func() error

	// raw is the file as it is stored, when ReaderAt is something unpacked.
	raw     io.ReaderAt
	rawSize int64

	mu     sync.Mutex
	size   int64 // bytes that can be read now
	final  bool  // no more will come
	err    error // why no more will come, when that is no end of file
	part   float64
	change chan struct{} // closed and replaced when one of these changes
}

func newSource(path string, r io.ReaderAt, size int64, final bool, closeFunc func() error) *source {
	return &source{ReaderAt: r, path: path, size: size, final: final, part: 1, stop: func() {}, close: closeFunc, change: make(chan struct{})}
}

// extent is how much can be read now, whether that is all, and a channel that
// is closed when either changes.
func (s *source) extent() (size int64, final bool, changed <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size, s.final, s.change, s.err
}

// length is how much can be read now.
func (s *source) length() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// progress is the fraction of the file that can be read now.
func (s *source) progress() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.final {
		return 1
	}
	return s.part
}

// set publishes a new extent.
func (s *source) set(size int64, part float64, final bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size, s.part, s.final, s.err = size, part, final, err
	close(s.change)
	s.change = make(chan struct{})
}

// stored is the number of bytes the file takes where it is.
func (s *source) stored() int64 {
	if s.raw != nil {
		return s.rawSize
	}
	return s.length()
}

// openSource opens a file, an object or a piece of the sample data.
func openSource(ctx context.Context, path string, o OpenOptions) (*source, error) {
	if strings.HasPrefix(path, SamplePrefix) {
		return openSample(path)
	}
	if strings.HasPrefix(path, "s3://") {
		return openObject(ctx, path, o)
	}
	shown := safetext.Line(path)
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s; check the path", shown)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s cannot be read: permission denied; check the permissions of the file and its folder", shown)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", shown, err)
	case st.IsDir():
		return nil, fmt.Errorf("%s is a folder; name a file of rows in it, such as train.jsonl", shown)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file, so it cannot be read in any order; copy it into one first", shown)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%s cannot be read: permission denied; check its permissions (chmod u+r)", shown)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", shown, err)
	}
	s := newSource(path, f, st.Size(), true, f.Close)
	s.file, s.stat = f, st
	return unpack(s)
}

// SampleFile returns the bytes of data that comes with the program, by its path with
// SamplePrefix.
func SampleFile(path string) ([]byte, error) {
	name := strings.TrimPrefix(path, SamplePrefix)
	sampleMu.RLock()
	fsys := sampleFS
	sampleMu.RUnlock()
	if fsys == nil {
		return nil, fmt.Errorf("%s: this build carries no sample data", safetext.Line(path))
	}
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		var names []string
		entries, _ := fs.ReadDir(fsys, ".") // an empty list says enough
		for _, e := range entries {
			names = append(names, SamplePrefix+e.Name())
		}
		return nil, fmt.Errorf("there is no sample %s; there are: %s", safetext.Line(path), strings.Join(names, ", "))
	}
	return b, nil
}

func openSample(path string) (*source, error) {
	b, err := SampleFile(path)
	if err != nil {
		return nil, err
	}
	return newSource(path, bytes.NewReader(b), int64(len(b)), true, func() error { return nil }), nil
}

// head returns the first bytes, at most n. It waits for them when they are
// still being unpacked.
func (s *source) head(ctx context.Context, n int) ([]byte, error) {
	for {
		size, final, changed, err := s.extent()
		if err != nil && size == 0 {
			return nil, err
		}
		if size >= int64(n) || final {
			b := make([]byte, min(int64(n), size))
			m, err := s.ReadAt(b, 0)
			if err != nil && !errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("read %s: %w", safetext.Line(s.path), err)
			}
			return b[:m], nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
