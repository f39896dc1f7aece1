package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tunebench/backend/safetext"
)

// ReadManifest reads the manifest of a folder that Prepare wrote.
func ReadManifest(dir string) (Manifest, error) {
	shown := safetext.Line(dir)
	b, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, fmt.Errorf("the folder %s has no %s; make it with: dataset prepare FILE --out %s: %w", shown, manifestFile, shown, fs.ErrNotExist)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("read the manifest of %s: %w", shown, err)
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return Manifest{}, fmt.Errorf("the manifest of %s cannot be read (%w); prepare the dataset again", shown, err)
	}
	if m.Version != 1 {
		return Manifest{}, fmt.Errorf("the manifest of %s has version %d, and this tunebench reads version 1; prepare the dataset again", shown, m.Version)
	}
	return m, nil
}

// SplitFile is where a split lies in a folder that Prepare wrote: as Parquet if
// there is such a file and none of JSON Lines.
func SplitFile(dir, split string) string {
	path := filepath.Join(dir, split+"."+AsJSONL)
	if _, err := os.Stat(path); err != nil {
		if table := filepath.Join(dir, split+"."+AsParquet); isFile(table) {
			return table
		}
	}
	return path
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// OpenSplits finds the files to train on. A file stands for itself and has no
// validation split; a folder is one that Prepare wrote, or holds at least
// train.jsonl or train.parquet. validation is "" when there is none or it is empty; m is nil
// when there is no manifest.
func OpenSplits(path string) (train, validation string, m *Manifest, err error) {
	if strings.HasPrefix(path, SamplePrefix) {
		return path, "", nil, nil
	}
	st, err := os.Stat(path)
	if err != nil || !st.IsDir() {
		src, err := openSource(context.Background(), path, OpenOptions{}) // for its errors, which say what to do
		if err != nil {
			return "", "", nil, err
		}
		src.stop()
		return path, "", nil, src.close()
	}
	train = SplitFile(path, Train)
	if st, err := os.Stat(train); err != nil || st.Size() == 0 {
		return "", "", nil, fmt.Errorf("the folder %s has no rows in %s.jsonl; make it with: dataset prepare FILE --out %s", safetext.Line(path), Train, safetext.Line(path))
	}
	if manifest, err := ReadManifest(path); err == nil {
		m = &manifest
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", "", nil, err
	}
	validation = SplitFile(path, Validation)
	if st, err := os.Stat(validation); err != nil || st.Size() == 0 {
		validation = ""
	}
	if m != nil && slices.ContainsFunc(m.Splits, func(s SplitInfo) bool { return s.Name == Validation && s.Rows == 0 }) {
		validation = "" // a Parquet file without rows is not empty
	}
	return train, validation, m, nil
}
