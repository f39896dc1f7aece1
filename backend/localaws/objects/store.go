// Package objects is the S3 of the local account: buckets and objects kept
// under one folder, a Go API over them for the other local services, and the
// S3 operations for callers on the wire.
//
// Every bucket is a folder. The bytes of an object are in a file of their own
// beside a small JSON file that names the key; file names are hashes, so any
// key is safe on any file system. An object changes by one rename, so a killed
// process leaves either the old object or the new one; files that nothing
// refers to are removed when the store is opened. One process at a time owns
// the folder.
//
// What the objects mean (artifacts, datasets) is not known here.
package objects

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"tunebench/backend/localaws/wire"
)

// Errors that callers tell apart with errors.Is. The errors returned carry
// S3's code and message as a *wire.Error.
var (
	ErrNoSuchBucket = errors.New("no such bucket")
	ErrNoSuchKey    = errors.New("no such key")
)

// Options are how a [Store] is opened.
type Options struct {
	// Now is the clock of modification times; nil means time.Now.
	Now func() time.Time
}

// Store holds buckets and objects. It is safe for concurrent use.
type Store struct {
	root string
	now  func() time.Time

	mu      sync.RWMutex
	buckets map[string]*bucket
}

// Bucket is one bucket.
type Bucket struct {
	Name    string    `json:"-"`
	Created time.Time `json:"created"`
	// Region is where it was created; empty when that was not said.
	Region string `json:"region,omitempty"`
}

type bucket struct {
	Bucket
	objects map[string]*Object
	keys    []string // sorted; nil when it must be made again
}

// Object is one object without its bytes.
type Object struct {
	Bucket string `json:"-"`
	Key    string `json:"key"`
	// Size is in bytes.
	Size int64 `json:"size"`
	// ETag is quoted, as on the wire: the MD5 of the bytes, or of the parts'
	// MD5s with "-N" for a multipart upload.
	ETag        string    `json:"etag"`
	Modified    time.Time `json:"modified"`
	ContentType string    `json:"content_type"`
	// Metadata are the user's x-amz-meta- headers by lower-case name.
	Metadata map[string]string `json:"metadata,omitempty"`
	// Headers are the standard headers kept with the object, such as
	// Content-Disposition.
	Headers map[string]string `json:"headers,omitempty"`
	// Checksums are base64 by algorithm; Composite says that they are made
	// from the parts' checksums.
	Checksums map[string]string `json:"checksums,omitempty"`
	Composite bool              `json:"composite,omitempty"`
	// Parts are the sizes of the parts of a multipart upload.
	Parts []int64 `json:"parts,omitempty"`

	File string `json:"file"` // of the bytes, in the folder of objects
}

// Open reads the index of a store, which is made when root does not exist.
func Open(root string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("object store: %w", err)
	}
	s := &Store{root: root, now: o.Now, buckets: map[string]*bucket{}}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("object store: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		b, err := s.load(e.Name())
		if err != nil {
			return nil, err
		}
		if b != nil {
			s.buckets[e.Name()] = b
		}
	}
	return s, nil
}

// load reads one bucket and removes what an interrupted write left behind.
func (s *Store) load(name string) (*bucket, error) {
	b := &bucket{Bucket: Bucket{Name: name}, objects: map[string]*Object{}}
	data, err := os.ReadFile(filepath.Join(s.root, name, "bucket.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // not a bucket of ours
	}
	if err == nil {
		err = json.Unmarshal(data, &b.Bucket)
	}
	if err != nil {
		return nil, fmt.Errorf("object store: bucket %s: %w", name, err)
	}
	dir := s.objectDir(name)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("object store: bucket %s: %w", name, err)
	}
	used := map[string]bool{}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".json") {
			continue
		}
		o := &Object{Bucket: name}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err == nil {
			err = json.Unmarshal(data, o)
		}
		if err != nil {
			return nil, fmt.Errorf("object store: %s: %w", filepath.Join(dir, e.Name()), err)
		}
		b.objects[o.Key] = o
		used[e.Name()], used[o.File] = true, true
	}
	for _, e := range entries {
		if !used[e.Name()] {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return nil, fmt.Errorf("object store: bucket %s: %w", name, err)
			}
		}
	}
	return b, nil
}

