package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"tunebench/backend/safetext"
)

// BadRow is a row that cannot be trained on or evaluated.
type BadRow struct {
	// Row is its number in the dataset, from 1.
	Row int64
	// File is the path of its file, Number its line or row there, from 1; What is
	// "line" or "row".
	File   string
	Number int64
	What   string
	// Reason says in words why it cannot be used. It may quote the file: clean it
	// for display.
	Reason string
	// Raw is the row as the file has it, without the line end. A format that has
	// no text of its own (Parquet) gives its columns as a JSON object.
	Raw []byte
	// Cut says that Raw is only the beginning of a row that is longer than 256 MiB.
	Cut bool
}

// maxRaw bounds BadRow.Raw in bytes.
const maxRaw = 256 << 20

// BadRows calls f with every row that has no usable question and answer, in the
// order of the rows, until f returns an error, which it returns. A file that
// could not be read to its end is the error at the end; the rows before the
// damage were looked at.
func (d *Dataset) BadRows(ctx context.Context, f func(BadRow) error) error {
	work := func(ctx context.Context, lo, hi int64) (bad []BadRow, err error) {
		part, base := d.partOf(lo) // a piece of work never spans two files
		var long []int
		err = scanRange(ctx, d.rows, lo, hi, func(r *record) {
			e := d.mapping.example(r)
			why := d.unusable(r, &e)
			if why == "" {
				return
			}
			if len(r.raw) == 0 && r.err != "" {
				long = append(long, len(bad)) // or blank, which costs nothing to look at
			}
			bad = append(bad, BadRow{Row: r.index + 1, File: part.src.path, Number: r.index - base + 1, What: r.what, Reason: why, Raw: rawOf(r)})
		})
		for _, i := range long {
			if t, ok := part.rows.(*text); ok && err == nil {
				bad[i].Raw, bad[i].Cut, err = t.rawRow(ctx, bad[i].Number-1)
			}
		}
		return bad, err
	}
	err := sweep(ctx, d.rows, 0, work, func(_, _ int64, bad []BadRow) error {
		for _, b := range bad {
			if err := f(b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.WaitIndexed(ctx)
}

// unusable says why a row is bad, "" when it is not. Without a question or an
// answer among the columns only rows that cannot be read are.
func (d *Dataset) unusable(r *record, e *Example) string {
	r.columns()
	switch {
	case r.err != "":
		return r.err
	case d.mapping.usable(d.path, d.columns) != nil:
		return ""
	case e.Err != "":
		return e.Err
	case strings.TrimSpace(e.Question) == "":
		return r.place() + " has no question"
	case strings.TrimSpace(e.Answer) == "":
		return r.place() + " has no answer"
	}
	return ""
}

func rawOf(r *record) []byte {
	if len(r.raw) > 0 || r.fields == nil {
		return append([]byte{}, r.raw...)
	}
	columns := make(map[string]string, len(r.fields))
	for _, f := range r.fields {
		columns[f.name] = f.value
	}
	b, err := json.Marshal(columns)
	if err != nil {
		return nil // strings always can be written
	}
	return b
}

// rawRow reads a row that is too long to be parsed.
func (t *text) rawRow(ctx context.Context, row int64) (raw []byte, cut bool, err error) {
	from, err := t.offsetOf(ctx, row)
	if err != nil {
		return nil, false, err
	}
	to, err := t.offsetOf(ctx, row+1)
	if err != nil {
		return nil, false, err
	}
	raw = make([]byte, min(to-from, maxRaw))
	n, err := t.src.ReadAt(raw, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, fmt.Errorf("read %s at byte %d: %w", safetext.Line(t.src.path), from, err)
	}
	return t.split.trim(raw[:n]), to-from > maxRaw, nil
}

// partOf is the file that holds row, and the number of rows before it.
func (d *Dataset) partOf(row int64) (*part, int64) {
	var base int64
	for i, p := range d.parts {
		if i == len(d.parts)-1 {
			return p, base
		}
		n, exact, _ := p.rows.status()
		if !exact || row < base+n {
			return p, base
		}
		base += n
	}
	return nil, 0
}
