// Package state keeps the records of the local account as JSON files, each
// replaced by one rename, so that a killed process leaves the old record or the
// new one and never half of either.
//
// What the records mean belongs to the services that write them.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write replaces the file with v as JSON. Its folder is made when it is not
// there. The error names the file; errors.Is finds a full disk in it.
func Write(path string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Errorf("record %s: %w", path, err)
	}
	return WriteFile(path, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// WriteFile replaces a file with what fill writes into a temporary one beside
// it.
func WriteFile(path string, fill func(f *os.File) error) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the error that matters is the first one
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// Read fills v from a file that Write made. A file that is not there gives an
// error that is fs.ErrNotExist.
func Read(path string, v any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read record: %w", err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("record %s is damaged: %w; move it away to go on without it", path, err)
	}
	return nil
}
