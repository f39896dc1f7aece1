package modelimport

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tunebench/backend/account"
	"tunebench/backend/artifact"
	"tunebench/backend/config"
	"tunebench/backend/store"
	"tunebench/backend/training"
)

// toyArtifact writes a folder that imports.
func toyArtifact(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tok, err := artifact.TrainBPE(func(yield func(string) bool) { yield("a small text to learn words from") }, 300,
		[]string{"<unk>", "<s>", "</s>", "[INST]", "[/INST]"})
	if err != nil {
		t.Fatal(err)
	}
	tb, err := tok.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	cfg := artifact.Config{Architectures: []string{"MistralForCausalLM"}, ModelType: "mistral", HiddenSize: 16, IntermediateSize: 32,
		NumHiddenLayers: 1, NumAttentionHeads: 2, NumKeyValueHeads: 1, HeadDim: 8, VocabSize: tok.VocabSize(), MaxPositionEmbeddings: 64,
		RMSNormEps: 1e-5, RopeTheta: 10000, TieWordEmbeddings: true, TorchDtype: "bfloat16", BOSTokenID: tok.BOS(), EOSTokenID: tok.EOS()}
	cb, err := cfg.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var tensors []artifact.Tensor
	for _, e := range artifact.ExpectedTensors(cfg) {
		tensors = append(tensors, artifact.Tensor{Name: e.Name, Shape: e.Shape, Data: make([]float32, e.Elements())})
	}
	var w bytes.Buffer
	if err := artifact.WriteSafetensors(&w, artifact.BF16, tensors); err != nil {
		t.Fatal(err)
	}
	f, err := artifact.FormatByName("")
	if err != nil {
		t.Fatal(err)
	}
	tc, err := json.Marshal(map[string]any{"tokenizer_class": "LlamaTokenizer", "chat_template": f.ChatTemplate()})
	if err != nil {
		t.Fatal(err)
	}
	put("config.json", cb)
	put("tokenizer.json", tb)
	put("tokenizer.model", []byte("x"))
	put("tokenizer_config.json", tc)
	put("model.safetensors", w.Bytes())
	put("generation_config.json", []byte(`{"bos_token_id":1,"eos_token_id":2}`))
	put("special_tokens_map.json", []byte(`{"bos_token":"<s>","eos_token":"</s>","unk_token":"<unk>"}`))
	return dir
}

// service is the service on a real local account of its own.
func service(t *testing.T, jobs fakeJobs) *Service {
	t.Helper()
	s, _ := serviceOn(t, jobs)
	return s
}

// serviceOn is service with its account.
func serviceOn(t *testing.T, jobs fakeJobs) (*Service, *account.Account) {
	t.Helper()
	ctx := context.Background()
	paths, err := config.DefaultPaths(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := paths.Create(); err != nil {
		t.Fatal(err)
	}
	acct, err := account.Open(ctx, account.Options{Name: account.Local, Paths: paths, Config: config.Default(), NoBackground: true})
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(ctx, filepath.Join(paths.State, "tunebench.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(st.Close(), acct.Close(ctx)); err != nil {
			t.Error(err)
		}
	})
	return New(Config{Bedrock: acct.Bedrock(), S3: acct.S3(), Store: st, Training: jobs, Bucket: acct.Bucket(),
		RoleARN: acct.ImportRole(), AccountName: acct.Name(), Region: acct.Region(), Runs: artifact.Architectures()}), acct
}

type fakeJobs map[string]training.Job

func (f fakeJobs) Job(_ context.Context, name string) (training.Job, error) {
	j, ok := f[name]
	if !ok {
		return j, errors.New("no such job")
	}
	return j, nil
}

