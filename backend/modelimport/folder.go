package modelimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// file is one file of an artifact, named as in its folder.
type file struct {
	name  string
	size  int64
	class string // storage class in S3, "" elsewhere
}

// folder is an artifact wherever it lies. Reading is by byte range only, so a
// large artifact in S3 costs its headers and not its weights.
type folder interface {
	list(ctx context.Context) ([]file, error)
	reader(ctx context.Context, f file) (io.ReaderAt, io.Closer, error)
	// read returns a whole small file.
	read(ctx context.Context, name string) ([]byte, error)
}

// meter counts the bytes that are read of an artifact.
type meter struct {
	folder
	n atomic.Int64
}

func (m *meter) reader(ctx context.Context, f file) (io.ReaderAt, io.Closer, error) {
	r, c, err := m.folder.reader(ctx, f)
	if rr, ok := r.(*rangeReader); ok {
		rr.read = &m.n // what is asked of S3, which is more than what is asked of it here
		return r, c, err
	}
	return meteredFile{r, &m.n}, c, err
}

func (m *meter) read(ctx context.Context, name string) ([]byte, error) {
	b, err := m.folder.read(ctx, name)
	m.n.Add(int64(len(b)))
	return b, err
}

type meteredFile struct {
	io.ReaderAt
	n *atomic.Int64
}

func (f meteredFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.ReaderAt.ReadAt(p, off)
	f.n.Add(int64(n))
	return n, err
}

// maxSmall bounds what is read whole: config and tokenizer files.
const maxSmall = 64 << 20

func (s *Service) open(source string) (folder, error) {
	if strings.HasPrefix(source, "s3://") {
		bucket, prefix, err := splitURI(source)
		if err != nil {
			return nil, err
		}
		return s3Folder{s.c.S3, bucket, prefix}, nil
	}
	info, err := os.Stat(source)
	if err != nil {
		return nil, fmt.Errorf("open the artifact %s: %w; give a folder, an s3:// prefix, or --job with a training job's name", source, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("the artifact %s is a file; give the folder that holds its config.json and weights", source)
	}
	return localFolder(source), nil
}

var s3Prefix = regexp.MustCompile(`\As3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?\z`)

// splitURI parts s3://bucket/prefix; the prefix ends in a slash or is empty.
func splitURI(uri string) (bucket, prefix string, err error) {
	m := s3Prefix.FindStringSubmatch(uri)
	if m == nil {
		return "", "", fmt.Errorf("%s is no S3 location; write s3://bucket/prefix/", uri)
	}
	prefix = m[2]
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return m[1], prefix, nil
}

type localFolder string

func (l localFolder) list(context.Context) ([]file, error) {
	var files []file
	err := filepath.WalkDir(string(l), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(string(l), p)
		if err != nil {
			return err
		}
		files = append(files, file{name: filepath.ToSlash(rel), size: info.Size()})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the artifact: %w", err)
	}
	return files, nil
}

func (l localFolder) reader(_ context.Context, f file) (io.ReaderAt, io.Closer, error) {
	h, err := os.Open(filepath.Join(string(l), filepath.FromSlash(f.name)))
	if err != nil {
		return nil, nil, fmt.Errorf("open the artifact's file: %w", err)
	}
	return h, h, nil
}

func (l localFolder) read(_ context.Context, name string) ([]byte, error) {
	h, err := os.Open(filepath.Join(string(l), filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return readSmall(h, name)
}

func readSmall(r io.Reader, name string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxSmall+1))
	if err == nil && len(b) > maxSmall {
		err = fmt.Errorf("%s is larger than %d bytes, which no such file should be", name, maxSmall)
	}
	return b, err
}

type s3Folder struct {
	client         *s3.Client
	bucket, prefix string
}

func (f s3Folder) list(ctx context.Context) ([]file, error) {
	var files []file
	p := s3.NewListObjectsV2Paginator(f.client, &s3.ListObjectsV2Input{Bucket: &f.bucket, Prefix: &f.prefix})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", f.bucket, f.prefix, err)
		}
		for _, o := range page.Contents {
			name := strings.TrimPrefix(aws.ToString(o.Key), f.prefix)
			if name == "" || strings.HasSuffix(name, "/") {
				continue // a folder's own mark
			}
			files = append(files, file{name, aws.ToInt64(o.Size), string(o.StorageClass)})
		}
	}
	return files, nil
}

func (f s3Folder) reader(ctx context.Context, fl file) (io.ReaderAt, io.Closer, error) {
	return &rangeReader{ctx: ctx, f: f, key: f.prefix + fl.name, size: fl.size}, io.NopCloser(nil), nil
}

func (f s3Folder) read(ctx context.Context, name string) ([]byte, error) {
	out, err := f.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &f.bucket, Key: aws.String(f.prefix + name)})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	return readSmall(out.Body, name)
}

// rangeReader reads one object by ranges. The first request asks for more than
// the eight bytes a safetensors reader begins with, so that a usual header
// comes with it.
type rangeReader struct {
	ctx  context.Context
	f    s3Folder
	key  string
	size int64
	head []byte
	read *atomic.Int64
}

const headBytes = 64 << 10

func (r *rangeReader) ReadAt(p []byte, off int64) (int, error) {
	if off >= r.size {
		return 0, io.EOF
	}
	if r.head == nil {
		head, err := r.get(0, min(headBytes, r.size))
		if err != nil {
			return 0, err
		}
		r.head = head
	}
	if off+int64(len(p)) <= int64(len(r.head)) {
		return copy(p, r.head[off:]), nil
	}
	want := min(int64(len(p)), r.size-off)
	b, err := r.get(off, want)
	n := copy(p, b)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

func (r *rangeReader) get(off, n int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(r.ctx, 2*time.Minute)
	defer cancel()
	out, err := r.f.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.f.bucket, Key: &r.key,
		Range: aws.String(fmt.Sprintf("bytes=%d-%d", off, off+n-1))})
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", r.f.bucket, r.key, err)
	}
	defer out.Body.Close()
	b := make([]byte, n)
	if r.read != nil {
		r.read.Add(n)
	}
	if _, err := io.ReadFull(out.Body, b); err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", r.f.bucket, r.key, err)
	}
	return b, nil
}

// small is an fs.FS over an artifact's small files, as the artifact package
// reads them; weights are not in it.
type small map[string][]byte

func (m small) Open(name string) (fs.File, error) {
	b, ok := m[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &smallFile{name: name, Reader: strings.NewReader(string(b)), size: int64(len(b))}, nil
}

type smallFile struct {
	name string
	size int64
	*strings.Reader
}

func (f *smallFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *smallFile) Close() error               { return nil }
func (f *smallFile) Name() string               { return path.Base(f.name) }
func (f *smallFile) Size() int64                { return f.size }
func (f *smallFile) Mode() fs.FileMode          { return 0o444 }
func (f *smallFile) ModTime() time.Time         { return time.Time{} }
func (f *smallFile) IsDir() bool                { return false }
func (f *smallFile) Sys() any                   { return nil }

// load reads the named small files; one that is absent is left out.
func load(ctx context.Context, f folder, have map[string]file, names ...string) (small, error) {
	m := small{}
	for _, n := range names {
		if _, ok := have[n]; !ok {
			continue
		}
		b, err := f.read(ctx, n)
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("read %s of the artifact: %w", n, err)
		}
		m[n] = b
	}
	return m, nil
}
