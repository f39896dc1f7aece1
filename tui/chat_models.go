package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
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
		p.columns = slices.DeleteFunc(p.columns, func(m chat.Model) bool {
			return !slices.ContainsFunc(ms, func(o chat.Model) bool { return o.ID == m.ID })
		})
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
