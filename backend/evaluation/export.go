package evaluation

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tunebench/backend/safetext"
	"tunebench/backend/store"
)

// Formats are the formats that Export writes.
var Formats = []string{"jsonl", "csv", "md", "html", "toml"}

// Export writes a run. "jsonl" has a record a line with FMEval's names, and the
// text as it was scored; it is ASCII, so that printing it does no harm. "csv"
// has the records, cleaned for display. "md" has the scoreboard for a pull request,
// "html" that as a page with charts and the records that say most, "toml" the run as
// a run file. without leaves marked rows out and says how much that is.
func (s *Service) Export(ctx context.Context, id, format string, without bool, w io.Writer) error {
	read := s.Run
	marks := map[int64]string{}
	if without {
		read = s.Without
		var err error
		if marks, err = s.Marks(ctx, id); err != nil {
			return err
		}
	}
	run, err := read(ctx, id)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	switch format {
	case "jsonl":
		_, err = s.cfg.Store.Records(ctx, store.RecordQuery{Run: id}, func(r store.Record) error {
			if marks[r.Row] != "" {
				return nil
			}
			return writeJSONLine(b, run.ScoreNames, r)
		})
	case "csv":
		err = s.exportCSV(ctx, run, marks, b)
	case "md":
		err = s.writeMarkdown(ctx, b, run)
	case "html":
		err = s.writeHTML(ctx, b, run, marks)
	case "toml":
		err = RunFile{run.Spec}.Write(b, "")
	default:
		return fmt.Errorf("there is no format %q; choose one of %s", safetext.Line(format), strings.Join(Formats, ", "))
	}
	if err != nil {
		return fmt.Errorf("export run %s: %w", id, err)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("export run %s: %w", id, err)
	}
	return nil
}

func writeJSONLine(w *bufio.Writer, names []string, r store.Record) error {
	rec, err := clean(r)
	if err != nil {
		return err
	}
	field := func(name, value string) { w.WriteString(quoteASCII(name) + ": " + quoteASCII(value) + ", ") }
	fmt.Fprintf(w, "{\"row\": %d, ", r.Row+1)
	if r.RowID != "" {
		field("id", r.RowID)
	}
	field("model", r.Model)
	if r.System != "" {
		field("system_prompt", r.System)
	}
	field("model_input", r.Question)
	if r.Error == "" {
		field("model_output", r.Output)
	}
	field("target_output", r.Reference)
	if r.Category != "" {
		field("category", r.Category)
	}
	if r.Error != "" {
		field("error", r.Error)
	}
	w.WriteString(`"scores": [`)
	if r.Error == "" {
		for i, name := range names {
			if i > 0 {
				w.WriteString(", ")
			}
			fmt.Fprintf(w, `{"name": %s, "value": %s}`, quoteASCII(name), number(rec.Scores[name]))
		}
	}
	fmt.Fprintf(w, "], \"latency_ns\": %d}\n", int64(r.Latency))
	return nil
}

// quoteASCII is a JSON string in which all that is not printable ASCII is
// escaped.
func quoteASCII(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r >= ' ' && r < 0x7f:
			b = append(b, byte(r))
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, hi, lo)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return string(append(b, '"'))
}

// number is a score with a fraction, as other tools write it.
func number(v float64) string {
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

func (s *Service) exportCSV(ctx context.Context, run Run, marks map[int64]string, w io.Writer) error {
	c := csv.NewWriter(w)
	head := []string{"row", "id", "category", "model", "system_prompt", "model_input", "target_output", "model_output", "error"}
	head = append(head, run.ScoreNames...)
	if err := c.Write(append(head, "latency_ms")); err != nil {
		return err
	}
	_, err := s.cfg.Store.Records(ctx, store.RecordQuery{Run: run.ID}, func(stored store.Record) error {
		if marks[stored.Row] != "" {
			return nil
		}
		r, err := clean(stored)
		if err != nil {
			return err
		}
		line := []string{strconv.FormatInt(r.Row+1, 10), r.RowID, r.Category, r.Model, r.System, r.Question, r.Reference, r.Output, r.Err}
		for _, name := range run.ScoreNames {
			if r.Err != "" {
				line = append(line, "")
				continue
			}
			line = append(line, strconv.FormatFloat(r.Scores[name], 'g', -1, 64))
		}
		return c.Write(append(line, strconv.FormatFloat(float64(r.Latency.Microseconds())/1000, 'f', 3, 64)))
	})
	if err != nil {
		return err
	}
	c.Flush()
	return c.Error()
}
