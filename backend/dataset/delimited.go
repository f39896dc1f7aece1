package dataset

import (
	"bytes"
	"fmt"
)

// delimitedParser reads records of CSV and TSV, reusing its memory: what parse
// returns is good until the next call and as long as the record is.
type delimitedParser struct {
	del     delimited
	columns []string
	fields  []field
	scratch []byte
}

func (p *delimitedParser) parse(rec []byte) ([]field, error) {
	p.fields = p.fields[:0]
	if cap(p.scratch) < len(rec) {
		p.scratch = make([]byte, 0, len(rec)+len(rec)/2)
	}
	p.scratch = p.scratch[:0]
	n := 0
	add := func(value []byte) {
		if n < len(p.columns) {
			p.fields = append(p.fields, field{name: p.columns[n], value: view(value)})
		}
		n++
	}
	for {
		if len(rec) == 0 || rec[0] != '"' {
			i := bytes.IndexByte(rec, p.del.comma)
			if i < 0 {
				add(rec)
				break
			}
			add(rec[:i])
			rec = rec[i+1:]
			continue
		}
		value, used := p.quoted(rec[1:])
		add(value)
		rec = rec[1+used:]
		if len(rec) == 0 {
			break
		}
		rec = rec[1:] // the comma
	}
	if n != len(p.columns) {
		return nil, fmt.Errorf("it has %d fields where the header names %d", n, len(p.columns))
	}
	return p.fields, nil
}

// quoted reads a field behind its opening quote, up to the comma or the end of
// the record. What stands between the closing quote and the comma is kept.
func (p *delimitedParser) quoted(b []byte) (value []byte, used int) {
	q := bytes.IndexByte(b, '"')
	if q >= 0 && (q+1 == len(b) || b[q+1] == p.del.comma) {
		return b[:q], q + 1
	}
	from := len(p.scratch)
	i := 0
	mode := quotedField
	for ; i < len(b); i++ {
		c := b[i]
		switch {
		case mode == quotedField && c == '"':
			mode = quoteInQuoted
			continue
		case mode == quoteInQuoted && c == '"':
			mode = quotedField
		case mode != quotedField && c == p.del.comma:
			return p.scratch[from:len(p.scratch):len(p.scratch)], i
		case mode == quoteInQuoted:
			mode = plainField
		}
		p.scratch = append(p.scratch, c)
	}
	return p.scratch[from:len(p.scratch):len(p.scratch)], i
}
