package chat

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
)

// The roles of turns that no model has: what was asked with, and what a dataset
// says the answer should be. They stand at the question's position.
const (
	roleSystem    = artifact.RoleSystem
	roleReference = "reference"
)

// Source is an answer that is arriving or has arrived.
type Source interface {
	State() AnswerState
	Done() <-chan struct{}
}

// Exchange is one question and the answers to it.
type Exchange struct {
	System, Question, Reference string
	Answers                     []Source
}

// Transcript keeps a conversation on disk while it goes on.
type Transcript struct {
	s *Service

	mu   sync.Mutex
	conv Conversation
	next int // the position of the next question
	err  error

	writing sync.Mutex // held by whoever makes sure that the head is there
}

// Transcript begins to keep a conversation: a new one if its ID is 0, or one that
// was read with Load. Nothing is written before Keep.
func (s *Service) Transcript(c Conversation, turns []Turn) *Transcript {
	t := &Transcript{s: s, conv: c}
	for _, turn := range turns {
		t.next = max(t.next, turn.Position/2*2+2)
	}
	return t
}

// keepEvery is how often the text of an answer that is arriving is written.
const keepEvery = time.Second

// Keep writes an exchange, its answers while they arrive, and returns at once with
// the position of the question. It ends with the last answer.
func (t *Transcript) Keep(e Exchange) (position int) {
	t.mu.Lock()
	position = t.next
	t.next += 2
	t.mu.Unlock()
	t.s.kept.Go(func() {
		if err := t.keep(context.Background(), position, e); err != nil {
			t.mu.Lock()
			t.err = errors.Join(t.err, err)
			t.mu.Unlock()
		}
	})
	return position
}

// Use says how the next exchanges are asked for; it is kept with them.
func (t *Transcript) Use(m Manner) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conv.Set = m
}

// Err is what went wrong with the writing so far.
func (t *Transcript) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// Conversation is the head as it is on disk; its ID is 0 until it is there.
func (t *Transcript) Conversation() Conversation {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conv
}

// head writes the conversation's head, with the title of its first question.
func (t *Transcript) head(ctx context.Context, e Exchange) (int64, error) {
	t.writing.Lock()
	defer t.writing.Unlock()
	c := t.Conversation()
	if c.Title == "" {
		c.Title = strings.Join(strings.Fields(e.Question), " ")
	}
	for _, a := range e.Answers {
		ref := a.State().Model.Ref
		known := false
		for _, m := range c.Models {
			known = known || m == ref
		}
		if !known {
			c.Models = append(c.Models[:len(c.Models):len(c.Models)], ref)
		}
	}
	c, err := t.s.SaveConversation(ctx, c)
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	c.Set = t.conv.Set // it may be another by now
	t.conv = c
	t.mu.Unlock()
	return c.ID, nil
}

func (t *Transcript) keep(ctx context.Context, position int, e Exchange) error {
	id, err := t.head(ctx, e)
	if err != nil {
		return err
	}
	for _, turn := range []Turn{{Role: roleSystem, Content: e.System}, {Role: artifact.RoleUser, Content: e.Question}, {Role: roleReference, Content: e.Reference}} {
		if turn.Position = position; turn.Content == "" && turn.Role != artifact.RoleUser {
			continue
		}
		if _, err := t.s.SaveTurn(ctx, id, turn); err != nil {
			return err
		}
	}
	type held struct {
		Source
		turn  Turn
		ended bool
	}
	all := make([]*held, len(e.Answers))
	any := make(chan struct{}, 1)
	var watching sync.WaitGroup
	defer watching.Wait()
	for i, a := range e.Answers {
		all[i] = &held{Source: a}
		watching.Go(func() {
			<-a.Done()
			select {
			case any <- struct{}{}:
			default:
			}
		})
	}
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	var failed error
	for {
		left := 0
		for _, h := range all {
			if h.ended {
				continue
			}
			st := h.State()
			h.ended = st.Done()
			if !h.ended {
				left++
			}
			// A long text is not written again for a few words more.
			if had := len(h.turn.Content); h.turn.ID != 0 && !h.ended && len(st.Text) < had+max(1, had/16) {
				continue
			}
			turn := AnswerTurn(position+1, st)
			turn.ID, turn.Created = h.turn.ID, h.turn.Created
			if turn, failed = t.s.SaveTurn(ctx, id, turn); failed != nil {
				return failed
			}
			h.turn = turn
		}
		if left == 0 {
			return nil
		}
		select {
		case <-any:
		case <-tick.C:
		}
	}
}

// History is what a model was asked and answered in turns, as messages; questions
// without a full answer are left out, and of a question that was asked several
// times in a row the last answer counts.
func History(turns []Turn, ref string) []Message {
	var out []Message
	question, system, last, lastSystem := "", "", "", ""
	answered, position := false, -1 // the last of out is an answer to last
	for _, t := range turns {
		if t.Position/2 != position {
			position, system = t.Position/2, ""
		}
		switch {
		case t.Role == artifact.RoleSystem:
			system = t.Content
		case t.Role == artifact.RoleUser:
			question = t.Content
			if answered && question == last && system == lastSystem {
				out = out[:len(out)-2]
			}
			answered, last, lastSystem = false, question, system
		case t.Role == artifact.RoleAssistant && t.Model == ref && t.Phase == Finished && t.Content != "" && question != "":
			out = append(out, Message{Role: artifact.RoleUser, Content: question}, Message{Role: artifact.RoleAssistant, Content: t.Content})
			question, answered = "", true
		}
	}
	return out
}

// Load reads a conversation with its turns. An answer that was arriving when the
// workbench ended is broken.
func (s *Service) Load(ctx context.Context, id int64) (Conversation, []Turn, error) {
	c, err := s.conversation(ctx, id)
	if err != nil {
		return c, nil, err
	}
	turns, err := s.Turns(ctx, id)
	for i := range turns {
		t := &turns[i]
		if st := (AnswerState{Phase: t.Phase}); t.Role == artifact.RoleAssistant && !st.Done() {
			t.Phase, t.Err = Broken, safetext.Line("the workbench ended before the answer did")
		}
	}
	return c, turns, err
}
