package chat

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
)

// ExportFormats are the forms in which sessions are exported.
func ExportFormats() []string { return []string{"markdown", "jsonl", "csv"} }

// Row is an answer as an example: what a dataset and an evaluation read back.
type Row struct {
	ID       string `json:"id"`
	System   string `json:"system_prompt,omitempty"`
	Question string `json:"question"`
	// Response is the model's answer.
	Response  string `json:"response"`
	Reference string `json:"reference,omitempty"`
	Model     string `json:"model"`

	Phase        Phase   `json:"phase"`
	StopReason   string  `json:"stop_reason,omitempty"`
	Error        string  `json:"error,omitempty"`
	InputTokens  int     `json:"input_tokens,omitempty"`
	OutputTokens int     `json:"output_tokens,omitempty"`
	FirstTokenMS float64 `json:"first_token_ms,omitempty"`
	DurationMS   float64 `json:"duration_ms,omitempty"`
	Sent         string  `json:"sent,omitempty"`

	// The rest is as in Figure.
	TokensPerSecond float64  `json:"tokens_per_s,omitempty"`
	CostUSD         *float64 `json:"cost_usd,omitempty"`
	F1              *float64 `json:"f1,omitempty"`
	Exact           bool     `json:"exact,omitempty"`
	Vote            string   `json:"vote,omitempty"`
}

// Export writes a session: as Markdown to be read, as JSON Lines, an answer a
// line, that the dataset pane and evaluations read, or as CSV with the figures of
// all answers. Answers without any text are not in the JSON Lines.
func (s *Service) Export(ctx context.Context, id int64, format string, w io.Writer) error {
	c, turns, err := s.Load(ctx, id)
	if err != nil {
		return err
	}
	if !slices.Contains(ExportFormats(), format) {
		return fmt.Errorf("%q is no form of export; use one of %s", format, strings.Join(ExportFormats(), ", "))
	}
	figures, err := s.Figures(ctx, c, turns)
	if err != nil {
		return fmt.Errorf("export session %d: %w", id, err)
	}
	b := bufio.NewWriter(w)
	switch format {
	case "markdown":
		writeMarkdown(b, c, turns)
		writeFigures(b, figures)
	case "jsonl":
		err = writeRows(b, rows(c, turns, figures))
	case "csv":
		err = writeCSV(b, figures)
	}
	if err != nil {
		return fmt.Errorf("export session %d: %w", id, err)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("export session %d: %w", id, err)
	}
	return nil
}

// rows are the answers as examples; figures are those of the same turns.
func rows(c Conversation, turns []Turn, figures []Figure) []Row {
	var out []Row
	var system, question, reference string
	position := -1
	for _, t := range turns {
		if t.Position/2 != position/2 || position < 0 {
			system, question, reference, position = "", "", "", t.Position
		}
		switch t.Role {
		case roleSystem:
			system = t.Content
		case roleReference:
			reference = t.Content
		case artifact.RoleUser:
			question = t.Content
		case artifact.RoleAssistant:
			f := figures[0]
			figures = figures[1:]
			text := strings.TrimSpace(t.Content)
			if text == "" {
				continue
			}
			out = append(out, Row{
				ID: fmt.Sprintf("%d.%d.%s", c.ID, t.Position/2+1, t.Model), System: system, Question: question, Response: text, Reference: reference, Model: t.Model,
				Phase: t.Phase, StopReason: t.StopReason, Error: t.Err, InputTokens: t.Input, OutputTokens: t.Output,
				FirstTokenMS: f.FirstTokenMS, DurationMS: f.DurationMS, Sent: t.Sent,
				TokensPerSecond: f.TokensPerSecond, CostUSD: f.CostUSD, F1: f.F1, Exact: f.Exact, Vote: f.Vote,
			})
		}
	}
	return out
}

func writeRows(w io.Writer, all []Row) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, r := range all {
		if err := e.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// writeMarkdown writes a session to be read. What was said stands in quotes, so
// that nothing in it can pass for a heading of ours.
func writeMarkdown(w *bufio.Writer, c Conversation, turns []Turn) {
	put := func(format string, args ...any) { fmt.Fprintf(w, format, args...) } // w keeps the error
	put("# %s\n\n", inert(oneLine(c.Title)))
	put("%s, %s\n", c.Created.UTC().Format("2006-01-02 15:04 UTC"), inert(strings.Join(c.Models, ", ")))
	for _, t := range turns {
		switch t.Role {
		case roleSystem:
			put("\nSystem:\n\n%s", quoted(t.Content))
		case artifact.RoleUser:
			put("\n## Question %d\n\n%s", t.Position/2+1, quoted(t.Content))
		case roleReference:
			put("\nReference:\n\n%s", quoted(t.Content))
		case artifact.RoleAssistant:
			put("\n### %s\n\n", inert(oneLine(t.Model)))
			if t.Content != "" {
				put("%s\n", quoted(strings.TrimSpace(t.Content)))
			}
			words := []string{string(t.Phase)}
			if t.StopReason != "" {
				words = append(words, t.StopReason)
			}
			if t.Output > 0 {
				words = append(words, fmt.Sprintf("%d tokens in, %d out", t.Input, t.Output))
			}
			if t.FirstToken > 0 {
				words = append(words, fmt.Sprintf("first after %.0f ms", t.FirstToken.Seconds()*1000))
			}
			if t.Err != "" {
				words = append(words, t.Err)
			}
			put("%s\n", inert(oneLine(strings.Join(words, "; "))))
		}
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func quoted(s string) string {
	var b strings.Builder
	for line := range strings.Lines(inert(s)) {
		b.WriteString("> " + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}

// inert cleans a text and takes the life out of the entities in it that a reader
// of Markdown would turn into control characters.
func inert(s string) string {
	s = safetext.Text(s)
	if !strings.Contains(s, "&") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		end := strings.IndexByte(s, ';') + 1
		if end <= 0 || end > 40 {
			end = min(len(s), 40)
		}
		// What HTML takes without a semicolon is looked at too.
		if c := html.UnescapeString(s[:end]); safetext.Line(c) != c || strings.Contains(c, "\n") {
			b.WriteString("&amp;")
		} else {
			b.WriteString("&")
		}
		s = s[1:]
	}
	b.WriteString(s)
	return b.String()
}
