package builtin

import (
	"context"
	"crypto/md5" // S3's own hash of an object
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"tunebench/backend/dataset"
	"tunebench/backend/files"
	"tunebench/backend/safetext"
	"tunebench/metrics/fmevalio"
)

const (
	attempts = 4                // in a row without a byte
	stalled  = 60 * time.Second // how long nothing may come
	block    = 8 << 20          // read at a time with an account
)

// refusedError is an answer that says who asks may not read, finalError one that
// another attempt does not mend.
type (
	refusedError struct{ error }
	finalError   struct{ error }
)

// transfer is one file on its way.
type transfer struct {
	s        *Store
	b        fmevalio.BuiltIn
	file     *os.File
	progress func(dataset.Progress)

	etag       string // of what is here so far
	checksum   string // SHA-256 that the server names, base64
	have, size int64  // size is -1 until it is known
	sha, md5   hash.Hash
}

// fetch brings the file and puts it at path when it is whole.
func (s *Store) fetch(ctx context.Context, b fmevalio.BuiltIn, path string, progress func(dataset.Progress)) (err error) {
	f, err := os.OpenFile(path+".part", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.New("another process is fetching it; start again when that is done")
	}
	t := &transfer{s: s, b: b, file: f, progress: progress}
	if err := t.restart(""); err != nil {
		return err
	}
	err = t.plain(ctx)
	var refused refusedError
	if errors.As(err, &refused) && s.o.Objects != nil && s.o.Mirror == "" {
		err = t.signed(ctx)
	} else if errors.As(err, &refused) && s.o.Mirror == "" {
		err = fmt.Errorf("%w; it may be read with an AWS account (--account aws)", err)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := t.verify(); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	about, err := json.MarshalIndent(kept{URI: b.URI, Size: t.have, SHA256: hex.EncodeToString(t.sha.Sum(nil)), ETag: t.etag, Fetched: time.Now().UTC()}, "", "  ")
	if err != nil {
		return err
	}
	if err := files.Write(path+".json", append(about, '\n'), 0o600); err != nil {
		return err
	}
	return errors.Join(f.Sync(), os.Rename(f.Name(), path))
}

// restart forgets what is here.
func (t *transfer) restart(etag string) error {
	t.have, t.size, t.etag, t.checksum = 0, -1, etag, ""
	t.sha, t.md5 = sha256.New(), md5.New()
	if err := t.file.Truncate(0); err != nil {
		return err
	}
	_, err := t.file.Seek(0, io.SeekStart)
	return err
}

// take adds bytes.
func (t *transfer) take(p []byte) error {
	if _, err := t.file.Write(p); err != nil {
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			err = fmt.Errorf("the disk is full: %w", err)
		}
		return finalError{err}
	}
	t.sha.Write(p)
	t.md5.Write(p)
	t.have += int64(len(p))
	t.progress(dataset.Progress{What: "fetching " + Prefix + t.b.Name, Done: t.have, Total: max(t.size, 0)})
	return nil
}

// plain fetches without an account, going on where a connection broke.
func (t *transfer) plain(ctx context.Context) error {
	u, err := t.s.place(t.b)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		before := t.have
		err := t.get(ctx, u)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var final finalError
		var refused refusedError
		if errors.As(err, &final) || errors.As(err, &refused) {
			return err
		}
		if t.have > before {
			try = 1
		}
		if try >= attempts {
			return err
		}
		if err := t.s.wait(ctx, time.Second<<(try-1)); err != nil {
			return err
		}
	}
}

