package corpus

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"

	"tunebench/backend/artifact"
)

// Case is a broken artifact.
type Case struct {
	// Name says what is wrong.
	Name string
	// Check is the ID of the check that must find it, and the only one that may.
	Check string
	// Blocks says that an import of it fails; otherwise it is only warned of.
	Blocks bool
	// Says is part of the evidence, and of the reason that an import job gives.
	Says string

	layout Layout
	harm   func(Files)
}

// Make makes the artifact.
func (c Case) Make() Files {
	f := Make(c.layout)
	c.harm(f)
	return f
}

const firstShard, secondShard = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"

// Broken returns every broken artifact.
func Broken() []Case {
	return slices.Concat(brokenFiles(), brokenConfig(), brokenTokenizer(), brokenWeights())
}

func brokenFiles() []Case {
	one, two := Layout{Tied: true}, Layout{Shards: 2}
	nothing := func(f Files) { clear(f) }
	return []Case{
		{"an empty folder", "files", true, "empty", one, nothing},
		{"no config.json", "files", true, artifact.ConfigFile, one, without(artifact.ConfigFile)},
		{"no tokenizer.json", "files", true, artifact.TokenizerFile, one, without(artifact.TokenizerFile)},
		{"no tokenizer_config.json", "files", true, artifact.TokenizerConfigFile, one, without(artifact.TokenizerConfigFile)},
		{"no weights", "files", true, ".safetensors", one, without(artifact.WeightsFile)},
		{"everything one folder down", "files", true, artifact.ConfigFile, one, func(f Files) {
			for name, b := range maps.Clone(f) {
				delete(f, name)
				f["model/"+name] = b
			}
		}},
		{"no tokenizer.model", "tokenizer-model", false, "tokenizer.model", one, without("tokenizer.model")},
		{"an archive beside it", "strays", true, "model.tar.gz", one, with("model.tar.gz", "x")},
		{"weights of another kind", "strays", false, "pytorch_model.bin", one, with("pytorch_model.bin", "x")},
		{"a quantised copy", "strays", false, "model.Q4_K_M.gguf", one, with("model.Q4_K_M.gguf", "x")},
		{"the adapter left in", "strays", false, "adapter_config.json", one, with("adapter_config.json", "{}")},
		{"a checkpoint left in", "strays", false, "checkpoint-200/optimizer.pt", one, with("checkpoint-200/optimizer.pt", "x")},
		{"weights in Mistral's own form too", "strays", false, "consolidated.00.pth", one, with("consolidated.00.pth", "x")},

		{"a shard that is missing", "index", true, secondShard, two, without(secondShard)},
		{"an index without metadata", "index", true, "metadata", two, index(func(m map[string]any) { delete(m, "metadata") })},
		{"total_parameters in the index", "index", true, "total_parameters", two, index(func(m map[string]any) {
			m["metadata"].(map[string]any)["total_parameters"] = 7
		})},
		{"an index that is no JSON", "index", true, artifact.WeightsIndexFile, two, with(artifact.WeightsIndexFile, `{"metadata":`)},
		{"an index without a map", "index", true, "weight_map", two, index(func(m map[string]any) { delete(m, "weight_map") })},
		{"an index that leaves the folder", "index", true, "../", two, index(func(m map[string]any) {
			m["weight_map"].(map[string]any)["lm_head.weight"] = "../" + firstShard
		})},
		{"a tensor in another shard than the index says", "index", true, "model.norm.weight", two, index(func(m map[string]any) {
			m["weight_map"].(map[string]any)["model.norm.weight"] = firstShard
		})},
		{"a tensor that the index does not list", "index", true, "model.norm.weight", two, index(func(m map[string]any) {
			delete(m["weight_map"].(map[string]any), "model.norm.weight")
		})},
		{"a tensor that only the index lists", "index", true, "model.layers.0.extra", two, index(func(m map[string]any) {
			m["weight_map"].(map[string]any)["model.layers.0.extra"] = firstShard
		})},
		{"weights of an earlier upload", "index", true, "model-00003-of-00003.safetensors", two, func(f Files) {
			f["model-00003-of-00003.safetensors"] = f[firstShard]
		}},
		{"an index with another size", "index", false, "total_size", two, index(func(m map[string]any) {
			m["metadata"].(map[string]any)["total_size"] = 12
		})},
		{"shards without an index", "index", true, artifact.WeightsIndexFile, two, without(artifact.WeightsIndexFile)},
	}
}

