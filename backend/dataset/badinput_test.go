package dataset

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// badRows lists the bad rows of a file, and opens it.
func badRows(t *testing.T, path string) ([]BadRow, *Dataset) {
	t.Helper()
	d, err := Open(context.Background(), path, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	var bad []BadRow
	if err := d.BadRows(context.Background(), func(b BadRow) error { bad = append(bad, b); return nil }); err != nil {
		t.Fatal(err)
	}
	l := d.Unusable(context.Background()) // says the same as a list of rows
	if err := l.Wait(context.Background()); err != nil || l.Len() != len(bad) {
		t.Errorf("%d unusable rows are listed, %v; %d are bad", l.Len(), err, len(bad))
	}
	for i := range bad {
		if row, _ := l.At(i); row+1 != bad[i].Row {
			t.Errorf("row %d is listed as unusable, row %d is", row+1, bad[i].Row)
		}
	}
	return bad, d
}

const goodRow = `{"question":"q","response":"a"}`

// TestBadLines puts one bad line between good ones: it is named with its file,
// line and reason, comes out byte for byte, and the others stay usable.
func TestBadLines(t *testing.T) {
	long := `{"question":"q","response":"` + strings.Repeat("x", 50<<20) + `"}`
	for name, tc := range map[string]struct{ line, reason string }{
		"broken":                {`{"question":"q","respo`, "cannot be read"},
		"cut string":            {`{"question":"q","response":"a`, "cannot be read"},
		"no object":             {`[1,2]`, "cannot be read"},
		"text":                  {`hello`, "cannot be read"},
		"two values":            {goodRow + goodRow, "cannot be read"},
		"blank":                 {``, "is blank"},
		"other columns":         {`{"prompt":"q","completion":"a"}`, `has no column "question"; it has prompt, completion`},
		"one column is missing": {`{"question":"q"}`, `has no column "response"`},
		"invalid UTF-8":         {"{\"question\":\"q\xff\",\"response\":\"a\"}", "is not UTF-8 text"},
		"latin-1":               {"{\"question\":\"caf\xe9\",\"response\":\"a\"}", "is not UTF-8 text"},
		"NUL byte":              {"{\"question\":\"q\x00\",\"response\":\"a\"}", "cannot be read"},
		"only NULs":             {strings.Repeat("\x00", 30), "cannot be read"},
		"50 MB line":            {long, "is longer than 16 MiB"},
		"deep nesting":          {`{"question":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `,"response":"a"}`, "cannot be read"},
		"never closed":          {strings.Repeat("[", 100_000), "cannot be read"},
		"empty answer":          {`{"question":"q","response":" \n"}`, "has no answer"},
		"empty question":        {`{"question":"","response":"a"}`, "has no question"},
		"lone surrogate":        {`{"question":"\ud800","response":""}`, "has no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "x.jsonl", goodRow+"\n"+goodRow+"\n"+tc.line+"\n"+goodRow+"\n")
			bad, d := badRows(t, path)
			if len(bad) != 1 {
				t.Fatalf("%d bad rows", len(bad))
			}
			b := bad[0]
			if b.File != path || b.Number != 3 || b.Row != 3 || b.What != "line" || !strings.Contains(b.Reason, tc.reason) || !strings.Contains(b.Reason, "line 3") {
				t.Errorf("%s:%d (row %d): %q, want %q", b.File, b.Number, b.Row, b.Reason, tc.reason)
			}
			if string(b.Raw) != tc.line || b.Cut {
				t.Errorf("%d bytes came out of %d", len(b.Raw), len(tc.line))
			}
			m, err := Prepare(context.Background(), path, PrepareOptions{Out: filepath.Join(t.TempDir(), "out"), Split: [3]float64{1, 0, 0}, Recipe: Recipe{Dedup: DedupNone}}, nil)
			dropped := 0
			for _, n := range m.Dropped {
				dropped += n
			}
			if err != nil || m.Splits[0].Rows != 3 || dropped != 1 || m.SourceRows != 4 {
				t.Errorf("prepared: %+v, %v", m, err)
			}
			if rows, err := d.Rows(context.Background(), 3, 1); err != nil || len(rows) != 1 || rows[0].Question != "q" {
				t.Errorf("the row behind it: %+v, %v", rows, err)
			}
		})
	}
}

// TestOddLines holds what looks bad and is none.
func TestOddLines(t *testing.T) {
	for name, tc := range map[string]struct{ file, answer string }{
		"byte-order mark": {"\xef\xbb\xbf" + goodRow + "\n", "a"},
		"CRLF":            {goodRow + "\r\n", "a"},
		"no line end":     {goodRow, "a"},
		"huge number":     {`{"question":"q","response":1e400000,"n":` + strings.Repeat("9", 5000) + "}\n", "1e400000"},
		"number":          {`{"question":"q","response":12345678901234567890123}` + "\n", "12345678901234567890123"},
		"blanks":          {" \t" + goodRow + " \t\n", "a"},
		"doubled name":    {`{"question":"q","response":"a","response":"a"}` + "\n", "a"},
	} {
		path := write(t, "x.jsonl", tc.file)
		bad, d := badRows(t, path)
		if rows, err := d.Rows(context.Background(), 0, 1); len(bad) > 0 || err != nil || len(rows) != 1 || rows[0].Answer != tc.answer {
			t.Errorf("%s: bad %v, rows %+v, %v", name, bad, rows, err)
		}
	}
}

// TestBadFiles holds what cannot be opened at all: the error names the file, the
// reason and what to do.
func TestBadFiles(t *testing.T) {
	parquet, err := os.ReadFile("../../testdata/openorca-sample.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ file, content, want string }{
		"empty":                  {"x.jsonl", "", "is empty"},
		"only blanks":            {"x.jsonl", "\n\n \n", "is empty"},
		"UTF-16":                 {"x.jsonl", "\xff\xfe{\x00}\x00", "iconv -f UTF-16"},
		"Latin-1 from the top":   {"x.csv", "question,r\xe9ponse\na,b\n", "iconv -f LATIN1"},
		"binary":                 {"x.jsonl", "\x00\x01\x02", "NUL byte"},
		"zip":                    {"x.jsonl", "PK\x03\x04rest", "zip archive"},
		"cut Parquet":            {"x.parquet", string(parquet[:len(parquet)/2]), "x.parquet"},
		"Parquet without a tail": {"x.parquet", string(parquet[:len(parquet)-4]), "x.parquet"},
		"no Parquet":             {"x.parquet", "PAR1", "x.parquet"},
	} {
		path := write(t, tc.file, tc.content)
		d, err := Open(context.Background(), path, OpenOptions{})
		if err == nil {
			err = d.WaitIndexed(context.Background())
			if err == nil && d.Info().Rows == 0 {
				err = errors.New(path + " has no rows")
			}
			d.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

// TestBadRowsOfSeveralFiles names the file of each.
func TestBadRowsOfSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a.jsonl": goodRow + "\n{broken\n", "b.csv": "question,response\nq,a\nonly one\n,x\n", "c.jsonl": goodRow + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bad, d := badRows(t, dir)
	if len(bad) != 3 || d.Info().Rows != 6 {
		t.Fatalf("%d rows, bad: %+v", d.Info().Rows, bad)
	}
	for i, want := range []struct {
		file        string
		row, number int64
		what        string
	}{{"a.jsonl", 2, 2, "line"}, {"b.csv", 4, 2, "row"}, {"b.csv", 5, 3, "row"}} {
		b := bad[i]
		if filepath.Base(b.File) != want.file || b.Row != want.row || b.Number != want.number || b.What != want.what || len(b.Raw) == 0 {
			t.Errorf("%+v, want %+v", b, want)
		}
	}
}

// TestNoPermission runs as a user who may not read the folder: it starts this
// test again as one, where it is root itself.
func TestNoPermission(t *testing.T) {
	if dir := os.Getenv("TUNEBENCH_SHUT_FOLDER"); dir != "" {
		for _, path := range []string{dir, filepath.Join(dir, "x.jsonl")} {
			if _, err := Open(context.Background(), path, OpenOptions{}); err == nil || !strings.Contains(err.Error(), "permission") || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v", path, err)
			}
		}
		return
	}
	dir := filepath.Join(t.TempDir(), "shut")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x.jsonl"), []byte(goodRow+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		if err := os.Chmod(dir, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
		t.Setenv("TUNEBENCH_SHUT_FOLDER", dir)
		t.Run("shut", TestNoPermission)
		return
	}
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(filepath.Dir(dir), "dataset.test") // where another user may start it
	from, err := os.Open(own)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(program, os.O_WRONLY|os.O_CREATE, 0o755)
	if err == nil {
		_, err = io.Copy(to, from)
		err = errors.Join(err, to.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	for up := filepath.Dir(dir); up != "/"; up = filepath.Dir(up) {
		if st, err := os.Stat(up); err == nil && st.Mode().Perm()&0o005 != 0o005 {
			t.Skipf("another user cannot come to %s", up)
		}
	}
	cmd := exec.Command(program, "-test.run", "^TestNoPermission$", "-test.v")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "TUNEBENCH_SHUT_FOLDER="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: TestNoPermission")) {
		t.Errorf("%v\n%s", err, out)
	}
}
