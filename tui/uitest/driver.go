// Package uitest plays the workbench on a terminal emulator in the process: it
// presses keys, waits for text and hands out the screen. It is for tests, and for
// the program that draws the README's screens.
//
// What a screen should look like belongs to the tests.
package uitest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"

	"tunebench/tui"
)

// Patience is how long Wait waits unless another time is given. It is long
// because machines are slow, not because programs are.
const Patience = 20 * time.Second

// T is what a Screen needs of a test. A testing.TB has it; a program that plays
// the workbench to draw its screens brings its own.
type T interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Error(args ...any)
	// Fatalf does not return.
	Fatalf(format string, args ...any)
}

// Screen is a running workbench on an emulated terminal.
type Screen struct {
	t   T
	mu  sync.Mutex // the emulator's
	emu *vt.Emulator

	changed chan struct{} // signalled when something was written
	in      *io.PipeWriter
	done    chan struct{}
	err     error
	cancel  context.CancelFunc
	written int64
	harm    []string
	clip    string
	tail    []byte // the end of what was written, for sequences cut in two
}

// Start runs the workbench on a terminal of that size. It ends with the test.
func Start(t T, d tui.Deps, width, height int) *Screen {
	t.Helper()
	return StartOver(t, d, width, height, nil)
}

// StartOver is Start over a wire between the workbench and the terminal; nil is
// none.
func StartOver(t T, d tui.Deps, width, height int, wire *Wire) *Screen {
	t.Helper()
	pr, pw := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	s := &Screen{t: t, emu: vt.NewEmulator(width, height), changed: make(chan struct{}, 1), in: pw, done: make(chan struct{}), cancel: cancel}
	s.watch()
	if d.UI.Color == "" || d.UI.Color == "auto" {
		d.UI.Color = "truecolor" // a pipe has no colours to be detected
	}
	// The emulator answers queries through a pipe that has to be read, or writing
	// to it blocks.
	replies := make(chan struct{})
	go func() {
		defer close(replies)
		_, _ = io.Copy(pw, s.emu)
	}()
	go func() {
		defer close(s.done)
		var out io.Writer = terminal{s}
		if wire != nil {
			out = wire.from(out)
			defer wire.close()
		}
		s.err = tui.RunOn(ctx, d, tui.Options{In: pr, Out: out, Env: []string{"TERM=xterm-256color"}, Width: width, Height: height})
		_ = pr.Close()
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case <-s.done:
		case <-time.After(Patience):
			t.Error("the workbench did not end")
		}
		_ = s.emu.InputPipe().(io.Closer).Close()
		_ = pw.Close()
		<-replies
	})
	return s
}

// watch notes whatever text from outside must never do to a terminal.
func (s *Screen) watch() {
	note := func(what string) { s.harm = append(s.harm, what) }
	s.emu.SetCallbacks(vt.Callbacks{
		Bell: func() { note("bell") },
		Title: func(title string) {
			if title != "tunebench" {
				note("title " + title)
			}
		},
		IconName:         func(string) {}, // set together with the title
		WorkingDirectory: func(d string) { note("working folder " + d) },
		EnableMode: func(m ansi.Mode) {
			switch m {
			case ansi.ModeAltScreenSaveCursor, ansi.ModeBracketedPaste, ansi.ModeFocusEvent, ansi.ModeTextCursorEnable,
				ansi.ModeSynchronizedOutput, ansi.ModeUnicodeCore, ansi.ModeAutoWrap, ansi.ModeMouseButtonEvent, ansi.ModeMouseExtSgr:
			default:
				note(fmt.Sprintf("mode %v", m))
			}
		},
	})
	s.emu.RegisterOscHandler(52, func(data []byte) bool {
		note("clipboard")
		if i := bytes.LastIndexByte(data, ';'); i >= 0 {
			if text, err := base64.StdEncoding.DecodeString(string(data[i+1:])); err == nil {
				s.clip = string(text)
			}
		}
		return true
	})
}

// terminal is the emulator as an output: it takes line feeds as a terminal in
// cooked mode does, which is what a program without a terminal counts on.
type terminal struct{ s *Screen }

func (w terminal) Write(p []byte) (int, error) {
	w.s.mu.Lock()
	_, err := w.s.emu.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n")))
	w.s.written += int64(len(p))
	w.s.scan(p)
	w.s.mu.Unlock()
	select {
	case w.s.changed <- struct{}{}:
	default:
	}
	return len(p), err
}

