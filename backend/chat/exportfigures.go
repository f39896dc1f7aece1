package chat

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// writeFigures writes the tables over a session: every answer, and each model.
func writeFigures(w *bufio.Writer, figures []Figure) {
	if len(figures) == 0 {
		return
	}
	put := func(format string, args ...any) { fmt.Fprintf(w, format, args...) } // w keeps the error
	put("\n## Figures\n\n| question | model | first token ms | tokens/s | in | out | ended | cost | F1 | vote |\n|---:|---|---:|---:|---:|---:|---|---:|---:|---|\n")
	for _, f := range figures {
		put("| %d | %s | %s | %s | %d | %d | %s | %s | %s | %s |\n", f.Number, inCell(f.Model), rounded(f.FirstTokenMS), rounded(f.TokensPerSecond), f.Input, f.Output,
			inCell(f.Ended()), f.Cost, scoreText(f.F1), inCell(f.Vote))
	}
	put("\n| model | finished | first token ms, median | tokens/s, median | in | out | cost | F1, mean | exact | votes won-lost-neither |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---|\n")
	for _, t := range Totals(figures) {
		exact := ""
		if t.Scored > 0 {
			exact = fmt.Sprintf("%d of %d", t.Exact, t.Scored)
		}
		put("| %s | %d of %d | %s | %s | %d | %d | %s | %s | %s | %s |\n", inCell(t.Model), t.Finished, t.Answers, rounded(t.FirstTokenMS), rounded(t.TokensPerSecond), t.Input, t.Output,
			t.Cost(), scoreText(t.F1), exact, t.Votes())
	}
	said := map[string]bool{}
	for _, f := range figures {
		if line := f.Model + ": " + f.CostBasis; f.CostBasis != "" && !said[line] {
			said[line] = true
			put("\n%s\n", inert(oneLine(line)))
		}
	}
}

// inCell is a text that ends no cell of a Markdown table.
func inCell(s string) string { return strings.ReplaceAll(inert(oneLine(s)), "|", `\|`) }

func rounded(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

func scoreText(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.2f", *v)
}

// writeCSV writes a line of figures for each answer. Numbers that are not known
// are empty.
func writeCSV(w io.Writer, figures []Figure) error {
	c := csv.NewWriter(w)
	if err := c.Write([]string{"number", "question", "model", "phase", "stop_reason", "first_token_ms", "duration_ms", "tokens_per_s", "input_tokens", "output_tokens", "cost_usd", "cost_basis", "f1", "exact", "vote"}); err != nil {
		return err
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	for _, f := range figures {
		cost, f1, exact := "", "", ""
		if f.CostUSD != nil {
			cost = number(*f.CostUSD)
		}
		if f.F1 != nil {
			f1, exact = number(*f.F1), strconv.FormatBool(f.Exact)
		}
		if err := c.Write([]string{strconv.Itoa(f.Number), oneLine(f.Question), f.Model, string(f.Phase), f.StopReason, number(f.FirstTokenMS), number(f.DurationMS), number(f.TokensPerSecond),
			strconv.Itoa(f.Input), strconv.Itoa(f.Output), cost, f.CostBasis, f1, exact, f.Vote}); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}
