package tui

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/dataset"
	"tunebench/backend/dataset/profile"
	"tunebench/tui/widget"
)

// profiling is the profile of the open dataset and how it is shown.
type profiling struct {
	run   RowProfile
	stop  context.CancelFunc
	p     *profile.Profile
	phase string
	done  bool
	err   error
	// against is the evaluation file that rows are held against, "" for none.
	against string

	top   int // first line in sight
	class int // the class of rows under the cursor
	lines int
}

func (f *profiling) running() bool { return f.run != nil && !f.done }

// openProfile shows the profile and begins it if it has not been begun.
func (p *datasetPane) openProfile() tea.Cmd {
	p.mode = dataProfile
	if p.profile.run != nil && p.profile.err == nil {
		return nil
	}
	against := p.profile.against
	ctx, cancel := context.WithCancel(p.ctx)
	run := p.ds.Profile(ctx, dataset.ProfileOptions{MaxTokens: p.sequence(), Near: p.info.Rows <= dataset.NearLimit, Against: against})
	p.profile = profiling{run: run, stop: cancel, p: profile.New(nil), against: against}
	take := func() bool {
		f := &p.profile
		f.p, f.phase, f.done, f.err = run.Snapshot()
		return f.done
	}
	take()
	return follow(p.ctx, run.Changed, func() time.Duration { return 200 * time.Millisecond }, func() (bool, tea.Cmd) {
		if p.profile.run != run {
			return false, nil
		}
		if take() && p.profile.err != nil {
			return false, p.app.fail(p.profile.err)
		}
		return !p.profile.done, nil
	})
}

// leaveProfile goes back to the table; a profile that is being made goes on.
func (p *datasetPane) leaveProfile() tea.Cmd { return p.set(dataTable) }

// againstCommand makes the profile again, held against an evaluation file: rows
// that ask one of its questions are leaks.
func (p *datasetPane) againstCommand(path string) tea.Cmd {
	take := func(path string) tea.Cmd {
		if p.profile.run != nil {
			p.profile.stop()
		}
		p.profile = profiling{against: path}
		return p.openProfile()
	}
	if path != "" {
		return take(path)
	}
	m := &prompt{app: p.app, title: "Leaks into an evaluation", complete: p.app.deps.Paths, help: "rows that ask a question of this file are shown as rows that look wrong",
		do: func(s string) tea.Cmd {
			if s = strings.TrimSpace(s); s == "" {
				return nil
			}
			return take(s)
		}}
	if p.path == p.app.deps.Datasets.Sample() {
		m.in.Set(p.app.deps.HeldOut)
	}
	p.app.modal = m
	return nil
}

// classes are the classes of rows that look wrong, as far as there are any.
func (f *profiling) classes() []string {
	var all []string
	for _, c := range profile.Classes {
		if k := f.p.Suspicious[c]; k != nil && k.Rows > 0 {
			all = append(all, c)
		}
	}
	return all
}

// showClass opens the rows of the class under the cursor as a view.
func (p *datasetPane) showClass() tea.Cmd {
	all := p.profile.classes()
	if len(all) == 0 {
		return nil
	}
	name := all[min(p.profile.class, len(all)-1)]
	c := p.profile.p.Suspicious[name]
	title := "rows that look wrong: " + name
	if c.Rows > int64(len(c.Examples)) {
		title = fmt.Sprintf("the first %s rows that look wrong: %s", widget.Count(int64(len(c.Examples))), name)
	}
	return p.show(p.ds.ViewOf(c.Examples), title, func() {})
}

func (p *datasetPane) noClass() string {
	if why := p.noData(); why != "" {
		return why
	}
	if p.profile.run == nil || len(p.profile.classes()) == 0 {
		return "no row looks wrong, as far as was looked"
	}
	return ""
}

