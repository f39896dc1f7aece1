package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/backend/evaluation"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

// judging is a judge that compares the answers of a run.
type judging struct {
	run         string
	done, total int
	stop        context.CancelFunc
}

// baseline is the model that the others are compared with.
func (p *scorePane) baseline() string {
	if p.run != nil && len(p.run.Models) > 0 {
		return p.run.Models[0].Model
	}
	if p.run != nil && len(p.run.Spec.Models) > 0 {
		return p.run.Spec.Models[0]
	}
	return "base"
}

// readVotes reads what has been voted.
func (p *scorePane) readVotes() tea.Cmd {
	if p.app.svc == nil {
		return nil
	}
	base := p.baseline()
	return task(p.app.ctx, func(ctx context.Context) ([]chat.Voter, error) { return p.app.svc.Chat.Voters(ctx, base) }, func(all []chat.Voter, err error) tea.Cmd {
		if p.votesErr = err; err == nil {
			p.voters = all
		}
		return nil
	})
}

// showVotes comes to the front with all ratings.
func (p *scorePane) showVotes() tea.Cmd {
	p.mode, p.top = scoreVotes, 0
	return tea.Batch(p.app.goTo(p), p.readVotes())
}

// viewVotes is all that was voted, by people and by each judge.
func (p *scorePane) viewVotes() []string {
	a := p.app
	switch {
	case p.votesErr != nil:
		return a.message(p.w, p.h, widget.Bad, widget.MarkFailed, "The votes could not be read", p.votesErr.Error(), hint{"R", "try again"}, hint{"esc", "scores"})
	case len(p.voters) == 0 && p.verdicts == "":
		return a.message(p.w, p.h, widget.Muted, widget.MarkWaiting, "Nobody has voted yet",
			"A vote says which of two models' answers is better. Votes given in the chat, in rounds and on runs are rated together.",
			hint{"V", "vote over a dataset"}, hint{"esc", "scores"})
	}
	head := []string{a.look.Rule(p.w, "Votes", "Elo points by Bradley-Terry, 95 % intervals", true)}
	var body []string
	if p.verdicts != "" {
		body = append(body, widget.Blank(p.w))
		body = append(body, paragraph(a.look, p.w, widget.MarkDone, p.verdicts, widget.Text, 1)...)
	}
	for _, v := range p.voters {
		body = append(body, widget.Blank(p.w))
		body = append(body, p.voterLines(v, nil)...)
	}
	p.top = max(0, min(p.top, len(body)-(p.h-len(head))))
	return widget.Fit(append(head, body[p.top:]...), p.w, p.h)
}

// boardVotes are the votes on the models of the run that is shown; none where
// nobody has voted on them.
func (p *scorePane) boardVotes() []string {
	var lines []string
	for _, v := range p.voters {
		if some := p.voterLines(v, p.run.Models); some != nil {
			lines = append(lines, some...)
		}
	}
	if lines == nil {
		return nil
	}
	lines = append([]string{p.app.look.Rule(p.w, "votes, everywhere in this account", "V all votes", false)}, lines...)
	return append(lines, widget.Blank(p.w))
}

