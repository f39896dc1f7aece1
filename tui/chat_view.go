package tui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tunebench/backend/chat"
	"tunebench/tui/widget"
)

// silence is how long a stream may pause before it is said.
const silence = 3 * time.Second

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
		return p.app.message(p.w, p.h, widget.Info, widget.MarkRunning, "Reading the models", "")
	}
	switch {
	case p.mode == chatForm:
		return p.viewForm()
	case p.mode == chatTable:
		return p.viewTable()
	case p.round != nil:
		return p.viewRound()
	case p.opening:
		return p.app.message(p.w, p.h, widget.Info, widget.MarkRunning, "Opening the round of votes", "")
	}
	cols, cw := p.inSight()
	input, cx, cy := p.question()
	lines := []string{p.names(cols, cw)}
	if p.h >= 20 {
		lines = append(lines, widget.Blank(p.w))
	}
	bodyH := p.bodyHeight()
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

// inSight are the columns in sight and their width.
func (p *chatPane) inSight() (cols []chat.Model, cw int) {
	n := max(1, min(len(p.columns), (p.w+columnGap-2)/(columnMin+columnGap)))
	p.left = max(0, min(p.left, len(p.columns)-n))
	return p.columns[p.left:min(p.left+n, len(p.columns))], (p.w - 2 - (n-1)*columnGap) / n
}

// question draws the field.
func (p *chatPane) question() (lines []string, cx, cy int) {
	return p.in.Lines(p.app.look, p.w-5, min(5, max(1, p.h/5)))
}

// bodyHeight is how many lines the answers have: all but the names, the settings
// and the question.
func (p *chatPane) bodyHeight() int {
	input, _, _ := p.question()
	head := 1
	if p.h >= 20 {
		head = 2
	}
	return p.h - head - 1 - len(input)
}

// viewForm draws the form: the settings, or the variables of a prompt.
func (p *chatPane) viewForm() []string {
	head := []string{p.app.look.Rule(p.w, p.formHead, "", true), widget.Blank(p.w)}
	height := p.h - len(head)
	if p.formNote != nil {
		height = min(height, max(p.form.InSight(), 1))
	}
	lines, x, y := p.form.Lines(p.app.look, p.w, height)
	p.cx, p.cy = x, y+len(head)
	lines = append(head, lines...)
	if p.formNote != nil {
		lines = append(lines, p.formNote(p.w)...)
	}
	return widget.Fit(lines, p.w, p.h)
}

