package bedrockruntime

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/bedrock"
	"tunebench/backend/localaws/tinymistral"
	"tunebench/backend/localaws/wire"
)

// format is one of the forms that a body and its reply can have.
type format int

const (
	mistralNative     format = iota // prompt → outputs[]; the foundation model
	bedrockCompletion               // prompt with max_gen_len, or without a limit → generation
	openAICompletion                // prompt with max_tokens → choices[].text
	openAIChat                      // messages → choices[].message
)

// body holds the fields of all formats; which are there decides the format.
type body struct {
	Prompt   json.RawMessage `json:"prompt"`
	Messages []chatMessage   `json:"messages"`

	MaxTokens           *int `json:"max_tokens"`
	MaxGenLen           *int `json:"max_gen_len"`
	MaxCompletionTokens *int `json:"max_completion_tokens"`

	Temperature *float64        `json:"temperature"`
	TopP        *float64        `json:"top_p"`
	TopK        *int            `json:"top_k"`
	Stop        json.RawMessage `json:"stop"`
	Seed        *int64          `json:"seed"`
	N           *int            `json:"n"`
	Echo        bool            `json:"echo"`

	LogProbs       json.RawMessage `json:"logprobs"` // a count, or true
	TopLogProbs    *int            `json:"top_logprobs"`
	PromptLogProbs *int            `json:"prompt_logprobs"`
	ReturnLogProbs bool            `json:"return_logprobs"`

	ResponseFormat    json.RawMessage `json:"response_format"`
	StructuredOutputs json.RawMessage `json:"structured_outputs"`
	Tools             json.RawMessage `json:"tools"`
}

type chatMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// maxAlternatives is how many log-probabilities per token may be asked for.
const maxAlternatives = 20

// query is a request ready for the engine.
type query struct {
	format  format
	ids     []int32
	options tinymistral.GenerateOptions
	// logProbs asks for log-probabilities of the answer's tokens; options say
	// how many alternatives. promptLogProbs asks for the prompt's.
	logProbs       bool
	promptLogProbs bool
}

// malformed is how Bedrock refuses a body.
func malformed(format string, args ...any) *wire.Error {
	return wire.Validation("Malformed input request: %s, please reformat your input and try again.", fmt.Sprintf(format, args...))
}

func parseBody(data []byte) (*body, error) {
	b := &body{}
	trimmed := bytes.TrimSpace(data)
	if len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, malformed("expected a JSON object")
	}
	if err := json.Unmarshal(data, b); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return nil, malformed("#/%s: expected type: %s, found: %s", strings.ReplaceAll(wrong.Field, ".", "/"), wrong.Type, wrong.Value)
		}
		return nil, malformed("%v", err)
	}
	return b, nil
}

// route decides the format by the fields that are there.
func (b *body) route(m bedrock.Model) (format, error) {
	switch {
	case !m.Imported && len(b.Prompt) == 0:
		return 0, malformed("#: required key [prompt] not found")
	case !m.Imported:
		return mistralNative, nil
	case b.Messages != nil && len(b.Prompt) > 0:
		return 0, malformed("#: both prompt and messages are given; send one of them")
	case b.Messages != nil:
		return openAIChat, nil
	case len(b.Prompt) == 0:
		return 0, malformed("#: required key [prompt] or [messages] not found")
	case b.MaxTokens != nil && b.MaxGenLen == nil:
		return openAICompletion, nil
	}
	return bedrockCompletion, nil
}

// query turns a body into ids and options.
func (b *body) query(m bedrock.Model, tok *artifact.Tokenizer, c settings, context int) (*query, error) {
	f, err := b.route(m)
	if err != nil {
		return nil, err
	}
	q := &query{format: f}
	if err := b.refuse(); err != nil {
		return nil, err
	}
	if f == openAIChat {
		q.ids, err = encodeChat(tok, c, b.Messages)
	} else {
		q.ids, err = encodePrompt(tok, c, b.Prompt)
	}
	if err != nil {
		return nil, err
	}
	if err := q.fits(context); err != nil {
		return nil, err
	}
	if err := b.sampling(q, c); err != nil {
		return nil, err
	}
	if err := b.limit(q, context); err != nil {
		return nil, err
	}
	return q, b.probabilities(q)
}

