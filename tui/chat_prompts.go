package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/backend/files"
	"tunebench/tui/widget"
)

// columnsOf are the texts of a row by the names that variables of prompts have:
// the file's columns, and the parts that they play.
func columnsOf(r dataset.Row) map[string]string {
	of := map[string]string{}
	for name, v := range map[string]string{"id": r.ID, "system_prompt": r.System, "question": r.Question, "response": r.Answer, "reference": r.Answer, "category": r.Category} {
		if v != "" {
			of[name] = v
		}
	}
	for _, f := range r.Fields {
		of[f.Name] = f.Value
	}
	return of
}

// start is the beginning of a text, of at most n bytes: what is drawn again with
// every frame must not be as long as a dataset's cell can be.
func start(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// brief is the beginning of a text in one line.
func brief(s string) string { return oneLine(start(s, 400)) }

// prompts offers the library, or takes the prompt of that name.
func (p *chatPane) prompts(name string) tea.Cmd {
	name = strings.TrimSpace(name)
	return task(p.app.ctx, func(context.Context) ([]chat.Prompt, error) { return p.app.svc.Chat.Prompts() }, func(all []chat.Prompt, broken error) tea.Cmd {
		var told tea.Cmd
		if broken != nil {
			told = p.app.fail(broken)
		}
		if name != "" {
			for _, pr := range all {
				if pr.Name == name {
					return tea.Batch(told, p.fillPrompt(pr))
				}
			}
			return tea.Batch(told, p.app.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("there is no prompt %q; P lists them and saves one", name)))
		}
		p.offerPrompts(all)
		return told
	})
}

// offerPrompts opens the list of the library.
func (p *chatPane) offerPrompts(all []chat.Prompt) {
	text := p.currentPrompt()
	save := entry{text: "save this question as …", note: brief(text.Text), do: p.savePrompt}
	if text.Text == "" {
		save.off = "there is no question to save yet"
	}
	entries := []entry{save}
	for _, pr := range all {
		note := brief(pr.Text)
		if vars := pr.Variables(); len(vars) > 0 {
			note = "fills " + strings.Join(vars, ", ") + "   " + note
		}
		entries = append(entries, entry{text: pr.Name, note: note, do: func() tea.Cmd { return p.fillPrompt(pr) }})
	}
	pk := newPicker(p.app, "Prompts", "type to narrow, by name or text; {{name}} in a prompt is a variable", entries)
	pk.empty = "no prompt of that name or text"
	on := func(do func(chat.Prompt) tea.Cmd) func(int) tea.Cmd {
		return func(i int) tea.Cmd {
			if i == 0 {
				return nil // what saves is no prompt
			}
			return do(all[i-1])
		}
	}
	pk.more = []pickerKey{{"ctrl+g", "change in the editor", on(p.editPrompt)}, {"ctrl+x", "delete", on(p.deletePrompt)}}
	if len(all) > 0 {
		pk.scroll.To(1)
	}
	p.app.modal = pk
}

// promptNames completes the name of a prompt.
func (p *chatPane) promptNames(prefix string) []string {
	if p.app.svc == nil {
		return nil
	}
	all, _ := p.app.svc.Chat.Prompts() // what cannot be read is not on offer
	var names []string
	for _, pr := range all {
		if strings.HasPrefix(pr.Name, prefix) {
			names = append(names, pr.Name)
		}
	}
	return names
}

// currentPrompt is what would be saved: the question in the field, or the last
// one that was asked, with the system prompt.
func (p *chatPane) currentPrompt() chat.Prompt {
	pr := chat.Prompt{System: p.system, Text: strings.TrimSpace(p.in.Value())}
	if n := len(p.turns); pr.Text == "" && n > 0 {
		pr.System, pr.Text = p.turns[n-1].system, p.turns[n-1].question
	}
	return pr
}

// savePrompt asks for a name and keeps the current prompt under it.
func (p *chatPane) savePrompt() tea.Cmd {
	pr := p.currentPrompt()
	p.app.modal = &prompt{app: p.app, title: "Save as a prompt", help: "a name in small letters, digits, dots and hyphens; {{name}} in the text is a variable", complete: p.promptNames, do: func(name string) tea.Cmd {
		if name == "" {
			return nil
		}
		pr.Name = name
		return p.keepPrompt(pr, false)
	}}
	return nil
}

