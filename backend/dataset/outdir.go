package dataset

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"tunebench/backend/safetext"
)

// splitFile is one file being written.
type splitFile struct {
	file  io.WriteCloser
	w     *bufio.Writer
	sum   hash.Hash
	rows  int64
	bytes int64
	done  bool
	table *parquetRows // of a Parquet file
}

func newSplitFile(dir, name string) (*splitFile, error) {
	f, err := create(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	s := &splitFile{file: f, sum: sha256.New()}
	s.w = bufio.NewWriterSize(f, 1<<16)
	return s, nil
}

// add adds a row, given as a line of JSON.
func (s *splitFile) add(line []byte) error {
	s.rows++
	if s.table != nil {
		return s.table.add(line)
	}
	_, err := s.Write(line)
	return err
}

// Write adds bytes.
func (s *splitFile) Write(b []byte) (int, error) {
	s.bytes += int64(len(b))
	s.sum.Write(b)
	return s.w.Write(b)
}

// finish writes what is buffered and closes the file, once.
func (s *splitFile) finish() error {
	if s.done {
		return nil
	}
	s.done = true
	var err error
	if s.table != nil {
		err = s.table.Close()
	}
	err = errors.Join(err, s.w.Flush())
	if f, ok := s.file.(*os.File); ok && err == nil {
		err = f.Sync()
	}
	return errors.Join(err, s.file.Close())
}

// checkOut refuses a folder that holds something other than splits.
func checkOut(out string) error {
	if out == "" {
		return errors.New("no folder was named for the splits; give one with --out")
	}
	entries, err := os.ReadDir(out)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s cannot be used for the splits: %w; choose another folder", safetext.Line(out), err)
	}
	ours := map[string]bool{manifestFile: true}
	for _, name := range []string{Train, Validation, Test} {
		ours[name+"."+AsJSONL], ours[name+"."+AsParquet] = true, true
	}
	for _, e := range entries {
		if !ours[e.Name()] {
			return fmt.Errorf("the folder %s holds other files (%s); choose another one, so that nothing is lost", safetext.Line(out), safetext.Line(e.Name()))
		}
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(out, manifestFile)); err != nil {
			return fmt.Errorf("the folder %s holds splits without a manifest, so they may be yours; choose another one, so that nothing is lost", safetext.Line(out))
		}
	}
	return nil
}

// replaceDir puts tmp in the place of out. An older out is moved aside first
// and comes back if the move fails.
func replaceDir(tmp, out string) error {
	old := tmp + ".old"
	err := os.Rename(out, old)
	had := err == nil
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(tmp, out); err != nil {
		if had {
			err = errors.Join(err, os.Rename(old, out))
		}
		return err
	}
	if had {
		return os.RemoveAll(old)
	}
	return nil
}

// diskError says what to do about a disk that is full or cannot be written.
func diskError(err error, out string) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("the disk that holds %s is full; nothing was written. Free some space or choose another folder: %w", safetext.Line(out), err)
	case errors.Is(err, os.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s cannot be written; choose another folder: %w", safetext.Line(out), err)
	}
	return err
}