// viewProfile draws the profile in one column, or in two where there is room.
func (p *datasetPane) viewProfile() []string {
	f, l := &p.profile, p.app.look
	state, st := "", widget.Muted
	switch {
	case f.err != nil:
		state, st = widget.MarkFailed+" "+f.err.Error(), widget.Bad
	case !f.done:
		state, st = fmt.Sprintf("%s %s, %s of %s rows", widget.MarkRunning, or(f.phase, "reading"), widget.Count(f.p.Rows), widget.Count(p.info.Rows)), widget.Info
	default:
		state = widget.Plural(f.p.Rows, "row") + " looked at"
	}
	if f.against != "" {
		state += ", held against " + f.against
	}
	lines := []string{p.titleLine(), l.Row(p.w).Gap(2).Put(st, state).String()}
	h := p.h - len(lines)
	parts := [][]string{p.suspiciousLines(p.half()), p.lengthLines(p.half()), p.mixLines(p.half()), p.columnLines(p.half())}
	var body []string
	if p.half() < p.w {
		left := slices.Concat(parts[0], parts[1])
		right := slices.Concat(parts[2], parts[3])
		n := max(len(left), len(right))
		left, right = widget.Fit(left, p.half(), n), widget.Fit(right, p.half(), n)
		for i := range left {
			body = append(body, l.Row(p.w).Raw(left[i], p.half()).Gap(2).Raw(right[i], p.half()).String())
		}
	} else {
		body = slices.Concat(parts...)
	}
	f.lines = len(body)
	f.top = max(0, min(f.top, len(body)-h))
	return widget.Fit(append(lines, body[f.top:]...), p.w, p.h)
}

// half is the width of one column of the profile.
func (p *datasetPane) half() int {
	if p.w >= 110 {
		return (p.w - 2) / 2
	}
	return p.w
}

// suspiciousLines lists the classes of rows that look wrong; enter shows them.
func (p *datasetPane) suspiciousLines(w int) []string {
	f, l := &p.profile, p.app.look
	all := f.classes()
	lines := []string{l.Rule(w, "Rows that look wrong", "", true)}
	if len(all) == 0 {
		text := "none"
		if !f.done {
			text = "none so far"
		}
		return append(lines, l.Row(w).Gap(2).Put(widget.Good, widget.MarkDone).Gap(1).Put(widget.Muted, text).String(), widget.Blank(w))
	}
	f.class = min(f.class, len(all)-1)
	t := widget.NewTable(l, w, widget.Column{Title: "what", Width: 22, Grow: 1, Max: 34}, widget.Column{Title: "rows", Width: 10, Right: true}, widget.Column{Title: "of all", Width: 7, Right: true})
	for i, name := range all {
		c := f.p.Suspicious[name]
		lines = append(lines, t.Line([]widget.Cell{{Text: p.className(name)}, {Text: widget.Count(c.Rows)}, {Text: share(c.Rows, f.p.Rows), Style: widget.Muted}}, i == f.class, true))
	}
	return append(lines, widget.Blank(w))
}

// className adds to a class what it is about.
func (p *datasetPane) className(name string) string {
	if name == profile.TooLong {
		return fmt.Sprintf("longer than %d tokens", p.profile.p.MaxTokens)
	}
	return name
}

// share is a part of a whole: "12.3 %".
func share(n, of int64) string {
	if of == 0 {
		return ""
	}
	switch f := 100 * float64(n) / float64(of); {
	case n > 0 && f < 0.1:
		return "<0.1 %"
	case f < 10:
		return fmt.Sprintf("%.1f %%", f)
	default:
		return fmt.Sprintf("%.0f %%", f)
	}
}

// lengthLines draws lengths as percentiles and the answers' and tokens' as
// histograms.
func (p *datasetPane) lengthLines(w int) []string {
	f, l := p.profile.p, p.app.look
	tokens := "tokens"
	if !f.TokensExact {
		tokens = "tokens, estimated"
	}
	lines := []string{l.Rule(w, "Lengths", "characters", false)}
	t := widget.NewTable(l, w, widget.Column{Title: "", Width: 17}, widget.Column{Title: "mean", Width: 7, Right: true, Drop: 1}, widget.Column{Title: "half", Width: 7, Right: true},
		widget.Column{Title: "90 %", Width: 7, Right: true}, widget.Column{Title: "99 %", Width: 7, Right: true}, widget.Column{Title: "most", Width: 8, Right: true})
	lines = append(lines, t.Head())
	for _, x := range []struct {
		name string
		of   *profile.Lengths
	}{{"system", &f.System}, {"question", &f.Question}, {"answer", &f.Answer}, {tokens, &f.Tokens}} {
		c := func(n int64) widget.Cell { return widget.Cell{Text: widget.Count(n)} }
		lines = append(lines, t.Line([]widget.Cell{{Text: x.name, Style: widget.Muted}, {Text: widget.Count(int64(x.of.Mean() + 0.5)), Style: widget.Muted},
			c(x.of.Percentile(0.5)), c(x.of.Percentile(0.9)), c(x.of.Percentile(0.99)), c(x.of.Max)}, false, false))
	}
	lines = append(lines, widget.Blank(w))
	for _, x := range []struct {
		name string
		of   *profile.Lengths
	}{{"answer, characters", &f.Answer}, {tokens, &f.Tokens}} {
		lines = append(lines, p.histogram(x.name, x.of, w)...)
	}
	return lines
}

