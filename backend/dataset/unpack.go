package dataset

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tunebench/backend/safetext"
)

var (
	gzipMagic = []byte("\x1f\x8b")
	zstdMagic = []byte("\x28\xb5\x2f\xfd")
)

// unpack puts the text of a gzip or zstd file behind s, so that it can be read
// at any place. The text goes to a file without a name while its first rows
// already show; the kernel frees it when this process ends, however it ends.
func unpack(s *source) (*source, error) {
	magic := make([]byte, 4)
	if n, _ := s.ReadAt(magic, 0); n < 4 { // whatever is wrong shows again when the head is read
		return s, nil
	}
	var open func(io.Reader) (io.Reader, func(), error)
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		open = func(r io.Reader) (io.Reader, func(), error) {
			z, err := gzip.NewReader(r)
			return z, func() {}, err
		}
	case bytes.Equal(magic, zstdMagic):
		open = func(r io.Reader) (io.Reader, func(), error) {
			z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
			if err != nil {
				return nil, nil, err
			}
			return z, z.Close, nil
		}
	default:
		return s, nil
	}
	total := s.length()
	fail := func(err error) (*source, error) {
		return nil, errors.Join(fmt.Errorf("%s cannot be unpacked: %w", safetext.Line(s.path), err), s.close())
	}
	packed := &countingReader{r: io.NewSectionReader(s.ReaderAt, 0, total)}
	r, release, err := open(bufio.NewReaderSize(packed, 256<<10))
	if err != nil {
		return fail(err)
	}
	tmp, err := scratchFile()
	if err != nil {
		release()
		return fail(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	u := newSource(s.path, tmp, 0, false, func() error {
		<-ended
		return errors.Join(tmp.Close(), s.close())
	})
	u.stop = func() { cancel(); s.stop() }
	u.raw, u.rawSize, u.stat, u.part = s.ReaderAt, total, s.stat, 0
	go func() {
		defer close(ended)
		defer release()
		buf := make([]byte, 256<<10)
		var size int64
		for {
			n, err := 0, error(nil)
			for n < len(buf) && err == nil {
				var m int
				m, err = r.Read(buf[n:])
				n += m
			}
			if n > 0 {
				if _, werr := tmp.WriteAt(buf[:n], size); werr != nil {
					err = werr
				} else {
					size += int64(n)
				}
			}
			switch {
			case errors.Is(err, io.EOF):
				u.set(size, 1, true, nil)
				return
			case err != nil:
				u.set(size, 1, true, fmt.Errorf("%s is damaged after %d bytes of text: %w; the rows before are there", safetext.Line(s.path), size, err))
				return
			case ctx.Err() != nil:
				u.set(size, 1, true, ctx.Err())
				return
			}
			u.set(size, float64(packed.n.Load())/float64(max(total, 1)), false, nil)
		}
	}()
	return u, nil
}

// scratchFile makes a file that has no name any more.
func scratchFile() (*os.File, error) {
	f, err := os.CreateTemp("", "tunebench-rows-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

type countingReader struct {
	r io.Reader
	n atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