func edit(t *testing.T, file string, change func(map[string]any)) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	change(m)
	if b, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCheckFindsWhatIsBroken(t *testing.T) {
	s := service(t, nil)
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	cfg := func(key string, v any) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "config.json"), func(m map[string]any) {
				if v == nil {
					delete(m, key)
				} else {
					m[key] = v
				}
			})
		}
	}
	cases := []struct {
		name, id, evidence string
		result             Result
		harm               func(*testing.T, string)
	}{
		{"nothing", "", "", Pass, func(*testing.T, string) {}},
		{"no config", "files", "config.json", Blocks, remove("config.json")},
		{"no weights", "files", "safetensors", Blocks, remove("model.safetensors")},
		{"no tokenizer.model", "tokenizer-model", "tokenizer.model", Warning, remove("tokenizer.model")},
		{"architecture", "architecture", "GemmaForCausalLM", Blocks, cfg("architectures", []string{"GemmaForCausalLM"})},
		{"quantised", "quantisation", "quantization_config", Blocks, cfg("quantization_config", map[string]any{"bits": 4})},
		{"long context", "context", "131072", Blocks, cfg("max_position_embeddings", 131072)},
		{"dtype", "torch-dtype", "float64", Warning, cfg("torch_dtype", "float64")},
		{"vocabulary", "tensors", "embed_tokens", Blocks, cfg("vocab_size", 512)},
		{"layers", "tensors", "model.layers.1", Blocks, cfg("num_hidden_layers", 2)},
		{"template twice", "template", "chat_template", Blocks, write("chat_template.jinja", "{{ messages }}")},
		{"tokenizer class", "tokenizer", "TokenizersBackend", Blocks, func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "tokenizer_config.json"), func(m map[string]any) { m["tokenizer_class"] = "TokenizersBackend" })
		}},
		{"missing shard", "index", "model-00002-of-00002.safetensors", Blocks, func(t *testing.T, dir string) {
			write("model.safetensors.index.json", `{"metadata":{},"weight_map":{"a":"model.safetensors","b":"model-00002-of-00002.safetensors"}}`)(t, dir)
		}},
		{"total_parameters", "index", "total_parameters", Blocks, write("model.safetensors.index.json", `{"metadata":{"total_parameters":3},"weight_map":{"a":"model.safetensors"}}`)},
		{"no metadata", "index", "metadata", Blocks, write("model.safetensors.index.json", `{"weight_map":{"a":"model.safetensors"}}`)},
		{"archive", "strays", "model.tar.gz", Blocks, write("model.tar.gz", "x")},
		{"stray", "strays", "old.gguf", Warning, write("old.gguf", "x")},
		{"cut short", "headers", "model.safetensors", Blocks, func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "model.safetensors"), 1000); err != nil {
				t.Fatal(err)
			}
		}},
		{"lying length", "headers", "claims", Blocks, func(t *testing.T, dir string) {
			f, err := os.OpenFile(filepath.Join(dir, "model.safetensors"), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], 1<<40)
			if _, err := f.WriteAt(b[:], 0); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := toyArtifact(t)
			c.harm(t, dir)
			r, err := s.Check(context.Background(), dir)
			if err != nil {
				t.Fatal(err)
			}
			if r.Importable != (c.result != Blocks) {
				t.Errorf("importable is %v: %+v", r.Importable, r.Checks)
			}
			for _, k := range r.Checks {
				if k.Result == Blocks && k.Remedy == "" {
					t.Errorf("%s blocks and does not say what to do", k.ID)
				}
				if k.ID == c.id && k.Result == c.result && strings.Contains(k.Evidence, c.evidence) {
					return
				}
			}
			if c.id != "" {
				t.Errorf("no %s from %s with %q: %+v", c.result, c.id, c.evidence, r.Checks)
			}
		})
	}
}

