// Package files writes files as a whole or not at all, and keeps folders of files
// that people save under a name and may edit by hand.
//
// It belongs here if it is about a file and its name. What stands in it does not.
package files

import (
	"errors"
	"os"
	"path/filepath"
)

// Write replaces the file at path, as a whole or not at all, with one of the given
// mode. A symbolic link stays one: the file that it leads to is replaced.
func Write(path string, data []byte, mode os.FileMode) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && mode != 0o600 {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one that matters
	}
	return err
}
