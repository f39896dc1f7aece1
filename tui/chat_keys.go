package tui

import (
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

func (p *chatPane) Bindings() *keys.Table {
	if p.app.svc == nil {
		return p.keys[chatKeys]
	}
	return p.keys[p.mode]
}

func (p *chatPane) Tables() []*keys.Table { return p.keys[:] }

func (p *chatPane) noSend() string {
	switch {
	case p.app.needAccount() != "":
		return p.app.needAccount()
	case !p.loaded && p.err != nil:
		return "the models could not be read; esc, then r tries again"
	case !p.loaded:
		return "the models are being read"
	case len(p.columns) == 0:
		return "no model is chosen; ctrl+o chooses"
	case p.streaming() > 0:
		return "an answer is still arriving; ctrl+x ends it"
	}
	return ""
}

// noModels says why no model can be chosen.
func (p *chatPane) noModels() string {
	switch {
	case p.app.needAccount() != "":
		return p.app.needAccount()
	case !p.loaded:
		return "the models are being read"
	case p.streaming() > 0:
		return "an answer is still arriving; x ends it"
	}
	return ""
}

func (p *chatPane) noStream() string {
	if p.streaming() == 0 {
		return "no answer is arriving"
	}
	return ""
}

func (p *chatPane) noTurn() string {
	if len(p.turns) == 0 {
		return "nothing was asked yet"
	}
	return ""
}

func (p *chatPane) bind() {
	do := func(f func()) func(string) tea.Cmd {
		return func(string) tea.Cmd { f(); return nil }
	}
	page := func(n int) func(string) tea.Cmd {
		return func(string) tea.Cmd { p.scrollBy(n * max(p.h-8, 3)); return nil }
	}
	models := keys.Binding{ID: "chat.models", Keys: []string{"ctrl+o"}, Label: "models", Help: "choose the models that are asked", Args: "MODEL ...", Rank: 3, Off: p.app.needAccount,
		Do: p.modelsCommand, Complete: p.modelNames}
	prompts := keys.Binding{ID: "chat.prompts", Keys: []string{"ctrl+r"}, Label: "prompts", Help: "take a prompt of the library and fill in its variables; save, change or delete one", Args: "NAME", Rank: 7, Off: p.app.needAccount,
		Do: p.prompts, Complete: p.promptNames}
	cancel := keys.Binding{ID: "chat.cancel", Keys: []string{"ctrl+x"}, Label: "cancel", Help: "end the answers that are arriving; what has come is kept", Rank: 2, Off: p.noStream, Do: do(p.cancel)}
	p.keys[chatInput] = &keys.Table{Scope: "Chat, question", Bindings: []keys.Binding{
		{ID: "chat.send", Keys: []string{"enter"}, Label: "send", Help: "ask all models", Rank: 1, Do: func(string) tea.Cmd { return p.send() }},
		cancel, models, prompts,
		{ID: "chat.keys", Keys: []string{"esc"}, Label: "keys", Help: "leave the question: letters are keys then", Rank: 4, Do: do(func() { p.mode = chatKeys })},
		{ID: "chat.newline", Keys: []string{"alt+enter", "ctrl+j", "shift+enter"}, Label: "new line", Help: "start another line of the question", Rank: 6, Do: do(func() { p.in.Insert("\n") })},
		{ID: "chat.editor", Keys: []string{"ctrl+g"}, Label: "editor", Help: "write the question in $VISUAL or $EDITOR", Do: func(string) tea.Cmd {
			return p.app.edit("question.md", p.in.Value(), func(text string) tea.Cmd { p.in.Set(text); return nil })
		}},
		{ID: "chat.earlier", Keys: []string{"up"}, Label: "earlier", Help: "take an earlier question", Rank: 5, Off: p.noTurn, Do: do(func() { p.recall(1) })},
		{ID: "chat.later", Keys: []string{"down"}, Label: "later", Help: "take a later question", Hidden: true, Do: do(func() { p.recall(-1) })},
		{ID: "chat.page-up", Keys: []string{"pgup"}, Label: "page up", Help: "scroll the answers up", Hidden: true, Do: page(1)},
		{ID: "chat.page-down", Keys: []string{"pgdown"}, Label: "page down", Help: "scroll the answers down", Hidden: true, Do: page(-1)},
	}}
	p.keys[chatForm] = p.formTable()
	p.keys[chatTable] = p.tableKeys()
	p.keys[chatVoting] = p.roundTable()
	models.Keys, models.Rank = []string{"m", "ctrl+o"}, 2
	prompts.Keys, prompts.Rank = []string{"P", "ctrl+r"}, 0
	cancel.Keys, cancel.Rank = []string{"x", "ctrl+x"}, 1
	p.keys[chatKeys] = &keys.Table{Scope: "Chat", Bindings: []keys.Binding{
		{ID: "chat.write", Keys: []string{"enter", "i"}, Label: "write", Help: "write a question", Rank: 1, Off: p.app.needAccount, Do: do(func() { p.mode = chatInput })},
		cancel, models, prompts,
		{ID: "chat.cancel-one", Keys: []string{"X"}, Label: "cancel one", Help: "end one of the answers that are arriving; what has come is kept", Args: "MODEL", Off: p.noStream, Do: p.cancelOne},
		{ID: "chat.again", Keys: []string{"a"}, Label: "again", Help: "ask the last question again", Rank: 3, Off: func() string {
			if why := p.noTurn(); why != "" {
				return why
			}
			return p.noSend()
		}, Do: func(string) tea.Cmd { return p.again() }},
		{ID: "chat.evaluate", Keys: []string{"e"}, Label: "evaluate", Help: "score these models on a held-out file", Rank: 4, Off: p.app.needAccount,
			Do: func(string) tea.Cmd {
				var refs []string
				for _, m := range p.columns {
					refs = append(refs, m.Ref)
				}
				return p.app.score.startWith(refs, "")
			}},
		{ID: "chat.talk", Keys: []string{"t"}, Label: "turns", Help: "send the earlier turns along, or each question on its own", Rank: 7, Do: do(func() { p.talk = !p.talk; p.fullness() })},
		{ID: "chat.sent", Keys: []string{"v"}, Label: "sent", Help: "show what was really sent to each model: as text, as JSON, as tokens", Rank: 6, Off: p.noTurn, Do: do(func() { p.view = (p.view + 1) % (sentTokens + 1) })},
		{ID: "chat.diff", Keys: []string{"d"}, Label: "differences", Help: "mark the words in which the answers differ from the first model's", Off: p.noTurn, Do: do(func() { p.diff = !p.diff })},
		{ID: "chat.blind", Keys: []string{"B"}, Label: "blind", Help: "hide the names and shuffle the order until a vote", Off: p.app.needAccount, Do: func(string) tea.Cmd { return p.hide() }},
		{ID: "chat.vote-left", Keys: []string{"<"}, Label: "left better", Help: "vote: the left answer is better", Off: p.noVote, Do: func(string) tea.Cmd { return p.vote(chat.First) }},
		{ID: "chat.vote-right", Keys: []string{">"}, Label: "right better", Help: "vote: the right answer is better", Off: p.noVote, Do: func(string) tea.Cmd { return p.vote(chat.Second) }},
		{ID: "chat.vote-tie", Keys: []string{"="}, Label: "tie", Help: "vote: the two are as good as each other", Off: p.noVote, Do: func(string) tea.Cmd { return p.vote(chat.Tie) }},
		{ID: "chat.vote-bad", Keys: []string{"!"}, Label: "both bad", Help: "vote: both answers are bad", Off: p.noVote, Do: func(string) tea.Cmd { return p.vote(chat.BothBad) }},
		{ID: "chat.votes", Keys: []string{"R"}, Label: "ratings", Help: "rate the models by the votes so far, on the Scoreboard", Off: p.app.needAccount, Do: func(string) tea.Cmd { return p.app.score.showVotes() }},
		{ID: "chat.table", Keys: []string{"T"}, Label: "table", Help: "every answer of this session in a table: speed, tokens, cost, score, vote", Rank: 8, Off: p.noTable, Do: func(string) tea.Cmd { return p.openTable() }},
		{ID: "chat.round", Keys: []string{"V"}, Label: "vote", Help: "vote blind between two models, row by row, over a dataset or a list of prompts; or go on with a round that was left", Args: "DATASET", Rank: 10, Off: p.noModels, Do: p.rounds},
		{ID: "chat.judge", Keys: []string{"J"}, Label: "judge", Help: "choose a model that judges after each vote, and see what it is asked", Off: p.noModels, Do: p.chooseJudge},
		{ID: "chat.along", Keys: []string{"c"}, Label: "as code", Help: "copy a request as an aws command, as boto3 or as Go that makes it again", Args: "KIND", Off: p.noTurn, Do: p.along,
			Complete: func(string) []string { return chat.SnippetKinds() }},
		{ID: "chat.resend", Keys: []string{"E"}, Label: "edit again", Help: "change a question (the last, or the one of that number) and send it again, in a branch of its own", Args: "NUMBER", Off: p.noTurn, Do: p.resend},
		{ID: "chat.settings", Keys: []string{"S"}, Label: "settings", Help: "what models are asked with: system prompt, temperature, top-p, top-k, length, stop, seed; for all or for one", Off: p.app.needAccount, Do: func(string) tea.Cmd { return p.set() }},
		{ID: "chat.sets", Keys: []string{"M"}, Label: "sets", Help: "take a set of models, or save these as one; with NAME the set of that name", Args: "NAME", Off: p.app.needAccount, Do: p.sets},
		{ID: "chat.format", Keys: []string{"F"}, Label: "prompt format", Help: "record the prompt format that an imported model was trained with", Args: "MODEL FORMAT", Off: p.app.needAccount, Do: p.formats},
		{ID: "chat.plain", Keys: []string{"p"}, Label: "plain", Help: "show the answers as they came, or as the Markdown that they are", Off: p.noTurn, Do: do(func() { p.plain = !p.plain })},
		{ID: "chat.system", Keys: []string{"s"}, Label: "system", Help: "set the system prompt", Args: "TEXT", Rank: 5, Do: p.systemCommand},
		{ID: "chat.fresh", Keys: []string{"n"}, Label: "new", Help: "start another conversation", Rank: 9, Off: p.noTurn, Do: do(p.fresh)},
		{ID: "chat.sessions", Keys: []string{"o"}, Label: "sessions", Help: "open a session of before; with TEXT, one that holds it", Args: "TEXT", Rank: 10, Off: p.app.needAccount, Do: p.sessions},
		{ID: "chat.export", Keys: []string{"w"}, Label: "export", Help: "write this session to a file: .md to read, .jsonl as rows of a dataset, .csv with the figures", Args: "FILE", Off: p.noTurn, Do: p.export},
		{ID: "chat.copy", Keys: []string{"y"}, Label: "copy", Help: "copy the last answers to the clipboard (OSC 52)", Off: p.noTurn, Do: func(string) tea.Cmd { return p.copy() }},
		{ID: "chat.code", Keys: []string{"Y"}, Label: "copy code", Help: "copy a block of code out of the answers; one of several is chosen", Off: p.noTurn, Do: func(string) tea.Cmd { return p.code() }},
		{ID: "chat.temperature", Label: "temperature", Help: "set how much chance there is in the answers, 0 to 1", Args: "NUMBER", Do: p.number("temperature", 0, 2, &p.settings.Temperature)},
		{ID: "chat.top-p", Label: "top-p", Help: "set the share of likely tokens that are drawn from, 0 to 1", Args: "NUMBER", Do: p.number("top-p", 0, 1, &p.settings.TopP)},
		{ID: "chat.max-tokens", Label: "max tokens", Help: "set the longest answer in tokens", Args: "NUMBER", Do: func(s string) tea.Cmd {
			n, err := strconv.Atoi(strings.TrimSpace(s))
			if err != nil || n < 1 {
				return p.app.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("max-tokens %q: a whole number above 0 is needed", s))
			}
			p.settings.MaxTokens = n
			return nil
		}},
		{ID: "chat.up", Keys: []string{"up", "k"}, Label: "up", Help: "scroll up", Hidden: true, Do: do(func() { p.scrollBy(1) })},
		{ID: "chat.down", Keys: []string{"down", "j"}, Label: "down", Help: "scroll down", Hidden: true, Do: do(func() { p.scrollBy(-1) })},
		{ID: "chat.page-up", Keys: []string{"pgup", "ctrl+u"}, Label: "page up", Help: "page up", Hidden: true, Do: page(1)},
		{ID: "chat.page-down", Keys: []string{"pgdown", "ctrl+d"}, Label: "page down", Help: "page down", Hidden: true, Do: page(-1)},
		{ID: "chat.top", Keys: []string{"g", "home"}, Label: "first", Help: "go to the first question", Hidden: true, Do: do(func() { p.back = 1 << 30 })},
		{ID: "chat.end", Keys: []string{"G", "end"}, Label: "last", Help: "go to the last answers", Hidden: true, Do: do(func() { p.back = 0 })},
		{ID: "chat.left", Keys: []string{"left", "h"}, Label: "models", Help: "show the models further left", Hidden: true, Do: do(func() { p.left-- })},
		{ID: "chat.right", Keys: []string{"right", "l"}, Label: "models", Help: "show the models further right", Hidden: true, Do: do(func() { p.left++ })},
		{ID: "chat.refresh", Keys: []string{"r"}, Label: "refresh", Help: "read the list of models again", Do: func(string) tea.Cmd {
			if p.app.openErr != nil {
				return p.app.open()
			}
			return p.reload()
		}},
	}}
}

