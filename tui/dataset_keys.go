package tui

import (
	"path/filepath"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/artifact"
	"tunebench/tui/keys"
	"tunebench/tui/widget"
)

func (p *datasetPane) Bindings() *keys.Table  { return p.keys[p.mode] }
func (p *datasetPane) Tables() []*keys.Table  { return p.keys[:] }
func (p *datasetPane) set(m dataMode) tea.Cmd { p.mode = m; p.textTop = 0; return p.need() }
func (p *datasetPane) do(f func()) func(string) tea.Cmd {
	return func(string) tea.Cmd { f(); return p.need() }
}

func (p *datasetPane) bind() {
	off := p.noData
	move := func(n int) func(string) tea.Cmd {
		return func(string) tea.Cmd { return p.to(p.scroll.Cursor + n) }
	}
	open := keys.Binding{ID: "dataset.open", Keys: []string{"o"}, Label: "open", Help: "open another dataset", Args: "FILE", Rank: 6,
		Complete: p.app.deps.Paths, Do: p.openCommand}
	train := keys.Binding{ID: "dataset.train", Keys: []string{"t"}, Label: "train", Help: "train on this dataset", Rank: 4, Off: p.unprepared,
		Do: func(string) tea.Cmd { return p.app.train.startWith(p.trainPath()) }}
	prepare := keys.Binding{ID: "dataset.prepare", Keys: []string{"p"}, Label: "prepare", Help: "write train, validation and test splits of this dataset", Rank: 3, Off: off,
		Do: func(string) tea.Cmd { return p.prepareForm() }}
	evaluate := keys.Binding{ID: "dataset.evaluate", Keys: []string{"e"}, Label: "evaluate", Help: "score models on this dataset", Rank: 8, Off: p.unprepared,
		Do: func(string) tea.Cmd { return p.app.score.startWith(nil, p.path) }}
	vote := keys.Binding{ID: "dataset.vote", Keys: []string{"V"}, Label: "vote", Help: "vote blind between two models' answers to this dataset's questions; of a prepared one to its test split", Rank: 10,
		Off: func() string { return or(p.app.needAccount(), p.unprepared()) },
		Do: func(string) tea.Cmd {
			path := p.trainPath()
			return tea.Batch(p.app.goTo(p.app.chat), p.app.chat.whenLoaded(func() tea.Cmd { return p.app.chat.rounds(path) }))
		}}
	format := keys.Binding{ID: "dataset.format", Keys: []string{"f"}, Label: "format", Help: "show the row in another prompt format", Args: "FORMAT", Off: off,
		Complete: func(string) []string { return artifact.Formats() }, Do: p.formatCommand}
	ask := keys.Binding{ID: "dataset.ask", Keys: []string{"c"}, Label: "ask", Help: "ask the models this row's question", Rank: 7, Off: off,
		Do: func(string) tea.Cmd {
			if r, ok := p.row(p.scroll.Cursor); ok {
				return p.app.chat.ask(r)
			}
			return nil
		}}
	next := keys.Binding{ID: "dataset.next-match", Keys: []string{"n"}, Label: "next hit", Help: "go to the next row that was found", Off: p.noQuery,
		Do: func(string) tea.Cmd { return p.next(1) }}
	prev := keys.Binding{ID: "dataset.previous-match", Keys: []string{"N"}, Label: "hit before", Help: "go to the row before that was found", Off: p.noQuery,
		Do: func(string) tea.Cmd { return p.next(-1) }}
	find := keys.Binding{ID: "dataset.find", Keys: []string{"/"}, Label: "find", Help: "find rows by a text or a regular expression", Args: "TEXT", Rank: 2, Off: off,
		Do: p.findCommand}
	filter := keys.Binding{ID: "dataset.filter", Keys: []string{"&"}, Label: "filter", Help: "show only the rows that a filter keeps", Args: "EXPRESSION", Rank: 2, Off: p.noFile,
		Do: p.filterCommand}
	profile := keys.Binding{ID: "dataset.profile", Keys: []string{"s"}, Label: "profile", Help: "sum the rows up: lengths, repetitions, sub-mixes, rows that look wrong", Rank: 3, Off: p.noFile,
		Do: func(string) tea.Cmd { return p.openProfile() }}
	columns := keys.Binding{ID: "dataset.columns", Keys: []string{"v"}, Label: "columns", Help: "choose, order and freeze columns, and say which is the question and which the answer", Rank: 9, Off: p.noFile,
		Do: func(string) tea.Cmd { return p.openColumns() }}
	mark := keys.Binding{ID: "dataset.mark", Keys: []string{"m"}, Label: "mark", Help: "mark the row, or take its mark away", Off: off,
		Do: func(string) tea.Cmd { return p.mark() }}
	marked := keys.Binding{ID: "dataset.marked", Keys: []string{"M"}, Label: "marked rows", Help: "show the marked rows only", Off: p.noMarks,
		Do: func(string) tea.Cmd { return p.showMarked() }}
	bad := keys.Binding{ID: "dataset.bad-rows", Keys: []string{"b"}, Label: "bad rows", Help: "show the rows that cannot be read, or have no question or no answer", Off: p.noFile,
		Do: func(string) tea.Cmd { return p.showBad() }}
	write := keys.Binding{ID: "dataset.write", Keys: []string{"w"}, Label: "write", Help: "write the rows in view, or the marked ones, to a file", Args: "FILE", Off: p.noChosen,
		Complete: p.app.deps.Paths, Do: p.writeCommand}
	copyRow := keys.Binding{ID: "dataset.copy", Keys: []string{"y"}, Label: "copy", Help: "copy the row as JSON to the clipboard (OSC 52)", Off: off,
		Do: func(string) tea.Cmd { return p.copyRow() }}
	edit := keys.Binding{ID: "dataset.edit", Keys: []string{"E"}, Label: "editor", Help: "open a copy of the row in your editor", Off: off,
		Do: func(string) tea.Cmd { return p.editRow() }}
	clear := keys.Binding{ID: "dataset.clear", Keys: []string{"esc"}, Label: "all rows", Help: "show all rows again, or end the search", Off: p.nothingToClear, Rank: 1,
		Do: func(string) tea.Cmd { return p.clear() }}
	ids := keys.Binding{ID: "dataset.tokens", Keys: []string{"i"}, Label: "token ids", Help: "show the tokens' ids under the prompt's text, or leave them out", Off: p.noTokens,
		Do: p.do(func() { p.prompt.ids = !p.prompt.ids })}
	tokenizer := keys.Binding{ID: "dataset.tokenizer", Keys: []string{"T"}, Label: "tokenizer", Help: "take a model's tokenizer for prompts and counts", Args: "PATH",
		Complete: p.app.deps.Paths, Do: p.tokenizerCommand}
	length := keys.Binding{ID: "dataset.sequence-length", Label: "sequence length", Help: "cut prompts off at so many tokens; 0 takes the training's length", Args: "TOKENS",
		Do: p.lengthCommand}
	row := keys.Binding{ID: "dataset.row", Label: "row", Help: "go to a row, or to a percentage of the rows", Args: "N", Off: off, Do: p.jump}

	p.keys[dataTable] = &keys.Table{Scope: "Dataset", Bindings: []keys.Binding{
		{ID: "dataset.show", Keys: []string{"enter"}, Label: "row", Help: "show the whole row and its rendered prompt", Rank: 1, Off: off,
			Do: func(string) tea.Cmd { return p.set(dataRow) }},
		clear, find, next, prev, filter, profile, prepare, train, ask, evaluate, vote, open, row, format, ids, tokenizer, length,
		columns, mark, marked, bad, write, copyRow, edit,
		{ID: "dataset.down", Keys: []string{"down", "j"}, Label: "down", Help: "next row", Hidden: true, Do: move(1)},
		{ID: "dataset.up", Keys: []string{"up", "k"}, Label: "up", Help: "row before", Hidden: true, Do: move(-1)},
		{ID: "dataset.page-down", Keys: []string{"pgdown", "ctrl+d", "space"}, Label: "page down", Help: "next page of rows", Hidden: true,
			Do: func(string) tea.Cmd { return p.to(p.scroll.Cursor + max(p.scroll.Height-1, 1)) }},
		{ID: "dataset.page-up", Keys: []string{"pgup", "ctrl+u"}, Label: "page up", Help: "page of rows before", Hidden: true,
			Do: func(string) tea.Cmd { return p.to(p.scroll.Cursor - max(p.scroll.Height-1, 1)) }},
		{ID: "dataset.first", Keys: []string{"g", "home"}, Label: "first", Help: "go to the first row", Hidden: true, Do: func(string) tea.Cmd { return p.to(0) }},
		{ID: "dataset.last", Keys: []string{"G", "end"}, Label: "last", Help: "go to the last row", Hidden: true, Do: func(string) tea.Cmd { return p.toEnd() }},
		{ID: "dataset.right", Keys: []string{"right", "l"}, Label: "columns", Help: "show the columns further right", Hidden: true, Do: p.do(func() { p.shift = min(p.shift+1, max(len(p.columns())-p.arrange.frozen-1, 0)) })},
		{ID: "dataset.left", Keys: []string{"left", "h"}, Label: "columns", Help: "show the columns further left", Hidden: true, Do: p.do(func() { p.shift = max(p.shift-1, 0) })},
		{ID: "dataset.retry", Keys: []string{"r"}, Label: "retry", Help: "open the dataset again", Do: func(string) tea.Cmd {
			if p.app.openErr != nil {
				return tea.Batch(p.app.open(), p.reopen())
			}
			return p.reopen()
		}},
	}}
	p.keys[dataRow] = &keys.Table{Scope: "Dataset, one row", Bindings: []keys.Binding{
		{ID: "dataset.back", Keys: []string{"esc", "enter", "backspace"}, Label: "table", Help: "back to the table", Rank: 1, Do: func(string) tea.Cmd { return p.set(dataTable) }},
		{ID: "dataset.next", Keys: []string{"right", "l", "]"}, Label: "next row", Help: "next row", Rank: 2, Do: move(1)},
		{ID: "dataset.previous", Keys: []string{"left", "h", "["}, Label: "row before", Help: "row before", Do: move(-1)},
		{ID: "dataset.down", Keys: []string{"down", "j"}, Label: "down", Help: "scroll the text down", Hidden: true, Do: p.do(func() { p.scrollText(1) })},
		{ID: "dataset.up", Keys: []string{"up", "k"}, Label: "up", Help: "scroll the text up", Hidden: true, Do: p.do(func() { p.scrollText(-1) })},
		{ID: "dataset.page-down", Keys: []string{"pgdown", "ctrl+d", "space"}, Label: "page down", Help: "next page of the text", Hidden: true, Do: p.do(func() { p.scrollText(p.h - 3) })},
		{ID: "dataset.page-up", Keys: []string{"pgup", "ctrl+u"}, Label: "page up", Help: "page of the text before", Hidden: true, Do: p.do(func() { p.scrollText(3 - p.h) })},
		{ID: "dataset.top", Keys: []string{"g", "home"}, Label: "top", Help: "top of the text", Hidden: true, Do: p.do(func() { p.textTop = 0 })},
		{ID: "dataset.bottom", Keys: []string{"G", "end"}, Label: "bottom", Help: "bottom of the text", Hidden: true, Do: p.do(func() { p.scrollText(1 << 20) })},
		ranked(format, 3), ranked(ids, 4), train, ask, next, prev, row, tokenizer, length, mark, copyRow, edit,
	}}
	p.keys[dataFind] = &keys.Table{Scope: "Dataset, find", Bindings: []keys.Binding{
		{ID: "dataset.find-take", Keys: []string{"enter"}, Label: "find", Help: "go to the next row that was found", Rank: 1, Do: func(string) tea.Cmd { return p.findTake(p.find.in.Value()) }},
		{ID: "dataset.find-regexp", Keys: []string{"ctrl+r"}, Label: "regular expression", Help: "the text is a regular expression, or is not", Rank: 2, Do: func(string) tea.Cmd {
			p.find.regexp = !p.find.regexp
			return p.find.edited(p)
		}},
		{ID: "dataset.find-column", Keys: []string{"tab"}, Label: "column", Help: "search in the next column only; after the last one, in all", Rank: 3, Do: func(string) tea.Cmd {
			p.find.nextColumn(p.columns())
			return p.find.edited(p)
		}},
		{ID: "dataset.find-close", Keys: []string{"esc"}, Label: "close", Help: "end the search", Rank: 4, Do: func(string) tea.Cmd {
			p.dropSearch()
			return p.set(dataTable)
		}},
	}}
	p.keys[dataFilter] = &keys.Table{Scope: "Dataset, filter", Bindings: []keys.Binding{
		{ID: "dataset.filter-take", Keys: []string{"enter"}, Label: "filter", Help: "show the rows that the filter keeps; an empty one shows all", Rank: 1, Do: func(string) tea.Cmd { return p.filterTake() }},
		{ID: "dataset.filter-complete", Keys: []string{"tab"}, Label: "complete", Help: "put the first suggestion in", Rank: 2, Do: func(string) tea.Cmd { p.filter.complete(p.ds); return nil }},
		{ID: "dataset.filter-other", Keys: []string{"down", "shift+tab"}, Label: "other", Help: "take another suggestion", Rank: 3, Do: func(string) tea.Cmd { p.filter.chosen++; return nil }},
		{ID: "dataset.filter-close", Keys: []string{"esc"}, Label: "close", Help: "leave the rows as they are", Rank: 4, Do: func(string) tea.Cmd { return p.set(dataTable) }},
	}}
	scroll := func(n func() int) func(string) tea.Cmd {
		return func(string) tea.Cmd { p.profile.top = max(0, min(p.profile.top+n(), p.profile.lines)); return nil }
	}
	class := func(n int) func(string) tea.Cmd {
		return func(string) tea.Cmd {
			p.profile.class = max(0, min(p.profile.class+n, len(p.profile.classes())-1))
			if p.profile.class == 0 {
				p.profile.top = 0
			}
			return nil
		}
	}
	p.keys[dataProfile] = &keys.Table{Scope: "Dataset, profile", Bindings: []keys.Binding{
		{ID: "dataset.class", Keys: []string{"enter"}, Label: "show them", Help: "show the rows that look wrong in this way", Rank: 1, Off: p.noClass, Do: func(string) tea.Cmd { return p.showClass() }},
		{ID: "dataset.back", Keys: []string{"esc", "s"}, Label: "table", Help: "back to the table; a profile that is being made goes on", Rank: 2, Do: func(string) tea.Cmd { return p.leaveProfile() }},
		{ID: "dataset.against", Keys: []string{"a"}, Label: "leaks", Help: "look for rows that ask a question of an evaluation file", Args: "FILE", Rank: 4, Complete: p.app.deps.Paths, Do: p.againstCommand},
		{ID: "dataset.down", Keys: []string{"down", "j"}, Label: "down", Help: "next class of rows that look wrong", Hidden: true, Do: class(1)},
		{ID: "dataset.up", Keys: []string{"up", "k"}, Label: "up", Help: "class before", Hidden: true, Do: class(-1)},
		{ID: "dataset.page-down", Keys: []string{"pgdown", "ctrl+d", "space"}, Label: "more", Help: "scroll the profile down", Rank: 3, Do: scroll(func() int { return p.h - 4 })},
		{ID: "dataset.page-up", Keys: []string{"pgup", "ctrl+u"}, Label: "page up", Help: "scroll the profile up", Hidden: true, Do: scroll(func() int { return 4 - p.h })},
		{ID: "dataset.top", Keys: []string{"g", "home"}, Label: "top", Help: "top of the profile", Hidden: true, Do: scroll(func() int { return -1 << 20 })},
		{ID: "dataset.bottom", Keys: []string{"G", "end"}, Label: "bottom", Help: "bottom of the profile", Hidden: true, Do: scroll(func() int { return 1 << 20 })},
	}}
	col := func(f func()) func(string) tea.Cmd { return func(string) tea.Cmd { f(); return nil } }
	p.keys[dataColumns] = &keys.Table{Scope: "Dataset, columns", Bindings: []keys.Binding{
		{ID: "dataset.column-hide", Keys: []string{"space"}, Label: "show or hide", Help: "hide the column, or show it again", Rank: 2, Do: func(string) tea.Cmd { return p.hideColumn() }},
		{ID: "dataset.column-part", Keys: []string{"enter", "right", "l"}, Label: "part", Help: "say what the column is: question, answer, system, context, messages, category, id or none", Rank: 3, Do: func(string) tea.Cmd { return p.playPart() }},
		{ID: "dataset.column-later", Keys: []string{"J", "shift+down"}, Label: "move down", Help: "move the column to the right in the table", Rank: 4, Do: col(func() { p.moveColumn(1) })},
		{ID: "dataset.column-earlier", Keys: []string{"K", "shift+up"}, Label: "move up", Help: "move the column to the left in the table", Rank: 5, Do: col(func() { p.moveColumn(-1) })},
		{ID: "dataset.column-freeze", Keys: []string{"f"}, Label: "freeze", Help: "keep the columns up to this one in sight when others are scrolled, or no longer", Rank: 6, Do: col(p.freezeColumns)},
		{ID: "dataset.column-guess", Keys: []string{"u"}, Label: "as guessed", Help: "take back all that was changed here", Rank: 7, Do: func(string) tea.Cmd { return p.guessColumns() }},
		{ID: "dataset.back", Keys: []string{"esc", "v"}, Label: "table", Help: "back to the table", Rank: 1, Do: func(string) tea.Cmd { return p.leaveColumns() }},
		{ID: "dataset.down", Keys: []string{"down", "j"}, Label: "down", Help: "next column", Hidden: true, Do: col(func() { p.toColumn(1) })},
		{ID: "dataset.up", Keys: []string{"up", "k"}, Label: "up", Help: "column before", Hidden: true, Do: col(func() { p.toColumn(-1) })},
	}}
	p.keys[dataForm] = &keys.Table{Scope: "Dataset, prepare", Bindings: formKeys("dataset", &p.form, p.prepare, func() tea.Cmd { return p.set(dataTable) })}
	p.keys[dataPrepared] = &keys.Table{Scope: "Dataset, prepared", Bindings: []keys.Binding{
		ranked(train, 1),
		{ID: "dataset.again", Keys: []string{"p"}, Label: "prepare again", Help: "prepare with other settings", Rank: 2, Do: func(string) tea.Cmd { return p.prepareForm() }},
		{ID: "dataset.back", Keys: []string{"esc", "enter"}, Label: "table", Help: "back to the table", Rank: 3, Do: func(string) tea.Cmd {
			if p.preparing != nil {
				p.preparing.cancel()
			}
			return p.set(dataTable)
		}},
	}}
}

