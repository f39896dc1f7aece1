package artifact

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// TokenizerConfig holds the parts of tokenizer_config.json that matter for
// prompts and imports.
type TokenizerConfig struct {
	TokenizerClass string
	BOSToken       string
	EOSToken       string
	ChatTemplate   string // "" when the file has none
}

// ReadTokenizerConfig reads tokenizer_config.json. A missing file gives an
// error that is fs.ErrNotExist.
func ReadTokenizerConfig(fsys fs.FS) (TokenizerConfig, error) {
	b, err := fs.ReadFile(fsys, TokenizerConfigFile)
	if err != nil {
		return TokenizerConfig{}, fmt.Errorf("read %s: %w", TokenizerConfigFile, err)
	}
	var d struct {
		Class    string          `json:"tokenizer_class"`
		BOS      json.RawMessage `json:"bos_token"`
		EOS      json.RawMessage `json:"eos_token"`
		Template json.RawMessage `json:"chat_template"`
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return TokenizerConfig{}, fmt.Errorf("%s is not valid JSON: %w", TokenizerConfigFile, err)
	}
	c := TokenizerConfig{TokenizerClass: d.Class, BOSToken: tokenContent(d.BOS), EOSToken: tokenContent(d.EOS)}
	if c.ChatTemplate, err = templateText(d.Template); err != nil {
		return TokenizerConfig{}, fmt.Errorf("%s: %w", TokenizerConfigFile, err)
	}
	return c, nil
}

// tokenContent reads a token given as a string or as {"content": ...}.
func tokenContent(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var o struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(raw, &o) == nil {
		return o.Content
	}
	return ""
}

// templateText reads a chat template given as a string or as a list of named
// templates, of which "default" counts.
func templateText(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return "", nil
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, nil
	}
	var list []struct{ Name, Template string }
	if err := json.Unmarshal(raw, &list); err != nil {
		return "", errors.New("chat_template is neither a string nor a list of templates")
	}
	for _, t := range list {
		if t.Name == "default" {
			return t.Template, nil
		}
	}
	return "", errors.New("chat_template is a list without a template named default")
}

// ErrNoChatTemplate says that no file of the folder holds a chat template.
var ErrNoChatTemplate = errors.New("the artifact has no chat template: put one into " + TokenizerConfigFile + ", or the model can not answer messages")

// ChatTemplate returns the one chat template of the artifact folder and the
// name of the file it stands in. Two templates are an error, because readers
// disagree about which one counts; none is ErrNoChatTemplate.
func ChatTemplate(fsys fs.FS) (template, where string, err error) {
	type found struct{ where, text string }
	var all []found
	cfg, err := ReadTokenizerConfig(fsys)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	if cfg.ChatTemplate != "" {
		all = append(all, found{TokenizerConfigFile, cfg.ChatTemplate})
	}
	b, err := fs.ReadFile(fsys, ChatTemplateJinja)
	switch {
	case err == nil:
		all = append(all, found{ChatTemplateJinja, string(b)})
	case !errors.Is(err, fs.ErrNotExist):
		return "", "", fmt.Errorf("read %s: %w", ChatTemplateJinja, err)
	}
	b, err = fs.ReadFile(fsys, ChatTemplateJSON)
	switch {
	case err == nil:
		var d struct {
			Template string `json:"chat_template"`
		}
		if err := json.Unmarshal(b, &d); err != nil {
			return "", "", fmt.Errorf("%s is not valid JSON: %w", ChatTemplateJSON, err)
		}
		all = append(all, found{ChatTemplateJSON, d.Template})
	case !errors.Is(err, fs.ErrNotExist):
		return "", "", fmt.Errorf("read %s: %w", ChatTemplateJSON, err)
	}
	switch len(all) {
	case 0:
		return "", "", ErrNoChatTemplate
	case 1:
		return all[0].text, all[0].where, nil
	}
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.where
	}
	return "", "", fmt.Errorf("the artifact has %d chat templates (%s): keep exactly one, readers disagree about which counts", len(all), strings.Join(names, ", "))
}
