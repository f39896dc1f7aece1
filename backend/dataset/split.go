package dataset

import "bytes"

// state is where in a record the reading stands; enough to go on at any block.
type state struct {
	depth int32
	mode  uint8
}

// splitter finds the ends of records in text.
type splitter interface {
	// next returns the number of bytes up to and including the first end of a
	// record in b, or 0 when there is none, and the state behind it.
	next(b []byte, st state) (int, state)
	// count returns how many records end in b, where the last of them ends
	// (0 when none does), and the state at the end of b.
	count(b []byte, st state) (n, last int, after state)
	// trim takes off what separates a record from the next.
	trim(rec []byte) []byte
	// rest reports whether bytes after the last end are a record in state st.
	rest(st state) bool
}

// countBy is count by way of next.
func countBy(s splitter, b []byte, st state) (n, last int, after state) {
	for {
		m, next := s.next(b[last:], st)
		st = next
		if m == 0 {
			return n, last, st
		}
		n++
		last += m
	}
}

// lines splits at line feeds.
type lines struct{}

func (lines) next(b []byte, st state) (int, state) { return bytes.IndexByte(b, '\n') + 1, st }

func (lines) count(b []byte, st state) (int, int, state) {
	return bytes.Count(b, []byte{'\n'}), bytes.LastIndexByte(b, '\n') + 1, st
}

func (lines) trim(rec []byte) []byte { return bytes.TrimSpace(rec) }
func (lines) rest(state) bool        { return true }

// Modes of the delimited splitter and parser. A quote opens a quoted field only
// at the field's start; inside, a doubled quote is a quote.
const (
	fieldStart uint8 = iota
	plainField
	quotedField
	quoteInQuoted
)

// delimited splits CSV and TSV.
type delimited struct{ comma byte }

func (d delimited) next(b []byte, st state) (int, state) {
	line := -1 // the next line feed at or after i
	for i := 0; i < len(b); {
		if st.mode == quotedField {
			q := bytes.IndexByte(b[i:], '"')
			if q < 0 {
				return 0, st
			}
			i += q + 1
			st.mode = quoteInQuoted
			continue
		}
		if line < i {
			if line = bytes.IndexByte(b[i:], '\n'); line < 0 {
				line = len(b)
			} else {
				line += i
			}
		}
		q := bytes.IndexByte(b[i:line], '"')
		switch {
		case q >= 0:
			st = d.after(b[i:i+q], st)
			if st.mode == fieldStart || st.mode == quoteInQuoted {
				st.mode = quotedField
			} else {
				st.mode = plainField
			}
			i += q + 1
		case line < len(b):
			return line + 1, state{}
		default:
			return 0, d.after(b[i:], st)
		}
	}
	return 0, st
}

// after is the state behind b, which holds no quote and no line feed and does
// not stand in a quoted field.
func (d delimited) after(b []byte, st state) state {
	switch {
	case len(b) == 0:
	case b[len(b)-1] == d.comma:
		st.mode = fieldStart
	case st.mode == quoteInQuoted && len(bytes.Trim(b, "\r")) == 0:
	default:
		st.mode = plainField
	}
	return st
}

func (d delimited) count(b []byte, st state) (int, int, state) { return countBy(d, b, st) }
func (d delimited) rest(state) bool                            { return true }

func (d delimited) trim(rec []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(rec, []byte("\n")), []byte("\r"))
}

// fields cuts one record into its fields.
func (d delimited) fields(rec []byte) []string {
	var out []string
	field := make([]byte, 0, 64)
	mode := fieldStart
	for _, c := range rec {
		switch {
		case mode == quotedField && c != '"':
			field = append(field, c)
		case mode == quotedField:
			mode = quoteInQuoted
		case c == d.comma:
			out = append(out, string(field))
			field, mode = field[:0], fieldStart
		case c == '"' && mode == fieldStart:
			mode = quotedField
		case c == '"' && mode == quoteInQuoted:
			field = append(field, '"')
			mode = quotedField
		default:
			field = append(field, c)
			mode = plainField
		}
	}
	return append(out, string(field))
}

// Modes of the JSON splitter.
const (
	jsonOutside uint8 = iota
	jsonString
	jsonEscape
	jsonDone
)

// values splits JSON values: the elements of an array (base depth 1, behind its
// bracket) or values that follow each other (base depth 0).
type values struct{ base int32 }

func (v values) next(b []byte, st state) (int, state) {
	for i, c := range b {
		switch st.mode {
		case jsonDone:
			return 0, st
		case jsonEscape:
			st.mode = jsonString
			continue
		case jsonString:
			if c == '"' {
				st.mode = jsonOutside
			} else if c == '\\' {
				st.mode = jsonEscape
			}
			continue
		}
		switch c {
		case '"':
			st.mode = jsonString
		case '{', '[':
			st.depth++
		case ',':
			if v.base == 1 && st.depth == 1 {
				return i + 1, st
			}
		case '}', ']':
			st.depth--
			if st.depth > v.base || v.base == 1 && st.depth == 1 {
				continue
			}
			if v.base == 1 {
				st.mode = jsonDone
			}
			st.depth = max(st.depth, 0)
			return i + 1, st
		}
	}
	return 0, st
}

func (v values) count(b []byte, st state) (int, int, state) { return countBy(v, b, st) }
func (v values) rest(st state) bool                         { return st.mode != jsonDone }

func (v values) trim(rec []byte) []byte {
	rec = bytes.TrimSpace(rec)
	if v.base == 1 && len(rec) > 0 {
		// An element that itself ends in a bracket is followed by one more.
		if last := rec[len(rec)-1]; last == ',' || last == ']' {
			rec = bytes.TrimSpace(rec[:len(rec)-1])
		}
	}
	return rec
}
