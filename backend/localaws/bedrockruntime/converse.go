package bedrockruntime

import (
	"context"
	"strings"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/bedrock"
	"tunebench/backend/localaws/tinymistral"
	"tunebench/backend/localaws/wire"
)

// converseInput is the input of Converse and ConverseStream.
type converseInput struct {
	Messages []struct {
		Role    string           `json:"role"`
		Content []map[string]any `json:"content"`
	} `json:"messages"`
	System          []map[string]any `json:"system"`
	InferenceConfig struct {
		MaxTokens     *int     `json:"maxTokens"`
		Temperature   *float64 `json:"temperature"`
		TopP          *float64 `json:"topP"`
		StopSequences []string `json:"stopSequences"`
	} `json:"inferenceConfig"`
	ToolConfig      any `json:"toolConfig"`
	GuardrailConfig any `json:"guardrailConfig"`
	OutputConfig    any `json:"outputConfig"`
	Additional      struct {
		TopK *int `json:"top_k"`
	} `json:"additionalModelRequestFields"`
}

// encode renders the conversation once, by the model's own template.
func (in *converseInput) encode(tok *artifact.Tokenizer, c settings) ([]int32, error) {
	switch {
	case c.format == nil:
		return nil, wire.Validation("This action doesn't support the model that you provided. Try again with a supported text or chat model.")
	case in.ToolConfig != nil:
		return nil, wire.Validation("This model doesn't support tool use.")
	case in.GuardrailConfig != nil:
		return nil, errGuardrail
	case in.OutputConfig != nil:
		return nil, wire.Validation("This model doesn't support the outputConfig field. Remove outputConfig and try again.")
	case len(in.Messages) == 0 || in.Messages[0].Role != artifact.RoleUser:
		return nil, wire.Validation("A conversation must start with a user message. Try again with a conversation that starts with a user message.")
	}
	var msgs []artifact.Message
	if system, err := blocksText(in.System); err != nil {
		return nil, err
	} else if system != "" {
		msgs = append(msgs, artifact.Message{Role: artifact.RoleSystem, Content: system})
	}
	for i, m := range in.Messages {
		if i > 0 && m.Role == in.Messages[i-1].Role {
			return nil, wire.Validation("A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.")
		}
		text, err := blocksText(m.Content)
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(text) == "" {
			return nil, wire.Validation("The text field in the ContentBlock object at messages.%d.content.0 is blank. Add text to the text field, and try again.", i)
		}
		msgs = append(msgs, artifact.Message{Role: m.Role, Content: text})
	}
	if in.Messages[len(in.Messages)-1].Role != artifact.RoleUser {
		return nil, wire.Validation("The model that you are using requires the last turn in the conversation to be a user message. Add a user message to the conversation and try again.")
	}
	ids, err := c.format.EncodePrompt(tok, msgs)
	if err != nil {
		return nil, wire.Validation("The messages can not be rendered: %v", err)
	}
	return ids, nil
}

// blocksText joins content blocks, which must all be text.
func blocksText(blocks []map[string]any) (string, error) {
	var out []string
	for _, b := range blocks {
		for kind, v := range b {
			text, ok := v.(string)
			if kind == "cachePoint" {
				continue
			}
			if kind != "text" || !ok {
				return "", wire.Validation("This model doesn't support the %s content block that you provided. It takes text only.", kind)
			}
			out = append(out, text)
		}
	}
	return strings.Join(out, "\n\n"), nil
}

// prepareConverse is prepare for Converse.
func (s *Service) prepareConverse(r *wire.Request) (*prepared, error) {
	in := &converseInput{}
	if err := r.Decode(in); err != nil {
		return nil, err
	}
	return s.prepare(r, func(_ bedrock.Model, l *loaded) (*query, error) {
		q := &query{format: mistralNative}
		var err error
		if q.ids, err = in.encode(l.tokenizer, l.config); err != nil {
			return nil, err
		}
		if err := q.fits(l.model.Context()); err != nil {
			return nil, err
		}
		c := in.InferenceConfig
		b := &body{Temperature: c.Temperature, TopP: c.TopP, TopK: in.Additional.TopK, MaxTokens: c.MaxTokens}
		if err := b.sampling(q, l.config); err != nil {
			return nil, err
		}
		q.options.Stop = c.StopSequences
		return q, b.limit(q, l.model.Context())
	})
}

// stopReason is Converse's word for why an answer ended.
func stopReason(r tinymistral.Result) string {
	switch r.StopReason {
	case tinymistral.StopLength:
		return "max_tokens"
	case tinymistral.StopSequence:
		return "stop_sequence"
	}
	return "end_turn"
}

func converseUsage(a *answer) map[string]any {
	return map[string]any{"inputTokens": a.PromptTokens, "outputTokens": a.CompletionTokens, "totalTokens": a.PromptTokens + a.CompletionTokens}
}

func converseMetrics(a *answer) map[string]any {
	return map[string]any{"latencyMs": a.total.Milliseconds()}
}

// converse answers Converse.
func (s *Service) converse(ctx context.Context, r *wire.Request) (any, error) {
	p, err := s.prepareConverse(r)
	if err != nil {
		return nil, err
	}
	defer p.release()
	a, err := s.generate(ctx, p.loaded, p.query, nil)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"output":     map[string]any{"message": map[string]any{"role": "assistant", "content": []any{map[string]any{"text": a.Text}}}},
		"stopReason": stopReason(a.Result), "usage": converseUsage(a), "metrics": converseMetrics(a),
	}, nil
}

// converseStream answers ConverseStream.
func (s *Service) converseStream(ctx context.Context, r *wire.Request) (any, error) {
	p, err := s.prepareConverse(r)
	if err != nil {
		return nil, err
	}
	p.releaseWith(ctx)
	return &wire.Stream{Run: func(ctx context.Context, w *wire.EventWriter) error {
		if err := w.Event("messageStart", map[string]any{"role": "assistant"}); err != nil {
			return err
		}
		a, err := s.generate(ctx, p.loaded, p.query, func(t tinymistral.Token) error {
			if t.Text == "" {
				return nil
			}
			return w.Event("contentBlockDelta", map[string]any{"contentBlockIndex": 0, "delta": map[string]any{"text": t.Text}})
		})
		if err != nil {
			return err
		}
		for _, e := range []struct {
			kind string
			v    map[string]any
		}{
			{"contentBlockStop", map[string]any{"contentBlockIndex": 0}},
			{"messageStop", map[string]any{"stopReason": stopReason(a.Result)}},
			{"metadata", map[string]any{"usage": converseUsage(a), "metrics": converseMetrics(a)}},
		} {
			if err := w.Event(e.kind, e.v); err != nil {
				return err
			}
		}
		return nil
	}}, nil
}
