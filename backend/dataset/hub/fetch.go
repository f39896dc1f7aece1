package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
)

// Fetched is a file that is here now.
type Fetched struct {
	File
	Local string `json:"local"` // where it lies
	// Kept is how many bytes were here already.
	Kept int64 `json:"kept"`
}

// Fetch brings files of a dataset into a folder, each by its path. A file
// appears under its name when it is whole and its hash is right; until then it
// is beside it as NAME.part, and the next call goes on with that. Files that are
// here already are hashed and not fetched. progress counts the bytes of all
// files.
func (c *Client) Fetch(ctx context.Context, s Set, files []File, dir string, progress func(dataset.Progress)) ([]Fetched, error) {
	if progress == nil {
		progress = func(dataset.Progress) {}
	}
	var done, total int64
	for _, f := range files {
		total += f.Size
	}
	var out []Fetched
	for _, f := range files {
		d := &download{c: c, repo: s.Repo, commit: s.Commit, f: f, path: filepath.Join(dir, filepath.FromSlash(f.Path)), tell: func(n int64) {
			progress(dataset.Progress{What: "fetching " + f.Path, Done: done + n, Total: total})
		}}
		kept, err := d.run(ctx)
		if err != nil {
			return out, err
		}
		done += f.Size
		out = append(out, Fetched{File: f, Local: d.path, Kept: kept})
	}
	return out, nil
}

// download is one file on its way.
type download struct {
	c            *Client
	repo, commit string
	f            File
	path         string
	tell         func(n int64)

	part *os.File
	have int64
	sum  hash.Hash
	etag string
}

func (d *download) run(ctx context.Context) (kept int64, err error) {
	shown := safetext.Line(d.path)
	switch same, err := d.here(ctx); {
	case err != nil:
		return 0, err
	case same:
		d.tell(d.f.Size)
		return d.f.Size, nil
	}
	if err := os.MkdirAll(filepath.Dir(d.path), 0o755); err != nil {
		return 0, fmt.Errorf("fetch %s: %w", shown, err)
	}
	if err := d.takeUp(ctx); err != nil {
		return 0, d.diskError(err)
	}
	defer d.part.Close()
	kept = d.have
	d.tell(d.have)
	err = d.c.again(ctx, func() (bool, error) {
		before := d.have
		if d.have == d.f.Size {
			return true, nil
		}
		err := d.transfer(ctx)
		return d.have > before, err
	})
	if err == nil {
		err = d.part.Sync()
	}
	if err != nil {
		return 0, d.explain(err)
	}
	if got := hex.EncodeToString(d.sum.Sum(nil)); got != d.f.hash() {
		d.part.Close()
		err := errors.Join(os.Remove(d.part.Name()), remove(d.etagFile()))
		return 0, errors.Join(fmt.Errorf("%s came damaged: its hash is %.12s… and the hub says %.12s…; it was removed, start again", safetext.Line(d.f.Path), got, d.f.hash()), err)
	}
	if err := d.part.Close(); err != nil {
		return 0, d.diskError(err)
	}
	if err := os.Rename(d.part.Name(), d.path); err != nil {
		return 0, fmt.Errorf("fetch %s: %w", shown, err)
	}
	return kept, remove(d.etagFile())
}

// hash is what the hub says the file's hash is.
func (f File) hash() string {
	if f.SHA256 != "" {
		return f.SHA256
	}
	return f.BlobSHA1
}

