package command

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// printJSON writes one indented JSON document to standard output.
func (g *globals) printJSON(v any) error {
	enc := json.NewEncoder(g.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// jsonOut reports whether data is wanted as JSON.
func (g *globals) jsonOut() bool { return g.output == "json" }

// table writes aligned columns to standard output. Cells are one line each.
func (g *globals) table(header []string, rows [][]string) error {
	w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(strings.Join(header, "\t")))
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// fields writes name and value pairs, a line each, names aligned; pairs whose
// value is empty are left out.
func fields(w io.Writer, pairs ...string) {
	width := 0
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			width = max(width, len(pairs[i]))
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(w, "%-*s  %s\n", width, pairs[i], pairs[i+1])
		}
	}
}

// say writes a line of progress to standard error.
func (g *globals) say(format string, args ...any) {
	fmt.Fprintf(g.err, format+"\n", args...)
}

// confirm asks on a terminal whether to go on; --yes answers it. Without a
// terminal it is a usage error, so that a script never spends by accident.
func (g *globals) confirm(question string) error {
	if g.yes {
		return nil
	}
	f, ok := g.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return usagef("%s Nothing was done: there is no terminal to ask on; add --yes to confirm", question)
	}
	fmt.Fprintf(g.err, "%s [y/N] ", question)
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil && line == "" {
		return fmt.Errorf("nothing was done: no answer could be read: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return fmt.Errorf("nothing was done: not confirmed")
}

// when prints a time for a table, in local time.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// elapsed prints the time between two moments, up to now while the second is
// not known.
func elapsed(from, to, now time.Time) string {
	if from.IsZero() {
		return "-"
	}
	if to.IsZero() {
		to = now
	}
	return to.Sub(from).Round(time.Second).String()
}

func oneLine(s string, width int) string {
	s = strings.Join(strings.Fields(s), " ")
	r := []rune(s)
	if len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return s
}

// scoreText prints a score as a fraction of one with three digits.
func scoreText(scores map[string]float64, name string) string {
	v, ok := scores[name]
	if !ok {
		return "-"
	}
	return fmt.Sprintf("%.3f", v)
}

// listCommand makes a command that prints a list of the account's things, a row
// each, or as JSON.
func listCommand[T any](g *globals, use, short string, list func(context.Context, *session) ([]T, error), header []string, row func(T) []string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				items, err := list(cmd.Context(), s)
				if err != nil {
					return err
				}
				if g.jsonOut() {
					return g.printJSON(nonNil(items))
				}
				rows := make([][]string, 0, len(items))
				for _, item := range items {
					rows = append(rows, row(item))
				}
				return g.table(header, rows)
			})
		},
	}
}

// nonNil makes an empty list print as [] and not as null.
func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func itoa(n int) string { return strconv.Itoa(n) }
