package command

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"tunebench/backend/dataset"
	"tunebench/backend/dataset/profile"
	"tunebench/backend/safetext"
)

// profileOut is `dataset profile -o json`.
type profileOut struct {
	Rows         int64                 `json:"rows"`
	Columns      []columnOut           `json:"columns"`
	System       lengthsOut            `json:"system"`
	Question     lengthsOut            `json:"question"`
	Answer       lengthsOut            `json:"answer"`
	Tokens       lengthsOut            `json:"tokens"`
	TokenCounter string                `json:"token_counter"`
	TokensExact  bool                  `json:"tokens_exact"`
	MaxTokens    int                   `json:"max_tokens,omitempty"`
	Mixes        map[string]int64      `json:"mixes"`
	Languages    map[string]int64      `json:"languages"`
	Answers      map[string]int64      `json:"answers"`
	Suspicious   map[string]suspectOut `json:"suspicious"`
	NearRows     int64                 `json:"near_rows,omitempty"`
}

type columnOut struct {
	Name    string `json:"name"`
	Missing int64  `json:"missing"`
}

// lengthsOut sums up lengths in characters or tokens.
type lengthsOut struct {
	Total int64   `json:"total"`
	Mean  float64 `json:"mean"`
	Min   int64   `json:"min"`
	P50   int64   `json:"p50"`
	P90   int64   `json:"p90"`
	P99   int64   `json:"p99"`
	Max   int64   `json:"max"`
}

// suspectOut is a class of rows that look wrong, with its first rows.
type suspectOut struct {
	Rows     int64   `json:"rows"`
	Examples []int64 `json:"examples"` // row numbers, counted from 1
}

// maxExamples bounds the rows that are named of each class.
const maxExamples = 20

func newDatasetProfile(g *globals) *cobra.Command {
	var in reading
	var o dataset.ProfileOptions
	c := &cobra.Command{
		Use: "profile FILE", Short: "Lengths, repetitions, sub-mixes, languages and rows that look wrong",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.MaxTokens < 0 {
				return usagef("--max-tokens must be 0 (no limit) or more")
			}
			d, done, err := in.open(cmd.Context(), g, args[0])
			if err != nil {
				return err
			}
			defer done()
			run := d.Profile(cmd.Context(), o)
			defer run.Close()
			if err := run.Wait(cmd.Context()); err != nil {
				return err
			}
			if err := d.WaitIndexed(cmd.Context()); err != nil {
				return err
			}
			p, _, _, _ := run.Snapshot()
			if g.jsonOut() {
				return g.printJSON(profileJSON(p))
			}
			return g.printProfile(p)
		},
	}
	in.flags(c)
	in.tokenizerFlag(c)
	c.Flags().IntVar(&o.MaxTokens, "max-tokens", 0, "count the rows that are longer than this sequence length")
	c.Flags().BoolVar(&o.Near, "near", false, "look for near repetitions, too (MinHash)")
	c.Flags().StringVar(&o.Against, "against", "", "evaluation file whose questions must not be among the rows")
	return c
}

func sumUp(l *profile.Lengths) lengthsOut {
	return lengthsOut{Total: l.Sum, Mean: l.Mean(), Min: l.Min, P50: l.Percentile(0.5), P90: l.Percentile(0.9), P99: l.Percentile(0.99), Max: l.Max}
}

func profileJSON(p *profile.Profile) profileOut {
	o := profileOut{Rows: p.Rows, System: sumUp(&p.System), Question: sumUp(&p.Question), Answer: sumUp(&p.Answer), Tokens: sumUp(&p.Tokens),
		TokenCounter: p.TokenCounter, TokensExact: p.TokensExact, MaxTokens: p.MaxTokens, Mixes: cleanKeys(p.Mixes), Languages: p.Languages,
		Answers: p.Answers, Suspicious: map[string]suspectOut{}, NearRows: p.NearRows}
	for i, c := range p.Columns {
		o.Columns = append(o.Columns, columnOut{c, p.Missing[i]})
	}
	for name, c := range p.Suspicious {
		s := suspectOut{Rows: c.Rows, Examples: []int64{}}
		for _, r := range c.Examples[:min(len(c.Examples), maxExamples)] {
			s.Examples = append(s.Examples, r+1)
		}
		o.Suspicious[name] = s
	}
	return o
}

// cleanKeys is a count whose names come from the file.
func cleanKeys(m map[string]int64) map[string]int64 {
	out := make(map[string]int64, len(m))
	for k, n := range m {
		out[safetext.Line(k)] += n
	}
	return out
}

func (g *globals) printProfile(p *profile.Profile) error {
	num := func(n int64) string { return strconv.FormatInt(n, 10) }
	tokens := "tokens"
	if !p.TokensExact {
		tokens = "tokens (estimate)"
	}
	fmt.Fprintf(g.out, "%d rows\n\n", p.Rows)
	var rows [][]string
	for _, l := range []struct {
		name string
		of   *profile.Lengths
	}{{"system", &p.System}, {"question", &p.Question}, {"answer", &p.Answer}, {tokens, &p.Tokens}} {
		s := sumUp(l.of)
		rows = append(rows, []string{l.name, num(s.Total), fmt.Sprintf("%.1f", s.Mean), num(s.Min), num(s.P50), num(s.P90), num(s.P99), num(s.Max)})
	}
	if err := g.table([]string{"length", "total", "mean", "min", "p50", "p90", "p99", "max"}, rows); err != nil {
		return err
	}
	for i, c := range p.Columns {
		if p.Missing[i] > 0 {
			fmt.Fprintf(g.out, "\ncolumn %s is missing or blank in %d rows", c, p.Missing[i])
		}
	}
	fmt.Fprintln(g.out)
	for _, part := range []struct {
		name string
		of   map[string]int64
	}{{"sub-mix", cleanKeys(p.Mixes)}, {"language", p.Languages}, {"sort of answer", p.Answers}} {
		if len(part.of) == 0 {
			continue
		}
		fmt.Fprintln(g.out)
		if err := g.table([]string{part.name, "rows"}, counts(part.of)); err != nil {
			return err
		}
	}
	var wrong [][]string
	for _, class := range profile.Classes {
		if c := p.Suspicious[class]; c != nil {
			wrong = append(wrong, []string{class, num(c.Rows), firstRows(c)})
		}
	}
	if len(wrong) == 0 {
		fmt.Fprintln(g.out, "\nno row looks wrong")
		return nil
	}
	fmt.Fprintln(g.out)
	return g.table([]string{"looks wrong", "rows", "first of them"}, wrong)
}

// counts are the names with their numbers, the most frequent first.
func counts(m map[string]int64) [][]string {
	names := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), cmp.Compare(a, b))
	})
	var rows [][]string
	for _, n := range names {
		shown := n
		if shown == "" {
			shown = "(none)"
		}
		rows = append(rows, []string{oneLine(shown, 30), strconv.FormatInt(m[n], 10)})
	}
	return rows
}

func firstRows(c *profile.Class) string {
	var s string
	for i, r := range c.Examples[:min(len(c.Examples), 5)] {
		if i > 0 {
			s += ", "
		}
		s += strconv.FormatInt(r+1, 10)
	}
	return s
}
