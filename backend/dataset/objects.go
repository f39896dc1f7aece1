package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"tunebench/backend/safetext"
)

// Object is a file in object storage, of one version that does not change.
type Object interface {
	// Size is its length in bytes.
	Size() int64
	// ReadAt fills p from offset off; io.EOF when the object ends before.
	ReadAt(ctx context.Context, p []byte, off int64) (int, error)
}

// Objects opens what s3:// paths name.
type Objects interface {
	Open(ctx context.Context, uri string) (Object, error)
	// List returns the URIs of the objects under a prefix that ends in "/".
	List(ctx context.Context, prefix string) ([]string, error)
}

// objectBlock is how much of an object is fetched at a time.
const objectBlock = 1 << 20

// objectCache keeps what was read of an object in a scratch file, so that every
// byte crosses the network once.
type objectCache struct {
	ctx  context.Context // of the open dataset; ReaderAt has none of its own
	o    Object
	file *os.File

	mu   sync.Mutex
	here map[int64]chan struct{} // block → closed when it is in the file
	bad  map[int64]error
}

func openObject(ctx context.Context, uri string, o OpenOptions) (*source, error) {
	shown := safetext.Line(uri)
	if o.Objects == nil {
		return nil, fmt.Errorf("%s cannot be opened here: no account was handed over that could read it; copy the file to this machine first", shown)
	}
	obj, err := o.Objects.Open(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", shown, err)
	}
	tmp, err := scratchFile()
	if err != nil {
		return nil, fmt.Errorf("open %s: no room for a copy of what is read: %w", shown, err)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &objectCache{ctx: run, o: obj, file: tmp, here: map[int64]chan struct{}{}, bad: map[int64]error{}}
	s := newSource(uri, c, obj.Size(), true, tmp.Close)
	s.stop = cancel
	return unpack(s)
}

// ReadAt reads from the copy, fetching what is missing.
func (c *objectCache) ReadAt(p []byte, off int64) (int, error) {
	end := min(off+int64(len(p)), c.o.Size())
	if off >= end {
		return 0, io.EOF
	}
	for b := off / objectBlock; b*objectBlock < end; b++ {
		if err := c.fetch(b); err != nil {
			return 0, err
		}
	}
	n, err := c.file.ReadAt(p[:end-off], off)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// fetch brings a block here, once; a failed one is tried again by the next
// reader.
func (c *objectCache) fetch(b int64) error {
	c.mu.Lock()
	if done, ok := c.here[b]; ok {
		c.mu.Unlock()
		<-done
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.bad[b]
	}
	done := make(chan struct{})
	c.here[b] = done
	delete(c.bad, b)
	c.mu.Unlock()

	off := b * objectBlock
	buf := make([]byte, min(objectBlock, c.o.Size()-off))
	n, err := c.o.ReadAt(c.ctx, buf, off)
	if errors.Is(err, io.EOF) && n == len(buf) {
		err = nil
	}
	if err == nil && n < len(buf) {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		_, err = c.file.WriteAt(buf, off)
	}
	c.mu.Lock()
	if err != nil {
		c.bad[b] = err
		delete(c.here, b)
	}
	c.mu.Unlock()
	close(done)
	return err
}

// listObjects returns the files of rows under an s3:// prefix.
func listObjects(ctx context.Context, prefix string, o OpenOptions) ([]string, error) {
	if o.Objects == nil {
		return nil, fmt.Errorf("%s cannot be listed here: no account was handed over that could read it", safetext.Line(prefix))
	}
	all, err := o.Objects.List(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", safetext.Line(prefix), err)
	}
	var files []string
	for _, uri := range all {
		if isRowsFile(uri[strings.LastIndexByte(uri, '/')+1:]) {
			files = append(files, uri)
		}
	}
	return files, nil
}
