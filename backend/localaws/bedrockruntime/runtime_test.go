package bedrockruntime

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/bedrock"
	"tunebench/backend/localaws/internal/toy"
	"tunebench/backend/localaws/wire"
)

const (
	baseID = "tunebench.base-v1:0"
	prefix = "arn:aws:bedrock:us-east-1:000000000000:imported-model/"
	mine   = prefix + "abcdefghijkl"
	broken = prefix + "brokenbroken"
	plain  = prefix + "plainplainpl" // without a chat template
)

type world struct {
	t       testing.TB
	clock   atomic.Int64 // seconds that have passed
	base    fs.FS
	service *Service
	client  *sdk.Client

	newClient func() *sdk.Client
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, base: toy.Base(t)}
	template, _, err := artifact.ChatTemplate(w.base)
	w.check(err)
	start := time.Now()
	w.service = New(Options{
		Now: func() time.Time { return start.Add(time.Duration(w.clock.Load()) * time.Second) },
		Lookup: func(id string) (bedrock.Model, error) {
			switch id {
			case baseID:
				return bedrock.Model{ID: baseID, Files: w.base, Template: template}, nil
			case mine:
				return bedrock.Model{ID: "abcdefghijkl", Imported: true, Files: w.base, Template: template}, nil
			case plain:
				return bedrock.Model{ID: "plainplainpl", Imported: true, Files: w.base}, nil
			case broken:
				return bedrock.Model{ID: "brokenbroken", Imported: true, Files: toy.Copy(t, w.base, map[string][]byte{"model.safetensors": nil})}, nil
			}
			if strings.HasPrefix(id, prefix) {
				return bedrock.Model{}, bedrock.ErrNoImportedModel
			}
			return bedrock.Model{}, bedrock.ErrNoModel
		},
	})
	mux := wire.NewMux(wire.Options{AccessKeyID: toy.AccessKey, SecretAccessKey: toy.SecretKey})
	w.service.Register(mux)
	w.newClient = func() *sdk.Client { return sdk.NewFromConfig(toy.Config(mux)) }
	w.client = w.newClient()
	t.Cleanup(func() { w.check(w.service.Close()) })
	return w
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// invoke waits through waking.
func (w *world) invoke(model, body string) (map[string]any, error) {
	w.t.Helper()
	var out *sdk.InvokeModelOutput
	var err error
	toy.Until(w.t, model+" to wake", func() bool {
		out, err = w.client.InvokeModel(context.Background(), &sdk.InvokeModelInput{ModelId: &model, Body: []byte(body), ContentType: aws.String("application/json")})
		var notReady *types.ModelNotReadyException
		return !errors.As(err, &notReady)
	})
	if err != nil {
		return nil, err
	}
	reply := map[string]any{}
	w.check(json.Unmarshal(out.Body, &reply))
	return reply, nil
}

// stream returns the pieces of a streamed answer.
func (w *world) stream(model, body string) []map[string]any {
	w.t.Helper()
	out, err := w.client.InvokeModelWithResponseStream(context.Background(), &sdk.InvokeModelWithResponseStreamInput{ModelId: &model, Body: []byte(body)})
	w.check(err)
	defer out.GetStream().Close()
	var pieces []map[string]any
	for e := range out.GetStream().Events() {
		piece := map[string]any{}
		w.check(json.Unmarshal(e.(*types.ResponseStreamMemberChunk).Value.Bytes, &piece))
		pieces = append(pieces, piece)
	}
	w.check(out.GetStream().Err())
	return pieces
}

// at walks into a JSON value: keys and indices separated by dots.
func at(t testing.TB, v any, path string) any {
	t.Helper()
	for _, key := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = x[key]; !ok {
				t.Fatalf("%s: no %q in %v", path, key, x)
			}
		case []any:
			if len(x) == 0 || key != "0" {
				t.Fatalf("%s: no element %s in %v", path, key, x)
			}
			v = x[0]
		default:
			t.Fatalf("%s: %q leads nowhere", path, key)
		}
	}
	return v
}

func wantError(t testing.TB, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("error %v, want %s with %q", err, code, text)
	}
}

