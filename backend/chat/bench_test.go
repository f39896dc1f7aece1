package chat

import (
	"net/http"
	"runtime"
	"testing"

	"tunebench/backend/chat/chattest"
)

// talker streams n tokens as fast as they are taken.
func talker(n int) *chattest.Server {
	return &chattest.Server{Answer: func(w http.ResponseWriter, r *http.Request, c chattest.Call) {
		s, frame := chattest.NewStream(w), chattest.DeltaFrame("token ")
		for range n {
			s.Raw(frame)
		}
		s.Stop("end_turn", 5, n)
	}}
}

// BenchmarkToken is the cost of one streamed token from the wire into the answer.
func BenchmarkToken(b *testing.B) {
	s, _ := newService(b, talker(b.N), nil)
	b.ReportAllocs()
	b.ResetTimer()
	a := s.Send(b.Context(), ask(foundation, "go"))
	<-a.Done()
	if st := a.State(); st.Phase != Finished || len(st.Text) != 6*b.N && len(st.Text) < 4<<20 {
		b.Fatalf("%s after %d bytes: %s", st.Phase, len(st.Text), st.Err)
	}
}

// BenchmarkState is a look at an answer of a megabyte: it copies no text.
func BenchmarkState(b *testing.B) {
	s, _ := newService(b, talker(200_000), nil)
	a := s.Send(b.Context(), ask(foundation, "go"))
	<-a.Done()
	b.ReportAllocs()
	for b.Loop() {
		if a.State().Text == "" {
			b.Fatal("no text")
		}
	}
}

// TestTokenAllocations bounds what a token costs between the wire and the answer.
func TestTokenAllocations(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates, too")
	}
	const tokens = 2000
	s, _ := newService(t, talker(tokens), nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	<-s.Send(t.Context(), ask(foundation, "go")).Done()
	runtime.ReadMemStats(&after)
	if n := (after.Mallocs - before.Mallocs) / tokens; n > 70 {
		t.Errorf("%d allocations for a token", n)
	}
	if n := (after.TotalAlloc - before.TotalAlloc) / tokens; n > 5000 {
		t.Errorf("%d bytes for a token", n)
	}
}
