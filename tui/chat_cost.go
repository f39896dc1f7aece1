package tui

import (
	"context"
	"slices"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/backend/modelimport"
)

// price reads how many custom model units a model takes, which decides what it
// costs, where anything costs.
func (p *chatPane) price(m chat.Model) tea.Cmd {
	if _, known := p.units[m.ID]; known || !p.app.svc.Account.Bills || m.Kind != chat.Imported {
		return nil
	}
	p.units[m.ID] = -1
	return task(p.app.ctx, func(ctx context.Context) (modelimport.Details, error) {
		return p.app.svc.Imports.Details(ctx, modelimport.Model{ARN: m.ID, Name: m.Name})
	}, func(d modelimport.Details, err error) tea.Cmd {
		if err != nil {
			delete(p.units, m.ID) // asked again with the next question
			return nil
		}
		p.units[m.ID] = d.Units
		p.reprice()
		return nil
	})
}

// reprice reckons anew what the answers that have ended cost.
func (p *chatPane) reprice() {
	acc := p.app.svc.Account
	meter := chat.Meter{Prices: p.app.deps.Prices, Bills: acc.Bills, Region: acc.Region, Units: func(id string) int { return p.units[id] }}
	for _, t := range p.turns {
		for _, m := range t.models {
			if a := t.answers[m.ID]; a.state.Done() {
				was := a.cost
				if a.cost = meter.Cost(a.state); a.request.Messages == nil && p.elsewhere != "" {
					a.cost = chat.Cost{Basis: "it was asked in another account, " + p.elsewhere}
				}
				if a.cost != was {
					t.laid = nil
				}
			}
		}
	}
	p.table.stamp = ""
}

// costs is what an answer has cost; ok is false where that is not to be said:
// where nothing costs, or where it would tell which model answered.
func (p *chatPane) costs(t *chatTurn, m chat.Model) (c chat.Cost, ok bool) {
	a := t.answers[m.ID]
	if a == nil || p.hidden() || !p.app.svc.Account.Bills && m.Kind != chat.Hosted || a.cost == (chat.Cost{}) {
		return chat.Cost{}, false
	}
	return a.cost, true
}

// nameOf is a model's name, or its letter while names are hidden.
func (p *chatPane) nameOf(m chat.Model) string {
	if i := slices.IndexFunc(p.columns, func(c chat.Model) bool { return c.ID == m.ID }); p.hidden() && i >= 0 {
		return letter(i)
	}
	return m.Ref
}

// shownModels are the models of a turn in the order of the columns, and then those
// that have none.
func (p *chatPane) shownModels(t *chatTurn) []chat.Model {
	in := func(list []chat.Model, m chat.Model) bool {
		return slices.ContainsFunc(list, func(o chat.Model) bool { return o.ID == m.ID })
	}
	var all []chat.Model
	for _, m := range p.columns {
		if in(t.models, m) {
			all = append(all, m)
		}
	}
	for _, m := range t.models {
		if !in(all, m) {
			all = append(all, m)
		}
	}
	return all
}