const prompt = `<s>[INST] What is 1 and 2?[/INST]`

// TestBodiesAndReplies sends every body format, whole and streamed, and wants
// the same greedy text in each reply's own shape.
func TestBodiesAndReplies(t *testing.T) {
	w := newWorld(t)
	quoted, _ := json.Marshal(prompt)
	p := string(quoted)
	first, err := w.invoke(baseID, `{"prompt":`+p+`,"max_tokens":12,"temperature":0}`)
	w.check(err)
	text := at(t, first, "outputs.0.text").(string)
	if text == "" || at(t, first, "outputs.0.stop_reason") != "length" {
		t.Fatalf("%v", first)
	}
	for _, c := range []struct {
		model, body            string
		text, reason           string // paths in the whole reply
		pieceText, pieceReason string // and in a piece of a stream
		in, out                string // paths of the counts
		object                 string
	}{
		{baseID, `{"prompt":` + p + `,"max_tokens":12,"temperature":0}`, "outputs.0.text", "outputs.0.stop_reason", "outputs.0.text", "outputs.0.stop_reason", "", "", ""},
		{mine, `{"prompt":` + p + `,"max_gen_len":12,"temperature":0}`, "generation", "stop_reason", "generation", "stop_reason", "prompt_token_count", "generation_token_count", ""},
		{mine, `{"prompt":` + p + `,"max_tokens":12,"temperature":0}`, "choices.0.text", "choices.0.finish_reason", "choices.0.text", "choices.0.finish_reason", "usage.prompt_tokens", "usage.completion_tokens", "text_completion"},
		{mine, `{"messages":[{"role":"user","content":"What is 1 and 2?"}],"max_tokens":12,"temperature":0}`, "choices.0.message.content", "choices.0.finish_reason", "choices.0.delta.content", "choices.0.finish_reason", "usage.prompt_tokens", "usage.completion_tokens", "chat.completion"},
	} {
		reply, err := w.invoke(c.model, c.body)
		w.check(err)
		if got := at(t, reply, c.text); got != text {
			t.Errorf("%s: %q, want %q", c.body, got, text)
		}
		if got := at(t, reply, c.reason); got != "length" {
			t.Errorf("%s: ended by %v", c.body, got)
		}
		if c.out != "" && at(t, reply, c.out) != 12.0 {
			t.Errorf("%s: %v tokens", c.body, at(t, reply, c.out))
		}
		if c.object != "" && (at(t, reply, "object") != c.object || at(t, reply, "model") != "000000000000-abcdefghijkl") {
			t.Errorf("%s: %v", c.body, reply)
		}

		pieces := w.stream(c.model, c.body)
		var whole strings.Builder
		for i, piece := range pieces {
			last := i == len(pieces)-1
			if last && c.object == "chat.completion" {
				continue // its delta is empty
			}
			whole.WriteString(at(t, piece, c.pieceText).(string))
			if !last && at(t, piece, c.pieceReason) != nil {
				t.Errorf("%s: a piece in the middle has a stop reason: %v", c.body, piece)
			}
		}
		closing := pieces[len(pieces)-1]
		if whole.String() != text || at(t, closing, c.pieceReason) != "length" {
			t.Errorf("%s: streamed %q, ended by %v", c.body, whole.String(), at(t, closing, c.pieceReason))
		}
		if at(t, closing, "amazon-bedrock-invocationMetrics.outputTokenCount") != 12.0 {
			t.Errorf("%s: %v", c.body, closing)
		}
		if c.in != "" && at(t, closing, c.in) != at(t, reply, c.in) {
			t.Errorf("%s: counts %v", c.body, closing)
		}
		if len(pieces) < 6 {
			t.Errorf("%s: only %d pieces", c.body, len(pieces))
		}
	}
}

