// Package pages reads the text columns of Parquet files page by page. Files as
// pandas writes them have one row group and no page index; the page headers
// alone say where a row is, so a row costs one page of each column, not
// everything that stands before it.
//
// It belongs here if it is about pages and values of flat columns. Rows, and
// columns of other types, do not.
package pages

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"sync"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// ErrOther says that a file has pages or columns that this package does not
// read; another reader may.
var ErrOther = errors.New("a column, encoding or compression that is not read page by page")

const (
	maxHeader = 16 << 20 // statistics hold whole values
	maxPage   = 1 << 30  // bytes, unpacked
	maxValues = 16 << 20 // in a page; a few bytes can say that a value comes any number of times
	kept      = 4        // pages of a column that are kept decoded
)

// plainDictionary is what writers of pages of version 1 call RLEDictionary.
const plainDictionary format.Encoding = 2

// File is a Parquet file of flat text columns. It is safe for concurrent use.
type File struct {
	columns []*Column
	rows    int64
}

// New reads no byte: meta is the file's footer.
func New(r io.ReaderAt, meta *format.FileMetaData) (*File, error) {
	f := &File{rows: meta.NumRows}
	for _, e := range meta.Schema[min(1, len(meta.Schema)):] {
		if !e.Type.Valid || e.Type.V != format.ByteArray || e.NumChildren.Valid && e.NumChildren.V > 0 {
			return nil, ErrOther
		}
		if e.RepetitionType.Valid && e.RepetitionType.V == format.Repeated {
			return nil, ErrOther
		}
		_, text := e.LogicalType.Value.(*format.StringType)
		if !text && (e.LogicalType.Value != nil || e.ConvertedType.Valid && e.ConvertedType.V != deprecated.UTF8) {
			return nil, ErrOther
		}
		f.columns = append(f.columns, &Column{r: r, name: e.Name, optional: e.RepetitionType.Valid && e.RepetitionType.V == format.Optional})
	}
	var first int64
	for _, g := range meta.RowGroups {
		if len(g.Columns) != len(f.columns) || g.NumRows < 0 {
			return nil, ErrOther
		}
		for i, c := range g.Columns {
			m := c.MetaData
			switch m.Codec {
			case format.Uncompressed, format.Snappy, format.Zstd:
			default:
				return nil, ErrOther
			}
			off := m.DataPageOffset
			if d := m.DictionaryPageOffset; d > 0 && d < off {
				off = d
			}
			if off < 0 || m.TotalCompressedSize < 0 || c.FilePath != "" {
				return nil, ErrOther
			}
			f.columns[i].chunks = append(f.columns[i].chunks, chunk{off: off, end: off + m.TotalCompressedSize, first: first, rows: g.NumRows, codec: m.Codec})
		}
		first += g.NumRows
	}
	if first != f.rows {
		return nil, ErrOther
	}
	return f, nil
}

// Rows is the number of rows.
func (f *File) Rows() int64 { return f.rows }

// Columns lists the columns in the file's order.
func (f *File) Columns() []*Column { return f.columns }

// Align returns the end of the page that holds a row, in the column that takes
// most of the file; the number of rows when there is no such page. Work that is
// divided there reads no page of that column twice.
func (f *File) Align(row int64) int64 {
	var most *Column
	var size int64 = -1
	for _, c := range f.columns {
		var n int64
		for _, k := range c.chunks {
			n += k.end - k.off
		}
		if n > size {
			most, size = c, n
		}
	}
	if most != nil && row < f.rows {
		if p, err := most.find(row); err == nil {
			return p.first + p.n
		}
	}
	return f.rows
}

// chunk is what a row group holds of a column.
type chunk struct {
	off, end    int64
	first, rows int64
	codec       format.CompressionCodec
}

// page is where one page stands, as its header says.
type page struct {
	off          int64 // of what follows the header
	packed, size int64 // bytes
	first, n     int64 // rows; values in a dictionary
	encoding     format.Encoding
	codec        format.CompressionCodec
	levels       int64 // bytes of levels before the values, in pages of version 2
	v2           bool
	dict         int // index of the dictionary, -1 without one
}

// Column is one column.
type Column struct {
	r        io.ReaderAt
	name     string
	optional bool
	chunks   []chunk

	mu    sync.Mutex
	at    int   // chunk that is being walked through
	off   int64 // of the next header in it, 0 before the first
	row   int64 // first row of the page there
	pages []page
	dicts []page
	keep  []*Page // decoded last, the latest at the end
	words []*words
}

// Name is the column's name in the file.
func (c *Column) Name() string { return c.name }

