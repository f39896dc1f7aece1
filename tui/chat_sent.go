package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/tui/widget"
)

// sending is what of a request is shown.
type sending uint8

const (
	sentNot    sending = iota
	sentText           // the prompt
	sentJSON           // the body
	sentTokens         // the prompt as the model reads it
)

// sentOf is what was sent for an answer, as it is to be shown; "" for nothing.
func (p *chatPane) sentOf(a *chatAnswer) string {
	switch {
	case p.view == sentNot:
		return ""
	case p.view == sentText || a.request.Messages == nil:
		return a.state.Sent
	}
	if a.json == "" {
		v, err := p.app.svc.Chat.Preview(a.request)
		if err != nil {
			return err.Error()
		}
		a.json = v.Operation + "\n" + v.JSON
		for _, s := range v.Lost {
			a.json += "\n(" + s + " has no place in " + string(v.Route) + " and is not sent)"
		}
		var b strings.Builder
		for i, t := range v.Tokens {
			if i > 0 {
				b.WriteString("  ")
			}
			fmt.Fprintf(&b, "%s %d", strings.ReplaceAll(t.Text, " ", "_"), t.ID)
		}
		a.tokens = fmt.Sprintf("%s\n%s", widget.Plural(int64(len(v.Tokens)), "token"), b.String())
		if v.Tokens == nil {
			a.tokens = "the tokens of " + a.request.Model.Ref + " are not known here"
		}
		if v.Context > 0 {
			a.tokens += fmt.Sprintf("\nof %s that the model holds", widget.Count(int64(v.Context)))
		}
	}
	if p.view == sentTokens {
		return a.tokens
	}
	return a.json
}

// along offers the last requests as commands and programs that make them again.
func (p *chatPane) along(kind string) tea.Cmd {
	last := p.turns[len(p.turns)-1]
	return p.alongOf(last, last.models, kind)
}

// alongOf does so with requests of a turn.
func (p *chatPane) alongOf(t *chatTurn, models []chat.Model, kind string) tea.Cmd {
	take := func(r chat.Request, kind string) tea.Cmd {
		text, err := p.app.svc.Chat.Snippet(r, kind)
		if err != nil {
			return p.app.fail(err)
		}
		return p.app.copy(fmt.Sprintf("what asks %[2]s again (%[1]s):", kind, r.Model.Ref), text)
	}
	var all []entry
	if p.hidden() { // the order of the columns would tell who is who
		models = slices.SortedFunc(slices.Values(models), func(a, b chat.Model) int { return strings.Compare(a.Ref, b.Ref) })
	}
	for _, m := range models {
		a := t.answers[m.ID]
		if a.request.Messages == nil {
			continue
		}
		for _, k := range chat.SnippetKinds() {
			if kind == "" || k == kind {
				all = append(all, entry{text: m.Ref + "  " + k, note: map[string]string{"aws": "a command of the AWS command line", "boto3": "a Python program", "go": "a Go program"}[k],
					do: func() tea.Cmd { return take(a.request, k) }})
			}
		}
	}
	switch len(all) {
	case 0:
		return p.app.say(widget.Warn, widget.MarkWarning, "that was asked before this session was opened; E asks a question of then again")
	case 1:
		return all[0].do()
	}
	p.app.modal = newPicker(p.app, "Copy the request as", "type to narrow", all)
	return nil
}

