package evaluation

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"time"
	"unicode/utf8"

	"tunebench/backend/safetext"
)

//go:embed page.html
var pageText string

// page is one file: its charts are in it, it runs no script, and it asks
// nothing of any network.
var page = template.Must(template.New("page").Parse(pageText))

// htmlRecords is how many records the page shows of each kind.
const htmlRecords = 20

type pageData struct {
	Run     Run
	Dataset string
	Written string
	Models  []pageModel
	Charts  []chart
	Diffs   []pageDiff
	Rules   []Judged
	Votes   []pageVoter
	About   []Fact
	Verdict []string
	Cats    []chart
	Lists   []pageList
}

type pageModel struct {
	ModelResult
	Latency string
}

// chart is a score with a bar for each model.
type chart struct {
	Title  string
	Height int
	Bars   []bar
	// Left is where the bars begin, behind the longest label; Right where the texts
	// behind them do, and Width the whole.
	Left, Right, Width int
}

// bar is a value with its interval, in units of the chart: 0 to 400.
type bar struct {
	Label, Text  string
	Y, TextY     int
	X, Low, High float64
	Interval     bool
	Class        int
}

type pageDiff struct {
	Difference
	Text, P      string
	Low, X, High float64 // 0 to 200, 100 is no difference
	Word         string
}

type pageList struct {
	Title string
	Rows  []pageRecord
}

type pageRecord struct {
	Row       int64
	Category  string
	Question  string
	Reference string
	Answers   []pageAnswer
}

type pageAnswer struct {
	Model, Text, Score string
	Failed             bool
}

func (s *Service) writeHTML(ctx context.Context, w io.Writer, run Run, marks map[int64]string) error {
	d := pageData{About: About(run), Run: run, Dataset: safetext.Line(run.Spec.Dataset), Written: s.cfg.Now().UTC().Format(time.DateOnly)}
	for _, m := range run.Models {
		d.Models = append(d.Models, pageModel{m, m.MeanLatency.Round(time.Millisecond).String()})
	}
	for _, name := range run.ScoreNames {
		c := newChart(name+s.lessText(name), run)
		for i, m := range run.Models {
			if v, ok := m.Scores[name]; ok {
				iv, has := m.Intervals[name]
				c.add(m.Model, v, iv, has, i)
			}
		}
		d.Charts = append(d.Charts, c)
	}
	if len(run.Models) > 0 && len(run.ScoreNames) > 0 {
		d.Verdict = s.verdicts(run, run.ScoreNames[0])
		for _, cat := range run.Models[0].Categories {
			c := newChart(cat.Category, run)
			for i, m := range run.Models {
				for _, other := range m.Categories {
					if v, ok := other.Scores[run.ScoreNames[0]]; ok && other.Category == cat.Category {
						c.add(m.Model, v, Interval{}, false, i)
					}
				}
			}
			d.Cats = append(d.Cats, c)
		}
	}
	for _, diff := range run.Differences {
		x := func(v float64) float64 { return 100 + 100*math.Max(-1, math.Min(1, v)) }
		p := pageDiff{Difference: diff, Text: fmt.Sprintf("%+.3f (%+.3f to %+.3f)", diff.Mean, diff.Interval.Low, diff.Interval.High), P: fmt.Sprintf("%.2g", diff.PAdjusted),
			Low: x(diff.Interval.Low), X: x(diff.Mean), High: x(diff.Interval.High), Word: "not sure"}
		if diff.Real {
			p.Word = "real"
		}
		d.Diffs = append(d.Diffs, p)
	}
	var err error
	if d.Votes, err = s.votesOn(ctx, run); err != nil {
		return err
	}
	if d.Rules, err = s.judged(ctx, run); err != nil {
		return err
	}
	if d.Lists, err = s.pageLists(ctx, run, marks); err != nil {
		return err
	}
	return page.Execute(w, d)
}

// newChart is a chart with room for the names of a run's models: about 7 units a
// letter, and at most 40 letters of a name.
func newChart(title string, run Run) chart {
	longest := 0
	for _, m := range run.Models {
		longest = max(longest, utf8.RuneCountInString(shortLabel(m.Model)))
	}
	left := max(80, 8*longest+12)
	return chart{Title: title, Left: left, Right: left + 412, Width: left + 412 + 230}
}

// shortLabel leaves the middle of a long name out.
func shortLabel(s string) string {
	r := []rune(s)
	if len(r) <= 40 {
		return s
	}
	return string(r[:20]) + "…" + string(r[len(r)-19:])
}

// add adds a bar. Values outside 0 to 1 are drawn at the ends.
func (c *chart) add(label string, v float64, iv Interval, interval bool, i int) {
	x := func(v float64) float64 { return 400 * math.Max(0, math.Min(1, v)) }
	b := bar{Label: shortLabel(label), Text: fmt.Sprintf("%.3f", v), Y: 26 * len(c.Bars), X: x(v), Class: i % 6, Interval: interval}
	if interval {
		b.Text += fmt.Sprintf(" (%.3f to %.3f)", iv.Low, iv.High)
		b.Low, b.High = x(iv.Low), x(iv.High)
	}
	b.TextY = b.Y + 15
	c.Bars = append(c.Bars, b)
	c.Height = 26 * len(c.Bars)
}

// pageLists are the records that say most: where the last model is furthest
// below the first and furthest above it, or simply the worst of a single one.
func (s *Service) pageLists(ctx context.Context, run Run, marks map[int64]string) ([]pageList, error) {
	if len(run.Models) == 0 || len(run.ScoreNames) == 0 {
		return nil, nil
	}
	score, first, last := run.ScoreNames[0], run.Models[0].Model, run.Models[len(run.Models)-1].Model
	queries := []struct {
		title string
		q     Query
	}{{"Where " + last + " scores lowest", Query{Model: last, Score: score}}}
	if first != last {
		queries = queries[:0]
		for _, best := range []bool{false, true} {
			word := map[bool]string{false: "below", true: "above"}[best]
			queries = append(queries, struct {
				title string
				q     Query
			}{fmt.Sprintf("Where %s is furthest %s %s", last, word, first), Query{Model: last, Score: score, Against: first, Best: best}})
		}
	}
	var lists []pageList
	for _, q := range queries {
		q.q.Limit = htmlRecords + len(marks)
		recs, _, err := s.Query(ctx, run.ID, q.q)
		if err != nil {
			return nil, err
		}
		list := pageList{Title: q.title + " on " + score}
		for _, r := range recs {
			if marks[r.Row] != "" || len(list.Rows) == htmlRecords {
				continue
			}
			p := pageRecord{Row: r.Row + 1, Category: r.Category, Question: r.Question, Reference: r.Reference}
			answers, err := s.Row(ctx, run.ID, r.Row)
			if err != nil {
				return nil, err
			}
			for _, a := range answers {
				text := pageAnswer{Model: a.Model, Text: a.Output, Score: fmt.Sprintf("%.3f", a.Scores[score])}
				if a.Err != "" {
					text = pageAnswer{Model: a.Model, Text: a.Err, Failed: true}
				}
				p.Answers = append(p.Answers, text)
			}
			list.Rows = append(list.Rows, p)
		}
		lists = append(lists, list)
	}
	return lists, nil
}
