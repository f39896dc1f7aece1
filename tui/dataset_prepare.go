package tui

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/dataset"
	"tunebench/tui/widget"
)

// progress is how far a piece of work has come, written by the work and read by
// the screen.
type progress struct {
	mu      sync.Mutex
	last    dataset.Progress
	changed chan struct{}
	cancel  context.CancelFunc
}

func newProgress(cancel context.CancelFunc) *progress {
	return &progress{changed: make(chan struct{}, 1), cancel: cancel}
}

func (p *progress) report(d dataset.Progress) {
	p.mu.Lock()
	p.last = d
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *progress) read() dataset.Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// parseSplit reads three fractions that make one.
func parseSplit(s string) ([3]float64, error) {
	var out [3]float64
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '/' })
	if len(parts) != 3 {
		return out, fmt.Errorf("three fractions are needed, such as 0.9, 0.05, 0.05")
	}
	sum := 0.0
	for i, t := range parts {
		v, err := strconv.ParseFloat(t, 64)
		if err != nil || v < 0 {
			return out, fmt.Errorf("%q is no fraction", t)
		}
		out[i] = v
		sum += v
	}
	if sum < 0.999 || sum > 1.001 {
		return out, fmt.Errorf("they make %g and should make 1", sum)
	}
	return out, nil
}

func (p *datasetPane) prepare() tea.Cmd {
	r, ok := p.readRecipe()
	out := strings.TrimSpace(p.form.Value("out"))
	if out == "" {
		p.form.Field("out").Err = "a folder is needed"
		p.form.On("out")
		ok = false
	}
	if !ok {
		return nil
	}
	ctx, cancel := context.WithCancel(p.app.ctx)
	pr := newProgress(cancel)
	p.preparing, p.prepErr, p.outDir = pr, nil, out
	p.manifest = nil
	o := dataset.PrepareOptions{Out: out, PromptFormat: r.PromptFormat, Split: r.Split, Seed: r.Seed, Recipe: r.Recipe, As: kinds[p.form.Field("as").Choice][0]}
	o.Open.Mapping = p.mapping
	path, ds := p.path, p.app.deps.Datasets
	p.set(dataPrepared)
	work := func() tea.Msg {
		m, err := ds.Prepare(ctx, path, o, pr.report)
		return applyMsg(func() tea.Cmd { return p.prepared(pr, m, err) })
	}
	return tea.Batch(work, follow(ctx, func() <-chan struct{} { return pr.changed },
		func() time.Duration { return 100 * time.Millisecond }, func() (bool, tea.Cmd) { return p.preparing == pr, nil }))
}

func (p *datasetPane) prepared(pr *progress, m dataset.Manifest, err error) tea.Cmd {
	pr.cancel()
	if p.preparing != pr {
		return nil
	}
	p.preparing = nil
	if err != nil {
		p.prepErr = err
		return p.app.fail(err)
	}
	p.manifest = &m
	if p.app.pane() != pane(p) {
		return p.app.say(widget.Good, widget.MarkDone, "the dataset is prepared: train on it with t in the Dataset pane")
	}
	return nil
}

func (p *datasetPane) viewPrepared() []string {
	l := p.app.look
	lines := []string{p.titleLine(), widget.Blank(p.w), l.Rule(p.w, "Prepared", p.outDir, true), widget.Blank(p.w)}
	switch {
	case p.preparing != nil:
		d := p.preparing.read()
		r := l.Row(p.w).Gap(2).Put(widget.Info, widget.MarkRunning).Gap(1).Put(widget.Text, or(d.What, "preparing")).Gap(3)
		if d.Total > 0 {
			r.Bar(widget.Accent, float64(d.Done)/float64(d.Total), min(40, p.w/3)).Gap(2)
			r.Put(widget.Muted, widget.Count(d.Done)+" of "+widget.Count(d.Total))
		}
		lines = append(lines, r.String())
	case p.prepErr != nil:
		lines = append(lines, paragraph(l, p.w, widget.MarkFailed+" failed", p.prepErr.Error(), widget.Bad, 9)...)
		lines = append(lines, widget.Blank(p.w), keyLine(l, p.w, hint{"p", "change the settings"}))
	case p.manifest != nil:
		lines = append(lines, p.manifestLines()...)
	}
	return widget.Fit(lines, p.w, p.h)
}

func (p *datasetPane) manifestLines() []string {
	l, m := p.app.look, p.manifest
	t := widget.NewTable(l, p.w, widget.Column{Title: "split", Width: 12}, widget.Column{Title: "rows", Width: 9, Right: true},
		widget.Column{Title: "share", Width: 8, Right: true}, widget.Column{Title: "size", Width: 9, Right: true},
		widget.Column{Title: "file", Width: 18, Grow: 1, Drop: 1}, widget.Column{Title: "sha256", Width: 12, Drop: 2})
	total := int64(0)
	for _, s := range m.Splits {
		total += s.Rows
	}
	lines := []string{t.Head()}
	for _, s := range m.Splits {
		share := 0.0
		if total > 0 {
			share = float64(s.Rows) / float64(total)
		}
		lines = append(lines, t.Line([]widget.Cell{{Text: s.Name}, {Text: widget.Count(s.Rows)}, {Text: widget.Percent(share), Style: widget.Muted},
			{Text: widget.Bytes(s.Bytes), Style: widget.Muted}, {Text: s.File, Style: widget.Muted}, {Text: s.SHA256[:min(12, len(s.SHA256))], Style: widget.Faint}}, false, false))
	}
	lines = append(lines, widget.Blank(p.w))
	reasons := make([]string, 0, len(m.Dropped))
	for why := range m.Dropped {
		reasons = append(reasons, why)
	}
	slices.Sort(reasons)
	left := "none"
	for i, why := range reasons {
		s := widget.Count(int64(m.Dropped[why])) + " " + why
		if i == 0 {
			left = s
		} else {
			left += ", " + s
		}
	}
	facts := [][2]string{{"source", fmt.Sprintf("%s, %s", m.Source, widget.Plural(m.SourceRows, "row"))}, {"left out", left},
		{"recipe", recipeText(m.Recipe)}, {"prompt format", m.PromptFormat}, {"seed", strconv.FormatUint(m.Seed, 10)}}
	for _, f := range facts {
		lines = append(lines, paragraph(l, p.w, f[0], f[1], widget.Text, 13)...)
	}
	return append(lines, widget.Blank(p.w), keyLine(l, p.w, hint{"t", "train on these splits"}, hint{"esc", "back to the table"}))
}

// keyLine is a line of keys and what they do.
func keyLine(l *widget.Look, width int, hints ...hint) string {
	r := l.Row(width).Gap(2)
	for _, h := range hints {
		putHint(r, h)
		r.Gap(1)
	}
	return r.String()
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
