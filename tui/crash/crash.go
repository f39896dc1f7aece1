//go:build unix

// Package crash keeps the terminal usable, and a report on disk, when the process
// ends in a way that no code of its own survives: a panic on a goroutine that
// nobody guards, a fatal error of the Go runtime, kill -9, no memory left.
//
// A second process of the same program watches the first through a pipe. What
// the runtime says when it dies goes through that pipe; a pipe that ends without
// a farewell means that the process was killed. Faults that the program can still
// handle itself (a panic in the model or in a command) do not belong here.
package crash

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"golang.org/x/sys/unix"

	"tunebench/backend/safetext"
)

// role is the variable of the environment that makes the program the watcher; it
// holds the terminal's settings as JSON.
const role = "TUNEBENCH_CRASH_WATCHER"

// farewell is what the process writes when it ends on its own.
const farewell = "\x00ended\n"

// maxReport is how much of a crash is read: the stacks of ten thousand goroutines.
const maxReport = 16 << 20

// order is what the watcher is told.
type order struct {
	Dir      string
	Version  string
	Settings *unix.Termios
}

// Watcher watches this process.
type Watcher struct {
	cmd  *exec.Cmd
	pipe *os.File
}

// Watch starts to watch this process, which is about to change the settings of
// the terminal tty. Reports go to the folder dir, which is made when there is
// something to report.
func Watch(tty *os.File, dir, version string) (*Watcher, error) {
	settings, err := unix.IoctlGetTermios(int(tty.Fd()), getTermios)
	if err != nil {
		return nil, fmt.Errorf("the terminal's settings could not be read: %w", err)
	}
	text, err := json.Marshal(order{Dir: dir, Version: version, Settings: settings})
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), role+"="+string(text), "GOMAXPROCS=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r, tty, tty
	// A group of its own: what the terminal sends to the program (stop, hang up)
	// is not for the watcher.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	m := &Watcher{cmd: cmd, pipe: w}
	if err := debug.SetCrashOutput(w, debug.CrashOptions{}); err != nil {
		return nil, errors.Join(err, m.End())
	}
	return m, nil
}

// End says that the process ends on its own, or that the terminal is as it was,
// and waits for the watcher to end.
func (m *Watcher) End() error {
	err := debug.SetCrashOutput(nil, debug.CrashOptions{})
	_, werr := m.pipe.WriteString(farewell)
	return errors.Join(err, werr, m.pipe.Close(), m.cmd.Wait())
}

// Main is the watcher's whole life if this process is to be one; otherwise it
// returns at once. It has to be called before anything else is done.
func Main() {
	text := os.Getenv(role)
	if text == "" {
		return
	}
	// The terminal belongs to another group by the time that it is mended.
	signal.Ignore(syscall.SIGTTOU, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGPIPE)
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		os.Exit(2)
	}
	// The first words of a fault come while the process is still there. The terminal
	// is mended then: once it has ended, a shell that finds the terminal's modes as
	// the workbench left them takes them for its own.
	first := make([]byte, len(farewell))
	n, err := io.ReadFull(os.Stdin, first)
	fault := n > 0 && string(first[:n]) != farewell
	if fault {
		restore(os.Stdout, o.Settings)
	}
	said := first[:n]
	if err == nil {
		var rest []byte
		rest, err = io.ReadAll(io.LimitReader(os.Stdin, maxReport))
		said = append(said, rest...)
	}
	if !fault && n > 0 && err == nil {
		os.Exit(0)
	}
	if !fault {
		restore(os.Stdout, o.Settings)
	}
	fmt.Fprint(os.Stderr, epitaph(o, string(said)))
	os.Exit(1)
}

// reset takes back every mode of the terminal that the workbench may have set:
// synchronized output, alternate screen, hidden cursor, mouse, bracketed paste,
// focus reports, enhanced keys, colours.
const reset = "\x1b[?2026l\x1b[<u\x1b[>4;0m\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[?1049l\x1b[?25h\x1b]110\x1b\\\x1b]111\x1b\\\x1b[m\r"

func restore(tty *os.File, settings *unix.Termios) {
	_, _ = tty.WriteString(reset)
	if settings != nil {
		_ = unix.IoctlSetTermios(int(tty.Fd()), setTermios, settings)
	}
}

// epitaph writes the report and returns what the user is told.
func epitaph(o order, said string) string {
	if said == "" {
		return "\ntunebench was killed. The terminal is as it was before; what was on disk is kept.\n"
	}
	path, err := Report(o.Dir, o.Version, said)
	if err != nil {
		return fmt.Sprintf("\ntunebench ended by a fault of its own, and no report could be written: %v\n\n%s\n", err, safetext.Text(said))
	}
	return fmt.Sprintf("\ntunebench ended by a fault of its own. The terminal is as it was before; what was on disk is kept.\nThe report is in %s\n", path)
}

// Report writes a report of a fault into dir and returns its path. Secrets that
// can be told as such are masked; the file can be read by its owner only.
func Report(dir, version, said string) (path string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "fault-*.txt") // 0600
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(f, "tunebench %s, %s, %s/%s, TERM=%s\n\n%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH,
		safetext.Line(os.Getenv("TERM")), safetext.Redact(safetext.Text(said)))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", err
	}
	return f.Name(), nil
}