func TestLogProbs(t *testing.T) {
	w := newWorld(t)
	completion, err := w.invoke(mine, `{"prompt":"<s>[INST] a[/INST]","max_tokens":3,"temperature":0,"logprobs":2,"prompt_logprobs":1}`)
	w.check(err)
	if n := len(at(t, completion, "choices.0.logprobs.tokens").([]any)); n != 3 {
		t.Errorf("%d tokens", n)
	}
	best := at(t, completion, "choices.0.logprobs.token_logprobs.0").(float64)
	if best >= 0 || len(at(t, completion, "choices.0.logprobs.top_logprobs").([]any)) != 3 {
		t.Errorf("%v", completion)
	}
	if list := at(t, completion, "choices.0.prompt_logprobs").([]any); list[0] != nil || len(list) != int(at(t, completion, "usage.prompt_tokens").(float64)) {
		t.Errorf("prompt log-probabilities %v", list)
	}
	chat, err := w.invoke(mine, `{"messages":[{"role":"user","content":"a"}],"max_tokens":3,"temperature":0,"logprobs":true,"top_logprobs":2,"prompt_logprobs":0}`)
	w.check(err)
	if got := at(t, chat, "choices.0.logprobs.content.0.logprob"); got != best {
		t.Errorf("%v in chat, %v in completion", got, best)
	}
	if len(at(t, chat, "choices.0.logprobs.content.0.top_logprobs").([]any)) != 2 || at(t, chat, "prompt_logprobs") == nil {
		t.Errorf("%v", chat)
	}
	native, err := w.invoke(mine, `{"prompt":"<s>[INST] a[/INST]","max_gen_len":3,"temperature":0,"return_logprobs":true}`)
	w.check(err)
	for _, p := range at(t, native, "logprobs.0").(map[string]any) {
		if p != best {
			t.Errorf("%v in BedrockCompletion, %v in completion", p, best)
		}
	}
	pieces := w.stream(mine, `{"prompt":"<s>[INST] a[/INST]","max_tokens":3,"temperature":0,"logprobs":true}`)
	if got := at(t, pieces[0], "choices.0.logprobs.token_logprobs.0"); got != best {
		t.Errorf("%v in the stream", got)
	}
}

