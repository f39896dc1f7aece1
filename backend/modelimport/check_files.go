package modelimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"tunebench/backend/artifact"
)

// smallFiles are read whole: everything that is not weights.
var smallFiles = []string{
	artifact.ConfigFile, artifact.WeightsIndexFile, artifact.TokenizerConfigFile, artifact.TokenizerFile,
	artifact.GenerationConfigFile, artifact.SpecialTokensFile, artifact.ChatTemplateJinja, artifact.ChatTemplateJSON,
}

// presence checks the files that an import needs at least.
func (p *preflight) presence() {
	const title = "the required files are there"
	var missing []string
	for _, n := range []string{artifact.ConfigFile, artifact.TokenizerConfigFile, artifact.TokenizerFile} {
		if _, ok := p.have[n]; !ok {
			missing = append(missing, n)
		}
	}
	weights := false
	for n := range p.have {
		weights = weights || !strings.Contains(n, "/") && strings.HasSuffix(n, ".safetensors")
	}
	if !weights {
		missing = append(missing, "*.safetensors")
	}
	switch {
	case len(p.files) == 0:
		p.add("files", title, Blocks, "the location is empty", "Give the folder that holds config.json itself, not the one above it.")
	case len(missing) > 0:
		p.add("files", title, Blocks, "missing: "+strings.Join(missing, ", "), "Copy them from the base model, or give the folder that holds config.json itself.")
	default:
		p.add("files", title, Pass, fmt.Sprintf("%d files", len(p.files)), "")
	}
	if _, ok := p.have["tokenizer.model"]; !ok && len(missing) == 0 {
		p.add("tokenizer-model", "tokenizer.model is there", Warning, "tokenizer.model is missing; AWS lists it among the files, yet models without one have been imported",
			"Copy it from the base model if it has one.")
	}
}

// strays checks for what does not belong into an artifact.
func (p *preflight) strays() {
	const title = "nothing is there that does not belong"
	var blocking, odd []string
	for _, f := range p.files {
		base, ext := path.Base(f.name), path.Ext(f.name)
		switch {
		case strings.HasSuffix(f.name, ".tar.gz"):
			blocking = append(blocking, f.name)
		case base == "adapter_config.json", strings.HasPrefix(base, "adapter_model"):
			odd = append(odd, f.name)
		case slices.Contains([]string{".bin", ".gguf", ".pt", ".pth"}, ext), strings.HasPrefix(base, "consolidated"),
			strings.Contains(f.name, "checkpoint-"):
			odd = append(odd, f.name)
		}
	}
	_, adapter := p.have["adapter_config.json"]
	_, single := p.have[artifact.WeightsFile]
	_, index := p.have[artifact.WeightsIndexFile]
	switch {
	case len(blocking) > 0:
		p.add("strays", title, Blocks, strings.Join(blocking, ", "), "Unpack the archive and import the folder it holds.")
	case adapter && !single && !index:
		p.add("strays", title, Blocks, "an adapter without merged weights", "Merge the adapter into the base model first.")
	case len(odd) > 0:
		p.add("strays", title, Warning, strings.Join(odd[:min(4, len(odd))], ", "), "Remove them: they are copied too, and may confuse the import.")
	default:
		p.add("strays", title, Pass, "only an artifact's own files", "")
	}
}

// maxBytes is the limit for a text model's weights (Bedrock user guide).
const maxBytes = 200e9

func (p *preflight) size() {
	var total int64
	var frozen string
	for _, f := range p.files {
		total += f.size
		if f.class == "GLACIER" || f.class == "DEEP_ARCHIVE" {
			frozen = f.name
		}
	}
	const title = "the size is within the limit and the objects can be read"
	switch {
	case frozen != "":
		p.add("size", title, Blocks, frozen+" is archived", "Restore it, or copy the artifact to a bucket with standard storage.")
	case total >= maxBytes:
		p.add("size", title, Blocks, fmt.Sprintf("%d bytes, the limit is 200 GB", total), "Import a smaller model.")
	default:
		p.add("size", title, Pass, fmt.Sprintf("%d bytes", total), "")
	}
}

// architectures that Custom Model Import takes (Bedrock user guide).
var architectures = []string{
	"MistralForCausalLM", "MixtralForCausalLM", "T5ForConditionalGeneration", "LlamaForCausalLM", "MllamaForConditionalGeneration",
	"GPTBigCodeForCausalLM", "Qwen2ForCausalLM", "Qwen2VLForConditionalGeneration", "Qwen2_5_VLForConditionalGeneration",
	"Qwen3ForCausalLM", "Qwen3MoeForCausalLM", "GptOssForCausalLM",
}

