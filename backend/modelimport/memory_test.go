package modelimport

import (
	"bytes"
	"context"
	"io"

	"tunebench/backend/artifact/corpus"
)

// memory is an artifact that lies in memory.
type memory corpus.Files

func (m memory) list(context.Context) ([]file, error) {
	var all []file
	for n, b := range m {
		all = append(all, file{name: n, size: int64(len(b))})
	}
	return all, nil
}

func (m memory) reader(_ context.Context, f file) (io.ReaderAt, io.Closer, error) {
	return bytes.NewReader(m[f.name]), io.NopCloser(nil), nil
}

func (m memory) read(_ context.Context, name string) ([]byte, error) { return m[name], nil }
