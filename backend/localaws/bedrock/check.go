package bedrock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"tunebench/backend/artifact"
)

// Limits of custom model import.
const (
	maxWeightBytes = 200e9
	maxPositions   = 128 * 1024 // exclusive
)

// tokenizerClasses are those that custom model import runs, each also with
// "Fast" at its end.
var tokenizerClasses = []string{"T5Tokenizer", "LlamaTokenizer", "CodeLlamaTokenizer", "GPT2Tokenizer", "GPTNeoXTokenizer", "PreTrainedTokenizer", "Qwen2Tokenizer"}

// checked is what a good artifact was found to be.
type checked struct {
	files        []string // to be copied
	architecture string
	template     string // "" when none came with it
}

// check goes through an artifact as an import does and returns the first
// reason to refuse it.
func check(fsys fs.FS) (checked, error) {
	var c checked
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return c, err
	}
	var weights []string
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		c.files = append(c.files, e.Name())
		if strings.HasSuffix(e.Name(), ".safetensors") {
			weights = append(weights, e.Name())
		}
	}
	for _, name := range c.files {
		if strings.HasSuffix(name, ".tar.gz") && len(weights) > 0 {
			return c, fmt.Errorf("there is a %s under the S3 prefix; unpack the archive there, and remove it", name)
		}
	}
	for _, name := range []string{artifact.ConfigFile, artifact.TokenizerConfigFile, artifact.TokenizerFile} {
		if !slices.Contains(c.files, name) {
			return c, missingFile(name, c.files)
		}
	}
	if len(weights) == 0 {
		return c, missingFile("*.safetensors", c.files)
	}
	cfg, err := checkConfig(fsys)
	if err != nil {
		return c, err
	}
	c.architecture = cfg.Architectures[0]
	if err := checkIndex(fsys); err != nil {
		return c, err
	}
	if err := checkWeights(fsys, cfg, weights); err != nil {
		return c, err
	}
	if err := checkTokenizer(fsys, cfg); err != nil {
		return c, err
	}
	if err := checkGeneration(fsys); err != nil {
		return c, err
	}
	c.template, _, err = artifact.ChatTemplate(fsys)
	if errors.Is(err, artifact.ErrNoChatTemplate) {
		err = nil
	}
	return c, err
}

func missingFile(name string, files []string) error {
	for _, f := range files {
		switch {
		case f == "adapter_config.json":
			return fmt.Errorf("the required file %s is missing and there is an adapter_config.json: this is an adapter, not a model; merge it into the base model's weights first", name)
		case strings.HasSuffix(f, ".tar.gz"):
			return fmt.Errorf("the required file %s is missing and there is a %s: unpack the archive under the S3 prefix", name, f)
		case strings.HasSuffix(f, ".gguf"):
			return fmt.Errorf("the required file %s is missing and there is a %s: GGUF is not supported; export the weights as safetensors", name, f)
		}
	}
	return fmt.Errorf("the required file %s is missing under the S3 prefix; a model needs *.safetensors, config.json, tokenizer.json and tokenizer_config.json", name)
}

func checkConfig(fsys fs.FS) (artifact.Config, error) {
	cfg, err := artifact.ReadConfig(fsys)
	if err != nil {
		return cfg, fmt.Errorf("the model configuration is not supported: %w", err)
	}
	if raw, ok := cfg.Raw("quantization_config"); ok && string(raw) != "null" {
		return cfg, errors.New("config.json has a quantization_config; quantised weights are not supported, so export them as BF16, FP16 or FP32 and remove it")
	}
	_, theta := cfg.Raw("rope_theta")
	if _, newer := cfg.Raw("rope_parameters"); newer && !theta {
		return cfg, errors.New("config.json has rope_parameters and no rope_theta; write rope_theta at its top level")
	}
	if raw, ok := cfg.Raw("rope_scaling"); ok && string(raw) != "null" {
		return cfg, errors.New("config.json has a rope_scaling; the local account's engine does not apply it")
	}
	if cfg.MaxPositionEmbeddings >= maxPositions {
		return cfg, fmt.Errorf("config.json: max_position_embeddings is %d; it must be less than 128K", cfg.MaxPositionEmbeddings)
	}
	return cfg, nil
}

