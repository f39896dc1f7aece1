package dataset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"tunebench/backend/safetext"
)

const utf8BOM = "\xef\xbb\xbf"

// kinds of file that hold no rows as they are, by their first bytes.
var foreign = []struct{ magic, what, remedy string }{
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
	// A NUL further on makes a bad row; a file with many of them is none of text.
	firstLine, _, _ := bytes.Cut(head, []byte("\n"))
	if i := bytes.IndexByte(head, 0); i >= 0 && (i < len(firstLine) || bytes.Count(head, []byte{0}) > len(head)*3/10) {
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
	ext := extension(path)
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
		if _, at := wrapped(text); ext == ".json" && at > 0 {
			return "json"
		}
		line, _, _ := bytes.Cut(text, []byte("\n"))
		line = bytes.TrimRight(line, " \t\r")
		if ext != ".json" || bytes.HasSuffix(line, []byte("}")) {
			return "jsonl"
		}
		return "json" // one value after another, over several lines each
	case ext == ".json":
		return "jsonl"
	}
	if separator(text, ',') == '\t' {
		return "tsv"
	}
	return "csv"
}

// separator is what separates the fields of delimited text: usual, unless its
// first line, which names the columns, has more of another one (spreadsheets
// write semicolons where a comma stands in numbers).
func separator(text []byte, usual byte) byte {
	n := [256]int{}
	quoted := false
	for _, c := range text {
		if c == '"' {
			quoted = !quoted
		}
		if c == '\n' && !quoted {
			break
		}
		if !quoted {
			n[c]++
		}
	}
	best := usual
	for _, c := range []byte{',', ';', '\t', '|'} {
		if n[c] > n[best] {
			best = c
		}
	}
	return best
}

// Members of a JSON object that hold a dataset's rows, as programs that write one
// object name them.
var lists = []string{"data", "rows", "examples", "items", "records", "samples", "instances", "questions", Train, Validation, Test}

// wrapped finds the list of rows in text that is one JSON object around them:
// its name, and where its first element begins. at is 0 when text is a row
// itself, or begins with one.
func wrapped(text []byte) (name string, at int) {
	if len(text) == 0 || text[0] != '{' {
		return "", 0
	}
	if end := valueLen(text); end < len(text) && len(bytes.TrimSpace(text[end:])) > 0 {
		return "", 0 // more rows follow
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return "", 0
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return "", 0
		}
		from := int(dec.InputOffset())
		value := bytes.TrimLeft(text[from:], ": \t\r\n")
		if inner, ok := bytes.CutPrefix(value, []byte("[")); ok && slices.Contains(lists, key.(string)) &&
			bytes.HasPrefix(bytes.TrimLeft(inner, " \t\r\n"), []byte("{")) {
			return key.(string), len(text) - len(inner)
		}
		var skipped json.RawMessage
		if err := dec.Decode(&skipped); err != nil {
			return "", 0
		}
	}
	return "", 0
}

// extension is a file's extension, below that of its compression.
func extension(path string) string {
	path = strings.ToLower(path)
	for _, packed := range []string{".gz", ".zst", ".zstd"} {
		if inner, ok := strings.CutSuffix(path, packed); ok {
			path = inner
			break
		}
	}
	return filepath.Ext(path)
}

// isRowsFile says whether a file of a folder is part of the dataset, by its name.
func isRowsFile(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == manifestFile {
		return false
	}
	switch extension(name) {
	case ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet":
		return true
	}
	return false
}
