package command

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/dataset"
)

func newDataset(g *globals) *cobra.Command {
	return group("dataset", "Look at a dataset and prepare it for training",
		newDatasetInfo(g), newDatasetHead(g), newDatasetPrepare(g))
}

func newDatasetInfo(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "info FILE", Short: "Rows, columns and how the columns are read",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := dataset.Open(cmd.Context(), args[0], dataset.OpenOptions{})
			if err != nil {
				return err
			}
			defer d.Close()
			if err := d.WaitIndexed(cmd.Context()); err != nil {
				return err
			}
			info := d.Info()
			if g.jsonOut() {
				return g.printJSON(info)
			}
			m := info.Mapping
			fields(g.out,
				"path", info.Path, "format", info.Format,
				"bytes", strconv.FormatInt(info.Bytes, 10),
				"rows", strconv.FormatInt(info.Rows, 10),
				"columns", strings.Join(info.Columns, ", "),
				"id", m.ID, "system", m.System, "question", m.Question,
				"answer", m.Answer, "messages", m.Messages, "category", m.Category)
			return nil
		},
	}
}

// rowOut is one row in `dataset head -o json`.
type rowOut struct {
	Index    int64             `json:"index"`
	ID       string            `json:"id,omitempty"`
	System   string            `json:"system"`
	Question string            `json:"question"`
	Answer   string            `json:"answer"`
	Category string            `json:"category,omitempty"`
	Error    string            `json:"error,omitempty"`
	Rendered string            `json:"rendered,omitempty"`
	Fields   map[string]string `json:"fields"`
}

func newDatasetHead(g *globals) *cobra.Command {
	var n, from int64
	var format string
	c := &cobra.Command{
		Use: "head FILE", Short: "The first rows",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if n < 1 || from < 0 {
				return usagef("-n must be at least 1 and --from at least 0")
			}
			d, err := dataset.Open(cmd.Context(), args[0], dataset.OpenOptions{})
			if err != nil {
				return err
			}
			defer d.Close()
			rows, err := d.Rows(cmd.Context(), from, n)
			if err != nil {
				return err
			}
			outs := make([]rowOut, 0, len(rows))
			for _, r := range rows {
				o := rowOut{Index: r.Index, ID: r.ID, System: r.System, Question: r.Question,
					Answer: r.Answer, Category: r.Category, Error: r.Err, Fields: map[string]string{}}
				for _, f := range r.Fields {
					o.Fields[f.Name] = f.Value
				}
				if format != "" && r.Err == "" {
					p, a, err := dataset.Render(r, format)
					if err != nil {
						return err
					}
					o.Rendered = p + a
				}
				outs = append(outs, o)
			}
			if g.jsonOut() {
				return g.printJSON(outs)
			}
			if format != "" {
				for _, o := range outs {
					fmt.Fprintf(g.out, "%d: %s\n", o.Index, o.Rendered)
				}
				return nil
			}
			table := make([][]string, 0, len(outs))
			for _, o := range outs {
				q := o.Question
				if o.Error != "" {
					q = "! " + o.Error
				}
				table = append(table, []string{strconv.FormatInt(o.Index, 10), o.ID, o.Category,
					oneLine(o.System, 24), oneLine(q, 60), oneLine(o.Answer, 40)})
			}
			return g.table([]string{"row", "id", "category", "system", "question", "answer"}, table)
		},
	}
	c.Flags().Int64VarP(&n, "rows", "n", 10, "how many rows")
	c.Flags().Int64Var(&from, "from", 0, "first row, counted from 0")
	c.Flags().StringVar(&format, "render", "", "print rows as the model sees them, in this prompt format")
	return c
}

func newDatasetPrepare(g *globals) *cobra.Command {
	var out, format, split string
	var seed uint64
	c := &cobra.Command{
		Use: "prepare FILE --out DIR", Short: "Write train, validation and test splits with a manifest",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usagef("--out DIR is missing: the folder to write the splits to")
			}
			parts, err := parseSplit(split)
			if err != nil {
				return err
			}
			m, err := dataset.Prepare(cmd.Context(), args[0], dataset.PrepareOptions{
				Out: out, PromptFormat: format, Split: parts, Seed: seed,
			}, nil)
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
			for reason, n := range m.Dropped {
				g.say("left out %d rows: %s", n, reason)
			}
			return g.table([]string{"split", "rows", "bytes", "file", "sha256"}, rows)
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder to write to")
	c.Flags().StringVar(&format, "prompt-format", "mistral-v3", "prompt format recorded with the data")
	c.Flags().StringVar(&split, "split", "0.9,0.05,0.05", "fractions for train, validation and test")
	c.Flags().Uint64Var(&seed, "seed", 1, "seed of the split")
	return c
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
