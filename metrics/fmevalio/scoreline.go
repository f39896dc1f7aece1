package fmevalio

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"tunebench/metrics"
	"tunebench/metrics/pytext"
)

// scoredChunk is the output of a chunk and what the sums need of it.
type scoredChunk struct {
	text []byte
	rows []scoredRow
}

type scoredRow struct {
	category string
	hasCat   bool
	failed   bool
	scores   []rowScores // by metric
}

// rowScores is what one metric gave a row.
type rowScores struct {
	row      metrics.Row
	values   []float64 // nil if it could not be scored
	warnings metrics.Warnings
}

// worker makes the function that scores chunks.
func (s *lineScorer) worker() (func(lineChunk) scoredChunk, error) {
	scorers := make([]metrics.Scorer, len(s.jobs))
	columns := []string{Category}
	for i, j := range s.jobs {
		var err error
		if scorers[i], err = j.metric.NewScorer(j.params); err != nil {
			return nil, err
		}
		for _, c := range j.metric.Columns {
			if !slices.Contains(columns, c) {
				columns = append(columns, c)
			}
			if c == "perturbed_outputs" && !slices.Contains(columns, "repeated_outputs") {
				columns = append(columns, "repeated_outputs")
			}
		}
	}
	return func(c lineChunk) scoredChunk {
		out := scoredChunk{rows: make([]scoredRow, len(c.lines))}
		for i, line := range c.lines {
			out.text = append(s.line(out.text, &out.rows[i], line, scorers, columns), '\n')
		}
		return out
	}, nil
}

// line scores a line and appends it with what it got.
func (s *lineScorer) line(dst []byte, row *scoredRow, line []byte, scorers []metrics.Scorer, columns []string) []byte {
	d, err := decodeRow(line)
	if err != nil {
		row.failed = true
		message := err.Error()
		if len(line) == 0 {
			message = "the line is blank"
		}
		dst = append(pytext.AppendJSONString(append(dst, `{"line": `...), line), `, "error": `...)
		return append(pytext.AppendJSONString(dst, message), '}')
	}
	r := s.record(d, columns)
	row.category, row.hasCat = r.Text(Category)
	row.scores = make([]rowScores, len(s.jobs))
	var failure string
	var texts []string
	for i, j := range s.jobs {
		got := &row.scores[i]
		if got.row, err = rowOf(j.metric, r); err == nil {
			got.values, got.warnings, err = scorers[i].Score(make([]float64, 0, len(j.metric.Scores)), got.row)
		}
		if err != nil {
			got.values = nil
			if failure != "" {
				failure += "; "
			}
			failure += j.metric.Name + ": " + err.Error()
			row.failed = true
			continue
		}
		for _, t := range got.warnings.Texts() {
			if !slices.Contains(texts, t) {
				texts = append(texts, t)
			}
		}
	}

	dst = openLine(dst, d, line)
	dst = append(dst, `"scores": {`...)
	first := true
	written := map[string]bool{}
	for i, j := range s.jobs {
		for k, v := range row.scores[i].values {
			name := j.metric.Scores[k].Name
			if written[name] {
				continue // of two metrics with a score of one name the first has it
			}
			if len(s.jobs) > 1 {
				written[name] = true
			}
			if !first {
				dst = append(dst, ", "...)
			}
			first = false
			dst = append(pytext.AppendJSONString(dst, name), ": "...)
			dst = appendScore(dst, j.metric, v)
		}
	}
	dst = append(dst, '}')
	if len(texts) > 0 {
		dst = append(dst, `, "warnings": [`...)
		for i, t := range texts {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = pytext.AppendJSONString(dst, t)
		}
		dst = append(dst, ']')
	}
	if failure != "" {
		dst = pytext.AppendJSONString(append(dst, `, "error": `...), failure)
	}
	return append(dst, '}')
}

// openLine appends the line as it is up to its last brace, and a comma if needed.
// Keys that are about to be written are taken out first; then the line is
// written anew.
func openLine(dst []byte, d *pytext.Dict, line []byte) []byte {
	ours := []string{"scores", "warnings", "error"}
	if slices.ContainsFunc(ours, func(k string) bool { _, ok := d.Get(k); return ok }) {
		rest := &pytext.Dict{}
		for _, k := range d.Keys {
			if !slices.Contains(ours, k) {
				rest.Set(k, d.Values[k])
			}
		}
		d = rest
		line, _ = pytext.AppendJSON(nil, rest) // what was decoded can be encoded
	}
	line = bytes.TrimRight(bytes.TrimSpace(line), " \t\r\n")
	dst = append(dst, bytes.TrimRight(line[:len(line)-1], " \t\r\n")...)
	if len(d.Keys) > 0 {
		dst = append(dst, ", "...)
	}
	return dst
}

