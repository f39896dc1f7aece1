package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
)

// Conversation is a transcript's head.
type Conversation struct {
	ID      int64     `json:"id"` // 0 before it is first saved
	Account string    `json:"account,omitempty"`
	Title   string    `json:"title"`
	Models  []string  `json:"models"` // as users name them
	Set     Manner    `json:"settings"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// Manner is how a conversation is held: what all models are asked with, and what
// some are asked with instead.
type Manner struct {
	Settings
	System string `json:"system_prompt,omitempty"`
	// Talk says that the earlier turns are sent along.
	Talk bool `json:"talk,omitempty"`
	// Own is by the model's name.
	Own map[string]Own `json:"own,omitempty"`
}

// Own is what one model is asked with.
type Own struct {
	System   string   `json:"system_prompt,omitempty"`
	Settings Settings `json:"settings"`
}

// For is what a model is asked with.
func (m Manner) For(ref string) Own {
	if o, ok := m.Own[ref]; ok {
		return o
	}
	return Own{m.System, m.Settings}
}

// Turn is one message of a conversation on disk: a question, or one model's
// answer. The answers to a question have its position plus one.
type Turn struct {
	ID         int64         `json:"id"` // 0 before it is first saved
	Position   int           `json:"position"`
	Role       string        `json:"role"`
	Model      string        `json:"model,omitempty"`
	Content    string        `json:"content"`
	Sent       string        `json:"sent,omitempty"`
	Phase      Phase         `json:"phase,omitempty"`
	StopReason string        `json:"stop_reason,omitempty"`
	Err        string        `json:"error,omitempty"`
	Latency    time.Duration `json:"latency_ns,omitempty"`
	FirstToken time.Duration `json:"first_token_ns,omitempty"`
	Input      int           `json:"input_tokens,omitempty"`
	Output     int           `json:"output_tokens,omitempty"`
	Created    time.Time     `json:"created"`
}

// AnswerTurn is the turn that keeps an answer. Saved while the answer is still
// streaming, it keeps what has come so far; save it again, with the ID that
// SaveTurn gave it, when there is more.
func AnswerTurn(position int, a AnswerState) Turn {
	return Turn{
		Position: position, Role: artifact.RoleAssistant, Model: a.Model.Ref, Content: a.Text, Sent: a.Sent, Phase: a.Phase, StopReason: a.StopReason, Err: a.Err,
		Latency: a.Stats.Duration, FirstToken: a.Stats.FirstToken, Input: a.Stats.InputTokens, Output: a.Stats.OutputTokens,
	}
}

// titleLength is how many characters of the first question name a conversation.
const titleLength = 80

// SaveConversation keeps a conversation's head and returns it with its ID and
// times.
func (s *Service) SaveConversation(ctx context.Context, c Conversation) (Conversation, error) {
	models, err := json.Marshal(c.Models)
	if err != nil {
		return c, fmt.Errorf("save the conversation: %w", err)
	}
	set, err := json.Marshal(c.Set)
	if err != nil {
		return c, fmt.Errorf("save the conversation: %w", err)
	}
	c.Updated = s.cfg.Now()
	if c.ID == 0 {
		c.Created = c.Updated
	}
	c.Title = safetext.Line(c.Title)
	if r := []rune(c.Title); len(r) > titleLength {
		c.Title = strings.TrimSpace(string(r[:titleLength-1])) + "…"
	}
	c.ID, err = s.cfg.Store.PutConversation(ctx, store.Conversation{
		ID: c.ID, Account: s.cfg.AccountName, Region: s.region, Title: c.Title, Models: string(models), Settings: string(set),
		Created: c.Created, Updated: c.Updated,
	})
	return c, err
}

// Conversations lists those whose title or turns hold query ("" for all), the
// last used first.
func (s *Service) Conversations(ctx context.Context, query string, limit int) ([]Conversation, error) {
	rows, err := s.cfg.Store.Conversations(ctx, query, limit)
	if err != nil {
		return nil, err
	}
	list := make([]Conversation, 0, len(rows))
	for _, r := range rows {
		c, err := fromStore(r)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func fromStore(r store.Conversation) (Conversation, error) {
	c := Conversation{ID: r.ID, Account: r.Account, Title: r.Title, Created: r.Created, Updated: r.Updated}
	if err := json.Unmarshal([]byte(r.Models), &c.Models); err != nil {
		return c, fmt.Errorf("read conversation %d: %w", r.ID, err)
	}
	if err := json.Unmarshal([]byte(r.Settings), &c.Set); err != nil {
		return c, fmt.Errorf("read conversation %d: %w", r.ID, err)
	}
	return c, nil
}

// conversation reads one head.
func (s *Service) conversation(ctx context.Context, id int64) (Conversation, error) {
	r, err := s.cfg.Store.Conversation(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return Conversation{}, fmt.Errorf("there is no session %d; list them with: tunebench sessions list", id)
	}
	if err != nil {
		return Conversation{}, err
	}
	return fromStore(r)
}

// DeleteConversation removes a conversation with its turns.
func (s *Service) DeleteConversation(ctx context.Context, id int64) error {
	return s.cfg.Store.DeleteConversation(ctx, id)
}

// SaveTurn keeps a turn and returns it with its ID.
func (s *Service) SaveTurn(ctx context.Context, conversation int64, t Turn) (Turn, error) {
	if t.Created.IsZero() {
		t.Created = s.cfg.Now()
	}
	id, err := s.cfg.Store.PutTurn(ctx, store.Turn{
		ID: t.ID, Conversation: conversation, Position: t.Position, Role: t.Role, Model: t.Model, Content: t.Content, Sent: t.Sent,
		Phase: string(t.Phase), StopReason: t.StopReason, Error: t.Err, Latency: t.Latency, FirstToken: t.FirstToken,
		InputTokens: t.Input, OutputTokens: t.Output, Created: t.Created,
	})
	t.ID = id
	return t, err
}

// Turns returns a conversation's turns in their order.
func (s *Service) Turns(ctx context.Context, conversation int64) ([]Turn, error) {
	rows, err := s.cfg.Store.Turns(ctx, conversation)
	if err != nil {
		return nil, err
	}
	list := make([]Turn, 0, len(rows))
	for _, r := range rows {
		list = append(list, Turn{
			ID: r.ID, Position: r.Position, Role: r.Role, Model: r.Model, Content: safetext.Text(r.Content), Sent: safetext.Text(r.Sent),
			Phase: Phase(r.Phase), StopReason: r.StopReason, Err: r.Error, Latency: r.Latency, FirstToken: r.FirstToken,
			Input: r.InputTokens, Output: r.OutputTokens, Created: r.Created,
		})
	}
	return list, nil
}
