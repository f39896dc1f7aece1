// Package hub brings the files of Hugging Face datasets here: whole, verified,
// and going on where an earlier attempt stopped.
//
// It belongs here if it is about the hub and its HTTP API. What is in the files
// does not.
package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
)

// DefaultEndpoint is the hub itself.
const DefaultEndpoint = "https://huggingface.co"

// Client talks to one hub.
type Client struct {
	endpoint *url.URL
	token    string
	http     *http.Client
	// wait waits before an attempt is made again; tests replace it.
	wait func(ctx context.Context, d time.Duration) error
}

// New makes a client. endpoint "" is DefaultEndpoint; token "" reads public
// datasets only. The token goes to the endpoint's own host and to no other, and
// is in no error.
func New(endpoint, token string) (*Client, error) {
	if endpoint == "" {
		endpoint = DefaultEndpoint
	}
	u, err := url.Parse(strings.TrimRight(endpoint, "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("HF_ENDPOINT %q is no address of a hub, such as %s", safetext.Line(endpoint), DefaultEndpoint)
	}
	token = strings.TrimSpace(token)
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("HF_TOKEN holds characters that no token has; copy it again")
	}
	if token != "" && u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("the hub %s is not reached by https, so HF_TOKEN is not sent to it; use https, or unset HF_TOKEN", u.Host)
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = 30 * time.Second
	c := &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Client{endpoint: u, token: token, http: c, wait: pause}, nil
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Set is one version of a dataset on the hub.
type Set struct {
	Repo string `json:"repo"`
	// Commit is the version, which a branch's name stood for when it was asked.
	Commit string `json:"commit"`
	Files  []File `json:"files"`
}

// File is a file of a dataset on the hub.
type File struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
	// SHA256 is the hash of a large file, BlobSHA1 git's of any other.
	SHA256   string `json:"sha256,omitempty"`
	BlobSHA1 string `json:"blob_sha1,omitempty"`
}

// Compiled when they are needed: that takes a millisecond, which every start of the
// program would wait for.
var (
	repoName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\A[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?\z`)
	})
	revision = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A[A-Za-z0-9][\w./-]{0,254}\z`) })
	commitID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A[0-9a-f]{40}\z`) })
	hash256  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A[0-9a-f]{64}\z`) })
)

// maxAnswer bounds an answer of the API in bytes, maxFiles a dataset's files.
const (
	maxAnswer = 32 << 20
	maxFiles  = 100_000
)

