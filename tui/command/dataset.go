package command

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/artifact"
	"tunebench/backend/dataset"
	"tunebench/backend/dataset/objectstore"
)

func newDataset(g *globals) *cobra.Command {
	return group("dataset", "Look at a dataset and prepare it for training",
		newDatasetInfo(g), newDatasetHead(g), newDatasetSearch(g), newDatasetFilter(g),
		newDatasetProfile(g), newDatasetTokens(g), newDatasetBadRows(g), newDatasetPrepare(g), newDatasetUpload(g), newDatasetFetch(g))
}

// reading are the flags that say how a dataset's file is read.
type reading struct {
	columns   []string // PART=COLUMN
	tokenizer string   // folder or file, "" for an estimate

	loaded *artifact.Tokenizer
}

func (r *reading) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&r.columns, "map", nil, "read a column as PART, such as --map question=text (id, system, question, context, answer, messages, category)")
}

func (r *reading) tokenizerFlag(c *cobra.Command) {
	c.Flags().StringVar(&r.tokenizer, "tokenizer", "", "count tokens with this tokenizer: a model's folder, a tokenizer.json or a tokenizer.model")
}

// format is the prompt format that --render names; "model" is that of the
// tokenizer's folder.
func (r *reading) format(name string) (string, error) {
	if name != "model" {
		return name, nil
	}
	if r.tokenizer == "" {
		return "", usagef("--render model needs --tokenizer with the folder of a model")
	}
	return dataset.FormatOfModel(r.tokenizer)
}

// options are what the flags say about opening a dataset, its columns excepted.
func (r *reading) options() (o dataset.OpenOptions, err error) {
	if r.tokenizer != "" {
		if r.loaded, err = dataset.LoadTokenizer(r.tokenizer); err != nil {
			return o, err
		}
		o.Tokens = dataset.TokensOf(r.loaded, r.tokenizer)
	}
	return o, nil
}

// objects lets s3:// paths be read, with the account that the flags name. It is
// opened only when one of the paths is there. The function closes it.
func (g *globals) objects(ctx context.Context, paths ...string) (dataset.Objects, func(), error) {
	for _, p := range paths {
		if strings.HasPrefix(p, "s3://") {
			s, err := g.open(ctx)
			if err != nil {
				return nil, nil, err
			}
			return objectstore.New(s.account.S3()), func() { _ = s.close() }, nil // it was only read
		}
	}
	return nil, func() {}, nil
}

// open opens a dataset as the flags say. The function it returns closes it.
func (r *reading) open(ctx context.Context, g *globals, path string) (*dataset.Dataset, func(), error) {
	o, err := r.options()
	if err != nil {
		return nil, nil, err
	}
	objects, left, err := g.objects(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	o.Objects = objects
	o.Lazy = true
	d, err := dataset.Open(ctx, path, o)
	if err == nil && len(r.columns) > 0 {
		m := d.Info().Mapping
		_ = d.Close() // it was only read
		if err = r.apply(&m); err == nil {
			o.Mapping = &m
			d, err = dataset.Open(ctx, path, o)
		}
	}
	if err != nil {
		left()
		return nil, nil, err
	}
	return d, func() { _ = d.Close(); left() }, nil
}

// apply puts the named columns into a mapping.
func (r *reading) apply(m *dataset.Mapping) error {
	parts := map[string]*string{"id": &m.ID, "system": &m.System, "question": &m.Question, "context": &m.Context,
		"answer": &m.Answer, "messages": &m.Messages, "category": &m.Category}
	for _, c := range r.columns {
		part, column, ok := strings.Cut(c, "=")
		to := parts[part]
		if !ok || to == nil {
			return usagef("--map %q is not PART=COLUMN with a part of id, system, question, context, answer, messages or category", c)
		}
		*to = column
		switch {
		case part == "messages" && column != "":
			m.Question, m.Answer = "", ""
		case (part == "question" || part == "answer") && column != "":
			m.Messages = ""
		}
	}
	return nil
}

func newDatasetInfo(g *globals) *cobra.Command {
	var in reading
	c := &cobra.Command{
		Use: "info FILE", Short: "Rows, columns and how the columns are read",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, done, err := in.open(cmd.Context(), g, args[0])
			if err != nil {
				return err
			}
			defer done()
			if err := d.WaitIndexed(cmd.Context()); err != nil {
				return err
			}
			info := d.Info()
			if g.jsonOut() {
				return g.printJSON(info)
			}
			m := info.Mapping
			fields(g.out,
				"path", info.Path, "files", strings.Join(info.Files, ", "), "format", info.Format, "note", info.Note,
				"bytes", strconv.FormatInt(info.Bytes, 10),
				"rows", strconv.FormatInt(info.Rows, 10),
				"columns", strings.Join(info.Columns, ", "),
				"id", m.ID, "system", m.System, "question", m.Question, "context", m.Context,
				"answer", m.Answer, "messages", m.Messages, "category", m.Category)
			return nil
		},
	}
	in.flags(c)
	return c
}

func newDatasetHead(g *globals) *cobra.Command {
	var in reading
	var count, row int64
	var format string
	var maxLength int
	c := &cobra.Command{
		Use: "head FILE", Short: "Rows from the first or from any other on",
		Long: "Prints rows as they are read, from --row on. Rows are counted from 1.\n" +
			"Only what is printed is read of a file of text, and not the whole file.\n" +
			"With --render and --tokenizer a row is shown exactly as it is trained on: how many\n" +
			"tokens it has, how many of them are learnt, and where it is cut at --max-length;\n" +
			"with -o json every token.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if maxLength < 0 || maxLength > 0 && (format == "" || in.tokenizer == "") {
				return usagef("--max-length needs --render and --tokenizer, and a number of tokens")
			}
			if count < 1 || row < 1 {
				return usagef("--count and --row must be at least 1; rows are counted from 1")
			}
			format, err := in.format(format)
			if err != nil {
				return err
			}
			d, done, err := in.open(cmd.Context(), g, args[0])
			if err != nil {
				return err
			}
			defer done()
			p := newRowPrinter(g, format)
			if p.format != "" && in.loaded != nil {
				p.prompt = func(row int64) (dataset.Prompt, error) {
					return d.Prompt(cmd.Context(), row, format, in.loaded, maxLength)
				}
			}
			for first, left := row-1, count; left > 0; {
				n := min(left, rowsAtOnce)
				rows, err := d.Rows(cmd.Context(), first, n)
				if err != nil {
					return p.endWith(err)
				}
				if err := p.print(rows); err != nil {
					return p.endWith(err)
				}
				if int64(len(rows)) < n {
					break
				}
				first, left = first+n, left-n
			}
			if p.n == 0 && row > 1 {
				return p.endWith(fmt.Errorf("there is no row %d: the dataset has %d", row, d.Info().Rows))
			}
			return p.end()
		},
	}
	in.flags(c)
	c.Flags().Int64VarP(&count, "count", "n", 10, "how many rows")
	c.Flags().Int64Var(&row, "row", 1, "first row, counted from 1")
	c.Flags().StringVar(&format, "render", "", "print rows as the model sees them, in this prompt format; \"model\" is that of the tokenizer's folder")
	c.Flags().IntVar(&maxLength, "max-length", 0, "sequence length in tokens at which rows are cut; 0 for none")
	in.tokenizerFlag(c)
	return c
}
