package bedrockruntime

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"time"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/tinymistral"
	"tunebench/backend/localaws/wire"
)

// answer is one finished generation with what the reply formats need of it.
type answer struct {
	tinymistral.Result
	tokens         []tinymistral.Token // kept when log-probabilities are asked for
	promptLogProbs []float64           // of the prompt's tokens after the first
	start          time.Time
	first          time.Duration // to the first token
	total          time.Duration
}

// generate runs a query on a processor of its own. emit may be nil.
func (s *Service) generate(ctx context.Context, l *loaded, q *query, emit func(tinymistral.Token) error) (*answer, error) {
	a := &answer{start: time.Now()}
	release, err := s.slot(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	g := l.generator()
	defer l.put(g)
	if q.promptLogProbs {
		if a.promptLogProbs, err = g.LogProbs(q.ids); err != nil {
			return nil, err
		}
	}
	a.Result, err = g.Generate(ctx, q.ids, q.options, func(t tinymistral.Token) error {
		if a.first == 0 {
			a.first = time.Since(a.start)
		}
		if q.logProbs && t.ID >= 0 {
			a.tokens = append(a.tokens, t)
		}
		if emit == nil {
			return nil
		}
		return emit(t)
	})
	a.total = time.Since(a.start)
	if a.first == 0 {
		a.first = a.total
	}
	return a, err
}

// reply shapes the answers to one request, whole or in pieces.
type reply struct {
	format    format
	id        string
	model     string // as replies name it
	created   int64
	tokenizer *artifact.Tokenizer
	query     *query
}

func newReply(q *query, modelID string, tok *artifact.Tokenizer) *reply {
	var b [16]byte
	rand.Read(b[:])
	prefix := "cmpl-"
	if q.format == openAIChat {
		prefix = "chatcmpl-"
	}
	return &reply{format: q.format, id: prefix + hex.EncodeToString(b[:]), model: wire.AccountID + "-" + modelID,
		created: time.Now().Unix(), tokenizer: tok, query: q}
}

// finish is the OpenAI and Bedrock word for why an answer ended.
func finish(r tinymistral.Result) string {
	if r.StopReason == tinymistral.StopLength {
		return "length"
	}
	return "stop"
}

func usage(r tinymistral.Result) map[string]any {
	return map[string]any{"prompt_tokens": r.PromptTokens, "completion_tokens": r.CompletionTokens, "total_tokens": r.PromptTokens + r.CompletionTokens}
}

// whole is the body of a reply that is not streamed.
func (r *reply) whole(a *answer) map[string]any {
	switch r.format {
	case mistralNative:
		return map[string]any{"outputs": []any{map[string]any{"text": a.Text, "stop_reason": finish(a.Result)}}}
	case bedrockCompletion:
		out := map[string]any{"generation": a.Text, "prompt_token_count": a.PromptTokens,
			"generation_token_count": a.CompletionTokens, "stop_reason": finish(a.Result)}
		if r.query.logProbs {
			out["logprobs"] = byID(a.tokens)
		}
		return out
	case openAICompletion:
		choice := map[string]any{"index": 0, "text": a.Text, "finish_reason": finish(a.Result), "logprobs": nil}
		if r.query.logProbs {
			choice["logprobs"] = r.completionLogProbs(a.tokens, 0)
		}
		if a.promptLogProbs != nil {
			choice["prompt_logprobs"] = r.promptLogProbs(a)
		}
		return r.envelope("text_completion", choice, usage(a.Result))
	}
	choice := map[string]any{"index": 0, "message": map[string]any{"role": "assistant", "content": a.Text}, "finish_reason": finish(a.Result), "logprobs": nil}
	if r.query.logProbs {
		choice["logprobs"] = r.chatLogProbs(a.tokens)
	}
	out := r.envelope("chat.completion", choice, usage(a.Result))
	if a.promptLogProbs != nil {
		out["prompt_logprobs"] = r.promptLogProbs(a)
	}
	return out
}

func (r *reply) envelope(object string, choice map[string]any, usage any) map[string]any {
	out := map[string]any{"id": r.id, "object": object, "created": r.created, "model": r.model, "choices": []any{choice}}
	if usage != nil {
		out["usage"] = usage
	}
	return out
}

// opening is the first piece of a stream, nil for formats that have none.
func (r *reply) opening() map[string]any {
	if r.format != openAIChat {
		return nil
	}
	return r.envelope("chat.completion.chunk", map[string]any{"index": 0, "delta": map[string]any{"role": "assistant", "content": ""}, "finish_reason": nil}, nil)
}

// piece is one piece of a stream; offset is the length of the text before it.
func (r *reply) piece(t tinymistral.Token, offset int) map[string]any {
	var tokens []tinymistral.Token
	if r.query.logProbs && t.ID >= 0 {
		tokens = []tinymistral.Token{t}
	}
	switch r.format {
	case mistralNative:
		return map[string]any{"outputs": []any{map[string]any{"text": t.Text, "stop_reason": nil}}}
	case bedrockCompletion:
		out := map[string]any{"generation": t.Text, "prompt_token_count": nil, "generation_token_count": nil, "stop_reason": nil}
		if tokens != nil {
			out["logprobs"] = byID(tokens)
		}
		return out
	case openAICompletion:
		choice := map[string]any{"index": 0, "text": t.Text, "finish_reason": nil, "logprobs": nil}
		if tokens != nil {
			choice["logprobs"] = r.completionLogProbs(tokens, offset)
		}
		return r.envelope("text_completion", choice, nil)
	}
	choice := map[string]any{"index": 0, "delta": map[string]any{"content": t.Text}, "finish_reason": nil, "logprobs": nil}
	if tokens != nil {
		choice["logprobs"] = r.chatLogProbs(tokens)
	}
	return r.envelope("chat.completion.chunk", choice, nil)
}

// closing is the last piece of a stream: why it ended, what it used, and
// Bedrock's metrics.
func (r *reply) closing(a *answer) map[string]any {
	var out map[string]any
	switch r.format {
	case mistralNative:
		out = map[string]any{"outputs": []any{map[string]any{"text": "", "stop_reason": finish(a.Result)}}}
	case bedrockCompletion:
		out = map[string]any{"generation": "", "prompt_token_count": a.PromptTokens, "generation_token_count": a.CompletionTokens, "stop_reason": finish(a.Result)}
	case openAICompletion:
		out = r.envelope("text_completion", map[string]any{"index": 0, "text": "", "finish_reason": finish(a.Result), "logprobs": nil}, usage(a.Result))
	default:
		out = r.envelope("chat.completion.chunk", map[string]any{"index": 0, "delta": map[string]any{}, "finish_reason": finish(a.Result), "logprobs": nil}, usage(a.Result))
	}
	if a.promptLogProbs != nil {
		out["prompt_logprobs"] = r.promptLogProbs(a)
	}
	out["amazon-bedrock-invocationMetrics"] = map[string]any{"inputTokenCount": a.PromptTokens, "outputTokenCount": a.CompletionTokens,
		"invocationLatency": a.total.Milliseconds(), "firstByteLatency": a.first.Milliseconds()}
	return out
}

// byID are log-probabilities as BedrockCompletion gives them: one object per
// token, with the token's id as its key.
func byID(tokens []tinymistral.Token) []map[string]float64 {
	out := []map[string]float64{}
	for _, t := range tokens {
		out = append(out, map[string]float64{strconv.Itoa(int(t.ID)): t.LogProb})
	}
	return out
}

func (r *reply) text(id int32) string { return r.tokenizer.Decode([]int32{id}) }

// completionLogProbs are log-probabilities as OpenAI completions have them.
func (r *reply) completionLogProbs(tokens []tinymistral.Token, offset int) map[string]any {
	texts, probs, offsets, top := []string{}, []float64{}, []int{}, []map[string]float64{}
	for _, t := range tokens {
		text := r.text(t.ID)
		texts, probs, offsets = append(texts, text), append(probs, t.LogProb), append(offsets, offset)
		alternatives := map[string]float64{text: t.LogProb}
		for _, a := range t.Top {
			alternatives[a.Text] = a.LogProb
		}
		top = append(top, alternatives)
		offset += len(text)
	}
	return map[string]any{"tokens": texts, "token_logprobs": probs, "text_offset": offsets, "top_logprobs": top}
}

// chatLogProbs are log-probabilities as OpenAI chat completions have them.
func (r *reply) chatLogProbs(tokens []tinymistral.Token) map[string]any {
	entry := func(text string, p float64) map[string]any {
		bytes := make([]int, len(text))
		for i := range len(text) {
			bytes[i] = int(text[i])
		}
		return map[string]any{"token": text, "logprob": p, "bytes": bytes}
	}
	content := []any{}
	for _, t := range tokens {
		e := entry(r.text(t.ID), t.LogProb)
		top := []any{}
		for _, a := range t.Top {
			top = append(top, entry(a.Text, a.LogProb))
		}
		e["top_logprobs"] = top
		content = append(content, e)
	}
	return map[string]any{"content": content}
}

// promptLogProbs are one entry per token of the prompt; the first has none.
func (r *reply) promptLogProbs(a *answer) []any {
	out := []any{nil}
	for i, p := range a.promptLogProbs {
		id := r.query.ids[i+1]
		out = append(out, map[string]any{strconv.Itoa(int(id)): map[string]any{"logprob": p, "decoded_token": r.text(id)}})
	}
	return out
}
