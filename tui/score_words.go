package tui

import (
	"strings"

	"tunebench/metrics"
	"tunebench/tui/widget"
)

// piece is a word of a comparison: in both texts (0), only in the reference
// (-1) or only in the answer (1).
type piece struct {
	text string
	side int
}

// maxWords bounds the texts that are compared word by word.
const maxWords = 600

// wordDiff compares two texts word by word: the longest common subsequence, the
// reference's words before the answer's where both differ. nil when one is too
// long.
func wordDiff(reference, answer string) []piece {
	a, b := strings.Fields(reference), strings.Fields(answer)
	if len(a) > maxWords || len(b) > maxWords {
		return nil
	}
	n := len(b) + 1
	long := make([]int16, (len(a)+1)*n)
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				long[i*n+j] = long[(i+1)*n+j+1] + 1
			} else {
				long[i*n+j] = max(long[(i+1)*n+j], long[i*n+j+1])
			}
		}
	}
	var all []piece
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			all = append(all, piece{a[i], 0})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && long[(i+1)*n+j] >= long[i*n+j+1]:
			all = append(all, piece{a[i], -1})
			i++
		default:
			all = append(all, piece{b[j], 1})
			j++
		}
	}
	return all
}

// wordLines draws a comparison. It is read without colour: [-only in the
// reference-] and {+only in the answer+}.
func wordLines(l *widget.Look, width int, pieces []piece) []string {
	var lines []string
	row := l.Row(width).Gap(2)
	for i, p := range pieces {
		text, st := p.text, widget.Muted
		begins := i == 0 || pieces[i-1].side != p.side
		ends := i+1 == len(pieces) || pieces[i+1].side != p.side
		switch {
		case p.side < 0:
			st = widget.Bad
			if begins {
				text = "[-" + text
			}
			if ends {
				text += "-]"
			}
		case p.side > 0:
			st = widget.Good
			if begins {
				text = "{+" + text
			}
			if ends {
				text += "+}"
			}
		}
		if l.Width(text)+3 > row.Left() && row.Left() < width-2 {
			lines = append(lines, row.String())
			row = l.Row(width).Gap(2)
		}
		row.Put(st, text).Gap(1)
	}
	return append(lines, row.String())
}

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
