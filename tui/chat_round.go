package tui

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/backend/evaluation"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

// chatRound is a round of votes that is open in the place of the conversation.
type chatRound struct {
	v      Voting
	pair   evaluation.Pair
	loaded bool // pair is that of place
	place  int  // -1 at the end
	before int  // the place voted on last, -1 for none
	said   string
	heard  string // what the judge said of it
	agree  map[string]*chat.Agreement
	err    error
	since  time.Time // when the answers of this row were first waited for

	// What stood here before the round.
	columns []chat.Model
	turns   []*chatTurn
	left    int
	back    int
}

// rounds offers to go on with a round that was left, or begins a new one.
func (p *chatPane) rounds(path string) tea.Cmd {
	if path != "" {
		return p.newRound(path)
	}
	return task(p.app.ctx, p.app.svc.Evaluation.Rounds, func(list []evaluation.Round, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		all := []entry{{text: "new round", note: "over a dataset or a list of prompts", do: func() tea.Cmd { return p.newRound("") }}}
		for _, r := range list {
			if r.Done() {
				continue
			}
			all = append(all, entry{text: fmt.Sprintf("go on: %d of %d   %s", r.Voted, r.Rows, datasetName(r.Dataset)), note: r.A + ", " + r.B + ", " + widget.Ago(r.Created, p.app.deps.Now()),
				do: func() tea.Cmd { return p.resumeRound(r.ID) }})
		}
		if len(all) == 1 {
			return p.newRound("")
		}
		p.app.modal = newPicker(p.app, "Rounds of votes", "type to narrow", all)
		return nil
	})
}

// newRound opens the form of a round.
func (p *chatPane) newRound(path string) tea.Cmd {
	judges := []string{"none"}
	chosen := 0
	for _, m := range p.models {
		judges = append(judges, m.Ref)
		if m.Ref == p.judge {
			chosen = len(judges) - 1
		}
	}
	cols := p.columns
	if len(cols) != 2 {
		cols = usual(p.models)
	}
	var refs []string
	for _, m := range cols {
		refs = append(refs, m.Ref)
	}
	p.form = widget.Form{Fields: []widget.Field{
		{Name: "dataset", Label: "questions", Help: "a dataset, a folder that prepare wrote, or a .txt with a prompt on each line"},
		{Name: "models", Label: "models", Help: "two, with a comma between them; their names stay hidden until the end"},
		{Name: "rows", Label: "rows", Help: "how many to vote on; empty takes all"},
		{Name: "seed", Label: "seed", Help: "the same number gives the same rows in the same order"},
		{Name: "judge", Label: "judge", Kind: widget.ChoiceField, Options: judges, Choice: chosen, Help: "a model that votes too, after you"},
		{Name: "do", Label: "Start voting", Kind: widget.ButtonField},
	}}
	p.form.Field("dataset").Input.Set(or(path, p.app.deps.HeldOut))
	p.form.Field("models").Input.Set(strings.Join(refs, ", "))
	p.form.Field("models").Input.Placeholder = "base, MODEL"
	p.form.Field("rows").Input.Set("20")
	p.form.Field("rows").Input.Placeholder = "all"
	p.form.Field("seed").Input.Set("1")
	p.form.On("do")
	p.openForm("New round of votes", p.startRound, func(width int) []string {
		text := fmt.Sprintf("asked with temperature %g and up to %s an answer; S in the chat sets both", p.settings.Temperature, widget.Plural(int64(p.settings.MaxTokens), "token"))
		return append([]string{widget.Blank(width)}, paragraph(p.app.look, width, "", text, widget.Faint, 0)...)
	})
	return nil
}

