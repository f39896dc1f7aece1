package chat

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"tunebench/backend/artifact"
)

// Route is the API and body with which a model is asked.
type Route string

// The routes.
const (
	// RouteConverse is Converse; Bedrock applies the prompt format.
	RouteConverse Route = "Converse"
	// RouteCompletion is InvokeModel with an OpenAI completion body, whose prompt
	// was rendered here in the format the model was trained with.
	RouteCompletion Route = "completion"
	// RouteMessages is InvokeModel with an OpenAI chat body; the chat template
	// that was imported with the model is applied.
	RouteMessages Route = "messages"
	// RouteEndpoint is a chat completion of an Endpoint.
	RouteEndpoint Route = "chat completions"
)

// Route says how the model is asked, or why it can not be.
func (m Model) Route() (Route, error) {
	switch {
	case m.Kind == Hosted:
		return RouteEndpoint, nil
	case m.Kind != Imported:
		return RouteConverse, nil
	case m.PromptFormat != "":
		return RouteCompletion, nil
	case m.Converse:
		return RouteMessages, nil
	}
	return "", fmt.Errorf("it is not recorded with which prompt format %s was trained, and it was imported without a chat template; set it with F, or: tunebench models format %s FORMAT (one of %s)",
		m.Ref, m.Ref, strings.Join(artifact.Formats(), ", "))
}

// prepared is a request as it goes on the wire.
type prepared struct {
	route Route
	// body is InvokeModel's; with Converse, system and messages are set.
	body     []byte
	system   []types.SystemContentBlock
	messages []types.Message
	config   *types.InferenceConfiguration
	more     document.Interface // what Converse has no field for: topK
	topK     int
	sent     string
	ask      invokeBody // an endpoint's, without the model
	probe    bool       // the reply's shape is not to be remembered
}

// invokeBody is the common part of OpenAI's completion and chat bodies, which
// Mistral's own body has as well.
type invokeBody struct {
	Prompt      string    `json:"prompt,omitempty"`
	Messages    []Message `json:"messages,omitempty"`
	MaxTokens   int       `json:"max_tokens"`
	Temperature float64   `json:"temperature"`
	TopP        float64   `json:"top_p,omitempty"`
	TopK        int       `json:"top_k,omitempty"`
	Stop        []string  `json:"stop,omitempty"`
	Seed        *int64    `json:"seed,omitempty"`
}

// with takes over what is generated with.
func (b invokeBody) with(set Settings) invokeBody {
	b.MaxTokens, b.Temperature, b.TopP, b.TopK, b.Stop, b.Seed = set.MaxTokens, set.Temperature, set.TopP, set.TopK, set.Stop, set.Seed
	return b
}

func prepare(req Request) (prepared, error) {
	msgs := make([]artifact.Message, len(req.Messages))
	for i, m := range req.Messages {
		msgs[i] = artifact.Message(m)
		if m.Role == artifact.RoleAssistant {
			// A format puts its own space in front of an answer.
			msgs[i].Content = strings.TrimSpace(m.Content)
		}
	}
	if err := artifact.CheckMessages(msgs); err != nil {
		return prepared{}, fmt.Errorf("the conversation cannot be sent: %w", err)
	}
	if msgs[len(msgs)-1].Role != artifact.RoleUser {
		return prepared{}, fmt.Errorf("the conversation cannot be sent: its last message must be the user's")
	}
	route, err := req.Model.Route()
	if err != nil {
		return prepared{}, err
	}
	set := req.Settings
	if set.MaxTokens <= 0 {
		set.MaxTokens = DefaultSettings().MaxTokens
	}
	if set.TopP >= 1 {
		set.TopP = 0 // the default; some models refuse top-p beside a temperature
	}
	p := prepared{route: route}
	switch route {
	case RouteConverse:
		p.converse(msgs, set)
		return p, nil
	case RouteCompletion:
		f, err := artifact.FormatByName(req.Model.PromptFormat)
		if err != nil {
			return prepared{}, fmt.Errorf("ask %s: %w", req.Model.Ref, err)
		}
		p.sent = f.Prompt(msgs)
		p.body, err = encode(invokeBody{Prompt: p.sent}.with(set))
		return p, err
	default:
		list := make([]Message, len(msgs))
		for i, m := range msgs {
			list[i] = Message(m)
		}
		p.ask = invokeBody{Messages: list}.with(set)
		p.body, err = encode(p.ask)
		p.sent = asText(msgs)
		return p, err
	}
}

func (p *prepared) converse(msgs []artifact.Message, set Settings) {
	p.config = &types.InferenceConfiguration{
		MaxTokens: aws.Int32(int32(min(set.MaxTokens, 1<<30))), Temperature: aws.Float32(float32(set.Temperature)), StopSequences: set.Stop,
	}
	if set.TopP > 0 {
		p.config.TopP = aws.Float32(float32(set.TopP))
	}
	if set.TopK > 0 {
		p.topK = set.TopK
		p.more = document.NewLazyDocument(map[string]int{"top_k": set.TopK})
	}
	for _, m := range msgs {
		if m.Role == artifact.RoleSystem {
			if m.Content != "" { // Converse refuses blank blocks
				p.system = append(p.system, &types.SystemContentBlockMemberText{Value: m.Content})
			}
			continue
		}
		p.messages = append(p.messages, types.Message{
			Role: types.ConversationRole(m.Role), Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: m.Content}},
		})
	}
	p.sent = asText(msgs)
}

// asText is a conversation that is sent as messages, for people.
func asText(msgs []artifact.Message) string {
	var b strings.Builder
	for i, m := range msgs {
		if i > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(m.Role + ": " + m.Content)
	}
	return b.String()
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// Fingerprint is a hash of all that decides the answer to a request: account,
// model, route, messages and settings.
func (s *Service) Fingerprint(req Request) (string, error) {
	p, err := prepare(req)
	if err != nil {
		return "", err
	}
	if p.body == nil {
		if p.body, err = encode(map[string]any{"messages": req.Messages, "settings": req.Settings}); err != nil {
			return "", err
		}
	}
	h := sha256.New()
	parts := []string{s.cfg.AccountName, s.region, req.Model.ID, string(p.route)}
	if p.route == RouteEndpoint && s.cfg.Endpoint != nil {
		parts = append(parts, s.cfg.Endpoint.base.String())
	}
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part) // lengths keep parts apart
	}
	h.Write(p.body)
	return hex.EncodeToString(h.Sum(nil)), nil
}
