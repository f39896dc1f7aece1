package artifact

import (
	"slices"
	"strings"
	"unicode"
)

// The prompt formats of other families of models.

const (
	imStart, imEnd         = "<|im_start|>", "<|im_end|>"
	beginText              = "<|begin_of_text|>"
	startHeader, endHeader = "<|start_header_id|>", "<|end_header_id|>"
	endOfTurn              = "<|eot_id|>"
)

func otherFormats() []PromptFormat {
	return []PromptFormat{
		{
			Name:         "plain",
			Description:  "no roles: system text, question and answer under each other, for base models",
			Example:      "<s>system\n\nquestion\nanswer</s>",
			render:       renderPlain,
			answerPrefix: "",
			template:     plainTemplate,
			detect:       func(string) bool { return false }, // recognised by its text alone
		},
		{
			Name:        "chatml",
			Description: "ChatML, as Qwen and many others have it; its tokens are none of Mistral's",
			Example:     "<|im_start|>system\nsystem<|im_end|>\n<|im_start|>user\nquestion<|im_end|>\n<|im_start|>assistant\nanswer<|im_end|>",
			render:      renderChatML,
			end:         imEnd,
			template:    chatMLTemplate,
			detect: func(t string) bool {
				// Templates that put in a system text of their own are another format.
				return strings.Contains(t, imStart) && strings.Contains(t, imEnd) && !strings.Contains(t, "[INST]") && !strings.Contains(t, "You are") && !strings.Contains(t, "tools")
			},
		},
		{
			Name:        "llama-3",
			Description: "Llama 3 Instruct; texts are trimmed; its tokens are none of Mistral's",
			Example:     "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nquestion<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nanswer<|eot_id|>",
			render:      renderLlama3,
			end:         endOfTurn,
			trim:        true,
			template:    llama3Template,
			detect: func(t string) bool {
				// Later versions put dates and tools into the system text.
				return strings.Contains(t, startHeader) && strings.Contains(t, endOfTurn) && !strings.Contains(t, "Cutting Knowledge") && !strings.Contains(t, "tools")
			},
		},
	}
}

// SpecialTokens lists the tokens that the format needs of a tokenizer, in the
// order in which they first stand in a conversation.
func (f PromptFormat) SpecialTokens() []string {
	msgs := []Message{{RoleSystem, "s"}, {RoleUser, "q"}, {RoleAssistant, "a"}, {RoleUser, "q"}}
	var out []string
	for _, s := range f.render(msgs) {
		if s.special && !slices.Contains(out, s.text) {
			out = append(out, s.text)
		}
	}
	if f.end != "" && !slices.Contains(out, f.end) {
		out = append(out, f.end)
	}
	return out
}

// Missing lists the special tokens of the format that a tokenizer does not have.
func (f PromptFormat) Missing(t *Tokenizer) []string {
	return slices.DeleteFunc(f.SpecialTokens(), func(s string) bool {
		_, ok := t.ID(s)
		return ok
	})
}

// content is a message's text as the format writes it.
func (f PromptFormat) content(text string) string {
	if !f.trim {
		return text
	}
	return trimBlanks(text)
}

// trimBlanks takes off what chat templates' trim does, which is what Python
// counts as blank.
func trimBlanks(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f })
}

func renderPlain(msgs []Message) []segment {
	system, turns := split(msgs)
	segs := []segment{{bosToken, true}}
	if system != "" {
		system += "\n\n"
	}
	for i, m := range turns {
		switch {
		case m.Role == RoleAssistant:
			segs = append(segs, segment{m.Content, false}, segment{eosToken, true})
		case i == 0:
			segs = append(segs, segment{system + m.Content + "\n", false})
		default:
			segs = append(segs, segment{"\n" + m.Content + "\n", false})
		}
	}
	return segs
}

func renderChatML(msgs []Message) []segment {
	var segs []segment
	system, turns := split(msgs)
	turn := func(role, text string) {
		segs = append(segs, segment{imStart, true}, segment{role + "\n" + text, false}, segment{imEnd, true}, segment{"\n", false})
	}
	if system != "" {
		turn(RoleSystem, system)
	}
	for _, m := range turns {
		turn(m.Role, m.Content)
	}
	if len(turns) > 0 && turns[len(turns)-1].Role == RoleUser {
		segs = append(segs, segment{imStart, true}, segment{RoleAssistant + "\n", false})
	}
	return segs
}

func renderLlama3(msgs []Message) []segment {
	segs := []segment{{beginText, true}}
	system, turns := split(msgs)
	header := func(role, text string) {
		segs = append(segs, segment{startHeader, true}, segment{role, false}, segment{endHeader, true}, segment{"\n\n" + text, false})
	}
	turn := func(role, text string) {
		header(role, trimBlanks(text))
		segs = append(segs, segment{endOfTurn, true})
	}
	if system != "" {
		turn(RoleSystem, system)
	}
	for _, m := range turns {
		turn(m.Role, m.Content)
	}
	if len(turns) > 0 && turns[len(turns)-1].Role == RoleUser {
		header(RoleAssistant, "")
	}
	return segs
}

const plainTemplate = `{{- bos_token }}
{%- set first = namespace(user=true) %}
{%- for message in messages %}
    {%- if message["role"] == "system" %}
        {%- if message["content"] %}
            {{- message["content"] + "\n\n" }}
        {%- endif %}
    {%- elif message["role"] == "user" %}
        {%- if not first.user %}
            {{- "\n" }}
        {%- endif %}
        {%- set first.user = false %}
        {{- message["content"] + "\n" }}
    {%- else %}
        {{- message["content"] + eos_token }}
    {%- endif %}
{%- endfor %}
`

const chatMLTemplate = `{%- for message in messages %}
    {%- if message["role"] != "system" or message["content"] %}
        {{- "<|im_start|>" + message["role"] + "\n" + message["content"] + "<|im_end|>" + "\n" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- "<|im_start|>assistant\n" }}
{%- endif %}
`

const llama3Template = `{{- bos_token }}
{%- for message in messages %}
    {%- if message["role"] != "system" or message["content"] %}
        {{- "<|start_header_id|>" + message["role"] + "<|end_header_id|>\n\n" + message["content"] | trim + "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- "<|start_header_id|>assistant<|end_header_id|>\n\n" }}
{%- endif %}
`