func (s *Store) objectDir(bucket string) string { return filepath.Join(s.root, bucket, "objects") }

// keyFile is the name, without an ending, of a key's files.
func keyFile(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func noBucket(name string) error {
	return &wire.Error{Status: 404, Code: "NoSuchBucket", Message: "The specified bucket does not exist",
		Fields: map[string]any{"BucketName": name}, Cause: fmt.Errorf("%w: %s", ErrNoSuchBucket, name)}
}

func noKey(bucket, key string) error {
	return &wire.Error{Status: 404, Code: "NoSuchKey", Message: "The specified key does not exist.",
		Fields: map[string]any{"Key": key}, Cause: fmt.Errorf("%w: s3://%s/%s", ErrNoSuchKey, bucket, key)}
}

var bucketName = regexp.MustCompile(`\A[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\z`)

// CreateBucket makes a bucket. A name in use is BucketAlreadyOwnedByYou.
func (s *Store) CreateBucket(name string) error { return s.createBucket(name, "") }

func (s *Store) createBucket(name, region string) error {
	if _, err := netip.ParseAddr(name); err == nil || !bucketName.MatchString(name) || strings.Contains(name, "..") {
		return &wire.Error{Status: 400, Code: "InvalidBucketName",
			Message: "The specified bucket is not valid.", Fields: map[string]any{"BucketName": name}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[name] != nil {
		return &wire.Error{Status: 409, Code: "BucketAlreadyOwnedByYou",
			Message: "Your previous request to create the named bucket succeeded and you already own it.",
			Fields:  map[string]any{"BucketName": name}}
	}
	b := &bucket{Bucket: Bucket{Name: name, Created: s.now().UTC(), Region: region}, objects: map[string]*Object{}}
	if err := os.MkdirAll(s.objectDir(name), 0o700); err != nil {
		return fmt.Errorf("create bucket %s: %w", name, err)
	}
	if err := writeJSON(filepath.Join(s.root, name, "bucket.json"), b.Bucket); err != nil {
		return fmt.Errorf("create bucket %s: %w", name, err)
	}
	s.buckets[name] = b
	return nil
}

// Buckets lists all buckets by name.
func (s *Store) Buckets() []Bucket {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Bucket, 0, len(s.buckets))
	for _, b := range s.buckets {
		out = append(out, b.Bucket)
	}
	slices.SortFunc(out, func(a, b Bucket) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// BucketExists reports whether a bucket is there.
func (s *Store) BucketExists(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.buckets[name] != nil
}

// DeleteBucket removes an empty bucket; unfinished uploads go with it.
func (s *Store) DeleteBucket(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return noBucket(name)
	}
	if len(b.objects) > 0 {
		return &wire.Error{Status: 409, Code: "BucketNotEmpty",
			Message: "The bucket you tried to delete is not empty", Fields: map[string]any{"BucketName": name}}
	}
	// bucket.json goes first: without it the folder is no bucket.
	if err := os.Remove(filepath.Join(s.root, name, "bucket.json")); err != nil {
		return fmt.Errorf("delete bucket %s: %w", name, err)
	}
	delete(s.buckets, name)
	if err := os.RemoveAll(filepath.Join(s.root, name)); err != nil {
		return fmt.Errorf("delete bucket %s: %w", name, err)
	}
	return nil
}

// sortedKeys returns the keys of a bucket in byte order; it must not be changed.
func (s *Store) sortedKeys(name string) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		return nil, noBucket(name)
	}
	if b.keys == nil {
		b.keys = make([]string, 0, len(b.objects))
		for k := range b.objects {
			b.keys = append(b.keys, k)
		}
		slices.Sort(b.keys)
	}
	return b.keys, nil
}

// object looks one object up.
func (s *Store) object(bucketName, key string) (Object, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	b := s.buckets[bucketName]
	if b == nil {
		return Object{}, noBucket(bucketName)
	}
	o := b.objects[key]
	if o == nil {
		return Object{}, noKey(bucketName, key)
	}
	return *o, nil
}

// writeJSON replaces a file by one rename.
func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// ParseURI splits "s3://bucket/key"; the key may be empty.
func ParseURI(uri string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	if !ok || bucket == "" {
		return "", "", fmt.Errorf("%q is not of the form s3://BUCKET/KEY", uri)
	}
	return bucket, key, nil
}