func (p *preflight) config() {
	raw, ok := p.small[artifact.ConfigFile]
	if !ok {
		return // presence has said so
	}
	var c map[string]any
	if err := json.Unmarshal(raw, &c); err != nil {
		p.add("config", "config.json can be read", Blocks, err.Error(), "Copy config.json from the base model.")
		return
	}
	list, _ := c["architectures"].([]any)
	arch := ""
	if len(list) > 0 {
		arch, _ = list[0].(string)
	}
	if slices.Contains(architectures, arch) {
		p.add("architecture", "the architecture can be imported", Pass, "architectures: "+arch, "")
	} else {
		p.add("architecture", "the architecture can be imported", Blocks, fmt.Sprintf("architectures: %q", arch), "Custom Model Import takes "+strings.Join(architectures, ", ")+".")
	}
	dtype, _ := c["torch_dtype"].(string)
	if _, newer := c["dtype"]; newer && dtype == "" {
		p.add("torch-dtype", "torch_dtype is given", Warning, "config.json has dtype, the newer name; older readers take float32 then", "Rename dtype to torch_dtype.")
	} else if !slices.Contains([]string{"float32", "float16", "bfloat16"}, dtype) {
		p.add("torch-dtype", "torch_dtype is given", Warning, fmt.Sprintf("torch_dtype: %q", dtype), "Set it to bfloat16, float16 or float32, as the weights are.")
	} else {
		p.add("torch-dtype", "torch_dtype is given", Pass, "torch_dtype: "+dtype, "")
	}
	if _, ok := c["quantization_config"]; ok {
		p.add("quantisation", "the weights are not quantised", Blocks, "config.json has quantization_config", "Merge into the unquantised base model and remove quantization_config.")
	} else {
		p.add("quantisation", "the weights are not quantised", Pass, "no quantization_config", "")
	}
	if n, ok := c["max_position_embeddings"].(float64); ok && n >= 131072 {
		p.add("context", "the context is below 128K", Blocks, "max_position_embeddings: "+strconv.FormatFloat(n, 'f', -1, 64), "Lower max_position_embeddings below 131072 if the model allows it.")
	} else {
		p.add("context", "the context is below 128K", Pass, fmt.Sprintf("max_position_embeddings: %v", c["max_position_embeddings"]), "")
	}
	if _, ok := c["rope_parameters"]; ok && c["rope_theta"] == nil {
		p.add("rope", "rope_theta stands at the top level", Blocks, "config.json has rope_parameters (transformers 5); older readers take 10000 without a word", "Write rope_theta at the top level of config.json.")
	}
	if v, _ := c["transformers_version"].(string); strings.HasPrefix(v, "5.") {
		p.add("transformers", "written by a version of transformers that the import reads", Warning, "transformers_version: "+v, "Custom Model Import documents 4.51.3; export with that version.")
	}
}

// tokenizerClasses that Custom Model Import takes, without the ending Fast.
var tokenizerClasses = []string{"T5Tokenizer", "LlamaTokenizer", "CodeLlamaTokenizer", "GPT2Tokenizer", "GPTNeoXTokenizer", "PreTrainedTokenizer", "Qwen2Tokenizer"}

func (p *preflight) tokenizer() {
	raw, ok := p.small[artifact.TokenizerConfigFile]
	if !ok {
		return
	}
	var c struct {
		Class string `json:"tokenizer_class"`
	}
	const title = "the tokenizer's class is known"
	if err := json.Unmarshal(raw, &c); err != nil {
		p.add("tokenizer", title, Blocks, artifact.TokenizerConfigFile+": "+err.Error(), "Copy it from the base model.")
		return
	}
	if !slices.Contains(tokenizerClasses, strings.TrimSuffix(c.Class, "Fast")) {
		p.add("tokenizer", title, Blocks, fmt.Sprintf("tokenizer_class: %q", c.Class), "Set tokenizer_class to the class of the base model, for example LlamaTokenizer.")
		return
	}
	p.add("tokenizer", title, Pass, "tokenizer_class: "+c.Class, "")
}

func (p *preflight) template() {
	const title = "there is one chat template"
	text, where, err := artifact.ChatTemplate(p.small)
	switch {
	case errors.Is(err, artifact.ErrNoChatTemplate):
		p.add("template", title, Warning, "no chat template", "Put one into tokenizer_config.json; without it Converse and messages do not work.")
	case err != nil:
		p.add("template", title, Blocks, err.Error(), "Keep one of them.")
	default:
		evidence := "in " + where
		if name, ok := artifact.DetectFormat(text); ok {
			evidence += ", renders as " + name
		}
		p.add("template", title, Pass, evidence, "")
	}
}