// names heads the columns.
func (p *chatPane) names(cols []chat.Model, cw int) string {
	l := p.app.look
	r := l.Row(p.w)
	labels := p.labels(cols, cw-6)
	for i, m := range cols {
		start := 1 + i*(cw+columnGap)
		r.To(start)
		st := widget.Series(p.left + i)
		name := labels[i]
		if p.hidden() {
			name = letter(p.left + i)
		}
		nw := l.Width(name)
		r.Put(st, "━━ ").Put(st.With(widget.Bold), name).Gap(1)
		note := ""
		if nw+22 < cw && !p.hidden() {
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

// nearlyFull is the share of the context from which on a conversation is warned of.
const nearlyFull = 0.75

// settingsRule parts the transcript from the question and says how it is asked.
func (p *chatPane) settingsRule() string {
	temperature, most := fmt.Sprintf("temperature %g", p.settings.Temperature), fmt.Sprintf("up to %d tokens", p.settings.MaxTokens)
	const alone = "each question on its own"
	words := []string{temperature, most}
	for _, m := range p.columns {
		if _, own := p.own[m.ID]; own && !p.hidden() {
			words = append(words, m.Ref+" in its own way")
		}
	}
	switch {
	case p.full > 1:
		words = append(words, widget.MarkWarning+" the earlier turns do not fit the context")
	case p.full > nearlyFull:
		words = append(words, fmt.Sprintf("%s with the earlier turns: %d %% of the context; n begins anew", widget.MarkWarning, int(p.full*100+0.5)))
	case p.full > 0:
		words = append(words, fmt.Sprintf("with the earlier turns: %d %% of the context", int(p.full*100+0.5)))
	case p.talk:
		words = append(words, "with the earlier turns")
	default:
		words = append(words, alone)
	}
	if p.back > 0 {
		words = append([]string{fmt.Sprintf("%d lines below", p.back)}, words...)
	}
	title := "question"
	switch {
	case p.refer != "":
		title = "question   reference: " + oneLine(p.refer)
	case p.system != "":
		title = "question   system: " + oneLine(p.system)
	}
	// What says the least makes room for what the question is of.
	l := p.app.look
	note := strings.Join(words, "   ")
	for _, least := range []string{alone, most, temperature} {
		if l.Width(note)+min(l.Width(title), p.w/2)+8 <= p.w {
			break
		}
		words = slices.DeleteFunc(words, func(w string) bool { return w == least })
		note = strings.Join(words, "   ")
	}
	title, _ = l.Cut(title, max(12, p.w-l.Width(note)-8))
	return l.Rule(p.w, title, note, p.mode == chatInput)
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

// teach fills the empty transcript.
func (p *chatPane) teach(cols []chat.Model, cw, height int) []string {
	title, text := "Ask the same question of every model", "Their answers stream side by side, with the time to the first token and the tokens per second."
	hints := []hint{{"enter", "send"}, {"ctrl+o", "choose models"}}
	if len(cols) == 1 {
		text = "Only one model is chosen. An imported model can be put beside it: train and import one, or choose from the list."
		hints = append(hints, hint{"esc 2", "training"})
	}
	ways := p.ways(cols, cw)
	if len(ways) > height/2 {
		ways = ways[:height/2]
	}
	return append(ways, p.app.message(p.w, height-len(ways), widget.Accent, widget.MarkWaiting, title, text, hints...)...)
}

// ways says below the models' names how each is asked, and what speaks against it.
func (p *chatPane) ways(cols []chat.Model, cw int) []string {
	l := p.app.look
	if p.hidden() {
		return nil
	}
	if l.Linear() {
		var lines []string
		for _, m := range cols {
			lines = append(lines, l.Row(p.w).Put(widget.Muted, m.Ref+": "+p.app.svc.Chat.Way(m)).String())
			if m.Doubt != "" {
				lines = append(lines, l.Row(p.w).Put(widget.Warn, m.Ref+": "+m.Doubt).String())
			}
		}
		return lines
	}
	y := &turnLayout{}
	for _, m := range cols {
		c := column{[]part{{lines: l.Wrap(p.app.svc.Chat.Way(m), cw), style: widget.Faint}}}
		if m.Doubt != "" {
			c.parts = append(c.parts, part{lines: l.Wrap(widget.MarkWarning+" "+m.Doubt+"; F sets the format", cw), style: widget.Warn})
		}
		y.columns = append(y.columns, c)
		y.height = max(y.height, c.height()+1)
	}
	var lines []string
	for i := range y.height - 1 {
		lines = append(lines, p.row(y, i, cw))
	}
	return lines
}

// cutShort reports whether a model stopped because the answer had become as long
// as it may be.
func cutShort(reason string) bool { return reason == "length" || reason == "max_tokens" }

// figures is the line below an answer: how it ended and how fast it was.
func (p *chatPane) figures(t *chatTurn, m chat.Model, cw int) string {
	s := t.answers[m.ID].state
	mark, st := widget.Status(string(s.Phase))
	r := p.app.look.Row(cw)
	word := string(s.Phase)
	if s.Phase == chat.Finished {
		word = or(s.StopReason, "finished")
		if cutShort(s.StopReason) {
			mark, st = widget.MarkWarning, widget.Warn
		}
	}
	now := p.app.deps.Now()
	r.Put(st, mark+" "+word)
	fits := func(text string) bool { return r.Left() > len(text)+2 }
	put := func(text string) {
		if fits(text) {
			r.Gap(2).Put(widget.Faint, text)
		}
	}
	switch s.Phase {
	case chat.Waking:
		if !s.WakingSince.IsZero() {
			put("for " + widget.Clock(now.Sub(s.WakingSince)))
		}
		if s.NextTry.After(now) {
			put("again in " + widget.Took(s.NextTry.Sub(now)))
		}
		if s.Attempts > 0 {
			put(fmt.Sprintf("try %d", s.Attempts+1))
		}
		return r.String()
	case chat.Waiting:
		switch waited := now.Sub(s.Started); {
		case s.NextTry.After(now):
			put("again in " + widget.Took(s.NextTry.Sub(now)))
			put(fmt.Sprintf("%d of %d failed", s.Attempts, chat.MaxRetries+1))
		case !s.Started.IsZero() && waited > time.Second:
			put("for " + widget.Clock(waited))
		}
		return r.String()
	case chat.Failed:
		if s.Text == "" {
			return r.String()
		}
	case chat.Streaming:
		if silent := now.Sub(s.Last); !s.Last.IsZero() && silent > silence {
			r.Gap(2).Put(widget.Warn, "silent for "+widget.Clock(silent))
		}
	}
	if v := t.verdict(m); v != "" {
		r.Gap(2).Put(widget.Accent, v)
	}
	if f1, exact, ok := p.score(t.reference, t.answers[m.ID]); exact {
		r.Gap(2).Put(widget.Good, "as the reference")
	} else if ok {
		r.Gap(2).Put(widget.Accent, fmt.Sprintf("F1 %.2f", f1))
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
	if c, ok := p.costs(t, m); ok {
		if text := c.String(); fits(text) {
			put(text)
		} else {
			put(c.Short())
		}
	}
	if n := s.Stats.InputTokens; n > 0 {
		put(widget.Count(int64(n)) + " in")
	}
	return r.String()
}

// The longest answers that are scored: while they arrive, and then.
const (
	scoredArriving = 16 << 10
	scoredWhole    = 1 << 20
)

// score is the F1 score over words of an answer, and whether it says what the
// reference says; ok is false where there is nothing to score.
func (p *chatPane) score(reference string, a *chatAnswer) (f1 float64, exact, ok bool) {
	if s := a.scored; s != nil {
		return s.f1, s.exact, s.ok
	}
	s, done := &a.state, a.state.Done()
	if len(s.Text) <= scoredWhole && (done || len(s.Text) <= scoredArriving) {
		f1, exact, ok = chat.Scored(p.qa, reference, s.Text)
	}
	if done {
		a.scored = &answerScore{f1, exact, ok}
	}
	return f1, exact, ok
}

// labels are the models' names in at most width cells. Where they would look
// alike, what they have in common at the front is left out.
func (p *chatPane) labels(cols []chat.Model, width int) []string {
	l := p.app.look
	squeeze := func(cut int) (out []string, apart bool) {
		seen := map[string]string{}
		apart = true
		for _, m := range cols {
			name := m.Ref
			if cut > 0 && l.Width(name) > width {
				name = widget.More + name[cut:]
			}
			name = l.Squeeze(name, width)
			if ref, ok := seen[name]; ok && ref != m.Ref {
				apart = false
			}
			seen[name] = m.Ref
			out = append(out, name)
		}
		return out, apart
	}
	out, apart := squeeze(0)
	if apart {
		return out
	}
	var refs []string
	for _, m := range cols {
		if l.Width(m.Ref) > width {
			refs = append(refs, m.Ref)
		}
	}
	cut := len(common(refs))
	for cut > 0 && !strings.ContainsRune("-_./:", rune(refs[0][cut-1])) {
		cut-- // whole words stay
	}
	if better, apart := squeeze(cut); apart {
		return better
	}
	return out
}