// formTable is the table of the form.
func (p *chatPane) formTable() *keys.Table {
	t := &keys.Table{Scope: "Chat, form", Bindings: formKeys("chat", &p.form, func() tea.Cmd { return p.formDo() }, p.leaveForm)}
	t.Bindings[0].Label = "use"
	return t
}

func (p *chatPane) number(name string, low, high float64, to *float64) func(string) tea.Cmd {
	return func(s string) tea.Cmd {
		v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil || v < low || v > high {
			return p.app.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("%s %q: a number from %g to %g is needed", name, s, low, high))
		}
		*to = v
		return nil
	}
}

func (p *chatPane) modelNames(prefix string) []string {
	words := strings.Fields(prefix)
	last, before := "", ""
	if len(words) > 0 && !strings.HasSuffix(prefix, " ") {
		last = words[len(words)-1]
		before = strings.TrimSuffix(prefix, last)
	}
	var all []string
	for _, m := range p.models {
		if strings.HasPrefix(m.Ref, last) {
			all = append(all, before+m.Ref)
		}
	}
	return all
}

// modelsCommand takes models by name, or offers all of them.
func (p *chatPane) modelsCommand(args string) tea.Cmd {
	if args != "" {
		return p.with(strings.Fields(args)...)
	}
	if !p.loaded {
		return tea.Batch(p.reload(), p.app.say(widget.Info, widget.MarkWaiting, "the models are being read"))
	}
	var all []entry
	for _, m := range p.models {
		e := entry{text: m.Ref, note: string(m.Kind) + ", " + p.app.svc.Chat.Way(m)}
		if m.Note != "" {
			e.note += ", " + m.Note
		}
		for _, c := range p.columns {
			e.mark = e.mark || c.ID == m.ID
		}
		all = append(all, e)
	}
	pk := newPicker(p.app, "Models to ask", "type to narrow; tab ticks", all)
	pk.empty = "no model of that name"
	pk.several = func(ticked []int) tea.Cmd {
		// Those that were there keep their places.
		var cols []chat.Model
		on := map[string]bool{}
		for _, i := range ticked {
			on[p.models[i].ID] = true
		}
		for _, c := range p.columns {
			if on[c.ID] {
				cols = append(cols, c)
				delete(on, c.ID)
			}
		}
		for _, m := range p.models {
			if on[m.ID] {
				cols = append(cols, m)
			}
		}
		p.columns, p.left = cols, 0
		return nil
	}
	p.app.modal = pk
	return nil
}

func (p *chatPane) systemCommand(text string) tea.Cmd {
	if text != "" {
		p.system = text
		return nil
	}
	m := &prompt{app: p.app, title: "System prompt", help: "sent before every question; empty sends none", do: func(s string) tea.Cmd {
		p.system = s
		return nil
	}}
	m.in.Set(p.system)
	p.app.modal = m
	return nil
}

// copy hands the last answers to the terminal's clipboard.
func (p *chatPane) copy() tea.Cmd {
	t := p.turns[len(p.turns)-1]
	var b strings.Builder
	for _, m := range t.models {
		if len(t.models) > 1 {
			b.WriteString(m.Ref + ": ")
		}
		b.WriteString(t.answers[m.ID].state.Text + "\n")
	}
	return p.app.copy("the last answers:", strings.TrimSuffix(b.String(), "\n"))
}
