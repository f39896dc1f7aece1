package tui_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"tunebench/tui"
	"tunebench/tui/uitest"
)

// rig drives the model without a terminal, in a bubble of synthetic time: it is
// settled when every command has either answered or waits for time to pass.
type rig struct {
	t   *testing.T
	app *tui.App
	// world is what is played on, nil when it is none of package uitest's.
	world *uitest.World
	mu    sync.Mutex
	msgs  []tea.Msg
	seen  int // messages handled
}

// play runs f with a workbench over w on a terminal of that size.
func play(t *testing.T, w func() *uitest.World, width, height int, f func(*rig)) {
	t.Helper()
	var world *uitest.World
	playDeps(t, func() tui.Deps { world = w(); return world.Deps() }, width, height, func(r *rig) { r.world = world; f(r) })
}

func playDeps(t *testing.T, deps func() tui.Deps, width, height int, f func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		app, err := tui.New(ctx, deps())
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{t: t, app: app}
		r.send(tea.WindowSizeMsg{Width: width, Height: height})
		r.start(app.Init())
		r.settle()
		f(r)
	})
}

func (r *rig) start(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		msg := cmd()
		if batch, ok := msg.(tea.BatchMsg); ok {
			for _, c := range batch {
				r.start(c)
			}
			return
		}
		if msg != nil {
			r.mu.Lock()
			r.msgs = append(r.msgs, msg)
			r.mu.Unlock()
		}
	}()
}

func (r *rig) send(msg tea.Msg) {
	r.seen++
	_, cmd := r.app.Update(msg)
	r.start(cmd)
}

// settle handles messages until there are no more.
func (r *rig) settle() {
	for {
		synctest.Wait()
		r.mu.Lock()
		msgs := r.msgs
		r.msgs = nil
		r.mu.Unlock()
		if len(msgs) == 0 {
			return
		}
		for _, m := range msgs {
			r.send(m)
		}
	}
}

// pass lets synthetic time go by.
func (r *rig) pass(d time.Duration) {
	for d > 0 {
		step := min(d, 25*time.Millisecond)
		time.Sleep(step) // of the bubble: it takes no time
		r.settle()
		d -= step
	}
}

var special = map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
	"left": tea.KeyLeft, "right": tea.KeyRight, "backspace": tea.KeyBackspace, "pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp, "f2": tea.KeyF2}

// press presses keys one after the other and settles after each.
func (r *rig) press(keys ...string) {
	for _, k := range keys {
		msg := tea.KeyPressMsg{}
		switch {
		case special[k] != 0:
			msg.Code = special[k]
		case strings.HasPrefix(k, "ctrl+"):
			msg.Code, msg.Mod = rune(k[5]), tea.ModCtrl
		default:
			msg.Code, msg.Text = []rune(k)[0], k
		}
		if got := msg.String(); got != k {
			r.t.Fatalf("key %q reads %q", k, got)
		}
		r.send(msg)
		r.settle()
	}
}

func (r *rig) write(text string) {
	for _, c := range text {
		if c == ' ' {
			r.send(tea.KeyPressMsg{Code: tea.KeySpace, Text: " "})
		} else {
			r.send(tea.KeyPressMsg{Code: c, Text: string(c)})
		}
	}
	r.settle()
}

// text is the frame without styles.
func (r *rig) text() string {
	var b strings.Builder
	for _, s := range r.app.Frame() {
		b.WriteString(strings.TrimRight(ansi.Strip(s), " \u00a0"))
		b.WriteByte('\n')
	}
	return b.String()
}

func (r *rig) want(texts ...string) {
	r.t.Helper()
	got := r.text()
	for _, s := range texts {
		if !strings.Contains(got, s) {
			r.t.Fatalf("the screen lacks %q:\n%s", s, got)
		}
	}
}

func (r *rig) lacks(s string) {
	r.t.Helper()
	if got := r.text(); strings.Contains(got, s) {
		r.t.Fatalf("the screen has %q:\n%s", s, got)
	}
}

var sgr = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// checkFrame checks what holds for every frame.
func checkFrame(t *testing.T, lines []string, width, height int, ours bool) {
	t.Helper()
	if len(lines) != height {
		t.Fatalf("%d lines, not %d", len(lines), height)
	}
	for i, s := range lines {
		bare := sgr.ReplaceAllString(s, "")
		for _, c := range bare {
			if c < ' ' || c >= 0x7f && c < 0xa0 {
				t.Fatalf("line %d holds the control character %U: %q", i, c, s)
			}
			if ours && !drawable(c) {
				t.Fatalf("line %d holds %U (%c): only ASCII, box, block, braille and arrows are ours: %q", i, c, c, bare)
			}
		}
		if w := ansi.WcWidth.StringWidth(bare); w != width {
			t.Fatalf("line %d is %d cells wide, not %d: %q", i, w, width, bare)
		}
		if ours {
			if w := ansi.GraphemeWidth.StringWidth(bare); w != width {
				t.Fatalf("line %d is %d graphemes wide, not %d: %q", i, w, width, bare)
			}
		}
		if strings.Contains(s, "\x1b") && !strings.HasSuffix(strings.TrimRight(s, " "), "\x1b[m") && sgr.FindAllString(s, -1)[len(sgr.FindAllString(s, -1))-1] != "\x1b[m" {
			t.Fatalf("line %d leaves a style on: %q", i, s)
		}
	}
}

func drawable(c rune) bool {
	return c >= ' ' && c <= '~' || c == 0xa0 || c >= 0x2190 && c <= 0x21ff || c >= 0x2500 && c <= 0x259f || c >= 0x2800 && c <= 0x28ff
}

func size(w, h int) string { return fmt.Sprintf("%dx%d", w, h) }

// open is a workbench for benchmarks, which have no synthetic time: it is settled
// when no command has answered for a moment.
func open(b *testing.B, w *uitest.World, width, height int, keys string) *tui.App {
	b.Helper()
	app, err := tui.New(b.Context(), w.Deps())
	if err != nil {
		b.Fatal(err)
	}
	msgs := make(chan tea.Msg, 100)
	var start func(tea.Cmd)
	start = func(cmd tea.Cmd) {
		if cmd == nil {
			return
		}
		go func() {
			msg := cmd()
			if batch, ok := msg.(tea.BatchMsg); ok {
				for _, c := range batch {
					start(c)
				}
			} else if msg != nil {
				msgs <- msg
			}
		}()
	}
	settle := func() {
		for {
			select {
			case m := <-msgs:
				_, cmd := app.Update(m)
				start(cmd)
			case <-time.After(30 * time.Millisecond):
				return
			}
		}
	}
	app.Update(tea.WindowSizeMsg{Width: width, Height: height})
	start(app.Init())
	settle()
	for _, k := range keys {
		msg := tea.KeyPressMsg{Code: k}
		if k >= ' ' {
			msg.Text = string(k)
		}
		_, cmd := app.Update(msg)
		start(cmd)
		if k < ' ' || len(keys) == 1 {
			settle()
		}
	}
	return app
}
