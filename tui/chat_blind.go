package tui

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/tui/widget"
)

// hide turns blind mode on or off: names are hidden and the order is shuffled for
// each question, until somebody has voted.
func (p *chatPane) hide() tea.Cmd {
	p.blind = !p.blind
	if !p.blind {
		return nil
	}
	p.shuffle()
	return p.app.say(widget.Info, widget.MarkWaiting, "names are hidden and the order changes; < > = ! votes, and tells which was which")
}

// shuffle changes the order of the columns.
func (p *chatPane) shuffle() {
	rand.Shuffle(len(p.columns), func(i, j int) { p.columns[i], p.columns[j] = p.columns[j], p.columns[i] })
}

// letter names the i-th column where names are hidden.
func letter(i int) string { return string(rune('A' + i%26)) }

// noVote says why there is nothing to vote on.
func (p *chatPane) noVote() string {
	switch {
	case len(p.turns) == 0:
		return "nothing was asked yet"
	case len(p.columns) != 2:
		return "a vote is between two models; choose two with m"
	case p.streaming() > 0:
		return "an answer is still arriving"
	}
	t := p.turns[len(p.turns)-1]
	for _, m := range p.columns {
		if a := t.answers[m.ID]; a == nil || a.state.Text == "" {
			return "only one of the two has answered"
		}
	}
	if t.position < 0 || p.log.Conversation().ID == 0 {
		return "the answers are not on disk yet; try again in a moment"
	}
	return ""
}

// vote keeps what the user thinks of the last answers.
func (p *chatPane) vote(o chat.Outcome) tea.Cmd {
	t := p.turns[len(p.turns)-1]
	first, second := p.columns[0].Ref, p.columns[1].Ref
	id := p.log.Conversation().ID
	b := chat.Ballot{Conversation: id, Position: t.position, First: first, Second: second, Outcome: o}
	return act(p.app.ctx, func(ctx context.Context) error { return p.app.svc.Chat.Cast(ctx, b) }, func(err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		v := chat.Voted{Models: []string{first, second}}
		switch o {
		case chat.First:
			v.Winner = first
		case chat.Second:
			v.Winner = second
		default:
			v.Note = string(o)
		}
		t.votes, t.voted = append(t.votes, v), or(v.Winner, v.Note)
		t.laid = nil
		said := map[chat.Outcome]string{chat.First: first + " is better", chat.Second: second + " is better", chat.Tie: "a tie", chat.BothBad: "both are bad"}[o]
		if p.blind {
			said += fmt.Sprintf("; left was %s, right %s", first, second)
		}
		return tea.Batch(p.app.say(widget.Good, widget.MarkDone, said), p.askJudge(t, id, o), p.app.score.readVotes())
	})
}

// verdict is what was voted on an answer, "" for nothing.
func (t *chatTurn) verdict(m chat.Model) string { return chat.VoteOn(t.votes, m.Ref) }

// hidden reports whether names are not to be seen now.
func (p *chatPane) hidden() bool {
	if p.round != nil {
		return true
	}
	return p.blind && (len(p.turns) == 0 || p.turns[len(p.turns)-1].voted == "")
}

// anonymous takes the names of models out of a text that is about them.
func (p *chatPane) anonymous(s string) string {
	for i, m := range p.columns {
		s = strings.ReplaceAll(s, m.Ref, letter(i))
	}
	return s
}
