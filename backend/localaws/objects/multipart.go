package objects

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tunebench/backend/localaws/wire"
)

const (
	maxPart     = 10_000
	minPartSize = 5 << 20 // of every part but the last
)

// upload is an unfinished multipart upload. It lives in its own folder, so it
// survives a restart: upload.json, and per part "N.json" that names the bytes.
type upload struct {
	Key       string            `json:"key"`
	Type      string            `json:"content_type"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	Algorithm string            `json:"algorithm,omitempty"`
	Whole     bool              `json:"whole,omitempty"` // the checksum is of the whole object
}

type part struct {
	Number    int               `json:"number"`
	Size      int64             `json:"size"`
	ETag      string            `json:"etag"`
	Modified  time.Time         `json:"modified"`
	Checksums map[string]string `json:"checksums,omitempty"`
	File      string            `json:"file"`
}

func noUpload() error {
	return wire.Errorf(404, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

var uploadID = regexp.MustCompile(`\A[0-9a-f]{32}\z`)

func (s *Store) createUpload(_ context.Context, r *wire.Request) (any, error) {
	bucketName, key := r.Params["Bucket"], r.Params["Key"]
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if !s.BucketExists(bucketName) {
		return nil, noBucket(bucketName)
	}
	h := r.HTTP.Header
	o := described(h)
	u := upload{Key: key, Type: o.ContentType, Metadata: o.Metadata, Headers: o.headers,
		Algorithm: strings.ToUpper(h.Get("X-Amz-Checksum-Algorithm")),
		Whole:     h.Get("X-Amz-Checksum-Type") == "FULL_OBJECT"}
	if u.Algorithm != "" && wire.NewChecksum(u.Algorithm) == nil {
		return nil, wire.Errorf(400, "InvalidRequest", "Checksum algorithm provided is unsupported: %s", u.Algorithm)
	}
	u.Whole = u.Whole || u.Algorithm == fullChecksum
	var raw [16]byte
	rand.Read(raw[:])
	id := hex.EncodeToString(raw[:])
	dir := s.uploadDir(bucketName, id)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = writeJSON(filepath.Join(dir, "upload.json"), u)
	}
	if err != nil {
		return nil, s.diskError(bucketName, key, writeError{err})
	}
	w := http.Header{}
	if u.Algorithm != "" {
		w.Set("X-Amz-Checksum-Algorithm", u.Algorithm)
		w.Set("X-Amz-Checksum-Type", Object{Composite: !u.Whole}.checksumType())
	}
	body, err := xml.Marshal(struct {
		XMLName     xml.Name `xml:"InitiateMultipartUploadResult"`
		Xmlns       string   `xml:"xmlns,attr"`
		Bucket, Key string
		UploadID    string `xml:"UploadId"`
	}{Xmlns: xmlNamespace, Bucket: bucketName, Key: key, UploadID: id})
	w.Set("Content-Type", "application/xml")
	return &wire.Raw{Header: w, Body: append([]byte(xml.Header), body...)}, err
}

func (s *Store) uploadDir(bucketName, id string) string {
	return filepath.Join(s.root, bucketName, "uploads", id)
}

// upload finds the upload that a request names.
func (s *Store) upload(r *wire.Request) (u upload, dir string, err error) {
	bucketName, id := r.Params["Bucket"], r.HTTP.URL.Query().Get("uploadId")
	if !s.BucketExists(bucketName) {
		return u, "", noBucket(bucketName)
	}
	if !uploadID.MatchString(id) {
		return u, "", noUpload()
	}
	dir = s.uploadDir(bucketName, id)
	data, err := os.ReadFile(filepath.Join(dir, "upload.json"))
	if errors.Is(err, os.ErrNotExist) {
		return u, "", noUpload()
	}
	if err == nil {
		err = json.Unmarshal(data, &u)
	}
	if err != nil {
		return u, "", fmt.Errorf("multipart upload %s: %w", id, err)
	}
	if u.Key != r.Params["Key"] {
		return u, "", noUpload()
	}
	return u, dir, nil
}

func (s *Store) uploadPart(ctx context.Context, r *wire.Request) (any, error) {
	p, err := s.writePart(ctx, r, r.HTTP.Body, r.Checksums)
	if err != nil {
		return nil, err
	}
	h := http.Header{"Etag": {p.ETag}, "X-Amz-Server-Side-Encryption": {"AES256"}}
	for alg, sum := range p.Checksums {
		h.Set("X-Amz-Checksum-"+alg, sum)
	}
	return &wire.Raw{Header: h}, nil
}

var copyRange = regexp.MustCompile(`\Abytes=(\d+)-(\d+)\z`)

func (s *Store) uploadPartCopy(ctx context.Context, r *wire.Request) (any, error) {
	in, err := s.source(ctx, r.HTTP.Header)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var body io.Reader = in
	if v := r.HTTP.Header.Get("X-Amz-Copy-Source-Range"); v != "" {
		m := copyRange.FindStringSubmatch(v)
		if m == nil {
			return nil, wire.Errorf(400, "InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last")
		}
		first, err1 := strconv.ParseInt(m[1], 10, 64)
		last, err2 := strconv.ParseInt(m[2], 10, 64)
		if err1 != nil || err2 != nil || last < first || last >= in.Object.Size {
			return nil, wire.Errorf(400, "InvalidArgument", "Range specified is not valid for source object of size: %d", in.Object.Size)
		}
		body = io.NewSectionReader(in, first, last-first+1)
	}
	p, err := s.writePart(ctx, r, body, nil)
	if err != nil {
		return nil, err
	}
	return copied("CopyPartResult", p.Modified, p.ETag), nil
}

// writePart stores one part; a part of the same number is replaced.
func (s *Store) writePart(ctx context.Context, r *wire.Request, body io.Reader, sums func() map[string]string) (part, error) {
	u, dir, err := s.upload(r)
	if err != nil {
		return part{}, err
	}
	n, err := strconv.Atoi(r.HTTP.URL.Query().Get("partNumber"))
	if err != nil || n < 1 || n > maxPart {
		return part{}, wire.Errorf(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
	}
	bucketName := r.Params["Bucket"]
	f, err := os.CreateTemp(dir, strconv.Itoa(n)+".*.data")
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return part{}, noUpload()
		}
		return part{}, s.diskError(bucketName, u.Key, err)
	}
	algorithm := u.Algorithm
	if algorithm == "" {
		algorithm = fullChecksum
	}
	md, own := md5.New(), wire.NewChecksum(algorithm)
	size, err := copyBody(ctx, f, body, md, own)
	if cerr := f.Close(); err == nil && cerr != nil {
		err = writeError{cerr}
	}
	p := part{Number: n, Size: size, ETag: `"` + hex.EncodeToString(md.Sum(nil)) + `"`, Modified: s.now().UTC(), File: filepath.Base(f.Name())}
	if err == nil {
		p.Checksums = map[string]string{algorithm: base64.StdEncoding.EncodeToString(own.Sum(nil))}
		if sums != nil {
			for alg, sum := range sums() {
				p.Checksums[alg] = sum
			}
		}
		err = s.keepPart(dir, p)
	}
	if err != nil {
		os.Remove(f.Name())
		return part{}, s.diskError(bucketName, u.Key, err)
	}
	return p, nil
}

func (s *Store) keepPart(dir string, p part) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := filepath.Join(dir, strconv.Itoa(p.Number)+".json")
	var old part
	if data, err := os.ReadFile(path); err == nil && json.Unmarshal(data, &old) == nil {
		defer os.Remove(filepath.Join(dir, old.File))
	}
	err := writeJSON(path, p)
	if errors.Is(err, os.ErrNotExist) {
		return noUpload() // aborted or completed meanwhile
	}
	if err != nil {
		return writeError{err}
	}
	return nil
}

// parts reads the parts that were uploaded, by number.
func parts(dir string) (map[int]part, error) {
	files, err := filepath.Glob(filepath.Join(dir, "[0-9]*.json"))
	if err != nil {
		return nil, err
	}
	out := map[int]part{}
	for _, path := range files {
		data, err := os.ReadFile(path)
		var p part
		if err == nil {
			err = json.Unmarshal(data, &p)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out[p.Number] = p
	}
	return out, nil
}

func (s *Store) abortUpload(_ context.Context, r *wire.Request) (any, error) {
	_, dir, err := s.upload(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return nil, os.RemoveAll(dir)
}

func (s *Store) listParts(_ context.Context, r *wire.Request) (any, error) {
	u, dir, err := s.upload(r)
	if err != nil {
		return nil, err
	}
	q := r.HTTP.URL.Query()
	limit, after := maxListed, 0
	if v := q.Get("max-parts"); v != "" {
		if limit, err = strconv.Atoi(v); err != nil || limit < 0 {
			return nil, wire.Errorf(400, "InvalidArgument", "max-parts must be a number from 0 to 2147483647")
		}
		limit = min(limit, maxListed)
	}
	if v := q.Get("part-number-marker"); v != "" {
		if after, err = strconv.Atoi(v); err != nil {
			return nil, wire.Errorf(400, "InvalidArgument", "part-number-marker must be a number")
		}
	}
	all, err := parts(dir)
	if err != nil {
		return nil, err
	}
	type entry struct {
		PartNumber         int
		LastModified, ETag string
		Size               int64
	}
	out := struct {
		XMLName              xml.Name `xml:"ListPartsResult"`
		Xmlns                string   `xml:"xmlns,attr"`
		Bucket, Key          string
		UploadID             string `xml:"UploadId"`
		PartNumberMarker     int
		NextPartNumberMarker int
		MaxParts             int
		IsTruncated          bool
		Part                 []entry
		StorageClass         string
	}{Xmlns: xmlNamespace, Bucket: r.Params["Bucket"], Key: u.Key, UploadID: q.Get("uploadId"),
		PartNumberMarker: after, MaxParts: limit, StorageClass: "STANDARD"}
	var numbers []int
	for n := range all {
		if n > after {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	if len(numbers) > limit {
		numbers, out.IsTruncated = numbers[:limit], true
	}
	for _, n := range numbers {
		p := all[n]
		out.Part = append(out.Part, entry{n, wire.FormatISO(p.Modified), p.ETag, p.Size})
		out.NextPartNumberMarker = n
	}
	return out, nil
}
