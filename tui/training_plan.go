package tui

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/training"
	"tunebench/tui/widget"
)

// planLines say in at most height lines what will be done, before it is done;
// what does not fit is one key away.
func (p *trainingPane) planLines(height int) []string {
	l := p.app.look
	note := ""
	if p.planning {
		note = widget.MarkRunning + " reading the dataset"
	}
	lines := []string{l.Rule(p.w, "Plan", note, false)}
	switch {
	case p.planErr != nil && !p.planning:
		return append(lines, paragraph(l, p.w, widget.MarkFailed, p.planErr.Error(), widget.Bad, 1)...)
	case p.plan == nil:
		return lines
	}
	if full := p.planSheet(l, p.w, min(p.w, 120), *p.plan); len(full) < height {
		return append(lines, full...) // there is room for sentences
	}
	// What money and problems there are comes first; the rest follows as it fits.
	facts, more := p.planFacts(*p.plan), []string(nil)
	for _, f := range facts[:3] {
		lines = append(lines, factLine(l, p.w, f))
	}
	for _, w := range p.plan.Warnings {
		more = append(more, paragraph(l, p.w, widget.MarkWarning, w, widget.Warn, 1)...)
	}
	for _, f := range facts[3:] {
		more = append(more, factLine(l, p.w, f))
	}
	if n := len(p.plan.Unchecked); n > 0 {
		more = append(more, l.Row(p.w).Gap(2).Put(widget.Info, "? ").Put(widget.Muted, widget.Plural(int64(n), "thing")+" could not be checked before the start").String())
	}
	if room := height - len(lines); len(more) > room {
		room = max(room-1, 0)
		hidden := len(more) - room
		more = append(more[:room], l.Row(p.w).Gap(2).Put(widget.Key, "ctrl+o").Put(widget.Muted, fmt.Sprintf(" shows %d more lines and the whole plan", hidden)).String())
	}
	return append(lines, more...)
}

func factLine(l *widget.Look, w int, f [2]string) string {
	return l.Row(w).Gap(2).Cell(widget.Muted, f[0], 10, false).Gap(2).Put(widget.Text, f[1]).String()
}

// planFacts is a plan in a few lines, what it takes first.
func (p *trainingPane) planFacts(pl training.Plan) [][2]string {
	rows := widget.Plural(pl.TrainRows, "row")
	if pl.ValidationRows > 0 {
		rows += ", " + widget.Count(pl.ValidationRows) + " to evaluate with"
	}
	if pl.Tokens > 0 {
		rows += ", about " + widget.Count(pl.Tokens) + " tokens"
	}
	where := or(pl.Instance, "this machine")
	if pl.InstanceCount > 1 {
		where = fmt.Sprintf("%d x %s", pl.InstanceCount, pl.Instance)
	}
	s := pl.Config.Settings
	method := s.Method
	if s.LoRARank > 0 {
		method = fmt.Sprintf("%s r=%d", s.Method, s.LoRARank)
	}
	facts := [][2]string{
		{"work", fmt.Sprintf("%s of %d sequences, %s, %s on %s", widget.Plural(int64(pl.Steps), "step"), s.BatchRows, s.PromptFormat, method, where)},
		{"data", rows},
		{"cost", p.costText(pl)},
	}
	for _, f := range [][2]string{{"memory", memoryText(pl.Memory)}, {"base model", pl.Config.BaseModel}, {"job", pl.Name}, {"output", pl.Output}} {
		if f[1] != "" {
			facts = append(facts, f)
		}
	}
	if p.goFrom != "" {
		facts = append(facts, [2]string{"goes on", "from the last checkpoint in " + p.goFrom})
	}
	return facts
}

// costText is the money and the time that a plan takes.
func (p *trainingPane) costText(pl training.Plan) string {
	switch {
	case !p.app.svc.Account.Bills:
		return "nothing: this account does not bill"
	case pl.Cost == nil && pl.Time == nil:
		return "could not be estimated"
	case pl.Cost == nil:
		return "could not be estimated; it takes " + pl.Time.Text()
	}
	text := pl.Cost.Text()
	if pl.Time != nil {
		text += " in " + pl.Time.Text()
	}
	if spot := pl.Cost.Spot(); spot != "" {
		text += "; on spot " + spot
	}
	return text
}