// histogram draws how many rows have which length, as bars.
func (p *datasetPane) histogram(name string, of *profile.Lengths, w int) []string {
	bars := of.Bars(6)
	if len(bars) == 0 {
		return nil
	}
	l := p.app.look
	most, label := int64(1), 0
	for i, b := range bars {
		most = max(most, b.Count)
		label = max(label, len(barName(b, i == len(bars)-1)))
	}
	lines := []string{l.Rule(w, name, "rows", false)}
	for i, b := range bars {
		r := l.Row(w).Gap(2).Cell(widget.Muted, barName(b, i == len(bars)-1), label, true).Gap(1)
		room := w - label - 16
		n := int(int64(room) * b.Count / most)
		if b.Count > 0 {
			n = max(n, 1)
		}
		r.Put(widget.Series(0), strings.Repeat("█", n)).Gap(1).Put(widget.Muted, widget.Count(b.Count))
		lines = append(lines, r.String())
	}
	return append(lines, widget.Blank(w))
}

func barName(b profile.Bar, last bool) string {
	if last {
		return widget.Count(b.From) + " and more"
	}
	return widget.Count(b.From) + " to " + widget.Count(b.To)
}

// mixLines are the sub-mixes, languages and sorts of answers, the largest first.
func (p *datasetPane) mixLines(w int) []string {
	f, l := p.profile.p, p.app.look
	var lines []string
	for _, x := range []struct {
		name string
		of   map[string]int64
		most int
	}{{"Sub-mixes", f.Mixes, 8}, {"Languages of the questions", f.Languages, 6}, {"Answers", f.Answers, 6}} {
		if len(x.of) == 0 {
			continue
		}
		names := slices.SortedFunc(maps.Keys(x.of), func(a, b string) int { return cmp.Or(cmp.Compare(x.of[b], x.of[a]), cmp.Compare(a, b)) })
		var all, rest int64
		for _, n := range names {
			all += x.of[n]
		}
		more := len(names) - x.most
		for _, n := range names[min(x.most, len(names)):] {
			rest += x.of[n]
		}
		lines = append(lines, l.Rule(w, x.name, "", false))
		t := widget.NewTable(l, w, widget.Column{Width: 18, Grow: 1, Max: 40}, widget.Column{Width: 10, Right: true}, widget.Column{Width: 7, Right: true})
		row := func(name string, n int64, st widget.Style) {
			lines = append(lines, t.Line([]widget.Cell{{Text: name, Style: st}, {Text: widget.Count(n)}, {Text: share(n, all), Style: widget.Muted}}, false, false))
		}
		for _, n := range names[:min(x.most, len(names))] {
			row(or(n, "(none)"), x.of[n], widget.Text)
		}
		if more > 0 {
			row(fmt.Sprintf("%d others", more), rest, widget.Muted)
		}
		lines = append(lines, widget.Blank(w))
	}
	return lines
}

// columnLines are the columns that are blank somewhere.
func (p *datasetPane) columnLines(w int) []string {
	f, l := p.profile.p, p.app.look
	lines := []string{l.Rule(w, "Columns that are blank somewhere", "", false)}
	t := widget.NewTable(l, w, widget.Column{Width: 18, Grow: 1, Max: 40}, widget.Column{Width: 10, Right: true}, widget.Column{Width: 7, Right: true})
	none := true
	for i, c := range f.Columns {
		if f.Missing[i] > 0 {
			none = false
			lines = append(lines, t.Line([]widget.Cell{{Text: c}, {Text: widget.Count(f.Missing[i])}, {Text: share(f.Missing[i], f.Rows), Style: widget.Muted}}, false, false))
		}
	}
	if none {
		lines = append(lines, l.Row(w).Gap(2).Put(widget.Muted, "none").String())
	}
	return append(lines, widget.Blank(w))
}