func brokenConfig() []Case {
	one := Layout{Tied: true}
	llama := Layout{Llama: true}
	return []Case{
		{"a config.json that is no JSON", "config", true, artifact.ConfigFile, one, with(artifact.ConfigFile, `{"architectures": [`)},
		{"heads that do not divide", "config", true, "num_key_value_heads", one, config("num_key_value_heads", 3)},
		{"no hidden size", "config", true, "hidden_size", one, config("hidden_size", nil)},
		{"another activation", "config", true, "hidden_act", one, config("hidden_act", "gelu")},
		{"an end-of-text token outside the vocabulary", "config", true, "eos_token_id", one, config("eos_token_id", 99999)},
		{"an architecture that is not taken", "architecture", true, "GemmaForCausalLM", one, config("architectures", []string{"GemmaForCausalLM"})},
		{"no architecture", "architecture", true, "architectures", one, config("architectures", nil)},
		{"a model type of another family", "architecture", true, "model_type", one, config("model_type", "qwen2")},
		{"the newer name of the dtype", "torch-dtype", false, "dtype", one, func(f Files) {
			edit(f, artifact.ConfigFile, func(m map[string]any) { m["dtype"] = m["torch_dtype"]; delete(m, "torch_dtype") })
		}},
		{"a dtype that weights do not have", "torch-dtype", false, "float64", one, config("torch_dtype", "float64")},
		{"a dtype that these weights do not have", "torch-dtype", false, "float32", one, config("torch_dtype", "float32")},
		{"quantised", "quantisation", true, "quantization_config", one, config("quantization_config", map[string]any{"bits": 4})},
		{"a context that is too long", "context", true, "131072", one, config("max_position_embeddings", 131072)},
		{"the newer place of rope_theta", "rope", true, "rope_parameters", one, func(f Files) {
			edit(f, artifact.ConfigFile, func(m map[string]any) {
				m["rope_parameters"] = map[string]any{"rope_theta": m["rope_theta"], "rope_type": "default"}
				delete(m, "rope_theta")
			})
		}},
		{"no rope_theta", "rope", false, "rope_theta", one, config("rope_theta", nil)},
		{"written by transformers 5", "transformers", false, "5.2.0", one, config("transformers_version", "5.2.0")},
		{"code of its own", "remote-code", false, "auto_map", llama, config("auto_map", map[string]any{"AutoModelForCausalLM": "modeling_mine.Mine"})},
	}
}

func brokenTokenizer() []Case {
	one := Layout{Tied: true}
	return []Case{
		{"a tokenizer class of transformers 5", "tokenizer", true, "TokenizersBackend", one, tokenizer("tokenizer_class", "TokenizersBackend")},
		{"no tokenizer class", "tokenizer", true, "tokenizer_class", one, tokenizer("tokenizer_class", nil)},
		{"a tokenizer_config.json that is no JSON", "tokenizer", true, artifact.TokenizerConfigFile, one, with(artifact.TokenizerConfigFile, `[`)},
		{"a tokenizer.json that is no JSON", "tokenizer", true, artifact.TokenizerFile, one, with(artifact.TokenizerFile, `{"model":`)},
		{"a token too many for the embeddings", "vocabulary", true, "vocab_size", one, func(f Files) {
			edit(f, artifact.TokenizerFile, func(m map[string]any) {
				added := m["added_tokens"].([]any)
				vocab := m["model"].(map[string]any)["vocab"].(map[string]any)
				id := len(vocab)
				vocab["<pad>"] = id
				m["added_tokens"] = append(added, map[string]any{"id": id, "content": "<pad>", "special": true,
					"single_word": false, "lstrip": false, "rstrip": false, "normalized": false})
			})
		}},
		{"an end-of-text token that the tokenizer has elsewhere", "special-tokens", false, "eos_token", one, tokenizer("eos_token", "[INST]")},
		{"a special token that the tokenizer lacks", "special-tokens", false, "<|im_end|>", one, tokenizer("eos_token", "<|im_end|>")},
		{"generation that ends at another token", "generation", false, "eos_token_id", one, func(f Files) {
			edit(f, artifact.GenerationConfigFile, func(m map[string]any) { m["eos_token_id"] = 4 })
		}},
		{"a generation_config.json that is no JSON", "generation", true, artifact.GenerationConfigFile, one, with(artifact.GenerationConfigFile, `{`)},
		{"no chat template", "template", false, "no chat template", one, tokenizer("chat_template", nil)},
		{"two chat templates", "template", true, artifact.ChatTemplateJinja, one, with(artifact.ChatTemplateJinja, "{{ messages[0].content }}")},
		{"two chat templates, one as JSON", "template", true, artifact.ChatTemplateJSON, one, with(artifact.ChatTemplateJSON, `{"chat_template":"{{ messages }}"}`)},
		{"a list of templates without a default", "template", true, "default", one, tokenizer("chat_template", []any{map[string]any{"name": "tool_use", "template": "{{ messages }}"}})},
		{"a template that does not look at the messages", "template", false, "messages", one, tokenizer("chat_template", "[INST] hello [/INST]")},
	}
}