// index checks the list of shards against the shards.
func (p *preflight) index() {
	raw, ok := p.small[artifact.WeightsIndexFile]
	if !ok {
		return
	}
	const title = "the shard index fits the shards"
	var doc struct {
		Metadata  map[string]any    `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		p.add("index", title, Blocks, artifact.WeightsIndexFile+": "+err.Error(), "Write the index again when saving the model.")
		return
	}
	named := map[string]bool{}
	for _, f := range doc.WeightMap {
		named[f] = true
	}
	var missing, left []string
	for _, f := range slices.Sorted(maps.Keys(named)) {
		if _, ok := p.have[f]; !ok {
			missing = append(missing, f)
		}
	}
	for _, f := range p.files {
		if strings.HasSuffix(f.name, ".safetensors") && !named[f.name] {
			left = append(left, f.name)
		}
	}
	_, total := doc.Metadata["total_parameters"]
	switch {
	case len(missing) > 0:
		p.add("index", title, Blocks, "missing shard: "+strings.Join(missing, ", "), "Copy the shard into the artifact; the index names it.")
	case doc.Metadata == nil:
		p.add("index", title, Blocks, "the index has no metadata object", `Add "metadata": {} at its root.`)
	case total:
		p.add("index", title, Blocks, "metadata holds total_parameters", "Remove total_parameters from the index's metadata.")
	case len(left) > 0:
		p.add("index", title, Blocks, "not in the index: "+strings.Join(left, ", "), "Remove the files of an earlier upload.")
	default:
		p.add("index", title, Pass, fmt.Sprintf("%d shards", len(named)), "")
	}
}

// headers reads the safetensors headers and holds them against config.json.
func (p *preflight) headers(ctx context.Context) error {
	const title = "the weights' headers are sound"
	got := map[string]artifact.TensorInfo{}
	read := 0
	for _, f := range p.files {
		if !strings.HasSuffix(f.name, ".safetensors") || strings.Contains(f.name, "/") {
			continue
		}
		r, c, err := p.f.reader(ctx, f)
		if err != nil {
			return err
		}
		infos, _, err := artifact.ParseHeader(r, f.size)
		cerr := c.Close()
		if he := (*artifact.HeaderError)(nil); errors.As(err, &he) {
			he.File = f.name
			p.add("headers", title, Blocks, he.Error(), "Write or copy this file again; it is damaged or cut short.")
			return nil
		}
		if err = errors.Join(err, cerr); err != nil {
			return err
		}
		read++
		for _, t := range infos {
			got[t.Name] = t
		}
	}
	if read == 0 {
		return nil // presence has said so
	}
	for _, n := range slices.Sorted(maps.Keys(got)) {
		if t := got[n]; !slices.Contains([]artifact.DType{artifact.F32, artifact.F16, artifact.BF16}, t.DType) {
			p.add("headers", title, Blocks, fmt.Sprintf("%s is %s", n, t.DType), "Save the weights as bfloat16, float16 or float32.")
			return nil
		}
	}
	p.add("headers", title, Pass, fmt.Sprintf("%d tensors in %d files", len(got), read), "")
	p.tensors(got)
	return nil
}

// tensors compares names and shapes with what config.json asks for; Mistral
// and Llama name theirs alike.
func (p *preflight) tensors(got map[string]artifact.TensorInfo) {
	const title = "the tensors are those that config.json describes"
	cfg, err := artifact.ParseConfig(p.small[artifact.ConfigFile])
	if err != nil {
		p.add("tensors", title, Unknown, "names not checked: "+err.Error(), "")
		return
	}
	if len(cfg.Architectures) == 0 || cfg.Architectures[0] != "MistralForCausalLM" && cfg.Architectures[0] != "LlamaForCausalLM" {
		p.add("tensors", title, Unknown, "names not checked for this architecture", "")
		return
	}
	want := map[string]bool{}
	for _, t := range artifact.ExpectedTensors(cfg) {
		want[t.Name] = true
		g, ok := got[t.Name]
		switch {
		case !ok:
			p.add("tensors", title, Blocks, t.Name+" is missing", "Export the whole model again; the artifact is not complete.")
			return
		case !slices.Equal(g.Shape, t.Shape):
			p.add("tensors", title, Blocks, fmt.Sprintf("%s has shape %v, config.json asks for %v", t.Name, g.Shape, t.Shape),
				"Do not resize embeddings or add tokens, and keep the base model's config.json.")
			return
		}
	}
	for _, n := range slices.Sorted(maps.Keys(got)) {
		if !want[n] && n != "lm_head.weight" {
			p.add("tensors", title, Warning, n+" is not part of the architecture", "Remove leftovers such as adapter weights.")
			return
		}
	}
	p.add("tensors", title, Pass, fmt.Sprintf("%d names and shapes agree", len(want)), "")
}
