// Package corpus makes small artifacts for tests: good ones in every layout that
// an import takes, and broken ones, each with one fault that one check of the
// preflight must name. Every artifact is made anew by code and is the same each
// time; nothing outside of tests imports this package.
package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing/fstest"

	"tunebench/backend/artifact"
)

// Files is an artifact: the content of each file by its name, with slashes for
// folders.
type Files map[string][]byte

// FS returns the artifact as a file system.
func (f Files) FS() fstest.MapFS {
	out := fstest.MapFS{}
	for name, b := range f {
		out[name] = &fstest.MapFile{Data: b, Mode: 0o444}
	}
	return out
}

// Write writes the artifact into a folder that exists.
func (f Files) Write(dir string) error {
	for name, b := range f {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(to, b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Layout says what a good artifact looks like.
type Layout struct {
	// Llama makes it a LlamaForCausalLM; otherwise it is a MistralForCausalLM.
	Llama bool
	// Tied leaves lm_head.weight out.
	Tied bool
	// Shards is the number of weight files; 0 or 1 is model.safetensors.
	Shards int
	DType  artifact.DType // "" is BF16
}

// layers of the models made here: two, so that one can be missing.
const layers = 2

// Make makes a good artifact.
func Make(l Layout) Files {
	tok, err := artifact.TrainBPE(slices.Values([]string{"What colour is the tent? The tent is green. How many are there? There are seven."}), 300,
		[]string{"<unk>", "<s>", "</s>", "[INST]", "[/INST]"})
	must(err)
	c := artifact.Config{Architectures: []string{"MistralForCausalLM"}, ModelType: "mistral",
		HiddenSize: 16, IntermediateSize: 32, NumHiddenLayers: layers, NumAttentionHeads: 2, NumKeyValueHeads: 1, HeadDim: 8,
		VocabSize: tok.VocabSize(), MaxPositionEmbeddings: 128, RMSNormEps: 1e-5, RopeTheta: 10000,
		TieWordEmbeddings: l.Tied, TorchDtype: "bfloat16", BOSTokenID: tok.BOS(), EOSTokenID: tok.EOS()}
	if l.Llama {
		c.Architectures, c.ModelType = []string{"LlamaForCausalLM"}, "llama"
	}
	dtype := l.DType
	switch dtype {
	case "":
		dtype = artifact.BF16
	case artifact.F32:
		c.TorchDtype = "float32"
	}
	format, err := artifact.FormatByName("")
	must(err)
	out := Files{
		artifact.TokenizerConfigFile: marshal(map[string]any{"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>",
			"chat_template": format.ChatTemplate()}),
		artifact.GenerationConfigFile: marshal(map[string]any{"bos_token_id": tok.BOS(), "eos_token_id": tok.EOS()}),
		artifact.SpecialTokensFile:    marshal(map[string]any{"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}),
		"tokenizer.model":             []byte("kept for readers that ask for it"),
	}
	out[artifact.ConfigFile], err = c.Marshal()
	must(err)
	out[artifact.TokenizerFile], err = tok.Marshal()
	must(err)
	tensors := weights(c)
	if l.Shards < 2 {
		out[artifact.WeightsFile] = file(dtype, tensors)
		return out
	}
	where := map[string]string{}
	total := int64(0)
	for i := range l.Shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, l.Shards)
		part := tensors[i*len(tensors)/l.Shards : (i+1)*len(tensors)/l.Shards]
		for _, t := range part {
			where[t.Name] = name
			total += int64(len(t.Data)) * dtype.Size()
		}
		out[name] = file(dtype, part)
	}
	out[artifact.WeightsIndexFile] = marshal(map[string]any{"metadata": map[string]any{"total_size": total}, "weight_map": where})
	return out
}

// weights are small random numbers: a model that can be loaded and run, and has
// nothing to say.
func weights(c artifact.Config) []artifact.Tensor {
	rng := rand.New(rand.NewPCG(1, 2))
	var all []artifact.Tensor
	for _, e := range artifact.ExpectedTensors(c) {
		t := artifact.Tensor{Name: e.Name, Shape: e.Shape, Data: make([]float32, e.Elements())}
		for i := range t.Data {
			t.Data[i] = float32(rng.NormFloat64() * 0.1)
		}
		all = append(all, t)
	}
	return all
}

func file(dtype artifact.DType, tensors []artifact.Tensor) []byte {
	var b bytes.Buffer
	must(artifact.WriteSafetensors(&b, dtype, tensors))
	return b.Bytes()
}

func marshal(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	must(err)
	return b
}

// must is for what can only fail if this package is wrong.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
