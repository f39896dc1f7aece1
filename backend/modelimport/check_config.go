package modelimport

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tunebench/backend/artifact"
)

// architectures that Custom Model Import takes (Bedrock user guide), with the
// model_type that config.json has beside each.
var architectures = map[string]string{
	"MistralForCausalLM": "mistral", "MixtralForCausalLM": "mixtral", "T5ForConditionalGeneration": "t5",
	"LlamaForCausalLM": "llama", "MllamaForConditionalGeneration": "mllama", "GPTBigCodeForCausalLM": "gpt_bigcode",
	"Qwen2ForCausalLM": "qwen2", "Qwen2VLForConditionalGeneration": "qwen2_vl", "Qwen2_5_VLForConditionalGeneration": "qwen2_5_vl",
	"Qwen3ForCausalLM": "qwen3", "Qwen3MoeForCausalLM": "qwen3_moe", "GptOssForCausalLM": "gpt_oss",
}

func (p *preflight) config() {
	raw, ok := p.small[artifact.ConfigFile]
	if !ok {
		return // presence has said so
	}
	const title = "config.json can be read"
	var c map[string]any
	if err := json.Unmarshal(raw, &c); err != nil {
		p.add("config", title, Blocks, artifact.ConfigFile+": "+err.Error(), "Copy config.json from the base model.")
		return
	}
	p.sound = true
	if arch, ok := p.architecture(c); ok && (arch == "MistralForCausalLM" || arch == "LlamaForCausalLM") {
		if cfg, err := artifact.ParseConfig(raw); err != nil {
			p.add("config", title, Blocks, err.Error(), "Copy config.json from the base model.")
			p.sound = false
		} else {
			p.add("config", title, Pass, fmt.Sprintf("%d layers, hidden size %d, vocabulary %d", cfg.NumHiddenLayers, cfg.HiddenSize, cfg.VocabSize), "")
			p.cfg = &cfg
		}
	}
	p.dtypeGiven(c)
	if q, ok := c["quantization_config"]; ok && q != nil {
		p.add("quantisation", "the weights are not quantised", Blocks, "config.json has quantization_config", "Merge into the unquantised base model and remove quantization_config.")
	} else {
		p.add("quantisation", "the weights are not quantised", Pass, "no quantization_config", "")
	}
	if n, ok := c["max_position_embeddings"].(float64); ok && n >= 131072 {
		p.add("context", "the context is below 128K", Blocks, "max_position_embeddings: "+strconv.FormatFloat(n, 'f', -1, 64), "Lower max_position_embeddings below 131072 if the model allows it.")
	} else {
		p.add("context", "the context is below 128K", Pass, fmt.Sprintf("max_position_embeddings: %v", c["max_position_embeddings"]), "")
	}
	p.rope(c)
	if v, _ := c["transformers_version"].(string); strings.HasPrefix(v, "5.") {
		p.add("transformers", "written by a version of transformers that the import reads", Warning, "transformers_version: "+v, "Custom Model Import documents 4.51.3; export with that version.")
	}
	if _, ok := c["auto_map"]; ok {
		p.add("remote-code", "the model needs no code of its own", Warning, "config.json has auto_map", "Remove auto_map: an import runs no code that comes with a model.")
	}
}

// architecture returns what config.json says the model is, and whether that can
// be imported.
func (p *preflight) architecture(c map[string]any) (arch string, ok bool) {
	const title = "the architecture can be imported"
	if list, _ := c["architectures"].([]any); len(list) > 0 {
		arch, _ = list[0].(string)
	}
	kind, known := architectures[arch]
	given, _ := c["model_type"].(string)
	switch {
	case !known:
		p.add("architecture", title, Blocks, fmt.Sprintf("architectures: %q", arch), "Custom Model Import takes "+strings.Join(slices.Sorted(maps.Keys(architectures)), ", ")+".")
	case given != kind:
		p.add("architecture", title, Blocks, fmt.Sprintf("architectures: %s, model_type: %q", arch, given), "Copy config.json from the base model; model_type has to be "+kind+".")
	case p.s.c.Runs != nil && !slices.Contains(p.s.c.Runs, arch):
		p.add("architecture", title, Blocks, arch+" can be imported into Bedrock, but the local account does not run it", "The local account runs "+strings.Join(p.s.c.Runs, " and ")+"; import this model on AWS.")
	default:
		p.add("architecture", title, Pass, "architectures: "+arch, "")
		return arch, true
	}
	return arch, false
}

// dtypeGiven looks at what config.json says of the weights; whether they have it
// is seen when their headers are read.
func (p *preflight) dtypeGiven(c map[string]any) {
	const title = "torch_dtype is given, and the weights have it"
	dtype, _ := c["torch_dtype"].(string)
	switch _, newer := c["dtype"]; {
	case newer && dtype == "":
		p.add("torch-dtype", title, Warning, "config.json has dtype, the newer name; older readers take float32 then", "Rename dtype to torch_dtype.")
	case !slices.Contains([]string{"float32", "float16", "bfloat16"}, dtype):
		p.add("torch-dtype", title, Warning, fmt.Sprintf("torch_dtype: %q", dtype), "Set it to bfloat16, float16 or float32, as the weights are.")
	default:
		p.torchDType = dtype
	}
}

// rope checks how positions are turned into rotations.
func (p *preflight) rope(c map[string]any) {
	const title = "rotary embeddings are described as the import reads them"
	scaling, scaled := c["rope_scaling"]
	switch _, newer := c["rope_parameters"]; {
	case c["rope_theta"] == nil && newer:
		p.add("rope", title, Blocks, "config.json has rope_parameters (transformers 5) and no rope_theta; older readers take 10000 without a word", "Write rope_theta at the top level of config.json.")
	case c["rope_theta"] == nil && p.cfg != nil:
		p.add("rope", title, Warning, "config.json has no rope_theta; readers take 10000", "Write rope_theta as the base model has it.")
	case scaled && scaling != nil && p.s.c.Runs != nil:
		p.add("rope", title, Blocks, "config.json has rope_scaling, which the local account does not apply", "Import this model on AWS, or remove rope_scaling if the model was trained without it.")
	case scaled && scaling != nil:
		p.add("rope", title, Warning, "config.json has rope_scaling", "Bedrock puts fixed values of its own in place of it for Llama 3; compare long prompts with the original.")
	default:
		p.add("rope", title, Pass, fmt.Sprintf("rope_theta: %v", c["rope_theta"]), "")
	}
}
