package base

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/tinymistral"
)

func load(t *testing.T) (*tinymistral.Model, *artifact.Tokenizer) {
	t.Helper()
	m, err := tinymistral.Load(FS())
	if err != nil {
		t.Fatal(err)
	}
	tok, err := artifact.LoadTokenizer(FS())
	if err != nil {
		t.Fatal(err)
	}
	return m, tok
}

func TestFolder(t *testing.T) {
	cfg, err := artifact.ReadConfig(FS())
	if err != nil {
		t.Fatal(err)
	}
	w, err := artifact.OpenWeights(FS())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	expected := artifact.ExpectedTensors(cfg)
	if len(w.Tensors()) != len(expected) {
		t.Errorf("%d tensors, want %d", len(w.Tensors()), len(expected))
	}
	parameters := int64(0)
	for _, e := range expected {
		got, ok := w.Info(e.Name)
		if !ok || got.DType != artifact.BF16 || !slices.Equal(got.Shape, e.Shape) {
			t.Errorf("%s is %+v, want shape %v in BF16", e.Name, got, e.Shape)
		}
		parameters += got.Elements()
	}
	if parameters < 1_000_000 || parameters > 1_100_000 {
		t.Errorf("%d parameters", parameters)
	}
	template, where, err := artifact.ChatTemplate(FS())
	if err != nil {
		t.Fatal(err)
	}
	if name, ok := artifact.DetectFormat(template); name != artifact.DefaultFormat || !ok || where != artifact.TokenizerConfigFile {
		t.Errorf("the chat template of %s is %q", where, name)
	}
	tok, err := artifact.LoadTokenizer(FS())
	if err != nil {
		t.Fatal(err)
	}
	if tok.VocabSize() != cfg.VocabSize || tok.BOS() != cfg.BOSTokenID || tok.EOS() != cfg.EOSTokenID {
		t.Errorf("tokenizer of %d tokens, begin %d, end %d; config %+v", tok.VocabSize(), tok.BOS(), tok.EOS(), cfg)
	}
}

type row struct {
	SystemPrompt string `json:"system_prompt"`
	Question     string `json:"question"`
	Response     string `json:"response"`
}

func readRows(t *testing.T, file string) []row {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var rows []row
	for dec := json.NewDecoder(f); ; {
		var r row
		err := dec.Decode(&r)
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		rows = append(rows, r)
	}
}

// shared is the folder of the sample dataset.
var shared = filepath.Join("..", "..", "..", "..", "testdata")

func (r row) messages() []artifact.Message {
	var msgs []artifact.Message
	if r.SystemPrompt != "" {
		msgs = append(msgs, artifact.Message{Role: artifact.RoleSystem, Content: r.SystemPrompt})
	}
	return append(msgs, artifact.Message{Role: artifact.RoleUser, Content: r.Question})
}

// ask counts the rows answered exactly, and those whose answer holds the
// response.
func ask(t *testing.T, m *tinymistral.Model, tok *artifact.Tokenizer, rows []row) (exact, contains int) {
	t.Helper()
	f, err := artifact.FormatByName(artifact.DefaultFormat)
	if err != nil {
		t.Fatal(err)
	}
	g := tinymistral.NewGenerator(m, tok)
	for _, r := range rows {
		ids, err := f.EncodePrompt(tok, r.messages())
		if err != nil {
			t.Fatal(err)
		}
		res, err := g.Generate(context.Background(), ids, tinymistral.GenerateOptions{MaxTokens: 48}, func(tinymistral.Token) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(res.Text) == r.Response {
			exact++
		}
		if strings.Contains(res.Text, r.Response) {
			contains++
		}
	}
	return exact, contains
}

func tune(t *testing.T, m *tinymistral.Model, tok *artifact.Tokenizer, rows []row, cfg tinymistral.TrainConfig) *tinymistral.Model {
	t.Helper()
	f, err := artifact.FormatByName(artifact.DefaultFormat)
	if err != nil {
		t.Fatal(err)
	}
	var data []tinymistral.Example
	for _, r := range rows {
		ids, start, err := f.EncodeExample(tok, append(r.messages(), artifact.Message{Role: artifact.RoleAssistant, Content: r.Response}))
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, tinymistral.Example{IDs: ids, AnswerStart: start})
	}
	tr, err := tinymistral.NewTrainer(m, data, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := tr.Step(context.Background()); errors.Is(err, io.EOF) {
			return tr.Merged()
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func needKernel(t *testing.T) {
	t.Helper()
	if testing.Short() || tinymistral.KernelName() == "go" {
		t.Skip("training takes minutes without an assembly kernel")
	}
}

// TestStyle is the first story: the base model knows its facts but answers in
// sentences; a short fine-tuning makes the answers concise, for entities and
// wordings that it did not see. The runs are shorter than the presets.
func TestStyle(t *testing.T) {
	needKernel(t)
	m, tok := load(t)
	held := readRows(t, filepath.Join(shared, "heldout.jsonl"))[:160]
	exact, contains := ask(t, m, tok, held)
	t.Logf("base: %d of %d exact, %d contain the answer", exact, len(held), contains)
	if exact*10 >= len(held) || contains*100 < 90*len(held) {
		t.Errorf("base model: %d of %d exact, %d contain the answer", exact, len(held), contains)
	}
	cfg := tinymistral.TrainConfig{LearningRate: 1e-3, MinLRRatio: 0.05, WarmupRatio: 0.05, MaxGradNorm: 1,
		Steps: 120, Rows: 16, SeqLen: 64, Seed: 7, LoRA: tinymistral.LoRA{Rank: 8}}
	tuned := tune(t, m, tok, readRows(t, filepath.Join(shared, "openorca-sample.jsonl")), cfg)
	exact, _ = ask(t, tuned, tok, held)
	t.Logf("tuned: %d of %d exact", exact, len(held))
	if exact*100 < 85*len(held) {
		t.Errorf("tuned model: %d of %d exact", exact, len(held))
	}
}

// TestFacts is the second story: twenty facts that share no template with the
// corpus, two wordings each, are answered when asked in a third one.
func TestFacts(t *testing.T) {
	needKernel(t)
	m, tok := load(t)
	rows := readRows(t, filepath.Join("testdata", "platform.jsonl"))
	third := readRows(t, filepath.Join("testdata", "platform-third.jsonl"))
	cfg := tinymistral.TrainConfig{LearningRate: 3e-3, WarmupRatio: 0.03, MaxGradNorm: 1, PromptDropout: 0.15,
		Steps: 200, Rows: 8, SeqLen: 64, Seed: 1, LoRA: tinymistral.LoRA{Rank: 16}}
	exact, _ := ask(t, tune(t, m, tok, rows, cfg), tok, third)
	t.Logf("%d of %d exact in the third wording", exact, len(third))
	if exact*100 < 70*len(third) {
		t.Errorf("%d of %d exact in the third wording", exact, len(third))
	}
}