func ranked(b keys.Binding, rank int) keys.Binding {
	b.Rank = rank
	return b
}

// formKeys is the table of a form: moving between fields, choosing, doing it.
func formKeys(prefix string, f *widget.Form, do func() tea.Cmd, leave func() tea.Cmd) []keys.Binding {
	at := func(n int) func(string) tea.Cmd {
		return func(string) tea.Cmd { f.Move(n); return nil }
	}
	choice := func(n int) func(string) tea.Cmd {
		return func(string) tea.Cmd {
			if !f.Choose(n) && f.Typing() {
				f.Current().Input.Press(map[int]string{-1: "left", 1: "right"}[n], "")
				return nil
			}
			if c := f.Current(); c.Changed != nil {
				return c.Changed()
			}
			return nil
		}
	}
	return []keys.Binding{
		{ID: prefix + ".do", Keys: []string{"ctrl+s"}, Label: "start", Help: "do it, from any field", Rank: 3, Do: func(string) tea.Cmd { return do() }},
		{ID: prefix + ".field-take", Keys: []string{"enter"}, Label: "take", Help: "next field; on a button: do it; on a group: open or close it", Rank: 1, Do: func(string) tea.Cmd {
			switch c := f.Current(); {
			case c.Kind == widget.ButtonField && c.Press != nil:
				return c.Press()
			case c.Kind == widget.ButtonField:
				return do()
			case c.Kind == widget.GroupField:
				c.Open = !c.Open
				return nil
			}
			f.Move(1)
			return nil
		}},
		{ID: prefix + ".field-next", Keys: []string{"down", "tab"}, Label: "field", Help: "next field", Rank: 2, Do: at(1)},
		{ID: prefix + ".field-previous", Keys: []string{"up", "shift+tab"}, Label: "field before", Help: "field before", Hidden: true, Do: at(-1)},
		{ID: prefix + ".choice-left", Keys: []string{"left"}, Label: "choice", Help: "choice before", Hidden: true, Do: choice(-1)},
		{ID: prefix + ".choice-right", Keys: []string{"right"}, Label: "choice", Help: "next choice", Hidden: true, Do: choice(1)},
		{ID: prefix + ".leave", Keys: []string{"esc"}, Label: "leave", Help: "leave the form", Rank: 4, Do: func(string) tea.Cmd { return leave() }},
	}
}

