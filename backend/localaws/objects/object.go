package objects

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"tunebench/backend/localaws/wire"
)

const (
	maxKey      = 1024
	defaultType = "binary/octet-stream"
	// fullChecksum is the one that S3 computes when the caller brings none.
	fullChecksum = "CRC64NVME"
)

// PutOptions describe an object to be written.
type PutOptions struct {
	ContentType string            // default binary/octet-stream
	Metadata    map[string]string // user metadata by lower-case name

	headers    map[string]string
	checksums  func() map[string]string // asked after the body was read
	ifNoneHere bool                     // fail when the key exists
	ifMatch    string                   // fail unless the object has this ETag
	multipart  *assembled
}

// assembled is what only a finished multipart upload knows of its object.
type assembled struct {
	etag      string
	parts     []int64
	checksums map[string]string        // composite
	whole     func() map[string]string // asked after the bytes were read
}

func checkKey(key string) error {
	switch {
	case key == "":
		return wire.Errorf(400, "InvalidArgument", "The key must not be empty.")
	case len(key) > maxKey:
		return wire.Errorf(400, "KeyTooLongError", "Your key is too long: %d bytes of at most %d.", len(key), maxKey)
	case !utf8.ValidString(key):
		return wire.Errorf(400, "InvalidURI", "The key is not valid UTF-8.")
	}
	return nil
}

// Put writes an object; readers of an older one with the same key keep it.
// When body fails, or the disk is full, the error says so and nothing changes.
func (s *Store) Put(ctx context.Context, bucketName, key string, body io.Reader, o PutOptions) (Object, error) {
	if err := checkKey(key); err != nil {
		return Object{}, err
	}
	if !s.BucketExists(bucketName) {
		return Object{}, noBucket(bucketName)
	}
	obj := Object{Bucket: bucketName, Key: key, ContentType: o.ContentType, Metadata: o.Metadata, Headers: o.headers}
	if obj.ContentType == "" {
		obj.ContentType = defaultType
	}
	file, err := os.CreateTemp(s.objectDir(bucketName), keyFile(key)+".*.data")
	if err != nil {
		return Object{}, s.diskError(bucketName, key, err)
	}
	obj.File = filepath.Base(file.Name())
	md, crc := md5.New(), wire.NewChecksum(fullChecksum)
	obj.Size, err = copyBody(ctx, file, body, md, crc)
	if cerr := file.Close(); err == nil && cerr != nil {
		err = writeError{cerr}
	}
	if err != nil {
		os.Remove(file.Name())
		return Object{}, s.diskError(bucketName, key, err)
	}
	obj.ETag = `"` + hex.EncodeToString(md.Sum(nil)) + `"`
	if o.checksums != nil {
		obj.Checksums = o.checksums()
	}
	if m := o.multipart; m != nil {
		obj.ETag, obj.Parts, obj.Checksums, obj.Composite = m.etag, m.parts, m.checksums, len(m.checksums) > 0
		if m.whole != nil {
			obj.Checksums = m.whole()
		}
	}
	if len(obj.Checksums) == 0 {
		obj.Checksums = map[string]string{fullChecksum: base64.StdEncoding.EncodeToString(crc.Sum(nil))}
	}
	if err := s.commit(&obj, o); err != nil {
		os.Remove(file.Name())
		return Object{}, err
	}
	return obj, nil
}

