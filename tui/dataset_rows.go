package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"tunebench/backend/dataset"
	"tunebench/tui/widget"
)

// mark marks the row under the cursor, or takes its mark away, and goes on to the
// next.
func (p *datasetPane) mark() tea.Cmd {
	row := p.current()
	if p.marked[row] {
		delete(p.marked, row)
	} else {
		if p.marked == nil {
			p.marked = map[int64]bool{}
		}
		p.marked[row] = true
	}
	return p.to(p.scroll.Cursor + 1)
}

// showMarked shows the marked rows only.
func (p *datasetPane) showMarked() tea.Cmd {
	return p.show(p.ds.ViewOf(slices.Sorted(maps.Keys(p.marked))), "marked rows", func() {})
}

func (p *datasetPane) noMarks() string {
	if len(p.marked) == 0 {
		return "no row is marked; m marks the one under the cursor"
	}
	return p.noFile()
}

// showBad shows the rows that cannot be trained on.
func (p *datasetPane) showBad() tea.Cmd {
	ctx, cancel := context.WithCancel(p.ctx)
	return p.show(p.ds.BadRows(ctx), "rows that cannot be used", cancel)
}

// object is a row as a JSON object with its columns in their order.
func object(r dataset.Row, indent string) string {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range r.Fields {
		if i > 0 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(f.Name) // a string always can be written
		var value bytes.Buffer
		e := json.NewEncoder(&value)
		e.SetEscapeHTML(false)
		_ = e.Encode(f.Value)
		b.Write(key)
		b.WriteByte(':')
		b.Write(bytes.TrimRight(value.Bytes(), "\n"))
	}
	b.WriteByte('}')
	if indent == "" {
		return b.String()
	}
	var out bytes.Buffer
	if json.Indent(&out, b.Bytes(), "", indent) != nil {
		return b.String()
	}
	return out.String() + "\n"
}

// copyRow hands the row under the cursor to the terminal's clipboard.
func (p *datasetPane) copyRow() tea.Cmd {
	r, ok := p.row(p.scroll.Cursor)
	if !ok {
		return nil
	}
	return p.app.copy(fmt.Sprintf("row %s as JSON:", widget.Count(r.Index+1)), object(r, ""))
}

// editRow opens a copy of the row under the cursor in the editor.
func (p *datasetPane) editRow() tea.Cmd {
	r, ok := p.row(p.scroll.Cursor)
	if !ok {
		return nil
	}
	text := object(r, "  ")
	if r.Err != "" {
		text = r.Err + "\n"
	}
	return p.app.edit(fmt.Sprintf("row-%d.json", r.Index+1), text, func(got string) tea.Cmd {
		if got != strings.TrimSuffix(text, "\n") {
			return p.app.say(widget.Warn, widget.MarkWarning, "the editor had a copy: the dataset is as it was")
		}
		return nil
	})
}

// chosen are the rows to write: those of the view, or else the marked ones.
func (p *datasetPane) chosen() (RowList, string) {
	switch {
	case p.view != nil:
		return p.view.list, p.view.name
	case len(p.marked) > 0:
		return p.ds.ViewOf(slices.Sorted(maps.Keys(p.marked))), "marked rows"
	}
	return nil, ""
}

func (p *datasetPane) noChosen() string {
	if l, _ := p.chosen(); l == nil {
		return "nothing is chosen: filter the rows with & or mark some with m, then write those"
	}
	if p.app.deps.Create == nil {
		return "files cannot be made here"
	}
	return p.noData()
}

// writeCommand writes the chosen rows to a file.
func (p *datasetPane) writeCommand(path string) tea.Cmd {
	l, name := p.chosen()
	if _, done, _ := l.Scanned(); !done {
		return p.app.say(widget.Warn, widget.MarkWarning, "the rows are still being looked for; write them when all are found")
	}
	base := strings.TrimSuffix(filepath.Base(strings.TrimPrefix(p.path, dataset.SamplePrefix)), filepath.Ext(p.path))
	return p.app.export(path, export{
		title: "Write rows: " + name, help: "JSON Lines, as the file has them; the file must not exist yet",
		proposed: filepath.Join(p.app.deps.WorkDir, base+"-rows.jsonl"),
		write: func(ctx context.Context, f io.Writer, _ string) (string, error) {
			n, err := l.Write(ctx, f)
			return widget.Plural(int64(n), "row") + " ", err
		},
	})
}
