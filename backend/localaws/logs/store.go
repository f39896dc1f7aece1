// Package logs is the CloudWatch Logs of the local account: log groups and
// streams as append-only files under one folder, a Go API for the services
// that write them, and the operations for callers on the wire.
//
// A group is a folder; a stream is a file whose first line names it and whose
// further lines are events ("timestamp, ingestion time, message as JSON").
// Only positions are kept in memory, and a stream is read when it is first
// asked for. A line that a killed process left unfinished is dropped. One
// process at a time owns the folder.
//
// What the lines mean is not known here. Live tailing is not offered: polling
// is the source of truth.
package logs

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tunebench/backend/localaws/wire"
)

// Options are how a [Store] is opened.
type Options struct {
	// Now is the clock of creation and ingestion; nil means time.Now.
	Now func() time.Time
}

// Event is one line to be written. Times have a resolution of a millisecond.
type Event struct {
	Time    time.Time
	Message string
}

// Store holds log groups. It is safe for concurrent use.
type Store struct {
	root string
	now  func() time.Time

	mu     sync.RWMutex
	groups map[string]*group
	closed bool
}

type group struct {
	Name    string `json:"name"`
	Created int64  `json:"created"` // milliseconds since 1970

	dir     string
	streams map[string]*stream
}

// Open reads the names of groups and streams; root is made when missing.
func Open(root string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("log store: %w", err)
	}
	s := &Store{root: root, now: o.Now, groups: map[string]*group{}}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("log store: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		g, err := loadGroup(filepath.Join(root, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("log store: %w", err)
		}
		if g != nil {
			s.groups[g.Name] = g
		}
	}
	return s, nil
}

func loadGroup(dir string) (*group, error) {
	data, err := os.ReadFile(filepath.Join(dir, "group.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // its creation was interrupted
	}
	if err != nil {
		return nil, err
	}
	g := &group{dir: dir, streams: map[string]*stream{}}
	if err := json.Unmarshal(data, g); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		st, err := loadHeader(path)
		if err != nil {
			return nil, err
		}
		if st != nil {
			g.streams[st.Name] = st
		}
	}
	return g, nil
}

// loadHeader reads the first line of a stream's file; nil when it is unfinished.
func loadHeader(path string) (*stream, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadBytes('\n')
	if err != nil {
		return nil, nil
	}
	st := &stream{path: path, header: int64(len(line))}
	if err := json.Unmarshal(line, st); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return st, nil
}

// Close refuses further writes. Everything written is on disk already.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func fileName(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// Append writes events to a stream, making group and stream when they are
// missing. The ingestion time is now.
func (s *Store) Append(ctx context.Context, groupName, streamName string, events []Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st, err := s.stream(groupName, streamName)
	if err != nil {
		if err := s.createGroup(groupName); err != nil && !exists(err) {
			return err
		}
		if err := s.createStream(groupName, streamName); err != nil && !exists(err) {
			return err
		}
		if st, err = s.stream(groupName, streamName); err != nil {
			return err
		}
	}
	s.mu.RLock()
	closed := s.closed
	s.mu.RUnlock()
	if closed {
		return fmt.Errorf("log stream %s: the log store is closed", streamName)
	}
	return st.append(events, s.now().UnixMilli())
}

func exists(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Code == "ResourceAlreadyExistsException"
}

func (s *Store) createGroup(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[name] != nil {
		return wire.Errorf(400, "ResourceAlreadyExistsException", "The specified log group already exists")
	}
	g := &group{Name: name, Created: s.now().UnixMilli(), dir: filepath.Join(s.root, fileName(name)), streams: map[string]*stream{}}
	data, err := json.Marshal(g)
	if err == nil {
		err = os.MkdirAll(g.dir, 0o700)
	}
	if err == nil {
		// Renamed into place, so that a killed process leaves no half file.
		tmp := filepath.Join(g.dir, "group.new")
		if err = os.WriteFile(tmp, data, 0o600); err == nil {
			err = os.Rename(tmp, filepath.Join(g.dir, "group.json"))
		}
	}
	if err != nil {
		return fmt.Errorf("create log group %s: %w", name, err)
	}
	s.groups[name] = g
	return nil
}

func (s *Store) createStream(groupName, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[groupName]
	if g == nil {
		return noGroup()
	}
	if g.streams[name] != nil {
		return wire.Errorf(400, "ResourceAlreadyExistsException", "The specified log stream already exists")
	}
	st := &stream{Name: name, Created: s.now().UnixMilli(), path: filepath.Join(g.dir, fileName(name)+".log"), loaded: true}
	header, err := json.Marshal(st)
	if err == nil {
		header = append(header, '\n')
		st.header, st.size = int64(len(header)), int64(len(header))
		err = os.WriteFile(st.path, header, 0o600)
	}
	if err != nil {
		return fmt.Errorf("create log stream %s: %w", name, err)
	}
	g.streams[name] = st
	return nil
}

func (s *Store) deleteGroup(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[name]
	if g == nil {
		return noGroup()
	}
	if err := os.RemoveAll(g.dir); err != nil {
		return fmt.Errorf("delete log group %s: %w", name, err)
	}
	delete(s.groups, name)
	return nil
}

func (s *Store) deleteStream(groupName, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[groupName]
	if g == nil {
		return noGroup()
	}
	st := g.streams[name]
	if st == nil {
		return noStream()
	}
	if err := os.Remove(st.path); err != nil {
		return fmt.Errorf("delete log stream %s: %w", name, err)
	}
	delete(g.streams, name)
	return nil
}

func noGroup() error {
	return wire.Errorf(400, "ResourceNotFoundException", "The specified log group does not exist.")
}

func noStream() error {
	return wire.Errorf(400, "ResourceNotFoundException", "The specified log stream does not exist.")
}

func (s *Store) stream(groupName, name string) (*stream, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.groups[groupName]
	if g == nil {
		return nil, noGroup()
	}
	st := g.streams[name]
	if st == nil {
		return nil, noStream()
	}
	return st, nil
}

// listGroups returns the groups by name.
func (s *Store) listGroups() []*group {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*group, 0, len(s.groups))
	for _, g := range s.groups {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *group) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// listStreams returns the streams of a group whose name starts with prefix, by name.
func (s *Store) listStreams(groupName, prefix string) ([]*stream, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	g := s.groups[groupName]
	if g == nil {
		return nil, noGroup()
	}
	var out []*stream
	for name, st := range g.streams {
		if strings.HasPrefix(name, prefix) {
			out = append(out, st)
		}
	}
	slices.SortFunc(out, func(a, b *stream) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