// commit makes a written file the object of its key.
func (s *Store) commit(obj *Object, o PutOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[obj.Bucket]
	if b == nil {
		return noBucket(obj.Bucket)
	}
	old := b.objects[obj.Key]
	if o.ifNoneHere && old != nil || o.ifMatch != "" && old != nil && old.ETag != o.ifMatch {
		return wire.Errorf(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	}
	if o.ifMatch != "" && old == nil {
		return noKey(obj.Bucket, obj.Key)
	}
	obj.Modified = s.now().UTC().Truncate(1e6)
	dir := s.objectDir(obj.Bucket)
	if err := writeJSON(filepath.Join(dir, keyFile(obj.Key)+".json"), obj); err != nil {
		return s.diskError(obj.Bucket, obj.Key, writeError{err})
	}
	kept := *obj
	b.objects[obj.Key] = &kept
	if old == nil {
		b.keys = nil
		return nil
	}
	os.Remove(filepath.Join(dir, old.File)) // left-overs go when the store is opened
	return nil
}

// writeError marks a failure of our own disk, as opposed to the caller's body.
type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

// diskError keeps what a body or a precondition said and names the place when
// the disk failed.
func (s *Store) diskError(bucketName, key string, err error) error {
	var w writeError
	var p *os.PathError
	if errors.As(err, &w) || errors.As(err, &p) {
		return fmt.Errorf("s3://%s/%s could not be stored under %s: %w", bucketName, key, s.root, err)
	}
	return err
}

// copyBody copies to the file and the hashes, and tells read from write errors.
func copyBody(ctx context.Context, dst io.Writer, src io.Reader, hashes ...hash.Hash) (int64, error) {
	buf := make([]byte, 128<<10)
	var total int64
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, err := src.Read(buf)
		if n > 0 {
			for _, h := range hashes {
				h.Write(buf[:n])
			}
			if _, werr := dst.Write(buf[:n]); werr != nil {
				return total, writeError{werr}
			}
			total += int64(n)
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// Reader reads the bytes of one object as they were when it was opened.
type Reader struct {
	Object Object
	f      *os.File
}

// Read reads on.
func (r *Reader) Read(p []byte) (int, error) { return r.f.Read(p) }

// ReadAt reads at an offset; it is safe for concurrent use.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) { return r.f.ReadAt(p, off) }

// Seek moves the offset of Read.
func (r *Reader) Seek(offset int64, whence int) (int64, error) { return r.f.Seek(offset, whence) }

// Close ends reading.
func (r *Reader) Close() error { return r.f.Close() }

// Get opens an object for reading; close the Reader.
func (s *Store) Get(ctx context.Context, bucketName, key string) (*Reader, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		o, err := s.object(bucketName, key)
		if err != nil {
			return nil, err
		}
		f, err := os.Open(filepath.Join(s.objectDir(bucketName), o.File))
		if err == nil {
			return &Reader{Object: o, f: f}, nil
		}
		// Replaced or deleted between the two steps: look again.
		if now, lerr := s.object(bucketName, key); !errors.Is(err, os.ErrNotExist) || lerr == nil && now.File == o.File {
			return nil, fmt.Errorf("s3://%s/%s: its bytes are gone: %w", bucketName, key, err)
		}
	}
}

// Head returns an object without its bytes.
func (s *Store) Head(ctx context.Context, bucketName, key string) (Object, error) {
	if err := ctx.Err(); err != nil {
		return Object{}, err
	}
	return s.object(bucketName, key)
}

// Delete removes an object; a key that is not there is no error.
func (s *Store) Delete(ctx context.Context, bucketName, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucketName]
	if b == nil {
		return noBucket(bucketName)
	}
	o := b.objects[key]
	if o == nil {
		return nil
	}
	dir := s.objectDir(bucketName)
	if err := os.Remove(filepath.Join(dir, keyFile(key)+".json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("delete s3://%s/%s: %w", bucketName, key, err)
	}
	delete(b.objects, key)
	b.keys = nil
	os.Remove(filepath.Join(dir, o.File)) // left-overs go when the store is opened
	return nil
}

// List returns the objects whose key starts with prefix, by key.
func (s *Store) List(ctx context.Context, bucketName, prefix string) ([]Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	keys, err := s.sortedKeys(bucketName)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[bucketName]
	if b == nil {
		return nil, noBucket(bucketName)
	}
	var out []Object
	for _, k := range keys[lowerBound(keys, prefix):] {
		if !strings.HasPrefix(k, prefix) {
			break
		}
		if o := b.objects[k]; o != nil {
			out = append(out, *o)
		}
	}
	return out, nil
}