// voterLines is a table of the ratings by one voter; only of these models unless
// they are nil.
func (p *scorePane) voterLines(v chat.Voter, only []evaluation.ModelResult) []string {
	l := p.app.look
	name := 12
	var rows []chat.Rated
	for _, r := range v.Models {
		if only == nil || slices.ContainsFunc(only, func(m evaluation.ModelResult) bool { return m.Model == r.Model }) {
			rows = append(rows, r)
			name = max(name, l.Width(r.Model))
		}
	}
	if len(rows) == 0 || only != nil && len(rows) < 2 {
		return nil
	}
	who := "people"
	if v.Judge != "" {
		who = "judge " + v.Judge
	}
	head := who
	if l.Linear() {
		head = "model"
	}
	t := widget.NewTable(l, p.w,
		widget.Column{Title: head, Width: 16, Grow: 1, Max: max(name, min(l.Width(who), 34)), Name: true},
		widget.Column{Title: "rating", Width: 6, Right: true}, widget.Column{Title: "95 % interval", Width: 14, Right: true},
		widget.Column{Title: "votes", Width: 6, Right: true}, widget.Column{Title: "won", Width: 5, Right: true, Drop: 2}, widget.Column{Title: "lost", Width: 5, Right: true, Drop: 2},
		widget.Column{Title: "ties", Width: 5, Right: true, Drop: 2}, widget.Column{Title: "wins against " + p.baseline(), Width: 24, Grow: 1, Max: 36, Drop: 1})
	lines := []string{t.Head()}
	if l.Linear() {
		lines[0] = l.Row(p.w).Put(widget.Strong, "votes of "+who+":").String()
	}
	for i, r := range rows {
		if i > 0 && r.Group != rows[i-1].Group {
			lines = append(lines, l.Row(p.w).Gap(2).Put(widget.Faint, "never compared with those above, so that the ratings are not on one scale:").String())
		}
		against := widget.Cell{Text: "-", Style: widget.Faint}
		switch a := r.Against; {
		case r.Model == p.baseline():
			against.Text = "the baseline"
		case a != nil && a.Wins+a.Losses > 0:
			sure := ""
			if a.PValue >= sureBelow {
				sure = "  not sure"
			}
			against = widget.Cell{Text: fmt.Sprintf("%s (%s to %s)%s", widget.Percent(a.Share), widget.Percent(a.Interval.Low), widget.Percent(a.Interval.High), sure), Style: shareStyle(a)}
		}
		lines = append(lines, t.Line([]widget.Cell{{Text: r.Model, Style: p.seriesOf(r.Model)}, {Text: fmt.Sprintf("%.0f", r.Rating), Style: widget.Strong},
			{Text: fmt.Sprintf("%.0f to %.0f", r.Low, r.High), Style: widget.Muted}, {Text: widget.Count(int64(r.Votes)), Style: widget.Muted},
			{Text: widget.Count(int64(r.Wins)), Style: widget.Muted}, {Text: widget.Count(int64(r.Losses)), Style: widget.Muted}, {Text: widget.Count(int64(r.Ties)), Style: widget.Muted}, against}, false, false))
	}
	if v.Judge == "" {
		return lines
	}
	text := agreed(v.People)
	if v.People == nil {
		text = "people have not voted on the same answers yet"
	}
	if v.Swayed > 0 {
		text += fmt.Sprintf("; %s because the order decided", widget.Plural(int64(v.Swayed), "tie"))
	}
	if v.Form != "" {
		text += "; asked by prompt " + v.Form
	}
	for _, s := range l.Wrap(strings.ReplaceAll(text, " %", "\u00a0%"), p.w-4) {
		lines = append(lines, l.Row(p.w).Gap(2).Put(widget.Muted, s).String())
	}
	return lines
}

// sureBelow is the p-value below which a difference between two models counts as
// one. The test is exact: with few votes it is stricter than the interval.
const sureBelow = 0.05

// readRowVotes reads what people and judges say of a row.
func (p *scorePane) readRowVotes(run string, row int64) tea.Cmd {
	return task(p.app.ctx, func(ctx context.Context) ([]chat.Ballot, error) { return p.app.svc.Chat.RowVotes(ctx, run, row) }, func(list []chat.Ballot, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		if p.recs.row == row {
			p.recs.votes = ballots(list)
		}
		return nil
	})
}

// ballots are votes on one row in words.
func ballots(list []chat.Ballot) string {
	var all []string
	for _, b := range list {
		who, what := "people: ", ""
		if b.Judge != "" {
			who = "judge " + b.Judge + ": "
		}
		switch {
		case b.Swayed:
			what = "a tie, since the order decided"
		case b.Outcome == chat.First:
			what = b.First + " is better"
		case b.Outcome == chat.Second:
			what = b.Second + " is better"
		case b.Outcome == chat.BothBad:
			what = "both are bad"
		default:
			what = "a tie"
		}
		all = append(all, who+what)
	}
	return strings.Join(all, "; ")
}

// shareStyle is good or bad news where there is any.
func shareStyle(a *chat.Against) widget.Style {
	switch {
	case a.PValue >= sureBelow:
		return widget.Warn
	case a.Wins > a.Losses:
		return widget.Good
	}
	return widget.Bad
}

