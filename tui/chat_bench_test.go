package tui_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/chat/chattest"
	"tunebench/tui"
)

// meter is a terminal that nobody looks at: it counts what is written and notes
// when a mark went by.
type meter struct {
	mu    sync.Mutex
	bytes int64
	mark  []byte
	seen  chan time.Time
}

func (m *meter) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes += int64(len(p))
	if m.mark != nil && bytes.Contains(p, m.mark) {
		m.mark = nil
		m.seen <- time.Now()
	}
	return len(p), nil
}

func (m *meter) written() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes
}

// expect returns when a text is next written.
func (m *meter) expect(mark string) <-chan time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mark, m.seen = []byte(mark), make(chan time.Time, 1)
	return m.seen
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// words are what a model says: lower case, so that a capital is a mark.
func words(n int) []string {
	all := strings.Fields("the tent is sold in brown and it is covered for six months by the team that looks after tents and stoves in the north of the country")
	out := make([]string, n)
	for i := range out {
		out[i] = all[i*7%len(all)] + " "
	}
	return out
}

// fleet is an account of n models that stream rate tokens a second for d.
func fleet(n, rate int, d time.Duration, begin func()) *chattest.Server {
	s := &chattest.Server{}
	for i := range n {
		s.Foundation = append(s.Foundation, fmt.Sprintf("vendor.model-%d", i))
	}
	var once sync.Once
	s.Answer = func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		st := chattest.NewStream(w)
		all := words(rate * int(d/time.Second))
		started := time.Now()
		for i, word := range all {
			// What is due is sent: a timer that is late does not slow the stream.
			if wait := time.Until(started.Add(time.Duration(i) * time.Second / time.Duration(rate))); wait > 0 {
				time.Sleep(wait)
			}
			if r.Context().Err() != nil {
				return
			}
			if i == 0 {
				once.Do(begin)
				word = "Begin "
			}
			st.Delta(word)
		}
		st.Stop("end_turn", 5, len(all))
	}
	return s
}

// BenchmarkStreaming runs the workbench for some seconds at 200x50 while four
// models stream 200 tokens a second each, and reports what that costs. The models
// run in the same process: their share of the processor is in the figure.
func BenchmarkStreaming(b *testing.B) {
	const seconds = 5
	for b.Loop() {
		out := &meter{}
		var first <-chan time.Time
		var sent time.Time
		d := chatOver(b, fleet(4, 200, seconds*time.Second, func() { first, sent = out.expect("Begin"), time.Now() }), nil)
		d.Chat.MaxTokens = 1 << 20
		ctx, cancel := context.WithCancel(b.Context())
		in, keys := io.Pipe()
		done := make(chan error, 1)
		go func() {
			done <- tui.RunOn(ctx, d, tui.Options{In: in, Out: out, Env: []string{"TERM=xterm-256color"}, Width: 200, Height: 50})
		}()
		press := func(s, mark string) time.Duration {
			ch, at := out.expect(mark), time.Now()
			if _, err := io.WriteString(keys, s); err != nil {
				b.Fatal(err)
			}
			select {
			case t := <-ch:
				return t.Sub(at)
			case <-time.After(20 * time.Second):
				b.Fatalf("%q did not show %q", s, mark)
				return 0
			}
		}
		time.Sleep(300 * time.Millisecond)
		press("4", "question")
		press("\x1b[27u", "write")
		press(":", ":")
		press("models vendor.model-0 vendor.model-1 vendor.model-2 vendor.model-3\r", "model-3")
		press("X", "X")
		bytes0, cpu0, t0 := out.written(), cpu(), time.Now()
		if _, err := io.WriteString(keys, "\r"); err != nil {
			b.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
		firstToken := (<-first).Sub(sent)
		var lat []time.Duration
		for i := 0; time.Since(t0) < seconds*time.Second-300*time.Millisecond; i++ {
			c := string(rune('A' + i%20))
			lat = append(lat, press(c, c))
			time.Sleep(17 * time.Millisecond)
		}
		took := time.Since(t0)
		used, wrote := cpu()-cpu0, out.written()-bytes0
		slices.Sort(lat)
		b.ReportMetric(100*used.Seconds()/took.Seconds(), "%core")
		b.ReportMetric(float64(wrote)/took.Seconds(), "terminal-B/s")
		b.ReportMetric(float64(firstToken.Microseconds())/1000, "first-token-ms")
		b.ReportMetric(float64(lat[len(lat)/2].Microseconds())/1000, "key-p50-ms")
		b.ReportMetric(float64(lat[len(lat)*99/100].Microseconds())/1000, "key-p99-ms")
		cancel()
		_ = keys.Close()
		<-done
	}
}

// BenchmarkModels is the share that the models and their wire have in
// BenchmarkStreaming: the same streams, read by the service and shown by nobody.
func BenchmarkModels(b *testing.B) {
	const seconds = 5
	for b.Loop() {
		svc := chatServiceOver(b, fleet(4, 200, seconds*time.Second, func() {}), nil)
		cpu0, t0 := cpu(), time.Now()
		var all []*chat.Answer
		for i := range 4 {
			m := chat.Model{Ref: "m", ID: fmt.Sprintf("vendor.model-%d", i), Kind: chat.Foundation, Converse: true}
			all = append(all, svc.Send(b.Context(), chat.Request{Model: m, Messages: []chat.Message{{Role: "user", Content: "x"}}, Settings: chat.DefaultSettings()}))
		}
		for _, a := range all {
			<-a.Done()
		}
		b.ReportMetric(100*(cpu()-cpu0).Seconds()/time.Since(t0).Seconds(), "%core")
	}
}
