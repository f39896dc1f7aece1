package tui

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/artifact"
	"tunebench/backend/dataset"
	"tunebench/backend/dataset/filter"
	"tunebench/tui/widget"
)

// choices of the recipe: what the recipe says, and how it is shown.
var (
	dedups = [][2]string{{dataset.DedupQuestion, "same question"}, {dataset.DedupRow, "same row"}, {dataset.DedupNear, "nearly the same"}, {dataset.DedupNone, "nothing"}}
	picks  = [][2]string{{dataset.SampleRandom, "random"}, {dataset.SampleHead, "the first"}, {dataset.SampleStratified, "each sub-mix its share"}}
	yesNo  = [][2]string{{"", "no"}, {"yes", "yes"}}
	kinds  = [][2]string{{dataset.AsJSONL, "JSON Lines"}, {dataset.AsParquet, "Parquet"}}
)

func options(choices [][2]string) []string {
	out := make([]string, len(choices))
	for i, c := range choices {
		out[i] = c[1]
	}
	return out
}

// prepareForm opens the form, filled in so that enter is enough. A filter that is
// in view is the recipe's.
func (p *datasetPane) prepareForm() tea.Cmd {
	name := strings.TrimSuffix(filepath.Base(strings.TrimPrefix(p.path, dataset.SamplePrefix)), filepath.Ext(p.path))
	choice := func(name, label, help string, choices [][2]string) widget.Field {
		return widget.Field{Name: name, Label: label, Help: help, Kind: widget.ChoiceField, Options: options(choices)}
	}
	field := func(name, label, hint, help string) widget.Field {
		f := widget.Field{Name: name, Label: label, Help: help}
		f.Input.Placeholder = hint
		return f
	}
	group := func(label, help string) widget.Field {
		return widget.Field{Name: "group " + label, Label: label, Kind: widget.GroupField, Help: help + "; enter opens and closes"}
	}
	p.form = widget.Form{Apart: true, Fields: []widget.Field{
		field("out", "folder", "", "where the splits and the manifest are written; one that prepare wrote is replaced"),
		{Name: "format", Label: "prompt format", Kind: widget.ChoiceField, Options: artifact.Formats(), Help: "how a row becomes the text that is trained on"},
		{Name: "do", Label: "Prepare", Kind: widget.ButtonField, Help: "no question stands on two sides; the same rows come out each time; + opens the recipe"},
		group("rows", "which rows are kept"),
		field("filter", "filter", "len(answer) > 400", "keep the rows for which it holds; empty keeps all"),
		choice("dedup", "leave out", "repetitions: rows with the question of an earlier one, with its answer too, or with nearly its words", dedups),
		field("against", "not in", "evaluation file", "leave out rows that ask a question of this evaluation file"),
		field("sample", "sample", "all", "how many rows to keep"),
		choice("sample_by", "chosen", "how the sample is drawn; the same rows each time", picks),
		group("texts", "what is changed in them, and how long they may be"),
		choice("trim", "trim", "take blanks off both ends", yesNo),
		choice("line_ends", "line ends", "turn \\r\\n and \\r into \\n", yesNo),
		choice("unescape", "unescape", "decode HTML entities such as &amp;", yesNo),
		field("max_question", "question", "any length", "longest question in characters; rows with longer ones are left out"),
		field("max_answer", "answer", "any length", "longest answer in characters"),
		field("max_tokens", "tokens", "any length", "most tokens of a row"),
		group("split", "into train, validation and test"),
		field("split", "shares", "0.9, 0.05, 0.05", "of train, validation and test; they make 1"),
		field("seed", "seed", "1", "the same seed gives the same splits"),
		choice("as", "files", "the same rows either way; training and evaluation read both", kinds),
		{Name: "load", Label: "Load a recipe", Kind: widget.ButtonField, Help: "from a recipe file or from the manifest of an earlier preparation", Press: p.loadRecipe},
		{Name: "keep", Label: "Save the recipe", Kind: widget.ButtonField, Help: "as a file for git; tunebench dataset prepare --recipe takes it too", Press: p.saveRecipe},
	}}
	p.form.Field("out").Input.Set(filepath.Join(p.app.deps.WorkDir, name))
	r := dataset.RecipeFile{PromptFormat: p.format, Seed: 1, Split: dataset.DefaultSplit}
	if p.view != nil {
		r.Recipe.Filter = p.view.filter
	}
	p.fillRecipe(r)
	p.form.On("do")
	return p.set(dataForm)
}

