package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tunebench/backend/dataset"
)

const (
	commit = "0123456789abcdef0123456789abcdef01234567"
	token  = "hf_secretsecretsecret"
)

// world is a hub with its storage host, as far as fetching goes.
type world struct {
	t        *testing.T
	hub, cdn *httptest.Server
	files    map[string]string // path → content
	small    map[string]bool   // kept in git, not in large storage

	mu     sync.Mutex
	asked  []string                                                   // what was asked for, in order
	leaked bool                                                       // the token came to the storage host
	first  func(w http.ResponseWriter, r *http.Request) bool          // answers instead of the hub
	store  func(w http.ResponseWriter, r *http.Request) bool          // answers instead of the storage host
	lie    func(path string, size int64, hash string) (int64, string) // what the hub says of a file
}

func newWorld(t *testing.T, files map[string]string) *world {
	w := &world{t: t, files: files, small: map[string]bool{"README.md": true}}
	w.cdn = httptest.NewServer(http.HandlerFunc(w.serveStore))
	w.hub = httptest.NewServer(http.HandlerFunc(w.serveHub))
	// Another host than the hub's, not just another port.
	w.cdn.URL = strings.Replace(w.cdn.URL, "127.0.0.1", "localhost", 1)
	t.Cleanup(w.hub.Close)
	t.Cleanup(w.cdn.Close)
	return w
}

func (w *world) client(token string) *Client {
	c, err := New(w.hub.URL, token)
	if err != nil {
		w.t.Fatal(err)
	}
	c.wait = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return c
}

func (w *world) note(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, what)
}

func (w *world) serveHub(rw http.ResponseWriter, r *http.Request) {
	w.note("hub " + r.URL.Path)
	if w.first != nil && w.first(rw, r) {
		return
	}
	const api = "/api/datasets/Open-Orca/OpenOrca"
	switch p := r.URL.Path; {
	case p == api+"/revision/main":
		fmt.Fprintf(rw, `{"id":"Open-Orca/OpenOrca","sha":%q}`, commit)
	case strings.HasPrefix(p, api+"/revision/"):
		rw.Header().Set("X-Error-Code", "RevisionNotFound")
		rw.WriteHeader(http.StatusNotFound)
	case p == api+"/tree/"+commit:
		w.serveTree(rw, r)
	case strings.HasPrefix(p, "/datasets/Open-Orca/OpenOrca/resolve/"+commit+"/"):
		name := strings.TrimPrefix(p, "/datasets/Open-Orca/OpenOrca/resolve/"+commit+"/")
		if w.small[name] {
			http.ServeContent(rw, r, "", time.Time{}, strings.NewReader(w.files[name]))
			return
		}
		http.Redirect(rw, r, w.cdn.URL+"/store/"+name+"?signature=s3cr3t", http.StatusFound)
	default:
		rw.Header().Set("X-Error-Code", "RepoNotFound")
		rw.WriteHeader(http.StatusUnauthorized)
	}
}

// serveTree lists the files, one a page.
func (w *world) serveTree(rw http.ResponseWriter, r *http.Request) {
	var names []string
	for n := range w.files {
		names = append(names, n)
	}
	slices.Sort(names)
	i := 0
	_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &i)
	content := w.files[names[i]]
	sum := sha256.Sum256([]byte(content))
	blob := sha1.Sum([]byte(fmt.Sprintf("blob %d\x00%s", len(content), content)))
	size, hash := int64(len(content)), hex.EncodeToString(sum[:])
	if w.lie != nil {
		size, hash = w.lie(names[i], size, hash)
	}
	e := map[string]any{"type": "file", "path": names[i], "size": size, "oid": hex.EncodeToString(blob[:])}
	if !w.small[names[i]] {
		e["lfs"] = map[string]any{"oid": hash, "size": size, "pointerSize": 134}
	}
	if i+1 < len(names) {
		rw.Header().Set("Link", fmt.Sprintf(`<%s%s?recursive=true&cursor=%d>; rel="next"`, w.hub.URL, r.URL.Path, i+1))
	}
	_ = json.NewEncoder(rw).Encode([]any{map[string]any{"type": "directory", "path": "data", "size": 0}, e})
}

func (w *world) serveStore(rw http.ResponseWriter, r *http.Request) {
	w.note("store " + r.URL.Path + " " + r.Header.Get("Range"))
	if r.Header.Get("Authorization") != "" {
		w.mu.Lock()
		w.leaked = true
		w.mu.Unlock()
	}
	if w.store != nil && w.store(rw, r) {
		return
	}
	content := w.files[strings.TrimPrefix(r.URL.Path, "/store/")]
	rw.Header().Set("ETag", `"v1"`)
	http.ServeContent(rw, r, "", time.Time{}, strings.NewReader(content))
}

