package artifact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
)

// Config is the config.json of a MistralForCausalLM or a LlamaForCausalLM. Keys this package does
// not know are kept and written back by Marshal.
type Config struct {
	Architectures         []string
	ModelType             string
	HiddenSize            int // width of the residual stream
	IntermediateSize      int // width of the SwiGLU inner layer
	NumHiddenLayers       int
	NumAttentionHeads     int
	NumKeyValueHeads      int // divides NumAttentionHeads
	HeadDim               int // even; HiddenSize/NumAttentionHeads when the file does not say
	VocabSize             int
	MaxPositionEmbeddings int // longest sequence, in tokens
	RMSNormEps            float64
	RopeTheta             float64
	TieWordEmbeddings     bool
	TorchDtype            string // "bfloat16", "float32", ...
	BOSTokenID            int32
	EOSTokenID            int32

	extra map[string]json.RawMessage
}

// Upper limits that keep products of sizes far from overflow and a lying
// file from asking for terabytes.
const (
	maxDim    = 1 << 20
	maxLayers = 1 << 10
	maxVocab  = 1 << 24
)

// modelTypes are the architectures that share this layout of weights, and the
// model_type of each.
var modelTypes = map[string]string{"MistralForCausalLM": "mistral", "LlamaForCausalLM": "llama"}

// Architectures lists the architectures that Config describes, and so those that
// the local account runs.
func Architectures() []string { return slices.Sorted(maps.Keys(modelTypes)) }

// configKeys are the keys of config.json that Config holds in fields.
type configKeys struct {
	Architectures         []string        `json:"architectures"`
	ModelType             string          `json:"model_type"`
	HiddenSize            int             `json:"hidden_size"`
	IntermediateSize      int             `json:"intermediate_size"`
	NumHiddenLayers       int             `json:"num_hidden_layers"`
	NumAttentionHeads     int             `json:"num_attention_heads"`
	NumKeyValueHeads      *int            `json:"num_key_value_heads"`
	HeadDim               *int            `json:"head_dim"`
	VocabSize             int             `json:"vocab_size"`
	MaxPositionEmbeddings int             `json:"max_position_embeddings"`
	RMSNormEps            *float64        `json:"rms_norm_eps"`
	RopeTheta             *float64        `json:"rope_theta"`
	TieWordEmbeddings     bool            `json:"tie_word_embeddings"`
	TorchDtype            string          `json:"torch_dtype"`
	BOSTokenID            json.RawMessage `json:"bos_token_id"`
	EOSTokenID            json.RawMessage `json:"eos_token_id"`
	HiddenAct             string          `json:"hidden_act"`
}

// ReadConfig reads and validates config.json of the artifact folder.
func ReadConfig(fsys fs.FS) (Config, error) {
	b, err := fs.ReadFile(fsys, ConfigFile)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return Config{}, fmt.Errorf("the artifact has no %s: copy the base model's file into the folder: %w", ConfigFile, err)
		}
		return Config{}, fmt.Errorf("read %s: %w", ConfigFile, err)
	}
	return ParseConfig(b)
}

