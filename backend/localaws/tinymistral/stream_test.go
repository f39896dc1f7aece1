package tinymistral

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"tunebench/backend/artifact"
)

// talker returns a model with a tokenizer whose answers are long, and a prompt.
func talker(t *testing.T) (*Model, *artifact.Tokenizer, []int32) {
	t.Helper()
	text := "the quick brown fox jumps over the lazy dog; été, naïve façade, 東京 and more of the same"
	tok, err := artifact.TrainBPE(slices.Values([]string{text, text}), 320, []string{"<unk>", "<s>", "</s>", "[INST]", "[/INST]"})
	if err != nil {
		t.Fatal(err)
	}
	cfg := toyConfig(true)
	cfg.VocabSize = tok.VocabSize()
	m := mustNew(t, cfg, 5)
	m.eos = nil
	perturb(rand.New(rand.NewPCG(2, 2)), m.w, 0.5)
	return m, tok, []int32{1, 40, 50}
}

func TestStreamedTextIsTheAnswer(t *testing.T) {
	m, tok, prompt := talker(t)
	g := NewGenerator(m, tok)
	o := GenerateOptions{MaxTokens: 50, Temperature: 1, Seed: 3, TopLogProbs: 4}
	var ids []int32
	var streamed strings.Builder
	res, err := g.Generate(t.Context(), prompt, o, func(tk Token) error {
		streamed.WriteString(tk.Text)
		if tk.ID < 0 {
			return nil
		}
		ids = append(ids, tk.ID)
		if len(tk.Top) != 4 || !slices.IsSortedFunc(tk.Top, func(a, b TokenLogProb) int { return -1 + 2*b2i(a.LogProb < b.LogProb) }) {
			t.Errorf("alternatives %+v", tk.Top)
		}
		for _, alt := range tk.Top {
			if alt.ID == tk.ID && alt.LogProb != tk.LogProb {
				t.Errorf("token %d has log-probability %g and %g", tk.ID, tk.LogProb, alt.LogProb)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := tok.Decode(ids); streamed.String() != want || res.Text != want {
		t.Errorf("streamed %q, result %q, want %q", streamed.String(), res.Text, want)
	}
	if res.StopReason != StopLength || res.PromptTokens != 3 || res.CompletionTokens != 50 || len(ids) != 50 {
		t.Errorf("result %+v", res)
	}
	again, err := NewGenerator(m, tok).Generate(t.Context(), prompt, o, nil)
	if err != nil || again.Text != res.Text {
		t.Errorf("the same seed answered %q", again.Text)
	}
	o.Seed++
	if other, err := g.Generate(t.Context(), prompt, o, nil); err != nil || other.Text == res.Text {
		t.Errorf("another seed answered the same (%v)", err)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestStopReasons(t *testing.T) {
	m, tok, prompt := talker(t)
	g := NewGenerator(m, tok)
	var ids []int32
	whole, err := g.Generate(t.Context(), prompt, GenerateOptions{MaxTokens: 40, Temperature: 1}, func(tk Token) error {
		ids = append(ids, tk.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	o := GenerateOptions{MaxTokens: 40, Temperature: 1}

	stop := whole.Text[len(whole.Text)/2:][:3]
	o.Stop = []string{stop, "never to be seen"}
	res, err := g.Generate(t.Context(), prompt, o, nil)
	if want, _, _ := strings.Cut(whole.Text, stop); err != nil || res.Text != want || res.StopReason != StopSequence || res.StopSequence != stop {
		t.Errorf("stop sequence: %+v (%v), want %q", res, err, want)
	}

	o.Stop, o.StopIDs = nil, []int32{ids[9]}
	n := slices.Index(ids, ids[9])
	res, err = g.Generate(t.Context(), prompt, o, nil)
	if err != nil || res.CompletionTokens != n || res.StopReason != StopEnd {
		t.Errorf("stop id: %+v (%v), want %d tokens", res, err, n)
	}

	full, err := g.Generate(t.Context(), prompt, GenerateOptions{}, nil)
	if err != nil || full.StopReason != StopLength || full.PromptTokens+full.CompletionTokens != m.Context()+1 {
		t.Errorf("full context: %+v (%v)", full, err)
	}
}

func TestGenerateEndsEarly(t *testing.T) {
	m, tok, prompt := talker(t)
	g := NewGenerator(m, tok)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	res, err := g.Generate(ctx, prompt, GenerateOptions{}, func(Token) error {
		if n++; n == 5 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || res.StopReason != StopCancelled || res.CompletionTokens != 5 {
		t.Errorf("cancelled: %+v (%v)", res, err)
	}
	broken := errors.New("the reader is gone")
	res, err = g.Generate(t.Context(), prompt, GenerateOptions{}, func(Token) error { return broken })
	if !errors.Is(err, broken) || res.StopReason != StopCancelled {
		t.Errorf("emit failed: %+v (%v)", res, err)
	}
	for _, c := range []struct {
		prompt []int32
		o      GenerateOptions
		text   string
	}{
		{nil, GenerateOptions{}, "empty"},
		{make([]int32, 64), GenerateOptions{}, "shorten"},
		{[]int32{9999}, GenerateOptions{}, "vocabulary"},
		{prompt, GenerateOptions{Temperature: math.NaN()}, "temperature"},
		{prompt, GenerateOptions{TopP: 1.5}, "top-p"},
		{prompt, GenerateOptions{TopK: -1}, "top-k"},
		{prompt, GenerateOptions{MaxTokens: -1}, "tokens"},
		{prompt, GenerateOptions{TopLogProbs: 101}, "alternatives"},
	} {
		if _, err := g.Generate(t.Context(), c.prompt, c.o, nil); err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: got %v", c.o, err)
		}
	}
}

// TestManyGenerators lets many requests read one fresh model at the same time.
func TestManyGenerators(t *testing.T) {
	m, tok, prompt := talker(t)
	want, err := NewGenerator(m.Clone(), tok).Generate(t.Context(), prompt, GenerateOptions{MaxTokens: 30}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			got, err := NewGenerator(m, tok).Generate(t.Context(), prompt, GenerateOptions{MaxTokens: 30}, nil)
			if err != nil || got != want {
				t.Errorf("got %+v (%v), want %+v", got, err, want)
			}
		})
	}
	wg.Wait()
}

func TestLoadReadsWhatTensorsHold(t *testing.T) {
	for _, tied := range []bool{true, false} {
		m := mustNew(t, toyConfig(tied), 3)
		perturb(rand.New(rand.NewPCG(1, 1)), m.w, 0.3)
		cfg, err := m.Config().Marshal()
		if err != nil {
			t.Fatal(err)
		}
		folder := func(tensors []artifact.Tensor) fstest.MapFS {
			var file bytes.Buffer
			if err := artifact.WriteSafetensors(&file, "F32", tensors); err != nil {
				t.Fatal(err)
			}
			return fstest.MapFS{"config.json": {Data: cfg}, "model.safetensors": {Data: file.Bytes()}}
		}
		got, err := Load(folder(m.Tensors()))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.w, m.w) {
			t.Error("the weights read differ from those written")
		}
		if _, err := Load(folder(m.Tensors()[1:])); err == nil || !strings.Contains(err.Error(), "embed_tokens") {
			t.Errorf("missing tensor: %v", err)
		}
		wrong := m.Tensors()
		wrong[2].Shape = []int{wrong[2].Shape[1], wrong[2].Shape[0]}
		if _, err := Load(folder(wrong)); err == nil || !strings.Contains(err.Error(), "shape") {
			t.Errorf("wrong shape: %v", err)
		}
	}
}

// TestSlidingWindowBoundsTheContext: windowed attention is not written, and
// within one window it is not needed.
func TestSlidingWindowBoundsTheContext(t *testing.T) {
	raw, err := toyConfig(true).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for window, want := range map[string]int{"null": 64, "20": 20, "4096": 64} {
		cfg, err := artifact.ParseConfig(bytes.Replace(raw, []byte(`"sliding_window": null`), []byte(`"sliding_window": `+window), 1))
		if err != nil {
			t.Fatal(err)
		}
		if got := mustNew(t, cfg, 1).Context(); got != want {
			t.Errorf("sliding_window %s: context %d, want %d", window, got, want)
		}
	}
}

func TestSeveralEndTokens(t *testing.T) {
	raw, err := toyConfig(true).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := artifact.ParseConfig(bytes.Replace(raw, []byte(`"eos_token_id": 2`), []byte(`"eos_token_id": [2, 7]`), 1))
	if err != nil {
		t.Fatal(err)
	}
	if got := mustNew(t, cfg, 1).Clone().eos; !slices.Equal(got, []int32{2, 7}) {
		t.Errorf("end tokens %v, want 2 and 7", got)
	}
}

func TestSameSeedSameModel(t *testing.T) {
	a, b, c := mustNew(t, toyConfig(true), 3), mustNew(t, toyConfig(true), 3), mustNew(t, toyConfig(true), 4)
	if !slices.Equal(a.w, b.w) || slices.Equal(a.w, c.w) {
		t.Error("the weights of a new model do not follow from its seed")
	}
	if !slices.Equal(a.Clone().w, a.w) {
		t.Error("a clone has other weights")
	}
}

func TestKernelName(t *testing.T) {
	if got := KernelName(); !slices.ContainsFunc(kernels(), func(k *kernel) bool { return k.name == got }) {
		t.Errorf("KernelName() = %q", got)
	}
	for _, k := range kernels() {
		if choose(k.name) != k {
			t.Errorf("%s cannot be forced", k.name)
		}
	}
	if choose("nothing like it") != kernels()[0] {
		t.Error("an unknown name does not fall back to the best kernel")
	}
	if last := kernels()[len(kernels())-1]; last != portable {
		t.Errorf("the last resort is %q", last.name)
	}
}
