package uitest

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"tunebench/backend/dataset"
	"tunebench/backend/dataset/filter"
	"tunebench/backend/dataset/profile"
	"tunebench/tui"
)

// rowList is rows of the world's dataset that were found. Unlike a real list it is
// whole from the start, unless the world holds it back.
type rowList struct {
	w    *World
	rows []int64
}

func (l *rowList) shown() []int64 {
	if l.w.Slow {
		return l.rows[:len(l.rows)/2]
	}
	return l.rows
}

func (l *rowList) Len() int { return len(l.shown()) }

func (l *rowList) At(i int) (int64, bool) {
	if i < 0 || i >= l.Len() {
		return 0, false
	}
	return l.rows[i], true
}

func (l *rowList) Next(from int64) (int64, bool) {
	i, _ := slices.BinarySearch(l.shown(), from)
	return l.At(i)
}

func (l *rowList) Prev(from int64) (int64, bool) {
	i, _ := slices.BinarySearch(l.shown(), from)
	return l.At(i - 1)
}

func (l *rowList) Rows(_ context.Context, first, n int) ([]dataset.Row, error) {
	var out []dataset.Row
	for i := first; i < min(first+n, l.Len()); i++ {
		out = append(out, l.w.Rows[l.rows[i]])
	}
	return out, nil
}

func (l *rowList) Write(_ context.Context, w io.Writer) (int, error) {
	for _, i := range l.shown() {
		if _, err := fmt.Fprintf(w, "row %d\n", i+1); err != nil {
			return 0, err
		}
	}
	return l.Len(), nil
}

func (l *rowList) Scanned() (int64, bool, error) {
	if l.w.Slow {
		return int64(len(l.w.Rows) / 2), false, nil
	}
	return int64(len(l.w.Rows)), true, nil
}

func (l *rowList) Changed() <-chan struct{} {
	c := make(chan struct{}, 1)
	c <- struct{}{}
	return c
}

func (l *rowList) Close() {}

func (f file) Search(_ context.Context, q dataset.Query) (tui.RowList, error) {
	expr := q.Text
	if !q.Regexp {
		expr = regexp.QuoteMeta(expr)
	}
	if q.Fold {
		expr = "(?i)" + expr
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	return &rowList{f.w, f.where(func(r dataset.Row) bool {
		return slices.ContainsFunc(r.Fields, func(c dataset.Field) bool {
			return (q.Column == "" || q.Column == c.Name) && re.MatchString(c.Value)
		})
	})}, nil
}

func (f file) where(keep func(dataset.Row) bool) []int64 {
	var rows []int64
	for i, r := range f.w.Rows {
		if keep(r) {
			rows = append(rows, int64(i))
		}
	}
	return rows
}

func (f file) schema() filter.Schema {
	m := f.w.Mapping
	s := filter.Schema{Columns: f.w.Columns, Parts: map[string]string{}}
	for part, c := range map[string]string{"system": m.System, "question": m.Question, "answer": m.Answer, "id": m.ID} {
		if c != "" {
			s.Parts[part] = c
		}
	}
	return s
}

// Filter reads the real language; of what it says only `answer ~ WORD` is
// carried out.
func (f file) Filter(_ context.Context, expr string) (tui.RowList, error) {
	if _, err := filter.Parse(expr, f.schema()); err != nil {
		return nil, err
	}
	_, word, _ := strings.Cut(expr, "answer ~ ")
	return &rowList{f.w, f.where(func(r dataset.Row) bool { return strings.Contains(r.Answer, word) })}, nil
}

func (f file) Prompt(_ context.Context, row int64, _ string, _ int) (dataset.Prompt, error) {
	if p, ok := f.w.Prompts[row]; ok {
		return p, nil
	}
	if f.w.Prompted != nil {
		return dataset.Prompt{}, f.w.Prompted
	}
	return dataset.Prompt{}, tui.ErrNoTokenizer
}

func (f file) BadRows(context.Context) tui.RowList {
	return &rowList{f.w, f.where(func(r dataset.Row) bool { return r.Err != "" || r.Question == "" || r.Answer == "" })}
}

func (f file) ViewOf(rows []int64) tui.RowList { return &rowList{f.w, rows} }

func (f file) Complete(expr string, cursor int) ([]filter.Candidate, int, int) {
	return filter.Complete(expr, cursor, f.schema())
}

// rowProfile is a profile of the world's rows, made by the real arithmetic.
type rowProfile struct {
	p    *profile.Profile
	slow bool
}

func (f file) Profile(_ context.Context, o dataset.ProfileOptions) tui.RowProfile {
	if o.Against != "" {
		f.w.did("against %s", o.Against)
	}
	p := profile.New(f.w.Columns)
	p.MaxTokens, p.TokenCounter = o.MaxTokens, "an estimate"
	for i, r := range f.w.Rows {
		var cols []string
		for _, c := range f.w.Columns {
			cols = append(cols, "")
			for _, x := range r.Fields {
				if x.Name == c {
					cols[len(cols)-1] = x.Value
				}
			}
		}
		p.Add(profile.Row{Index: int64(i), ID: r.ID, System: r.System, Question: r.Question, Answer: r.Answer, Columns: cols, Err: r.Err,
			Tokens: (len(r.Question) + len(r.Answer)) / 4})
	}
	return rowProfile{p, f.w.Slow}
}

func (p rowProfile) Snapshot() (*profile.Profile, string, bool, error) {
	return p.p.Clone(), "reading", !p.slow, nil
}

func (p rowProfile) Changed() <-chan struct{} { return nil }
func (p rowProfile) Close()                   {}