// sums are the scores of the set and of its categories in the making.
type sums struct {
	s      *lineScorer
	rows   int
	errors int
	all    []metrics.SetScorer
	byCat  map[string][]metrics.SetScorer
	counts []map[string]int // of warnings, by metric
}

func (s *lineScorer) newSums() (*sums, error) {
	all, err := s.newSets()
	if err != nil {
		return nil, err
	}
	return &sums{s: s, all: all, byCat: map[string][]metrics.SetScorer{}, counts: make([]map[string]int, len(s.jobs))}, nil
}

func (s *lineScorer) newSets() ([]metrics.SetScorer, error) {
	sets := make([]metrics.SetScorer, len(s.jobs))
	for i, j := range s.jobs {
		var err error
		if sets[i], err = j.metric.NewSetScorer(j.params); err != nil {
			return nil, err
		}
	}
	return sets, nil
}

func (u *sums) add(c scoredChunk) error {
	for _, r := range c.rows {
		u.rows++
		if r.failed {
			u.errors++
		}
		var cat []metrics.SetScorer
		if r.hasCat {
			if cat = u.byCat[r.category]; cat == nil {
				var err error
				if cat, err = u.s.newSets(); err != nil {
					return err
				}
				u.byCat[r.category] = cat
			}
		}
		for i, s := range r.scores {
			if s.values == nil {
				continue
			}
			u.all[i].Add(s.row, s.values)
			if cat != nil {
				cat[i].Add(s.row, s.values)
			}
			if s.warnings != 0 {
				if u.counts[i] == nil {
					u.counts[i] = map[string]int{}
				}
				for _, t := range s.warnings.Texts() {
					u.counts[i][t]++
				}
			}
		}
	}
	return nil
}

func (u *sums) summary(o metrics.Options) *Summary {
	out := &Summary{Rows: u.rows, Errors: u.errors}
	for i, j := range u.s.jobs {
		m := MetricSummary{Name: j.metric.Name, Absent: j.metric.Absent, Scores: named(j.metric, u.all[i], o)}
		for _, name := range slices.Sorted(maps.Keys(u.byCat)) {
			m.Categories = append(m.Categories, CategoryScores{name, named(j.metric, u.byCat[name][i], o)})
		}
		for _, text := range slices.Sorted(maps.Keys(u.counts[i])) {
			m.Warnings = append(m.Warnings, WarningCount{text, u.counts[i][text]})
		}
		out.Metrics = append(out.Metrics, m)
	}
	return out
}

// Notes are the warnings for the reader: what is absent and why, and what
// surprises people although it is FMEval's.
func (s *Summary) Notes() []string {
	var all []string
	for _, m := range s.Metrics {
		for _, a := range m.Absent {
			all = append(all, fmt.Sprintf("%s: %s is absent: %s", m.Name, a.Name, a.Why))
		}
		for _, w := range m.Warnings {
			all = append(all, fmt.Sprintf("%s: in %d of %d rows %s", m.Name, w.Rows, s.Rows, w.Text))
		}
	}
	return all
}

// AppendJSON appends the summary as a JSON object: rows, errors, and by metric
// the scores with interval, by category too, what is absent and the warnings. A
// score of no rows has the value null.
func (s *Summary) AppendJSON(dst []byte) ([]byte, error) {
	list := []any{}
	for _, m := range s.Metrics {
		d := dict("metric", m.Name, "scores", scoreDicts(m.Scores))
		if m.Categories != nil {
			cats := []any{}
			for _, c := range m.Categories {
				cats = append(cats, dict("name", c.Name, "scores", scoreDicts(c.Scores)))
			}
			d.Set("categories", cats)
		}
		absent, warnings := []any{}, []any{}
		for _, a := range m.Absent {
			absent = append(absent, dict("name", a.Name, "why", a.Why))
		}
		for _, w := range m.Warnings {
			warnings = append(warnings, dict("text", w.Text, "rows", w.Rows))
		}
		d.Set("absent", absent)
		d.Set("warnings", warnings)
		list = append(list, d)
	}
	return pytext.AppendJSON(dst, dict("rows", s.Rows, "errors", s.Errors, "metrics", list))
}

func scoreDicts(scores []ScoreValue) []any {
	all := []any{}
	for _, v := range scores {
		d := dict("name", v.Name, "rows", v.N, "value", v.Mean, "low", v.Low, "high", v.High, "interval", v.Method)
		if v.N == 0 {
			d = dict("name", v.Name, "rows", 0, "value", nil)
		}
		all = append(all, d)
	}
	return all
}
