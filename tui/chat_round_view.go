package tui

import (
	"fmt"
	"strings"

	"tunebench/backend/chat"
	"tunebench/backend/evaluation"
	"tunebench/tui/widget"
)

// viewRound draws a round: the row's question, the two answers without names, and
// below them how far it is and what can be said.
func (p *chatPane) viewRound() []string {
	r := p.round
	state := r.v.Round()
	if r.place < 0 {
		return p.viewRoundEnd(state)
	}
	foot := p.roundFoot(state)
	height := p.h - len(foot)
	var lines []string
	switch {
	case r.err != nil:
		lines = p.app.message(p.w, height, widget.Bad, widget.MarkFailed, "The answers could not be had", p.nameless(r.err.Error()), hint{"r", "try again"}, hint{"esc", "leave the round"})
	case len(p.turns) == 0:
		lines = p.waitingPair(height)
	default:
		cols := p.turns[0].models
		cw := (p.w - 2 - columnGap) / 2
		lines = []string{p.names(cols, cw)}
		if p.h >= 20 {
			lines = append(lines, widget.Blank(p.w))
		}
		lines = append(lines, p.transcript(cols, cw, height-len(lines))...)
	}
	return append(widget.Fit(lines, p.w, height), widget.Fit(foot, p.w, len(foot))...)
}

// waitingPair shows the question while its answers are on their way: they come
// together, so that speed tells nothing.
func (p *chatPane) waitingPair(height int) []string {
	r, l := p.round, p.app.look
	lines := []string{widget.Blank(p.w)}
	if r.loaded {
		for i, s := range l.Wrap(r.pair.Question, p.w-6) {
			mark := ">"
			if i > 0 {
				mark = " "
			}
			lines = append(lines, l.Row(p.w).Gap(1).Put(widget.Faint, mark).Gap(1).Put(widget.Strong, s).String())
		}
		lines = append(lines, widget.Blank(p.w))
	}
	row := l.Row(p.w).Gap(3).Put(widget.Info, widget.MarkRunning+" ").Put(widget.Text, "the answers are on their way; they appear together")
	if took := p.app.deps.Now().Sub(r.since); took.Seconds() >= 1 {
		row.Gap(2).Put(widget.Faint, widget.Clock(took))
	}
	lines = append(lines, row.String())
	for _, m := range r.v.Progress() {
		if !m.WakingSince.IsZero() {
			lines = append(lines, l.Row(p.w).Gap(5).Put(widget.Muted, "a model is waking, for "+widget.Clock(p.app.deps.Now().Sub(m.WakingSince))).String())
		}
	}
	return widget.Fit(lines, p.w, height)
}

// roundFoot says how far the round is, what was said last, and what can be voted.
func (p *chatPane) roundFoot(state evaluation.Round) []string {
	r, l := p.round, p.app.look
	note := fmt.Sprintf("seed %d", state.Seed)
	if p.judge != "" {
		note = "judge " + p.judge + "   " + note
	}
	if p.back > 0 {
		note = fmt.Sprintf("%d lines below   ", p.back) + note
	}
	lines := []string{l.Rule(p.w, "round of votes   "+roundName(state), note, true)}
	all := state.Rows - state.Broken
	at := min(state.Voted+1, all)
	if r.loaded && r.pair.Voted != "" {
		at = min(state.Voted, all) // it was taken back
	}
	row := l.Row(p.w).Gap(2).Put(widget.Strong, fmt.Sprintf("%d of %d", at, all)).Gap(2)
	if !l.Linear() {
		row.Bar(widget.Accent, float64(state.Voted)/float64(max(all, 1)), min(24, p.w/5)).Gap(2)
	}
	row.Put(widget.Text, "Which is better?").Gap(2)
	if p.w >= 100 { // the footer says it too
		for _, h := range []hint{{"<", "left"}, {">", "right"}, {"=", "as good"}, {"!", "both bad"}} {
			putHint(row.Gap(1), h)
		}
	}
	lines = append(lines, row.String())
	if p.h >= 20 {
		row := l.Row(p.w).Gap(2)
		if r.loaded && r.pair.Ready && strings.TrimSpace(r.pair.Left.Output) == strings.TrimSpace(r.pair.Right.Output) {
			row.Put(widget.Text, "the two answers are the same").Gap(3)
		}
		if r.said != "" {
			row.Put(widget.Faint, "before: ").Put(widget.Muted, r.said)
		}
		if r.heard != "" {
			row.Gap(2).Put(widget.Faint, "judge ").Put(widget.Muted, r.heard)
		}
		lines = append(lines, row.String())
	}
	return lines
}

