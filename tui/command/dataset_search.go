package command

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"tunebench/backend/dataset"
	"tunebench/backend/dataset/filter"
	"tunebench/backend/safetext"
)

func newDatasetSearch(g *globals) *cobra.Command {
	var in reading
	var q dataset.Query
	var limit int
	var count bool
	c := &cobra.Command{
		Use: "search FILE PATTERN", Short: "Rows that hold a text or match a regular expression",
		Long: "Prints the rows that hold PATTERN, as they are found. With --count it prints how\n" +
			"many there are. Status 3 says that there is none.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 0 {
				return usagef("--limit must be 0 (all) or more")
			}
			d, done, err := in.open(cmd.Context(), g, args[0])
			if err != nil {
				return err
			}
			defer done()
			q.Text = args[1]
			hits, err := d.Search(cmd.Context(), q)
			if err != nil {
				return usageError{err}
			}
			p := newRowPrinter(g, "")
			if p.hit, err = hitPattern(q); err != nil {
				return usageError{err}
			}
			return g.printList(cmd.Context(), hits, p, limit, count, fmt.Sprintf("no row of %s holds %q", args[0], args[1]))
		},
	}
	in.flags(c)
	c.Flags().BoolVar(&q.Regexp, "regexp", false, "PATTERN is a regular expression (RE2 syntax)")
	c.Flags().BoolVarP(&q.Fold, "ignore-case", "i", false, "ignore upper and lower case")
	c.Flags().StringVar(&q.Column, "column", "", "search only this column")
	listFlags(c, &limit, &count)
	return c
}

// hitPattern finds in a row's text what was searched for.
func hitPattern(q dataset.Query) (*regexp.Regexp, error) {
	expr := q.Text
	if !q.Regexp {
		expr = regexp.QuoteMeta(expr)
	}
	if q.Fold {
		expr = "(?i)" + expr
	}
	return regexp.Compile(expr)
}

func newDatasetFilter(g *globals) *cobra.Command {
	var in reading
	var limit int
	var count bool
	var format string
	c := &cobra.Command{
		Use: "filter FILE EXPRESSION", Short: "Rows that a filter keeps",
		Long: "Prints the rows that a filter keeps, as they are found, for example\n\n" +
			"  tunebench dataset filter orca.jsonl 'len(answer) > 400 and id ~ ^flan'\n" +
			"  tunebench dataset filter orca.jsonl 'refusal or duplicate' --count\n\n" +
			"With --count it prints how many there are. Status 3 says that there is none.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 0 {
				return usagef("--limit must be 0 (all) or more")
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
			list, err := d.Filter(cmd.Context(), args[1])
			if err != nil {
				return usageError{underline(args[1], err)}
			}
			return g.printList(cmd.Context(), list, newRowPrinter(g, format), limit, count, fmt.Sprintf("no row of %s is kept by the filter", args[0]))
		},
	}
	in.flags(c)
	in.tokenizerFlag(c)
	c.Flags().StringVar(&format, "render", "", "print rows as the model sees them, in this prompt format")
	listFlags(c, &limit, &count)
	return c
}

func listFlags(c *cobra.Command, limit *int, count *bool) {
	c.Flags().IntVarP(limit, "limit", "n", 0, "print at most this many rows; 0 prints all")
	c.Flags().BoolVar(count, "count", false, "print only how many rows there are")
}

// underline puts a filter's error under the words that are wrong.
func underline(expr string, err error) error {
	var wrong *filter.Error
	if !errors.As(err, &wrong) || strings.ContainsAny(expr, "\n\r\t") {
		return err
	}
	from := min(wrong.From, len(expr))
	to := min(max(wrong.To, from), len(expr))
	return fmt.Errorf("%s\n  %s\n  %s%s", wrong.Message, safetext.Line(expr),
		strings.Repeat(" ", utf8.RuneCountInString(expr[:from])), strings.Repeat("^", max(1, utf8.RuneCountInString(expr[from:to]))))
}

// countOut is `--count -o json`.
type countOut struct {
	Count int   `json:"count"`
	Rows  int64 `json:"rows"` // that were looked at
}

// printList prints a list of rows while it grows. none is said when it is empty.
func (g *globals) printList(ctx context.Context, list *dataset.List, p *rowPrinter, limit int, count bool, none string) error {
	defer list.Close()
	if count {
		if err := list.Wait(ctx); err != nil {
			return err
		}
		n := list.Len()
		if g.jsonOut() {
			rows, _, _ := list.Scanned()
			if err := g.printJSON(countOut{n, rows}); err != nil {
				return err
			}
		} else {
			fmt.Fprintln(g.out, n)
		}
		if n == 0 {
			return verdictf("%s", none)
		}
		return nil
	}
	for at := 0; ; {
		_, done, failed := list.Scanned() // before the length: nothing comes behind it
		found := list.Len()
		if limit > 0 {
			found = min(found, limit)
		}
		for at < found {
			n := min(rowsAtOnce, found-at)
			rows, err := list.Rows(ctx, at, n)
			if err == nil {
				err = p.print(rows)
			}
			if err != nil {
				return p.endWith(err)
			}
			at += n
		}
		switch {
		case limit > 0 && at == limit:
			return p.end()
		case done && failed != nil:
			return p.endWith(failed)
		case done && at == 0:
			return errors.Join(p.end(), verdictf("%s", none))
		case done:
			return p.end()
		}
		select {
		case <-list.Changed():
		case <-ctx.Done():
			return p.endWith(ctx.Err())
		}
	}
}