// startRound begins the round that the form describes.
func (p *chatPane) startRound() tea.Cmd {
	bad := func(field, why string) tea.Cmd {
		p.form.Field(field).Err = why
		p.form.On(field)
		return nil
	}
	s := evaluation.RoundSpec{Dataset: strings.TrimSpace(p.form.Value("dataset")), MaxTokens: p.settings.MaxTokens, Temperature: p.settings.Temperature}
	if s.Dataset == "" {
		return bad("dataset", "a file is needed")
	}
	names := strings.FieldsFunc(p.form.Value("models"), func(r rune) bool { return r == ',' || r == ' ' })
	if len(names) != 2 || names[0] == names[1] {
		return bad("models", "two different models are needed")
	}
	s.A, s.B = names[0], names[1]
	var err error
	if text := strings.TrimSpace(p.form.Value("rows")); text != "" && text != "all" {
		if s.Rows, err = strconv.Atoi(text); err != nil || s.Rows < 1 {
			return bad("rows", "a whole number is needed, or nothing")
		}
	}
	if s.Seed, err = strconv.ParseUint(strings.TrimSpace(p.form.Value("seed")), 10, 63); err != nil {
		return bad("seed", "a whole number is needed")
	}
	judge := ""
	if i := p.form.Field("judge").Choice; i > 0 {
		judge = p.form.Field("judge").Options[i]
	}
	begin := func() tea.Cmd {
		p.judge, p.mode = judge, chatKeys
		return p.enter(func(ctx context.Context) (Voting, error) { return p.app.svc.Evaluation.StartRound(ctx, s) })
	}
	if !p.app.svc.Account.Bills {
		return begin()
	}
	rows := "all rows"
	if s.Rows > 0 {
		rows = widget.Plural(int64(s.Rows), "row")
	}
	facts := [][2]string{{"questions", s.Dataset + ", " + rows}, {"models", s.A + ", " + s.B}}
	if judge != "" {
		facts = append(facts, [2]string{"judge", judge + ", asked twice for each vote"})
	}
	p.app.modal = newConfirm(p.app, confirm{title: "Start a round that costs money?", yes: "start it", do: begin,
		text: []string{"Every row is one request to each model, asked as you come to it. Bedrock bills them as it bills any other."}, facts: facts})
	return nil
}

func (p *chatPane) resumeRound(id string) tea.Cmd {
	return p.enter(func(ctx context.Context) (Voting, error) { return p.app.svc.Evaluation.ResumeRound(ctx, id) })
}

// voteOn goes on with the round over a run that was left, or begins one. Nobody is
// asked.
func (p *chatPane) voteOn(run, a, b string) tea.Cmd {
	return tea.Batch(p.Show(), p.app.goTo(p), p.enter(func(ctx context.Context) (Voting, error) {
		list, err := p.app.svc.Evaluation.Rounds(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			if r.Run == run && r.A == a && r.B == b && !r.Done() {
				return p.app.svc.Evaluation.ResumeRound(ctx, r.ID)
			}
		}
		return p.app.svc.Evaluation.StartRound(ctx, evaluation.RoundSpec{Run: run, A: a, B: b, Seed: 1})
	}))
}

// enter shows a round in the place of the conversation.
func (p *chatPane) enter(open func(context.Context) (Voting, error)) tea.Cmd {
	p.leaveRound()
	p.opening = true
	return task(p.app.ctx, open, func(v Voting, err error) tea.Cmd {
		p.opening = false
		if err != nil {
			return p.app.fail(err)
		}
		r := &chatRound{v: v, before: -1, columns: p.columns, turns: p.turns, left: p.left, back: p.back}
		p.round, p.mode = r, chatVoting
		cmd := p.goToPlace(v.Next(0))
		if v.Changed() == nil {
			return cmd
		}
		return tea.Batch(cmd, follow(p.app.ctx, v.Changed, func() time.Duration { return 100 * time.Millisecond }, func() (bool, tea.Cmd) {
			if p.round != r {
				return false, nil
			}
			if r.loaded && r.pair.Ready || r.place < 0 {
				return true, nil
			}
			return true, p.readPair()
		}))
	})
}

// goToPlace shows the row at a place of the round; -1 is the end.
func (p *chatPane) goToPlace(place int) tea.Cmd {
	r := p.round
	r.place, r.loaded, r.err, r.since = place, false, nil, p.app.deps.Now()
	p.turns, p.back, p.left = nil, 0, 0
	if place >= 0 {
		return p.readPair()
	}
	return task(p.app.ctx, r.v.Agreements, func(all map[string]*chat.Agreement, err error) tea.Cmd {
		r.agree, r.err = all, err
		return nil
	})
}

