package tui_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/chat/chattest"
	"tunebench/backend/store"
	"tunebench/tui"
	"tunebench/tui/uitest"
)

// talking is the chat service itself as the screen sees it.
type talking struct{ *chat.Service }

func (t talking) Send(ctx context.Context, r chat.Request) tui.Answer { return t.Service.Send(ctx, r) }

func (t talking) Transcript(c chat.Conversation, turns []chat.Turn) tui.Transcript {
	return t.Service.Transcript(c, turns)
}

// chatServiceOver is a chat service that asks srv.
func chatServiceOver(t testing.TB, srv *chattest.Server, change func(*chat.Config)) *chat.Service {
	t.Helper()
	st, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "tunebench.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	runtime, control := chattest.Clients(srv)
	cfg := chat.Config{Runtime: runtime, Bedrock: control, Store: st, AccountName: "local"}
	if change != nil {
		change(&cfg)
	}
	s := chat.New(cfg)
	t.Cleanup(s.Close) // before the store's
	return s
}

// chatOver is the workbench's view of a world whose chat is real and asks srv.
// The service is put into each of out.
func chatOver(t testing.TB, srv *chattest.Server, change func(*chat.Config), out ...**chat.Service) tui.Deps {
	t.Helper()
	svc := talking{chatServiceOver(t, srv, change)}
	for _, o := range out {
		*o = svc.Service
	}
	d := uitest.Full().Deps()
	open := d.Open
	d.Open = func(ctx context.Context) (*tui.Services, error) {
		s, err := open(ctx)
		if err == nil {
			s.Chat = svc
		}
		return s, err
	}
	d.Now = nil
	return d
}

// gate is a wait between attempts that lasts until it is opened.
type gate struct {
	once sync.Once
	open chan struct{}
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

func (g *gate) release() { g.once.Do(func() { close(g.open) }) }

func (g *gate) sleep(ctx context.Context, _ time.Duration) error {
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
