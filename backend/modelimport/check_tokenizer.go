package modelimport

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tunebench/backend/artifact"
)

// tokenizerClasses that Custom Model Import takes, without the ending Fast.
var tokenizerClasses = []string{"T5Tokenizer", "LlamaTokenizer", "CodeLlamaTokenizer", "GPT2Tokenizer", "GPTNeoXTokenizer", "PreTrainedTokenizer", "Qwen2Tokenizer"}

func (p *preflight) tokenizer() {
	raw, ok := p.small[artifact.TokenizerConfigFile]
	if !ok {
		return // presence has said so
	}
	const title = "the tokenizer's class is known and its files can be read"
	tc, err := artifact.ReadTokenizerConfig(p.small)
	if !json.Valid(raw) {
		p.add("tokenizer", title, Blocks, err.Error(), "Copy it from the base model.")
		return
	}
	var class struct {
		Name string `json:"tokenizer_class"`
	}
	if err := json.Unmarshal(raw, &class); err != nil || !slices.Contains(tokenizerClasses, strings.TrimSuffix(class.Name, "Fast")) {
		p.add("tokenizer", title, Blocks, fmt.Sprintf("tokenizer_class: %q", class.Name), "Set tokenizer_class to the class of the base model, for example LlamaTokenizer.")
		return
	}
	file, ok := p.small[artifact.TokenizerFile]
	if !ok {
		p.template()
		return
	}
	tok, err := artifact.ParseTokenizer(file)
	switch {
	case err != nil && (!json.Valid(file) || p.s.c.Runs != nil):
		p.add("tokenizer", title, Blocks, fmt.Sprintf("%s: %v", artifact.TokenizerFile, err), "Copy tokenizer.json from the base model.")
		return
	case err != nil:
		// A kind of tokenizer that is not known here may be fine there.
		p.add("tokenizer", title, Unknown, fmt.Sprintf("tokenizer_class: %s; %s could not be checked: %v", class.Name, artifact.TokenizerFile, err), "")
	default:
		p.add("tokenizer", title, Pass, "tokenizer_class: "+class.Name, "")
		if p.sound {
			p.vocabulary(tok)
			p.specialTokens(tok, tc)
		}
	}
	p.generation()
	p.template()
}

// sizes are the numbers of config.json that the tokenizer is held against; nil
// where they are not given.
type sizes struct {
	Vocab *int            `json:"vocab_size"`
	BOS   json.RawMessage `json:"bos_token_id"`
	EOS   json.RawMessage `json:"eos_token_id"`
}

func (p *preflight) sizes() (s sizes) {
	_ = json.Unmarshal(p.small[artifact.ConfigFile], &s) // config says what is wrong with it
	return s
}

func (p *preflight) vocabulary(tok *artifact.Tokenizer) {
	const title = "the embeddings have a row for every token"
	s := p.sizes()
	if s.Vocab == nil {
		return
	}
	if n := tok.VocabSize(); n > *s.Vocab {
		p.add("vocabulary", title, Blocks, fmt.Sprintf("the tokenizer has %d tokens, vocab_size is %d", n, *s.Vocab),
			"Keep the base model's tokenizer files; a token that was added has no weights.")
		return
	}
	p.add("vocabulary", title, Pass, fmt.Sprintf("%d tokens, vocab_size: %d", tok.VocabSize(), *s.Vocab), "")
}

// ids reads a token id that is a number or a list of numbers.
func ids(raw json.RawMessage) []int32 {
	var one int32
	var list []int32
	if len(raw) > 0 && json.Unmarshal(raw, &one) == nil && string(raw) != "null" {
		return []int32{one}
	}
	_ = json.Unmarshal(raw, &list) // anything else names no token
	return list
}

// specialTokens compares the tokens that the tokenizer's configuration names
// with the ids that the model's configuration names.
func (p *preflight) specialTokens(tok *artifact.Tokenizer, tc artifact.TokenizerConfig) {
	const title = "the tokens that begin and end a text are those of the model"
	s := p.sizes()
	var seen []string
	for _, t := range []struct {
		key, token string
		want       []int32
	}{{"bos_token", tc.BOSToken, ids(s.BOS)}, {"eos_token", tc.EOSToken, ids(s.EOS)}} {
		if t.token == "" {
			continue
		}
		id, ok := tok.ID(t.token)
		switch {
		case !ok:
			p.add("special-tokens", title, Warning, fmt.Sprintf("%s is %q, which the tokenizer does not have", t.key, t.token),
				"Keep the base model's tokenizer_config.json: a token that is added at load time has no weights.")
			return
		case len(t.want) > 0 && !slices.Contains(t.want, id):
			p.add("special-tokens", title, Warning, fmt.Sprintf("%s is %q, token %d; config.json has %s_id %v", t.key, t.token, id, t.key, t.want),
				"Make both name the token that the model was trained to end with, or answers do not end.")
			return
		}
		seen = append(seen, fmt.Sprintf("%s %s is %d", t.key, t.token, id))
	}
	p.add("special-tokens", title, Pass, strings.Join(seen, ", "), "")
}

// generation checks generation_config.json, which need not be there.
func (p *preflight) generation() {
	raw, ok := p.small[artifact.GenerationConfigFile]
	if !ok {
		return
	}
	const title = "generation ends where the model does"
	var g sizes
	if err := json.Unmarshal(raw, &g); err != nil {
		p.add("generation", title, Blocks, artifact.GenerationConfigFile+": "+err.Error(), "Copy it from the base model, or remove it.")
		return
	}
	have, want := ids(g.EOS), ids(p.sizes().EOS)
	if p.sound && len(have) > 0 && len(want) > 0 && !slices.ContainsFunc(have, func(id int32) bool { return slices.Contains(want, id) }) {
		p.add("generation", title, Warning, fmt.Sprintf("%s has eos_token_id %v, config.json %v", artifact.GenerationConfigFile, have, want),
			"Copy it from the base model, or answers do not end.")
		return
	}
	p.add("generation", title, Pass, artifact.GenerationConfigFile, "")
}

func (p *preflight) template() {
	const title = "there is one chat template"
	text, where, err := artifact.ChatTemplate(p.small)
	switch {
	case errors.Is(err, artifact.ErrNoChatTemplate):
		p.add("template", title, Warning, "no chat template", "Put one into tokenizer_config.json; without it Converse and messages do not work.")
	case err != nil:
		p.add("template", title, Blocks, err.Error(), "Keep one template, as a string in tokenizer_config.json.")
	case !strings.Contains(text, "messages"):
		p.add("template", title, Warning, "the template in "+where+" never looks at the messages", "Use the base model's template, or that of the training's prompt format.")
	default:
		evidence := "in " + where
		if name, ok := artifact.DetectFormat(text); ok {
			evidence += ", renders as " + name
		}
		p.add("template", title, Pass, evidence, "")
	}
}