// cut sends so many bytes of what was asked for and breaks the connection.
func cut(rw http.ResponseWriter, content, etag string, from, n int) {
	rw.Header().Set("ETag", etag)
	rw.Header().Set("Content-Length", fmt.Sprint(len(content)-from))
	if from > 0 {
		rw.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		rw.WriteHeader(http.StatusPartialContent)
	}
	_, _ = io.WriteString(rw, content[from:from+n])
	_ = http.NewResponseController(rw).Flush()
	panic(http.ErrAbortHandler)
}

func orca() map[string]string {
	return map[string]string{
		"1M-GPT4-Augmented.jsonl": strings.Repeat(`{"id":"cot.1","system_prompt":"","question":"q","response":"r"}`+"\n", 4000),
		"data/more rows.csv":      "question,response\na,b\n",
		"README.md":               "# OpenOrca\n",
		"dataset_infos.json":      "{}",
		".gitattributes":          "*.parquet filter=lfs\n",
	}
}

func (w *world) fetch(c *Client, dir string, patterns ...string) ([]Fetched, error) {
	ctx := context.Background()
	s, err := c.Look(ctx, "Open-Orca/OpenOrca", "")
	if err != nil {
		return nil, err
	}
	files, err := s.Choose(patterns)
	if err != nil {
		return nil, err
	}
	return c.Fetch(ctx, s, files, dir, nil)
}

