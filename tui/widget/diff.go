package widget

import (
	"strings"
	"unicode"
)

// longDiff is the most words of a text that Diff compares; longAgainst those of
// Against, which is drawn anew in every frame.
const (
	longDiff    = 4000
	longAgainst = 600
)

// Diff draws a text with the words marked that other does not have in their
// place: as left out of it where first, as new against it otherwise. ok is false
// where the texts are too long to be compared; then nothing is marked.
func (l *Look) Diff(text, other string, width int, first bool) (lines []string, ok bool) {
	a, b := strings.Fields(text), strings.Fields(other)
	ok = len(a) <= longDiff && len(b) <= longDiff
	var same []bool
	if ok {
		if first {
			same, _ = shared(a, b)
		} else {
			_, same = shared(b, a)
		}
	}
	st := Good.With(Underline)
	if first {
		st = Bad.With(Underline)
	}
	d := mdDrawer{look: l, width: width}
	k := 0
	for line := range strings.SplitSeq(text, "\n") {
		var spans []mdSpan
		if n := len(indentOf(line)); n > 0 {
			spans = append(spans, mdSpan{Blank(min(n, maxIndent)), Text})
		}
		for i, w := range strings.Fields(line) {
			if i > 0 {
				spans = append(spans, mdSpan{" ", Text})
			}
			if ok && !same[k] {
				spans = append(spans, mdSpan{w, st})
			} else {
				spans = append(spans, mdSpan{w, Text})
			}
			k++
		}
		d.put(spans, nil, nil)
	}
	return d.out, ok
}

// Against draws an answer and what it should have been as one text, readable
// without colour: [-only in the reference-] and {+only in the answer+}. Words that
// differ in case and punctuation alone are the same. nil where one is too long.
func (l *Look) Against(reference, answer string, width int) []string {
	a, b := strings.Fields(reference), strings.Fields(answer)
	if len(a) > longAgainst || len(b) > longAgainst {
		return nil
	}
	inA, inB := shared(spoken(a), spoken(b))
	var lines []string
	row := l.Row(width).Gap(2)
	put := func(st Style, text string) {
		if l.Width(text)+3 > row.Left() && row.Left() < width-2 {
			lines = append(lines, row.String())
			row = l.Row(width).Gap(2)
		}
		row.Put(st, text).Gap(1)
	}
	only := func(st Style, words []string, before, after string) {
		for i, w := range words {
			if i == 0 {
				w = before + w
			}
			if i+1 == len(words) {
				w += after
			}
			put(st, w)
		}
	}
	run := func(same []bool, i int) int {
		for i < len(same) && !same[i] {
			i++
		}
		return i
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		ni, nj := run(inA, i), run(inB, j)
		only(Bad, a[i:ni], "[-", "-]")
		only(Good, b[j:nj], "{+", "+}")
		if i, j = ni, nj; i < len(a) {
			put(Muted, b[j])
			i, j = i+1, j+1
		}
	}
	return append(lines, row.String())
}

// spoken returns the words without case and punctuation; one of punctuation alone
// stays as it is.
func spoken(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strings.Map(func(r rune) rune {
			if unicode.IsPunct(r) {
				return -1
			}
			return unicode.ToLower(r)
		}, w)
		if out[i] == "" {
			out[i] = w
		}
	}
	return out
}

// shared says for each word of a and of b whether it belongs to a longest common
// subsequence of the two.
func shared(a, b []string) (same, other []bool) {
	same, other = make([]bool, len(a)), make([]bool, len(b))
	// What is equal at both ends needs no table.
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		same[start], other[start] = true, true
		start++
	}
	ea, eb := len(a), len(b)
	for ea > start && eb > start && a[ea-1] == b[eb-1] {
		ea, eb = ea-1, eb-1
		same[ea], other[eb] = true, true
	}
	x, y := a[start:ea], b[start:eb]
	w := len(y) + 1
	long := make([]uint16, (len(x)+1)*w)
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				long[i*w+j] = long[(i+1)*w+j+1] + 1
			} else {
				long[i*w+j] = max(long[(i+1)*w+j], long[i*w+j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(x) && j < len(y); {
		switch {
		case x[i] == y[j]:
			same[start+i], other[start+j] = true, true
			i, j = i+1, j+1
		case long[(i+1)*w+j] >= long[i*w+j+1]:
			i++
		default:
			j++
		}
	}
	return same, other
}
