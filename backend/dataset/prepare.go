package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
)

// Reasons for which Prepare and Convert leave a row out; keys of
// Manifest.Dropped.
const (
	DroppedUnreadable = "unreadable"
	DroppedNoQuestion = "no question"
	DroppedNoAnswer   = "no answer"
	DroppedDuplicate  = "duplicate"
	// LaterTurns counts turns of conversations, not rows: only the first
	// exchange of each is used.
	LaterTurns = "later turns of conversations"
)

// manifestFile lies beside the splits.
const manifestFile = "manifest.json"

// progressEvery is the number of rows between two reports of progress.
const progressEvery = 1000

// PrepareOptions say how Prepare splits a dataset.
type PrepareOptions struct {
	// Out is the folder to write. It may exist if it is empty or was written by
	// Prepare, and is replaced as a whole then.
	Out          string
	PromptFormat string
	// Split holds the fractions of train, validation and test; their sum is 1.
	// All zero means 0.9, 0.05, 0.05.
	Split [3]float64
	Seed  uint64
}

// DefaultSplit is used when none is given.
var DefaultSplit = [3]float64{0.9, 0.05, 0.05}

// preparedRow has OpenOrca's columns.
type preparedRow struct {
	ID       string `json:"id"`
	System   string `json:"system_prompt"`
	Question string `json:"question"`
	Response string `json:"response"`
	Category string `json:"category,omitempty"`
}

// create makes a file; tests replace it to fill the disk.
var create = func(path string) (io.WriteCloser, error) { return os.Create(path) }

// Prepare writes train.jsonl, validation.jsonl, test.jsonl and manifest.json
// into o.Out. Rows with the same question never go to two splits; exact
// repetitions of (system, question) are left out. The same file, seed and
// split give the same bytes. Nothing is left behind when it fails.
func Prepare(ctx context.Context, path string, o PrepareOptions, progress func(Progress)) (Manifest, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	m := Manifest{Version: 1, Source: path, Seed: o.Seed, Dropped: map[string]int{}}
	var err error
	if m.Split, err = checkSplit(o.Split); err != nil {
		return Manifest{}, err
	}
	format, err := artifact.FormatByName(o.PromptFormat)
	if err != nil {
		return Manifest{}, err
	}
	m.PromptFormat = format.Name
	if err := checkOut(o.Out); err != nil {
		return Manifest{}, err
	}
	d, err := Open(ctx, path, OpenOptions{})
	if err != nil {
		return Manifest{}, err
	}
	defer d.Close()
	if err := d.Usable(); err != nil {
		return Manifest{}, err
	}
	m.Mapping = d.mapping

	if err := os.MkdirAll(filepath.Dir(o.Out), 0o777); err != nil {
		return Manifest{}, diskError(err, o.Out)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(o.Out), "."+filepath.Base(o.Out)+".part-")
	if err != nil {
		return Manifest{}, diskError(err, o.Out)
	}
	defer os.RemoveAll(tmp) // nothing is there any more after the rename
	if err := d.writeSplits(ctx, tmp, &m, progress); err != nil {
		return Manifest{}, diskError(err, o.Out)
	}
	progress(Progress{What: "reading the source's checksum", Done: 0, Total: d.Info().Bytes})
	if m.SourceSHA256, m.Sources, err = d.checksums(ctx); err != nil {
		return Manifest{}, err
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Manifest{}, err
	}
	f, err := newSplitFile(tmp, manifestFile)
	if err == nil {
		_, err = f.w.Write(append(b, '\n'))
		err = errors.Join(err, f.finish())
	}
	if err == nil {
		err = os.Chmod(tmp, 0o755) // MkdirTemp makes private folders
	}
	if err == nil {
		err = replaceDir(tmp, o.Out)
	}
	if err != nil {
		return Manifest{}, diskError(err, o.Out)
	}
	return m, nil
}

// writeSplits writes the three splits into dir and fills in the manifest.
func (d *Dataset) writeSplits(ctx context.Context, dir string, m *Manifest, progress func(Progress)) (err error) {
	names := [3]string{Train, Validation, Test}
	var files [3]*splitFile
	defer func() {
		for _, f := range files {
			if f != nil {
				err = errors.Join(err, f.finish())
			}
		}
	}()
	for i, name := range names {
		if files[i], err = newSplitFile(dir, name+".jsonl"); err != nil {
			return err
		}
	}
	seen := map[[16]byte]struct{}{}
	err = d.usableExamples(ctx, m.Dropped, &m.SourceRows, progress, func(e Example) error {
		sum := sha256.Sum256([]byte(e.System + "\x00" + e.Question))
		key := [16]byte(sum[:16])
		if _, dup := seen[key]; dup {
			m.Dropped[DroppedDuplicate]++
			return nil
		}
		seen[key] = struct{}{}
		return files[splitOf(e.Question, m.Seed, m.Split)].add(e)
	})
	if err != nil {
		return err
	}
	for i, f := range files {
		files[i] = nil
		if err = errors.Join(err, f.finish()); err != nil {
			return err
		}
		m.Splits = append(m.Splits, SplitInfo{Name: names[i], File: names[i] + ".jsonl", Rows: f.rows, Bytes: f.bytes, SHA256: hex.EncodeToString(f.sum.Sum(nil))})
	}
	if m.Splits[0].Rows == 0 {
		return fmt.Errorf("no row of %s is left for training (%s); check its columns, or give train a larger share", safetext.Line(d.path), droppedText(m.Dropped, m.SourceRows))
	}
	return nil
}

