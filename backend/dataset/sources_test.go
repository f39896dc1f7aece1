package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// manyRows is n rows of JSONL.
func manyRows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":"flan.%d","question":"What is q%d?","response":"It is \u0041 %s%d."}`+"\n", i, i, strings.Repeat("word ", i%50), i)
	}
	return b.String()
}

func gz(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPackedFiles(t *testing.T) {
	ctx := context.Background()
	text := manyRows(20_000)
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"x.jsonl.gz": gz(t, text), "x.jsonl.zst": string(enc.EncodeAll([]byte(text), nil))} {
		t.Run(name, func(t *testing.T) {
			d := open(t, write(t, name, content))
			rows, err := d.Rows(ctx, 19_999, 5)
			if err != nil || len(rows) != 1 || rows[0].Question != "What is q19999?" {
				t.Fatalf("last row: %v, %v", rows, err)
			}
			if err := d.WaitIndexed(ctx); err != nil {
				t.Fatal(err)
			}
			if i := d.Info(); i.Rows != 20_000 || !i.RowsExact || i.Bytes != int64(len(content)) || i.Format != "jsonl" {
				t.Errorf("%+v", i)
			}
		})
	}
	cut := gz(t, text)
	path := write(t, "cut.jsonl.gz", cut[:len(cut)/2])
	d := open(t, path)
	if err := d.WaitIndexed(ctx); err == nil || !strings.Contains(err.Error(), "is damaged after") {
		t.Errorf("cut file: %v", err)
	}
	if rows, err := d.Rows(ctx, 100, 1); err != nil || len(rows) != 1 {
		t.Errorf("rows before the damage: %v, %v", rows, err)
	}
	if _, err := Prepare(ctx, path, PrepareOptions{Out: filepath.Join(t.TempDir(), "out")}, nil); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("prepare from a cut file: %v", err)
	}
}

func TestFolderIsOneDataset(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a.jsonl": manyRows(3000), "b.csv": "id,question,response\nx,from csv,yes\n", "c.jsonl": strings.TrimSuffix(manyRows(10), "\n") + "\n{broken\n", ".hidden": "x", "notes.txt": "x",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := open(t, dir)
	if err := d.WaitIndexed(ctx); err != nil {
		t.Fatal(err)
	}
	if i := d.Info(); i.Rows != 3012 || len(i.Files) != 3 || i.Format != "mixed" {
		t.Errorf("%+v", i)
	}
	rows, err := d.Rows(ctx, 2999, 5)
	if err != nil || len(rows) != 5 || rows[1].Question != "from csv" || rows[1].Index != 3000 || rows[2].Question != "What is q0?" {
		t.Fatalf("%v, %v", rows, err)
	}
	rows, err = d.Rows(ctx, 3011, 5)
	if err != nil || len(rows) != 1 || !strings.HasPrefix(rows[0].Err, "c.jsonl, line 11 cannot be read") {
		t.Errorf("%+v, %v", rows, err)
	}
	hits, err := d.Search(ctx, Query{Text: "q7?"})
	if err != nil {
		t.Fatal(err)
	}
	if err := hits.Wait(ctx); err != nil || hits.Len() != 2 || !hits.Has(7) || !hits.Has(3008) {
		t.Errorf("%d hits, %v", hits.Len(), err)
	}
}

// fakeObjects is object storage in memory; it counts the bytes it hands out.
type fakeObjects struct {
	files map[string]string
	read  atomic.Int64
}

type fakeObject struct {
	*strings.Reader
	o *fakeObjects
}

func (f fakeObject) ReadAt(_ context.Context, p []byte, off int64) (int, error) {
	n, err := f.Reader.ReadAt(p, off)
	f.o.read.Add(int64(n))
	return n, err
}

func (f *fakeObjects) Open(_ context.Context, uri string) (Object, error) {
	s, ok := f.files[uri]
	if !ok {
		return nil, fmt.Errorf("no such key")
	}
	return fakeObject{strings.NewReader(s), f}, nil
}

func (f *fakeObjects) List(_ context.Context, prefix string) (out []string, err error) {
	for k := range f.files {
		if strings.HasPrefix(k, prefix) {
			out = append(out, k)
		}
	}
	return out, nil
}

func TestObjects(t *testing.T) {
	ctx := context.Background()
	text := manyRows(20_000)
	o := &fakeObjects{files: map[string]string{"s3://b/data/x.jsonl": text, "s3://b/data/README": "x", "s3://b/z.jsonl.gz": gz(t, text)}}
	for _, path := range []string{"s3://b/data/x.jsonl", "s3://b/data/", "s3://b/z.jsonl.gz"} {
		d, err := Open(ctx, path, OpenOptions{Objects: o})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.WaitIndexed(ctx); err != nil || d.Info().Rows != 20_000 {
			t.Errorf("%s: %+v, %v", path, d.Info(), err)
		}
		if rows, err := d.Rows(ctx, 12_345, 1); err != nil || rows[0].ID != "flan.12345" {
			t.Errorf("%v, %v", rows, err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := o.read.Load(); n > int64(2*len(text)+len(text)) {
		t.Errorf("%d bytes were fetched of %d: some more than once", n, len(text))
	}
	if _, err := Open(ctx, "s3://b/none.jsonl", OpenOptions{Objects: o}); err == nil {
		t.Error("a missing object opens")
	}
	if _, err := Open(ctx, "s3://b/x.jsonl", OpenOptions{}); err == nil || !strings.Contains(err.Error(), "account") {
		t.Error(err)
	}
}

func TestGrowthAndChange(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	path := write(t, "x.jsonl", orca+`{"id":"half`)
	d, err := Open(ctx, path, OpenOptions{Follow: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	until := func(what string, ok func(Info) bool) {
		t.Helper()
		for !ok(d.Info()) {
			select {
			case <-d.Changed():
			case <-time.After(10 * time.Millisecond):
			}
			if ctx.Err() != nil {
				t.Fatalf("%s: %+v", what, d.Info())
			}
		}
	}
	until("first rows", func(i Info) bool { return i.RowsExact && i.Rows == 3 })
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, `","question":"q","response":"a"}`+"\n"+manyRows(5000)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	until("growth", func(i Info) bool { return i.Rows == 5003 && i.Grown > 0 })
	if rows, err := d.Rows(ctx, 2, 2); err != nil || rows[0].ID != "half" || rows[0].Err != "" || rows[1].ID != "flan.0" {
		t.Errorf("%+v, %v", rows, err)
	}
	if rows, err := d.Rows(ctx, 5002, 9); err != nil || len(rows) != 1 || rows[0].ID != "flan.4999" {
		t.Errorf("%+v, %v", rows, err)
	}
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	until("truncation", func(i Info) bool { return strings.Contains(i.Stale, "cut short") })
}