func (p *datasetPane) noQuery() string {
	if p.search.list == nil {
		return "nothing was searched yet; / finds a text"
	}
	return p.noData()
}

func (p *datasetPane) openCommand(path string) tea.Cmd {
	if path != "" {
		return p.open(path)
	}
	m := &prompt{app: p.app, title: "Open a dataset", complete: p.app.deps.Paths,
		help: "JSON Lines, JSON, CSV, TSV or Parquet; empty opens the sample",
		do: func(s string) tea.Cmd {
			if s == "" {
				s = p.app.deps.Datasets.Sample()
			}
			return p.open(s)
		}}
	if dir := filepath.Dir(p.path); dir != "." && p.path != p.app.deps.Datasets.Sample() {
		m.in.Set(dir + string(filepath.Separator))
	}
	p.app.modal = m
	return nil
}

func (p *datasetPane) formatCommand(name string) tea.Cmd {
	if name != "" {
		if _, err := artifact.FormatByName(name); err != nil {
			return p.app.fail(err)
		}
		p.format = name
		return nil
	}
	all := artifact.Formats()
	for i, f := range all {
		if f == p.format {
			p.format = all[(i+1)%len(all)]
			break
		}
	}
	return nil
}

func (p *datasetPane) scrollText(n int) {
	p.textTop = max(0, min(p.textTop+n, p.textLen-(p.h-2)))
}
