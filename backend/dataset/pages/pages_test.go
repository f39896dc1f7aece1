package pages

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
)

type row struct {
	ID     string  `parquet:"id"`
	System *string `parquet:"system,optional,dict"`
	Text   string  `parquet:"text"`
	Maybe  *string `parquet:"maybe,optional"`
	Same   string  `parquet:"same,dict"`
}

func made(n int, rng *rand.Rand) []row {
	word := func(n int) *string {
		if rng.IntN(5) == 0 {
			return nil
		}
		s := strings.Repeat("é ", rng.IntN(n))
		return &s
	}
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{fmt.Sprint("flan.", i), word(9), strings.Repeat("text ", rng.IntN(99)), word(300), "same"}
	}
	return rows
}

func file(tb testing.TB, rows []row, o ...parquet.WriterOption) []byte {
	tb.Helper()
	var b bytes.Buffer
	o = append([]parquet.WriterOption{parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain)}, o...)
	w := parquet.NewGenericWriter[row](&b, o...)
	if _, err := w.Write(rows); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func opened(b []byte) (*File, error) {
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)), parquet.SkipPageIndex(true))
	if err != nil {
		return nil, err
	}
	return New(bytes.NewReader(b), f.Metadata())
}

// get is row i as this package reads it, nulls told from empty texts.
func get(f *File, i int64) (string, error) {
	var b strings.Builder
	for _, c := range f.Columns() {
		p, err := c.Page(i)
		if err != nil {
			return "", err
		}
		v, null := p.Value(i - p.First)
		fmt.Fprintf(&b, "%s=%q,%v ", c.Name(), v, null)
	}
	return b.String(), nil
}

func want(r row) string {
	opt := func(s *string) string {
		if s == nil {
			return `"",true`
		}
		return fmt.Sprintf("%q,false", *s)
	}
	return fmt.Sprintf("id=%q,false system=%s text=%q,false maybe=%s same=%q,false ", r.ID, opt(r.System), r.Text, opt(r.Maybe), r.Same)
}

var layouts = map[string][]parquet.WriterOption{
	"version 1, one group, snappy": {parquet.DataPageVersion(1), parquet.Compression(&parquet.Snappy), parquet.PageBufferSize(3000)},
	"version 1, zstd, groups":      {parquet.DataPageVersion(1), parquet.Compression(&parquet.Zstd), parquet.PageBufferSize(900), parquet.MaxRowsPerRowGroup(333)},
	"version 2, snappy, groups":    {parquet.DataPageVersion(2), parquet.Compression(&parquet.Snappy), parquet.PageBufferSize(2000), parquet.MaxRowsPerRowGroup(700)},
	"version 2, zstd":              {parquet.DataPageVersion(2), parquet.Compression(&parquet.Zstd), parquet.PageBufferSize(2000)},
	"not compressed":               {parquet.Compression(&parquet.Uncompressed), parquet.DataPageVersion(1)},
}

// Every row of every layout is what was written, in order, out of order and by
// columns.
func TestRowsAreWhatWasWritten(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	rows := made(2000, rng)
	for name, o := range layouts {
		t.Run(name, func(t *testing.T) {
			f, err := opened(file(t, rows, o...))
			if err != nil {
				t.Fatal(err)
			}
			if f.Rows() != 2000 {
				t.Fatal(f.Rows())
			}
			for k := range 3000 {
				i := k
				if k >= len(rows) {
					i = rng.IntN(len(rows))
				}
				got, err := get(f, int64(i))
				if err != nil || got != want(rows[i]) {
					t.Fatalf("row %d: %s, %v, want %s", i, got, err, want(rows[i]))
				}
			}
			var buf Buffer
			next := int64(150)
			err = f.Columns()[2].Scan(150, 1700, &buf, func([]byte) bool { return false }, func(p *Page) {
				for ; next < p.First+p.N; next++ {
					if v, _ := p.Value(next - p.First); v != rows[next].Text {
						t.Fatalf("row %d: %q", next, v)
					}
				}
			})
			if err != nil || next < 1700 {
				t.Error(next, err)
			}
			if a := f.Align(5); a <= 5 || a > 2000 || f.Align(1999) != 2000 || f.Align(9999) != 2000 {
				t.Error(a)
			}
		})
	}
}

// What is not read here is said to be something else, not damaged.
func TestOther(t *testing.T) {
	var gz compress.Codec = &parquet.Gzip
	_, err := opened(file(t, made(10, rand.New(rand.NewPCG(1, 1))), parquet.Compression(gz)))
	if !errors.Is(err, ErrOther) {
		t.Error(err)
	}
	type number struct {
		N int64 `parquet:"n"`
	}
	type jsons struct {
		S string `parquet:"s,json"`
	}
	type delta struct {
		S string `parquet:"s,delta"`
	}
	var a, b, c bytes.Buffer
	errs := []error{parquet.Write(&a, []number{{1}}), parquet.Write(&b, []jsons{{`{"a":1}`}}), parquet.Write(&c, []delta{{"x"}})}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i, b := range []*bytes.Buffer{&a, &b, &c} {
		f, err := opened(b.Bytes())
		if err == nil {
			_, err = f.Columns()[0].Page(0)
		}
		if !errors.Is(err, ErrOther) {
			t.Error(i, err)
		}
	}
}

// Damage is an error, or another text; never a panic.
func FuzzDamage(f *testing.F) {
	for _, name := range []string{"version 1, one group, snappy", "version 2, zstd", "not compressed"} {
		f.Add(file(f, made(60, rand.New(rand.NewPCG(1, 2))), layouts[name]...), uint32(200), byte(0xff))
	}
	sample, err := os.ReadFile("../../../testdata/openorca-sample.parquet")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample, uint32(4000), byte(7))
	f.Fuzz(func(t *testing.T, b []byte, at uint32, x byte) {
		if len(b) == 0 {
			return
		}
		b = bytes.Clone(b)
		b[int(at)%len(b)] ^= x
		var file *File
		func() {
			defer func() { _ = recover() }() // the footer is the library's
			file, _ = opened(b)
		}()
		if file == nil || file.Rows() > 10_000 {
			return
		}
		for i := range file.Rows() {
			if _, err := get(file, i); err != nil {
				break
			}
		}
	})
}

// Every byte that is changed, and every place a file is cut, is survived.
func TestDamage(t *testing.T) {
	rows := made(300, rand.New(rand.NewPCG(1, 2)))
	for name, o := range layouts {
		b := file(t, rows, o...)
		meta, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)), parquet.SkipPageIndex(true))
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(5, 6))
		named := 0
		for range 400 {
			hurt := bytes.Clone(b)
			for range 1 + rng.IntN(3) {
				hurt[rng.IntN(len(hurt))] ^= byte(1 + rng.IntN(255))
			}
			hurt = hurt[:len(hurt)-rng.IntN(2)*rng.IntN(len(hurt))]
			f, err := New(bytes.NewReader(hurt), meta.Metadata())
			if err != nil {
				t.Fatal(err)
			}
			for i := range f.Rows() {
				if _, err := get(f, i); err != nil {
					if !errors.Is(err, ErrOther) && !strings.Contains(err.Error(), "is damaged at byte") {
						t.Fatalf("%s: %v", name, err)
					}
					named++
					break
				}
			}
		}
		if named < 50 {
			t.Errorf("%s: only %d of 400 noticed", name, named)
		}
	}
}
