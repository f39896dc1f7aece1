package tui

import (
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/tui/widget"
)

// how is what a model is asked with.
type how struct {
	system   string
	settings chat.Settings
}

// how returns what a model is asked with: its own settings, or those of all.
func (p *chatPane) how(m chat.Model) how {
	if h, ok := p.own[m.ID]; ok {
		return h
	}
	return how{p.system, p.settings}
}

// manner is how the session is held: what is kept beside its turns, so that it
// goes on in the same way when it is opened again.
func (p *chatPane) manner() chat.Manner {
	m := chat.Manner{Settings: p.settings, System: p.system, Talk: p.talk}
	for _, c := range p.columns {
		if h, ok := p.own[c.ID]; ok {
			if m.Own == nil {
				m.Own = map[string]chat.Own{}
			}
			m.Own[c.Ref] = chat.Own{System: h.system, Settings: h.settings}
		}
	}
	return m
}

// edges separate the texts at which an answer ends.
const edges = "|"

// set opens the form of the settings.
func (p *chatPane) set() tea.Cmd {
	names := []string{"all models"}
	p.formFor = []string{""}
	for _, m := range p.columns {
		names = append(names, m.Ref)
		p.formFor = append(p.formFor, m.ID)
	}
	text := func(name, label, help string) widget.Field {
		return widget.Field{Name: name, Label: label, Help: help, Kind: widget.TextField}
	}
	p.form = widget.Form{Fields: []widget.Field{
		{Name: "for", Label: "for", Help: "all models, or one that is asked in its own way", Kind: widget.ChoiceField, Options: names, Changed: func() tea.Cmd { p.fill(); return nil }},
		text("system", "system prompt", "sent before every question; \\n is a new line"),
		text("max", "max tokens", "the longest answer"),
		text("temperature", "temperature", "0 always takes the likeliest token"),
		text("top-p", "top-p", "the share of likely tokens that are drawn from, 0 to 1"),
		text("top-k", "top-k", "how many of the likeliest tokens are drawn from; 0 is all"),
		text("stop", "stop", "texts at which an answer ends, with "+edges+" between them; \\n is a new line"),
		text("seed", "seed", "makes chance repeatable; empty leaves it to the model; Converse has no place for it"),
		{Name: "save", Label: "Use these", Kind: widget.ButtonField, Help: "takes them over for the next question"},
		{Name: "same", Label: "As all models", Kind: widget.ButtonField, Help: "drops the settings that this model has of its own", Press: func() tea.Cmd {
			delete(p.own, p.formFor[p.form.Field("for").Choice])
			p.mode = chatKeys
			return nil
		}},
	}}
	p.fill()
	p.form.On("system")
	p.openForm("Settings of the next question", p.take, nil)
	return nil
}

// openForm shows the form; note, which may be nil, stands below it.
func (p *chatPane) openForm(head string, do func() tea.Cmd, note func(width int) []string) {
	p.formHead, p.formDo, p.formNote = head, do, note
	p.mode = chatForm
}

var oneLined = strings.NewReplacer("\\", `\\`, "\n", `\n`)

// fill shows the settings of the model that is chosen in the form.
func (p *chatPane) fill() {
	id := p.formFor[p.form.Field("for").Choice]
	h := p.how(chat.Model{ID: id})
	put := func(name, value string) {
		f := p.form.Field(name)
		f.Input.Set(value)
		f.Err = ""
	}
	s := h.settings
	put("system", oneLined.Replace(h.system))
	put("max", strconv.Itoa(s.MaxTokens))
	put("temperature", strconv.FormatFloat(s.Temperature, 'g', -1, 64))
	put("top-p", strconv.FormatFloat(s.TopP, 'g', -1, 64))
	put("top-k", strconv.Itoa(s.TopK))
	put("stop", oneLined.Replace(strings.Join(s.Stop, edges)))
	put("seed", "")
	if s.Seed != nil {
		put("seed", strconv.FormatInt(*s.Seed, 10))
	}
	p.form.Field("same").Off = ""
	if _, own := p.own[id]; !own {
		p.form.Field("same").Off = "it has no settings of its own"
	}
}

// unescape turns \n into a line feed.
func unescape(s string) string {
	return strings.NewReplacer(`\\`, "\\", `\n`, "\n").Replace(s)
}

// take reads the form, or marks what cannot be meant.
func (p *chatPane) take() tea.Cmd {
	var h how
	bad := ""
	field := func(name string, ok bool, why string) {
		p.form.Field(name).Err = ""
		if !ok {
			p.form.Field(name).Err = why
			bad = name
		}
	}
	number := func(name string, least int) int {
		n, err := strconv.Atoi(strings.TrimSpace(p.form.Value(name)))
		field(name, err == nil && n >= least, fmt.Sprintf("a whole number from %d on", least))
		return n
	}
	fraction := func(name string, most float64) float64 {
		v, err := strconv.ParseFloat(strings.TrimSpace(p.form.Value(name)), 64)
		field(name, err == nil && v >= 0 && v <= most, fmt.Sprintf("a number from 0 to %g", most))
		return v
	}
	h.system = unescape(p.form.Value("system"))
	h.settings = chat.Settings{MaxTokens: number("max", 1), Temperature: fraction("temperature", 2), TopP: fraction("top-p", 1), TopK: number("top-k", 0)}
	for s := range strings.SplitSeq(p.form.Value("stop"), edges) {
		if s != "" {
			h.settings.Stop = append(h.settings.Stop, unescape(s))
		}
	}
	if s := strings.TrimSpace(p.form.Value("seed")); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		field("seed", err == nil, "a whole number, or nothing")
		h.settings.Seed = &n
	}
	if bad != "" {
		p.form.On(bad)
		return nil
	}
	if id := p.formFor[p.form.Field("for").Choice]; id != "" {
		p.own[id] = h
	} else {
		p.system, p.settings = h.system, h.settings
	}
	p.mode = chatKeys
	return nil
}

func (p *chatPane) leaveForm() tea.Cmd {
	p.mode = chatKeys
	return nil
}

// tight warns of a prompt that leaves no room for the answer in the context of a
// model.
func (p *chatPane) tight(t *chatTurn) tea.Cmd {
	for _, m := range t.models {
		tokens, context, exact := p.app.svc.Chat.Room(chat.Request{Model: m, Messages: p.messages(p.turns, t, m), Settings: p.how(m).settings})
		if most := p.how(m).settings.MaxTokens; context > 0 && tokens+most > context && tokens > context/2 {
			about := "about "
			if exact {
				about = ""
			}
			return p.app.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("%s holds %s tokens: the prompt has %s%s and the answer may have %s; t sends fewer turns, n begins anew",
				m.Ref, widget.Count(int64(context)), about, widget.Count(int64(tokens)), widget.Count(int64(most))))
		}
	}
	return nil
}

// fullness reckons how much of the contexts the conversation takes.
func (p *chatPane) fullness() {
	p.full = 0
	if !p.talk || len(p.turns) == 0 {
		return
	}
	for _, m := range p.columns {
		r := chat.Request{Model: m, Messages: p.messages(p.turns, &chatTurn{system: p.system, question: "?"}, m), Settings: p.how(m).settings}
		if tokens, context, _ := p.app.svc.Chat.Room(r); context > 0 {
			p.full = max(p.full, float64(tokens)/float64(context))
		}
	}
}