// fillRecipe puts a recipe into the form.
func (p *datasetPane) fillRecipe(r dataset.RecipeFile) {
	f := &p.form
	number := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	flag := func(on bool) string { return map[bool]string{true: "yes"}[on] }
	pick := func(name, value string, of [][2]string) {
		f.Field(name).Choice = max(slices.IndexFunc(of, func(c [2]string) bool { return c[0] == value }), 0)
	}
	f.Field("format").Choice = max(slices.Index(artifact.Formats(), or(r.PromptFormat, p.format)), 0)
	f.Field("filter").Input.Set(r.Recipe.Filter)
	pick("dedup", r.Recipe.Dedup, dedups)
	f.Field("against").Input.Set(r.Recipe.Against)
	f.Field("sample").Input.Set(number(r.Recipe.Sample))
	pick("sample_by", r.Recipe.SampleBy, picks)
	pick("trim", flag(r.Recipe.Trim), yesNo)
	pick("line_ends", flag(r.Recipe.LineEnds), yesNo)
	pick("unescape", flag(r.Recipe.Unescape), yesNo)
	f.Field("max_question").Input.Set(number(int64(r.Recipe.MaxQuestion)))
	f.Field("max_answer").Input.Set(number(int64(r.Recipe.MaxAnswer)))
	f.Field("max_tokens").Input.Set(number(int64(r.Recipe.MaxTokens)))
	f.Field("split").Input.Set(fmt.Sprintf("%g, %g, %g", r.Split[0], r.Split[1], r.Split[2]))
	f.Field("seed").Input.Set(strconv.FormatUint(r.Seed, 10))
}

// readRecipe takes the recipe out of the form. A field that is wrong gets the
// focus and says why; ok is false then.
func (p *datasetPane) readRecipe() (r dataset.RecipeFile, ok bool) {
	f := &p.form
	ok = true
	wrong := func(name, why string) {
		if ok {
			f.On(name)
		}
		f.Field(name).Err, ok = why, false
	}
	for i := range f.Fields {
		f.Fields[i].Err = ""
	}
	number := func(name string) int64 {
		s := strings.ReplaceAll(strings.TrimSpace(f.Value(name)), ",", "")
		if s == "" {
			return 0
		}
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil || n < 1 {
			wrong(name, "a whole number is needed, or nothing")
		}
		return n
	}
	pick := func(name string, of [][2]string) string { return of[f.Field(name).Choice][0] }
	var err error
	r.PromptFormat = f.Value("format")
	if r.Split, err = parseSplit(f.Value("split")); err != nil {
		wrong("split", err.Error())
	}
	if r.Seed, err = strconv.ParseUint(strings.TrimSpace(f.Value("seed")), 10, 64); err != nil {
		wrong("seed", "a whole number is needed")
	}
	r.Recipe = dataset.Recipe{
		Filter: strings.TrimSpace(f.Value("filter")), Dedup: pick("dedup", dedups), Against: strings.TrimSpace(f.Value("against")),
		Sample: number("sample"), SampleBy: pick("sample_by", picks),
		Trim: pick("trim", yesNo) != "", LineEnds: pick("line_ends", yesNo) != "", Unescape: pick("unescape", yesNo) != "",
		MaxQuestion: int(number("max_question")), MaxAnswer: int(number("max_answer")), MaxTokens: int(number("max_tokens")),
	}
	if why := p.filterFault(r.Recipe.Filter); why != "" {
		wrong("filter", why)
	}
	return r, ok
}

// filterFault says what is wrong with a filter, "" when nothing is.
func (p *datasetPane) filterFault(expr string) string {
	if expr == "" {
		return ""
	}
	ctx, cancel := context.WithCancel(p.ctx)
	cancel() // only the expression is looked at
	_, err := p.ds.Filter(ctx, expr)
	var fault *filter.Error
	if errors.As(err, &fault) {
		return fault.Message
	}
	return ""
}

// recipeNotes are the groups' contents in short, for when they are closed.
func (p *datasetPane) recipeNotes() {
	f := &p.form
	text := func(name, label, none string) string {
		if v := strings.TrimSpace(f.Value(name)); v != "" {
			return label + v
		}
		return none
	}
	rows := []string{text("filter", "", "all")}
	if n := text("sample", "", ""); n != "" {
		rows = append(rows, n+" of them, "+f.Value("sample_by"))
	}
	if v := f.Value("dedup"); f.Field("dedup").Choice != 0 {
		rows = append(rows, "without "+v)
	} else {
		rows = append(rows, "no question twice")
	}
	if v := text("against", "", ""); v != "" {
		rows = append(rows, "none of "+filepath.Base(v))
	}
	f.Field("group rows").Note = strings.Join(rows, ", ")
	var texts []string
	for _, name := range []string{"trim", "line_ends", "unescape"} {
		if f.Field(name).Choice == 1 {
			texts = append(texts, f.Field(name).Label)
		}
	}
	for _, name := range []string{"max_question", "max_answer", "max_tokens"} {
		if v := text(name, "", ""); v != "" {
			texts = append(texts, f.Field(name).Label+" up to "+v)
		}
	}
	f.Field("group texts").Note = or(strings.Join(texts, ", "), "as they are, of any length")
	f.Field("group split").Note = f.Value("split") + ", seed " + f.Value("seed") + ", " + f.Value("as")
}

