package tui

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/dataset"
	"tunebench/tui/widget"
)

// prompting is the row under the cursor as it is trained on: token by token where
// a tokenizer is known.
type prompting struct {
	ids     bool // the tokens' ids are shown
	length  int  // longest sequence in tokens that was asked for; 0 takes the training's
	want    promptKey
	key     promptKey // what got and err belong to
	got     dataset.Prompt
	err     error
	running bool
}

type promptKey struct {
	ds     Dataset
	row    int64
	format string
	length int
}

// sequence is where a row is cut off, in tokens: as training would do it with the
// settings that its form begins with.
func (p *datasetPane) sequence() int {
	if p.prompt.length > 0 || p.app.svc == nil {
		return p.prompt.length
	}
	n := 0
	for i, s := range p.app.svc.Training.Presets() {
		if i == 0 || s.Name == p.app.deps.Train.Preset {
			n = s.Settings.MaxSequenceLength
		}
	}
	return n
}

// rowShown says whether the row under the cursor is drawn as a whole.
func (p *datasetPane) rowShown() bool {
	return p.mode == dataRow || p.w >= 150 && p.h-2 >= 12 || p.h-2 >= 28
}

// needPrompt renders the row under the cursor, one row at a time: who scrolls fast
// does not wait for those that have gone by.
func (p *datasetPane) needPrompt() tea.Cmd {
	s := &p.prompt
	if p.ds == nil || p.total() == 0 || !p.rowShown() {
		return nil
	}
	s.want = promptKey{p.ds, p.current(), p.format, p.sequence()}
	if s.running || s.want == s.key {
		return nil
	}
	s.running = true
	key := s.want
	return task(p.ctx, func(ctx context.Context) (dataset.Prompt, error) {
		return key.ds.Prompt(ctx, key.row, key.format, key.length)
	}, func(got dataset.Prompt, err error) tea.Cmd {
		s.running = false
		s.key, s.got, s.err = key, got, err
		return p.needPrompt()
	})
}

// exact is the prompt of a row if it is there.
func (p *datasetPane) exact(row int64) (dataset.Prompt, error, bool) {
	s := &p.prompt
	if s.key != (promptKey{p.ds, row, p.format, p.sequence()}) {
		return dataset.Prompt{}, nil, false
	}
	return s.got, s.err, true
}

// promptLines draws the row as it is trained on.
func (p *datasetPane) promptLines(row dataset.Row, width int) []string {
	l := p.app.look
	got, err, ok := p.exact(row.Index)
	if ok && err == nil {
		note := fmt.Sprintf("%s   %s, %d learnt", got.Format, widget.Plural(int64(got.Length), "token"), max(0, got.Kept-got.AnswerStart))
		return append([]string{l.Rule(width, "as it is trained", note, false)}, p.tokenLines(got, width)...)
	}
	lines := []string{l.Rule(width, "as it is trained", p.format, false)}
	prompt, completion, bad := p.app.deps.Datasets.Render(row, p.format)
	if bad != nil {
		return append(lines, paragraph(l, width, "", bad.Error(), widget.Bad, 0)...)
	}
	for _, s := range l.Wrap(prompt, width-6) {
		lines = append(lines, l.Row(width).Gap(4).Put(widget.Muted, s).String())
	}
	for i, s := range l.Wrap(strings.TrimLeft(completion, " "), width-6) {
		r := l.Row(width).Gap(2).Put(widget.Good, "▌").Gap(1).Put(widget.Good, s)
		if i == 0 {
			r.Note(lossNote)
		}
		lines = append(lines, r.String())
	}
	switch {
	case !ok:
	case errors.Is(err, ErrNoTokenizer):
		if p.mode != dataRow {
			break
		}
		lines = append(lines, paragraph(l, width, "", "Not in tokens: no tokenizer is known. T takes one: the folder of a model, or its tokenizer.json.", widget.Faint, 0)...)
	default:
		lines = append(lines, paragraph(l, width, widget.MarkWarning, "not in tokens: "+err.Error(), widget.Warn, 1)...)
	}
	return lines
}

const lossNote = "the loss is on this"

// tokenLines draws a prompt's tokens in up to three parts: what is read, what is
// learnt, and what is cut off.
func (p *datasetPane) tokenLines(got dataset.Prompt, width int) []string {
	l := p.app.look
	t := got.Tokens
	learnt := min(got.AnswerStart, len(t))
	kept := min(max(got.Kept, 0), len(t))
	var lines []string
	if text := got.Verdict; text != dataset.PromptWhole {
		switch text {
		case dataset.PromptCut:
			text += fmt.Sprintf(": %d of %d tokens are beyond the sequence length of %d", len(t)-kept, len(t), kept)
		case dataset.PromptTooLong:
			text += fmt.Sprintf(" of %d tokens, with token %d", p.sequence(), learnt+1)
		}
		lines = append(lines, paragraph(l, width, widget.MarkWarning, text, widget.Warn, 1)...)
	}
	part := func(gutter string, st widget.Style, from, to int, note string) {
		if from >= to {
			return
		}
		draw := p.flowText
		if p.prompt.ids {
			draw = p.flowIDs
		}
		for i, r := range draw(t[from:to], width, gutter, st) {
			if i == 0 {
				r.Note(note)
			}
			lines = append(lines, r.String())
		}
	}
	if kept == 0 { // the row is left out
		part("╎", widget.Faint, 0, len(t), "left out")
		return lines
	}
	part("", widget.Muted, 0, min(learnt, kept), "")
	part("▌", widget.Good, learnt, kept, lossNote)
	part("╎", widget.Faint, kept, len(t), "cut off")
	return lines
}

