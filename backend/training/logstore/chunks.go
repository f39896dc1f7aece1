package logstore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sort"
)

// chunkSize is how much text one entry of the index stands for.
const chunkSize = 64 << 10

// chunk is a stretch of whole records: the last ends behind chunkSize bytes or
// with the file.
type chunk struct {
	off  int64
	line uint32 // arrival of its first record
}

// loaded is a chunk in memory.
type loaded struct {
	raw    []byte
	starts []uint32 // of each record in raw; one more for the end
	used   int      // when it was last asked for
}

func (c *loaded) record(i int) []byte {
	return c.raw[c.starts[i] : c.starts[i+1]-1]
}

// maxLoaded bounds the chunks in memory: about 4 MB of text.
const maxLoaded = 64

// index takes records that were appended at s.size into the index; they are
// complete. s.mu is held.
func (s *Store) index(b []byte) {
	for len(b) > 0 {
		if l := len(s.chunks); l == 0 || s.size-s.chunks[l-1].off >= chunkSize {
			s.chunks = append(s.chunks, chunk{s.size, uint32(s.lines)})
		}
		room := int(chunkSize - (s.size - s.chunks[len(s.chunks)-1].off))
		end := len(b)
		if room < len(b) {
			end = room + bytes.IndexByte(b[room-1:], '\n')
		}
		s.lines += bytes.Count(b[:end], newline)
		s.size += int64(end)
		b = b[end:]
	}
}

var newline = []byte{'\n'}

// extent is where chunk i begins and ends.
func (s *Store) extent(i int) (from, to int64) {
	to = s.size
	if i+1 < len(s.chunks) {
		to = s.chunks[i+1].off
	}
	return s.chunks[i].off, to
}

// load returns chunk i. s.mu is held.
func (s *Store) load(i int) (*loaded, error) {
	from, to := s.extent(i)
	s.clock++
	if c := s.cache[i]; c != nil && int64(len(c.raw)) == to-from {
		c.used = s.clock
		return c, nil
	}
	c := &loaded{raw: make([]byte, to-from), used: s.clock}
	if _, err := s.f.ReadAt(c.raw, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the kept log %s: %w", s.path, err)
	}
	c.starts = make([]uint32, 1, len(c.raw)/100+2)
	for at := 0; at < len(c.raw); {
		k := bytes.IndexByte(c.raw[at:], '\n')
		if k < 0 {
			return nil, fmt.Errorf("the kept log %s is damaged at byte %d; delete it and it is read again", s.path, from+int64(at))
		}
		at += k + 1
		c.starts = append(c.starts, uint32(at))
	}
	if len(s.cache) >= maxLoaded {
		oldest := -1
		for k, v := range s.cache {
			if oldest < 0 || v.used < s.cache[oldest].used {
				oldest = k
			}
		}
		delete(s.cache, oldest)
	}
	s.cache[i] = c
	return c, nil
}

// record returns the record of an arrival. It is good until s.mu is released.
func (s *Store) record(arrival int) ([]byte, error) {
	i := sort.Search(len(s.chunks), func(i int) bool { return int(s.chunks[i].line) > arrival }) - 1
	if i < 0 || arrival >= s.lines {
		return nil, fmt.Errorf("the log has no line %d", arrival)
	}
	c, err := s.load(i)
	if err != nil {
		return nil, err
	}
	k := arrival - int(s.chunks[i].line)
	if k >= len(c.starts)-1 {
		return nil, fmt.Errorf("the kept log %s is damaged near line %d; delete it and it is read again", s.path, arrival)
	}
	return c.record(k), nil
}

// behind is the first place whose line is younger than ms, at or after from;
// with equal, the first that is not older. s.mu is held.
func (s *Store) behind(ms int64, from int, equal bool) (int, error) {
	var failed error
	n := sort.Search(s.order.n-from, func(i int) bool {
		rec, err := s.record(s.order.at(from + i))
		if err != nil {
			failed = err
			return true
		}
		t := timeOf(rec)
		return t > ms || equal && t == ms
	})
	return from + n, failed
}
