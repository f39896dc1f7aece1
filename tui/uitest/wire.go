package uitest

import (
	"io"
	"sync"
	"time"
)

// Wire is a link between the workbench and the terminal that carries Rate bytes
// in a second and takes Delay to arrive. It takes what is written at once until
// Buffer bytes are on their way, as a pseudo-terminal and a socket do; then
// writing blocks. It is meant for synthetic time.
type Wire struct {
	Rate   int
	Delay  time.Duration
	Buffer int

	mu      sync.Mutex
	moved   *sync.Cond
	queue   [][]byte
	waiting int // bytes in the queue
	most    int
	stalled bool
	closed  bool
	done    chan struct{}
}

type piece struct {
	at time.Time
	p  []byte
}

// mtu is the most that travels in one piece.
const mtu = 1400

func (w *Wire) from(out io.Writer) io.Writer {
	w.moved = sync.NewCond(&w.mu)
	w.done = make(chan struct{})
	air := make(chan piece, 1<<16)
	go func() {
		defer close(air)
		for {
			p := w.next()
			if p == nil {
				return
			}
			time.Sleep(time.Duration(len(p)) * time.Second / time.Duration(w.Rate))
			w.mu.Lock()
			w.waiting -= len(p)
			w.moved.Broadcast()
			w.mu.Unlock()
			air <- piece{time.Now().Add(w.Delay), p}
		}
	}()
	go func() {
		defer close(w.done)
		for x := range air {
			time.Sleep(time.Until(x.at))
			_, _ = out.Write(x.p)
		}
	}()
	return w
}

// next takes a piece out of the queue; nil at the end.
func (w *Wire) next() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 || w.stalled {
		if w.closed {
			return nil
		}
		w.moved.Wait()
	}
	p := w.queue[0]
	w.queue = w.queue[1:]
	if len(p) > mtu {
		w.queue = append([][]byte{p[mtu:]}, w.queue...)
		p = p[:mtu]
	}
	return p
}

// Write puts p on the wire.
func (w *Wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.waiting > w.Buffer && !w.closed {
		w.moved.Wait()
	}
	if w.closed {
		return 0, io.ErrClosedPipe
	}
	w.queue = append(w.queue, append([]byte(nil), p...))
	w.waiting += len(p)
	w.most = max(w.most, w.waiting)
	w.moved.Broadcast()
	return len(p), nil
}

// Stall stops the wire, or lets it go on.
func (w *Wire) Stall(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stalled = on
	w.moved.Broadcast()
}

// Most is the most that was on its way at a time.
func (w *Wire) Most() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.most
}

// close ends the wire when all has arrived.
func (w *Wire) close() {
	w.mu.Lock()
	w.closed, w.stalled = true, false
	w.moved.Broadcast()
	w.mu.Unlock()
	<-w.done
}
