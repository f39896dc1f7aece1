package tui

import (
	"fmt"
	"strings"

	"tunebench/backend/chat"
	"tunebench/tui/widget"
)

const (
	columnGap = 3
	columnMin = 26
)

func (p *chatPane) View() []string {
	p.cx = -1
	if s := p.app.accountState(p.w, p.h); s != nil {
		return s
	}
	l := p.app.look
	switch {
	case !p.loaded && p.err != nil:
		return p.app.message(p.w, p.h, widget.Bad, widget.MarkFailed, "The models could not be read", p.err.Error(), hint{"esc", "keys"}, hint{"r", "try again"})
	case !p.loaded:
		return p.app.message(p.w, p.h, widget.Info, widget.Spinner(p.app.frame), "Reading the models", "")
	}
	n := max(1, min(len(p.columns), (p.w+columnGap-2)/(columnMin+columnGap)))
	p.left = max(0, min(p.left, len(p.columns)-n))
	cols := p.columns[p.left:min(p.left+n, len(p.columns))]
	cw := (p.w - 2 - (n-1)*columnGap) / n

	input, cx, cy := p.in.Lines(l, p.w-5, min(5, max(1, p.h/5)))
	lines := []string{p.names(cols, cw)}
	if p.h >= 20 {
		lines = append(lines, widget.Blank(p.w))
	}
	bodyH := p.h - len(lines) - 1 - len(input)
	top := len(lines)
	lines = append(lines, p.transcript(cols, cw, bodyH)...)
	lines = append(lines, p.settingsRule())
	for i, s := range input {
		mark := ">"
		if i > 0 {
			mark = " "
		}
		st := widget.Faint
		if p.mode == chatInput {
			st = widget.Key
		}
		lines = append(lines, l.Row(p.w).Gap(1).Put(st, mark).Gap(1).Raw(s, p.w-5).String())
	}
	if p.mode == chatInput {
		p.cx, p.cy = 3+cx, top+bodyH+1+cy
	}
	return widget.Fit(lines, p.w, p.h)
}

// names heads the columns.
func (p *chatPane) names(cols []chat.Model, cw int) string {
	l := p.app.look
	r := l.Row(p.w)
	for i, m := range cols {
		start := 1 + i*(cw+columnGap)
		r.To(start)
		st := widget.Series(p.left + i)
		name := l.Squeeze(m.Ref, cw-6)
		nw := l.Width(name)
		r.Put(st, "━━ ").Put(st.With(widget.Bold), name).Gap(1)
		note := ""
		if nw+22 < cw {
			note = string(m.Kind)
		}
		end := start + cw
		if note != "" {
			r.Fill(widget.Border, "─", end-len(note)-1).Gap(1).Put(widget.Faint, note)
		} else {
			r.Fill(widget.Border, "─", end)
		}
	}
	if hidden := len(p.columns) - len(cols); hidden > 0 {
		r.To(p.w - 1)
		r.Put(widget.Key, "→")
	}
	return r.String()
}

