package bedrockruntime

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"tunebench/backend/localaws/bedrock"
	"tunebench/backend/localaws/tinymistral"
	"tunebench/backend/localaws/wire"
)

// prepared is a request whose model is in memory and whose input is good.
type prepared struct {
	model   bedrock.Model
	loaded  *loaded
	query   *query
	release func()
}

// prepare does everything before the generation; release must be called.
func (s *Service) prepare(r *wire.Request, parse func(m bedrock.Model, l *loaded) (*query, error)) (*prepared, error) {
	m, err := s.lookup(r)
	if err != nil {
		return nil, err
	}
	l, release, err := s.acquire(m)
	if err != nil {
		return nil, err
	}
	q, err := parse(m, l)
	if err != nil {
		release()
		return nil, err
	}
	return &prepared{m, l, q, release}, nil
}

// releaseWith releases when the request is over: a stream whose caller has gone
// is never run.
func (p *prepared) releaseWith(ctx context.Context) { context.AfterFunc(ctx, p.release) }

// prepareInvoke is prepare for a body of InvokeModel.
func (s *Service) prepareInvoke(r *wire.Request) (*prepared, error) {
	if r.HTTP.Header.Get("X-Amzn-Bedrock-GuardrailIdentifier") != "" {
		return nil, errGuardrail
	}
	b, err := parseBody(r.Body)
	if err != nil {
		return nil, err
	}
	return s.prepare(r, func(m bedrock.Model, l *loaded) (*query, error) {
		return b.query(m, l.tokenizer, l.config, l.model.Context())
	})
}

var errGuardrail = wire.Validation("Guardrails are not available in the local account; send the request without one.")

// invoke answers InvokeModel.
func (s *Service) invoke(ctx context.Context, r *wire.Request) (any, error) {
	p, err := s.prepareInvoke(r)
	if err != nil {
		return nil, err
	}
	defer p.release()
	a, err := s.generate(ctx, p.loaded, p.query, nil)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(newReply(p.query, p.model.ID, p.loaded.tokenizer).whole(a))
	if err != nil {
		return nil, fmt.Errorf("reply: %w", err)
	}
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Bedrock-Input-Token-Count", strconv.Itoa(a.PromptTokens))
	h.Set("X-Amzn-Bedrock-Output-Token-Count", strconv.Itoa(a.CompletionTokens))
	h.Set("X-Amzn-Bedrock-Invocation-Latency", strconv.FormatInt(a.total.Milliseconds(), 10))
	return &wire.Raw{Header: h, Body: body}, nil
}

// invokeStream answers InvokeModelWithResponseStream. Each piece goes out when
// the engine has it.
func (s *Service) invokeStream(ctx context.Context, r *wire.Request) (any, error) {
	p, err := s.prepareInvoke(r)
	if err != nil {
		return nil, err
	}
	p.releaseWith(ctx)
	h := http.Header{}
	h.Set("X-Amzn-Bedrock-Content-Type", "application/json")
	return &wire.Stream{Header: h, Run: func(ctx context.Context, w *wire.EventWriter) error {
		reply := newReply(p.query, p.model.ID, p.loaded.tokenizer)
		send := func(v map[string]any) error {
			data, err := json.Marshal(v)
			if err != nil {
				return fmt.Errorf("reply: %w", err)
			}
			return w.Event("chunk", map[string]any{"bytes": data})
		}
		if v := reply.opening(); v != nil {
			if err := send(v); err != nil {
				return err
			}
		}
		offset := 0
		a, err := s.generate(ctx, p.loaded, p.query, func(t tinymistral.Token) error {
			if t.Text == "" && !p.query.logProbs {
				return nil // a part of a character, or of what may be a stop sequence
			}
			err := send(reply.piece(t, offset))
			offset += len(t.Text)
			return err
		})
		if err != nil {
			return err
		}
		return send(reply.closing(a))
	}}, nil
}

// countTokens answers CountTokens. It needs the tokenizer only, so a model
// that sleeps goes on sleeping.
func (s *Service) countTokens(_ context.Context, r *wire.Request) (any, error) {
	var in struct {
		Input struct {
			InvokeModel *struct {
				Body []byte `json:"body"`
			} `json:"invokeModel"`
			Converse *converseInput `json:"converse"`
		} `json:"input"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	m, err := s.lookup(r)
	if err != nil {
		return nil, err
	}
	tok, c, err := readTokenizer(m)
	if err != nil {
		return nil, err
	}
	var ids []int32
	switch {
	case in.Input.InvokeModel != nil && in.Input.Converse == nil:
		b, err := parseBody(in.Input.InvokeModel.Body)
		if err != nil {
			return nil, err
		}
		f, err := b.route(m)
		if err != nil {
			return nil, err
		}
		if f == openAIChat {
			ids, err = encodeChat(tok, c, b.Messages)
		} else {
			ids, err = encodePrompt(tok, c, b.Prompt)
		}
		if err != nil {
			return nil, err
		}
	case in.Input.Converse != nil && in.Input.InvokeModel == nil:
		if ids, err = in.Input.Converse.encode(tok, c); err != nil {
			return nil, err
		}
	default:
		return nil, wire.Validation("The input must hold either invokeModel or converse.")
	}
	return map[string]any{"inputTokens": len(ids)}, nil
}
