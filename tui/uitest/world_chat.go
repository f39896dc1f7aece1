package uitest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"tunebench/backend/chat"
	"tunebench/backend/files"
	"tunebench/tui"
)

type chats struct{ w *World }

func (c chats) Models(context.Context) ([]chat.Model, error) { return c.w.Models, c.w.Err }

func (c chats) Prove(_ context.Context, m chat.Model, _ []string, progress func(chat.Proof)) (chat.Verdict, error) {
	c.w.did("prove %s", m.Ref)
	for _, p := range c.w.Verdict.Proofs {
		progress(p)
	}
	return c.w.Verdict, c.w.Err
}

func (c chats) Send(_ context.Context, r chat.Request) tui.Answer {
	c.w.did("ask %s %s", r.Model.Ref, r.Messages[len(r.Messages)-1].Content)
	c.w.mu.Lock()
	if c.w.Sent == nil {
		c.w.Sent = map[string][]chat.Request{}
	}
	c.w.Sent[r.Model.Ref] = append(c.w.Sent[r.Model.Ref], r)
	c.w.mu.Unlock()
	if s := c.w.Streams[r.Model.Ref]; s != nil {
		s.begin(r.Model)
		return s
	}
	s, ok := c.w.Answers[r.Model.Ref]
	if !ok {
		s = chat.AnswerState{Phase: chat.Failed, Err: "no answer"}
	}
	s.Model = r.Model
	ch := make(chan struct{}, 1)
	ch <- struct{}{}
	return answer{s, ch}
}

func (c chats) Account() (name, region string) { return "local", "us-east-1" }

func (c chats) Way(m chat.Model) string {
	if m.Kind == chat.Imported {
		return "prompts as " + m.PromptFormat + ", holds 512 tokens"
	}
	return "Converse, holds 512 tokens"
}

func (c chats) SetPromptFormat(_ context.Context, m chat.Model, format string) error {
	c.w.did("format of %s: %s", m.Ref, format)
	return c.w.Err
}

func (c chats) Preview(r chat.Request) (chat.Preview, error) {
	text := "<s>[INST] " + r.Messages[len(r.Messages)-1].Content + "[/INST]"
	return chat.Preview{Route: chat.RouteCompletion, Operation: "InvokeModelWithResponseStream", Text: text, Context: 512,
		JSON: fmt.Sprintf("{\n  \"prompt\": %q,\n  \"max_tokens\": %d,\n  \"temperature\": %g\n}", text, r.Settings.MaxTokens, r.Settings.Temperature)}, c.w.Err
}

func (c chats) Snippet(r chat.Request, kind string) (string, error) {
	return kind + " asks " + r.Model.Ref + "\n", c.w.Err
}

func (c chats) Room(r chat.Request) (tokens, context int, exact bool) {
	for _, m := range r.Messages {
		tokens += len(m.Content)
	}
	return tokens / 4, 512, false
}

func (c chats) Sets(context.Context) (map[string][]string, error) { return c.w.Sets, c.w.Err }

func (c chats) SaveSet(_ context.Context, name string, refs []string) error {
	c.w.did("set %s %s", name, strings.Join(refs, " "))
	return c.w.Err
}

func (c chats) Prompts() ([]chat.Prompt, error) { return c.w.Library, c.w.Err }

func (c chats) SavePrompt(p chat.Prompt, replace bool) error {
	i := slices.IndexFunc(c.w.Library, func(o chat.Prompt) bool { return o.Name == p.Name })
	switch {
	case i >= 0 && !replace:
		return &files.ExistsError{Kind: "prompt", Name: p.Name}
	case i >= 0:
		c.w.Library[i] = p
	default:
		c.w.Library = append(c.w.Library, p)
	}
	c.w.did("save prompt %s: %s", p.Name, p.Text)
	return c.w.Err
}

func (c chats) DeletePrompt(name string) error {
	c.w.Library = slices.DeleteFunc(c.w.Library, func(o chat.Prompt) bool { return o.Name == name })
	c.w.did("delete prompt %s", name)
	return c.w.Err
}

func (c chats) Cast(_ context.Context, b chat.Ballot) error {
	who := "vote"
	if b.Judge != "" {
		who = b.Judge + " votes"
	}
	c.w.did("%s %d %s %s: %s", who, b.Position, b.First, b.Second, b.Outcome)
	return c.w.Err
}

func (c chats) RowVotes(context.Context, string, int64) ([]chat.Ballot, error) {
	return c.w.Ballots, c.w.Err
}

func (c chats) Voters(context.Context, string) ([]chat.Voter, error) { return c.w.Voters, c.w.Err }

func (c chats) VotesIn(context.Context, int64) (map[int][]chat.Voted, error) {
	return c.w.Voted, c.w.Err
}

func (c chats) Transcript(v chat.Conversation, _ []chat.Turn) tui.Transcript {
	if v.ID == 0 {
		v.ID = 1
	}
	return transcript{v}
}

func (c chats) Conversations(_ context.Context, query string, _ int) ([]chat.Conversation, error) {
	var found []chat.Conversation
	for _, v := range c.w.Talks {
		if strings.Contains(v.Title, query) {
			found = append(found, v)
		}
	}
	return found, c.w.Err
}

func (c chats) Load(_ context.Context, id int64) (chat.Conversation, []chat.Turn, error) {
	for _, v := range c.w.Talks {
		if v.ID == id {
			return v, c.w.TalkTurns, c.w.Err
		}
	}
	return chat.Conversation{}, nil, fmt.Errorf("there is no session %d", id)
}

func (c chats) DeleteConversation(_ context.Context, id int64) error {
	c.w.did("delete session %d", id)
	return c.w.Err
}

func (c chats) Export(_ context.Context, id int64, format string, w io.Writer) error {
	_, err := fmt.Fprintf(w, "session %d as %s\n", id, format)
	return err
}

type transcript struct{ c chat.Conversation }

func (t transcript) Use(chat.Manner)                 {}
func (t transcript) Keep(chat.Exchange) int          { return 0 }
func (t transcript) Conversation() chat.Conversation { return t.c }
func (t transcript) Err() error                      { return nil }

type answer struct {
	s  chat.AnswerState
	ch chan struct{}
}

func (a answer) State() chat.AnswerState  { return a.s }
func (a answer) Changed() <-chan struct{} { return a.ch }
func (a answer) Cancel()                  {}

// Done is closed: what a World says is all there is.
func (a answer) Done() <-chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}
