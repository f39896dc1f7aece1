package dataset

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// Write writes the rows that are found so far as JSON Lines and says how many
// those are. Rows of JSON come out as they are in the file; of other formats a
// row's columns become an object. A row that cannot be read is not left out: of a
// format without lines of JSON it becomes an object with the keys _error and _raw.
func (l *List) Write(ctx context.Context, w io.Writer) (rows int, err error) {
	out := bufio.NewWriterSize(w, 1<<16)
	var buf []byte
	for at := 0; ; {
		l.mu.Lock()
		want := append([]uint32(nil), l.rows[at:min(at+10_000, len(l.rows))]...)
		l.mu.Unlock()
		if len(want) == 0 {
			return rows, out.Flush()
		}
		at += len(want)
		for len(want) > 0 {
			k := 0
			var failed error
			err := l.d.rows.scan(ctx, int64(want[0]), func(r *record) bool {
				if r.index == int64(want[k]) {
					buf = appendRecord(buf[:0], r)
					if _, failed = out.Write(buf); failed != nil {
						return false
					}
					rows, k = rows+1, k+1
				}
				return k < len(want) && int64(want[k])-r.index <= 50
			})
			if err == nil {
				err = failed
			}
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && k == 0 {
				err = fmt.Errorf("row %d is not in the file any more", want[0]+1)
			}
			if err != nil {
				return rows, err
			}
			want = want[k:]
		}
	}
}

// appendRecord appends a row as a line.
func appendRecord(b []byte, r *record) []byte {
	fields := r.columns()
	switch {
	case r.what == "line" && len(r.raw) > 0:
		return append(append(b, r.raw...), '\n')
	case r.err == "" && len(r.raw) > 0 && r.raw[0] == '{': // an element of an array may span lines
		var one bytes.Buffer
		if json.Compact(&one, r.raw) == nil {
			return append(append(b, one.Bytes()...), '\n')
		}
	}
	b = append(b, '{')
	if r.err != "" {
		b = appendString(append(b, `"_error":`...), r.err)
		if utf8.Valid(r.raw) {
			b = appendString(append(b, `,"_raw":`...), string(r.raw))
		}
		return append(b, '}', '\n')
	}
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, f.name), ':')
		if f.nested {
			b = append(b, f.value...)
		} else {
			b = appendString(b, f.value)
		}
	}
	return append(b, '}', '\n')
}