// flowText lays tokens out as text; special ones stand out, so that a text which
// only looks like one does not pass for it.
func (p *datasetPane) flowText(tokens []dataset.PromptToken, width int, gutter string, st widget.Style) []*widget.Row {
	f := newFlow(p.app.look, width, gutter, st)
	for i := 0; i < len(tokens); {
		if t := tokens[i]; t.Special {
			f.word(widget.Key, t.Text)
			i++
			continue
		}
		var run strings.Builder
		for ; i < len(tokens) && !tokens[i].Special; i++ {
			run.WriteString(tokens[i].Text)
		}
		for k, line := range strings.Split(run.String(), "\n") {
			if k > 0 {
				f.feed()
			}
			for _, w := range strings.SplitAfter(line, " ") {
				f.word(st, w)
			}
		}
	}
	return f.rows
}

// flowIDs lays tokens out with each one's id under it, in pairs of lines.
func (p *datasetPane) flowIDs(tokens []dataset.PromptToken, width int, gutter string, st widget.Style) []*widget.Row {
	l := p.app.look
	var rows []*widget.Row
	var above, below *flow
	for _, t := range tokens {
		id := strconv.Itoa(int(t.ID))
		text := strings.ReplaceAll(strings.ReplaceAll(t.Text, "\n", "↵"), " ", "▁")
		style := st
		if t.Special {
			style = widget.Key
		}
		w := max(l.Width(text), len(id))
		if above == nil || above.rows[0].Left() < w+2 {
			above, below = newFlow(l, width, gutter, st), newFlow(l, width, gutter, st)
			rows = append(rows, above.rows[0], below.rows[0])
		}
		above.rows[0].Cell(style, text, w, false).Gap(1)
		below.rows[0].Cell(widget.Faint, id, w, false).Gap(1)
	}
	return rows
}

// flow fills lines with words behind a gutter.
type flow struct {
	l      *widget.Look
	width  int
	gutter string
	st     widget.Style
	rows   []*widget.Row
}

func newFlow(l *widget.Look, width int, gutter string, st widget.Style) *flow {
	f := &flow{l: l, width: width, gutter: gutter, st: st}
	f.feed()
	return f
}

// flowEdge is what stands before the words.
const flowEdge = 4

func (f *flow) feed() {
	f.rows = append(f.rows, f.l.Row(f.width).Gap(2).Cell(f.st, f.gutter, flowEdge-2, false))
}

func (f *flow) row() *widget.Row { return f.rows[len(f.rows)-1] }

// word adds a word, on the next line if it does not fit on this one; one that is
// longer than a line is parted.
func (f *flow) word(st widget.Style, w string) {
	room := f.width - flowEdge - 2
	n := f.l.Width(strings.TrimRight(w, " "))
	switch {
	case n > room && room > 0:
		for i, s := range f.l.Wrap(w, room) {
			if i > 0 {
				f.feed()
			}
			f.row().Put(st, s)
		}
		return
	case n > f.row().Left()-2:
		f.feed()
	}
	f.row().Put(st, w)
}

// tokenizerCommand takes a model's tokenizer and opens the dataset again with it.
func (p *datasetPane) tokenizerCommand(path string) tea.Cmd {
	take := func(path string) tea.Cmd {
		return task(p.app.ctx, func(ctx context.Context) (string, error) {
			if err := p.app.deps.Datasets.UseTokenizer(ctx, path); err != nil {
				return "", err
			}
			format, _ := dataset.FormatOfModel(path) // a tokenizer without a known template is one, too
			return format, nil
		}, func(format string, err error) tea.Cmd {
			if err != nil {
				return p.app.fail(err)
			}
			text := "tokens are those of " + path
			if format != "" {
				p.format = format
				text += ", prompts those of its chat template: " + format
			}
			return tea.Batch(p.reopen(), p.app.say(widget.Good, widget.MarkDone, text))
		})
	}
	if path != "" {
		return take(path)
	}
	p.app.modal = &prompt{app: p.app, title: "Tokenizer", complete: p.app.deps.Paths,
		help: "a model's folder, its tokenizer.json or tokenizer.model; dataset.tokenizer in the configuration keeps it",
		do: func(s string) tea.Cmd {
			if s = strings.TrimSpace(s); s == "" {
				return nil
			}
			return take(s)
		}}
	return nil
}

// lengthCommand sets where rows are cut off, in tokens.
func (p *datasetPane) lengthCommand(args string) tea.Cmd {
	n, err := strconv.Atoi(strings.TrimSpace(args))
	if err != nil || n < 0 {
		return p.app.say(widget.Warn, widget.MarkWarning, fmt.Sprintf("%q is no sequence length: type a number of tokens, such as 2048, or 0 for the training's", args))
	}
	p.prompt.length = n
	return p.need()
}

// noTokens says why there are no ids to show.
func (p *datasetPane) noTokens() string {
	if why := p.noData(); why != "" {
		return why
	}
	if _, err, ok := p.exact(p.current()); ok && errors.Is(err, ErrNoTokenizer) {
		return "no tokenizer is known; T takes that of a model"
	} else if ok && err != nil {
		return err.Error()
	}
	if !p.rowShown() {
		return "enter shows the row, and then its tokens"
	}
	return ""
}
