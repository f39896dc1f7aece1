package command

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"tunebench/backend/dataset"
)

// rowsAtOnce is how many rows are read before they are printed.
const rowsAtOnce = 200

// rowOut is one row in JSON output.
type rowOut struct {
	Row      int64             `json:"row"`   // counted from 1, as people do
	Index    int64             `json:"index"` // counted from 0
	ID       string            `json:"id,omitempty"`
	System   string            `json:"system"`
	Question string            `json:"question"`
	Answer   string            `json:"answer"`
	Category string            `json:"category,omitempty"`
	Error    string            `json:"error,omitempty"`
	Rendered string            `json:"rendered,omitempty"`
	Fields   map[string]string `json:"fields"`
	// Prompt is the row in tokens, when a tokenizer was given.
	Prompt *dataset.Prompt `json:"prompt,omitempty"`
}

// rowPrinter prints rows as they come: a table whose columns have fixed widths,
// the text that a model sees, or a JSON list.
type rowPrinter struct {
	g      *globals
	w      *bufio.Writer
	format string                                  // prompt format of rendered text, "" for a table
	hit    *regexp.Regexp                          // what was searched for; the table shows it in its place
	prompt func(row int64) (dataset.Prompt, error) // renders with a tokenizer, nil without
	list   *listPrinter
	n      int
}

func newRowPrinter(g *globals, format string) *rowPrinter {
	w := bufio.NewWriter(g.out)
	return &rowPrinter{g: g, w: w, format: format, list: &listPrinter{w: w}}
}

// print prints rows and hands them to whoever reads.
func (p *rowPrinter) print(rows []dataset.Row) error {
	for _, r := range rows {
		if err := p.row(r); err != nil {
			return err
		}
	}
	return p.w.Flush()
}

func (p *rowPrinter) row(r dataset.Row) error {
	o := rowOut{Row: r.Index + 1, Index: r.Index, ID: r.ID, System: r.System, Question: r.Question,
		Answer: r.Answer, Category: r.Category, Error: r.Err, Fields: map[string]string{}}
	for _, f := range r.Fields {
		o.Fields[f.Name] = f.Value
	}
	if p.format != "" && r.Err == "" {
		prompt, answer, err := dataset.Render(r, p.format)
		if err != nil {
			return err
		}
		o.Rendered = prompt + answer
		if p.prompt != nil {
			t, err := p.prompt(r.Index)
			if err != nil {
				return err
			}
			o.Prompt, o.Rendered = &t, t.Text
		}
	}
	first := p.n == 0
	p.n++
	switch {
	case p.g.jsonOut():
		return p.list.add(o)
	case p.format != "":
		text := o.Rendered
		if r.Err != "" {
			text = "! " + r.Err
		}
		fmt.Fprintf(p.w, "%d: %s\n", o.Row, text)
		if t := o.Prompt; t != nil {
			fmt.Fprintf(p.w, "   %d tokens, %d learnt", t.Length, max(0, t.Kept-t.AnswerStart))
			if t.Verdict != dataset.PromptWhole {
				fmt.Fprintf(p.w, "; %s", t.Verdict)
			}
			fmt.Fprintln(p.w)
		}
	case p.hit != nil:
		if first {
			fmt.Fprintf(p.w, "%9s  %-16s  %s\n", "ROW", "COLUMN", "TEXT")
		}
		column, text := p.place(r)
		fmt.Fprintf(p.w, "%9d  %s  %s\n", o.Row, cell(column, 16), text)
	default:
		if first {
			fmt.Fprintf(p.w, "%9s  %-14s  %-10s  %-20s  %-48s  %s\n", "ROW", "ID", "CATEGORY", "SYSTEM", "QUESTION", "ANSWER")
		}
		q := cell(r.Question, 48)
		if r.Err != "" {
			q = cell("! "+r.Err, 48)
		}
		fmt.Fprintf(p.w, "%9d  %s  %s  %s  %s  %s\n", o.Row, cell(r.ID, 14), cell(r.Category, 10), cell(r.System, 20), q, oneLine(r.Answer, 40))
	}
	return nil
}

// place finds the column that holds what was searched for, and the text around
// it on one line.
func (p *rowPrinter) place(r dataset.Row) (column, text string) {
	const before, width = 30, 90
	for _, f := range r.Fields {
		at := p.hit.FindStringIndex(f.Value)
		if at == nil {
			continue
		}
		head := []rune(f.Value[max(0, at[0]-8*before):at[0]])
		lead := string(head[max(0, len(head)-before):])
		if at[0] > len(lead) {
			lead = "…" + lead
		}
		return f.Name, oneLine(lead+f.Value[at[0]:min(len(f.Value), at[0]+8*width)], width)
	}
	return "", oneLine(r.Question+" "+r.Err, width)
}

// end finishes the output.
func (p *rowPrinter) end() error {
	if p.g.jsonOut() {
		p.list.end()
	}
	return p.w.Flush()
}

// endWith finishes the output so that what was printed stays readable, and
// returns the error that ended it.
func (p *rowPrinter) endWith(err error) error {
	return errors.Join(err, p.end())
}

// cell is s on one line in exactly so many columns of the terminal.
func cell(s string, width int) string {
	s = ansi.Truncate(strings.Join(strings.Fields(s), " "), width, "…")
	return s + strings.Repeat(" ", max(0, width-ansi.StringWidth(s)))
}

// listPrinter writes a JSON list whose items come one by one.
type listPrinter struct {
	w *bufio.Writer
	n int
}

func (l *listPrinter) add(v any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("  ", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	lead := ",\n  "
	if l.n == 0 {
		lead = "[\n  "
	}
	l.n++
	_, err := l.w.WriteString(lead + strings.TrimSuffix(b.String(), "\n"))
	return err
}

func (l *listPrinter) end() {
	switch l.n { // a failed write shows at the flush
	case 0:
		_, _ = l.w.WriteString("[]\n")
	default:
		_, _ = l.w.WriteString("\n]\n")
	}
}
