package tui

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
)

// maxPending bounds what waits for a link that does not take it. One frame is a
// few kilobytes, so this is reached only by what is no frame.
const maxPending = 1 << 20

// patience is how long leaving waits for a link to take what restores the
// terminal.
const patience = 10 * time.Second

// link stands between the program and the terminal, so that a link that stalls
// holds up nothing: writes return at once, and while one is on its way no newer
// frame is composed. What is drawn next is the latest, not all that came between.
type link struct {
	out io.Writer

	mu      sync.Mutex
	moved   *sync.Cond // anything below has changed
	pending []byte
	sending bool
	through bool // writes wait until they have been sent
	closed  bool
	err     error

	// Set while behind, for when the link has caught up.
	held bool               // a frame was not composed
	size *tea.WindowSizeMsg // the latest size of the terminal
	send func(tea.Msg)      // tells the program; set before the first write

	done chan struct{}
}

// caughtUp tells the program that frames can be drawn again.
type caughtUp struct{}

func newLink(out io.Writer) *link {
	k := &link{out: out, done: make(chan struct{})}
	k.moved = sync.NewCond(&k.mu)
	go k.run()
	return k
}

// Write takes a frame. It waits only where too much is pending already.
func (k *link) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for k.err == nil && !k.closed && len(k.pending) > maxPending {
		k.moved.Wait()
	}
	if k.closed {
		return 0, io.ErrClosedPipe
	}
	if k.err != nil {
		return 0, k.err
	}
	k.pending = append(k.pending, p...)
	k.moved.Broadcast()
	for k.through && k.err == nil && k.behindLocked() {
		k.moved.Wait()
	}
	return len(p), k.err
}

func (k *link) behindLocked() bool { return k.sending || len(k.pending) > 0 }

// run sends what is pending until the link is closed and nothing is left.
func (k *link) run() {
	defer close(k.done)
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		for len(k.pending) == 0 && !k.closed {
			k.moved.Wait()
		}
		if len(k.pending) == 0 || k.err != nil {
			k.moved.Broadcast()
			return
		}
		p := k.pending
		k.pending, k.sending = nil, true
		k.mu.Unlock()
		_, err := k.out.Write(p)
		k.mu.Lock()
		k.sending = false
		k.err = errors.Join(k.err, err)
		k.tell()
		k.moved.Broadcast()
	}
}

// tell lets the program draw what it held back.
func (k *link) tell() {
	if k.behindLocked() || k.send == nil || k.closed {
		return
	}
	var msg tea.Msg
	switch {
	case k.size != nil:
		msg = *k.size
	case k.held:
		msg = caughtUp{}
	default:
		return
	}
	k.held, k.size = false, nil
	go k.send(msg) // it ends with the program at the latest
}

// hold reports whether the link is behind; the program is then told when it no
// longer is.
func (k *link) hold() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.behindLocked() || k.closed || k.err != nil {
		return false
	}
	k.held = true
	return true
}

// filter keeps from the program what would write much to a link that is behind:
// a new size, of which the latest is delivered later.
func (k *link) filter(msg tea.Msg) tea.Msg {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		if k.hold() {
			k.mu.Lock()
			k.size = &msg
			k.tell() // it may have caught up in between
			k.mu.Unlock()
			return nil
		}
	case tea.SuspendMsg:
		// The terminal has to be restored before the process stops.
		k.passThrough(true)
	case tea.ResumeMsg:
		k.passThrough(false)
	}
	return msg
}

func (k *link) passThrough(on bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.through = on
	for on && k.err == nil && k.behindLocked() {
		k.moved.Wait()
	}
}

// close waits until all has been sent, but not for ever.
func (k *link) close() error {
	k.mu.Lock()
	k.closed = true
	k.moved.Broadcast()
	k.mu.Unlock()
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-k.done:
		return nil
	case <-t.C:
		return errors.New("the terminal took no more output for 10 s, so it could not be restored; the command reset does")
	}
}

// ttyLink is a link to a terminal, which Bubble Tea asks for its size.
type ttyLink struct {
	*link
	tty *os.File
}

func (t ttyLink) Read(p []byte) (int, error) { return t.tty.Read(p) }
func (t ttyLink) Close() error               { return t.tty.Close() }
func (t ttyLink) Fd() uintptr                { return t.tty.Fd() }
