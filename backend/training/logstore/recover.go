package logstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

var crcTable = crc64.MakeTable(crc64.ECMA)

// saveEvery is how much text is appended between two writings of the index.
const saveEvery = 256 << 20

// savedMagic begins the file of the index.
const savedMagic = "tunebench log index 1\n"

// savedHead is the fixed part of the index as it is written.
type savedHead struct {
	Size, Newest        int64
	Lines, Chunks, Runs uint32
}

type savedChunk struct {
	Off  int64
	Line uint32
}

type savedRun struct{ First, N uint32 }

// recover reads what is kept: the index, and what was appended after it was
// written. A record that was not finished is cut off.
func (s *Store) recover() error {
	names, err := os.ReadFile(s.names)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the names of log streams: %w", err)
	}
	if text := strings.TrimSuffix(string(names), "\n"); text != "" {
		s.streams = strings.Split(text, "\n")
		s.labels = labels(s.streams)
	}
	info, err := s.f.Stat()
	if err != nil {
		return fmt.Errorf("look at the kept log: %w", err)
	}
	if !s.restore(info.Size()) {
		s.size, s.lines, s.newest, s.chunks, s.order = 0, 0, 0, nil, order{}
	}
	s.saved = s.size
	return s.scan(info.Size())
}

// scan indexes what lies behind s.size.
func (s *Store) scan(end int64) error {
	buf := make([]byte, 1<<20)
	type old struct {
		time    int64
		arrival int
	}
	var late []old
	for s.size < end {
		n, err := s.f.ReadAt(buf[:min(int64(len(buf)), end-s.size)], s.size)
		if err != nil && (!errors.Is(err, io.EOF) || n == 0) {
			return fmt.Errorf("read the kept log %s: %w", s.path, err)
		}
		b := buf[:n]
		last := bytes.LastIndexByte(b, '\n')
		if last < 0 {
			if s.size+int64(n) >= end {
				break
			}
			buf = make([]byte, 2*len(buf)) // a line longer than the buffer
			continue
		}
		b = b[:last+1]
		line, onTime := s.lines, s.lines
		s.index(b)
		for len(b) > 0 {
			k := bytes.IndexByte(b, '\n')
			t := timeOf(b[:k])
			if t < s.newest {
				s.order.push(onTime, line-onTime)
				late = append(late, old{t, line})
				onTime = line + 1
			} else {
				s.newest = t
			}
			line++
			b = b[k+1:]
		}
		s.order.push(onTime, line-onTime)
	}
	if s.size < end {
		if err := s.f.Truncate(s.size); err != nil {
			return fmt.Errorf("cut an unfinished line off the kept log %s: %w", s.path, err)
		}
	}
	slices.SortStableFunc(late, func(a, b old) int { return int(a.time - b.time) })
	in := make([]insertion, 0, len(late))
	place := 0
	for _, l := range late {
		var err error
		if place, err = s.behind(l.time, place, false); err != nil {
			return err
		}
		in = append(in, insertion{place, l.arrival})
	}
	s.order.insert(in)
	return nil
}

// save writes the index beside the log. It holds nothing that the log does not.
func (s *Store) save() error {
	var b bytes.Buffer
	b.WriteString(savedMagic)
	chunks := make([]savedChunk, len(s.chunks))
	for i, c := range s.chunks {
		chunks[i] = savedChunk{c.off, c.line}
	}
	runs := make([]savedRun, len(s.order.runs))
	for i, r := range s.order.runs {
		runs[i] = savedRun{r.first, r.n}
	}
	head := savedHead{s.size, s.newest, uint32(s.lines), uint32(len(chunks)), uint32(len(runs))}
	for _, v := range []any{head, chunks, runs} {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			return err
		}
	}
	if err := binary.Write(&b, binary.LittleEndian, crc64.Checksum(b.Bytes(), crcTable)); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dirOf(s.path), ".index-*")
	if err != nil {
		return fmt.Errorf("write the index of the kept log: %w", err)
	}
	_, err = tmp.Write(b.Bytes())
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), s.path+".index")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the index of the kept log: %w", err), os.Remove(tmp.Name()))
	}
	s.saved = s.size
	return nil
}

func dirOf(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "."
}

// restore takes the index over, if there is one that fits the log.
func (s *Store) restore(size int64) bool {
	all, err := os.ReadFile(s.path + ".index")
	if err != nil || len(all) < len(savedMagic)+8 || string(all[:len(savedMagic)]) != savedMagic {
		return false
	}
	body, sum := all[:len(all)-8], binary.LittleEndian.Uint64(all[len(all)-8:])
	if crc64.Checksum(body, crcTable) != sum {
		return false
	}
	r := bytes.NewReader(body[len(savedMagic):])
	var head savedHead
	if binary.Read(r, binary.LittleEndian, &head) != nil || head.Size > size ||
		r.Len() != int(head.Chunks)*binary.Size(savedChunk{})+int(head.Runs)*binary.Size(savedRun{}) {
		return false
	}
	var last [1]byte
	if head.Size > 0 {
		if _, err := s.f.ReadAt(last[:], head.Size-1); err != nil || last[0] != '\n' {
			return false
		}
	}
	chunks, runs := make([]savedChunk, head.Chunks), make([]savedRun, head.Runs)
	if binary.Read(r, binary.LittleEndian, chunks) != nil || binary.Read(r, binary.LittleEndian, runs) != nil {
		return false
	}
	s.chunks, s.order = make([]chunk, len(chunks)), order{}
	for i, c := range chunks {
		s.chunks[i] = chunk{c.Off, c.Line}
	}
	for _, x := range runs {
		s.order.push(int(x.First), int(x.N))
	}
	s.size, s.lines, s.newest = head.Size, int(head.Lines), head.Newest
	return s.order.n == s.lines
}
