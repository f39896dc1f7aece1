package wire

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// The aws-chunked forms that the account reads.
const (
	streamUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	streamSigned          = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamSignedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
)

var emptyHash = hexSHA256(nil)

// chunkReader decodes an aws-chunked body: sizes, chunk signatures, trailers
// and their checksums, and the decoded length.
type chunkReader struct {
	br              *bufio.Reader
	signed, trailer bool

	key         []byte // the signing key of the day
	date, scope string
	previous    string // signature that the next one continues
	chunkSig    string
	chunkHash   hash.Hash

	remain  int64 // of the chunk being read
	inChunk bool
	done    bool
	total   int64
	length  int64                // decoded length promised; -1 when unknown
	want    map[string]hash.Hash // by algorithm, promised as trailers
	trailed map[string]string    // trailers by lower-case name
}

func newChunkReader(r *http.Request, s *Signature, secret, mode string) (*chunkReader, error) {
	c := &chunkReader{br: bufio.NewReaderSize(r.Body, 64<<10), length: -1,
		want: map[string]hash.Hash{}, trailed: map[string]string{}}
	switch mode {
	case streamUnsignedTrailer:
		c.trailer = true
	case streamSigned:
		c.signed = true
	case streamSignedTrailer:
		c.signed, c.trailer = true, true
	default:
		return nil, Errorf(501, "NotImplemented", "A body of the form %s is not supported.", mode)
	}
	if v := r.Header.Get("X-Amz-Decoded-Content-Length"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 {
			return nil, Errorf(400, "InvalidArgument", "x-amz-decoded-content-length %q is not a length.", v)
		}
		c.length = n
	}
	for name := range strings.SplitSeq(r.Header.Get("X-Amz-Trailer"), ",") {
		alg, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(name)), checksumPrefix)
		if !ok {
			continue
		}
		h := NewChecksum(alg)
		if h == nil {
			return nil, Errorf(400, "InvalidRequest", "The value specified in the x-amz-trailer header is not supported: %s", name)
		}
		c.want[strings.ToUpper(alg)] = h
	}
	if c.signed {
		c.scope = s.date + "/" + s.Region + "/" + s.Service + "/aws4_request"
		c.date = s.Time.Format(amzTime)
		c.previous = s.hex
		c.key = []byte("AWS4" + secret)
		for _, part := range []string{s.date, s.Region, s.Service, "aws4_request"} {
			c.key = mac(c.key, part)
		}
	}
	return c, nil
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	io.WriteString(m, text)
	return m.Sum(nil)
}

// line reads one line of framing.
func (c *chunkReader) line() (string, error) {
	l, err := c.br.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", malformed("a chunk header is too long")
	case errors.Is(err, io.EOF):
		return strings.TrimRight(string(l), "\r\n"), io.ErrUnexpectedEOF
	case err != nil:
		return "", err
	}
	return strings.TrimRight(string(l), "\r\n"), nil
}

func malformed(what string) *Error {
	return Errorf(400, "InvalidRequest", "The aws-chunked body is malformed: %s.", what)
}

// Read returns decoded bytes.
func (c *chunkReader) Read(p []byte) (int, error) {
	for {
		switch {
		case c.done:
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		case c.remain > 0:
			return c.data(p)
		}
		if err := c.nextChunk(); err != nil {
			return 0, err
		}
	}
}

func (c *chunkReader) data(p []byte) (int, error) {
	if int64(len(p)) > c.remain {
		p = p[:c.remain]
	}
	n, err := c.br.Read(p)
	c.remain -= int64(n)
	c.total += int64(n)
	if c.signed {
		c.chunkHash.Write(p[:n])
	}
	for _, h := range c.want {
		h.Write(p[:n])
	}
	if errors.Is(err, io.EOF) {
		err = nil
		if c.remain > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// nextChunk ends the chunk before, reads the next header and, after the last
// chunk, the trailers (then the error is io.EOF or the verdict).
func (c *chunkReader) nextChunk() error {
	if c.inChunk {
		l, err := c.line()
		if err != nil {
			return err
		}
		if l != "" {
			return malformed("the data of a chunk is longer than its header says")
		}
		if err := c.checkChunk(); err != nil {
			return err
		}
		c.inChunk = false
	}
	l, err := c.line()
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(l, ";")
	n, err := strconv.ParseInt(size, 16, 63)
	if err != nil || n < 0 {
		return malformed("a chunk size is not a hexadecimal number")
	}
	if c.signed {
		sig, ok := strings.CutPrefix(extension, "chunk-signature=")
		if !ok {
			return Errorf(403, "SignatureDoesNotMatch", "A chunk carries no chunk-signature.")
		}
		c.chunkSig, c.chunkHash = sig, sha256.New()
	}
	if n > 0 {
		c.remain, c.inChunk = n, true
		return nil
	}
	if err := c.checkChunk(); err != nil {
		return err
	}
	c.done = true
	return c.finish()
}

func (c *chunkReader) checkChunk() error {
	if !c.signed {
		return nil
	}
	text := strings.Join([]string{algorithm + "-PAYLOAD", c.date, c.scope, c.previous, emptyHash, hex.EncodeToString(c.chunkHash.Sum(nil))}, "\n")
	sig := hex.EncodeToString(mac(c.key, text))
	if subtle.ConstantTimeCompare([]byte(sig), []byte(c.chunkSig)) != 1 {
		return Errorf(403, "SignatureDoesNotMatch", "%s", mismatchText)
	}
	c.previous = sig
	return nil
}

func (c *chunkReader) finish() error {
	var canonical strings.Builder
	trailerSig := ""
	for {
		l, err := c.line()
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if l == "" {
			break
		}
		name, value, _ := strings.Cut(l, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if name == "x-amz-trailer-signature" {
			trailerSig = value
			continue
		}
		c.trailed[name] = value
		canonical.WriteString(name + ":" + value + "\n")
	}
	if c.signed && c.trailer {
		text := strings.Join([]string{algorithm + "-TRAILER", c.date, c.scope, c.previous, hexSHA256([]byte(canonical.String()))}, "\n")
		if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(mac(c.key, text))), []byte(trailerSig)) != 1 {
			return Errorf(403, "SignatureDoesNotMatch", "%s", mismatchText)
		}
	}
	if c.length >= 0 && c.total != c.length {
		return Errorf(400, "IncompleteBody", "The body has %d bytes, x-amz-decoded-content-length says %d.", c.total, c.length)
	}
	for alg, h := range c.want {
		got, ok := c.trailed[checksumPrefix+strings.ToLower(alg)]
		if !ok {
			return malformed("the trailer " + checksumPrefix + strings.ToLower(alg) + " is missing")
		}
		if base64.StdEncoding.EncodeToString(h.Sum(nil)) != got {
			return Errorf(400, "BadDigest", "The %s you specified did not match the calculated checksum.", alg)
		}
	}
	return io.EOF
}
