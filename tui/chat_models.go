package tui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/artifact"
	"tunebench/backend/chat"
	"tunebench/tui/widget"
)

// reload reads the list of models again.
func (p *chatPane) reload() tea.Cmd {
	if p.app.svc == nil || p.loading {
		return nil
	}
	p.loading = true
	return task(p.app.ctx, p.app.svc.Chat.Models, func(ms []chat.Model, err error) tea.Cmd {
		p.loading, p.err = false, err
		if err != nil {
			return nil
		}
		p.models, p.loaded = ms, true
		then := p.then
		p.then = nil
		if p.round != nil {
			return nil // its columns are its own
		}
		var still []chat.Model // with what is known of them now
		for _, m := range p.columns {
			if i := slices.IndexFunc(ms, func(o chat.Model) bool { return o.ID == m.ID }); i >= 0 {
				still = append(still, ms[i])
			}
		}
		p.columns = still
		if len(p.wanted) > 0 {
			p.choose(p.wanted)
		}
		if len(p.columns) == 0 {
			p.columns = usual(ms)
		}
		if then != nil {
			return then()
		}
		return nil
	})
}

// usual is what is compared unless something else was chosen: the base model and
// the model that was imported last.
func usual(ms []chat.Model) []chat.Model {
	var cols []chat.Model
	for _, m := range ms {
		if m.Ref == "base" {
			cols = append(cols, m)
			break
		}
	}
	for _, m := range ms {
		if m.Kind == chat.Imported {
			return append(cols, m)
		}
	}
	if len(cols) == 0 && len(ms) > 0 {
		cols = ms[:1]
	}
	return slices.Clone(cols)
}

// choose takes models by name; the ones that do not exist are left out.
func (p *chatPane) choose(refs []string) {
	p.wanted = nil
	var cols []chat.Model
	for _, r := range refs {
		for _, m := range p.models {
			if m.Ref == r || m.Name == r || m.ID == r {
				cols = append(cols, m)
				break
			}
		}
	}
	if len(cols) > 0 {
		p.columns, p.left = cols, 0
	}
}

// with comes to the front with these models beside each other.
func (p *chatPane) with(refs ...string) tea.Cmd {
	left := p.leaveRound()
	p.wanted = refs
	p.mode = chatInput
	p.loaded = false
	return tea.Batch(left, p.reload(), p.app.goTo(p))
}

// whenLoaded does something as soon as the models are known.
func (p *chatPane) whenLoaded(f func() tea.Cmd) tea.Cmd {
	if p.loaded {
		return f()
	}
	p.then = f
	return p.reload()
}

// asks reports whether a model of that name is being talked to, or has been.
func (p *chatPane) asks(name string) bool {
	named := func(m chat.Model) bool { return m.Kind == chat.Imported && m.Name == name }
	return p.app.pane() == pane(p) && slices.ContainsFunc(p.columns, named) ||
		slices.ContainsFunc(p.turns, func(t *chatTurn) bool { return slices.ContainsFunc(t.models, named) })
}

// cancelOne ends one of the answers that are arriving: the one of that name, the
// only one there is, or one that is chosen.
func (p *chatPane) cancelOne(name string) tea.Cmd {
	t := p.turns[len(p.turns)-1]
	var all []entry
	for _, m := range p.shownModels(t) {
		a := t.answers[m.ID]
		if a == nil || a.state.Done() || name != "" && name != m.Ref {
			continue
		}
		all = append(all, entry{text: p.nameOf(m), note: string(a.state.Phase), do: func() tea.Cmd { a.answer.Cancel(); return nil }})
	}
	switch len(all) {
	case 0:
		return p.app.say(widget.Warn, widget.MarkWarning, "no answer of "+or(name, "any model")+" is arriving")
	case 1:
		return all[0].do()
	}
	p.app.modal = newPicker(p.app, "End one answer; what has come is kept", "type to narrow", all)
	return nil
}

// formats sets the prompt format of an imported model: MODEL FORMAT, or chosen.
func (p *chatPane) formats(args string) tea.Cmd {
	var all []entry
	words := strings.Fields(args)
	for _, m := range p.models { // whose order tells nothing while names are hidden
		if m.Kind != chat.Imported || len(words) > 0 && words[0] != m.Ref || !slices.ContainsFunc(p.columns, func(c chat.Model) bool { return c.ID == m.ID }) {
			continue
		}
		for _, f := range artifact.Formats() {
			if len(words) > 1 && words[1] != f {
				continue
			}
			note := ""
			if f == m.PromptFormat {
				note = "as it is asked now"
			}
			all = append(all, entry{text: m.Ref + "  " + f, note: note, do: func() tea.Cmd { return p.setFormat(m, f) }})
		}
	}
	switch {
	case len(all) == 0 && len(words) > 0:
		return p.app.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("%q: the name of an imported model of the columns and a format are needed, one of %s", args, strings.Join(artifact.Formats(), ", ")))
	case len(all) == 0:
		return p.app.say(widget.Info, widget.MarkUnknown, "none of these models was imported; Bedrock knows the formats of the others")
	case len(all) == 1 && len(words) > 1:
		return all[0].do()
	}
	p.app.modal = newPicker(p.app, "The prompt format it was trained with", "type to narrow", all)
	return nil
}

func (p *chatPane) setFormat(m chat.Model, format string) tea.Cmd {
	svc := p.app.svc.Chat
	return act(p.app.ctx, func(ctx context.Context) error { return svc.SetPromptFormat(ctx, m, format) }, func(err error) tea.Cmd {
		if err != nil {
			return p.app.fail(err)
		}
		return tea.Batch(p.reload(), p.app.say(widget.Good, widget.MarkDone, m.Ref+" is asked in prompts as "+format))
	})
}

// doubts warns, once for each model, that its prompt format may be wrong.
func (p *chatPane) doubts(models []chat.Model) tea.Cmd {
	for _, m := range models {
		if m.Doubt == "" || p.doubted[m.ID] == m.Doubt {
			continue
		}
		p.doubted[m.ID] = m.Doubt
		return p.app.say(widget.Warn, widget.MarkWarning, p.nameOf(m)+": "+m.Doubt+"; F sets the format")
	}
	return nil
}
