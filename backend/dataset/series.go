package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tunebench/backend/safetext"
)

// expand returns the files that a path stands for.
func expand(ctx context.Context, path string, o OpenOptions) ([]string, error) {
	if list := filepath.SplitList(path); len(list) > 1 && !strings.Contains(path, "://") && !strings.HasPrefix(path, SamplePrefix) {
		if _, err := os.Stat(path); err != nil { // no single file has that name
			return list, nil
		}
	}
	if strings.HasPrefix(path, "s3://") && strings.HasSuffix(path, "/") {
		files, err := listObjects(ctx, path, o)
		if err == nil && len(files) == 0 {
			err = fmt.Errorf("there is no file of rows (JSONL, JSON, CSV, TSV, Parquet) under %s", safetext.Line(path))
		}
		return files, err
	}
	if st, err := os.Stat(path); err != nil || !st.IsDir() {
		return []string{path}, nil // openSource says what is wrong with it
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("the folder %s cannot be read: %w; check its permissions", safetext.Line(path), err)
	}
	var files []string
	for _, e := range entries {
		full := filepath.Join(path, e.Name())
		if st, err := os.Stat(full); err == nil && st.Mode().IsRegular() && st.Size() > 0 && isRowsFile(e.Name()) {
			files = append(files, full)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s is a folder without a file of rows (JSONL, JSON, CSV, TSV, Parquet); name a file, such as train.jsonl", safetext.Line(path))
	}
	slices.Sort(files)
	return files, nil
}

// series is several files one after another.
type series struct {
	parts []*part
	names []string
}

func newSeries(parts []*part) *series {
	s := &series{parts: parts}
	for _, p := range parts {
		s.names = append(s.names, safetext.Line(p.src.path[strings.LastIndexByte(p.src.path, '/')+1:]))
	}
	return s
}

func (s *series) index(ctx context.Context, changed func()) error {
	var failed error
	for i, p := range s.parts { // one that is damaged does not keep the next from being read
		if err := p.rows.index(ctx, changed); err != nil {
			failed = errors.Join(failed, fmt.Errorf("file %d of %d: %w", i+1, len(s.parts), err))
		}
	}
	return failed
}

func (s *series) status() (rows int64, exact bool, indexed float64) {
	exact = true
	var bytes, done float64
	for _, p := range s.parts {
		n, sure, part := p.rows.status()
		rows += n
		exact = exact && sure
		size := float64(max(p.src.stored(), 1))
		bytes += size
		done += size * part
	}
	return rows, exact, done / max(bytes, 1)
}

// rowsOf waits until the number of rows of part i is known.
func (s *series) rowsOf(ctx context.Context, i int) (int64, error) {
	if t, ok := s.parts[i].rows.(*text); ok {
		if err := t.wait(ctx, func() bool { return false }); err != nil {
			return 0, err
		}
		defer t.mu.Unlock()
		return t.rows, nil
	}
	n, _, _ := s.parts[i].rows.status()
	return n, nil
}

func (s *series) scan(ctx context.Context, first int64, f func(r *record) bool) error {
	var base int64
	more := true
	for i := range s.parts {
		local := max(first-base, 0)
		if local > 0 {
			n, err := s.rowsOf(ctx, i)
			if err != nil {
				return err
			}
			if local >= n {
				base += n
				continue
			}
		}
		var seen int64 = local
		err := s.parts[i].rows.scan(ctx, local, func(r *record) bool {
			seen++
			r.number, r.file = r.index+1, s.names[i]
			r.index += base
			more = f(r)
			r.index -= base
			return more
		})
		if err != nil || !more {
			return err
		}
		base += seen
	}
	return nil
}

func (s *series) chunk(ctx context.Context, from int64) (int64, error) {
	var base int64
	for i, p := range s.parts {
		end, err := p.rows.chunk(ctx, max(from-base, 0))
		if err != nil {
			return from, err
		}
		if base+end > from {
			return base + end, nil
		}
		n, err := s.rowsOf(ctx, i)
		if err != nil {
			return from, err
		}
		base += n
	}
	return from, nil
}