// newHash begins that hash.
func (f File) newHash() hash.Hash {
	if f.SHA256 != "" {
		return sha256.New()
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", f.Size) // git's hash of a file
	return h
}

// here says whether the file is here already; another file of that name is an
// error.
func (d *download) here(ctx context.Context) (bool, error) {
	file, err := os.Open(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("fetch %s: %w", safetext.Line(d.path), err)
	}
	defer file.Close()
	sum := d.f.newHash()
	n, err := io.Copy(sum, reader{ctx, file})
	if err != nil {
		return false, fmt.Errorf("read %s: %w", safetext.Line(d.path), err)
	}
	if n != d.f.Size || hex.EncodeToString(sum.Sum(nil)) != d.f.hash() {
		return false, fmt.Errorf("%s is here already and is another file than the hub's; move it away, or fetch into another folder with --out", safetext.Line(d.path))
	}
	return true, nil
}

func (d *download) etagFile() string { return d.path + ".part.etag" }

// takeUp opens what an earlier attempt has left, of this very version, or
// begins.
func (d *download) takeUp(ctx context.Context) error {
	f, err := os.OpenFile(d.path+".part", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	d.part, d.sum = f, d.f.newHash()
	b, err := os.ReadFile(d.etagFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, f.Close())
	}
	of, etag, _ := strings.Cut(string(b), "\n")
	if of == d.f.hash() {
		d.etag = etag
		d.have, err = io.Copy(d.sum, reader{ctx, f})
		if err == nil && d.have <= d.f.Size {
			return nil
		}
	}
	if err != nil && ctx.Err() != nil {
		return errors.Join(err, f.Close())
	}
	return d.restart("")
}

// restart forgets what is here, and remembers what comes from now on.
func (d *download) restart(etag string) error {
	d.have, d.sum, d.etag = 0, d.f.newHash(), etag
	if err := d.part.Truncate(0); err != nil {
		return err
	}
	if _, err := d.part.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return os.WriteFile(d.etagFile(), []byte(d.f.hash()+"\n"+etag), 0o600)
}

// transfer makes one request and takes what comes.
func (d *download) transfer(ctx context.Context) error {
	ctx, body, stop := watch(ctx)
	defer stop()
	header := http.Header{}
	if d.have > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", d.have))
		if d.etag != "" {
			header.Set("If-Range", d.etag)
		}
	}
	at := d.c.url("/datasets/" + d.repo + "/resolve/" + d.commit + "/" + escapePath(d.f.Path))
	resp, err := d.c.get(ctx, at, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	etag := resp.Header.Get("ETag")
	if strings.HasPrefix(etag, "W/") {
		etag = "" // a weak one does not say that the bytes are the same
	}
	switch resp.StatusCode {
	case http.StatusPartialContent:
		if !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", d.have)) {
			return final(fmt.Errorf("the hub answers with another part of %s than was asked for", safetext.Line(d.f.Path)))
		}
	case http.StatusOK: // from the beginning: it does not know ranges, or the bytes have changed
		if err := d.restart(etag); err != nil {
			return final(d.diskError(err))
		}
	case http.StatusRequestedRangeNotSatisfiable:
		if err := d.restart(""); err != nil {
			return final(d.diskError(err))
		}
		return errors.New("the hub has fewer bytes than are here")
	default:
		return d.c.refused(resp, d.repo, d.f.Path)
	}
	buf := make([]byte, 256<<10)
	in := body(resp.Body)
	for {
		n, err := in.Read(buf)
		if d.have+int64(n) > d.f.Size {
			return final(fmt.Errorf("more comes of %s than the %d bytes that the hub says it has", safetext.Line(d.f.Path), d.f.Size))
		}
		if n > 0 {
			if _, werr := d.part.Write(buf[:n]); werr != nil {
				return final(d.diskError(werr))
			}
			d.sum.Write(buf[:n])
			d.have += int64(n)
			d.tell(d.have)
		}
		switch {
		case errors.Is(err, io.EOF) && d.have == d.f.Size:
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("the connection ended after %d of %d bytes", d.have, d.f.Size)
		case err != nil:
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return err
		}
	}
}

func escapePath(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

func (d *download) explain(err error) error {
	if d.have > 0 {
		return fmt.Errorf("fetch %s: %w; %d of %d bytes are here, the same command goes on with them", safetext.Line(d.f.Path), err, d.have, d.f.Size)
	}
	return fmt.Errorf("fetch %s: %w", safetext.Line(d.f.Path), err)
}

func (d *download) diskError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("the disk is full: %s needs %d bytes; free some space, or choose another folder with --out: %w", safetext.Line(d.f.Path), d.f.Size, err)
	}
	return fmt.Errorf("write %s: %w", safetext.Line(d.path), err)
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
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
		return 0, err
	}
	return r.Reader.Read(p)
}