// sets offers the sets of models that were saved, and to save these.
func (p *chatPane) sets(name string) tea.Cmd {
	refs := make([]string, 0, len(p.columns))
	for _, m := range p.columns {
		refs = append(refs, m.Ref)
	}
	save := func(name string) tea.Cmd {
		if strings.TrimSpace(name) == "" {
			return nil
		}
		return act(p.app.ctx, func(ctx context.Context) error { return p.app.svc.Chat.SaveSet(ctx, name, refs) }, func(err error) tea.Cmd {
			if err != nil {
				return p.app.fail(err)
			}
			return p.app.say(widget.Good, widget.MarkDone, fmt.Sprintf("%s are the set %s", strings.Join(refs, ", "), name))
		})
	}
	return task(p.app.ctx, p.app.svc.Chat.Sets, func(sets map[string][]string, err error) tea.Cmd {
		switch {
		case err != nil:
			return p.app.fail(err)
		case name != "" && sets[name] != nil:
			return p.with(sets[name]...)
		case name != "":
			return save(name)
		}
		all := []entry{{text: "save these as …", note: strings.Join(refs, ", "), do: func() tea.Cmd {
			p.app.modal = &prompt{app: p.app, title: "Save these models as a set", help: "a name; one that is there is replaced", do: save}
			return nil
		}}}
		for _, n := range chat.SetNames(sets) {
			all = append(all, entry{text: n, note: strings.Join(sets[n], ", "), do: func() tea.Cmd { return p.with(sets[n]...) }})
		}
		pk := newPicker(p.app, "Sets of models", "type to narrow", all)
		pk.more = []pickerKey{{"ctrl+x", "delete", func(i int) tea.Cmd {
			if i == 0 {
				return nil // what saves is no set
			}
			name := chat.SetNames(sets)[i-1]
			p.app.modal = newConfirm(p.app, confirm{title: "Delete the set?", yes: "delete it", bad: true, text: []string{name + ": " + strings.Join(sets[name], ", "), "The models stay."},
				do: func() tea.Cmd {
					return act(p.app.ctx, func(ctx context.Context) error { return p.app.svc.Chat.SaveSet(ctx, name, nil) }, func(err error) tea.Cmd {
						if err != nil {
							return p.app.fail(err)
						}
						return p.app.say(widget.Good, widget.MarkDone, "deleted the set "+name)
					})
				}})
			return nil
		}}}
		p.app.modal = pk
		return nil
	})
}

// past is an answer of before, for a transcript that begins with it.
type past struct{ state chat.AnswerState }

func (a past) State() chat.AnswerState { return a.state }
func (a past) Done() <-chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}

// branch goes back to before the n-th question, in a session of its own; the one
// before stays as it is.
func (p *chatPane) branch(n int) {
	p.cancel()
	p.turns, p.back = slices.Clone(p.turns[:n]), 0
	p.table.stamp = ""
	p.log, p.logFailed = nil, false
	if n == 0 {
		return
	}
	p.log = p.app.svc.Chat.Transcript(chat.Conversation{}, nil)
	p.log.Use(p.manner())
	for _, t := range p.turns {
		e := chat.Exchange{System: t.system, Question: t.question, Reference: t.reference}
		for _, m := range t.models {
			e.Answers = append(e.Answers, past{t.answers[m.ID].state})
		}
		t.position = p.log.Keep(e)
	}
}

// resend takes a question back into the field, to be changed and sent again.
func (p *chatPane) resend(args string) tea.Cmd {
	n := len(p.turns)
	if args = strings.TrimSpace(args); args != "" {
		if _, err := fmt.Sscanf(args, "%d", &n); err != nil || n < 1 || n > len(p.turns) {
			return p.app.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("%q: the number of a question from 1 to %d is needed", args, len(p.turns)))
		}
	}
	t := p.turns[n-1]
	p.branch(n - 1)
	p.system, p.refer = t.system, t.reference
	p.in.Set(t.question)
	p.mode = chatInput
	return nil
}

// against is the answer that an answer is compared with where differences are
// shown, nil for none; mine says that it is the first of the two.
func (p *chatPane) against(t *chatTurn, m chat.Model) (other *chatAnswer, mine bool) {
	if !p.diff || len(p.columns) < 2 {
		return nil, false
	}
	first := p.columns[0]
	with := first
	if m.ID == first.ID {
		with, mine = p.columns[1], true
	}
	a, b := t.answers[m.ID], t.answers[with.ID]
	if a == nil || b == nil || a == b || !a.state.Done() || !b.state.Done() || a.state.Text == "" || b.state.Text == "" {
		return nil, false
	}
	return b, mine
}
