package tui

import (
	"context"
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/files"
	"tunebench/backend/training"
	"tunebench/tui/widget"
)

// savePreset asks for a name and keeps what the form holds under it.
func (p *trainingPane) savePreset() tea.Cmd {
	now := p.presetNow()
	m := &prompt{app: p.app, title: "Save as a preset", help: "a name in small letters, digits, dots and hyphens", complete: p.ownPresets, do: func(name string) tea.Cmd {
		if name == "" {
			return nil
		}
		return p.keepPreset(name, false)
	}}
	if now.Own {
		m.in.Set(now.Name)
	}
	p.app.modal = m
	return nil
}

// keepPreset saves what the form holds; a preset of that name is replaced after
// a question.
func (p *trainingPane) keepPreset(name string, replace bool) tea.Cmd {
	if p.mode != trainForm {
		return p.app.say(widget.Warn, widget.MarkWarning, "a preset is saved from the form of a new training job; n opens it")
	}
	from := p.presetNow()
	spec, err := p.spec()
	if err != nil {
		return p.app.fail(err)
	}
	ps := training.Preset{Name: name, Summary: from.Summary, Settings: from.Settings, Options: spec.Options}
	if !from.Own {
		ps.Summary = from.Name + " with changes"
	}
	if err := ps.Settings.Override(spec.Set); err != nil {
		return p.app.fail(err)
	}
	svc := p.app.svc.Training
	return act(p.app.ctx, func(context.Context) error { return svc.SavePreset(ps, replace) }, func(err error) tea.Cmd {
		if errors.As(err, new(*files.ExistsError)) {
			p.app.modal = newConfirm(p.app, confirm{title: "Replace the preset?", yes: "replace it", bad: true,
				text: []string{name, "What it held is lost."}, do: func() tea.Cmd { return p.keepPreset(name, true) }})
			return nil
		}
		if err != nil {
			return p.app.fail(err)
		}
		return tea.Batch(p.afterPreset(name), p.app.say(widget.Good, widget.MarkDone, "saved the preset "+name))
	})
}

// afterPreset offers the presets anew and chooses one.
func (p *trainingPane) afterPreset(chosen string) tea.Cmd {
	if p.mode != trainForm {
		return nil
	}
	p.offerPresets(chosen)
	p.fillSettings()
	return p.replan(0)
}

// ownPresets completes the names of the user's own presets.
func (p *trainingPane) ownPresets(prefix string) []string {
	if p.app.svc == nil {
		return nil
	}
	var names []string
	for _, ps := range p.app.svc.Training.Presets() {
		if ps.Own && strings.HasPrefix(ps.Name, prefix) {
			names = append(names, ps.Name)
		}
	}
	return names
}

// deletePreset deletes one of the user's own presets after a question.
func (p *trainingPane) deletePreset(name string) tea.Cmd {
	if name == "" {
		if own := p.ownPresets(""); len(own) == 0 {
			return p.app.say(widget.Warn, widget.MarkWarning, "there is no preset of yours; the form of a new training job saves one")
		}
		p.app.modal = &prompt{app: p.app, title: "Delete a preset", help: "the name of one of your presets", complete: p.ownPresets, do: func(s string) tea.Cmd {
			if s == "" {
				return nil
			}
			return p.deletePreset(s)
		}}
		return nil
	}
	p.app.modal = newConfirm(p.app, confirm{title: "Delete the preset?", yes: "delete it", bad: true,
		text: []string{name, "Jobs that were started with it keep their settings."}, do: func() tea.Cmd {
			svc := p.app.svc.Training
			return act(p.app.ctx, func(context.Context) error { return svc.DeletePreset(name) }, func(err error) tea.Cmd {
				if err != nil {
					return p.app.fail(err)
				}
				return tea.Batch(p.afterPreset(""), p.app.say(widget.Good, widget.MarkDone, "deleted the preset "+name))
			})
		}})
	return nil
}