// readPair reads the row at the place.
func (p *chatPane) readPair() tea.Cmd {
	r, place := p.round, p.round.place
	return task(p.app.ctx, func(ctx context.Context) (evaluation.Pair, error) { return r.v.Pair(ctx, place) }, func(pair evaluation.Pair, err error) tea.Cmd {
		if p.round != r || r.place != place {
			return nil
		}
		r.err = err
		if err != nil {
			return nil
		}
		if pair.Ready && pair.Broken != "" {
			r.said, r.heard, r.before = fmt.Sprintf("row %d was passed by: %s", pair.Row+1, p.nameless(pair.Broken)), "", -1
			return p.goToPlace(r.v.Next(place))
		}
		r.pair, r.loaded = pair, true
		if pair.Voted != "" && r.said == "" {
			r.said = "you had said " + saidOf(pair.Voted) + "; vote again"
		}
		if pair.Ready {
			p.layPair()
		}
		return nil
	})
}

// layPair makes a turn of the row, so that it is drawn like any other.
func (p *chatPane) layPair() {
	q := &p.round.pair
	left, right := p.named(q.Left.Model), p.named(q.Right.Model)
	t := &chatTurn{system: q.System, question: q.Question, reference: q.Reference, models: []chat.Model{left, right}, answers: map[string]*chatAnswer{}}
	for m, text := range map[*chat.Model]string{&left: q.Left.Output, &right: q.Right.Output} {
		t.answers[m.ID] = &chatAnswer{state: chat.AnswerState{Model: *m, Phase: chat.Finished, Text: text}}
	}
	p.columns, p.turns = t.models, []*chatTurn{t}
}

// nameless takes the models' names out of a text about them.
func (p *chatPane) nameless(s string) string {
	r := p.round.v.Round()
	return strings.NewReplacer(r.A, "a model", r.B, "a model").Replace(s)
}

func (p *chatPane) noPair() string {
	switch r := p.round; {
	case r == nil:
		return "no round of votes is open"
	case r.place < 0:
		return "the round is at its end"
	case !r.loaded || !r.pair.Ready:
		return "the answers are not there yet"
	}
	return ""
}

// voteInRound keeps a vote and goes on to the next row.
func (p *chatPane) voteInRound(o chat.Outcome) tea.Cmd {
	r, place := p.round, p.round.place
	r.loaded = false // once
	return act(p.app.ctx, func(ctx context.Context) error { return r.v.Vote(ctx, place, o) }, func(err error) tea.Cmd {
		if err != nil {
			r.loaded = true
			return p.app.fail(err)
		}
		if p.round != r {
			return nil
		}
		r.before, r.heard = place, ""
		r.said = "you said " + saidOf(o)
		return tea.Batch(p.goToPlace(r.v.Next(place)), p.judgeInRound(r, place, o), p.app.score.readVotes())
	})
}

// saidOf is a vote in words.
func saidOf(o chat.Outcome) string {
	return map[chat.Outcome]string{chat.First: "left is better", chat.Second: "right is better", chat.Tie: "a tie", chat.BothBad: "both are bad"}[o]
}

// judgeInRound asks the judge about a row that was voted on.
func (p *chatPane) judgeInRound(r *chatRound, place int, voted chat.Outcome) tea.Cmd {
	if p.judge == "" {
		return nil
	}
	judge := p.judge
	r.heard = "is being asked"
	return task(p.app.ctx, func(ctx context.Context) (evaluation.Opinion, error) { return r.v.Judge(ctx, judge, place) }, func(o evaluation.Opinion, err error) tea.Cmd {
		if p.round != r {
			return nil
		}
		text := ""
		if err != nil {
			text = "could not be asked: " + p.nameless(err.Error())
		} else {
			text = opinion(o, voted, "left", "right")
		}
		if r.before == place {
			r.heard = text
		}
		if r.place < 0 { // the end counts it
			return tea.Batch(p.goToPlace(-1), p.app.score.readVotes())
		}
		return nil
	})
}

// voteAgain goes back to the row that was voted on last.
func (p *chatPane) voteAgain() tea.Cmd {
	r := p.round
	place := r.before
	r.before, r.said, r.heard = -1, "", ""
	return p.goToPlace(place)
}

func (p *chatPane) noBefore() string {
	if p.round == nil || p.round.before < 0 {
		return "there is no vote before to take back"
	}
	return ""
}

