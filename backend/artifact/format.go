package artifact

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Message is one turn of a conversation. Role is "system", "user" or
// "assistant".
type Message struct {
	Role    string
	Content string
}

// Roles of a message.
const (
	RoleSystem    = "system"
	RoleUser      = "user"
	RoleAssistant = "assistant"
)

// PromptFormat turns messages into the text, or the ids, that a model was
// trained on. Get one with FormatByName.
type PromptFormat struct {
	Name        string // "mistral-v3", "human-assistant", "plain", "chatml", "llama-3"
	Description string // one line for people
	Example     string // how one exchange looks

	render       func(msgs []Message) []segment
	answerPrefix string // stands between the prompt and the answer
	end          string // token that ends an answer, "" for the tokenizer's own
	trim         bool   // blanks at both ends of texts are taken off
	template     string
	detect       func(template string) bool
}

// segment is a piece of a rendered prompt: ordinary text, or the spelling of
// one special token.
type segment struct {
	text    string
	special bool
}

// DefaultFormat is the name of the format of Mistral 7B Instruct v0.3 and of
// the local base model.
const DefaultFormat = "mistral-v3"

var formats = append([]PromptFormat{
	{
		Name:         DefaultFormat,
		Description:  "Mistral tokenizer v3: no space before [/INST]; the system text stands before the last question",
		Example:      "<s>[INST] system\n\nquestion[/INST] answer</s>",
		render:       renderMistralV3,
		answerPrefix: " ",
		template:     mistralV3Template,
		detect: func(t string) bool {
			return strings.Contains(t, "[INST]") && strings.Contains(t, "[/INST]") &&
				!strings.Contains(t, "[SYSTEM_PROMPT]") && !strings.Contains(t, "<<SYS>>") && !strings.Contains(t, " [/INST]")
		},
	},
	{
		Name:        "human-assistant",
		Description: "Human: and Assistant: turns without <s>, as in the published notebook",
		Example:     "system\n\nHuman: question</s>\n\nAssistant: answer</s>",
		render:      renderHumanAssistant,
		template:    humanAssistantTemplate,
		detect: func(t string) bool {
			return strings.Contains(t, "Human: ") && strings.Contains(t, "Assistant: ") && !strings.Contains(t, "[INST]")
		},
	},
}, otherFormats()...)

// Formats lists the names of all prompt formats, the default first.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.Name
	}
	return names
}

// FormatByName returns a prompt format; "" means the default.
func FormatByName(name string) (PromptFormat, error) {
	if name == "" {
		name = DefaultFormat
	}
	for _, f := range formats {
		if f.Name == name {
			return f, nil
		}
	}
	return PromptFormat{}, fmt.Errorf("there is no prompt format %q; choose one of %s", name, strings.Join(Formats(), ", "))
}

// DetectFormat says which prompt format a Jinja chat template renders.
func DetectFormat(chatTemplate string) (name string, ok bool) {
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	for _, f := range formats {
		if squeeze(f.template) == squeeze(chatTemplate) {
			return f.Name, true
		}
	}
	for _, f := range formats {
		if f.detect(chatTemplate) {
			return f.Name, true
		}
	}
	return "", false
}

// ChatTemplate returns the Jinja text for tokenizer_config.json that renders
// messages as this format does.
func (f PromptFormat) ChatTemplate() string { return f.template }

// Prompt renders messages as text with special tokens spelled out. It ends
// where the answer begins. When the text is sent as a raw prompt, content that
// spells a special token is taken for one; EncodePrompt has no such hole.
func (f PromptFormat) Prompt(msgs []Message) string {
	var b strings.Builder
	for _, s := range f.render(msgs) {
		b.WriteString(s.text)
	}
	return b.String()
}

// EncodePrompt renders messages as ids. Special tokens come from the format
// only, never from content.
func (f PromptFormat) EncodePrompt(t *Tokenizer, msgs []Message) ([]int32, error) {
	if err := checkPrompt(msgs); err != nil {
		return nil, err
	}
	return f.encode(t, nil, f.render(msgs))
}

func checkPrompt(msgs []Message) error {
	if err := CheckMessages(msgs); err != nil {
		return err
	}
	if msgs[len(msgs)-1].Role != RoleUser {
		return errors.New("the last message must be the user's, for the model to answer it")
	}
	return nil
}

func (f PromptFormat) encode(t *Tokenizer, encode func(string) []int32, segs []segment) ([]int32, error) {
	var out []int32
	for i, s := range segs {
		if !s.special {
			out = appendText(t, encode, out, s.text, i == 0)
			continue
		}
		id, ok := t.ID(s.text)
		if !ok {
			return nil, fmt.Errorf("the tokenizer has no token %q, which prompt format %s needs", s.text, f.Name)
		}
		out = append(out, id)
	}
	return out, nil
}

// EncodeExample renders a training example: the last message is the answer.
// ids[answerStart:] are the answer and the token that ends it; the loss
// belongs on them.
func (f PromptFormat) EncodeExample(t *Tokenizer, msgs []Message) (ids []int32, answerStart int, err error) {
	return f.EncodeExampleWith(t, nil, msgs)
}

