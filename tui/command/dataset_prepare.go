package command

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tunebench/backend/dataset"
)

// preparing are the flags of `dataset prepare`. Those that were given win over
// the recipe file.
type preparing struct {
	in               reading
	out, file, save  string
	format, split    string
	as               string
	seed             uint64
	recipe           dataset.Recipe
	dedup, sampleBy  string
	chosen           func(flag string) bool
	dedups, sampleBs map[string]string
}

func newDatasetPrepare(g *globals) *cobra.Command {
	p := &preparing{
		dedups:   map[string]string{"question": dataset.DedupQuestion, "row": dataset.DedupRow, "near": dataset.DedupNear, "none": dataset.DedupNone},
		sampleBs: map[string]string{"random": dataset.SampleRandom, "head": dataset.SampleHead, "stratified": dataset.SampleStratified},
	}
	c := &cobra.Command{
		Use: "prepare FILE --out DIR", Short: "Write train, validation and test splits with a manifest",
		Long: "Filters, cleans, deduplicates, samples and splits the rows of a dataset, and writes\n" +
			"train.jsonl, validation.jsonl, test.jsonl (with --as parquet Parquet files of the same\n" +
			"rows) and manifest.json. The same question never\n" +
			"stands in two splits, and the same file, recipe and seed give the same bytes on any\n" +
			"machine. A recipe file (--recipe) holds prompt_format, seed, split and recipe, as a\n" +
			"manifest does; a manifest can be given in its place. --save-recipe writes one.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.chosen = cmd.Flags().Changed
			return p.run(cmd, g, args[0])
		},
	}
	p.in.flags(c)
	p.in.tokenizerFlag(c)
	f := c.Flags()
	f.StringVar(&p.out, "out", "", "folder to write to")
	f.StringVar(&p.file, "recipe", "", "recipe file, or the manifest of an earlier preparation")
	f.StringVar(&p.as, "as", dataset.AsJSONL, "format of the splits: jsonl or parquet")
	f.StringVar(&p.save, "save-recipe", "", "write the recipe to this file")
	f.StringVar(&p.format, "prompt-format", "mistral-v3", "prompt format recorded with the data")
	f.StringVar(&p.split, "split", "0.9,0.05,0.05", "fractions for train, validation and test")
	f.Uint64Var(&p.seed, "seed", 1, "seed of the split and of the sample")
	f.StringVar(&p.recipe.Filter, "filter", "", "keep only the rows for which this filter holds")
	f.BoolVar(&p.recipe.Trim, "trim", false, "take blanks off both ends of the texts")
	f.BoolVar(&p.recipe.LineEnds, "line-ends", false, `turn \r\n and \r into \n`)
	f.BoolVar(&p.recipe.Unescape, "unescape", false, "decode HTML entities such as &amp;")
	f.StringVar(&p.dedup, "dedup", "question", "leave out rows with the same question (and system text), row, near repetitions, or none")
	f.StringVar(&p.recipe.Against, "against", "", "evaluation file; rows that ask one of its questions are left out")
	f.IntVar(&p.recipe.MaxQuestion, "max-question", 0, "leave out questions with more characters")
	f.IntVar(&p.recipe.MaxAnswer, "max-answer", 0, "leave out answers with more characters")
	f.IntVar(&p.recipe.MaxTokens, "max-tokens", 0, "leave out rows with more tokens")
	f.Int64Var(&p.recipe.Sample, "sample", 0, "leave so many rows")
	f.StringVar(&p.sampleBy, "sample-by", "random", "how rows are chosen: random, head or stratified (from each sub-mix its share)")
	return c
}

// plan joins the recipe file and the flags.
func (p *preparing) plan() (dataset.RecipeFile, error) {
	var r dataset.RecipeFile
	var err error
	if p.file != "" {
		if r, err = dataset.ReadRecipe(p.file); err != nil {
			return r, err
		}
	}
	given := func(flag string) bool { return p.file == "" || p.chosen(flag) }
	if given("prompt-format") || r.PromptFormat == "" {
		r.PromptFormat = p.format
	}
	if given("seed") {
		r.Seed = p.seed
	}
	if given("split") {
		if r.Split, err = parseSplit(p.split); err != nil {
			return r, err
		}
	}
	for flag, set := range map[string]func(){
		"filter": func() { r.Recipe.Filter = p.recipe.Filter }, "trim": func() { r.Recipe.Trim = p.recipe.Trim },
		"line-ends": func() { r.Recipe.LineEnds = p.recipe.LineEnds }, "unescape": func() { r.Recipe.Unescape = p.recipe.Unescape },
		"against": func() { r.Recipe.Against = p.recipe.Against }, "max-question": func() { r.Recipe.MaxQuestion = p.recipe.MaxQuestion },
		"max-answer": func() { r.Recipe.MaxAnswer = p.recipe.MaxAnswer }, "max-tokens": func() { r.Recipe.MaxTokens = p.recipe.MaxTokens },
		"sample": func() { r.Recipe.Sample = p.recipe.Sample },
	} {
		if given(flag) {
			set()
		}
	}
	if given("dedup") {
		if r.Recipe.Dedup, err = choice("--dedup", p.dedup, p.dedups); err != nil {
			return r, err
		}
	}
	if given("sample-by") {
		if r.Recipe.SampleBy, err = choice("--sample-by", p.sampleBy, p.sampleBs); err != nil {
			return r, err
		}
	}
	return r, nil
}

