package tui_test

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tunebench/backend/artifact"
	"tunebench/tui"
	"tunebench/tui/uitest"
)

type closing struct{ bytes.Buffer }

func (*closing) Close() error { return nil }

// TestMarks: rows are marked, shown and written; a mark is seen without colour.
func TestMarks(t *testing.T) {
	out := &closing{}
	var made string
	var world *uitest.World
	deps := func() tui.Deps {
		world = uitest.Full()
		d := world.Deps()
		d.Create = func(path string) (io.WriteCloser, error) {
			if made != "" {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrExist}
			}
			made = path
			return out, nil
		}
		return d
	}
	playDeps(t, deps, 120, 40, func(r *rig) {
		r.press("w")
		r.want("nothing is chosen")
		r.press("M")
		r.want("no row is marked")
		r.press("down", "m", "down", "m", "m")
		r.want("*2", "*4", "*5", "*3 marked", "row 6")
		r.press("up", "m", "M")
		r.want("2 shown marked rows", "*2", "*4")
		r.lacks("*5")
		r.press("w")
		r.want("Write rows: marked rows")
		r.press("enter")
		r.want("2 rows written to /data/tunebench/openorca-sample-rows.jsonl")
		if got := out.String(); got != "row 2\nrow 4\n" || made == "" {
			r.t.Errorf("%q was written to %q", got, made)
		}
		r.press("esc")
		r.press("w", "enter")
		r.want("name a file that does not exist yet")
	})
}

// TestBadRows: rows that cannot be used are one key away.
func TestBadRows(t *testing.T) {
	play(t, func() *uitest.World {
		w := uitest.Full()
		w.Rows = slices.Clone(w.Rows)
		w.Rows[3].Err = "line 4 cannot be read: unexpected end"
		w.Rows[9].Answer = ""
		return w
	}, 120, 40, func(r *rig) {
		r.press("b")
		r.pass(time.Second)
		r.want("2 shown rows that cannot be used", "line 4 cannot be read")
		r.press("G")
		r.want("row 10")
	})
}

// TestColumns: columns are hidden, moved, frozen and given parts; the file is read
// again with them.
func TestColumns(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		head := func() string {
			for line := range strings.Lines(r.text()) {
				if strings.Contains(line, " row  ") {
					return strings.Join(strings.Fields(line), " ")
				}
			}
			return ""
		}
		is := func(want string) {
			r.t.Helper()
			if got := head(); !strings.HasPrefix(got, want) {
				r.t.Errorf("the head is %q, want %q", got, want)
			}
		}
		is("row question response category system_prompt id")
		r.press("v", "down", "down")
		r.press("space") // category
		r.want("no      category")
		r.press("esc")
		is("row question response system_prompt id")
		r.press("v", "J", "J", "esc") // to the end, hidden
		is("row question response system_prompt id")
		r.press("v", "up", "up", "up", "up", "f", "esc")
		r.press("right")
		is("row question system_prompt id") // question is frozen
		r.press("v", "u", "esc")
		is("row question response category system_prompt id")
		r.press("v", "enter")
		r.want("What question is", "what is learnt; now response")
		r.write("answer")
		r.press("enter")
		r.want("No column is the question yet", "read again")
		r.press("down", "enter") // the answer's column becomes the question
		r.write("question")
		r.press("enter")
		r.want("A row can be trained on")
		r.press("esc")
		if did := r.world.Done(); !slices.Contains(did, "open with question response, answer question") {
			r.t.Errorf("the file was not read again: %q", did)
		}
		r.press("t")
		r.want("prepare the rows with p")
	})
}

// TestStale: a file that was changed under the program says so.
func TestStale(t *testing.T) {
	for _, width := range []int{80, 120} {
		play(t, with(func(w *uitest.World) { w.Stale = "rows.jsonl was replaced; open it again" }), width, 24, func(r *rig) {
			r.want("! rows.jsonl was")
		})
	}
}

// TestCopyRow: the row goes to the clipboard as JSON, in the columns' order.
func TestCopyRow(t *testing.T) {
	s := uitest.Start(t, uitest.Full().Deps(), 120, 40)
	s.Wait("1,200 rows")
	s.Press("y")
	s.Wait("row 1 as JSON: copied by OSC 52")
	want := `{"id":"cot.1000000","system_prompt":"Help as much as you can.","question":"In what color is the Mossbank tent sold?","response":"brown","category":"products"}`
	if got := s.Clipboard(); got != want {
		t.Errorf("the clipboard holds %q, want %q", got, want)
	}
}

// TestNoEditor says what to do about it. An editor that runs needs a terminal of
// its own, see .ci/terminal.sh.
func TestNoEditor(t *testing.T) {
	play(t, uitest.Full, 120, 40, func(r *rig) {
		r.press("E")
		r.want("set VISUAL or EDITOR")
	})
	env := map[string]string{"EDITOR": "vi", "VISUAL": "code --wait"}
	if got := tui.EditorFrom(func(k string) string { return env[k] }); !slices.Equal(got, []string{"code", "--wait"}) {
		t.Errorf("the editor is %q", got)
	}
}

// TestLastRow: who goes to the last row while rows are being counted ends on the
// last one.
func TestLastRow(t *testing.T) {
	world := func() *uitest.World {
		w := uitest.Full()
		w.Inexact, w.Moved = true, make(chan struct{}, 1)
		return w
	}
	grow := func(r *rig) {
		r.world.Rows = append(r.world.Rows, r.world.Rows[:100]...)
		r.world.Inexact = false
		r.world.Moved <- struct{}{}
		r.pass(time.Second)
	}
	play(t, world, 120, 40, func(r *rig) {
		r.press("G")
		r.want("about 1,200 rows", "row 1,200")
		grow(r)
		r.want("row 1,300")
	})
	play(t, world, 120, 40, func(r *rig) {
		r.press("G", "up")
		grow(r)
		r.want(" 1,300 rows", "row 1,199")
	})
}

// TestLeaks: the profile is held against an evaluation file; that of the sample is
// proposed. A profile goes on behind the table.
func TestLeaks(t *testing.T) {
	play(t, with(func(w *uitest.World) { w.Slow = true }), 120, 40, func(r *rig) {
		r.press("s", "a")
		r.want("Leaks into an evaluation", "sample:heldout.jsonl")
		r.press("enter")
		r.want("held against sample:heldout.jsonl")
		if did := r.world.Done(); !slices.Contains(did, "against sample:heldout.jsonl") {
			r.t.Errorf("it was not looked for: %q", did)
		}
		n := len(r.world.Done())
		r.press("esc", "s")
		r.want("held against sample:heldout.jsonl")
		if len(r.world.Done()) != n {
			r.t.Error("the profile was begun anew")
		}
	})
}

// TestTemplate: with a model's tokenizer comes the prompt format of its template.
func TestTemplate(t *testing.T) {
	f, err := artifact.FormatByName("chatml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config, err := json.Marshal(map[string]string{"chat_template": f.ChatTemplate()})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), config, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	play(t, uitest.Full, 200, 50, func(r *rig) {
		r.press("T")
		r.write(dir)
		r.press("enter")
		r.want("prompts those of its chat template: chatml", "<|im_start|>")
	})
}