// Text returns the screen as text, without spaces at the ends of lines.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := strings.Split(s.emu.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \u00a0")
	}
	return strings.Join(lines, "\n")
}

// Bytes is how much has been written to the terminal so far.
func (s *Screen) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written
}

// Harm lists what was done to the terminal that the workbench does not do:
// titles, bells, clipboard, modes.
func (s *Screen) Harm() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.harm...)
}

// Clipboard is the text that was last put on the terminal's clipboard.
func (s *Screen) Clipboard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clip
}

// named are the keys that have names; see Press. Esc is sent in the form that no
// following key can be mistaken for a part of.
var named = map[string]string{
	"enter": "\r", "esc": "\x1b[27u", "tab": "\t", "shift+tab": "\x1b[Z", "backspace": "\x7f", "space": " ",
	"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
	"pgup": "\x1b[5~", "pgdown": "\x1b[6~", "delete": "\x1b[3~", "f2": "\x1bOQ",
}

// Press presses keys one after the other: characters, names such as enter, esc,
// tab, up, pgdown, and ctrl+x.
func (s *Screen) Press(keys ...string) *Screen {
	s.t.Helper()
	for _, k := range keys {
		seq, ok := named[k]
		switch {
		case ok:
		case strings.HasPrefix(k, "ctrl+") && len(k) == 6:
			seq = string(k[5] & 0x1f)
		case len([]rune(k)) == 1:
			seq = k
		default:
			s.t.Fatalf("uitest: no key is called %q", k)
		}
		if _, err := io.WriteString(s.in, seq); err != nil {
			s.t.Fatalf("press %s: %v", k, err)
		}
	}
	return s
}

// Type types text.
func (s *Screen) Type(text string) *Screen {
	s.t.Helper()
	if _, err := io.WriteString(s.in, text); err != nil {
		s.t.Fatalf("type %q: %v", text, err)
	}
	return s
}

// Paste pastes text as a terminal does.
func (s *Screen) Paste(text string) *Screen {
	s.t.Helper()
	return s.Type("\x1b[200~" + text + "\x1b[201~")
}

// Wait waits until the screen shows all of these texts.
func (s *Screen) Wait(texts ...string) *Screen {
	s.t.Helper()
	return s.WaitFor(Patience, texts...)
}

// WaitFor is Wait with another patience.
func (s *Screen) WaitFor(patience time.Duration, texts ...string) *Screen {
	s.t.Helper()
	s.Until(patience, fmt.Sprintf("%q", texts), func(screen string) bool {
		for _, x := range texts {
			if !strings.Contains(screen, x) {
				return false
			}
		}
		return true
	})
	return s
}

// Gone waits until the screen no longer shows a text.
func (s *Screen) Gone(text string) *Screen {
	s.t.Helper()
	s.Until(Patience, "the end of "+text, func(screen string) bool { return !strings.Contains(screen, text) })
	return s
}

// Until waits until ok holds for the screen; what names it in the failure.
func (s *Screen) Until(patience time.Duration, what string, ok func(screen string) bool) {
	s.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		if ok(s.Text()) {
			return
		}
		select {
		case <-s.changed:
		case <-s.done:
			if ok(s.Text()) {
				return
			}
			s.t.Fatalf("the workbench ended (%v) while waiting for %s; the screen:\n%s", s.err, what, s.Text())
		case <-deadline.C:
			s.t.Fatalf("waited %v for %s; the screen:\n%s", patience, what, s.Text())
		}
	}
}

// Shows reports whether the screen shows a text now.
func (s *Screen) Shows(text string) bool { return strings.Contains(s.Text(), text) }

// Cell returns the character at a column and a line, with its style.
func (s *Screen) Cell(x, y int) *uv.Cell {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emu.CellAt(x, y).Clone()
}

// Cells returns a copy of the whole screen, line by line.
func (s *Screen) Cells() [][]uv.Cell {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := make([][]uv.Cell, s.emu.Height())
	for y := range lines {
		lines[y] = make([]uv.Cell, s.emu.Width())
		for x := range lines[y] {
			if c := s.emu.CellAt(x, y); c != nil {
				lines[y][x] = *c
			}
		}
	}
	return lines
}

// Ended waits until the workbench has ended and returns its error.
func (s *Screen) Ended() error {
	s.t.Helper()
	select {
	case <-s.done:
		return s.err
	case <-time.After(Patience):
		s.t.Fatalf("the workbench did not end; the screen:\n%s", s.Text())
		return errors.New("unreachable")
	}
}
