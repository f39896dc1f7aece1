// Package logstore keeps a log of any length: every line in a file, a small
// index of it in memory. Lines may come late and more than once; each is kept
// once, and they are read in the order of their times.
//
// It belongs here if it is about keeping, ordering and searching lines. Where
// they come from, and what they say, does not. It knows no service.
package logstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// lateAfter is how far behind the newest line, in milliseconds, one has to
// arrive to be marked as late: closer together, lines of several hosts arrive
// in any order.
const lateAfter = 30_000

// Entry is a line that is put in. Text is cleaned text without a line feed.
type Entry struct {
	// ID tells the event from others of the same time; "" takes stream and text
	// for it.
	ID     string
	Time   int64 // Unix milliseconds
	Stream string
	Text   string
}

// Line is a line that is read.
type Line struct {
	// Arrival is the number of the line in the order in which lines came. It
	// never changes, while the place of a line does when one comes late.
	Arrival int
	Time    int64 // Unix milliseconds
	// Stream is the short name of the log stream: the host, with the number of
	// its attempt from the second on.
	Stream string
	// Late says that the line came after others that are at least lateAfter
	// younger.
	Late bool
	Text string
}

// Store is one log. Its methods are safe for concurrent use.
type Store struct {
	path  string
	own   bool // the file goes with the store
	names string

	mu      sync.Mutex
	f       *os.File
	size    int64
	lines   int
	chunks  []chunk
	order   order
	newest  int64
	streams []string
	labels  []string
	cache   map[int]*loaded
	clock   int
	saved   int64 // size when the index was last written
	grown   chan struct{}
	closed  bool
	buf     []byte
}

// Open opens the log at path, or makes it. While another process or another
// store has it open, the store keeps its lines in a file of its own, which goes
// when it is closed: Shared says so. "" always does that.
func Open(path string) (*Store, error) {
	s := &Store{path: path, cache: map[int]*loaded{}, grown: make(chan struct{})}
	if path != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("make the folder for logs: %w", err)
		}
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open the kept log: %w", err)
		}
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			s.f, s.names = f, path+".streams"
			if err := s.recover(); err != nil {
				f.Close()
				return nil, err
			}
			return s, nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			f.Close()
			return nil, fmt.Errorf("lock the kept log %s: %w", path, err)
		}
		f.Close()
	}
	f, err := os.CreateTemp("", "tunebench-log-*")
	if err != nil {
		return nil, fmt.Errorf("make a file for the log: %w", err)
	}
	s.f, s.path, s.own = f, f.Name(), true
	// The name goes at once, so that nothing is left behind however we end.
	return s, os.Remove(f.Name())
}

// Kept reports whether the lines are still there after Close.
func (s *Store) Kept() bool { return !s.own }

// Close writes the index and closes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.grown)
	var err error
	if !s.own && s.saved != s.size {
		err = s.save()
	}
	return errors.Join(err, s.f.Close())
}

// Remove closes the store and deletes what is kept.
func (s *Store) Remove() error {
	err := s.Close()
	if s.own {
		return err
	}
	for _, path := range []string{s.path, s.path + ".index", s.names} {
		if e := os.Remove(path); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Len is the number of lines.
func (s *Store) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order.n
}

// Version changes when a line has been put between others, so that places are
// no longer what they were.
func (s *Store) Version() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order.version
}

// Newest is the time of the youngest line in Unix milliseconds; 0 without lines.
func (s *Store) Newest() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest
}

// Streams is how many log streams there are.
func (s *Store) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

// Place is where the line with that arrival stands; -1 when there is none.
func (s *Store) Place(arrival int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order.place(arrival)
}

// Lines returns up to n lines from place from on, in the order of their times.
func (s *Store) Lines(from, n int) ([]Line, error) {
	return s.read(from, n, s.order.at)
}

// Arrived returns up to n lines from the from-th arrival on.
func (s *Store) Arrived(from, n int) ([]Line, error) {
	return s.read(from, n, func(i int) int { return i })
}

func (s *Store) read(from, n int, at func(int) int) ([]Line, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from = max(from, 0)
	end := min(from+n, s.order.n)
	if from >= end {
		return nil, nil
	}
	out := make([]Line, 0, end-from)
	for i := from; i < end; i++ {
		a := at(i)
		rec, err := s.record(a)
		if err != nil {
			return out, err
		}
		out = append(out, s.parse(a, rec))
	}
	return out, nil
}

