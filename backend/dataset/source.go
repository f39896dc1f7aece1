package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unicode/utf8"

	"tunebench/backend/safetext"
)

// SamplePrefix begins the paths of the data that comes with the program.
const SamplePrefix = "sample:"

var (
	sampleMu sync.RWMutex
	sampleFS fs.FS
)

// SetSample registers the embedded sample data; main calls it once.
func SetSample(fsys fs.FS) {
	sampleMu.Lock()
	defer sampleMu.Unlock()
	sampleFS = fsys
}

// Sample is the path of the sample dataset that comes with the program.
func Sample() string { return SamplePrefix + "openorca-sample.jsonl" }

// source is the bytes of a dataset. Files are read with pread, not mapped: a
// mapped file that another process cuts short would kill this one.
type source struct {
	io.ReaderAt
	size  int64
	path  string
	close func() error
}

// openSource opens a file or a piece of the sample data.
func openSource(path string) (*source, error) {
	if name, ok := strings.CutPrefix(path, SamplePrefix); ok {
		return openSample(path, name)
	}
	shown := safetext.Line(path)
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s; check the path", shown)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%s cannot be read: permission denied; check the permissions of the file and its folder", shown)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", shown, err)
	case st.IsDir():
		return nil, fmt.Errorf("%s is a folder; name a file of rows in it, such as train.jsonl", shown)
	case !st.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file, so it cannot be read in any order; copy it into one first", shown)
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%s cannot be read: permission denied; check its permissions (chmod u+r)", shown)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", shown, err)
	}
	return &source{ReaderAt: f, size: st.Size(), path: path, close: f.Close}, nil
}

func openSample(path, name string) (*source, error) {
	sampleMu.RLock()
	fsys := sampleFS
	sampleMu.RUnlock()
	if fsys == nil {
		return nil, fmt.Errorf("%s: this build carries no sample data", safetext.Line(path))
	}
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		var names []string
		entries, _ := fs.ReadDir(fsys, ".") // an empty list says enough
		for _, e := range entries {
			names = append(names, SamplePrefix+e.Name())
		}
		return nil, fmt.Errorf("there is no sample %s; there are: %s", safetext.Line(path), strings.Join(names, ", "))
	}
	return &source{ReaderAt: bytes.NewReader(b), size: int64(len(b)), path: path, close: func() error { return nil }}, nil
}

// head returns the first bytes, at most n.
func (s *source) head(n int) ([]byte, error) {
	b := make([]byte, min(int64(n), s.size))
	m, err := s.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %s: %w", safetext.Line(s.path), err)
	}
	return b[:m], nil
}

const utf8BOM = "\xef\xbb\xbf"

// kinds of file that hold no rows as they are, by their first bytes.
var foreign = []struct{ magic, what, remedy string }{
	{"\x1f\x8b", "gzip data", "unpack it with gunzip first"},
	{"\x28\xb5\x2f\xfd", "zstd data", "unpack it with zstd -d first"},
	{"BZh", "bzip2 data", "unpack it with bunzip2 first"},
	{"\xfd7zXZ", "xz data", "unpack it with xz -d first"},
	{"PK\x03\x04", "a zip archive or a spreadsheet", "unpack it, or export it as CSV"},
	{"SQLite format 3", "an SQLite file", "export the table as CSV"},
	{"ARROW1", "an Arrow file", "convert it to Parquet"},
	{"%PDF", "a PDF", "export its rows as JSONL or CSV"},
}

// checkText refuses what is not text, or not UTF-8 in its first line, with a
// reason. Bad bytes further on make bad rows, not a bad file.
func checkText(path string, head []byte) error {
	shown := safetext.Line(path)
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return fmt.Errorf("%s is %s, not a file of rows; %s", shown, f.what, f.remedy)
		}
	}
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return fmt.Errorf("%s is UTF-16 text; convert it with: iconv -f UTF-16 -t UTF-8", shown)
	}
	if i := bytes.IndexByte(head, 0); i >= 0 {
		return fmt.Errorf("%s is binary (a NUL byte at offset %d); a dataset is JSONL, a JSON array, CSV, TSV or Parquet", shown, i)
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		if r == utf8.RuneError && n == 1 {
			if !utf8.FullRune(line[i:]) && len(line) == readSize {
				break // a character cut by the end of what was read
			}
			return fmt.Errorf("%s is not UTF-8 text (byte 0x%02x at offset %d); convert it, for instance with: iconv -f LATIN1 -t UTF-8", shown, line[i], i)
		}
		i += n
	}
	return nil
}

// detect says which format a file has, by its name and its first bytes.
func detect(path string, head []byte) string {
	if bytes.HasPrefix(head, []byte("PAR1")) {
		return "parquet"
	}
	ext := strings.ToLower(filepath.Ext(path))
	switch ext {
	case ".csv":
		return "csv"
	case ".tsv", ".tab":
		return "tsv"
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte(utf8BOM)), " \t\r\n")
	switch {
	case len(text) > 0 && text[0] == '[':
		return "json"
	case ext == ".jsonl" || ext == ".ndjson":
		return "jsonl"
	case len(text) > 0 && text[0] == '{':
		line, _, _ := bytes.Cut(text, []byte("\n"))
		line = bytes.TrimRight(line, " \t\r")
		if ext != ".json" || bytes.HasSuffix(line, []byte("}")) {
			return "jsonl"
		}
		return "json" // one value after another, over several lines each
	case ext == ".json":
		return "jsonl"
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if bytes.Count(line, []byte("\t")) > bytes.Count(line, []byte(",")) {
		return "tsv"
	}
	return "csv"
}
