package tui

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/backend/evaluation"
	"tunebench/tui/widget"
)

// chooseJudge offers the models that can judge after a vote.
func (p *chatPane) chooseJudge(string) tea.Cmd {
	all := []entry{{text: "no judge", note: "only people vote", mark: p.judge == "", do: func() tea.Cmd { p.judge = ""; return nil }}}
	for _, m := range p.models {
		note := string(m.Kind)
		for _, c := range p.columns {
			if c.ID == m.ID {
				note += ", would judge its own answers"
			}
		}
		all = append(all, entry{text: m.Ref, note: note, mark: p.judge == m.Ref, do: func() tea.Cmd {
			p.judge = m.Ref
			return p.app.say(widget.Info, widget.MarkWaiting, m.Ref+" judges after each of your votes, never before; it is asked in both orders")
		}})
	}
	all = append(all, entry{text: "what the judge is asked", note: "see and change it in your editor", do: p.app.editJudge})
	p.app.modal = newPicker(p.app, "Judge", "type to narrow", all)
	return nil
}

// editJudge opens what judges are asked in the user's editor.
func (a *App) editJudge() tea.Cmd {
	return task(a.ctx, a.svc.Evaluation.JudgePrompt, func(text string, err error) tea.Cmd {
		if err != nil {
			return a.fail(err)
		}
		return a.edit("judge.txt", text, func(changed string) tea.Cmd {
			return act(a.ctx, func(ctx context.Context) error { return a.svc.Evaluation.SetJudgePrompt(ctx, changed) }, func(err error) tea.Cmd {
				if err != nil {
					return a.fail(err)
				}
				return a.say(widget.Good, widget.MarkDone, "judges are asked this from now on; an empty text goes back to the first one")
			})
		})
	})
}

// askJudge asks the judge about answers of the conversation that were voted on.
func (p *chatPane) askJudge(t *chatTurn, conversation int64, voted chat.Outcome) tea.Cmd {
	if p.judge == "" {
		return nil
	}
	judge, left, right := p.judge, p.columns[0], p.columns[1]
	say := func(text string) {
		t.judged, t.laid = text, nil
	}
	say("is being asked")
	q := evaluation.AskJudge{Judge: judge, System: t.system, Question: t.question, Reference: t.reference,
		First: t.answers[left.ID].state.Text, Second: t.answers[right.ID].state.Text}
	t.judge = judge
	return task(p.app.ctx, func(ctx context.Context) (evaluation.Opinion, error) {
		o, err := p.app.svc.Evaluation.AskJudge(ctx, q)
		if err != nil || o.Outcome == "" || o.Same {
			return o, err
		}
		return o, p.app.svc.Chat.Cast(ctx, chat.Ballot{Conversation: conversation, Position: t.position, First: left.Ref, Second: right.Ref,
			Outcome: o.Outcome, Judge: o.Judge, Form: o.Form, Swayed: o.Swayed})
	}, func(o evaluation.Opinion, err error) tea.Cmd {
		if err != nil {
			say("could not be asked: " + err.Error())
			return nil
		}
		say(opinion(o, voted, left.Ref, right.Ref))
		return p.app.score.readVotes()
	})
}

// opinion is what a judge says, in words; left and right name the answers.
func opinion(o evaluation.Opinion, voted chat.Outcome, left, right string) string {
	text := ""
	switch {
	case o.Same:
		return "was not asked: the two answers are the same"
	case o.Outcome == "":
		return fmt.Sprintf("gave no verdict, which does not count: %q", o.Unread)
	case o.Swayed:
		text = "changes its mind when the answers change places, which counts as a tie"
	case o.Outcome == chat.First:
		text = "says " + left + " is better"
	case o.Outcome == chat.Second:
		text = "says " + right + " is better"
	default:
		text = "says a tie"
	}
	if voted == chat.BothBad {
		voted = chat.Tie
	}
	if o.Outcome == voted {
		return text + ", as you do"
	}
	return text + ", other than you"
}
