package command

import (
	"io"
	"strings"
	"testing"
	"time"

	"tunebench/tui/uitest"
)

// TestSideBySide asks three models of the real local account at once: the base
// and a fine-tuned model answer beside each other while a third, which sleeps, is
// still waking; and then it answers too.
func TestSideBySide(t *testing.T) {
	home := t.TempDir()
	do := func(args ...string) {
		t.Helper()
		var out, errOut strings.Builder
		if status := Run(t.Context(), append([]string{"--home", home}, args...), strings.NewReader(""), &out, &errOut); status != 0 {
			t.Fatalf("%v ended with %d:\n%s%s", args, status, out.String(), errOut.String())
		}
	}
	do("train", "start", "--dataset", "sample:facts.jsonl", "--preset", "facts", "--name", "one", "--set", "max_steps=12", "--wait")
	do("import", "start", "--job", "one", "--name", "awake", "--wait")
	// Two that sleep: on a machine that is very busy the first may be awake before
	// the others have said a word.
	sleepers := []string{"asleep", "asleep-too"}
	for _, name := range sleepers {
		do("import", "start", "--job", "one", "--name", name, "--wait")
	}

	// Whatever was in memory went with the process's account: both sleep.
	g := &globals{home: home, in: strings.NewReader(""), out: io.Discard, err: io.Discard, output: "table", color: "auto"}
	d, _, err := g.workbench()
	if err != nil {
		t.Fatal(err)
	}
	d.Chat.Temperature = 0
	s := uitest.Start(t, d, 120, 40)
	s.Wait("row 1").Press("4").Wait("question").Press("esc").Wait("enter write").Press(":").Type("models awake").Press("enter").Wait("━━ awake")
	s.Type("Which port does the staging database use?").Press("enter").WaitFor(time.Minute, "> Which port", "first ", "tokens")
	column := func(screen string, i int) string { // of three, at 120 cells
		var b strings.Builder
		for line := range strings.Lines(screen) {
			if parts := strings.Split(line, "│"); len(parts) == 3 {
				b.WriteString(strings.TrimSpace(parts[i]) + "\n")
			}
		}
		return b.String()
	}
	seen := false
	for _, third := range sleepers {
		s.Press("esc").Wait("enter write").Press("n").Press(":").Type("models base awake "+third).Press("enter").Wait("━━ base", "━━ awake", "━━ "+third+" ─")
		s.Type("Which port does the staging database use?").Press("enter")
		s.Until(time.Minute, "the third answer", func(screen string) bool {
			c := column(screen, 2)
			seen = seen || !strings.Contains(screen, "Ask the same question") && strings.Contains(column(screen, 0), "token") && strings.Contains(column(screen, 1), "token") &&
				strings.Contains(c, "waking") && strings.Contains(c, "again in")
			return !strings.Contains(screen, "Ask the same question") && strings.Contains(c, "token") && !strings.Contains(c, "waking") && !strings.Contains(screen, "ctrl+x cancel")
		})
		if seen {
			break
		}
	}
	if !seen {
		t.Errorf("two answers never stood beside a model that wakes:\n%s", s.Text())
	}
	s.Press("esc").Wait("enter write").Press("q")
	if err := s.Ended(); err != nil {
		t.Error(err)
	}
	// It was kept, with the third model.
	var out strings.Builder
	if status := Run(t.Context(), []string{"--home", home, "sessions", "list", "-o", "json"}, strings.NewReader(""), &out, io.Discard); status != 0 || !strings.Contains(out.String(), `"asleep"`) {
		t.Errorf("%s", out.String())
	}
}
