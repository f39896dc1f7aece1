package dataset

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// Splits written as Parquet hold the same rows as those in JSON Lines, whatever
// stands in them, are made again byte for byte, and are found where JSON Lines
// are.
func TestPrepareAsParquet(t *testing.T) {
	ctx := context.Background()
	for _, category := range []bool{false, true} {
		var b strings.Builder
		for i := range 20_000 {
			more := ""
			if category && i%3 > 0 {
				more = fmt.Sprintf(`,"category":"c%d"`, i%7)
			}
			fmt.Fprintf(&b, `{"id":"flan.%d","system_prompt":"%s","question":"q %d \u2028 \"é\" \u0000\t","response":"a\n%s%d"%s}`+"\n", i, []string{"", "Be kind."}[i%2], i, strings.Repeat("wörd ", i%9), i, more)
		}
		src := write(t, "x.jsonl", b.String())
		dir := t.TempDir()
		o := PrepareOptions{Out: filepath.Join(dir, "lines"), Seed: 3}
		lines, err := Prepare(ctx, src, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		o.Out, o.As = filepath.Join(dir, "table"), AsParquet
		table, err := Prepare(ctx, src, o, nil)
		if err != nil {
			t.Fatal(err)
		}
		o.Out = filepath.Join(dir, "again")
		again, err := Prepare(ctx, src, o, nil)
		if err != nil || !reflect.DeepEqual(table, again) {
			t.Errorf("made again: %v, %+v, want %+v", err, again, table)
		}
		for i, s := range table.Splits {
			if s.File != s.Name+".parquet" || s.Rows != lines.Splits[i].Rows {
				t.Errorf("%+v, want the rows of %+v", s, lines.Splits[i])
			}
			path := SplitFile(filepath.Join(dir, "table"), s.Name)
			raw, err := os.ReadFile(path)
			if err != nil || int64(len(raw)) != s.Bytes {
				t.Fatalf("%d bytes, want %d: %v", len(raw), s.Bytes, err)
			}
			f, err := parquet.OpenFile(bytes.NewReader(raw), s.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(f.RowGroups()); n != int((s.Rows+rowGroup-1)/rowGroup) {
				t.Errorf("%d rows in %d row groups", s.Rows, n)
			}
			got, want := all(t, open(t, path)), all(t, open(t, filepath.Join(dir, "lines", s.Name+".jsonl")))
			for k := range want {
				g, w := got[k], want[k]
				if g.ID != w.ID || g.System != w.System || g.Question != w.Question || g.Answer != w.Answer || g.Category != w.Category {
					t.Fatalf("row %d: %+v, want %+v", k, g, w)
				}
			}
			var a, b bytes.Buffer
			if _, err := Convert(ctx, path, &a); err != nil {
				t.Fatal(err)
			}
			if _, err := Convert(ctx, filepath.Join(dir, "lines", s.Name+".jsonl"), &b); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
				t.Errorf("what training reads differs: %v", err)
			}
		}
		train, validation, m, err := OpenSplits(filepath.Join(dir, "table"))
		if err != nil || m == nil || filepath.Base(train) != "train.parquet" || filepath.Base(validation) != "validation.parquet" {
			t.Errorf("%s, %s, %v", train, validation, err)
		}
		o.Out, o.Split = filepath.Join(dir, "all"), [3]float64{1, 0, 0}
		if _, err := Prepare(ctx, src, o, nil); err != nil {
			t.Fatal(err)
		}
		if _, validation, _, err := OpenSplits(o.Out); err != nil || validation != "" {
			t.Errorf("a validation split without rows: %q, %v", validation, err)
		}
	}
	if _, err := Prepare(ctx, write(t, "x.jsonl", orca), PrepareOptions{Out: filepath.Join(t.TempDir(), "x"), As: "xml"}, nil); err == nil || !strings.Contains(err.Error(), "not as") {
		t.Error(err)
	}
}