func brokenWeights() []Case {
	one, two, llama := Layout{Tied: true}, Layout{Shards: 2}, Layout{Llama: true}
	return []Case{
		{"weights that are cut short", "headers", true, artifact.WeightsFile, one, func(f Files) {
			f[artifact.WeightsFile] = f[artifact.WeightsFile][:len(f[artifact.WeightsFile])-100]
		}},
		{"weights of no bytes", "headers", true, artifact.WeightsFile, one, with(artifact.WeightsFile, "")},
		{"a header longer than the file", "headers", true, "claims", one, func(f Files) {
			binary.LittleEndian.PutUint64(f[artifact.WeightsFile], 1<<30)
		}},
		{"a header that is no JSON", "headers", true, artifact.WeightsFile, one, func(f Files) { f[artifact.WeightsFile][9] = 0xff }},
		{"bytes behind the last tensor", "headers", true, artifact.WeightsFile, one, func(f Files) {
			f[artifact.WeightsFile] = append(f[artifact.WeightsFile], 1, 2, 3)
		}},
		{"weights of eight bits", "headers", true, "F8_E4M3", one, reheader(func(h map[string]any) {
			t := h["model.norm.weight"].(map[string]any)
			t["dtype"], t["shape"] = "F8_E4M3", []any{32}
		})},
		{"a page of HTML in place of a shard", "headers", true, secondShard, two, with(secondShard, "<!doctype html><title>Sign in</title>")},
		{"one tensor in two shards", "headers", true, "model.embed_tokens.weight", two, func(f Files) {
			f[secondShard] = f[firstShard]
		}},
		{"a layer too few", "tensors", true, "model.layers.2", one, config("num_hidden_layers", layers+1)},
		{"embeddings of another vocabulary", "tensors", true, "model.embed_tokens.weight", one, config("vocab_size", 512)},
		{"no output head", "tensors", true, "lm_head.weight", Layout{}, rename("lm_head.weight", "")},
		{"an adapter's weights in the shard", "tensors", true, "q_proj", llama, rename("model.layers.0.self_attn.q_proj.weight", "model.layers.0.self_attn.q_proj.lora_A.weight")},
		{"names with a prefix", "tensors", true, "model.norm.weight", llama, rename("model.norm.weight", "base_model.model.model.norm.weight")},
		{"a matrix that is transposed", "tensors", true, "mlp.down_proj.weight", one, reheader(func(h map[string]any) {
			h["model.layers.1.mlp.down_proj.weight"].(map[string]any)["shape"] = []any{32, 16}
		})},
	}
}

func without(name string) func(Files) { return func(f Files) { delete(f, name) } }

func with(name, text string) func(Files) { return func(f Files) { f[name] = []byte(text) } }

// edit changes a JSON file.
func edit(f Files, name string, change func(map[string]any)) {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(f[name]))
	d.UseNumber()
	must(d.Decode(&m))
	change(m)
	f[name] = marshal(m)
}

// set gives a key of a JSON file a value, or takes it out when v is nil.
func set(name, key string, v any) func(Files) {
	return func(f Files) {
		edit(f, name, func(m map[string]any) {
			if v == nil {
				delete(m, key)
			} else {
				m[key] = v
			}
		})
	}
}

func config(key string, v any) func(Files)    { return set(artifact.ConfigFile, key, v) }
func tokenizer(key string, v any) func(Files) { return set(artifact.TokenizerConfigFile, key, v) }

func index(change func(map[string]any)) func(Files) {
	return func(f Files) { edit(f, artifact.WeightsIndexFile, change) }
}

// reheader changes the header of model.safetensors and leaves the data alone.
func reheader(change func(map[string]any)) func(Files) {
	return func(f Files) {
		b := f[artifact.WeightsFile]
		n := binary.LittleEndian.Uint64(b)
		var h map[string]any
		must(json.Unmarshal(b[8:8+n], &h))
		change(h)
		text, err := json.Marshal(h)
		must(err)
		out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
		f[artifact.WeightsFile] = append(append(out, text...), b[8+n:]...)
	}
}

// rename gives a tensor of model.safetensors another name; "" takes the tensor
// out, data and all.
func rename(from, to string) func(Files) {
	return func(f Files) {
		w, err := artifact.OpenWeights(f.FS())
		must(err)
		var all []artifact.Tensor
		for _, t := range w.Tensors() {
			name := t.Name
			if name == from {
				name = to
			}
			if name == "" {
				continue
			}
			data, err := w.Float32(t.Name)
			must(err)
			all = append(all, artifact.Tensor{Name: name, Shape: t.Shape, Data: data})
		}
		must(w.Close())
		f[artifact.WeightsFile] = file(artifact.BF16, all)
	}
}
