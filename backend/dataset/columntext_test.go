package dataset

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

type textRow struct {
	ID       string  `parquet:"id"`
	System   *string `parquet:"system_prompt,optional,dict"`
	Question string  `parquet:"question"`
	Response string  `parquet:"response,optional"`
}

// textTable writes rows in the given layout. The default encoding of the library
// is one that is not read page by page.
func textTable(tb testing.TB, n int, o ...parquet.WriterOption) []byte {
	tb.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	w := parquet.NewGenericWriter[textRow](&b, o...)
	for i := range n {
		r := textRow{ID: fmt.Sprint("flan.", i), Question: fmt.Sprintf("What is q%d?\n", i), Response: strings.Repeat("word/\"\\ ", rng.IntN(50))}
		if i%3 > 0 {
			s := []string{"Be short.", "", "Think A."}[rng.IntN(3)]
			r.System = &s
		}
		if _, err := w.Write([]textRow{r}); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

var textLayouts = map[string][]parquet.WriterOption{
	"pages":  {parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain), parquet.DataPageVersion(1), parquet.Compression(&parquet.Snappy), parquet.PageBufferSize(4000)},
	"groups": {parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain), parquet.Compression(&parquet.Zstd), parquet.PageBufferSize(4000), parquet.MaxRowsPerRowGroup(3000)},
	"other":  {parquet.PageBufferSize(4000)},
}

// A search of a Parquet file finds what looking at every field finds, and rows
// are the same by pages as by the library.
func TestSearchColumns(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	for name, o := range textLayouts {
		if err := os.WriteFile(filepath.Join(dir, name+".parquet"), textTable(t, 9000, o...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reference := all(t, open(t, filepath.Join(dir, "other.parquet")))
	for _, name := range []string{"pages.parquet", "groups.parquet", "other.parquet", ""} {
		d := open(t, filepath.Join(dir, name)) // "" is all of them
		if c, ok := d.parts[0].rows.(*columnar); ok && (c.pages == nil) != (name == "other.parquet") {
			t.Errorf("%s: read by pages: %v", name, c.pages != nil)
		}
		rows := all(t, d)
		for i, r := range rows {
			if want := reference[i%9000]; r.Question != want.Question || r.System != want.System || r.Answer != want.Answer || r.ID != want.ID {
				t.Fatalf("%s: row %d is %+v, want %+v", name, i, r, want)
			}
		}
		for _, q := range []Query{
			{Text: "q3217?"}, {Text: "Q3217?", Fold: true}, {Text: `/"\ word`}, {Text: "Think A", Column: "system_prompt"}, {Text: "flan.39", Column: "question"},
			{Text: `q\d*99\?`, Regexp: true}, {Text: `(q12|q13)\d\d`, Regexp: true, From: 1250}, {Text: `^$`, Regexp: true, Column: "response"}, {Text: "nowhere"}, {Text: `\d{4}`, Regexp: true, Column: "id"},
		} {
			expr := q.Text
			if !q.Regexp {
				expr = regexp.QuoteMeta(expr)
			}
			if q.Fold {
				expr = "(?i)" + expr
			}
			re := regexp.MustCompile(expr)
			var want strings.Builder
			err := d.rows.scan(ctx, q.From, func(r *record) bool {
				for _, f := range r.columns() {
					if (q.Column == "" || q.Column == f.name) && re.MatchString(f.value) {
						fmt.Fprintf(&want, "%d ", r.index)
						break
					}
				}
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
			l, err := d.Search(ctx, q)
			if got := found(t, l, err); got != strings.TrimSpace(want.String()) {
				t.Errorf("%s, %+v: %.200s, want %.200s", name, q, got, want.String())
			}
		}
	}
}

// A page that cannot be unpacked is named with its column and place, and the
// rows before it can still be read.
func TestDamagedPageIsNamed(t *testing.T) {
	ctx := context.Background()
	b := textTable(t, 9000, textLayouts["pages"]...)
	for i := range 3000 {
		b[len(b)*4/5+i] ^= 0x5a
	}
	d := open(t, write(t, "x.parquet", string(b)))
	if r, err := d.Rows(ctx, 0, 10); err != nil || len(r) != 10 {
		t.Error(len(r), err)
	}
	_, err := d.Rows(ctx, 0, 9000)
	if err == nil || !strings.Contains(err.Error(), "x.parquet") || !strings.Contains(err.Error(), "is damaged at byte") {
		t.Error(err)
	}
	l, err := d.Search(ctx, Query{Text: "nowhere at all"})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(ctx); err == nil || !strings.Contains(err.Error(), "is damaged at byte") {
		t.Error(err)
	}
}
