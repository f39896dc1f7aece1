// Package chat holds a conversation with one or more models: it lists what can
// be talked to, turns messages into the text a model was trained on, streams
// answers into bounded stores, and waits for a model that is waking.
package chat

import "time"

// Kind of model, in Bedrock's words.
type Kind string

// The kinds of model that can be talked to.
const (
	Imported   Kind = "imported model"
	Foundation Kind = "foundation model"
	Profile    Kind = "inference profile"
	Hosted     Kind = "endpoint's model" // of an Endpoint, not of the account
)

// Model is something that answers.
type Model struct {
	// Ref is the shortest name a user can type for it: "base", the imported
	// model's name, a foundation model id or an inference profile id.
	Ref string `json:"ref"`
	// ID is what goes on the wire: an ARN or a foundation model id.
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// PromptFormat is the format it was trained with, if this is known.
	PromptFormat string    `json:"prompt_format,omitempty"`
	Converse     bool      `json:"converse"`
	Created      time.Time `json:"created,omitzero"`
	Note         string    `json:"note,omitempty"`
	// Doubt says why an imported model's prompt format may be wrong.
	Doubt string `json:"doubt,omitempty"`
}

// Message is one turn. Role is "system", "user" or "assistant".
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// Settings of one generation.
type Settings struct {
	MaxTokens   int     `json:"max_tokens"`
	Temperature float64 `json:"temperature"`
	TopP        float64 `json:"top_p"`
	// TopK is how many of the likeliest tokens are drawn from, 0 for no limit.
	TopK int      `json:"top_k,omitempty"`
	Stop []string `json:"stop,omitempty"`
	// Seed makes chance repeatable; nil leaves it to the model. Converse has no
	// place for it.
	Seed *int64 `json:"seed,omitempty"`
}

// Request is one question to one model.
type Request struct {
	Model    Model
	Messages []Message
	Settings Settings
}

// Phase of an answer.
type Phase string

// The phases of an answer. Waking, Waiting and Streaming may follow each other;
// the others are final.
const (
	Waiting   Phase = "waiting"   // sent, nothing back yet
	Waking    Phase = "waking"    // the model is being loaded; tried again by itself
	Streaming Phase = "streaming" // text is arriving
	Finished  Phase = "finished"  // ended with a stop reason
	Cancelled Phase = "cancelled" // ended by the user; the text so far is kept
	Broken    Phase = "broken"    // the stream ended without a stop reason
	Failed    Phase = "failed"    // an error; Err says which
)

// Stats are the figures of one answer.
type Stats struct {
	// FirstToken is the time from the request to the first text.
	FirstToken time.Duration
	// Duration is the time from the request to the end, or to now.
	Duration     time.Duration
	InputTokens  int
	OutputTokens int
}

// TokensPerSecond is the output rate after the first token; 0 when unknown.
func (s Stats) TokensPerSecond() float64 {
	d := s.Duration - s.FirstToken
	if s.OutputTokens < 2 || d <= 0 {
		return 0
	}
	return float64(s.OutputTokens-1) / d.Seconds()
}

// AnswerState is what an answer looks like at one moment. Text has passed
// safetext.
type AnswerState struct {
	Model      Model
	Phase      Phase
	Text       string
	StopReason string
	Err        string
	Stats      Stats
	// Sent is what was really sent, as text.
	Sent string
	// Started is when the question was sent, Last when text last came.
	Started, Last time.Time
	// Attempts, WakingSince and NextTry describe waking; Attempts and NextTry also
	// the attempts after an error that may pass.
	Attempts    int
	WakingSince time.Time
	NextTry     time.Time
}

// Done reports whether the answer has ended.
func (a AnswerState) Done() bool {
	switch a.Phase {
	case Finished, Cancelled, Broken, Failed:
		return true
	}
	return false
}