// refuse says no to what would change the answer and is not done here; fields
// that nobody knows are ignored, as Bedrock does.
func (b *body) refuse() error {
	set := func(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
	switch {
	case set(b.StructuredOutputs), set(b.ResponseFormat) && !strings.Contains(string(b.ResponseFormat), `"text"`):
		return wire.Validation("Structured outputs are not available in the local account; remove structured_outputs and response_format.")
	case set(b.Tools):
		return wire.Validation("Tools are not available in the local account; remove tools.")
	case b.N != nil && *b.N != 1:
		return wire.Validation("n must be 1 in the local account; send the request several times.")
	case b.Echo:
		return wire.Validation("echo is not available in the local account; the prompt is known to the caller.")
	}
	return nil
}

// encodePrompt encodes a raw prompt; spellings of special tokens count.
func encodePrompt(tok *artifact.Tokenizer, c settings, raw json.RawMessage) ([]int32, error) {
	var text string
	if json.Unmarshal(raw, &text) != nil {
		var list []string
		if json.Unmarshal(raw, &list) != nil || len(list) != 1 {
			return nil, malformed("#/prompt: expected type: String")
		}
		text = list[0]
	}
	ids := tok.EncodeSpecial(text)
	if bos := tok.BOS(); c.addBOS && bos >= 0 && (len(ids) == 0 || ids[0] != bos) {
		ids = append([]int32{bos}, ids...)
	}
	if len(ids) == 0 {
		return nil, malformed("#/prompt: expected minLength: 1, actual: 0")
	}
	return ids, nil
}

// encodeChat renders messages once, by the model's own template.
func encodeChat(tok *artifact.Tokenizer, c settings, messages []chatMessage) ([]int32, error) {
	if c.format == nil {
		return nil, wire.Validation("Messages can not be used with this model: %s. Send prompt instead.", c.noFormat)
	}
	var msgs []artifact.Message
	for i, m := range messages {
		text, err := textOf(m.Content)
		if err != nil {
			return nil, malformed("#/messages/%d/content: %v", i, err)
		}
		switch m.Role {
		case artifact.RoleSystem, artifact.RoleUser, artifact.RoleAssistant:
		case "developer":
			m.Role = artifact.RoleSystem
		default:
			return nil, malformed("#/messages/%d/role: %q is not a valid enum value", i, m.Role)
		}
		msgs = append(msgs, artifact.Message{Role: m.Role, Content: text})
	}
	ids, err := c.format.EncodePrompt(tok, msgs)
	if err != nil {
		return nil, wire.Validation("The messages can not be rendered: %v", err)
	}
	return ids, nil
}

// textOf reads content that is a string or a list of text parts.
func textOf(raw json.RawMessage) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var parts []struct{ Type, Text string }
	if err := json.Unmarshal(raw, &parts); err != nil {
		return "", errors.New("expected a string or a list of parts")
	}
	var out []string
	for _, p := range parts {
		if p.Type != "text" {
			return "", fmt.Errorf("the model takes text only, found a part of type %q", p.Type)
		}
		out = append(out, p.Text)
	}
	return strings.Join(out, "\n"), nil
}

// fits wants room for at least one token.
func (q *query) fits(context int) error {
	if len(q.ids) >= context {
		return wire.Validation("This model's maximum context length is %d tokens. However, your prompt has %d tokens. Please reduce its length.", context, len(q.ids))
	}
	return nil
}

// sampling fills the options that choose tokens, with the defaults of each
// format.
func (b *body) sampling(q *query, c settings) error {
	o := &q.options
	o.Temperature, o.TopP = 1, 1
	if q.format == mistralNative || q.format == bedrockCompletion {
		o.Temperature, o.TopP = 0.5, 0.9
	}
	override(&o.Temperature, c.temperature, b.Temperature)
	override(&o.TopP, c.topP, b.TopP)
	override(&o.TopK, c.topK, b.TopK)
	o.StopIDs = c.stopIDs
	highest := 2.0
	if q.format == mistralNative {
		highest = 1
	}
	switch {
	case !(o.Temperature >= 0 && o.Temperature <= highest):
		return malformed("#/temperature: %g is not between 0 and %g", o.Temperature, highest)
	case !(o.TopP >= 0 && o.TopP <= 1):
		return malformed("#/top_p: %g is not between 0 and 1", o.TopP)
	case o.TopK < -1:
		return malformed("#/top_k: %d is not greater or equal to 0", o.TopK)
	}
	if o.TopK == -1 {
		o.TopK = 0 // all tokens
	}
	if o.TopP == 0 {
		o.TopK = 1 // the engine takes 0 for no limit
	}
	o.Seed = randomSeed()
	if b.Seed != nil {
		o.Seed = uint64(*b.Seed)
	}
	if len(b.Stop) > 0 && string(b.Stop) != "null" {
		var one string
		if json.Unmarshal(b.Stop, &one) == nil {
			o.Stop = []string{one}
		} else if json.Unmarshal(b.Stop, &o.Stop) != nil {
			return malformed("#/stop: expected a string or a list of strings")
		}
	}
	return nil
}

func override[T any](v *T, by ...*T) {
	for _, b := range by {
		if b != nil {
			*v = *b
		}
	}
}

func randomSeed() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// limit fills in how many tokens the answer may have; more than the context
// holds is cut to that.
func (b *body) limit(q *query, context int) error {
	room := context - len(q.ids)
	n, name := room, "max_tokens"
	switch q.format {
	case mistralNative:
		n = 512
	case bedrockCompletion:
		n, name = 512, "max_gen_len"
	case openAICompletion:
		n = 16
	}
	override(&n, b.MaxCompletionTokens, b.MaxTokens)
	if q.format == bedrockCompletion {
		override(&n, b.MaxGenLen)
	}
	if n < 1 {
		return malformed("#/%s: %d is not greater or equal to 1", name, n)
	}
	q.options.MaxTokens = min(n, room)
	return nil
}

// probabilities reads what is asked for besides the text.
func (b *body) probabilities(q *query) error {
	n := 0
	switch raw := strings.TrimSpace(string(b.LogProbs)); {
	case raw == "" || raw == "null" || raw == "false":
	case raw == "true":
		q.logProbs = true
		if q.format == openAICompletion {
			n = 1 // true counts as one there
		}
	default:
		if q.format == openAIChat || json.Unmarshal(b.LogProbs, &n) != nil {
			return malformed("#/logprobs: expected %s", map[bool]string{true: "true or false", false: "an integer"}[q.format == openAIChat])
		}
		q.logProbs = true
	}
	if q.format == openAIChat && q.logProbs && b.TopLogProbs != nil {
		n = *b.TopLogProbs
	}
	if q.format == bedrockCompletion {
		q.logProbs, n = b.ReturnLogProbs, 0
	}
	if n < 0 || n > maxAlternatives {
		return malformed("#/logprobs: %d is not between 0 and %d", n, maxAlternatives)
	}
	q.options.TopLogProbs = n
	q.promptLogProbs = b.PromptLogProbs != nil && (q.format == openAIChat || q.format == openAICompletion)
	return nil
}
