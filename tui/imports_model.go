package tui

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/modelimport"
	"tunebench/tui/widget"
)

// details are what was read of one model, and when.
type details struct {
	d       modelimport.Details
	err     error
	read    time.Time // zero until it was read
	running bool
}

// detailAge is how old details may be before they are read again.
const detailAge = 30 * time.Second

// look reads the details of the model under the cursor, unless they are fresh.
func (p *importPane) look() tea.Cmd {
	m := p.model()
	if m == nil || p.app.svc == nil {
		return nil
	}
	t := p.details[m.ARN]
	if t == nil {
		t = &details{}
		p.details[m.ARN] = t
	}
	if now := p.app.deps.Now(); t.running || !t.read.IsZero() && now.Sub(t.read) < detailAge {
		return nil
	}
	t.running = true
	svc, model := p.app.svc.Imports, *m
	return task(p.app.ctx, func(ctx context.Context) (modelimport.Details, error) { return svc.Details(ctx, model) },
		func(d modelimport.Details, err error) tea.Cmd {
			t.d, t.err, t.running, t.read = d, err, false, p.app.deps.Now()
			return nil
		})
}

// modelLines is what is known about the model under the cursor.
func (p *importPane) modelLines() []string {
	m := p.model()
	if m == nil {
		return nil
	}
	l := p.app.look
	lines := []string{l.Rule(p.w, m.Name, "", false)}
	talks := "no: it came without a chat template"
	if m.Instruct {
		talks = "yes: a chat template came with it"
	}
	facts := [][2]string{{"ARN", m.ARN}, {"training job", m.TrainingJob}, {"source", m.Source}, {"import job", m.ImportJob},
		{"prompt format", or(m.PromptFormat, "not known: questions are sent as chat messages, if it takes them")}, {"Converse", talks}}
	for _, f := range append(facts, p.detailFacts(m)...) {
		if f[1] != "" {
			lines = append(lines, paragraph(l, p.w, f[0], f[1], widget.Text, 13)...)
		}
	}
	if t := p.details[m.ARN]; t != nil && !t.read.IsZero() && t.err == nil {
		if since, idle := t.d.IdleSince(*m, p.app.deps.Now()); idle {
			lines = append(lines, paragraph(l, p.w, widget.MarkWarning, fmt.Sprintf("nobody here has used it for %s; it is stored, and billed for that, until it is deleted (d)",
				days(p.app.deps.Now().Sub(since))), widget.Warn, 1)...)
		}
	}
	return append(lines, widget.Blank(p.w), keyLine(l, p.w, hint{"c", "chat with it beside the base model"}, hint{"e", "score it against the base model"}, hint{"v", "ask it in every form"}))
}

func days(d time.Duration) string { return fmt.Sprintf("%d days", int(d.Hours()/24)) }

// detailFacts are use and cost of a model, as far as they are known.
func (p *importPane) detailFacts(m *modelimport.Model) [][2]string {
	t := p.details[m.ARN]
	switch {
	case t == nil || t.read.IsZero():
		return nil
	case t.err != nil:
		return [][2]string{{"more", "could not be read: " + t.err.Error()}}
	}
	now, d := p.app.deps.Now(), t.d
	if proved := p.proofs[m.ARN]; proved != nil && proved.err == nil && proved.at.After(d.LastUse) {
		d.LastUse = proved.at // the store knows of chats and evaluations
	}
	last := "never, from here"
	if !d.LastUse.IsZero() {
		last = widget.Ago(d.LastUse, now) + ", from here"
	}
	facts := [][2]string{{"last use", last + "; " + d.Awake(now)}}
	if d.Units > 0 {
		units := fmt.Sprintf("%d custom model unit (%s)", d.Units, d.UnitsVersion)
		if d.Units > 1 {
			units = fmt.Sprintf("%d custom model units (%s)", d.Units, d.UnitsVersion)
		}
		facts = append(facts, [2]string{"size", units}, [2]string{"cost", p.cost(d)})
	}
	var tags []string
	for _, k := range slices.Sorted(maps.Keys(d.Tags)) {
		if !strings.HasPrefix(k, "tunebench:") { // what those say stands above
			tags = append(tags, k+"="+d.Tags[k])
		}
	}
	if d.TagsErr != "" {
		tags = append(tags, "could not be read: "+d.TagsErr)
	}
	return append(facts, [2]string{"tags", strings.Join(tags, ", ")})
}

// cost says what a model costs by the prices of the configuration.
func (p *importPane) cost(d modelimport.Details) string {
	if !p.app.svc.Account.Bills {
		return "nothing: the local account bills nobody"
	}
	pr := p.app.deps.Prices
	window := float64(d.Units) * pr.CMUMinute * modelimport.Window.Minutes()
	s := fmt.Sprintf("$%.2f a month to store, $%.2f to wake it (one window of five minutes)", float64(d.Units)*pr.CMUMonth, window)
	if d.Windows > 0 {
		s += fmt.Sprintf("; today %d windows from here, $%.2f for each copy", d.Windows, float64(d.Windows)*window)
	}
	return s + fmt.Sprintf(" (prices of %s, %s)", pr.Date, pr.Region)
}
