package tui

import (
	"tunebench/metrics"
	"tunebench/tui/widget"
)

// whyLines says how question-answering scores came about.
func whyLines(l *widget.Look, width int, reference, answer, delimiter string) []string {
	parts, err := metrics.ExplainQA(metrics.Row{Target: reference, Output: answer}, delimiter)
	if err != nil {
		return nil
	}
	text := "compared as \"" + parts.Output + "\" with \"" + parts.Target + "\": " + widget.Plural(int64(parts.Common), "word") + " in common, of " +
		widget.Count(int64(parts.OutputWords)) + " in the answer (precision) and " + widget.Count(int64(parts.TargetWords)) + " in the reference (recall)"
	return paragraph(l, width, "", text, widget.Faint, 0)
}
