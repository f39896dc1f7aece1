package svg

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
)

// Shot is a screen of a film and how long it is seen.
type Shot struct {
	Cells [][]uv.Cell
	For   time.Duration
}

// Film returns an image that shows one screen after the other and begins again.
// A line that stays as it is over several screens is drawn once. Whoever does not
// want motion sees the last screen.
func Film(shots []Shot, w Window) []byte {
	columns, rows := 0, 0
	starts := make([]time.Duration, len(shots)+1)
	for i, s := range shots {
		starts[i+1] = starts[i] + s.For
		rows = max(rows, len(s.Cells))
		for _, line := range s.Cells {
			columns = max(columns, len(line))
		}
	}
	type span struct{ from, to int } // screens, to not included
	var spans []span
	parts := map[span]*drawing{}
	add := func(k span, line []uv.Cell, y int) {
		d := parts[k]
		if d == nil {
			d = &drawing{window: w, background: hex(w.Background)}
			parts[k], spans = d, append(spans, k)
		}
		d.line(line, y)
	}
	for y := range rows {
		at := func(i int) []uv.Cell {
			if y < len(shots[i].Cells) {
				return shots[i].Cells[y]
			}
			return nil
		}
		look := func(i int) string {
			d := drawing{window: w, background: hex(w.Background)}
			d.line(at(i), y)
			var b bytes.Buffer
			d.body(&b)
			return b.String()
		}
		from, was := 0, ""
		for i := range shots {
			now := look(i)
			if i > 0 && now != was {
				add(span{from, i}, at(from), y)
				from = i
			}
			was = now
		}
		if len(shots) > 0 {
			add(span{from, len(shots)}, at(from), y)
		}
	}

	total := starts[len(shots)]
	var css, body bytes.Buffer
	fmt.Fprintf(&css, ".s{visibility:hidden;animation-duration:%ss;animation-timing-function:step-end;animation-iteration-count:infinite}\n", num(total.Seconds()))
	percent := func(i int) string { return num(100 * starts[i].Seconds() / total.Seconds()) }
	still := 0
	for n, k := range spans {
		var part bytes.Buffer
		parts[k].body(&part)
		if part.Len() == 0 {
			continue // nothing is on these lines
		}
		class := "s"
		if k.to == len(shots) {
			class, still = "s e", still+1
		}
		if k == (span{0, len(shots)}) {
			body.Write(part.Bytes())
			continue
		}
		var at strings.Builder
		if k.from > 0 {
			at.WriteString("0%{visibility:hidden}")
		}
		fmt.Fprintf(&at, "%s%%{visibility:visible}", percent(k.from))
		if k.to < len(shots) {
			fmt.Fprintf(&at, "%s%%{visibility:hidden}", percent(k.to))
		} else {
			at.WriteString("100%{visibility:visible}")
		}
		fmt.Fprintf(&css, "@keyframes k%d{%s}\n", n, at.String())
		fmt.Fprintf(&body, "<g class=\"%s\" style=\"animation-name:k%d\">\n%s</g>\n", class, n, part.Bytes())
	}
	css.WriteString("@media(prefers-reduced-motion:reduce){.s{animation:none}.e{visibility:visible}}\n")

	var b bytes.Buffer
	w.head(&b, columns*cellW+2*padding, rows*cellH+2*padding+titleH, css.String())
	b.Write(body.Bytes())
	b.WriteString("</svg>\n")
	return b.Bytes()
}