func choice(flag, value string, of map[string]string) (string, error) {
	v, ok := of[value]
	if !ok {
		return "", usagef("%s %q is none of %s", flag, value, strings.Join(slices.Sorted(maps.Keys(of)), ", "))
	}
	return v, nil
}

func (p *preparing) run(cmd *cobra.Command, g *globals, path string) error {
	if p.out == "" {
		return usagef("--out DIR is missing: the folder to write the splits to")
	}
	if p.as != dataset.AsJSONL && p.as != dataset.AsParquet {
		return usagef("--as %q is none of %s, %s", p.as, dataset.AsJSONL, dataset.AsParquet)
	}
	r, err := p.plan()
	if err != nil {
		return err
	}
	if p.save != "" {
		if err := r.Write(p.save); err != nil {
			return err
		}
	}
	o := dataset.PrepareOptions{Out: p.out, As: p.as, PromptFormat: r.PromptFormat, Split: r.Split, Seed: r.Seed, Recipe: r.Recipe}
	if o.Open, err = p.in.options(); err != nil {
		return err
	}
	objects, left, err := g.objects(cmd.Context(), path)
	if err != nil {
		return err
	}
	defer left()
	o.Open.Objects = objects
	if len(p.in.columns) > 0 {
		d, done, err := p.in.open(cmd.Context(), g, path)
		if err != nil {
			return err
		}
		m := d.Info().Mapping
		done()
		o.Open.Mapping = &m
	}
	bar := newProgressLine(g)
	m, err := dataset.Prepare(cmd.Context(), path, o, bar.show)
	bar.end()
	if err != nil {
		return err
	}
	if g.jsonOut() {
		return g.printJSON(m)
	}
	rows := make([][]string, 0, len(m.Splits))
	for _, s := range m.Splits {
		rows = append(rows, []string{s.Name, strconv.FormatInt(s.Rows, 10), strconv.FormatInt(s.Bytes, 10), s.File, s.SHA256[:min(12, len(s.SHA256))]})
	}
	for _, reason := range slices.Sorted(maps.Keys(m.Dropped)) {
		what := "rows"
		if reason == dataset.LaterTurns {
			what = "turns"
		}
		if n := m.Dropped[reason]; n > 0 {
			g.say("left out %d %s: %s", n, what, reason)
		}
	}
	return g.table([]string{"split", "rows", "bytes", "file", "sha256"}, rows)
}

// progressLine shows progress on standard error when that is a terminal: one
// line that is written over.
type progressLine struct {
	g     *globals
	on    bool
	last  string
	shown bool
}

func newProgressLine(g *globals) *progressLine {
	f, ok := g.err.(*os.File)
	return &progressLine{g: g, on: ok && term.IsTerminal(int(f.Fd()))}
}

// show is called from one goroutine at a time.
func (l *progressLine) show(p dataset.Progress) {
	if !l.on {
		return
	}
	line := p.What
	if p.Total > 0 {
		line += " " + strconv.FormatInt(100*p.Done/p.Total, 10) + " %"
	} else if p.Done > 0 {
		line += " " + strconv.FormatInt(p.Done, 10)
	}
	if line != l.last {
		_, err := l.g.err.Write([]byte("\r\x1b[K" + oneLine(line, 70)))
		l.on = !errors.Is(err, os.ErrClosed)
		l.last, l.shown = line, true
	}
}

// end takes the line away.
func (l *progressLine) end() {
	if l.shown {
		_, _ = l.g.err.Write([]byte("\r\x1b[K"))
	}
}

// parseSplit reads three fractions that sum to one.
func parseSplit(s string) ([3]float64, error) {
	var p [3]float64
	fs := strings.Split(s, ",")
	if len(fs) != 3 {
		return p, usagef("--split %q needs three fractions, such as 0.9,0.05,0.05", s)
	}
	sum := 0.0
	for i, f := range fs {
		v, err := strconv.ParseFloat(strings.TrimSpace(f), 64)
		if err != nil || !(v >= 0 && v <= 1) {
			return p, usagef("--split %q: %q is not a fraction between 0 and 1", s, f)
		}
		p[i] = v
		sum += v
	}
	if sum < 0.999 || sum > 1.001 || p[0] == 0 {
		return p, usagef("--split %q: the fractions must sum to 1 and the first must not be 0", s)
	}
	return p, nil
}