func TestImportOfALocalFolder(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := service(t, fakeJobs{
		"going":  {Name: "going", Status: "InProgress"},
		"failed": {Name: "failed", Status: "Failed", FailureReason: "no rows"},
	})
	dir := toyArtifact(t)
	j, err := s.Start(ctx, Request{Source: dir, Name: "first"})
	if err != nil {
		t.Fatal(err)
	}
	if j, err = s.Wait(ctx, j.Name, nil); err != nil || j.Status != "Completed" {
		t.Fatalf("%+v, %v", j, err)
	}
	models, err := s.Models(ctx)
	if err != nil || len(models) != 1 || models[0].Name != "first" || models[0].PromptFormat != "mistral-v3" || !models[0].Instruct {
		t.Fatalf("%+v, %v", models, err)
	}
	// The uploaded copy is found sound by ranged reads, and importing it again
	// under the same name is refused with the name in the message.
	r, err := s.Check(ctx, j.Source)
	if err != nil || !r.Importable {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := s.Start(ctx, Request{Source: j.Source, Name: "first"}); err == nil || !strings.Contains(err.Error(), "first") {
		t.Errorf("a second first: %v", err)
	}
	for _, c := range []struct {
		r    Request
		want string
	}{
		{Request{}, "source"},
		{Request{Source: dir}, "name"},
		{Request{Source: dir, Name: "Mistral-7B-v0.3"}, "Mistral-7B-v0-3"},
		{Request{Source: filepath.Join(dir, "nothing"), Name: "x"}, "nothing"},
		{Request{Source: filepath.Join(dir, "config.json"), Name: "x"}, "folder"},
		{Request{Source: "s3://Bad Bucket/x", Name: "x"}, "S3"},
		{Request{TrainingJob: "going"}, "when it has ended"},
		{Request{TrainingJob: "failed"}, "no rows"},
		{Request{Source: dir, Name: "x", PromptFormat: "nonsense"}, "nonsense"},
	} {
		if _, err := s.Start(ctx, c.r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v does not say %q", c.r, err, c.want)
		}
	}
	if err := os.Remove(filepath.Join(dir, "config.json")); err != nil {
		t.Fatal(err)
	}
	var blocked *BlockedError
	if _, err := s.Start(ctx, Request{Source: dir, Name: "second"}); !errors.As(err, &blocked) {
		t.Errorf("a folder without config.json: %v", err)
	}
	if err := s.Delete(ctx, "first"); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, "first"); err == nil || !strings.Contains(err.Error(), "first") {
		t.Errorf("deleting it twice: %v", err)
	}
}

func TestCheckOfTheAccount(t *testing.T) {
	s := service(t, nil)
	find := func(r Report, id string) Check {
		for _, c := range r.Checks {
			if c.ID == id {
				return c
			}
		}
		t.Errorf("no check %s", id)
		return Check{}
	}
	dir := filepath.Join(t.TempDir(), "job-7", "model")
	if err := os.CopyFS(dir, os.DirFS(toyArtifact(t))); err != nil {
		t.Fatal(err)
	}
	check := func() Report {
		t.Helper()
		r, err := s.Check(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := check()
	for id, want := range map[string]Result{"credentials": Pass, "one-at-a-time": Pass, "quota": Pass, "bucket-region": Pass, "role": Unknown, "pass-role": Unknown, "trained-format": Unknown} {
		if c := find(r, id); c.Result != want {
			t.Errorf("%+v", c)
		}
	}
	for format, want := range map[string]Result{"mistral-v3": Pass, "human-assistant": Warning} {
		if err := s.c.Store.PutTrainingJob(t.Context(), store.TrainingJob{Account: s.c.AccountName, Region: s.c.Region, Name: "job-7", PromptFormat: format}); err != nil {
			t.Fatal(err)
		}
		if c := find(check(), "trained-format"); c.Result != want {
			t.Errorf("%s: %+v", format, c)
		}
	}
	s.c.RoleARN = "tunebench-import"
	if r := check(); r.Importable || find(r, "role").Result != Blocks {
		t.Errorf("a role that is no ARN: %+v", find(r, "role"))
	}
	s.c.Region = "eu-west-3"
	r = check()
	if find(r, "region").Result != Blocks || find(r, "bucket-region").Result != Warning {
		t.Errorf("%+v %+v", find(r, "region"), find(r, "bucket-region"))
	}
	if r, err := s.Check(t.Context(), "s3://some-bucket-that-is-not/there/"); err == nil {
		t.Errorf("a bucket that does not exist: %+v", r)
	}
}

func TestCleanName(t *testing.T) {
	for text, want := range map[string]string{
		"Mistral-7B-v0.3": "Mistral-7B-v0-3", "--a__b--": "a-b", "": "model", "…": "model",
		strings.Repeat("x", 80): strings.Repeat("x", 63), "tb-sample-20260101-010203": "tb-sample-20260101-010203",
	} {
		if got := cleanName(text); got != want || checkName(got) != nil {
			t.Errorf("%q became %q, not %q", text, got, want)
		}
	}
}
