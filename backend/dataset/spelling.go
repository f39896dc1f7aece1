package dataset

import (
	"unicode/utf8"

	"tunebench/backend/dataset/bytemask"
)

// spell appends text in the shortest spelling that it can have in a string of
// JSON: the one that bytemask.Spelled knows, and \u00XX where there is no other.
func spell[T string | []byte](dst []byte, text T) []byte {
	const hex = "0123456789abcdef"
	for b := []byte(text); ; {
		n := bytemask.Plain(b)
		if dst = append(dst, b[:n]...); n == len(b) {
			return dst
		}
		c := b[n]
		b = b[n+1:]
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
	}
}

// spelledPairs hashes the question and the answer of rows of JSON by how they are
// spelled: most texts have their shortest spelling already, and need not be
// decoded. Two rows have the same hash when their texts are the same.
type spelledPairs struct {
	m      *Mapping
	parser objectParser
	buf    [2][]byte

	hashes []uint64 // of the rows that can be used
	rows   []uint32
}

// spelled says whether a spelledPairs can be used: all rows are lines of JSON, and
// question and answer are columns of their own.
func (d *Dataset) spelled() bool {
	for _, p := range d.parts {
		t, ok := p.rows.(*text)
		if !ok {
			return false
		}
		if _, ok := t.split.(lines); !ok {
			return false
		}
	}
	m := &d.mapping
	return m.Question != "" && m.Answer != "" && m.Messages == "" && m.Context == ""
}

// look hashes the rows that scan gives.
func (s *spelledPairs) look(scan func(f func(r *record)) error) error {
	s.hashes, s.rows = s.hashes[:0], s.rows[:0]
	return scan(func(r *record) {
		if hash, ok := s.of(r); ok {
			s.hashes, s.rows = append(s.hashes, hash), append(s.rows, uint32(r.index))
		}
	})
}

// of is the hash of a row; ok is false for one that cannot be used.
func (s *spelledPairs) of(r *record) (hash uint64, ok bool) {
	s.parser.spelled = true
	var fields []field
	if ok = r.err == "" && utf8.Valid(r.raw); ok {
		fields, ok = s.parser.fast(r.raw)
	}
	if !ok { // unusual, or wrong
		e := s.m.example(r)
		s.buf[0], s.buf[1] = spell(s.buf[0][:0], e.Question), spell(s.buf[1][:0], e.Answer)
		return pairHash(view(s.buf[0]), view(s.buf[1])), e.Err == ""
	}
	q, ok := s.value(fields, s.m.Question, 0)
	if !ok {
		return 0, false
	}
	a, ok := s.value(fields, s.m.Answer, 1)
	return pairHash(q, a), ok
}

func (s *spelledPairs) value(fields []field, name string, i int) (value string, found bool) {
	for _, f := range fields {
		if f.name == name {
			if f.nested {
				s.buf[i] = spell(s.buf[i][:0], firstText(f.value))
				return view(s.buf[i]), true
			}
			return f.value, true
		}
	}
	return "", false
}
