package logs

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
)

// stream is one log stream. Its exported fields are the first line of its file.
type stream struct {
	Name    string `json:"stream"`
	Created int64  `json:"created"` // milliseconds since 1970

	path   string
	header int64 // length of the first line

	mu     sync.Mutex
	loaded bool
	size   int64    // of the whole lines in the file
	index  []record // by position
	bytes  int64    // of all messages
	last   int64    // ingestion of the newest event
}

// tag tells the streams of the account apart in event ids.
func (st *stream) tag() uint64 {
	sum := sha256.Sum256([]byte(filepath.Base(filepath.Dir(st.path)) + "/" + st.Name))
	return binary.BigEndian.Uint64(sum[:8])
}

// position orders the events of one stream: by timestamp, then by arrival.
type position struct {
	time int64 // milliseconds since 1970
	seq  int64 // 1 for the first event of the file
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.time, q.time), cmp.Compare(p.seq, q.seq))
}

// record is where an event is.
type record struct {
	position
	ingested int64
	offset   int64 // of the message in the file
	length   int32 // of the message as JSON
}

// eventID is unique in the account and stays: 56 digits, as AWS makes them,
// that sort by timestamp, ingestion, stream and arrival.
func eventID(tag uint64, r record) string {
	return fmt.Sprintf("%014d%014d%020d%08d", r.time, r.ingested, tag, r.seq)
}

// load reads the index; st.mu is held. The unfinished line of a killed process
// is cut off.
func (st *stream) load() error {
	if st.loaded {
		return nil
	}
	f, err := os.Open(st.path)
	if err != nil {
		return fmt.Errorf("log stream %s: %w", st.Name, err)
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 256<<10)
	if _, err := r.Discard(int(st.header)); err != nil {
		return fmt.Errorf("log stream %s: %w", st.Name, err)
	}
	at := st.header
	var index []record
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("log stream %s: %w", st.Name, err)
		}
		rec, ok := parse(line, at)
		if !ok {
			return fmt.Errorf("log stream %s: %s: the line at byte %d is no event", st.Name, st.path, at)
		}
		rec.seq = int64(len(index)) + 1
		index = append(index, rec)
		st.bytes += int64(rec.length)
		st.last = max(st.last, rec.ingested)
		at += int64(len(line))
	}
	slices.SortFunc(index, func(a, b record) int { return a.compare(b.position) })
	st.index, st.size, st.loaded = index, at, true
	return nil
}

func parse(line []byte, at int64) (record, bool) {
	a, rest, ok1 := bytes.Cut(line, []byte{'\t'})
	b, message, ok2 := bytes.Cut(rest, []byte{'\t'})
	t, err1 := strconv.ParseInt(string(a), 10, 64)
	i, err2 := strconv.ParseInt(string(b), 10, 64)
	if !ok1 || !ok2 || err1 != nil || err2 != nil {
		return record{}, false
	}
	return record{position: position{time: t}, ingested: i,
		offset: at + int64(len(line)-len(message)), length: int32(len(message) - 1)}, true
}

// append writes events at the end of the file in one write.
func (st *stream) append(events []Event, now int64) error {
	if len(events) == 0 {
		return nil
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.load(); err != nil {
		return err
	}
	var buf []byte
	records := make([]record, 0, len(events))
	for i, e := range events {
		message, err := json.Marshal(e.Message)
		if err != nil {
			return fmt.Errorf("log stream %s: %w", st.Name, err)
		}
		t := e.Time.UnixMilli()
		buf = strconv.AppendInt(buf, t, 10)
		buf = append(buf, '\t')
		buf = strconv.AppendInt(buf, now, 10)
		buf = append(buf, '\t')
		records = append(records, record{position{t, int64(len(st.index)+i) + 1}, now, st.size + int64(len(buf)), int32(len(message))})
		buf = append(append(buf, message...), '\n')
	}
	if err := st.write(buf); err != nil {
		return fmt.Errorf("log stream %s could not be written: %w", st.Name, err)
	}
	st.size += int64(len(buf))
	st.last = max(st.last, now)
	for _, r := range records {
		st.bytes += int64(r.length)
		at := len(st.index)
		if at > 0 && st.index[at-1].compare(r.position) > 0 {
			at, _ = slices.BinarySearchFunc(st.index, r.position, func(a record, p position) int { return a.compare(p) })
		}
		st.index = slices.Insert(st.index, at, r)
	}
	return nil
}

// write puts buf after the last whole line, over whatever an interrupted write
// left there.
func (st *stream) write(buf []byte) error {
	f, err := os.OpenFile(st.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Size() != st.size {
		err = f.Truncate(st.size)
	}
	if err == nil {
		_, err = f.WriteAt(buf, st.size)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// summary is what DescribeLogStreams says of a stream.
type summary struct {
	events               int
	first, last, arrived int64
	bytes                int64
}

func (st *stream) summary() (summary, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.load(); err != nil {
		return summary{}, err
	}
	s := summary{events: len(st.index), bytes: st.bytes, arrived: st.last}
	if s.events > 0 {
		s.first, s.last = st.index[0].time, st.index[s.events-1].time
	}
	return s, nil
}

// between returns the records with from < position < to, in order.
func (st *stream) between(from, to position) ([]record, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.load(); err != nil {
		return nil, err
	}
	find := func(p position) (int, bool) {
		return slices.BinarySearchFunc(st.index, p, func(a record, p position) int { return a.compare(p) })
	}
	i, found := find(from)
	if found {
		i++
	}
	j, _ := find(to)
	if j <= i {
		return nil, nil
	}
	return slices.Clone(st.index[i:j]), nil
}

// messages reads the messages of one stream.
type messages struct {
	f   *os.File
	buf []byte
}

func (st *stream) open() (*messages, error) {
	f, err := os.Open(st.path)
	if err != nil {
		return nil, fmt.Errorf("log stream %s: %w", st.Name, err)
	}
	return &messages{f: f}, nil
}

func (m *messages) close() { m.f.Close() }

func (m *messages) read(r record) (string, error) {
	m.buf = slices.Grow(m.buf[:0], int(r.length))[:r.length]
	if _, err := m.f.ReadAt(m.buf, r.offset); err != nil {
		return "", fmt.Errorf("%s: %w", m.f.Name(), err)
	}
	var text string
	if err := json.Unmarshal(m.buf, &text); err != nil {
		return "", fmt.Errorf("%s: %w", m.f.Name(), err)
	}
	return text, nil
}
