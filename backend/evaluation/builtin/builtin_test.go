package builtin

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tunebench/backend/dataset"
	"tunebench/metrics/fmevalio"
)

// bucket is a server that holds trex, and counts what it is asked for.
type bucket struct {
	*httptest.Server
	text   []byte
	etag   string
	status int   // answered instead of the file
	cut    []int // connections that break after so many bytes
	ranges []string
}

func trex(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"question":"Q%d?","answers":"a%d<OR>b","knowledge_category":"C"}`+"\n", i, i)
	}
	return b.Bytes()
}

func newBucket(t *testing.T, text []byte) *bucket {
	t.Helper()
	sum := md5.Sum(text)
	s := &bucket{text: text, etag: `"` + hex.EncodeToString(sum[:]) + `"`}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ranges = append(s.ranges, r.Header.Get("Range"))
		if s.status != 0 {
			w.WriteHeader(s.status)
			return
		}
		if r.URL.Path != "/datasets/trex/trex.jsonl" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", s.etag)
		if len(s.cut) > 0 {
			n := s.cut[0]
			s.cut = s.cut[1:]
			from := 0
			if r.Header.Get("Range") != "" {
				if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err != nil {
					t.Error(err)
				}
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(s.text)-1, len(s.text)))
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(s.text)-from))
			if from > 0 {
				w.WriteHeader(http.StatusPartialContent)
			}
			_, _ = w.Write(s.text[from : from+n])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.text))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *bucket) store(t *testing.T) *Store {
	st := New(Options{Dir: t.TempDir(), Mirror: s.URL + "/datasets"})
	st.wait = func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }
	return st
}

func find(t *testing.T, name string) fmevalio.BuiltIn {
	t.Helper()
	b, ok, err := Find(name)
	if !ok || err != nil {
		t.Fatal(name, ok, err)
	}
	return b
}

func TestFetchOnce(t *testing.T) {
	s := newBucket(t, trex(20_000))
	st, b := s.store(t), find(t, "fmeval:trex")
	var last dataset.Progress
	calls := 0
	path, err := st.Fetch(t.Context(), b, func(p dataset.Progress) { last, calls = p, calls+1 })
	if err != nil {
		t.Fatal(err)
	}
	if last.Done != int64(len(s.text)) || last.Total != last.Done || calls < 2 || last.What != "fetching fmeval:trex" {
		t.Errorf("progress %+v after %d calls", last, calls)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, s.text) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for range 2 {
		if _, err := st.Fetch(t.Context(), b, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.ranges) != 1 {
		t.Errorf("asked %d times", len(s.ranges))
	}
	// A kept file that somebody changed comes anew.
	if err := os.WriteFile(path, s.text[:100], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Fetch(t.Context(), b, nil); err != nil || len(s.ranges) != 2 {
		t.Errorf("%v, asked %d times", err, len(s.ranges))
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.part")); left != nil {
		t.Errorf("left %v", left)
	}
}

func TestBrokenConnection(t *testing.T) {
	s := newBucket(t, trex(5000))
	s.cut = []int{1000, 70_000}
	path, err := s.store(t).Fetch(t.Context(), find(t, "fmeval:trex"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, s.text) {
		t.Error("other bytes")
	}
	if fmt.Sprint(s.ranges) != "[ bytes=1000- bytes=71000-]" {
		t.Errorf("asked for %q", s.ranges)
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*bucket)
		says   []string
		asks   int
	}{
		"private":    {func(s *bucket) { s.status = 403 }, []string{"does not let everybody read it", "copy s3://fmeval/datasets/trex/trex.jsonl to ", Mirror}, 1},
		"not there":  {func(s *bucket) { s.status = 404 }, []string{"does not have /datasets/trex/trex.jsonl"}, 1},
		"busy":       {func(s *bucket) { s.status = 503 }, []string{"answers HTTP 503"}, attempts},
		"damaged":    {func(s *bucket) { s.etag = `"` + strings.Repeat("0", 32) + `"` }, []string{"came damaged"}, 1},
		"other rows": {func(s *bucket) { s.text, s.etag = []byte(`{"q":1}`), `"x-2"` }, []string{"its first row has no question"}, 1},
		"no rows":    {func(s *bucket) { s.text, s.etag = []byte("<html>"), `"x-2"` }, []string{"is not FMEval's dataset"}, 1},
		"empty":      {func(s *bucket) { s.text, s.etag = nil, `"x-2"` }, []string{"it is empty"}, 1},
		"gone":       {func(s *bucket) { s.Close() }, []string{"cannot be reached from here", "set " + Mirror}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newBucket(t, trex(10))
			c.change(s)
			st := s.store(t)
			_, err := st.Fetch(t.Context(), find(t, "fmeval:trex"), nil)
			if err == nil {
				t.Fatal("fetched")
			}
			for _, w := range c.says {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v lacks %q", err, w)
				}
			}
			if len(s.ranges) != c.asks {
				t.Errorf("asked %d times", len(s.ranges))
			}
			left := 0
			_ = filepath.WalkDir(st.o.Dir, func(_ string, d os.DirEntry, _ error) error {
				if !d.IsDir() {
					left++
				}
				return nil
			})
			if left > 0 {
				t.Errorf("%d files left", left)
			}
		})
	}
}

// account reads what a bucket holds, as an AWS account would.
type account struct {
	text []byte
	err  error
}

func (a account) Open(_ context.Context, uri string) (dataset.Object, error) {
	if uri != "s3://fmeval/datasets/trex/trex.jsonl" {
		return nil, errors.New("no object " + uri)
	}
	return object(a), a.err
}

func (a account) List(context.Context, string) ([]string, error) { return nil, errors.New("not asked") }

type object account

func (o object) Size() int64 { return int64(len(o.text)) }

func (o object) ReadAt(_ context.Context, p []byte, off int64) (int, error) {
	return bytes.NewReader(o.text).ReadAt(p, off)
}

// TestAccount: what everybody may not read is read with the account.
func TestAccount(t *testing.T) {
	text := trex(200)
	for _, fails := range []error{nil, errors.New("AccessDenied")} {
		st := New(Options{Dir: t.TempDir(), Objects: account{text, fails}})
		st.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.String() != address+"trex/trex.jsonl" || r.Header.Get("Authorization") != "" {
				t.Errorf("asked %s", r.URL)
			}
			return &http.Response{StatusCode: 403, Body: io.NopCloser(strings.NewReader("")), Header: http.Header{}}, nil
		})
		path, err := st.Fetch(t.Context(), find(t, "fmeval:trex"), nil)
		if fails != nil {
			if err == nil || !strings.Contains(err.Error(), "AccessDenied") {
				t.Error(err)
			}
			continue
		}
		if got, _ := os.ReadFile(path); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestOffline(t *testing.T) {
	st := New(Options{Dir: t.TempDir()})
	tries := 0
	st.http.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
		tries++
		return nil, &net.DNSError{Err: "no such host", Name: "fmeval.s3.us-west-2.amazonaws.com", IsNotFound: true}
	})
	_, err := st.Fetch(t.Context(), find(t, "fmeval:trex"), nil)
	if err == nil || tries != 1 || !strings.Contains(err.Error(), "fmeval.s3.us-west-2.amazonaws.com cannot be reached from here") {
		t.Errorf("%v after %d attempts", err, tries)
	}
	// A copy that was put there by hand serves.
	path, _ := st.Local(find(t, "fmeval:trex"))
	if !strings.Contains(err.Error(), "copy s3://fmeval/datasets/trex/trex.jsonl to "+path) {
		t.Error(err)
	}
	if err := os.WriteFile(path, trex(3), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := st.Fetch(t.Context(), find(t, "fmeval:trex"), nil); err != nil || got != path {
		t.Error(got, err)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	st := New(Options{Dir: t.TempDir(), Mirror: dir})
	if _, err := st.Fetch(t.Context(), find(t, "fmeval:trex"), nil); err == nil || !strings.Contains(err.Error(), "names a folder that must hold it") {
		t.Error(err)
	}
	path := filepath.Join(dir, "trex", "trex.jsonl")
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, trex(3), 0o600)); err != nil {
		t.Fatal(err)
	}
	if got, err := st.Fetch(t.Context(), find(t, "s3://fmeval/datasets/trex/trex.jsonl"), nil); err != nil || got != path {
		t.Error(got, err)
	}
}

func TestFind(t *testing.T) {
	if _, ok, err := Find("questions.jsonl"); ok || err != nil {
		t.Error(ok, err)
	}
	if _, ok, err := Find("fmeval:trivia"); ok || err == nil || !strings.Contains(err.Error(), "fmeval:trivia_qa") {
		t.Error(ok, err)
	}
	for _, b := range fmevalio.BuiltIns() {
		if b.Metric == "" == (b.Why == "") || !strings.HasPrefix(b.URI, fmevalio.BuiltInRoot) || strings.HasPrefix(b.File(), "s3:") {
			t.Errorf("%+v", b)
		}
	}
}