func (p *datasetPane) loadRecipe() tea.Cmd {
	p.app.modal = &prompt{app: p.app, title: "Load a recipe", complete: p.app.deps.Paths, help: "a recipe file, or the manifest.json of an earlier preparation",
		do: func(path string) tea.Cmd {
			if path = strings.TrimSpace(path); path == "" {
				return nil
			}
			return task(p.app.ctx, func(context.Context) (dataset.RecipeFile, error) { return dataset.ReadRecipe(path) }, func(r dataset.RecipeFile, err error) tea.Cmd {
				if err != nil {
					return p.app.fail(err)
				}
				if p.mode == dataForm {
					p.fillRecipe(r)
				}
				return p.app.say(widget.Good, widget.MarkDone, "the recipe of "+path+" stands in the form")
			})
		}}
	return nil
}

func (p *datasetPane) saveRecipe() tea.Cmd {
	r, ok := p.readRecipe()
	if !ok {
		return nil
	}
	m := &prompt{app: p.app, title: "Save the recipe", complete: p.app.deps.Paths, help: "a file for git",
		do: func(path string) tea.Cmd {
			if path = strings.TrimSpace(path); path == "" {
				return nil
			}
			return act(p.app.ctx, func(context.Context) error { return p.app.deps.Datasets.WriteRecipe(path, r) }, func(err error) tea.Cmd {
				if err != nil {
					return p.app.fail(err)
				}
				return p.app.say(widget.Good, widget.MarkDone, "saved; tunebench dataset prepare --recipe "+path+" does the same")
			})
		}}
	m.in.Set("recipe.json")
	p.app.modal = m
	return nil
}

func (p *datasetPane) viewForm() []string {
	l := p.app.look
	p.recipeNotes()
	lines := []string{p.titleLine(), widget.Blank(p.w), l.Rule(p.w, "Prepare", "", true)}
	c := p.form.Current()
	text, st := c.Help, widget.Faint
	if c.Err != "" {
		text, st = c.Err, widget.Bad
	}
	foot := []string{widget.Blank(p.w)}
	for _, s := range l.Wrap(text, p.w-4) {
		foot = append(foot, l.Row(p.w).Gap(2).Put(st, s).String())
	}
	body, x, y := p.form.Lines(l, p.w, max(p.h-len(lines)-3, 3))
	p.cx, p.cy = x, y+len(lines)
	return widget.Fit(append(append(lines, body...), foot...), p.w, p.h)
}

// recipeText tells a recipe in words.
func recipeText(r *dataset.Recipe) string {
	if r == nil || *r == (dataset.Recipe{}) {
		return "all rows as they are, no question twice"
	}
	var out []string
	add := func(yes bool, text string) {
		if yes {
			out = append(out, text)
		}
	}
	add(r.Filter != "", "only "+r.Filter)
	add(r.Trim, "trimmed")
	add(r.LineEnds, "line ends made one")
	add(r.Unescape, "unescaped")
	for _, d := range dedups {
		add(d[0] == r.Dedup && r.Dedup == dataset.DedupNone, "repetitions kept")
		add(d[0] == r.Dedup && r.Dedup != dataset.DedupNone, "without the "+d[1])
	}
	add(r.Against != "", "nothing that "+r.Against+" asks")
	add(r.MaxQuestion > 0, fmt.Sprintf("questions up to %s", widget.Count(int64(r.MaxQuestion))))
	add(r.MaxAnswer > 0, fmt.Sprintf("answers up to %s", widget.Count(int64(r.MaxAnswer))))
	add(r.MaxTokens > 0, fmt.Sprintf("up to %s tokens", widget.Count(int64(r.MaxTokens))))
	for _, d := range picks {
		add(r.Sample > 0 && d[0] == r.SampleBy, fmt.Sprintf("a sample of %s, %s", widget.Count(r.Sample), d[1]))
	}
	return strings.Join(out, "; ")
}