func TestBadBodies(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ model, body, want string }{
		{baseID, `not json`, "expected a JSON object"},
		{baseID, `{"max_tokens":5}`, "required key [prompt] not found"},
		{baseID, `{"prompt":"a","temperature":3}`, "#/temperature"},
		{baseID, `{"prompt":"a","max_tokens":0}`, "#/max_tokens"},
		{baseID, `{"prompt":"a","max_tokens":"many"}`, "#/max_tokens: expected type"},
		{baseID, `{"prompt":""}`, "#/prompt"},
		{baseID, `{"prompt":"` + strings.Repeat("x ", 400) + `"}`, "maximum context length is 128"},
		{mine, `{}`, "[prompt] or [messages]"},
		{mine, `{"prompt":"a","messages":[]}`, "both prompt and messages"},
		{mine, `{"messages":[{"role":"robot","content":"a"}]}`, "#/messages/0/role"},
		{mine, `{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}`, "take turns"},
		{mine, `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, "text only"},
		{mine, `{"prompt":"a","max_tokens":5,"n":2}`, "n must be 1"},
		{mine, `{"prompt":"a","max_tokens":5,"structured_outputs":{"regex":"a"}}`, "Structured outputs"},
		{mine, `{"prompt":"a","max_tokens":5,"logprobs":50}`, "not between 0 and 20"},
		{plain, `{"messages":[{"role":"user","content":"a"}]}`, "no chat template came with the model"},
	} {
		_, err := w.invoke(c.model, c.body)
		wantError(t, err, "ValidationException", c.want)
	}
	_, err := w.invoke("mistral.unknown-v1:0", `{"prompt":"a"}`)
	wantError(t, err, "ValidationException", "The provided model identifier is invalid.")
	_, err = w.invoke(prefix+"000000000000", `{"prompt":"a"}`)
	wantError(t, err, "ResourceNotFoundException", "may have been deleted")
	_, err = w.invoke(broken, `{"prompt":"a"}`)
	wantError(t, err, "ModelErrorException", "could not be loaded")
}

func TestStopAndSeed(t *testing.T) {
	w := newWorld(t)
	free, err := w.invoke(mine, `{"prompt":"<s>[INST] a[/INST]","max_tokens":20,"temperature":0}`)
	w.check(err)
	text := at(t, free, "choices.0.text").(string)
	stop, _ := json.Marshal(text[len(text)/2 : len(text)/2+2])
	cut, err := w.invoke(mine, `{"prompt":"<s>[INST] a[/INST]","max_tokens":20,"temperature":0,"stop":`+string(stop)+`}`)
	w.check(err)
	if got := at(t, cut, "choices.0.text").(string); len(got) >= len(text) || at(t, cut, "choices.0.finish_reason") != "stop" {
		t.Errorf("%q was not stopped by %s: %v", text, stop, cut)
	}
	const sampled = `{"prompt":"<s>[INST] a[/INST]","max_tokens":20,"temperature":2,"seed":5}`
	a, err := w.invoke(mine, sampled)
	w.check(err)
	b, err := w.invoke(mine, sampled)
	w.check(err)
	if at(t, a, "choices.0.text") != at(t, b, "choices.0.text") || at(t, a, "choices.0.text") == text {
		t.Errorf("%v and %v", a, b)
	}
}

func TestSleep(t *testing.T) {
	w := newWorld(t)
	call := func() error {
		_, err := w.client.InvokeModel(context.Background(), &sdk.InvokeModelInput{ModelId: aws.String(mine), Body: []byte(`{"prompt":"a","max_tokens":1}`)})
		return err
	}
	sleeps := func(when string) {
		t.Helper()
		var notReady *types.ModelNotReadyException
		if err := call(); !errors.As(err, &notReady) {
			t.Errorf("%s the first call got %v", when, err)
		}
		toy.Until(t, "the model to wake", func() bool { return call() == nil })
	}
	sleeps("after the import")
	w.clock.Add(299)
	w.check(call())
	w.clock.Add(299)
	w.check(call()) // the call before began five new minutes
	w.clock.Add(300)
	sleeps("after five idle minutes")
	w.clock.Add(300)
	w.service.sweep()
	if n := len(w.service.residents); n != 0 {
		t.Errorf("%d models are still in memory", n)
	}
	if _, err := w.invoke(baseID, `{"prompt":"a"}`); err != nil { // never sleeps
		t.Error(err)
	}
	w.clock.Add(3600)
	if _, err := w.client.InvokeModel(context.Background(), &sdk.InvokeModelInput{ModelId: aws.String(baseID), Body: []byte(`{"prompt":"a"}`)}); err != nil {
		t.Error(err)
	}
}

func conversation(texts ...string) []types.Message {
	var out []types.Message
	for i, text := range texts {
		role := types.ConversationRoleUser
		if i%2 == 1 {
			role = types.ConversationRoleAssistant
		}
		out = append(out, types.Message{Role: role, Content: []types.ContentBlock{&types.ContentBlockMemberText{Value: text}}})
	}
	return out
}

func TestConverse(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	conf := &types.InferenceConfiguration{MaxTokens: aws.Int32(10), Temperature: aws.Float32(0)}
	system := []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: "Be short."}}
	raw, err := w.invoke(baseID, `{"prompt":"<s>[INST] Be short.\n\nWhy?[/INST]","max_tokens":10,"temperature":0}`)
	w.check(err)
	want := at(t, raw, "outputs.0.text")
	whole, err := w.client.Converse(ctx, &sdk.ConverseInput{ModelId: aws.String(baseID), Messages: conversation("Why?"), System: system, InferenceConfig: conf})
	w.check(err)
	text := whole.Output.(*types.ConverseOutputMemberMessage).Value.Content[0].(*types.ContentBlockMemberText).Value
	if text != want || whole.StopReason != types.StopReasonMaxTokens || *whole.Usage.OutputTokens != 10 || *whole.Usage.TotalTokens != 10+*whole.Usage.InputTokens {
		t.Errorf("%q (want %q), %s, %+v", text, want, whole.StopReason, whole.Usage)
	}
	out, err := w.client.ConverseStream(ctx, &sdk.ConverseStreamInput{ModelId: aws.String(baseID), Messages: conversation("Why?"), System: system, InferenceConfig: conf})
	w.check(err)
	var streamed strings.Builder
	var stop types.StopReason
	var usage *types.TokenUsage
	for e := range out.GetStream().Events() {
		switch e := e.(type) {
		case *types.ConverseStreamOutputMemberContentBlockDelta:
			streamed.WriteString(e.Value.Delta.(*types.ContentBlockDeltaMemberText).Value)
		case *types.ConverseStreamOutputMemberMessageStop:
			stop = e.Value.StopReason
		case *types.ConverseStreamOutputMemberMetadata:
			usage = e.Value.Usage
		}
	}
	w.check(out.GetStream().Close())
	if streamed.String() != text || stop != types.StopReasonMaxTokens || usage == nil || *usage.InputTokens != *whole.Usage.InputTokens {
		t.Errorf("streamed %q, %s, %+v", streamed.String(), stop, usage)
	}
	count := func(in types.CountTokensInput) int32 {
		out, err := w.client.CountTokens(ctx, &sdk.CountTokensInput{ModelId: aws.String(baseID), Input: in})
		w.check(err)
		return *out.InputTokens
	}
	if got := count(&types.CountTokensInputMemberConverse{Value: types.ConverseTokensRequest{Messages: conversation("Why?"), System: system}}); got != *whole.Usage.InputTokens {
		t.Errorf("%d tokens counted, %d used", got, *whole.Usage.InputTokens)
	}
	if got := count(&types.CountTokensInputMemberInvokeModel{Value: types.InvokeModelTokensRequest{Body: []byte(`{"prompt":"<s>[INST] Be short.\n\nWhy?[/INST]"}`)}}); got != *whole.Usage.InputTokens {
		t.Errorf("%d tokens counted, %d used", got, *whole.Usage.InputTokens)
	}

	two := conversation("a", "b", "c")
	two[1].Role = types.ConversationRoleUser
	for _, c := range []struct {
		in   sdk.ConverseInput
		want string
	}{
		{sdk.ConverseInput{ModelId: aws.String(plain), Messages: conversation("a")}, "This action doesn't support the model"},
		{sdk.ConverseInput{ModelId: aws.String(baseID), Messages: two}, "must alternate"},
		{sdk.ConverseInput{ModelId: aws.String(baseID), Messages: conversation("a", "b")}, "last turn"},
		{sdk.ConverseInput{ModelId: aws.String(baseID), Messages: two[3:]}, "must start with a user message"},
		{sdk.ConverseInput{ModelId: aws.String(baseID), Messages: conversation(" ")}, "is blank"},
		{sdk.ConverseInput{ModelId: aws.String(baseID), Messages: conversation("a"), InferenceConfig: &types.InferenceConfiguration{Temperature: aws.Float32(1.5)}}, "temperature"},
	} {
		var err error
		toy.Until(t, "the model to wake", func() bool {
			_, err = w.client.Converse(ctx, &c.in)
			var notReady *types.ModelNotReadyException
			return !errors.As(err, &notReady)
		})
		wantError(t, err, "ValidationException", c.want)
	}
}

// TestManyAtOnce lets more callers ask than there are processors, some of whom
// go away in the middle.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	_, err := w.invoke(mine, `{"prompt":"a","max_tokens":1}`)
	w.check(err)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			// A client of its own: the SDK's streams on one client share state.
			out, err := w.newClient().InvokeModelWithResponseStream(ctx, &sdk.InvokeModelWithResponseStreamInput{ModelId: aws.String(mine), Body: []byte(`{"prompt":"<s>[INST] a[/INST]","max_tokens":100}`)})
			if err != nil {
				t.Error(err)
				return
			}
			n := 0
			for range out.GetStream().Events() {
				if n++; i%2 == 0 && n == 3 {
					cancel()
				}
			}
			if err := out.GetStream().Close(); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	toy.Until(t, "every answer to be released", func() bool {
		w.service.mu.Lock()
		defer w.service.mu.Unlock()
		return w.service.residents["abcdefghijkl"].users == 0
	})
}
