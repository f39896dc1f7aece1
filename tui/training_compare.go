package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/tui/widget"
)

// chartSteps are all steps at which the chart in front has a value.
func (p *trainingPane) chartSteps() []int {
	var all []int
	for _, c := range p.curves() {
		for _, x := range c.X {
			all = append(all, int(x))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// point moves the cursor by steps that were logged.
func (p *trainingPane) point(by int) {
	p.loadPoints()
	steps := p.chartSteps()
	if len(steps) == 0 {
		return
	}
	i, found := slices.BinarySearch(steps, p.chart.cursor)
	switch {
	case p.chart.cursor < 0:
		i = len(steps) - 1
	case found:
		i += by
	case by < 0:
		i--
	}
	c := &p.chart
	c.cursor = steps[max(0, min(i, len(steps)-1))]
	if c.to > 0 && (c.cursor < c.from || c.cursor > c.to) { // the part that is shown goes along
		w := c.to - c.from
		c.from = max(0, c.cursor-w/2)
		c.to = c.from + w
	}
}

// magnify shows a smaller or a larger part of the steps, around the cursor.
func (p *trainingPane) magnify(by float64) {
	p.loadPoints()
	steps := p.chartSteps()
	if len(steps) < 2 {
		return
	}
	c := &p.chart
	lo, hi := 0, max(steps[len(steps)-1], p.steps)
	from, to := lo, hi
	if c.to > 0 {
		from, to = c.from, c.to
	}
	mid := c.cursor
	if mid < 0 {
		mid = steps[len(steps)-1]
	}
	w := max(int(float64(to-from)*by), 4)
	if w >= hi-lo {
		c.from, c.to = 0, 0
		return
	}
	c.from = max(lo, min(mid-w/2, hi-w))
	c.to = c.from + w
}

// compare offers the other jobs, to be drawn into the same chart.
func (p *trainingPane) compare(names string) tea.Cmd {
	if names != "" {
		return p.setRivals(strings.Fields(names))
	}
	var all []entry
	var jobs []string
	for _, j := range p.jobs {
		if j.Name == p.name {
			continue
		}
		e := entry{text: j.Name, note: j.Status}
		for _, r := range p.chart.rivals {
			e.mark = e.mark || r.name == j.Name
		}
		all, jobs = append(all, e), append(jobs, j.Name)
	}
	if len(all) == 0 {
		return p.app.say(widget.Warn, widget.MarkWarning, "there is no other training job to compare with")
	}
	pk := newPicker(p.app, "Jobs in the same chart", "type to narrow; tab ticks", all)
	pk.empty = "no job of that name"
	pk.several = func(ticked []int) tea.Cmd {
		var chosen []string
		for _, i := range ticked {
			chosen = append(chosen, jobs[i])
		}
		return p.setRivals(chosen)
	}
	p.app.modal = pk
	return nil
}

// maxRivals is how many jobs a chart takes beside the one in front: there are
// six colours, and eval marks need to be told apart.
const maxRivals = 5

func (p *trainingPane) setRivals(names []string) tea.Cmd {
	p.dropRivals()
	var cmds []tea.Cmd
	if len(names) > maxRivals {
		cmds = append(cmds, p.app.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("a chart takes %d other jobs; the first of them are shown", maxRivals)))
		names = names[:maxRivals]
	}
	for _, name := range names {
		if name == p.name {
			continue
		}
		ctx, cancel := context.WithCancel(p.app.ctx)
		w := p.app.svc.Training.Watch(ctx, name)
		p.chart.rivals = append(p.chart.rivals, rival{name, w, cancel})
		cmds = append(cmds, follow(ctx, w.Changed, p.pause, func() (bool, tea.Cmd) {
			select {
			case <-w.Done():
				return false, nil
			default:
				return true, nil
			}
		}))
	}
	p.chart.lines = nil
	return tea.Batch(cmds...)
}

func (p *trainingPane) dropRivals() {
	for _, r := range p.chart.rivals {
		r.stop()
		r.watch.Close()
	}
	p.chart.rivals, p.chart.seen, p.chart.lines = nil, nil, nil
}
