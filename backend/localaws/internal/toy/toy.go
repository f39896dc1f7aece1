// Package toy makes what the tests of the local account's services need: an
// untrained base model that is a thousand times smaller than the real one, rows
// to train it on, and SDK settings that reach a handler in the same process.
// Nothing outside of tests imports it.
package toy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/tinymistral"
	"tunebench/backend/localaws/wire"
)

// Keys of the account in tests, and its region.
const (
	AccessKey = "AKIALOCALTESTONLY000"
	SecretKey = "not-a-secret-only-a-test-key"
	Region    = "us-east-1"
)

// Rows is a small dataset in OpenOrca's columns.
func Rows(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":"flan.%d","system_prompt":"Be short.","question":"What is %d and %d?","response":"%d"}`+"\n", i, i%7, i%3, i%7+i%3)
	}
	return b.String()
}

// Base makes the artifact folder of an untrained model with a context of 128
// tokens.
func Base(t testing.TB) fstest.MapFS {
	t.Helper()
	tok, err := artifact.TrainBPE(slices.Values([]string{Rows(40)}), 300, []string{"<unk>", "<s>", "</s>", "[INST]", "[/INST]"})
	check(t, err)
	cfg := artifact.Config{
		Architectures: []string{"MistralForCausalLM"}, ModelType: "mistral",
		HiddenSize: 16, IntermediateSize: 32, NumHiddenLayers: 2, NumAttentionHeads: 2, NumKeyValueHeads: 1, HeadDim: 8,
		VocabSize: tok.VocabSize(), MaxPositionEmbeddings: 128, RMSNormEps: 1e-5, RopeTheta: 10000,
		TieWordEmbeddings: true, TorchDtype: "bfloat16", BOSTokenID: tok.BOS(), EOSTokenID: tok.EOS(),
	}
	m, err := tinymistral.New(cfg, 1)
	check(t, err)
	var weights bytes.Buffer
	check(t, artifact.WriteSafetensors(&weights, artifact.BF16, m.Tensors()))
	config, err := cfg.Marshal()
	check(t, err)
	tokenizer, err := tok.Marshal()
	check(t, err)
	format, err := artifact.FormatByName("")
	check(t, err)
	tokenizerConfig, err := json.Marshal(map[string]any{"tokenizer_class": "PreTrainedTokenizerFast",
		"bos_token": "<s>", "eos_token": "</s>", "chat_template": format.ChatTemplate()})
	check(t, err)
	out := fstest.MapFS{}
	for name, data := range map[string][]byte{
		artifact.ConfigFile: config, artifact.WeightsFile: weights.Bytes(),
		artifact.TokenizerFile: tokenizer, artifact.TokenizerConfigFile: tokenizerConfig,
	} {
		out[name] = &fstest.MapFile{Data: data, Mode: 0o444}
	}
	return out
}

// Copy returns a folder with some files replaced, or removed when nil.
func Copy(t testing.TB, from fs.FS, changes map[string][]byte) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	check(t, fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, name)
		out[name] = &fstest.MapFile{Data: data}
		return err
	}))
	for name, data := range changes {
		if delete(out, name); data != nil {
			out[name] = &fstest.MapFile{Data: data}
		}
	}
	return out
}

// Config are SDK settings whose requests end in h.
func Config(h http.Handler) aws.Config {
	return aws.Config{
		Region:           Region,
		BaseEndpoint:     aws.String("https://local.invalid"),
		HTTPClient:       &http.Client{Transport: &wire.HandlerTransport{Handler: h}},
		RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: AccessKey, SecretAccessKey: SecretKey}, nil
		}),
	}
}

// Until polls cond until it holds and fails the test after a minute.
func Until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited a minute for: %s", what)
		}
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
