// Package builtin brings the datasets here that FMEval knows by name: once, whole,
// and held against what S3 says of them.
//
// It belongs here if it is about getting those files. What is in them is FMEval's
// configuration, which metrics/fmevalio knows.
package builtin

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
	"tunebench/metrics/fmevalio"
)

// Prefix begins the names of FMEval's datasets where a file could be named too.
const Prefix = "fmeval:"

const (
	// Region is where Amazon keeps them.
	Region = "us-west-2"
	// address is that place for requests that nobody signs.
	address = "https://fmeval.s3.us-west-2.amazonaws.com/datasets/"
	// Mirror is the environment variable that names another place.
	Mirror = "FMEVAL_DATASETS"
)

// Names lists what can be named, with the prefix.
func Names() []string {
	var all []string
	for _, b := range fmevalio.BuiltIns() {
		all = append(all, Prefix+b.Name)
	}
	return all
}

// Find tells which of FMEval's datasets a name (with the prefix) or FMEval's own
// URI stands for. ok is false for what is neither; the error is for a name with the
// prefix that FMEval does not know.
func Find(name string) (b fmevalio.BuiltIn, ok bool, err error) {
	short, prefixed := strings.CutPrefix(name, Prefix)
	if !prefixed && !strings.HasPrefix(name, fmevalio.BuiltInRoot) {
		return b, false, nil
	}
	b, ok = fmevalio.FindBuiltIn(short)
	if !ok && prefixed {
		err = fmt.Errorf("FMEval has no dataset %s; it has %s", safetext.Line(short), strings.Join(Names(), ", "))
	}
	return b, ok, err
}

// Options are what a Store is made of. Dir is required.
type Options struct {
	// Dir is where the files are kept.
	Dir string
	// Mirror is an address or a folder that stands for s3://fmeval/datasets/; ""
	// is Amazon's.
	Mirror string
	// Objects reads from Amazon's place with an account, where reading without one
	// is refused; nil where there is no such account.
	Objects dataset.Objects
}

// Store keeps the files. Its methods are safe for concurrent use.
type Store struct {
	o    Options
	http *http.Client
	// wait waits before an attempt is made again; tests replace it.
	wait func(ctx context.Context, d time.Duration) error

	mu sync.Mutex // one file at a time
}

// New makes a store.
func New(o Options) *Store {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 30 * time.Second
	return &Store{o: o, http: &http.Client{Transport: t}, wait: pause}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Local is where a dataset is, or would be once it was fetched, and whether it is
// there.
func (s *Store) Local(b fmevalio.BuiltIn) (path string, here bool) {
	if dir := s.folder(); dir != "" {
		path = filepath.Join(dir, filepath.FromSlash(b.File()))
	} else {
		path = filepath.Join(s.o.Dir, filepath.FromSlash(b.File()))
	}
	st, err := os.Stat(path)
	return path, err == nil && st.Mode().IsRegular()
}

// folder is the mirror where it is one of this machine; "" otherwise.
func (s *Store) folder() string {
	if s.o.Mirror == "" || strings.Contains(s.o.Mirror, "://") {
		return ""
	}
	return s.o.Mirror
}

// kept is what is written beside a file about where it came from.
type kept struct {
	URI     string    `json:"uri"`
	Size    int64     `json:"size"`
	SHA256  string    `json:"sha256"`
	ETag    string    `json:"etag,omitempty"`
	Fetched time.Time `json:"fetched"`
}

// Fetch returns the path of a dataset and brings it here if it is not here yet. A
// kept file is held against the hash that it had when it came; a file that someone
// has put there is taken as it is. progress may be nil.
func (s *Store) Fetch(ctx context.Context, b fmevalio.BuiltIn, progress func(dataset.Progress)) (string, error) {
	if progress == nil {
		progress = func(dataset.Progress) {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path, here := s.Local(b)
	if s.folder() != "" {
		if !here {
			return "", fmt.Errorf("%s%s: there is no file %s; %s names a folder that must hold it", Prefix, b.Name, safetext.Line(path), Mirror)
		}
		return path, nil
	}
	if here {
		err := s.check(ctx, path, b)
		var changed changedError
		if !errors.As(err, &changed) {
			return path, err
		}
		if err := os.Remove(path); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("keep %s%s: %w", Prefix, b.Name, err)
	}
	err := s.fetch(ctx, b, path, progress)
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("FMEval's dataset %s cannot be fetched: %w. Where there is a way to it, copy %s to %s, or set %s to a mirror or to a folder that holds %s",
			b.Name, err, b.URI, safetext.Line(path), Mirror, b.File())
	}
	return path, nil
}

// changedError says that a kept file is not what came.
type changedError struct{ error }

// check holds a kept file against what is known of it.
func (s *Store) check(ctx context.Context, path string, b fmevalio.BuiltIn) error {
	text, err := os.ReadFile(path + ".json")
	if errors.Is(err, fs.ErrNotExist) { // put there by hand
		if err := readable(path, b); err != nil {
			return fmt.Errorf("%s is not FMEval's dataset %s: %w; take it away to have it fetched", safetext.Line(path), b.Name, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return changedError{err}
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, reader{ctx, f})
	if err != nil {
		return fmt.Errorf("read %s: %w", safetext.Line(path), err)
	}
	if n != k.Size || hex.EncodeToString(sum.Sum(nil)) != k.SHA256 {
		return changedError{errors.New("it has changed")}
	}
	return nil
}

// readable reads the first row as FMEval does.
func readable(path string, b fmevalio.BuiltIn) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(f, 1<<20).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	d, err := fmevalio.Load(b.DataConfig, bytes.NewReader(line))
	if err != nil {
		return err
	}
	for _, c := range [][2]string{{fmevalio.ModelInput, b.ModelInput}, {fmevalio.TargetOutput, b.TargetOutput}} {
		if c[1] != "" && !d.Columns[c[0]] {
			return fmt.Errorf("its first row has no %s", safetext.Line(c[1]))
		}
	}
	return nil
}

// reader is a file that is read until the context ends.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}

// place is the address of a dataset for requests that nobody signs.
func (s *Store) place(b fmevalio.BuiltIn) (*url.URL, error) {
	root := s.o.Mirror
	if root == "" {
		root = address
	}
	u, err := url.Parse(strings.TrimRight(root, "/") + "/" + b.File())
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("%s %q is neither a folder nor an address such as %s", Mirror, safetext.Line(root), address)
	}
	return u, nil
}