// settingsRule parts the transcript from the question and says how it is asked.
func (p *chatPane) settingsRule() string {
	words := []string{fmt.Sprintf("temperature %g", p.settings.Temperature), fmt.Sprintf("up to %d tokens", p.settings.MaxTokens)}
	if p.talk {
		words = append(words, "with the earlier turns")
	} else {
		words = append(words, "each question on its own")
	}
	title := "question"
	switch {
	case p.refer != "":
		title = "question   reference: " + oneLine(p.refer)
	case p.system != "":
		title = "question   system: " + oneLine(p.system)
	}
	note := strings.Join(words, "   ")
	if p.back > 0 {
		note = fmt.Sprintf("%d lines below   ", p.back) + note
	}
	title, _ = p.app.look.Cut(title, max(12, p.w-len(note)-16))
	return p.app.look.Rule(p.w, title, note, p.mode == chatInput)
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

// transcript draws the turns, the newest at the bottom, and returns height lines.
func (p *chatPane) transcript(cols []chat.Model, cw, height int) []string {
	if len(p.turns) == 0 {
		return p.teach(cols, cw, height)
	}
	// From the end upwards, and no further than what is in sight.
	var blocks [][]string
	total, first := 0, len(p.turns)
	for i := len(p.turns) - 1; i >= 0 && total < height+p.back; i-- {
		b := p.turnLines(p.turns[i], cols, cw)
		blocks = append(blocks, b)
		total += len(b)
		first = i
	}
	if first == 0 {
		p.back = max(0, min(p.back, total-height))
	}
	all := make([]string, 0, total)
	for i := len(blocks) - 1; i >= 0; i-- {
		all = append(all, blocks[i]...)
	}
	end := len(all) - p.back
	out := all[max(0, end-height):end]
	// A short transcript hangs from the top.
	return widget.Fit(append([]string(nil), out...), p.w, height)
}

// teach fills the empty transcript.
func (p *chatPane) teach(cols []chat.Model, cw, height int) []string {
	title, text := "Ask the same question of every model", "Their answers stream side by side, with the time to the first token and the tokens per second."
	hints := []hint{{"enter", "send"}, {"ctrl+o", "choose models"}}
	if len(cols) == 1 {
		text = "Only one model is chosen. An imported model can be put beside it: train and import one, or choose from the list."
		hints = append(hints, hint{"esc 2", "training"})
	}
	return p.app.message(p.w, height, widget.Accent, widget.MarkWaiting, title, text, hints...)
}

// turnLines draws one turn: the question over the whole width and the answers
// beside each other. A turn that has ended is drawn once.
func (p *chatPane) turnLines(t *chatTurn, cols []chat.Model, cw int) []string {
	l := p.app.look
	key := turnKey{width: p.w, left: p.left, version: l.Version(), sent: p.sent}
	done := true
	for _, m := range cols {
		key.columns += m.ID + "\n"
		if a := t.answers[m.ID]; a != nil && !a.state.Done() {
			done = false
		}
	}
	if done && t.frozen != nil && t.frozenKey == key {
		return t.frozen
	}
	var lines []string
	for i, s := range t.questionLines.Lines(l, t.question, p.w-6) {
		mark := ">"
		if i > 0 {
			mark = " "
		}
		lines = append(lines, l.Row(p.w).Gap(1).Put(widget.Faint, mark).Gap(1).Put(widget.Strong, s).String())
	}
	if t.reference != "" {
		lines = append(lines, l.Row(p.w).Gap(3).Put(widget.Faint, "reference ").Put(widget.Muted, oneLine(t.reference)).String())
	}
	columns := make([][]string, len(cols))
	tall := 0
	for i, m := range cols {
		columns[i] = p.answerLines(t, m, cw)
		tall = max(tall, len(columns[i]))
	}
	for y := range tall {
		r := l.Row(p.w)
		for i := range cols {
			start := 1 + i*(cw+columnGap)
			if i > 0 {
				r.To(start-2).Put(widget.Border, "│")
			}
			r.To(start)
			if y < len(columns[i]) {
				r.Raw(columns[i][y], cw)
			} else {
				r.Gap(cw)
			}
		}
		lines = append(lines, r.String())
	}
	lines = append(lines, widget.Blank(p.w))
	if done {
		t.frozen, t.frozenKey = lines, key
	}
	return lines
}

// answerLines draws one model's answer in a column: the text, then its figures.
func (p *chatPane) answerLines(t *chatTurn, m chat.Model, cw int) []string {
	l := p.app.look
	a := t.answers[m.ID]
	if a == nil {
		return []string{l.Row(cw).Put(widget.Faint, "not asked").String()}
	}
	var lines []string
	s := a.state
	if p.sent && s.Sent != "" {
		for _, line := range l.Wrap(s.Sent, cw-2) {
			lines = append(lines, l.Row(cw).Put(widget.Border, "│ ").Put(widget.Muted, line).String())
		}
	}
	if s.Text != "" {
		for _, line := range a.text.Lines(l, strings.TrimLeft(s.Text, " \n"), cw-1) {
			lines = append(lines, l.Row(cw).Put(widget.Text, line).String())
		}
	}
	if s.Err != "" {
		for _, line := range l.Wrap(s.Err, cw-1) {
			lines = append(lines, l.Row(cw).Put(widget.Bad, line).String())
		}
	}
	return append(lines, p.figures(t, s, cw))
}

// figures is the line below an answer: how it ended and how fast it was.
func (p *chatPane) figures(t *chatTurn, s chat.AnswerState, cw int) string {
	mark, st := widget.Status(string(s.Phase), p.app.frame)
	r := p.app.look.Row(cw)
	word := string(s.Phase)
	if s.Phase == chat.Finished {
		word = or(s.StopReason, "finished")
		if s.StopReason == "length" || s.StopReason == "max_tokens" {
			mark, st = widget.MarkWarning, widget.Warn
		}
	}
	now := p.app.deps.Now()
	r.Put(st, mark+" "+word)
	put := func(text string) {
		if r.Left() > len(text)+2 {
			r.Gap(2).Put(widget.Faint, text)
		}
	}
	switch s.Phase {
	case chat.Waking:
		if !s.WakingSince.IsZero() {
			put("for " + widget.Clock(now.Sub(s.WakingSince)))
		}
		if s.NextTry.After(now) {
			put("next try in " + widget.Took(s.NextTry.Sub(now)))
		}
		return r.String()
	case chat.Waiting, chat.Failed:
		return r.String()
	}
	if same(t.reference, s.Text) {
		r.Gap(2).Put(widget.Good, "as the reference")
	}
	if n := s.Stats.OutputTokens; n > 0 {
		put(widget.Plural(int64(n), "token"))
	}
	if v := s.Stats.TokensPerSecond(); v > 0 {
		put(widget.Count(int64(v+0.5)) + "/s")
	}
	if s.Stats.FirstToken > 0 {
		put("first " + widget.Took(s.Stats.FirstToken))
	}
	return r.String()
}

// same reports whether an answer says what the reference says, but for case,
// spaces and a full stop.
func same(reference, answer string) bool {
	norm := func(s string) string { return strings.TrimSuffix(strings.ToLower(oneLine(s)), ".") }
	return reference != "" && norm(reference) == norm(answer)
}
