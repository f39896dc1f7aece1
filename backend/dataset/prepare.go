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
	DroppedNear       = "near duplicate"
	DroppedFilter     = "left out by the filter"
	DroppedLeaked     = "in the evaluation file"
	DroppedLong       = "too long"
	DroppedSample     = "not in the sample"
	// LaterTurns counts turns of conversations, not rows: only the first
	// exchange of each is used.
	LaterTurns = "later turns of conversations"
)

// manifestFile lies beside the splits.
const manifestFile = "manifest.json"

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
	// As is the format of the files, AsJSONL or AsParquet; "" is JSON Lines.
	As string
	// Recipe says what happens to the rows before they are split; the zero value
	// only leaves out repetitions.
	Recipe Recipe
	// Open says how the source is read.
	Open OpenOptions
}

// DefaultSplit is used when none is given.
var DefaultSplit = [3]float64{0.9, 0.05, 0.05}

// create makes a file; tests replace it to fill the disk.
var create = func(path string) (io.WriteCloser, error) { return os.Create(path) }

// Prepare writes train.jsonl, validation.jsonl, test.jsonl (or Parquet files of
// the same rows) and manifest.json into o.Out. Rows with the same question never go to two splits; exact
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
	if o.As, err = checkAs(o.As); err != nil {
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
	d, err := Open(ctx, path, o.Open)
	if err != nil {
		return Manifest{}, err
	}
	defer d.Close()
	if err := d.Usable(); err != nil {
		return Manifest{}, err
	}
	m.Mapping = d.mapping
	c, err := d.cook(ctx, o.Recipe, progress)
	if err != nil {
		return Manifest{}, err
	}
	if o.Recipe != (Recipe{}) {
		m.Recipe = &o.Recipe
	}
	c.seed, c.split = m.Seed, m.Split

	if err := os.MkdirAll(filepath.Dir(o.Out), 0o777); err != nil {
		return Manifest{}, diskError(err, o.Out)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(o.Out), "."+filepath.Base(o.Out)+".part-")
	if err != nil {
		return Manifest{}, diskError(err, o.Out)
	}
	defer os.RemoveAll(tmp) // nothing is there any more after the rename
	if err := d.writeSplits(ctx, tmp, o.As, &m, c); err != nil {
		return Manifest{}, diskError(err, o.Out)
	}
	progress(Progress{What: "reading the source's checksum", Done: 0, Total: d.Info().Bytes})
	if m.SourceSHA256, m.Sources, err = d.checksums(ctx); err != nil {
		return Manifest{}, err
	}
	if m.Against, err = filesOf(ctx, o.Recipe.Against); err != nil {
		return Manifest{}, err
	}
	if o.Recipe.MaxTokens > 0 || strings.Contains(o.Recipe.Filter, "tokens") {
		m.TokenCounter = d.tokens.Name
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
func (d *Dataset) writeSplits(ctx context.Context, dir, as string, m *Manifest, c *cook) (err error) {
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
		if files[i], err = newSplitFile(dir, name+"."+as); err != nil {
			return err
		}
		if as == AsParquet {
			files[i].table = newParquetRows(files[i], m.Mapping.Category != "")
		}
	}
	err = c.run(ctx, func(row []byte, split uint8) error { return files[split].add(row) })
	m.SourceRows, m.Dropped = c.total, c.dropped
	if err != nil {
		return err
	}
	for i, f := range files {
		files[i] = nil
		if err = errors.Join(err, f.finish()); err != nil {
			return err
		}
		m.Splits = append(m.Splits, SplitInfo{Name: names[i], File: names[i] + "." + as, Rows: f.rows, Bytes: f.bytes, SHA256: hex.EncodeToString(f.sum.Sum(nil))})
	}
	if m.Splits[0].Rows == 0 {
		return fmt.Errorf("no row of %s is left for training (%s); check its columns, or give train a larger share", safetext.Line(d.path), droppedText(m.Dropped, m.SourceRows))
	}
	return nil
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
	k, err := d.cook(ctx, Recipe{Dedup: DedupNone}, func(Progress) {})
	if err != nil {
		return Converted{}, err
	}
	c := Converted{Dropped: k.dropped}
	err = k.run(ctx, func(row []byte, _ uint8) error {
		c.Rows++
		c.Bytes += int64(len(row))
		_, err := w.Write(row)
		return err
	})
	if err == nil && c.Rows == 0 {
		err = fmt.Errorf("no row of %s can be used (%s); check its columns", safetext.Line(path), droppedText(c.Dropped, k.total))
	}
	return c, err
}

func droppedText(dropped map[string]int, total int64) string {
	parts := []string{fmt.Sprintf("%d rows", total)}
	for _, k := range []string{DroppedUnreadable, DroppedNoQuestion, DroppedNoAnswer, DroppedFilter, DroppedLong, DroppedLeaked, DroppedDuplicate, DroppedNear, DroppedSample} {
		if n := dropped[k]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k))
		}
	}
	return strings.Join(parts, ", ")
}

// splitOf decides by a hash of the question alone, written in any case and
// spacing, so that a question never leaks from one split into another. The
// question is in its normal form, behind eight free bytes.
func splitOf(question []byte, seed uint64, split [3]float64) uint8 {
	binary.LittleEndian.PutUint64(question, seed)
	sum := sha256.Sum256(question)
	u := float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
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