// leaveRound goes back to the conversation. What was voted is kept.
func (p *chatPane) leaveRound() tea.Cmd {
	r := p.round
	if r == nil {
		return nil
	}
	r.v.Close()
	p.round, p.mode = nil, chatKeys
	p.columns, p.turns, p.left, p.back = r.columns, r.turns, r.left, r.back
	state := r.v.Round()
	if state.Done() {
		return nil
	}
	return p.app.say(widget.Info, widget.MarkDone, fmt.Sprintf("the round is kept at %d of %d; V goes on with it", state.Voted, state.Rows-state.Broken))
}

// roundName says what is voted on.
func roundName(r evaluation.Round) string {
	return strings.TrimPrefix(filepath.Base(r.Dataset), "sample:")
}

func (p *chatPane) roundTable() *keys.Table {
	do := func(f func()) func(string) tea.Cmd {
		return func(string) tea.Cmd { f(); return nil }
	}
	vote := func(o chat.Outcome) func(string) tea.Cmd {
		return func(string) tea.Cmd { return p.voteInRound(o) }
	}
	noTurn := func() string {
		if len(p.turns) == 0 {
			return "the answers are not there yet"
		}
		return ""
	}
	page := func(n int) func(string) tea.Cmd {
		return func(string) tea.Cmd { p.scrollBy(n * max(p.h-8, 3)); return nil }
	}
	return &keys.Table{Scope: "Chat, round of votes", Bindings: []keys.Binding{
		{ID: "chat.round-left", Keys: []string{"<", ","}, Label: "left", Help: "vote: the left answer is better", Rank: 1, Off: p.noPair, Do: vote(chat.First)},
		{ID: "chat.round-right", Keys: []string{">", "."}, Label: "right", Help: "vote: the right answer is better", Rank: 2, Off: p.noPair, Do: vote(chat.Second)},
		{ID: "chat.round-tie", Keys: []string{"="}, Label: "tie", Help: "vote: the two are as good as each other", Rank: 3, Off: p.noPair, Do: vote(chat.Tie)},
		{ID: "chat.round-bad", Keys: []string{"!"}, Label: "both bad", Help: "vote: both answers are bad", Rank: 4, Off: p.noPair, Do: vote(chat.BothBad)},
		{ID: "chat.round-undo", Keys: []string{"u"}, Label: "undo", Help: "go back to the vote before and give another one", Rank: 6, Off: p.noBefore, Do: func(string) tea.Cmd { return p.voteAgain() }},
		{ID: "chat.round-leave", Keys: []string{"esc"}, Label: "leave", Help: "leave the round; V goes on with it", Rank: 5, Do: func(string) tea.Cmd { return p.leaveRound() }},
		{ID: "chat.judge", Keys: []string{"J"}, Label: "judge", Help: "choose a model that judges after each vote, and see what it is asked", Rank: 8, Do: p.chooseJudge},
		{ID: "chat.diff", Keys: []string{"d"}, Label: "differences", Help: "mark the words in which the answers differ", Rank: 7, Off: noTurn, Do: do(func() { p.diff = !p.diff })},
		{ID: "chat.plain", Keys: []string{"p"}, Label: "plain", Help: "show the answers as they came, or as the Markdown that they are", Off: noTurn, Do: do(func() { p.plain = !p.plain })},
		{ID: "chat.votes", Keys: []string{"R"}, Label: "ratings", Help: "rate the models by the votes so far, on the Scoreboard", Rank: 9, Do: func(string) tea.Cmd { return p.app.score.showVotes() }},
		{ID: "chat.round-retry", Keys: []string{"r"}, Label: "again", Help: "read the row again", Hidden: true, Off: func() string {
			if p.round == nil || p.round.err == nil {
				return "nothing has failed"
			}
			return ""
		}, Do: func(string) tea.Cmd { return p.goToPlace(p.round.place) }},
		{ID: "chat.up", Keys: []string{"up", "k"}, Label: "up", Help: "scroll up", Hidden: true, Do: do(func() { p.scrollBy(1) })},
		{ID: "chat.down", Keys: []string{"down", "j"}, Label: "down", Help: "scroll down", Hidden: true, Do: do(func() { p.scrollBy(-1) })},
		{ID: "chat.page-up", Keys: []string{"pgup", "ctrl+u"}, Label: "page up", Help: "page up", Hidden: true, Do: page(1)},
		{ID: "chat.page-down", Keys: []string{"pgdown", "ctrl+d"}, Label: "page down", Help: "page down", Hidden: true, Do: page(-1)},
	}}
}