// EncodeExampleWith is EncodeExample with another way to encode ordinary text,
// for example with dropout; nil means the tokenizer's own.
func (f PromptFormat) EncodeExampleWith(t *Tokenizer, encode func(string) []int32, msgs []Message) (ids []int32, answerStart int, err error) {
	if len(msgs) == 0 || msgs[len(msgs)-1].Role != RoleAssistant {
		return nil, 0, errors.New("the last message of a training example must be the assistant's answer")
	}
	prompt := msgs[:len(msgs)-1]
	if err := checkPrompt(prompt); err != nil {
		return nil, 0, err
	}
	end := t.EOS()
	if f.end != "" {
		var ok bool
		if end, ok = t.ID(f.end); !ok {
			return nil, 0, fmt.Errorf("the tokenizer has no token %q, which prompt format %s needs", f.end, f.Name)
		}
	}
	if end < 0 {
		return nil, 0, fmt.Errorf("the tokenizer has no %s token to end an answer with", eosToken)
	}
	if ids, err = f.encode(t, encode, f.render(prompt)); err != nil {
		return nil, 0, err
	}
	answerStart = len(ids)
	ids = appendText(t, encode, ids, f.answerPrefix+f.content(msgs[len(msgs)-1].Content), false)
	return append(ids, end), answerStart, nil
}

func appendText(t *Tokenizer, encode func(string) []int32, ids []int32, text string, first bool) []int32 {
	if encode != nil {
		return append(ids, encode(text)...)
	}
	return t.encode(ids, text, first)
}

// CheckMessages says whether messages can be rendered: an optional system
// message first, then user and assistant in turn.
func CheckMessages(msgs []Message) error {
	turns := msgs
	if len(turns) > 0 && turns[0].Role == RoleSystem {
		turns = turns[1:]
	}
	if len(turns) == 0 {
		return errors.New("there is no user message")
	}
	for i, m := range turns {
		want := RoleUser
		if i%2 == 1 {
			want = RoleAssistant
		}
		if m.Role != want {
			return fmt.Errorf("message %d has the role %q where %q must stand: after an optional system message, user and assistant take turns", i+1+len(msgs)-len(turns), m.Role, want)
		}
	}
	return nil
}

// split separates the system texts from the turns.
func split(msgs []Message) (system string, turns []Message) {
	var sys []string
	for _, m := range msgs {
		if m.Role == RoleSystem {
			if m.Content != "" {
				sys = append(sys, m.Content)
			}
			continue
		}
		turns = append(turns, m)
	}
	return strings.Join(sys, "\n\n"), turns
}

func renderMistralV3(msgs []Message) []segment {
	system, turns := split(msgs)
	last := len(turns) - 1
	for last >= 0 && turns[last].Role != RoleUser {
		last--
	}
	segs := []segment{{bosToken, true}}
	for i, m := range turns {
		if m.Role == RoleAssistant {
			segs = append(segs, segment{" " + m.Content, false}, segment{eosToken, true})
			continue
		}
		text := m.Content
		if i == last && system != "" {
			text = system + "\n\n" + text
		}
		segs = append(segs, segment{"[INST]", true}, segment{" " + text, false}, segment{"[/INST]", true})
	}
	return segs
}

func renderHumanAssistant(msgs []Message) []segment {
	var segs []segment
	system, turns := split(msgs)
	if system != "" {
		segs = append(segs, segment{system, false})
	}
	for _, m := range turns {
		who := "\n\nHuman: "
		if m.Role == RoleAssistant {
			who = "\n\nAssistant: "
		}
		segs = append(segs, segment{who + m.Content, false}, segment{eosToken, true})
	}
	if !slices.ContainsFunc(turns, func(m Message) bool { return m.Role == RoleUser }) {
		return segs
	}
	if turns[len(turns)-1].Role == RoleUser {
		segs = append(segs, segment{"\n\nAssistant: ", false})
	}
	return segs
}

const mistralV3Template = `{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
    {%- set loop_messages = messages %}
{%- endif %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if (message["role"] == "user") != (loop.index0 % 2 == 0) %}
        {{- raise_exception("After an optional system message, user and assistant must take turns.") }}
    {%- endif %}
    {%- if message["role"] == "user" %}
        {%- if system_message and loop.index0 + 2 >= loop_messages | length %}
            {{- "[INST] " + system_message + "\n\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- else %}
        {{- " " + message["content"] + eos_token }}
    {%- endif %}
{%- endfor %}
`

const humanAssistantTemplate = `{%- for message in messages %}
    {%- if message["role"] == "system" %}
        {{- message["content"] }}
    {%- elif message["role"] == "user" %}
        {{- "\n\nHuman: " + message["content"] + eos_token }}
    {%- else %}
        {{- "\n\nAssistant: " + message["content"] + eos_token }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- "\n\nAssistant: " }}
{%- endif %}
`
