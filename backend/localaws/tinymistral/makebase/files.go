package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/tinymistral"
)

// writeArtifact writes the whole folder that an import takes, with the one
// chat template in tokenizer_config.json.
func writeArtifact(dir string, m *tinymistral.Model, tok *artifact.Tokenizer) error {
	format, err := artifact.FormatByName(artifact.DefaultFormat)
	if err != nil {
		return err
	}
	cfg, err := m.Config().Marshal()
	if err != nil {
		return err
	}
	var weights bytes.Buffer
	if err := artifact.WriteSafetensors(&weights, artifact.BF16, m.Tensors()); err != nil {
		return err
	}
	tokenizer, err := tok.Marshal()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		artifact.ConfigFile:    cfg,
		artifact.WeightsFile:   weights.Bytes(),
		artifact.TokenizerFile: tokenizer,
	}
	for name, doc := range map[string]any{
		artifact.TokenizerConfigFile: map[string]any{
			"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": m.Config().MaxPositionEmbeddings,
			"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<unk>",
			"add_bos_token": false, "add_eos_token": false, "clean_up_tokenization_spaces": false,
			"chat_template": format.ChatTemplate(),
		},
		artifact.GenerationConfigFile: map[string]any{
			"_from_model_config": true, "bos_token_id": tok.BOS(), "eos_token_id": tok.EOS(), "do_sample": false,
		},
		artifact.SpecialTokensFile: map[string]any{
			"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<unk>",
		},
	} {
		b, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		files[name] = append(b, '\n')
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
