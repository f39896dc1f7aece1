package evaluation

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"tunebench/backend/safetext"
)

// writeMarkdown writes a run for a pull request: the verdict first, the tables, and
// folded what only some will look for.
func (s *Service) writeMarkdown(ctx context.Context, w *bufio.Writer, run Run) error {
	fmt.Fprintf(w, "# Evaluation %s\n\n", run.ID)
	if len(run.ScoreNames) > 0 {
		for _, v := range s.verdicts(run, run.ScoreNames[0]) {
			fmt.Fprintf(w, "**%s**\n\n", cell(v))
		}
	}
	fmt.Fprintf(w, "Dataset `%s` (SHA-256 `%s`), %d of %d records, %s.", cell(run.Spec.Dataset), run.DatasetHash, run.Done, run.Total, run.Status)
	if run.Excluded > 0 {
		fmt.Fprintf(w, " %d records of marked rows are left out.", run.Excluded)
	}
	w.WriteString("\n\n| model | records | errors |")
	rule := "|---|---:|---:|"
	for _, name := range run.ScoreNames {
		w.WriteString(" " + name + s.lessText(name) + " |")
		rule += "---:|"
	}
	w.WriteString("\n" + rule + "\n")
	for _, m := range run.Models {
		fmt.Fprintf(w, "| %s | %d | %d |", cell(m.Model), m.Records, m.Errors)
		for _, name := range run.ScoreNames {
			if v, ok := m.Scores[name]; ok {
				iv := m.Intervals[name]
				fmt.Fprintf(w, " %.3f (%.3f to %.3f) |", v, iv.Low, iv.High)
			} else {
				w.WriteString(" |")
			}
		}
		w.WriteString("\n")
	}
	if len(run.Differences) > 0 {
		fmt.Fprintf(w, "\nDifferences to %s over the rows that both answered, with 95 %% intervals%s:\n\n| model | score | difference | interval | p | |\n|---|---|---:|---|---:|---|\n", cell(run.Models[0].Model), corrected(run))
		for _, d := range run.Differences {
			verdict := "not sure"
			if d.Real {
				verdict = "real"
			}
			fmt.Fprintf(w, "| %s | %s | %+.3f | %+.3f to %+.3f | %.3g | %s |\n", cell(d.Model), d.Score, d.Mean, d.Interval.Low, d.Interval.High, d.PAdjusted, verdict)
		}
	}
	judged, err := s.judged(ctx, run)
	if err != nil {
		return err
	}
	if len(judged) > 0 {
		over := ""
		if run.Excluded > 0 {
			over = " (over all rows)"
		}
		w.WriteString("\n| fails if" + over + " | value | limit | |\n|---|---:|---:|---|\n")
		for _, j := range judged {
			fmt.Fprintf(w, "| `%s` | %.4g | %.4g | %s |\n", cell(j.Text), j.Got, j.Limit, j.Word())
		}
	}
	if err := s.writeVotes(ctx, w, run); err != nil {
		return err
	}
	writeCategories(w, run)
	w.WriteString("\n<details><summary>How it was run</summary>\n\n| | |\n|---|---|\n")
	for _, f := range About(run) {
		fmt.Fprintf(w, "| %s | `%s` |\n", cell(f.Name), cell(strings.ReplaceAll(f.Text, "\n", " ⏎ ")))
	}
	w.WriteString("\n</details>\n")
	return nil
}

// writeCategories is the first score of every category, folded.
func writeCategories(w *bufio.Writer, run Run) {
	if len(run.Models) == 0 || len(run.ScoreNames) == 0 || len(run.Models[0].Categories) == 0 {
		return
	}
	name := run.ScoreNames[0]
	fmt.Fprintf(w, "\n<details><summary>%s by category</summary>\n\n| category | rows |", name)
	rule := "|---|---:|"
	for _, m := range run.Models {
		w.WriteString(" " + cell(m.Model) + " |")
		rule += "---:|"
	}
	w.WriteString("\n" + rule + "\n")
	for _, c := range run.Models[0].Categories {
		fmt.Fprintf(w, "| %s | %d |", cell(c.Category), c.Records)
		for _, m := range run.Models {
			text := ""
			for _, o := range m.Categories {
				if v, ok := o.Scores[name]; ok && o.Category == c.Category {
					text = fmt.Sprintf(" %.3f", v)
				}
			}
			w.WriteString(text + " |")
		}
		w.WriteString("\n")
	}
	w.WriteString("\n</details>\n")
}

// lessText follows the name of a score of which less is better.
func (s *Service) lessText(score string) string {
	if sc, ok := s.cfg.Metrics.LookupScore(score); ok && lessIsBetter(sc) {
		return " (less is better)"
	}
	return ""
}

// corrected says how p-values were corrected, where there are several models.
func corrected(run Run) string {
	if n := len(run.Models) - 1; n > 1 {
		return fmt.Sprintf(", p for %d models (Holm)", n)
	}
	return ""
}

// cell is text inside a Markdown table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "`", "'").Replace(safetext.Line(s))
}