func TestFetch(t *testing.T) {
	w := newWorld(t, orca())
	dir := t.TempDir()
	got, err := w.fetch(w.client(token), dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Path != "1M-GPT4-Augmented.jsonl" || got[1].Path != "data/more rows.csv" || got[0].Kept != 0 {
		t.Errorf("%+v", got)
	}
	for _, f := range got {
		b, err := os.ReadFile(f.Local)
		if err != nil || string(b) != w.files[f.Path] || f.Local != filepath.Join(dir, f.Path) {
			t.Errorf("%s: %d bytes, %v", f.Local, len(b), err)
		}
	}
	if w.leaked {
		t.Error("the token came to the storage host")
	}
	var left []string
	_ = filepath.WalkDir(dir, func(p string, e os.DirEntry, _ error) error {
		if !e.IsDir() {
			left = append(left, p)
		}
		return nil
	})
	if len(left) != 2 {
		t.Errorf("files: %q", left)
	}
	// What was fetched opens like any other file.
	d, err := dataset.Open(context.Background(), got[0].Local, dataset.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.WaitIndexed(context.Background()); err != nil || d.Info().Rows != 4000 {
		t.Errorf("%d rows, %v", d.Info().Rows, err)
	}
	// It is here already: nothing is fetched again.
	w.asked = nil
	got, err = w.fetch(w.client(""), dir, "1M*", "README.md")
	if err != nil || got[0].Kept != got[0].Size || got[1].Kept != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, a := range w.asked {
		if strings.HasPrefix(a, "store") {
			t.Errorf("asked for %s", a)
		}
	}
	// Another file of that name is left alone.
	if err := os.WriteFile(filepath.Join(dir, "1M-GPT4-Augmented.jsonl"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.fetch(w.client(""), dir, "1M*"); err == nil || !strings.Contains(err.Error(), "another file than the hub's") {
		t.Errorf("a file of the user's: %v", err)
	}
	for _, bad := range []string{"none.jsonl", "[", "2M*"} {
		if _, err := w.fetch(w.client(""), dir, bad); err == nil {
			t.Errorf("--file %q is accepted", bad)
		}
	}
}

func TestFetchGoesOn(t *testing.T) {
	files := orca()
	const name = "1M-GPT4-Augmented.jsonl"
	content := files[name]
	t.Run("in one call", func(t *testing.T) {
		w := newWorld(t, files)
		var ranges []string
		w.store = func(rw http.ResponseWriter, r *http.Request) bool {
			ranges = append(ranges, r.Header.Get("Range")+" "+r.Header.Get("If-Range"))
			from := 0
			_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
			if len(ranges) > 9 {
				return false
			}
			cut(rw, content, `"v1"`, from, 1000)
			return true
		}
		dir := t.TempDir()
		if _, err := w.fetch(w.client(token), dir, name); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != content {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		if len(ranges) != 10 || ranges[0] != " " || ranges[9] != `bytes=9000- "v1"` {
			t.Errorf("asked for %q", ranges)
		}
		if w.leaked {
			t.Error("the token came to the storage host")
		}
	})
	t.Run("in the next call", func(t *testing.T) {
		w := newWorld(t, files)
		var broken atomic.Bool
		broken.Store(true)
		w.store = func(rw http.ResponseWriter, r *http.Request) bool {
			if broken.Load() && r.Header.Get("Range") == "" {
				cut(rw, content, `"v1"`, 0, 5000)
			}
			if broken.Load() {
				panic(http.ErrAbortHandler)
			}
			return false
		}
		dir := t.TempDir()
		_, err := w.fetch(w.client(token), dir, name)
		if err == nil || !strings.Contains(err.Error(), "5000 of") || !strings.Contains(err.Error(), "goes on") || strings.Contains(err.Error(), "s3cr3t") || strings.Contains(err.Error(), token) {
			t.Fatalf("a storage host that is gone: %v", err)
		}
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("half a file has its name: %v", err)
		}
		broken.Store(false)
		got, err := w.fetch(w.client(token), dir, name)
		if err != nil || got[0].Kept != 5000 {
			t.Errorf("%+v, %v", got, err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != content {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	})
	t.Run("bytes that have changed", func(t *testing.T) {
		w := newWorld(t, files)
		calls := 0
		w.store = func(rw http.ResponseWriter, r *http.Request) bool {
			calls++
			if calls == 1 {
				cut(rw, strings.Repeat("x", len(content)), `"old"`, 0, 5000)
			}
			return false // another version: If-Range makes it send all
		}
		dir := t.TempDir()
		if _, err := w.fetch(w.client(""), dir, name); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != content {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	})
	t.Run("a part of another version", func(t *testing.T) {
		w := newWorld(t, files)
		dir := t.TempDir()
		for file, text := range map[string]string{name + ".part": "yyyy", name + ".part.etag": strings.Repeat("0", 64) + "\n\"v0\""} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := w.fetch(w.client(""), dir, name); err != nil || got[0].Kept != 0 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestDamageIsSeen(t *testing.T) {
	const name = "1M-GPT4-Augmented.jsonl"
	files := orca()
	w := newWorld(t, files)
	dir := t.TempDir()
	w.lie = func(path string, size int64, hash string) (int64, string) { return size, strings.Repeat("a", 64) }
	if _, err := w.fetch(w.client(""), dir, name); err == nil || !strings.Contains(err.Error(), "came damaged") {
		t.Errorf("a wrong hash: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	w.lie = func(_ string, size int64, hash string) (int64, string) { return size - 1, hash }
	if _, err := w.fetch(w.client(""), dir, name); err == nil || !strings.Contains(err.Error(), "more comes") {
		t.Errorf("more bytes than announced: %v", err)
	}
	w.lie = nil
	w.small["README.md"] = true
	w.first = func(rw http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "README.md") {
			_, _ = io.WriteString(rw, "# OpenOrco\n")
			return true
		}
		return false
	}
	if _, err := w.fetch(w.client(""), dir, "README.md"); err == nil || !strings.Contains(err.Error(), "came damaged") {
		t.Errorf("a small file with a wrong hash: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, orca())
	ctx := context.Background()
	answer := func(status int, code string, header ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(rw http.ResponseWriter, _ *http.Request) bool {
			if code != "" {
				rw.Header().Set("X-Error-Code", code)
			}
			for i := 0; i+1 < len(header); i += 2 {
				rw.Header().Set(header[i], header[i+1])
			}
			rw.WriteHeader(status)
			return true
		}
	}
	for name, tc := range map[string]struct {
		first func(http.ResponseWriter, *http.Request) bool
		token string
		want  string
	}{
		"gated, no token":    {answer(401, "GatedRepo"), "", "put it into HF_TOKEN"},
		"gated, with token":  {answer(403, "GatedRepo"), token, "the token in HF_TOKEN is not let in"},
		"forbidden":          {answer(403, ""), token, "is gated"},
		"bad token":          {answer(401, ""), token, "does not take the token"},
		"not found":          {answer(404, "RepoNotFound"), "", "or it is private"},
		"not there, no code": {answer(404, ""), "", "or it is private"},
		"too many":           {answer(429, ""), "", "after 5 attempts: the hub says that there were too many requests"},
		"too many, for long": {answer(429, "", "Retry-After", "3600"), "", "asks to wait 1h0m0s"},
		"down":               {answer(502, ""), "", "cannot answer now (HTTP 502)"},
		"teapot":             {answer(418, ""), "", "HTTP 418"},
		"no JSON": {func(rw http.ResponseWriter, _ *http.Request) bool {
			_, _ = io.WriteString(rw, "<html>")
			return true
		}, "", "is HF_ENDPOINT right"},
		"no version": {func(rw http.ResponseWriter, _ *http.Request) bool {
			_, _ = io.WriteString(rw, `{"sha":"../x"}`)
			return true
		}, "", "which version"},
		"in circles":   {answer(302, "", "Location", "/api"), "", "more than 8 times"},
		"to nowhere":   {answer(302, ""), "", "an address that is none"},
		"to a file":    {answer(302, "", "Location", "file:///etc/passwd"), "", "address that is none"},
		"to a scheme":  {answer(302, "", "Location", "ftp://x/y"), "", "without https"},
		"bad location": {answer(302, "", "Location", "http://%zz"), "", "Location"},
	} {
		w.first = tc.first
		_, err := w.client(tc.token).Look(ctx, "Open-Orca/OpenOrca", "")
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	w.first = nil
	for _, rev := range []string{"v2", "..", "a b", "x?y"} {
		if _, err := w.client("").Look(ctx, "Open-Orca/OpenOrca", rev); err == nil {
			t.Errorf("revision %q is accepted", rev)
		}
	}
	for _, repo := range []string{"", "..", "a/b/c", "../x", "a/..", "a b/c", "https://x/y"} {
		if _, err := w.client("").Look(ctx, repo, ""); err == nil || !strings.Contains(err.Error(), "OWNER/NAME") {
			t.Errorf("dataset %q: %v", repo, err)
		}
	}
	// A pause that is asked for is made, once.
	calls := 0
	w.first = func(rw http.ResponseWriter, r *http.Request) bool {
		calls++
		return calls == 1 && answer(429, "", "Retry-After", "7")(rw, r)
	}
	c := w.client("")
	var waited time.Duration
	c.wait = func(_ context.Context, d time.Duration) error { waited += d; return nil }
	if _, err := c.Look(ctx, "Open-Orca/OpenOrca", ""); err != nil || waited != 7*time.Second {
		t.Errorf("waited %s, %v", waited, err)
	}
	// An ended context ends it.
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.Look(ended, "Open-Orca/OpenOrca", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestExpiredAddressIsAskedForAgain(t *testing.T) {
	w := newWorld(t, orca())
	calls := 0
	w.store = func(rw http.ResponseWriter, r *http.Request) bool {
		calls++
		if calls == 1 {
			rw.WriteHeader(http.StatusForbidden)
		}
		return calls == 1
	}
	if _, err := w.fetch(w.client(token), t.TempDir(), "1M*"); err != nil || calls != 2 || w.leaked {
		t.Errorf("%v, %d calls, leaked %v", err, calls, w.leaked)
	}
}

func TestHostilePaths(t *testing.T) {
	for _, p := range []string{"../x.jsonl", "/etc/passwd", "a/../../x", "a\x1b[31m.jsonl", `a\b.jsonl`, "a\nb", ""} {
		w := newWorld(t, map[string]string{p: "x"})
		if _, err := w.fetch(w.client(""), t.TempDir()); err == nil || !strings.Contains(err.Error(), "not understood") {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestNextPageOnlyFromTheHub(t *testing.T) {
	w := newWorld(t, orca())
	w.first = func(rw http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/tree/") {
			rw.Header().Set("Link", `<`+w.cdn.URL+`/api>; rel="next"`)
			_, _ = io.WriteString(rw, "[]")
			return true
		}
		return false
	}
	if _, err := w.client(token).Look(context.Background(), "Open-Orca/OpenOrca", ""); err == nil || !strings.Contains(err.Error(), "another host") || w.leaked {
		t.Errorf("%v, leaked %v", err, w.leaked)
	}
}

func TestEndpoints(t *testing.T) {
	for endpoint, want := range map[string]string{
		"":                        "",
		"https://hub.example/hf/": "",
		"http://localhost:1":      "",
		"http://hub.example":      "not reached by https",
		"ftp://x":                 "no address of a hub",
		"hub":                     "no address of a hub",
		"https://u:p@hub.example": "no address of a hub",
	} {
		c, err := New(endpoint, token)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", endpoint, err)
		}
		if err == nil && endpoint == "https://hub.example/hf/" && c.url("/api/x?y=1").String() != "https://hub.example/hf/api/x?y=1" {
			t.Errorf("address %s", c.url("/api/x?y=1"))
		}
	}
	if _, err := New("", "hf_a\nb"); err == nil || strings.Contains(err.Error(), "hf_a") {
		t.Errorf("a broken token: %v", err)
	}
	// Nobody there: the error names the host.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c, err := New("http://"+addr, token)
	if err != nil {
		t.Fatal(err)
	}
	c.wait = func(context.Context, time.Duration) error { return nil }
	if _, err := c.Look(context.Background(), "a/b", ""); err == nil || !strings.Contains(err.Error(), addr) || strings.Contains(err.Error(), "/api/") {
		t.Errorf("nobody there: %v", err)
	}
}