// Look asks for a dataset's files at a revision: a branch, a tag or a commit;
// "" is main.
func (c *Client) Look(ctx context.Context, repo, rev string) (Set, error) {
	if rev == "" {
		rev = "main"
	}
	if !repoName().MatchString(repo) {
		return Set{}, fmt.Errorf("%q is no name of a dataset on the hub; write it as OWNER/NAME, such as Open-Orca/OpenOrca", safetext.Line(repo))
	}
	if !revision().MatchString(rev) || strings.Contains(rev, "..") {
		return Set{}, fmt.Errorf("%q is no branch, tag or commit", safetext.Line(rev))
	}
	s := Set{Repo: repo}
	var about struct {
		SHA string `json:"sha"`
	}
	api := "/api/datasets/" + repo
	if _, err := c.api(ctx, repo, c.url(api+"/revision/"+url.PathEscape(rev)), &about); err != nil {
		return s, err
	}
	if !commitID().MatchString(about.SHA) {
		return s, fmt.Errorf("the hub does not say which version of %s %s is", repo, rev)
	}
	s.Commit = about.SHA
	for next := c.url(api + "/tree/" + s.Commit + "?recursive=true"); next != nil; {
		var page []struct {
			Type, Path, OID string
			Size            int64
			LFS             *struct {
				OID  string
				Size int64
			}
		}
		header, err := c.api(ctx, repo, next, &page)
		if err != nil {
			return s, err
		}
		for _, e := range page {
			if e.Type != "file" {
				continue
			}
			f := File{Path: e.Path, Size: e.Size, BlobSHA1: e.OID}
			if e.LFS != nil {
				f.Size, f.SHA256, f.BlobSHA1 = e.LFS.Size, strings.TrimPrefix(e.LFS.OID, "sha256:"), ""
			}
			if !safePath(f.Path) || f.Size < 0 || f.SHA256 != "" && !hash256().MatchString(f.SHA256) || f.SHA256 == "" && !commitID().MatchString(f.BlobSHA1) {
				return s, fmt.Errorf("the hub lists the file %q of %s in a way that is not understood", safetext.Line(f.Path), repo)
			}
			s.Files = append(s.Files, f)
		}
		if len(s.Files) > maxFiles {
			return s, fmt.Errorf("%s has more than %d files; name those that are wanted with --file", repo, maxFiles)
		}
		if next, err = c.nextPage(header); err != nil {
			return s, err
		}
	}
	slices.SortFunc(s.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return s, nil
}

// safePath refuses paths that would leave the folder or show as something else.
func safePath(p string) bool {
	return p != "" && filepath.IsLocal(filepath.FromSlash(p)) && !strings.Contains(p, "\\") && safetext.Line(p) == p
}

// Choose keeps the files that match one of the patterns, whole paths or with *
// and ?; without patterns those that hold rows.
func (s Set) Choose(patterns []string) ([]File, error) {
	var out []File
	if len(patterns) == 0 {
		for _, f := range s.Files {
			if dataset.IsRowsFile(path.Base(f.Path)) && !slices.Contains(about, path.Base(f.Path)) && !strings.HasPrefix(f.Path, ".") {
				out = append(out, f)
			}
		}
		if out == nil {
			return nil, fmt.Errorf("%s has no file of rows that can be read here (JSONL, JSON, CSV, TSV, Parquet); --list shows what it has, --file names any of it", s.Repo)
		}
		return out, nil
	}
	for _, p := range patterns {
		found := false
		for _, f := range s.Files {
			ok, err := path.Match(p, f.Path)
			if err != nil {
				return nil, fmt.Errorf("the pattern %q is wrong: %w", safetext.Line(p), err)
			}
			if ok || p == f.Path {
				found = true
				if !slices.Contains(out, f) {
					out = append(out, f)
				}
			}
		}
		if !found {
			return nil, fmt.Errorf("%s has no file %q at this version; --list shows what it has", s.Repo, safetext.Line(p))
		}
	}
	return out, nil
}

// about names files that are about the data and hold none of it.
var about = []string{"dataset_infos.json", "dataset_info.json", "state.json", "config.json"}

func (c *Client) url(pathAndQuery string) *url.URL {
	u := *c.endpoint
	p, q, _ := strings.Cut(pathAndQuery, "?")
	u.RawQuery = q
	raw := strings.TrimRight(u.Path, "/") + p
	if plain, err := url.PathUnescape(raw); err == nil {
		u.Path, u.RawPath = plain, raw
	}
	return &u
}

// nextPage is the address of the rest of a list; nil when there is none.
func (c *Client) nextPage(h http.Header) (*url.URL, error) {
	for _, link := range strings.Split(h.Get("Link"), ",") {
		target, rel, ok := strings.Cut(strings.TrimSpace(link), ">")
		if !ok || !strings.HasPrefix(target, "<") || !strings.Contains(rel, `rel="next"`) {
			continue
		}
		u, err := c.endpoint.Parse(target[1:])
		if err != nil || !c.own(u) {
			return nil, errors.New("the hub names another host for the rest of its list; it is not followed")
		}
		return u, nil
	}
	return nil, nil
}

// own says whether an address is the hub's itself.
func (c *Client) own(u *url.URL) bool {
	return u.Scheme == c.endpoint.Scheme && u.Host == c.endpoint.Host
}

// api asks for one answer in JSON.
func (c *Client) api(ctx context.Context, repo string, u *url.URL, answer any) (http.Header, error) {
	var header http.Header
	err := c.again(ctx, func() (bool, error) {
		resp, err := c.get(ctx, u, nil)
		if err != nil {
			return false, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return false, c.refused(resp, repo, "")
		}
		b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
		if err != nil {
			return false, err
		}
		if len(b) > maxAnswer {
			return false, final(errors.New("the hub's answer is too long to be what was asked for"))
		}
		if err := json.Unmarshal(b, answer); err != nil {
			return false, final(fmt.Errorf("the hub's answer is not understood (%w); is HF_ENDPOINT right?", err))
		}
		header = resp.Header
		return true, nil
	})
	return header, err
}
