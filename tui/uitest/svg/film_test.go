package svg

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
)

func screenOf(t *testing.T, lines ...string) [][]uv.Cell {
	t.Helper()
	emu := vt.NewEmulator(10, len(lines))
	if _, err := emu.WriteString(strings.Join(lines, "\r\n")); err != nil {
		t.Fatal(err)
	}
	cells := make([][]uv.Cell, emu.Height())
	for y := range cells {
		for x := range emu.Width() {
			cells[y] = append(cells[y], *emu.CellAt(x, y))
		}
	}
	return cells
}

// TestFilm: what stays is drawn once, what changes is seen in its time, and who
// wants no motion sees the last screen.
func TestFilm(t *testing.T) {
	got := string(Film([]Shot{
		{screenOf(t, "stays", "first", ""), time.Second},
		{screenOf(t, "stays", "second", ""), 2 * time.Second},
		{screenOf(t, "stays", "second", "last"), time.Second},
	}, window))
	d := xml.NewDecoder(bytes.NewReader([]byte(got)))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not XML: %v\n%s", err, got)
		}
	}
	for text, n := range map[string]int{">stays<": 1, ">first<": 1, ">second<": 1, ">last<": 1, "animation-duration:4s": 1,
		"{0%{visibility:visible}25%{visibility:hidden}}":                         1, // the first
		"{0%{visibility:hidden}25%{visibility:visible}100%{visibility:visible}}": 1, // the second, to the end
		"{0%{visibility:hidden}75%{visibility:visible}100%{visibility:visible}}": 1, // the last
		`class="s e"`: 2, "prefers-reduced-motion": 1} {
		if strings.Count(got, text) != n {
			t.Errorf("%q is there %d times, not %d:\n%s", text, strings.Count(got, text), n, got)
		}
	}
	if strings.Index(got, ">stays<") > strings.Index(got, `class="s`) && strings.Contains(got[:strings.Index(got, ">stays<")], `<g class`) {
		t.Error("what stays moves")
	}
	if empty := Film(nil, window); !bytes.HasPrefix(empty, []byte("<svg")) {
		t.Errorf("%s", empty)
	}
}