// keepPrompt saves a prompt; one of that name is replaced after a question.
func (p *chatPane) keepPrompt(pr chat.Prompt, replace bool) tea.Cmd {
	svc := p.app.svc.Chat
	return act(p.app.ctx, func(context.Context) error { return svc.SavePrompt(pr, replace) }, func(err error) tea.Cmd {
		if errors.As(err, new(*files.ExistsError)) {
			p.app.modal = newConfirm(p.app, confirm{title: "Replace the prompt?", yes: "replace it", bad: true,
				text: []string{pr.Name, "What it held is lost."}, do: func() tea.Cmd { return p.keepPrompt(pr, true) }})
			return nil
		}
		if err != nil {
			return p.app.fail(err)
		}
		return p.app.say(widget.Good, widget.MarkDone, "saved the prompt "+pr.Name)
	})
}

// editPrompt opens a prompt's file in the editor.
func (p *chatPane) editPrompt(pr chat.Prompt) tea.Cmd {
	p.app.close()
	return p.app.edit(pr.Name+".md", pr.File(), func(text string) tea.Cmd {
		now, err := chat.PromptFrom(pr.Name, text)
		if err != nil {
			return p.app.fail(err)
		}
		if now == pr {
			return p.prompts("")
		}
		return tea.Batch(p.keepPrompt(now, true), p.fillPrompt(now))
	})
}

func (p *chatPane) deletePrompt(pr chat.Prompt) tea.Cmd {
	p.app.modal = newConfirm(p.app, confirm{title: "Delete the prompt?", yes: "delete it", bad: true,
		text: []string{pr.Name, brief(pr.Text)}, do: func() tea.Cmd {
			svc := p.app.svc.Chat
			return act(p.app.ctx, func(context.Context) error { return svc.DeletePrompt(pr.Name) }, func(err error) tea.Cmd {
				if err != nil {
					return p.app.fail(err)
				}
				return tea.Batch(p.prompts(""), p.app.say(widget.Good, widget.MarkDone, "deleted the prompt "+pr.Name))
			})
		}})
	return nil
}

// fillPrompt puts a prompt into the field, after a form for its variables if it
// has any. The columns of the row that the question is of fill those of their name.
func (p *chatPane) fillPrompt(pr chat.Prompt) tea.Cmd {
	vars := pr.Variables()
	if len(vars) == 0 {
		filled, _ := pr.Fill(nil)
		return p.usePrompt(filled)
	}
	p.form = widget.Form{}
	first := ""
	for _, v := range vars {
		f := widget.Field{Name: v, Label: v, Help: "\\n is a new line", Kind: widget.TextField}
		if text, ok := p.values[v]; ok {
			f.Input.Set(oneLined.Replace(text))
			f.Help = "from the dataset's row"
		} else if first == "" {
			first = v
		}
		p.form.Fields = append(p.form.Fields, f)
	}
	// A variable may have any name, so the button's holds what no name can.
	const use = "{use}"
	p.form.Fields = append(p.form.Fields, widget.Field{Name: use, Label: "Use this prompt", Kind: widget.ButtonField, Help: "puts it into the question"})
	if first == "" {
		first = use
	}
	p.form.On(first)
	p.openForm("Prompt "+pr.Name, func() tea.Cmd {
		filled, missing := pr.Fill(p.promptValues())
		for _, v := range missing {
			p.form.Field(v).Err = "a value is needed"
		}
		if len(missing) > 0 {
			p.form.On(missing[0])
			return nil
		}
		return p.usePrompt(filled)
	}, func(width int) []string { return p.promptText(pr, width) })
	return nil
}

// promptValues are the variables that the form has a value for.
func (p *chatPane) promptValues() map[string]string {
	values := map[string]string{}
	for i := range p.form.Fields {
		if f := &p.form.Fields[i]; f.Kind == widget.TextField && f.Value() != "" {
			values[f.Name] = unescape(f.Value())
		}
	}
	return values
}

// promptText is the prompt as it is filled so far.
func (p *chatPane) promptText(pr chat.Prompt, width int) []string {
	l := p.app.look
	filled, _ := pr.Fill(p.promptValues())
	lines := []string{widget.Blank(width)}
	for _, part := range []struct{ name, text string }{{"system prompt", filled.System}, {"question", filled.Text}} {
		if part.text == "" {
			continue
		}
		lines = append(lines, l.Row(width).Gap(2).Put(widget.Faint, part.name).String())
		for _, s := range l.Wrap(start(part.text, 8<<10), width-6) {
			lines = append(lines, l.Row(width).Gap(2).Put(widget.Border, "│ ").Put(widget.Text, s).String())
		}
		lines = append(lines, widget.Blank(width))
	}
	return lines
}

// usePrompt puts a filled prompt into the field, with its system prompt if it has
// one of its own.
func (p *chatPane) usePrompt(pr chat.Prompt) tea.Cmd {
	if pr.System != "" {
		p.system = pr.System
	}
	p.in.Set(pr.Text)
	p.mode = chatInput
	return nil
}