// seriesOf is the colour that a model of the run has.
func (p *scorePane) seriesOf(model string) widget.Style {
	if p.run != nil {
		if i := slices.IndexFunc(p.run.Models, func(m evaluation.ModelResult) bool { return m.Model == model }); i >= 0 {
			return widget.Series(i)
		}
	}
	return widget.Text
}

// noPairs says why the answers of the run cannot be compared.
func (p *scorePane) noPairs() string {
	switch {
	case p.noEnded() != "":
		return p.noEnded()
	case len(p.run.Models) < 2:
		return "this run has only one model; two are compared"
	}
	return ""
}

// pairs offers which of the run's models are compared; with two there is no
// choice.
func (p *scorePane) pairs(title string, take func(a, b string) tea.Cmd) tea.Cmd {
	models := p.run.Models
	if len(models) == 2 {
		return take(models[0].Model, models[1].Model)
	}
	var all []entry
	for i, a := range models {
		for _, b := range models[i+1:] {
			all = append(all, entry{text: a.Model + "   " + b.Model, do: func() tea.Cmd { return take(a.Model, b.Model) }})
		}
	}
	p.app.modal = newPicker(p.app, title, "type to narrow", all)
	return nil
}

// vote opens a round over the answers of the run.
func (p *scorePane) vote() tea.Cmd {
	run := p.run.ID
	return p.pairs("Which two to vote on", func(a, b string) tea.Cmd { return p.app.chat.voteOn(run, a, b) })
}

// judge chooses the model that compares the answers of the run; a second time it
// stops.
func (p *scorePane) judge() tea.Cmd {
	if p.judging != nil {
		p.judging.stop()
		return nil
	}
	run := *p.run
	return p.pairs("Which two to compare", func(a, b string) tea.Cmd {
		return task(p.app.ctx, p.app.svc.Chat.Models, func(ms []chat.Model, err error) tea.Cmd {
			if err != nil {
				return p.app.fail(err)
			}
			var all []entry
			for _, m := range ms {
				note := string(m.Kind)
				if m.Ref == a || m.Ref == b {
					note += ", would judge its own answers"
				}
				all = append(all, entry{text: m.Ref, note: note, do: func() tea.Cmd { return p.judgeBy(run, evaluation.JudgeSpec{Run: run.ID, Judge: m.Ref, A: a, B: b}) }})
			}
			all = append(all, entry{text: "what the judge is asked", note: "see and change it in your editor", do: p.app.editJudge})
			p.app.modal = newPicker(p.app, "Judge", "type to narrow", all)
			return nil
		})
	})
}

func (p *scorePane) judgeBy(run evaluation.Run, s evaluation.JudgeSpec) tea.Cmd {
	rows := run.Total / max(1, len(run.Models))
	if !p.app.svc.Account.Bills {
		return p.startJudge(s)
	}
	p.app.modal = newConfirm(p.app, confirm{title: "Ask a judge, which costs money?", yes: "ask it", do: func() tea.Cmd { return p.startJudge(s) },
		text:  []string{"The judge is asked twice for each row, once in each order. What it has said before is kept and not asked again."},
		facts: [][2]string{{"judge", s.Judge}, {"models", s.A + ", " + s.B}, {"requests", "up to " + widget.Count(int64(2*rows))}}})
	return nil
}

func (p *scorePane) startJudge(s evaluation.JudgeSpec) tea.Cmd {
	ctx, stop := context.WithCancel(p.app.ctx)
	j := &judging{run: s.Run, stop: stop}
	p.judging = j
	type step struct{ done, total int }
	steps := make(chan step, 1)
	work := task(p.app.ctx, func(context.Context) (evaluation.Judgement, error) {
		defer stop()
		return p.app.svc.Evaluation.Judge(ctx, s, func(done, total int) {
			select {
			case <-steps: // the newest is enough
			default:
			}
			select {
			case steps <- step{done, total}:
			default:
			}
		})
	}, func(got evaluation.Judgement, err error) tea.Cmd {
		p.judging = nil
		switch {
		case ctx.Err() != nil && err != nil:
			return tea.Batch(p.readVotes(), p.app.say(widget.Info, widget.MarkWaiting, "the judge was stopped; what it said is kept, and J goes on"))
		case err != nil:
			return p.app.fail(err)
		}
		p.verdicts = verdictsOf(got)
		return p.showVotes()
	})
	var watch func() tea.Cmd
	watch = func() tea.Cmd {
		return func() tea.Msg {
			select {
			case n := <-steps:
				return applyMsg(func() tea.Cmd {
					if j.done, j.total = n.done, n.total; p.judging != j {
						return nil
					}
					return watch()
				})
			case <-ctx.Done():
				return nil
			}
		}
	}
	return tea.Batch(work, watch())
}

