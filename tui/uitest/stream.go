package uitest

import (
	"sync"

	"tunebench/backend/chat"
)

// Stream is an answer that arrives when a test says so.
type Stream struct {
	mu      sync.Mutex
	state   chat.AnswerState
	changed chan struct{}
	done    chan struct{}
	once    sync.Once
}

// NewStream returns an answer of which nothing has come yet.
func NewStream() *Stream { return &Stream{changed: make(chan struct{}, 1), done: make(chan struct{})} }

// Done is closed when the answer has ended.
func (s *Stream) Done() <-chan struct{} { return s.done }

func (s *Stream) begin(m chat.Model) {
	s.change(func(a *chat.AnswerState) { *a = chat.AnswerState{Model: m, Phase: chat.Waiting} })
}

func (s *Stream) change(f func(*chat.AnswerState)) {
	s.mu.Lock()
	f(&s.state)
	ended := s.state.Done()
	s.mu.Unlock()
	if ended {
		s.once.Do(func() { close(s.done) })
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Token adds a piece of text.
func (s *Stream) Token(text string) {
	s.change(func(a *chat.AnswerState) {
		a.Phase = chat.Streaming
		a.Text += text
	})
}

// End ends the answer as a model does.
func (s *Stream) End() {
	s.change(func(a *chat.AnswerState) { a.Phase, a.StopReason = chat.Finished, "stop" })
}

// State returns what has come so far.
func (s *Stream) State() chat.AnswerState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Changed is signalled by Token and End.
func (s *Stream) Changed() <-chan struct{} { return s.changed }

// Cancel ends the answer where it stands.
func (s *Stream) Cancel() { s.change(func(a *chat.AnswerState) { a.Phase = chat.Cancelled }) }
