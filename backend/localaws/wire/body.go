package wire

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"
)

// maxBody bounds the bodies of JSON and query services; InvokeModel takes 25
// million bytes.
const maxBody = 26 << 20

// signedHash names the check of the hash that is part of the signature.
const signedHash = "x-amz-content-sha256"

// body readies the body of a request and returns the hash that was signed.
func (a *Auth) body(r *http.Request, s *Signature, service string) (string, error) {
	if service != S3 {
		data, err := readAll(r)
		if err != nil {
			return "", err
		}
		r.Body = io.NopCloser(bytes.NewReader(data))
		return hexSHA256(data), nil
	}
	claimed := r.Header.Get("X-Amz-Content-Sha256")
	if s.Presigned {
		claimed = unsignedBody
		if v := r.URL.Query().Get("X-Amz-Content-Sha256"); v != "" {
			claimed = v
		}
	}
	checked := &checkedBody{r: r.Body, c: r.Body}
	switch {
	case claimed == "":
		return "", Errorf(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
	case strings.HasPrefix(claimed, "STREAMING-"):
		chunks, err := newChunkReader(r, s, a.secret, claimed)
		if err != nil {
			return "", err
		}
		checked.r, checked.chunks = chunks, chunks
	case claimed != unsignedBody:
		checked.add(signedHash, sha256.New(), strings.ToLower(claimed))
	}
	// The checksum of CompleteMultipartUpload is the object's, not the body's.
	completion := r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
	if !completion {
		if err := checked.headers(r.Header); err != nil {
			return "", err
		}
	}
	r.Body = checked
	return claimed, nil
}

func readAll(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, Errorf(400, "IncompleteBody", "The body could not be read: %v", err)
	}
	if len(data) > maxBody {
		return nil, Errorf(413, "RequestEntityTooLargeException", "The body is longer than %d bytes.", maxBody)
	}
	return data, nil
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// checkedBody is an S3 body that verifies, at its end, every hash that the
// request states.
type checkedBody struct {
	r      io.Reader
	c      io.Closer
	chunks *chunkReader
	checks []bodyCheck
	verr   error
	done   bool
}

type bodyCheck struct {
	name string // signedHash, "md5", or one of Algorithms
	h    hash.Hash
	want string
}

func (b *checkedBody) add(name string, h hash.Hash, want string) {
	b.checks = append(b.checks, bodyCheck{name, h, want})
}

// headers adds the checks that headers ask for.
func (b *checkedBody) headers(h http.Header) error {
	if want := h.Get("Content-Md5"); want != "" {
		if raw, err := base64.StdEncoding.DecodeString(want); err != nil || len(raw) != md5.Size {
			return Errorf(400, "InvalidDigest", "The Content-MD5 you specified is not valid.")
		}
		b.add("md5", md5.New(), want)
	}
	for _, alg := range Algorithms {
		if want := h.Get(checksumPrefix + alg); want != "" {
			c := NewChecksum(alg)
			if raw, err := base64.StdEncoding.DecodeString(want); err != nil || len(raw) != c.Size() {
				return Errorf(400, "InvalidRequest", "Value for %s header is invalid.", checksumPrefix+strings.ToLower(alg))
			}
			b.add(alg, c, want)
		}
	}
	return nil
}

// Read passes the body on and, at its end, the verdict.
func (b *checkedBody) Read(p []byte) (int, error) {
	if b.done {
		return 0, b.verr
	}
	n, err := b.r.Read(p)
	for _, c := range b.checks {
		c.h.Write(p[:n])
	}
	if err == nil {
		return n, nil
	}
	b.done, b.verr = true, err
	if !errors.Is(err, io.EOF) {
		var e *Error
		if !errors.As(err, &e) {
			b.verr = Errorf(400, "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header: %v", err)
		}
		return n, b.verr
	}
	for _, c := range b.checks {
		if e := c.verdict(); e != nil {
			b.verr = e
			break
		}
	}
	return n, b.verr
}

func (c bodyCheck) verdict() *Error {
	sum := c.h.Sum(nil)
	switch c.name {
	case signedHash:
		if got := hex.EncodeToString(sum); got != c.want {
			e := Errorf(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
			e.Fields = map[string]any{"ClientComputedContentSHA256": c.want, "S3ComputedContentSHA256": got}
			return e
		}
	case "md5":
		if base64.StdEncoding.EncodeToString(sum) != c.want {
			return Errorf(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
	default:
		if base64.StdEncoding.EncodeToString(sum) != c.want {
			return Errorf(400, "BadDigest", "The %s you specified did not match the calculated checksum.", c.name)
		}
	}
	return nil
}

// Close closes the connection's body.
func (b *checkedBody) Close() error {
	if b.c == nil {
		return nil
	}
	return b.c.Close()
}

// checksums returns the verified S3 checksums of a body read to its end.
func (b *checkedBody) checksums() map[string]string {
	out := map[string]string{}
	if !b.done || !errors.Is(b.verr, io.EOF) {
		return out
	}
	for _, c := range b.checks {
		if NewChecksum(c.name) != nil {
			out[c.name] = c.want
		}
	}
	if b.chunks != nil {
		for alg, h := range b.chunks.want {
			out[alg] = base64.StdEncoding.EncodeToString(h.Sum(nil))
		}
	}
	return out
}