// Append takes in those of the entries that are not there yet and returns them
// in the order of their times. On an error none was taken.
func (s *Store) Append(entries []Entry) (added []Entry, err error) {
	if len(entries) == 0 {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, os.ErrClosed
	}
	known, err := s.known(entries)
	if err != nil {
		return nil, err
	}
	keys := make([]key, 0, len(entries))
	for i := range entries {
		k := keyOf(&entries[i])
		if _, dup := known[k]; dup {
			continue
		}
		known[k] = struct{}{}
		keys = append(keys, k)
		added = append(added, entries[i])
	}
	if len(added) == 0 {
		return nil, nil
	}
	sort.Stable(byTime{added, keys})
	buf := s.buf[:0]
	var in []insertion
	place, first := 0, s.lines
	for i := range added {
		n, err := s.stream(added[i].Stream)
		if err != nil {
			return nil, err
		}
		t := keys[i].time
		buf = appendRecord(buf, keys[i], n, t < s.newest-lateAfter, added[i].Text)
		if t < s.newest {
			if place, err = s.behind(t, place, false); err != nil {
				return nil, err
			}
			in = append(in, insertion{place, first + i})
		}
	}
	if _, err := s.f.WriteAt(buf, s.size); err != nil {
		return nil, errors.Join(fmt.Errorf("keep the log in %s: %w", s.path, err), s.f.Truncate(s.size))
	}
	s.index(buf)
	if cap(buf) <= 4<<20 {
		s.buf = buf[:0]
	}
	s.order.insert(in)
	s.order.push(first+len(in), len(added)-len(in))
	s.newest = max(s.newest, keys[len(keys)-1].time)
	close(s.grown)
	s.grown = make(chan struct{})
	if !s.own && s.size-s.saved > saveEvery {
		return added, s.save()
	}
	return added, nil
}

type byTime struct {
	e []Entry
	k []key
}

func (b byTime) Len() int           { return len(b.e) }
func (b byTime) Less(i, j int) bool { return b.k[i].time < b.k[j].time }
func (b byTime) Swap(i, j int) {
	b.e[i], b.e[j] = b.e[j], b.e[i]
	b.k[i], b.k[j] = b.k[j], b.k[i]
}

// known are the keys of the lines in the entries' span of time.
func (s *Store) known(entries []Entry) (map[key]struct{}, error) {
	lo, hi := int64(maxTime), int64(0)
	for i := range entries {
		t := clamp(entries[i].Time)
		lo, hi = min(lo, t), max(hi, t)
	}
	known := make(map[key]struct{}, len(entries))
	if s.lines == 0 || lo > s.newest {
		return known, nil
	}
	at, err := s.behind(lo, 0, true)
	if err != nil {
		return nil, err
	}
	for ; at < s.order.n; at++ {
		rec, err := s.record(s.order.at(at))
		if err != nil {
			return nil, err
		}
		k := recordKey(rec)
		if k.time > hi {
			break
		}
		known[k] = struct{}{}
	}
	return known, nil
}

// stream is the number of a log stream, which is noted when it is new.
func (s *Store) stream(name string) (int, error) {
	name = strings.ReplaceAll(name, "\n", " ")
	for i := len(s.streams) - 1; i >= 0; i-- {
		if s.streams[i] == name {
			return i, nil
		}
	}
	if len(s.streams) == maxStreams {
		return maxStreams - 1, nil
	}
	if s.names != "" {
		f, err := os.OpenFile(s.names, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			return 0, fmt.Errorf("note a log stream: %w", err)
		}
		if _, err := io.WriteString(f, name+"\n"); err != nil {
			return 0, errors.Join(fmt.Errorf("note a log stream: %w", err), f.Close())
		}
		if err := f.Close(); err != nil {
			return 0, fmt.Errorf("note a log stream: %w", err)
		}
	}
	s.streams = append(s.streams, name)
	s.labels = labels(s.streams)
	return len(s.streams) - 1, nil
}

// labels shortens stream names: "algo-1-1700000000" is "algo-1"; the same host's
// later streams are further attempts, "algo-1 #2".
func labels(streams []string) []string {
	host := make([]string, len(streams))
	began := make([]int64, len(streams))
	for i, name := range streams {
		host[i] = name
		if k := strings.LastIndexByte(name, '-'); k > 0 && len(name)-k > 6 {
			if n, err := strconv.ParseInt(name[k+1:], 10, 64); err == nil {
				host[i], began[i] = name[:k], n
			}
		}
	}
	out := make([]string, len(streams))
	for i := range streams {
		attempt := 1
		for k := range streams {
			if k != i && host[k] == host[i] && (began[k] < began[i] || began[k] == began[i] && k < i) {
				attempt++
			}
		}
		if out[i] = host[i]; attempt > 1 {
			out[i] += " #" + strconv.Itoa(attempt)
		}
	}
	return out
}