// verdictsOf says what a judge has said of a run.
func verdictsOf(j evaluation.Judgement) string {
	text := fmt.Sprintf("%s has judged %s of run %s: %s is better on %d, %s on %d, %d are ties", j.Judge, widget.Plural(int64(j.Rows), "row"), j.Run, j.A, j.WinsA, j.B, j.WinsB, j.Ties+j.Swayed)
	if j.Swayed > 0 {
		text += fmt.Sprintf(" (%d by the order alone)", j.Swayed)
	}
	if n := j.Unclear + j.Failed; n > 0 {
		text += fmt.Sprintf("; %d without a verdict do not count", n)
		if len(j.Unread) > 0 {
			text += fmt.Sprintf(", such as %q", j.Unread[0])
		}
		if len(j.Errors) > 0 {
			text += "; the judge could not be asked on " + widget.Plural(int64(j.Failed), "row") + ": " + j.Errors[0]
		}
	}
	return text
}

func (p *scorePane) votesTable() *keys.Table {
	do := func(f func()) func(string) tea.Cmd {
		return func(string) tea.Cmd { f(); return nil }
	}
	return &keys.Table{Scope: "Scoreboard, votes", Bindings: []keys.Binding{
		{ID: "score.votes-close", Keys: []string{"esc", "backspace"}, Label: "scores", Help: "back to the scores", Rank: 1, Do: do(func() { p.mode, p.top = scoreBoard, 0 })},
		{ID: "score.round", Keys: []string{"V"}, Label: "vote", Help: "vote over a dataset or a list of prompts, in the chat", Rank: 2, Off: p.app.needAccount, Do: func(string) tea.Cmd {
			return tea.Batch(p.app.goTo(p.app.chat), p.app.chat.whenLoaded(func() tea.Cmd { return p.app.chat.rounds("") }))
		}},
		{ID: "score.vote", Keys: []string{"B"}, Label: "vote on the run", Help: "vote blind on the answers of the run on the board; nobody is asked", Rank: 3, Off: p.noPairs, Do: func(string) tea.Cmd { return p.vote() }},
		{ID: "score.judge", Keys: []string{"J"}, Label: "judge", Help: "let a model compare the answers of the run on the board, in both orders; again stops it", Rank: 4, Off: p.noJudge, Do: func(string) tea.Cmd { return p.judge() }},
		{ID: "score.prompt", Keys: []string{"p"}, Label: "prompt", Help: "see and change what judges are asked", Rank: 5, Off: p.app.needAccount, Do: func(string) tea.Cmd { return p.app.editJudge() }},
		{ID: "score.refresh", Keys: []string{"R"}, Label: "refresh", Help: "read the votes again", Do: func(string) tea.Cmd { return p.readVotes() }},
		{ID: "score.down", Keys: []string{"down", "j"}, Label: "down", Help: "scroll down", Hidden: true, Do: do(func() { p.top++ })},
		{ID: "score.up", Keys: []string{"up", "k"}, Label: "up", Help: "scroll up", Hidden: true, Do: do(func() { p.top = max(0, p.top-1) })},
		{ID: "score.page-down", Keys: []string{"pgdown", "ctrl+d", "space"}, Label: "page down", Help: "page down", Hidden: true, Do: do(func() { p.top += p.h - 2 })},
		{ID: "score.page-up", Keys: []string{"pgup", "ctrl+u"}, Label: "page up", Help: "page up", Hidden: true, Do: do(func() { p.top = max(0, p.top-p.h+2) })},
	}}
}

func (p *scorePane) noJudge() string {
	if p.judging != nil {
		return ""
	}
	return p.noPairs()
}
