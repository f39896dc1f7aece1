package artifact

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
)

func testConfig() map[string]any {
	return map[string]any{
		"architectures": []string{"MistralForCausalLM"}, "model_type": "mistral",
		"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
		"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 300,
		"max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 1e6,
		"tie_word_embeddings": false, "torch_dtype": "bfloat16", "bos_token_id": 1, "eos_token_id": 2,
		"sliding_window": nil, "something_new": map[string]any{"a": 1},
	}
}

func configFS(t *testing.T, doc map[string]any) fs.FS {
	t.Helper()
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{ConfigFile: {Data: b}}
}

func TestConfigKeepsWhatItDoesNotKnow(t *testing.T) {
	c, err := ReadConfig(configFS(t, testConfig()))
	if err != nil {
		t.Fatal(err)
	}
	if c.HeadDim != 8 || c.RopeTheta != 1e6 || c.VocabSize != 300 || c.TorchDtype != "bfloat16" {
		t.Fatalf("read %+v", c)
	}
	c.TorchDtype = "float32"
	b, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if _, ok := out["something_new"]; !ok || out["torch_dtype"] != "float32" {
		t.Fatalf("wrote %s", b)
	}
	if v, ok := out["sliding_window"]; !ok || v != nil {
		t.Fatalf("sliding_window is %v, %v", v, ok)
	}
	if raw, ok := c.Raw("something_new"); !ok || string(raw) != `{"a":1}` {
		t.Fatalf("Raw gave %s, %v", raw, ok)
	}
}

func TestConfigDefaults(t *testing.T) {
	doc := testConfig()
	for _, k := range []string{"num_key_value_heads", "rope_theta", "rms_norm_eps", "bos_token_id", "eos_token_id"} {
		delete(doc, k)
	}
	c, err := ReadConfig(configFS(t, doc))
	if err != nil {
		t.Fatal(err)
	}
	if c.NumKeyValueHeads != 4 || c.RopeTheta != 10000 || c.RMSNormEps != 1e-6 || c.BOSTokenID != 1 || c.EOSTokenID != 2 {
		t.Fatalf("defaults are %+v", c)
	}
}

func TestConfigRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		change map[string]any
		want   string
	}{
		"other architecture": {map[string]any{"architectures": []string{"GemmaForCausalLM"}}, "MistralForCausalLM"},
		"no architecture":    {map[string]any{"architectures": nil}, "architectures"},
		"other type":         {map[string]any{"model_type": "llama"}, "model_type"},
		"no width":           {map[string]any{"hidden_size": 0}, "hidden_size"},
		"negative layers":    {map[string]any{"num_hidden_layers": -1}, "num_hidden_layers"},
		"no heads":           {map[string]any{"num_attention_heads": 0}, "num_attention_heads"},
		"no kv heads":        {map[string]any{"num_key_value_heads": 0}, "num_key_value_heads"},
		"uneven heads":       {map[string]any{"num_key_value_heads": 3}, "multiple"},
		"odd head":           {map[string]any{"head_dim": 7}, "head_dim"},
		"giant vocabulary":   {map[string]any{"vocab_size": 1 << 40}, "vocab_size"},
		"no epsilon":         {map[string]any{"rms_norm_eps": 0}, "rms_norm_eps"},
		"no theta":           {map[string]any{"rope_theta": -1}, "rope_theta"},
		"eos outside":        {map[string]any{"eos_token_id": 300}, "eos_token_id"},
		"eos no id":          {map[string]any{"eos_token_id": "x"}, "eos_token_id"},
		"other activation":   {map[string]any{"hidden_act": "gelu"}, "hidden_act"},
		"text for a number":  {map[string]any{"hidden_size": "big"}, "hidden_size"},
	} {
		doc := testConfig()
		maps.Copy(doc, tc.change)
		if _, err := ReadConfig(configFS(t, doc)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error is %v, want one about %q", name, err, tc.want)
		}
	}
	if _, err := ReadConfig(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	for _, s := range []string{"", "[]", "null", "{"} {
		if _, err := ParseConfig([]byte(s)); err == nil {
			t.Errorf("%q is taken for a configuration", s)
		}
	}
}

func TestFreshConfigRoundTrip(t *testing.T) {
	c := Config{
		Architectures: []string{"MistralForCausalLM"}, ModelType: "mistral", HiddenSize: 32, IntermediateSize: 64,
		NumHiddenLayers: 1, NumAttentionHeads: 2, NumKeyValueHeads: 1, HeadDim: 16, VocabSize: 261, MaxPositionEmbeddings: 64,
		RMSNormEps: 1e-5, RopeTheta: 10000, TieWordEmbeddings: true, TorchDtype: "bfloat16", BOSTokenID: 1, EOSTokenID: 2,
	}
	b, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseConfig(b)
	if err != nil {
		t.Fatal(err)
	}
	again.extra = nil
	if a, b := mustJSON(t, c), mustJSON(t, again); a != b {
		t.Fatalf("%s\nbecame\n%s", a, b)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