func (c *Column) damaged(off int64, err error) error {
	return fmt.Errorf("column %q is damaged at byte %d: %w", c.name, off, err)
}

// find returns the page that holds a row, reading headers up to it.
func (c *Column) find(row int64) (page, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := len(c.pages); n == 0 || row >= c.pages[n-1].first+c.pages[n-1].n; n = len(c.pages) {
		if err := c.walk(); err != nil {
			return page{}, err
		}
	}
	i := sort.Search(len(c.pages), func(i int) bool { return c.pages[i].first > row }) - 1
	return c.pages[i], nil
}

// walk reads the next header; c.mu is held.
func (c *Column) walk() error {
	if c.at >= len(c.chunks) {
		return io.EOF
	}
	k := c.chunks[c.at]
	if c.off == 0 {
		c.off, c.row = k.off, k.first
	}
	if c.row >= k.first+k.rows {
		c.at, c.off = c.at+1, 0
		return nil
	}
	if c.off >= k.end {
		return c.damaged(c.off, fmt.Errorf("its pages end at row %d of %d", c.row, k.first+k.rows))
	}
	h, n, err := c.header(c.off, k.end)
	if err != nil {
		return c.damaged(c.off, err)
	}
	p := page{off: c.off + n, packed: int64(h.CompressedPageSize), size: int64(h.UncompressedPageSize), first: c.row, codec: k.codec, dict: -1}
	if p.packed < 0 || p.size < 0 || p.size > maxPage || p.packed > k.end-p.off {
		return c.damaged(c.off, fmt.Errorf("a page of %d bytes, %d unpacked, where %d are left", p.packed, p.size, k.end-p.off))
	}
	switch {
	case h.Type == format.DictionaryPage && h.DictionaryPageHeader.Valid:
		p.n = int64(h.DictionaryPageHeader.V.NumValues)
		if p.n < 0 || p.n > p.size/4 {
			return c.damaged(c.off, fmt.Errorf("a dictionary of %d values in %d bytes", p.n, p.size))
		}
		c.dicts = append(c.dicts, p)
		c.words = append(c.words, nil)
	case h.Type == format.DataPage && h.DataPageHeader.Valid:
		p.n, p.encoding = int64(h.DataPageHeader.V.NumValues), h.DataPageHeader.V.Encoding
		if h.DataPageHeader.V.DefinitionLevelEncoding != format.RLE && c.optional {
			return ErrOther
		}
	case h.Type == format.DataPageV2 && h.DataPageHeaderV2.Valid:
		v := h.DataPageHeaderV2.V
		p.n, p.encoding, p.v2 = int64(v.NumValues), v.Encoding, true
		p.levels = int64(v.DefinitionLevelsByteLength)
		if v.RepetitionLevelsByteLength != 0 || p.levels < 0 || p.levels > min(p.packed, p.size) {
			return c.damaged(c.off, errors.New("levels longer than their page"))
		}
		if v.IsCompressed.Valid && !v.IsCompressed.V {
			p.codec = format.Uncompressed
		}
	}
	if h.Type == format.DataPage || h.Type == format.DataPageV2 {
		switch p.encoding {
		case format.Plain:
		case plainDictionary, format.RLEDictionary:
			if p.dict = len(c.dicts) - 1; p.dict < 0 || c.dicts[p.dict].off < k.off {
				return c.damaged(c.off, errors.New("a page without its dictionary"))
			}
		default:
			return ErrOther
		}
		if p.n < 0 || p.n > k.first+k.rows-c.row {
			return c.damaged(c.off, fmt.Errorf("a page of %d values where %d rows are left", p.n, k.first+k.rows-c.row))
		}
		if p.n > maxValues {
			return ErrOther
		}
		if p.n > 0 {
			c.pages = append(c.pages, p)
		}
		c.row += p.n
	}
	c.off = p.off + p.packed
	return nil
}

// header reads the header at off, and says how long it is.
func (c *Column) header(off, end int64) (h format.PageHeader, n int64, err error) {
	for size := int64(512); ; size *= 8 {
		b := make([]byte, min(size, end-off))
		m, rerr := c.r.ReadAt(b, off)
		if m < len(b) && rerr != nil {
			return h, 0, fmt.Errorf("the file ends there: %w", rerr)
		}
		h = format.PageHeader{}
		pr := new(thrift.CompactProtocol).NewReaderFromBytes(b)
		if err = thrift.NewDecoder(pr).Decode(&h); err == nil {
			return h, int64(pr.BytesRead()), nil
		}
		if size >= min(maxHeader, end-off) {
			return h, 0, fmt.Errorf("no page header: %w", err)
		}
	}
}
