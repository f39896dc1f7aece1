package pages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// span is where a value stands in a text; a null has the offset none.
type span struct{ off, n uint32 }

const none = ^uint32(0)

// words is a text of values: a dictionary, or the values of a plain page.
type words struct {
	text  []byte
	spans []span
}

// Page is a decoded page. It does not change.
type Page struct {
	// First is its first row, N the number of its rows.
	First, N int64
	words
}

// Value returns the i-th value, good as long as it is held; null says that there
// is none.
func (p *Page) Value(i int64) (v string, null bool) {
	s := p.spans[i]
	if s.off == none {
		return "", true
	}
	if s.n == 0 {
		return "", false
	}
	return unsafe.String(&p.text[s.off], int(s.n)), false
}

// Page returns the page that holds a row.
func (c *Column) Page(row int64) (*Page, error) {
	at, err := c.find(row)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	for i, k := range c.keep {
		if k.First == at.first {
			copy(c.keep[i:], c.keep[i+1:])
			c.keep[len(c.keep)-1] = k
			c.mu.Unlock()
			return k, nil
		}
	}
	c.mu.Unlock()
	p, err := c.decode(at, nil)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.keep) >= kept {
		c.keep = append(c.keep[:0], c.keep[1:]...)
	}
	c.keep = append(c.keep, p)
	return p, nil
}

// Scan calls f with the pages that hold the rows lo to hi, in their order. skip
// is asked first, with the text of a page whose values stand in it as they are
// (lengths of four bytes between them), and may say that the page is of no use.
// A page is good only within the call. buf is used, and returned for the next
// Scan.
func (c *Column) Scan(lo, hi int64, buf *Buffer, skip func(text []byte) bool, f func(p *Page)) error {
	for lo < hi {
		at, err := c.find(lo)
		if err != nil {
			return err
		}
		p, err := c.decodeUnless(at, buf, skip)
		if err != nil {
			return err
		}
		if p != nil {
			f(p)
		}
		lo = at.first + at.n
	}
	return nil
}

// Buffer is memory that Scan uses again.
type Buffer struct {
	packed, text []byte
	spans        []span
}

func sized(b []byte, n int64) []byte {
	if int64(cap(b)) < n {
		return make([]byte, n)
	}
	return b[:n]
}

var decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxPage))
})

// load reads and unpacks a page: its levels and its values.
func (c *Column) load(p page, buf *Buffer) (levels, values []byte, err error) {
	buf.packed = sized(buf.packed, p.packed)
	if n, err := c.r.ReadAt(buf.packed, p.off); n < len(buf.packed) {
		return nil, nil, c.damaged(p.off, fmt.Errorf("the file ends there: %w", err))
	}
	b, size := buf.packed, p.size
	if p.v2 {
		levels, b, size = b[:p.levels], b[p.levels:], size-p.levels
	}
	switch {
	case p.codec == format.Snappy && size > 0:
		n, err := s2.DecodedLen(b)
		if err == nil && int64(n) != size {
			err = fmt.Errorf("%d bytes unpacked where the header says %d", n, size)
		}
		buf.text = sized(buf.text, size)
		if err == nil {
			_, err = s2.Decode(buf.text, b)
		}
		if err != nil {
			return nil, nil, c.damaged(p.off, err)
		}
		values = buf.text
	case p.codec == format.Zstd && size > 0:
		z, err := decoder()
		if err != nil {
			return nil, nil, err
		}
		buf.text = sized(buf.text, size)
		if values, err = z.DecodeAll(b, buf.text[:0]); err == nil && int64(len(values)) != size {
			err = fmt.Errorf("%d bytes unpacked where the header says %d", len(values), size)
		}
		if err != nil {
			return nil, nil, c.damaged(p.off, err)
		}
	default:
		values = b
	}
	if !p.v2 && c.optional {
		if len(values) < 4 || int64(binary.LittleEndian.Uint32(values)) > int64(len(values)-4) {
			return nil, nil, c.damaged(p.off, errors.New("levels longer than their page"))
		}
		n := binary.LittleEndian.Uint32(values)
		levels, values = values[4:4+n], values[4+n:]
	}
	return levels, values, nil
}

func (c *Column) decode(p page, buf *Buffer) (*Page, error) { return c.decodeUnless(p, buf, nil) }