// viewRoundEnd tells the names and what came out.
func (p *chatPane) viewRoundEnd(state evaluation.Round) []string {
	r, l := p.round, p.app.look
	lines := []string{l.Rule(p.w, "Round of votes   "+roundName(state), fmt.Sprintf("seed %d", state.Seed), true), widget.Blank(p.w)}
	put := func(st widget.Style, mark, text string) {
		for i, s := range l.Wrap(strings.ReplaceAll(text, " %", "\u00a0%"), p.w-6) {
			if i > 0 {
				mark = " "
			}
			lines = append(lines, l.Row(p.w).Gap(2).Put(st, mark).Gap(1).Put(widget.Text, s).String())
		}
	}
	text := fmt.Sprintf("%s voted on", widget.Plural(int64(state.Voted), "row"))
	if state.Broken > 0 {
		text += fmt.Sprintf("; %d had no answer from one of the models", state.Broken)
	}
	put(widget.Good, widget.MarkDone, text)
	lines = append(lines, widget.Blank(p.w))
	width := max(l.Width(state.A), l.Width(state.B), 8)
	width = min(width, p.w/2)
	for i, m := range []struct {
		name string
		wins int
	}{{state.A, state.WinsA}, {state.B, state.WinsB}} {
		row := l.Row(p.w).Gap(4).Cell(widget.Series(i).With(widget.Bold), l.Squeeze(m.name, width), width, false).Gap(2).Cell(widget.Strong, widget.Count(int64(m.wins)), 5, true).Put(widget.Muted, " better")
		if bar := p.w - width - 24; bar >= 12 && !l.Linear() {
			row.Gap(2).Bar(widget.Series(i), float64(m.wins)/float64(max(state.Voted, 1)), min(bar, 60))
		}
		lines = append(lines, row.String())
	}
	for _, m := range []struct {
		name string
		n    int
	}{{"a tie", state.Ties}, {"both bad", state.Bad}} {
		if m.n > 0 {
			lines = append(lines, l.Row(p.w).Gap(4).Cell(widget.Muted, m.name, width, false).Gap(2).Cell(widget.Text, widget.Count(int64(m.n)), 5, true).String())
		}
	}
	lines = append(lines, widget.Blank(p.w))
	if n := state.WinsA + state.WinsB; n > 0 {
		winner, share, iv := state.B, state.Share, state.Interval
		if share < 0.5 {
			winner, share, iv = state.A, 1-share, evaluation.Interval{Low: 1 - iv.High, High: 1 - iv.Low}
		}
		st, mark, text := widget.Warn, widget.MarkUnknown, "too few votes to be sure that one is better"
		if state.PValue < sureBelow {
			st, mark, text = widget.Good, widget.MarkDone, winner+" is better"
		}
		put(st, mark, fmt.Sprintf("%s: %s won %s of the votes with a winner (%s to %s; by chance alone p = %.2g)", text, winner,
			widget.Percent(share), widget.Percent(iv.Low), widget.Percent(iv.High), state.PValue))
	}
	if p.judge != "" {
		text := "the judge " + p.judge + " " + agreed(r.agree[p.judge])
		if r.heard == "is being asked" {
			text = "the judge " + p.judge + " is being asked about the last row"
		}
		put(widget.Info, widget.MarkWaiting, text)
	}
	if r.err != nil {
		put(widget.Bad, widget.MarkFailed, r.err.Error())
	}
	lines = append(lines, widget.Blank(p.w))
	row := l.Row(p.w).Gap(4)
	for _, h := range []hint{{"R", "ratings"}, {"esc", "back to the chat"}} {
		putHint(row, h)
	}
	return widget.Fit(append(lines, row.String()), p.w, p.h)
}

// agreed says how far a judge agrees with people.
func agreed(a *chat.Agreement) string {
	if a == nil {
		return "has said nothing that counts yet"
	}
	text := fmt.Sprintf("agrees with people on %d of %s: %s (%s to %s)", a.Same, widget.Plural(int64(a.N), "pair"), widget.Percent(a.Share), widget.Percent(a.Interval.Low), widget.Percent(a.Interval.High))
	if a.Kappa != nil {
		text += fmt.Sprintf(", kappa %.2f", *a.Kappa)
	}
	return strings.ReplaceAll(text, "-0.00", "0.00")
}
