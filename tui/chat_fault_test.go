package tui_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/chat/chattest"
	"tunebench/tui/uitest"
)

// TestChatFaults plays every failure of a stream beside a model that is well, on
// the pane as it is: the screen says what happened, keeps what had come, and the
// neighbour has its answer.
func TestChatFaults(t *testing.T) {
	partial := strings.TrimSpace(chattest.Partial)
	noWait := func(context.Context, time.Duration) error { return nil }
	for _, c := range []struct {
		fault string
		// first is what the screen shows before the fault is over; after that its
		// cause is taken away.
		first, last []string
		lacks       []string
		change      func(*chat.Config)
	}{
		{fault: "late", first: []string{"waiting", "ctrl+x cancel"}, last: []string{"stop"}},
		{fault: "mute", last: []string{"failed", "mute did not begin to answer", "within 3s", "ask again"},
			change: func(c *chat.Config) { c.FirstByte = 3 * time.Second }},
		{fault: "stalled", last: []string{partial, "broken", "nothing came for 3s", "may not be whole"},
			change: func(c *chat.Config) { c.Idle = 3 * time.Second }},
		{fault: "cut", last: []string{partial, "broken", "before the model said that it was done"}, lacks: []string{"finished"}},
		{fault: "endless", last: []string{partial, "broken", "before the model said that it was done"}, lacks: []string{"finished"}},
		{fault: "exception", last: []string{partial, "failed", "the answer broke off: exception failed", "illegal memory access"}},
		{fault: "timeout", last: []string{partial, "failed", "the answer broke off: timeout took too long"}},
		{fault: "unmodelled", last: []string{partial, "failed", "the answer broke off", "a shard was lost"}},
		{fault: "throttled-inside", last: []string{partial, "failed", "the answer broke off: too many requests"}},
		{fault: "throttled", first: []string{"too many requests to throttled at once; it is asked again by itself", "waiting", "again in", "1 of 6 failed"}, last: []string{"stop"}, lacks: []string{"too many requests"}},
		{fault: "throttled", last: []string{"failed", "too many requests to throttled", "wait a little and try again"}, change: func(c *chat.Config) { c.Sleep = noWait }},
		{fault: "asleep", first: []string{"waking", "again in", "try 2", "ctrl+x cancel"}, last: []string{"stop"}, lacks: []string{"waking", "not ready"}},
		{fault: "asleep", last: []string{"failed", "asleep did not wake within 15m", "try again later"}, change: func(c *chat.Config) { slept(c) }},
		{fault: "garbage", last: []string{partial + " of Portugal.", "broken", "a part of the answer could not be read"}},
		{fault: "garbled", last: []string{partial, "broken", "the connection broke"}},
		{fault: "strange", last: []string{"broken", "no known shape: its members are completion, log_id", `"log_id":"4711"`}},
		{fault: "huge", last: []string{"all work and no play", "broken", "longer than 4 MiB", "the rest was not kept"}},
		{fault: "refused", last: []string{"failed", "refused refused the request", "40000 tokens"}},
		{fault: "proxy", last: []string{"failed", "the endpoint answered 403", "any proxy"}},
	} {
		t.Run(c.fault, func(t *testing.T) {
			g := newGate()
			d := chatOver(t, chattest.FaultServer(g.open), func(cfg *chat.Config) {
				cfg.Sleep = g.sleep
				if c.change != nil {
					c.change(cfg)
				}
			})
			s := uitest.Start(t, d, 120, 40)
			s.Wait("row 1").Press("4").Wait("question").Press("esc").Wait("enter write").Press(":").Type("models healthy "+c.fault).Press("enter").Wait("━━ healthy", "━━ "+c.fault)
			s.Type("What is Lisbon?").Press("enter")
			if c.first != nil {
				squeezed(s, c.first...)
				g.release()
			}
			squeezed(s, c.last...)
			s.Gone("cancel") // nothing is arriving any more
			for _, x := range c.lacks {
				if s.Shows(x) {
					t.Errorf("the screen has %q:\n%s", x, s.Text())
				}
			}
			if harm := s.Harm(); len(harm) > 0 {
				t.Errorf("the terminal was made to: %q", harm)
			}
			s.Press("esc").Wait("enter write").Press("g").Wait("> What is Lisbon?", chattest.Whole).Press("G", ":").Type("models healthy").Press("enter").Gone("━━ " + c.fault)
			// What was kept is part of the transcript: the next question works.
			s.Type("And again?").Press("enter").Wait("> And again?", "7 tokens")
			s.Press("ctrl+x").Press("esc").Press("q")
			if err := s.Ended(); err != nil {
				t.Error(err)
			}
		})
	}
}

// slept gives a service a clock on which every wait has passed at once.
func slept(c *chat.Config) {
	clock := make(chan time.Time, 1)
	clock <- time.Now()
	c.Now = func() time.Time { now := <-clock; clock <- now; return now }
	c.Sleep = func(_ context.Context, d time.Duration) error { clock <- (<-clock).Add(d); return nil }
}

// squeezed waits until the right-hand column of the chat shows these texts,
// however they are broken into lines.
func squeezed(s *uitest.Screen, texts ...string) {
	for _, x := range texts {
		s.Until(uitest.Patience, x, func(screen string) bool {
			var b strings.Builder
			for line := range strings.Lines(screen) {
				if _, right, ok := strings.Cut(line, "│"); ok {
					b.WriteString(strings.TrimSpace(right) + " ")
				}
			}
			return strings.Contains(b.String(), x) || strings.Contains(screen, x)
		})
	}
}

// TestChatCancel ends an answer in the middle: what had come is kept and marked.
func TestChatCancel(t *testing.T) {
	g := newGate()
	s := uitest.Start(t, chatOver(t, chattest.FaultServer(g.open), func(cfg *chat.Config) { cfg.Sleep = g.sleep }), 120, 40)
	s.Wait("row 1").Press("4").Wait("question").Press("esc").Wait("enter write").Press(":").Type("models stalled asleep").Press("enter").Wait("━━ asleep")
	s.Type("What is Lisbon?").Press("enter").Wait(strings.TrimSpace(chattest.Partial), "waking")
	s.Press("ctrl+x")
	s.Until(uitest.Patience, "two answers that were cancelled", func(screen string) bool { return strings.Count(screen, "cancelled") == 2 })
	if !s.Shows(strings.TrimSpace(chattest.Partial)) {
		t.Errorf("the partial answer is gone:\n%s", s.Text())
	}
}