// checkIndex wants the index of shards as the importer reads it.
func checkIndex(fsys fs.FS) error {
	data, err := fs.ReadFile(fsys, artifact.WeightsIndexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var index struct {
		Metadata *map[string]json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return fmt.Errorf("%s is not valid JSON: %w", artifact.WeightsIndexFile, err)
	}
	if index.Metadata == nil {
		return fmt.Errorf("%s has no metadata object at its root; add \"metadata\": {}", artifact.WeightsIndexFile)
	}
	for key := range *index.Metadata {
		if key != "total_size" {
			return fmt.Errorf("%s: the metadata field %q is not supported; remove it", artifact.WeightsIndexFile, key)
		}
	}
	return nil
}

func checkWeights(fsys fs.FS, cfg artifact.Config, files []string) error {
	w, err := artifact.OpenWeights(fsys)
	if err != nil {
		return fmt.Errorf("the weights can not be read: %w", err)
	}
	defer w.Close()
	have := map[string]artifact.TensorInfo{}
	used := map[string]bool{}
	var total int64
	for _, t := range w.Tensors() {
		have[t.Name], used[t.File] = t, true
		total += t.End - t.Begin
		if t.DType != artifact.BF16 && t.DType != artifact.F16 && t.DType != artifact.F32 {
			return fmt.Errorf("tensor %q in %s is stored as %s; weights must be BF16, FP16 or FP32", t.Name, t.File, t.DType)
		}
	}
	for _, f := range files {
		if !used[f] {
			return fmt.Errorf("%s is under the S3 prefix but does not belong to the model (an earlier upload may have left it); remove it", f)
		}
	}
	if total > maxWeightBytes {
		return fmt.Errorf("the weights have %d bytes; the limit is 200 GB", total)
	}
	expected := artifact.ExpectedTensors(cfg)
	for _, t := range expected {
		got, ok := have[t.Name]
		if !ok {
			return fmt.Errorf("tensor %q is missing from the weights; config.json describes a model of %d tensors, and the files hold %d", t.Name, len(expected), len(have))
		}
		if !slices.Equal(got.Shape, t.Shape) {
			return fmt.Errorf("size mismatch: tensor %q has shape %v, config.json asks for %v", t.Name, got.Shape, t.Shape)
		}
		delete(have, t.Name)
	}
	// A tied model may carry its output head all the same.
	delete(have, "lm_head.weight")
	for name := range have {
		return fmt.Errorf("tensor %q does not belong to a %s; merge adapters and remove buffers before the upload", name, cfg.Architectures[0])
	}
	return nil
}

func checkTokenizer(fsys fs.FS, cfg artifact.Config) error {
	tc, err := artifact.ReadTokenizerConfig(fsys)
	if err != nil {
		return fmt.Errorf("the tokenizer can not be read: %w", err)
	}
	if class := strings.TrimSuffix(tc.TokenizerClass, "Fast"); !slices.Contains(tokenizerClasses, class) {
		return fmt.Errorf("tokenizer_config.json: the tokenizer_class %q is not supported; use LlamaTokenizerFast or PreTrainedTokenizerFast", tc.TokenizerClass)
	}
	tok, err := artifact.LoadTokenizer(fsys)
	if err != nil {
		return fmt.Errorf("the tokenizer can not be read: %w", err)
	}
	if tok.VocabSize() > cfg.VocabSize {
		return fmt.Errorf("the tokenizer has %d tokens and config.json a vocab_size of %d; they do not belong together", tok.VocabSize(), cfg.VocabSize)
	}
	return nil
}

// checkGeneration reads generation_config.json, which need not be there.
func checkGeneration(fsys fs.FS) error {
	raw, err := fs.ReadFile(fsys, artifact.GenerationConfigFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !json.Valid(raw) {
		return fmt.Errorf("%s is not valid JSON", artifact.GenerationConfigFile)
	}
	return nil
}
