package dataset

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// rowsFile has n questions, each asked twice with different system texts, one
// exact repetition of each, and some rows that cannot be used.
func rowsFile(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		for _, sys := range []string{"", "Be brief.", ""} {
			fmt.Fprintf(&b, `{"id":"i%d","system_prompt":%q,"question":"What is  thing %d?","response":"It is <%d>."}`+"\n", i, sys, i, i)
		}
	}
	b.WriteString("{broken\n" + `{"question":" ","response":"x"}` + "\n" + `{"question":"x","response":""}` + "\n")
	return write(t, "x.jsonl", b.String())
}

func TestPrepare(t *testing.T) {
	ctx := context.Background()
	src := rowsFile(t, 300)
	out := filepath.Join(t.TempDir(), "deep", "out")
	var last Progress
	m, err := Prepare(ctx, src, PrepareOptions{Out: out, Seed: 7, Split: [3]float64{0.8, 0.1, 0.1}}, func(p Progress) { last = p })
	if err != nil {
		t.Fatal(err)
	}
	if last.What == "" {
		t.Error("no progress was reported")
	}
	if m.SourceRows != 903 || m.Dropped[DroppedDuplicate] != 300 || m.Dropped[DroppedUnreadable] != 1 || m.Dropped[DroppedNoQuestion] != 1 || m.Dropped[DroppedNoAnswer] != 1 {
		t.Errorf("%d rows, dropped %v", m.SourceRows, m.Dropped)
	}
	if m.PromptFormat != "mistral-v3" || len(m.SourceSHA256) != 64 {
		t.Errorf("manifest %+v", m)
	}
	where := map[string]string{}
	var total int64
	for _, s := range m.Splits {
		d := open(t, filepath.Join(out, s.File))
		rows := all(t, d)
		if int64(len(rows)) != s.Rows {
			t.Errorf("%s: %d rows, manifest says %d", s.Name, len(rows), s.Rows)
		}
		total += s.Rows
		for _, r := range rows {
			if w, ok := where[r.Question]; ok && w != s.Name {
				t.Errorf("%q is in %s and %s", r.Question, w, s.Name)
			}
			where[r.Question] = s.Name
		}
	}
	if total != 600 {
		t.Errorf("%d rows in all, want 600", total)
	}
	if n := m.Splits[0].Rows; n < 420 || n > 540 {
		t.Errorf("train has %d of 600 rows", n)
	}
	b, err := os.ReadFile(filepath.Join(out, "train.jsonl"))
	if err != nil || !bytes.HasPrefix(b, []byte(`{"id":"i`)) || !bytes.Contains(b, []byte(`"response":"It is <`)) {
		t.Errorf("%.200s, %v", b, err)
	}
	back, err := ReadManifest(out)
	if err != nil || back.Splits[0] != m.Splits[0] {
		t.Errorf("%+v, %v", back, err)
	}

	// Again into the same folder: the same bytes; another seed: others.
	again, err := Prepare(ctx, src, PrepareOptions{Out: out, Seed: 7, Split: [3]float64{0.8, 0.1, 0.1}}, nil)
	if err != nil || again.Splits[0].SHA256 != m.Splits[0].SHA256 {
		t.Errorf("again: %v", err)
	}
	other, err := Prepare(ctx, src, PrepareOptions{Out: out, Seed: 8, Split: [3]float64{0.8, 0.1, 0.1}}, nil)
	if err != nil || other.Splits[0].SHA256 == m.Splits[0].SHA256 {
		t.Errorf("another seed gives the same split, %v", err)
	}
	left, err := os.ReadDir(filepath.Dir(out))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	train, validation, got, err := OpenSplits(out)
	if err != nil || train != filepath.Join(out, "train.jsonl") || validation != filepath.Join(out, "validation.jsonl") || got.Seed != 8 {
		t.Errorf("%q, %q, %v, %v", train, validation, got, err)
	}
	if train, validation, got, err := OpenSplits(src); train != src || validation != "" || got != nil || err != nil {
		t.Errorf("%q, %q, %v, %v", train, validation, got, err)
	}
	if _, _, _, err := OpenSplits(t.TempDir()); err == nil || !strings.Contains(err.Error(), "dataset prepare") {
		t.Errorf("folder without splits: %v", err)
	}
}

func TestPrepareRefuses(t *testing.T) {
	ctx := context.Background()
	src := rowsFile(t, 3)
	busy := t.TempDir()
	if err := os.WriteFile(filepath.Join(busy, "mine.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	for want, o := range map[string]PrepareOptions{
		"holds other files":    {Out: busy},
		"adds up to 1.1":       {Out: out, Split: [3]float64{0.9, 0.1, 0.1}},
		"nothing for training": {Out: out, Split: [3]float64{0, 0.5, 0.5}},
		"outside 0 to 1":       {Out: out, Split: [3]float64{1.5, -0.5, 0}},
		"no prompt format":     {Out: out, PromptFormat: "x"},
		"no folder was named":  {},
	} {
		if _, err := Prepare(ctx, src, o, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	bad := write(t, "bad.jsonl", `{"text":"x"}`)
	if _, err := Prepare(ctx, bad, PrepareOptions{Out: out}, nil); err == nil || !strings.Contains(err.Error(), "no column for the question and the answer; its columns are text") {
		t.Errorf("columns: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Prepare(cancelled, src, PrepareOptions{Out: out}, nil); err == nil {
		t.Error("a cancelled preparation succeeded")
	}
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// smallDisk fails like a full disk after some bytes.
type smallDisk struct {
	io.WriteCloser
	free *int
}

func (d smallDisk) Write(p []byte) (int, error) {
	if len(p) > *d.free {
		n, _ := d.WriteCloser.Write(p[:*d.free])
		*d.free = 0
		return n, &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
	}
	*d.free -= len(p)
	return d.WriteCloser.Write(p)
}

func TestPrepareOnFullDiskKeepsWhatWasThere(t *testing.T) {
	ctx := context.Background()
	out := filepath.Join(t.TempDir(), "out")
	old, err := Prepare(ctx, rowsFile(t, 50), PrepareOptions{Out: out}, nil)
	if err != nil {
		t.Fatal(err)
	}
	free := 70_000
	create = func(path string) (io.WriteCloser, error) {
		f, err := os.Create(path)
		return smallDisk{f, &free}, err
	}
	defer func() { create = func(path string) (io.WriteCloser, error) { return os.Create(path) } }()
	_, err = Prepare(ctx, rowsFile(t, 2000), PrepareOptions{Out: out}, nil)
	if err == nil || !strings.Contains(err.Error(), "is full; nothing was written") {
		t.Errorf("full disk: %v", err)
	}
	if m, err := ReadManifest(out); err != nil || m.Splits[0].SHA256 != old.Splits[0].SHA256 {
		t.Errorf("the older splits are gone: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestConvert(t *testing.T) {
	path := write(t, "x.csv", "instruction,input,output\nAdd,1 and 2,3\nSay,,hi\n,,none\n")
	var b bytes.Buffer
	c, err := Convert(context.Background(), path, &b)
	if err != nil || c.Rows != 2 || c.Bytes != int64(b.Len()) || c.Dropped[DroppedNoQuestion] != 1 {
		t.Errorf("%+v, %v", c, err)
	}
	if want := `{"id":"row-1","system_prompt":"","question":"Add\n\n1 and 2","response":"3"}`; !strings.HasPrefix(b.String(), want+"\n") {
		t.Errorf("%s", b.String())
	}
}
