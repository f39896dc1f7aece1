package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"tunebench/backend/safetext"
)

// checksums hashes the files as they are stored. sum is the hash of the only
// file, or of all their hashes.
func (d *Dataset) checksums(ctx context.Context) (sum string, files []SourceInfo, err error) {
	all := sha256.New()
	for _, p := range d.parts {
		one, err := p.src.checksum(ctx)
		if err != nil {
			return "", nil, err
		}
		files = append(files, SourceInfo{Path: p.src.path, Bytes: p.src.stored(), SHA256: one})
		io.WriteString(all, one+"\n")
	}
	if len(files) == 1 {
		return files[0].SHA256, files, nil
	}
	return hex.EncodeToString(all.Sum(nil)), files, nil
}

// filesOf hashes the files of another dataset; "" has none.
func filesOf(ctx context.Context, path string) ([]SourceInfo, error) {
	if path == "" {
		return nil, nil
	}
	d, err := Open(ctx, path, OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	_, files, err := d.checksums(ctx)
	return files, err
}

func (s *source) checksum(ctx context.Context) (string, error) {
	var r io.ReaderAt = s
	size := s.stored()
	if s.raw != nil {
		r = s.raw
	}
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for off := int64(0); off < size; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		if n == 0 && err != nil {
			return "", fmt.Errorf("read %s: %w", safetext.Line(s.path), err)
		}
		h.Write(buf[:n])
		off += int64(n)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