// ParseConfig parses and validates the bytes of a config.json.
func ParseConfig(b []byte) (Config, error) {
	var k configKeys
	if err := json.Unmarshal(b, &k); err != nil {
		return Config{}, fmt.Errorf("%s is not a valid model configuration: %w", ConfigFile, err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return Config{}, fmt.Errorf("%s is not a JSON object: %w", ConfigFile, err)
	}
	c := Config{
		Architectures: k.Architectures, ModelType: k.ModelType,
		HiddenSize: k.HiddenSize, IntermediateSize: k.IntermediateSize,
		NumHiddenLayers: k.NumHiddenLayers, NumAttentionHeads: k.NumAttentionHeads,
		NumKeyValueHeads: k.NumAttentionHeads, VocabSize: k.VocabSize,
		MaxPositionEmbeddings: k.MaxPositionEmbeddings,
		// The values readers of this architecture use when the key is absent.
		RMSNormEps: 1e-6, RopeTheta: 10000,
		TieWordEmbeddings: k.TieWordEmbeddings, TorchDtype: k.TorchDtype,
		extra: all,
	}
	if k.NumKeyValueHeads != nil {
		c.NumKeyValueHeads = *k.NumKeyValueHeads
	}
	if k.RMSNormEps != nil {
		c.RMSNormEps = *k.RMSNormEps
	}
	if k.RopeTheta != nil {
		c.RopeTheta = *k.RopeTheta
	}
	if k.HeadDim != nil {
		c.HeadDim = *k.HeadDim
	} else if c.NumAttentionHeads > 0 {
		c.HeadDim = c.HiddenSize / c.NumAttentionHeads
	}
	var err error
	if c.BOSTokenID, err = tokenID("bos_token_id", k.BOSTokenID, 1); err != nil {
		return Config{}, err
	}
	if c.EOSTokenID, err = tokenID("eos_token_id", k.EOSTokenID, 2); err != nil {
		return Config{}, err
	}
	if k.HiddenAct != "" && k.HiddenAct != "silu" {
		return Config{}, fmt.Errorf("%s: hidden_act is %q, only \"silu\" is supported", ConfigFile, k.HiddenAct)
	}
	if err := c.Validate(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// tokenID reads a token id that may be a number, a list of numbers (the first
// counts), null or absent.
func tokenID(key string, raw json.RawMessage, absent int32) (int32, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return absent, nil
	}
	var n int32
	if json.Unmarshal(raw, &n) == nil {
		return n, nil
	}
	var list []int32
	if json.Unmarshal(raw, &list) == nil && len(list) > 0 {
		return list[0], nil
	}
	return 0, fmt.Errorf("%s: %s is not a token id", ConfigFile, key)
}

// Validate says whether the values describe a model that can be built. Its
// error names the key and what is wrong with it.
func (c Config) Validate() error {
	if len(c.Architectures) != 1 || modelTypes[c.Architectures[0]] == "" {
		return fmt.Errorf("%s: architectures is %q, want [\"MistralForCausalLM\"] or [\"LlamaForCausalLM\"]", ConfigFile, c.Architectures)
	}
	if want := modelTypes[c.Architectures[0]]; c.ModelType != want {
		return fmt.Errorf("%s: model_type is %q, want %q", ConfigFile, c.ModelType, want)
	}
	for _, d := range []struct {
		key    string
		v, max int
	}{
		{"hidden_size", c.HiddenSize, maxDim},
		{"intermediate_size", c.IntermediateSize, maxDim},
		{"num_hidden_layers", c.NumHiddenLayers, maxLayers},
		{"num_attention_heads", c.NumAttentionHeads, maxDim},
		{"num_key_value_heads", c.NumKeyValueHeads, maxDim},
		{"head_dim", c.HeadDim, maxDim},
		{"vocab_size", c.VocabSize, maxVocab},
		{"max_position_embeddings", c.MaxPositionEmbeddings, 1 << 30},
	} {
		if d.v < 1 || d.v > d.max {
			return fmt.Errorf("%s: %s is %d, want 1 to %d", ConfigFile, d.key, d.v, d.max)
		}
	}
	if c.NumAttentionHeads%c.NumKeyValueHeads != 0 {
		return fmt.Errorf("%s: num_attention_heads %d is not a multiple of num_key_value_heads %d", ConfigFile, c.NumAttentionHeads, c.NumKeyValueHeads)
	}
	if c.HeadDim%2 != 0 {
		return fmt.Errorf("%s: head_dim %d is odd, rotary embeddings need an even one", ConfigFile, c.HeadDim)
	}
	if c.NumAttentionHeads*c.HeadDim > maxDim {
		return fmt.Errorf("%s: num_attention_heads %d times head_dim %d is too large", ConfigFile, c.NumAttentionHeads, c.HeadDim)
	}
	if !(c.RMSNormEps > 0 && c.RMSNormEps < 1) {
		return fmt.Errorf("%s: rms_norm_eps is %g, want a small positive number", ConfigFile, c.RMSNormEps)
	}
	if !(c.RopeTheta > 0 && c.RopeTheta < 1e12) {
		return fmt.Errorf("%s: rope_theta is %g, want a positive number", ConfigFile, c.RopeTheta)
	}
	for key, id := range map[string]int32{"bos_token_id": c.BOSTokenID, "eos_token_id": c.EOSTokenID} {
		if id < 0 || int(id) >= c.VocabSize {
			return fmt.Errorf("%s: %s %d lies outside the vocabulary of %d", ConfigFile, key, id, c.VocabSize)
		}
	}
	return nil
}

// Raw returns the JSON value that config.json holds under key, for checks of
// keys that Config has no field for.
func (c Config) Raw(key string) (json.RawMessage, bool) {
	v, ok := c.extra[key]
	return v, ok
}

// Marshal writes config.json: every key that was read, with the values of the
// fields in place of those that were there.
func (c Config) Marshal() ([]byte, error) {
	out := map[string]any{}
	if c.extra == nil {
		// What other readers of a fresh configuration expect to find.
		out["hidden_act"] = "silu"
		out["attention_dropout"] = 0.0
		out["initializer_range"] = 0.02
		out["sliding_window"] = nil
		out["use_cache"] = true
	}
	for k, v := range maps.All(c.extra) {
		out[k] = v
	}
	out["architectures"] = c.Architectures
	out["model_type"] = c.ModelType
	out["hidden_size"] = c.HiddenSize
	out["intermediate_size"] = c.IntermediateSize
	out["num_hidden_layers"] = c.NumHiddenLayers
	out["num_attention_heads"] = c.NumAttentionHeads
	out["num_key_value_heads"] = c.NumKeyValueHeads
	out["head_dim"] = c.HeadDim
	out["vocab_size"] = c.VocabSize
	out["max_position_embeddings"] = c.MaxPositionEmbeddings
	out["rms_norm_eps"] = c.RMSNormEps
	out["rope_theta"] = c.RopeTheta
	out["tie_word_embeddings"] = c.TieWordEmbeddings
	if c.TorchDtype != "" {
		out["torch_dtype"] = c.TorchDtype
	}
	out["bos_token_id"] = c.BOSTokenID
	if raw := bytes.TrimSpace(c.extra["eos_token_id"]); len(raw) == 0 || raw[0] != '[' {
		out["eos_token_id"] = c.EOSTokenID
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", ConfigFile, err)
	}
	return append(b, '\n'), nil
}