// usableExamples hands on the rows that can be trained on and counts the others.
func (d *Dataset) usableExamples(ctx context.Context, dropped map[string]int, total *int64, progress func(Progress), f func(Example) error) error {
	err := d.examples(ctx, 0, func(e Example) error {
		*total++
		if *total%progressEvery == 0 {
			n, exact, _ := d.rows.status()
			if !exact {
				n = 0
			}
			progress(Progress{What: "reading rows", Done: *total, Total: n})
		}
		if e.LaterTurns > 0 {
			dropped[LaterTurns] += e.LaterTurns
		}
		switch {
		case e.Err != "":
			dropped[DroppedUnreadable]++
		case strings.TrimSpace(e.Question) == "":
			dropped[DroppedNoQuestion]++
		case strings.TrimSpace(e.Answer) == "":
			dropped[DroppedNoAnswer]++
		default:
			return f(e)
		}
		return nil
	})
	if err == nil {
		err = d.WaitIndexed(ctx) // it knows of damage further on
	}
	if err == nil {
		progress(Progress{What: "reading rows", Done: *total, Total: *total})
	}
	return err
}

// Converted is what Convert wrote.
type Converted struct {
	Rows, Bytes int64
	Dropped     map[string]int
}

// Convert writes every usable row of a dataset as JSONL with OpenOrca's
// columns, the form that training code reads.
func Convert(ctx context.Context, path string, w io.Writer) (Converted, error) {
	d, err := Open(ctx, path, OpenOptions{})
	if err != nil {
		return Converted{}, err
	}
	defer d.Close()
	if err := d.Usable(); err != nil {
		return Converted{}, err
	}
	c := Converted{Dropped: map[string]int{}}
	var total int64
	err = d.usableExamples(ctx, c.Dropped, &total, func(Progress) {}, func(e Example) error {
		b, err := encodeRow(e)
		if err != nil {
			return err
		}
		c.Rows++
		c.Bytes += int64(len(b))
		_, err = w.Write(b)
		return err
	})
	if err == nil && c.Rows == 0 {
		err = fmt.Errorf("no row of %s can be used (%s); check its columns", safetext.Line(path), droppedText(c.Dropped, total))
	}
	return c, err
}

func droppedText(dropped map[string]int, total int64) string {
	parts := []string{fmt.Sprintf("%d rows", total)}
	for _, k := range []string{DroppedUnreadable, DroppedNoQuestion, DroppedNoAnswer, DroppedDuplicate} {
		if n := dropped[k]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	return strings.Join(parts, ", ")
}

func encodeRow(e Example) ([]byte, error) {
	if e.ID == "" {
		e.ID = "row-" + strconv.FormatInt(e.Index+1, 10)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(preparedRow{ID: e.ID, System: e.System, Question: e.Question, Response: e.Answer, Category: e.Category})
	return []byte(b.String()), err
}

// splitOf decides by a hash of the question alone, written in any case and
// spacing, so that a question never leaks from one split into another.
func splitOf(question string, seed uint64, split [3]float64) int {
	h := sha256.New()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	h.Write(b[:])
	io.WriteString(h, strings.ToLower(strings.Join(strings.Fields(question), " ")))
	u := float64(binary.BigEndian.Uint64(h.Sum(nil))>>11) / (1 << 53)
	switch {
	case u < split[0]:
		return 0
	case u < split[0]+split[1] || split[2] == 0:
		if split[1] == 0 {
			return 0
		}
		return 1
	}
	return 2
}

func checkSplit(s [3]float64) ([3]float64, error) {
	if s == [3]float64{} {
		return DefaultSplit, nil
	}
	for _, f := range s {
		if !(f >= 0 && f <= 1) {
			return s, fmt.Errorf("the split %v,%v,%v has a part outside 0 to 1; give three fractions such as 0.9,0.05,0.05", s[0], s[1], s[2])
		}
	}
	if sum := s[0] + s[1] + s[2]; math.Abs(sum-1) > 1e-6 {
		return s, fmt.Errorf("the split %v,%v,%v adds up to %.4g, not to 1; give three fractions such as 0.9,0.05,0.05", s[0], s[1], s[2], sum)
	}
	if s[0] == 0 {
		return s, errors.New("the split leaves nothing for training; give its first part more than 0")
	}
	return s, nil
}
