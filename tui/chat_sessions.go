package tui

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/tui/widget"
)

// manySessions is how many sessions are offered at most; words narrow them.
const manySessions = 500

// sessions offers what was talked about before, narrowed to the sessions that
// hold query anywhere.
func (p *chatPane) sessions(query string) tea.Cmd {
	query = strings.TrimSpace(query)
	return task(p.app.ctx, func(ctx context.Context) ([]chat.Conversation, error) {
		return p.app.svc.Chat.Conversations(ctx, query, manySessions)
	}, func(all []chat.Conversation, err error) tea.Cmd {
		switch {
		case err != nil:
			return p.app.fail(err)
		case len(all) == 0 && query != "":
			return p.app.say(widget.Info, widget.MarkUnknown, fmt.Sprintf("no session holds %q", query))
		case len(all) == 0:
			return p.app.say(widget.Info, widget.MarkUnknown, "there are no sessions yet; what is asked is kept by itself")
		}
		var entries []entry
		for _, c := range all {
			entries = append(entries, entry{text: c.Title, note: strings.Join(c.Models, ", ") + ", " + widget.Ago(c.Updated, p.app.deps.Now()),
				do: func() tea.Cmd { return p.load(c.ID) }})
		}
		title := "Sessions"
		if query != "" {
			title = fmt.Sprintf("Sessions that hold %q", query)
		}
		pk := newPicker(p.app, title, "type to narrow by title; :sessions TEXT looks into them", entries)
		pk.empty = "no session of that title"
		pk.more = []pickerKey{{"ctrl+x", "delete", func(i int) tea.Cmd { return p.forget(all[i], query) }}}
		p.app.modal = pk
		return nil
	})
}

// forget deletes a session after a question.
func (p *chatPane) forget(c chat.Conversation, query string) tea.Cmd {
	p.app.modal = newConfirm(p.app, confirm{title: "Delete the session?", yes: "delete it", bad: true, text: []string{c.Title, "Its answers and the votes on them go with it."},
		do: func() tea.Cmd {
			return act(p.app.ctx, func(ctx context.Context) error { return p.app.svc.Chat.DeleteConversation(ctx, c.ID) }, func(err error) tea.Cmd {
				if err != nil {
					return p.app.fail(err)
				}
				if p.log != nil && p.log.Conversation().ID == c.ID {
					p.fresh()
				}
				return tea.Batch(p.sessions(query), p.app.say(widget.Good, widget.MarkDone, "deleted the session"))
			})
		}})
	return nil
}

// load shows a session and goes on with it.
func (p *chatPane) load(id int64) tea.Cmd {
	type found struct {
		c     chat.Conversation
		turns []chat.Turn
		votes map[int][]chat.Voted
	}
	return task(p.app.ctx, func(ctx context.Context) (found, error) {
		c, turns, err := p.app.svc.Chat.Load(ctx, id)
		if err != nil {
			return found{}, err
		}
		votes, err := p.app.svc.Chat.VotesIn(ctx, id)
		return found{c, turns, votes}, err
	}, func(f found, err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		p.fresh()
		p.log = p.app.svc.Chat.Transcript(f.c, f.turns)
		p.turns = p.restore(f.turns, f.votes)
		p.refer, p.values, p.blind = "", nil, false
		var prices tea.Cmd
		if len(p.turns) > 0 {
			last := p.turns[len(p.turns)-1]
			p.system, p.columns, p.left = last.system, slices.Clone(last.models), 0
			for _, m := range last.models {
				prices = tea.Batch(prices, p.price(m))
			}
		}
		p.hold(f.c.Set)
		p.elsewhere = ""
		if here, _ := p.app.svc.Chat.Account(); f.c.Account != "" && f.c.Account != here {
			p.elsewhere = f.c.Account
		}
		p.reprice()
		p.fullness()
		p.mode = chatKeys
		return prices
	})
}

// hold goes on in the manner that a session was held in.
func (p *chatPane) hold(m chat.Manner) {
	if m.MaxTokens == 0 {
		return // it was kept before there was any
	}
	p.settings, p.talk, p.own = m.Settings, m.Talk, map[string]how{}
	if m.System != "" {
		p.system = m.System
	}
	for ref, o := range m.Own {
		p.own[p.named(ref).ID] = how{o.System, o.Settings}
	}
}

// restore makes turns of what was kept.
func (p *chatPane) restore(kept []chat.Turn, votes map[int][]chat.Voted) []*chatTurn {
	var turns []*chatTurn
	at := -1
	var t *chatTurn
	for _, k := range kept {
		if t == nil || k.Position/2 != at {
			at = k.Position / 2
			t = &chatTurn{answers: map[string]*chatAnswer{}, position: 2 * at, votes: votes[2*at]}
			if n := len(t.votes); n > 0 {
				t.voted = or(t.votes[n-1].Winner, t.votes[n-1].Note)
			}
			turns = append(turns, t)
		}
		switch k.Role {
		case "system":
			t.system = k.Content
		case "user":
			t.question = k.Content
		case "reference":
			t.reference = k.Content
		case "assistant":
			m := p.named(k.Model)
			t.models = append(t.models, m)
			t.answers[m.ID] = &chatAnswer{state: k.Answer(m)}
		}
	}
	return turns
}

// named is the model of that name, or what is left of it when it is gone.
func (p *chatPane) named(ref string) chat.Model {
	for _, m := range p.models {
		if m.Ref == ref {
			return m
		}
	}
	return chat.Model{Ref: ref, ID: ref, Note: "not in the account's list of models"}
}

// export writes the session to a file; the name's end decides the form.
func (p *chatPane) export(args string) tea.Cmd {
	c := p.log.Conversation()
	if c.ID == 0 {
		return p.app.say(widget.Warn, widget.MarkWarning, "the session is not on disk yet; try again in a moment")
	}
	return p.app.export(args, export{
		title: "Export this session", help: "the name's end decides: .md to read, .jsonl for datasets and evaluations, .csv for figures",
		proposed: filepath.Join(p.app.deps.WorkDir, fmt.Sprintf("session-%d.md", c.ID)),
		write: func(ctx context.Context, f io.Writer, path string) (string, error) {
			format := strings.TrimPrefix(filepath.Ext(path), ".")
			if format == "md" {
				format = "markdown"
			}
			return "", p.app.svc.Chat.Export(ctx, c.ID, format, f)
		},
	})
}