func (c *Column) decodeUnless(p page, buf *Buffer, skip func([]byte) bool) (*Page, error) {
	if buf == nil {
		buf = &Buffer{} // what it holds is the page's
	}
	levels, values, err := c.load(p, buf)
	if err != nil {
		return nil, err
	}
	if p.dict < 0 && skip != nil && skip(values) {
		return nil, nil
	}
	there := []uint32(nil) // a 1 for every value, a 0 for a null; nil when none is null
	present := p.n
	if c.optional {
		var nulls bool
		if there, nulls, err = presence(levels, int(p.n)); err != nil {
			return nil, c.damaged(p.off, err)
		}
		if !nulls {
			there = nil
		} else {
			present = 0
			for _, v := range there {
				present += int64(v)
			}
		}
	}
	out := &Page{First: p.first, N: p.n}
	if p.dict >= 0 {
		d, err := c.dictionary(p.dict)
		if err != nil {
			return nil, err
		}
		out.text = d.text
		if out.spans, err = lookUp(values, int(present), d.spans, buf.spans[:0]); err != nil {
			return nil, c.damaged(p.off, err)
		}
	} else {
		out.text = values
		if out.spans, err = plain(values, int(present), buf.spans[:0]); err != nil {
			return nil, c.damaged(p.off, err)
		}
	}
	buf.spans = out.spans
	if there != nil {
		all := make([]span, p.n)
		k := 0
		for i, v := range there {
			if all[i].off = none; v != 0 {
				all[i] = out.spans[k]
				k++
			}
		}
		out.spans = all
	}
	return out, nil
}

// dictionary decodes a dictionary, once.
func (c *Column) dictionary(i int) (*words, error) {
	c.mu.Lock()
	d, at := c.words[i], c.dicts[i]
	c.mu.Unlock()
	if d != nil {
		return d, nil
	}
	at.v2 = true // a dictionary has no levels
	_, text, err := c.load(at, &Buffer{})
	if err != nil {
		return nil, err
	}
	spans, err := plain(text, int(at.n), nil)
	if err != nil {
		return nil, c.damaged(at.off, err)
	}
	d = &words{text: text, spans: spans}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.words[i] = d
	return d, nil
}

// plain finds n values that each follow their length.
func plain(b []byte, n int, spans []span) ([]span, error) {
	if n > len(b)/4 {
		return nil, fmt.Errorf("%d values in %d bytes", n, len(b))
	}
	if cap(spans) < n {
		spans = make([]span, 0, n)
	}
	at := 0
	for range n {
		if len(b)-at < 4 {
			return nil, errors.New("values longer than their page")
		}
		k := binary.LittleEndian.Uint32(b[at:])
		if at += 4; uint64(k) > uint64(len(b)-at) {
			return nil, errors.New("a value longer than its page")
		}
		spans = append(spans, span{uint32(at), k})
		at += int(k)
	}
	return spans, nil
}

// presence decodes definition levels of one bit.
func presence(b []byte, n int) (there []uint32, nulls bool, err error) {
	there, err = runs(b, 1, n, nil)
	for _, v := range there {
		nulls = nulls || v == 0
	}
	return there, nulls, err
}

// lookUp decodes n indices into a dictionary: a byte that says how wide they
// are, and runs.
func lookUp(b []byte, n int, dict, spans []span) ([]span, error) {
	if n == 0 {
		return spans, nil
	}
	if len(b) == 0 || b[0] > 32 {
		return nil, errors.New("no width of its indices")
	}
	idx, err := runs(b[1:], int(b[0]), n, nil)
	if err != nil {
		return nil, err
	}
	for _, i := range idx {
		if uint64(i) >= uint64(len(dict)) {
			return nil, fmt.Errorf("value %d of a dictionary of %d", i, len(dict))
		}
		spans = append(spans, dict[i])
	}
	return spans, nil
}

// runs decodes n numbers of the given width in bits from Parquet's hybrid of
// repeated and packed runs.
func runs(b []byte, width, n int, out []uint32) ([]uint32, error) {
	for len(out) < n {
		h, k := binary.Uvarint(b)
		if k <= 0 {
			return nil, errors.New("its runs end early")
		}
		b = b[k:]
		if h>>1 == 0 {
			return nil, errors.New("an empty run")
		}
		if h&1 == 0 {
			size := (width + 7) / 8
			if len(b) < size {
				return nil, errors.New("its runs end early")
			}
			var v uint32
			for i := range size {
				v |= uint32(b[i]) << (8 * i)
			}
			b = b[size:]
			for range min(h>>1, uint64(n-len(out))) {
				out = append(out, v)
			}
			continue
		}
		want := min(h>>1, uint64(n-len(out)+7)/8) * 8 // numbers, of which the last may be padding
		var acc uint64
		have, at := 0, 0
		for range want {
			for have < width {
				if at == len(b) {
					if len(out) >= n {
						break
					}
					return nil, errors.New("its runs end early")
				}
				acc |= uint64(b[at]) << have
				at++
				have += 8
			}
			if len(out) < n {
				out = append(out, uint32(acc&(1<<width-1)))
			}
			if have < width {
				break
			}
			acc >>= width
			have -= width
		}
		b = b[min(uint64(len(b)), max(uint64(at), (h>>1)*uint64(width))):]
	}
	return out, nil
}
