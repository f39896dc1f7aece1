package dataset

import (
	"context"
	"encoding/json"
	"strings"
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
}

// BadRows calls f with every row that has no usable question and answer, in the
// order of the rows, until f returns an error, which it returns. A file that
// could not be read to its end is the error at the end; the rows before the
// damage were looked at.
func (d *Dataset) BadRows(ctx context.Context, f func(BadRow) error) error {
	work := func(ctx context.Context, lo, hi int64) (bad []BadRow, err error) {
		part, base := d.partOf(lo)
		return bad, scanRange(ctx, d.rows, lo, hi, func(r *record) {
			e := d.mapping.example(r)
			why := d.unusable(r, &e)
			if why == "" {
				return
			}
			// A piece of work never spans two files.
			bad = append(bad, BadRow{Row: r.index + 1, File: part.src.path, Number: r.index - base + 1, What: r.what, Reason: why, Raw: rawOf(r)})
		})
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
