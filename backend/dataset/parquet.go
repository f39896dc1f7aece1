package dataset

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/parquet-go/parquet-go"

	"tunebench/backend/dataset/pages"
	"tunebench/backend/safetext"
)

// columnar is a Parquet file.
type columnar struct {
	path    string
	file    *parquet.File
	columns []string
	pages   *pages.File // nil when it has pages or columns that are not text

	mu     sync.Mutex // one reader is kept, for the next page of rows
	reader *parquet.GenericReader[map[string]any]
	at     int64
}

func openParquet(src *source) (c *columnar, err error) {
	shown := safetext.Line(src.path)
	defer func() { // the decoder panics on some damaged files
		if p := recover(); p != nil {
			c, err = nil, fmt.Errorf("%s is a damaged Parquet file (%v); write it again", shown, p)
		}
	}()
	f, err := parquet.OpenFile(src, src.length(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("%s is no readable Parquet file: %w; write it again, or export it as JSONL", shown, err)
	}
	c = &columnar{path: shown, file: f}
	for _, field := range f.Schema().Fields() {
		c.columns = append(c.columns, field.Name())
	}
	if c.pages, err = pages.New(src, f.Metadata()); err == nil {
		for _, col := range c.pages.Columns() {
			if _, err = col.Page(0); err != nil {
				break
			}
		}
	}
	if errors.Is(err, pages.ErrOther) || f.NumRows() == 0 {
		c.pages, err = nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s is a damaged Parquet file: %w; write it again", shown, err)
	}
	return c, nil
}

func (c *columnar) index(context.Context, func()) error { return nil }

// chunk is some rows where pages can be read alone, otherwise everything that is
// left: a seek decodes all that stands before.
func (c *columnar) chunk(_ context.Context, from int64) (int64, error) {
	if c.pages != nil {
		return max(from, c.pages.Align(from+columnarChunk)), nil
	}
	return max(from, c.file.NumRows()), nil
}

func (c *columnar) status() (int64, bool, float64) { return c.file.NumRows(), true, 1 }

func (c *columnar) scan(ctx context.Context, first int64, f func(r *record) bool) error {
	if c.pages != nil {
		row, err := c.scanPages(ctx, first, f)
		if !errors.Is(err, pages.ErrOther) {
			return err
		}
		first = row
	}
	for row := first; row < c.file.NumRows(); row++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := c.read(row)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read row %d of %s: %w", row+1, c.path, err)
		}
		if !f(r) {
			return nil
		}
	}
	return nil
}

// read returns one row; rows in order are read without seeking.
func (c *columnar) read(row int64) (r *record, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer func() {
		if p := recover(); p != nil {
			c.reader = nil
			r, err = nil, fmt.Errorf("the file is damaged: %v", p)
		}
	}()
	if c.reader == nil {
		c.reader, c.at = parquet.NewGenericReader[map[string]any](c.file, c.file.Schema()), 0
	}
	if c.at != row {
		if err := c.reader.SeekToRow(row); err != nil {
			return nil, err
		}
	}
	read := []map[string]any{{}}
	if n, err := c.reader.Read(read); n == 0 {
		c.reader = nil
		return nil, cmp.Or(err, io.ErrNoProgress)
	}
	c.at = row + 1
	r = &record{what: "row"}
	r.reset(row, nil)
	r.parsed = true
	for _, name := range c.columns {
		r.fields = append(r.fields, parquetField(name, read[0][name]))
	}
	return r, nil
}

func parquetField(name string, value any) field {
	switch v := value.(type) {
	case nil:
		return field{name: name}
	case string:
		return field{name: name, value: v}
	case []byte:
		return field{name: name, value: string(v)}
	case bool:
		return field{name: name, value: strconv.FormatBool(v)}
	case float32:
		return field{name: name, value: strconv.FormatFloat(float64(v), 'g', -1, 32)}
	case float64:
		return field{name: name, value: strconv.FormatFloat(v, 'g', -1, 64)}
	case time.Time:
		return field{name: name, value: v.Format(time.RFC3339Nano)}
	case map[string]any, []any:
		b, err := json.Marshal(v)
		if err != nil {
			return field{name: name, value: fmt.Sprint(v)}
		}
		return field{name: name, value: string(b), nested: true}
	}
	return field{name: name, value: fmt.Sprint(value)}
}