// get makes one request and takes what comes.
func (t *transfer) get(ctx context.Context, u *url.URL) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(stalled, func() { cancel(errors.New("nothing came for a minute")) })
	defer timer.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return finalError{err}
	}
	req.Header.Set("User-Agent", "tunebench")
	req.Header.Set("Accept-Encoding", "identity") // the bytes that the hash is of
	req.Header.Set("X-Amz-Checksum-Mode", "ENABLED")
	if t.have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", t.have))
		req.Header.Set("If-Range", t.etag)
	}
	resp, err := t.s.http.Do(req)
	if err != nil {
		return offline(u, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusPartialContent:
		if !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", t.have)) {
			return finalError{fmt.Errorf("%s sends another part than was asked for", u.Host)}
		}
	case http.StatusOK:
		etag := resp.Header.Get("ETag")
		if strings.HasPrefix(etag, "W/") {
			etag = ""
		}
		if err := t.restart(etag); err != nil {
			return finalError{err}
		}
		t.size, t.checksum = resp.ContentLength, resp.Header.Get("X-Amz-Checksum-Sha256")
		if resp.Header.Get("X-Amz-Server-Side-Encryption") == "aws:kms" {
			t.etag = "" // no hash of the bytes
		}
	case http.StatusForbidden, http.StatusUnauthorized:
		return refusedError{fmt.Errorf("%s does not let everybody read it (HTTP %d)", u.Host, resp.StatusCode)}
	case http.StatusNotFound, http.StatusGone:
		return finalError{fmt.Errorf("%s does not have %s (HTTP %d)", u.Host, safetext.Line(u.Path), resp.StatusCode)}
	default:
		err := fmt.Errorf("%s answers HTTP %d", u.Host, resp.StatusCode)
		if resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusRequestTimeout {
			return finalError{err}
		}
		return err
	}
	buf := make([]byte, 256<<10)
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			timer.Reset(stalled)
			if err := t.take(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF) && (t.size < 0 || t.have == t.size):
			return nil
		case errors.Is(err, io.EOF) || err != nil:
			if t.etag == "" { // what comes next could be of another version
				t.have, t.size = 0, -1
			}
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return fmt.Errorf("the connection to %s broke: %w", u.Host, err)
		}
	}
}

// offline says of a failed connection what can be said without addresses.
func offline(u *url.URL, err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var dns *net.DNSError
	// Not wrapped: what to do about it is not what is to be done about an account.
	text := fmt.Errorf("%s cannot be reached from here: %v", u.Host, err)
	if errors.As(err, &dns) && dns.IsNotFound {
		text = fmt.Errorf("%s cannot be reached from here: there is no such host on this network", u.Host)
		return finalError{text}
	}
	return text
}

// signed fetches with an account.
func (t *transfer) signed(ctx context.Context) error {
	if err := t.restart(""); err != nil {
		return err
	}
	o, err := t.s.o.Objects.Open(ctx, t.b.URI)
	if err != nil {
		return err
	}
	t.size = o.Size()
	buf := make([]byte, min(block, max(t.size, 1)))
	for t.have < t.size {
		n, err := o.ReadAt(ctx, buf[:min(int64(len(buf)), t.size-t.have)], t.have)
		if n > 0 {
			if err := t.take(buf[:n]); err != nil {
				return err
			}
		}
		if err != nil && (!errors.Is(err, io.EOF) || n == 0) {
			return err
		}
	}
	return nil
}

// verify holds what came against what the server said of it, and reads a row.
func (t *transfer) verify() error {
	if t.size >= 0 && t.have != t.size {
		return fmt.Errorf("%d of %d bytes came", t.have, t.size)
	}
	if want, err := base64.StdEncoding.DecodeString(t.checksum); err == nil && len(want) == sha256.Size && string(want) != string(t.sha.Sum(nil)) {
		return errors.New("it came damaged: its SHA-256 is not the one that S3 names; it was removed, start again")
	}
	// The tag of an object that was written in one piece is its MD5.
	tag := strings.Trim(t.etag, `"`)
	if want, err := hex.DecodeString(tag); err == nil && len(want) == md5.Size && string(want) != string(t.md5.Sum(nil)) {
		return errors.New("it came damaged: its MD5 is not the one that S3 names; it was removed, start again")
	}
	if t.have == 0 {
		return fmt.Errorf("it is empty: %w", fs.ErrInvalid)
	}
	if err := readable(t.file.Name(), t.b); err != nil {
		return fmt.Errorf("what came is not FMEval's dataset: %w", err)
	}
	return nil
}