// memoryText is what one GPU will hold.
func memoryText(m *training.Memory) string {
	if m == nil {
		return ""
	}
	has := ""
	if m.HasGiB > 0 {
		has = fmt.Sprintf(" of %.0f", m.HasGiB)
	}
	return fmt.Sprintf("about %.1f%s GiB on each of %s, %s", m.GiB, has, widget.Plural(int64(m.GPUs), "GPU"), m.Strategy)
}

func (p *trainingPane) noPlan() string {
	switch {
	case p.planning:
		return "the plan is being made"
	case p.plan == nil:
		return "there is no plan yet"
	}
	return ""
}

// showPlan shows all of the plan, with the request that would be sent.
func (p *trainingPane) showPlan() tea.Cmd {
	plan, svc := *p.plan, p.app.svc.Training
	s := &sheet{app: p.app, title: "Plan"}
	var request []string
	note := "the request is being made"
	s.lines = func(l *widget.Look, w int) []string {
		lines := p.planSheet(l, w, w, plan)
		lines = append(lines, widget.Blank(w), l.Row(w).Gap(1).Put(widget.Strong, "The request to SageMaker").String())
		if note != "" {
			lines = append(lines, l.Row(w).Gap(1).Put(widget.Faint, note).String())
		}
		for _, t := range request {
			lines = append(lines, l.Row(w).Gap(1).Put(widget.Muted, t).String())
		}
		return lines
	}
	p.app.modal = s
	return task(p.app.ctx, func(ctx context.Context) (json.RawMessage, error) { return svc.Request(ctx, plan) }, func(raw json.RawMessage, err error) tea.Cmd {
		note = ""
		if err != nil {
			note = "it cannot be made: " + err.Error()
			return nil
		}
		b, err := json.MarshalIndent(raw, "", "  ")
		if err != nil {
			note = err.Error()
			return nil
		}
		request = strings.Split(string(b), "\n")
		return nil
	})
}

// planSheet is a plan in full sentences of at most wrap cells.
func (p *trainingPane) planSheet(l *widget.Look, w, wrap int, pl training.Plan) []string {
	var lines []string
	put := func(name, text string) {
		if text == "" {
			return
		}
		for i, s := range l.Wrap(text, wrap-16) {
			if i > 0 {
				name = ""
			}
			lines = append(lines, l.Row(w).Gap(2).Cell(widget.Muted, name, 11, false).Gap(1).Put(widget.Text, s).String())
		}
	}
	for _, f := range p.planFacts(pl) {
		put(f[0], f[1])
		switch f[0] {
		case "data":
			if pl.TokensBy != "" {
				put("", "counted by "+pl.TokensBy)
			}
		case "memory":
			put("", pl.Memory.Basis)
		case "cost":
			if pl.Time != nil {
				put("", pl.Time.Basis)
			}
			if pl.Cost != nil {
				put("", pl.Cost.Basis)
			}
		}
	}
	if pl.Config.BaseModel != training.SmallBase {
		put("image", pl.Image)
	}
	put("role", pl.RoleARN)
	put("checkpoints", pl.Checkpoints)
	block := func(mark string, st widget.Style, text string, then string) {
		for i, s := range l.Wrap(text, wrap-6) {
			if i > 0 {
				mark = " "
			}
			lines = append(lines, l.Row(w).Gap(2).Put(st, mark).Gap(1).Put(st, s).String())
		}
		if then == "" {
			return
		}
		for _, s := range l.Wrap(then, wrap-6) {
			lines = append(lines, l.Row(w).Gap(4).Put(widget.Muted, s).String())
		}
	}
	if len(pl.Warnings) > 0 {
		lines = append(lines, widget.Blank(w), l.Row(w).Gap(2).Put(widget.Strong, "What speaks against it").String())
	}
	for _, t := range pl.Warnings {
		block(widget.MarkWarning, widget.Warn, t, "")
	}
	if len(pl.Unchecked) > 0 {
		lines = append(lines, widget.Blank(w), l.Row(w).Gap(2).Put(widget.Strong, "What could not be checked").String())
	}
	for _, u := range pl.Unchecked {
		block("?", widget.Info, u.What, u.How)
	}
	return lines
}
