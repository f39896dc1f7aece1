package dataset

import (
	"context"
	"slices"

	"tunebench/backend/dataset/filter"
	"tunebench/backend/dataset/traits"
	"tunebench/backend/safetext"
)

// Schema is what filters of this dataset can be about.
func (d *Dataset) Schema() filter.Schema { return d.mapping.schema(d.columns) }

func (m Mapping) schema(columns []string) filter.Schema {
	s := filter.Schema{Columns: columns, Parts: map[string]string{}}
	for part, column := range map[string]string{"id": m.ID, "system": m.System, "question": m.Question, "answer": m.Answer, "category": m.Category, "messages": m.Messages} {
		if column != "" {
			s.Parts[part] = column
		}
	}
	if m.Messages != "" {
		for _, part := range []string{"system", "question", "answer"} {
			s.Parts[part] = m.Messages
		}
	}
	return s
}

// Complete says what could stand at the cursor of a filter of this dataset; the
// candidates' text is clean. See filter.Complete.
func (d *Dataset) Complete(expr string, cursor int) (candidates []filter.Candidate, from, to int) {
	candidates, from, to = filter.Complete(expr, cursor, d.Schema())
	for i := range candidates {
		candidates[i].Text, candidates[i].Help = safetext.Line(candidates[i].Text), safetext.Line(candidates[i].Help)
	}
	return candidates, from, to
}

// Filter makes a view of the rows that a filter keeps, and returns at once; the
// list fills as rows are found. An error is a *filter.Error that says which
// words are wrong. Nothing is copied.
func (d *Dataset) Filter(ctx context.Context, expr string) (*List, error) {
	f, err := filter.Parse(expr, d.Schema())
	if err != nil {
		return nil, err
	}
	return d.start(ctx, func(ctx context.Context, l *List) error {
		rep, err := d.repeatsFor(ctx, f)
		if err != nil {
			return err
		}
		if rep != nil && !f.Reads() {
			return d.filterKnown(ctx, f, rep, l)
		}
		work := func(scan func(func(*record)) error) (found []uint32, err error) {
			fr := &filterRow{m: &d.mapping, tokens: d.tokens.Count, rep: rep}
			return found, scan(func(r *record) {
				if fr.reset(r); f.Match(fr) {
					found = append(found, uint32(r.index))
				}
			})
		}
		if rep != nil || f.Places() { // they ask for a row's number
			return sweep(ctx, d.rows, 0, func(ctx context.Context, lo, hi int64) ([]uint32, error) {
				return work(func(f func(r *record)) error { return scanRange(ctx, d.rows, lo, hi, f) })
			}, func(_, hi int64, found []uint32) error {
				l.add(found, hi)
				return nil
			})
		}
		return sweepAll(ctx, d, false, work, func(first, behind int64, found []uint32) error {
			for i := range found {
				found[i] += uint32(first)
			}
			l.add(found, behind)
			return nil
		})
	}), nil
}

// filterKnown is Filter for a filter that does not look at the rows.
func (d *Dataset) filterKnown(ctx context.Context, f *filter.Filter, rep *repeats, l *List) error {
	const step = 64 << 10
	fr := &filterRow{m: &d.mapping, rep: rep, r: &record{}}
	rows, _, _ := d.rows.status() // exact: the repetitions were found in all of them
	for lo := int64(0); lo < rows; lo += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		var found []uint32
		hi := min(rows, lo+step)
		for fr.r.index = lo; fr.r.index < hi; fr.r.index++ {
			if f.Match(fr) {
				found = append(found, uint32(fr.r.index))
			}
		}
		l.add(found, hi)
	}
	return nil
}

// ViewOf makes a list of given rows, such as a profile's suspicious ones.
func (d *Dataset) ViewOf(rows []int64) *List {
	sorted := make([]uint32, 0, len(rows))
	for _, r := range rows {
		sorted = append(sorted, uint32(r))
	}
	slices.Sort(sorted)
	ended := make(chan struct{})
	close(ended)
	return &List{d: d, changed: make(chan struct{}, 1), stop: func() {}, ended: ended, rows: slices.Compact(sorted), done: true}
}

// filterRow is a record as filters see it.
type filterRow struct {
	m      *Mapping
	tokens func(string) int
	rep    *repeats

	r  *record
	e  Example
	ok bool // e is of r
}

func (f *filterRow) reset(r *record) { f.r, f.ok = r, false }

func (f *filterRow) example() *Example {
	if !f.ok {
		f.e, f.ok = f.m.example(f.r), true
	}
	return &f.e
}

// Get implements filter.Row.
func (f *filterRow) Get(name string) (string, bool) {
	var mapped, part string
	switch name {
	case "id":
		mapped, part = f.m.ID, f.example().ID
	case "system":
		mapped, part = f.m.System+f.m.Messages, f.example().System
	case "question":
		mapped, part = f.m.Question+f.m.Messages, f.example().Question
	case "answer":
		mapped, part = f.m.Answer+f.m.Messages, f.example().Answer
	case "category":
		mapped, part = f.m.Category, f.example().Category
	case "messages":
		if f.m.Messages != "" {
			name = f.m.Messages
		}
	}
	if mapped != "" {
		return part, part != ""
	}
	for _, c := range f.r.columns() {
		if c.name == name {
			return c.value, true
		}
	}
	return "", false
}

// Number implements filter.Row.
func (f *filterRow) Number() int64 { return f.r.index + 1 }

// File implements filter.Row.
func (f *filterRow) File() string { return f.r.file }

// Tokens implements filter.Row.
func (f *filterRow) Tokens(text string) int { return f.tokens(text) }

// Flag implements filter.Row.
func (f *filterRow) Flag(name string) bool {
	row := uint32(f.r.index)
	switch name { // those that need not look at the row
	case filter.Duplicate:
		return f.rep.exact.Has(row)
	case filter.NearDuplicate:
		return f.rep.near.Has(row)
	case filter.SameQuestion:
		return f.rep.question.Has(row)
	}
	e := f.example()
	switch name {
	case filter.Bad:
		return e.Err != "" || e.Question == "" || e.Answer == ""
	case filter.Refusal:
		return traits.Refusal(e.Answer)
	case filter.Damaged:
		return traits.Damaged(e.Question) || traits.Damaged(e.Answer) || traits.Damaged(e.System)
	case filter.Given:
		return traits.Given(e.Question, e.Answer)
	}
	return false
}
