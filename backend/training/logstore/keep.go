package logstore

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Suffix ends the names of kept logs.
const Suffix = ".log"

// Log is a log that is kept in a file.
type Log struct {
	Path string
	// Size is what it takes on disk with its index, in bytes.
	Size int64
	// Used is when it was last opened or written.
	Used time.Time
}

// Kept lists the logs in the folders of dir, the one that was used longest ago
// first.
func Kept(dir string) ([]Log, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*"+Suffix))
	if err != nil {
		return nil, err
	}
	var all []Log
	for _, path := range paths {
		i, err := os.Stat(path)
		if err != nil || !i.Mode().IsRegular() {
			continue // it went meanwhile
		}
		l := Log{Path: path, Size: i.Size(), Used: i.ModTime()}
		for _, beside := range []string{".index", ".streams"} {
			if i, err := os.Stat(path + beside); err == nil {
				l.Size += i.Size()
			}
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b Log) int { return cmp.Or(a.Used.Compare(b.Used), strings.Compare(a.Path, b.Path)) })
	return all, nil
}

// Use notes that a kept log was used.
func (s *Store) Use(now time.Time) {
	if !s.own {
		_ = os.Chtimes(s.path, now, now) // it only decides what goes first
	}
}

// Tidy deletes logs in the folders of dir: those that were not used for longer
// than age, and then those that were used longest ago until no more than bytes
// are left; 0 is no bound. A log that is open anywhere stays. It returns what
// was deleted.
func Tidy(dir string, age time.Duration, bytes int64, now time.Time) ([]Log, error) {
	all, err := Kept(dir)
	if err != nil {
		return nil, err
	}
	var total int64
	for _, l := range all {
		total += l.Size
	}
	var gone []Log
	var errs []error
	for _, l := range all {
		old := age > 0 && now.Sub(l.Used) > age
		if !old && (bytes <= 0 || total <= bytes) {
			continue
		}
		switch deleted, err := remove(l.Path); {
		case err != nil:
			errs = append(errs, err)
		case deleted:
			total -= l.Size
			gone = append(gone, l)
		}
	}
	return gone, errors.Join(errs...)
}

// remove deletes a log that is open nowhere.
func remove(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("delete the kept log: %w", err)
	}
	defer f.Close() // and give the lock back
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return false, nil
		}
		return false, fmt.Errorf("lock the kept log %s: %w", path, err)
	}
	for _, p := range []string{path + ".index", path + ".streams", path} {
		if e := os.Remove(p); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("delete the kept log: %w", e))
		}
	}
	return err == nil, err
}
