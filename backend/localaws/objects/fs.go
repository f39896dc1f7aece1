package objects

import (
	"context"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// lowerBound is the index of the first key that is not below k.
func lowerBound(keys []string, k string) int {
	i, _ := slices.BinarySearch(keys, k)
	return i
}

// FS shows the objects below a prefix as a folder; "/" separates folders. It
// has ReadDir and Stat; its files are also an io.ReaderAt and an io.Seeker.
// Keys that are not valid paths (such as "a//b" or "a/") are left out. It is a
// live view; ctx ends its operations.
func (s *Store) FS(ctx context.Context, bucketName, prefix string) fs.FS {
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return &folder{ctx: ctx, s: s, bucket: bucketName, prefix: prefix}
}

type folder struct {
	ctx            context.Context
	s              *Store
	bucket, prefix string
}

// Open opens an object or a folder.
func (f *folder) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if name != "." {
		r, err := f.s.Get(f.ctx, f.bucket, f.prefix+name)
		if err == nil {
			return &openObject{Reader: r, name: path.Base(name)}, nil
		}
		if f.ctx.Err() != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: f.ctx.Err()}
		}
	}
	entries, err := f.ReadDir(name)
	if err != nil {
		return nil, err
	}
	return &openFolder{info: info{name: path.Base(name), dir: true}, entries: entries}, nil
}

// Stat describes an object or a folder.
func (f *folder) Stat(name string) (fs.FileInfo, error) {
	if fs.ValidPath(name) && name != "." {
		if o, err := f.s.Head(f.ctx, f.bucket, f.prefix+name); err == nil {
			return infoOf(path.Base(name), o), nil
		}
	}
	if _, err := f.ReadDir(name); err != nil {
		return nil, err
	}
	return info{name: path.Base(name), dir: true}, nil
}

// ReadDir lists a folder by name.
func (f *folder) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrInvalid}
	}
	prefix := f.prefix
	if name != "." {
		prefix += name + "/"
	}
	objects, err := f.s.List(f.ctx, f.bucket, prefix)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	var out []fs.DirEntry
	seen := map[string]int{}
	for _, o := range objects {
		rest := strings.TrimPrefix(o.Key, prefix)
		if !fs.ValidPath(rest) || rest == "." {
			continue
		}
		first, _, deeper := strings.Cut(rest, "/")
		i, known := seen[first]
		switch {
		case !known && deeper:
			seen[first] = len(out)
			out = append(out, fs.FileInfoToDirEntry(info{name: first, dir: true}))
		case !known:
			seen[first] = len(out)
			out = append(out, fs.FileInfoToDirEntry(infoOf(first, o)))
		case !deeper: // an object hides the folder of the same name, as in Open
			out[i] = fs.FileInfoToDirEntry(infoOf(first, o))
		}
	}
	if len(out) == 0 && name != "." {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

type info struct {
	name string
	size int64
	mod  time.Time
	dir  bool
}

func infoOf(name string, o Object) info { return info{name: name, size: o.Size, mod: o.Modified} }

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.mod }
func (i info) IsDir() bool        { return i.dir }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

type openObject struct {
	*Reader
	name string
}

func (o *openObject) Stat() (fs.FileInfo, error) { return infoOf(o.name, o.Object), nil }

type openFolder struct {
	info    info
	entries []fs.DirEntry
	read    int
}

func (d *openFolder) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openFolder) Close() error               { return nil }
func (d *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: fs.ErrInvalid}
}

func (d *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	rest := d.entries[d.read:]
	if n > 0 && len(rest) == 0 {
		return nil, io.EOF
	}
	if n > 0 && len(rest) > n {
		rest = rest[:n]
	}
	d.read += len(rest)
	return slices.Clone(rest), nil
}
