package chat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/schemas"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/transport/http/protocol/restjson1"
)

// ownCodec gives a stream a codec of its own: the client's is shared by all its
// streams and not made for that.
func ownCodec(o *bedrockruntime.Options) {
	o.Protocol = restjson1.New(schemas.AmazonBedrockFrontendService)
}

// streamRun is one attempt to stream an answer. It belongs to one goroutine.
type streamRun struct {
	*Answer
	service *Service
	model   Model
	cancel  context.CancelCauseFunc
	// silence ends the attempt when nothing comes for too long. A time limit of
	// the HTTP client would cut streams that are merely long.
	silence *time.Timer
	ended   bool  // the model said that it was done
	garbage error // the first piece that could not be read
}

// stream makes one attempt. nil means that the model said it was done.
func (s *Service) stream(ctx context.Context, a *Answer, m Model, p prepared) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &streamRun{Answer: a, service: s, model: m, cancel: cancel}
	r.silence = time.AfterFunc(s.cfg.FirstByte, func() { cancel(errSlowStart) })
	defer func() { r.silence.Stop() }()
	var err error
	switch p.route {
	case RouteConverse:
		err = r.converse(ctx, p)
	case RouteEndpoint:
		err = r.endpoint(ctx, p)
	default:
		err = r.invoke(ctx, p)
	}
	var api smithy.APIError
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errSlowStart):
		return fmt.Errorf("%s: %w (%s)", m.Ref, errSlowStart, s.cfg.FirstByte)
	case errors.Is(cause, errSilent):
		return &brokenError{fmt.Sprintf("nothing came for %s; the answer may not be whole", s.cfg.Idle)}
	case errors.Is(err, errTooLong):
		return &brokenError{fmt.Sprintf("the answer is longer than %s; the rest was not kept, and the model was told to stop", size(a.max))}
	case ctx.Err() != nil:
		return cause
	case err != nil && a.hasText() && !errors.As(err, &api):
		return &brokenError{fmt.Sprintf("the connection broke: %v", err)}
	case err != nil:
		return err
	case r.garbage != nil:
		return &brokenError{fmt.Sprintf("a part of the answer could not be read: %v", r.garbage)}
	case !r.ended:
		// The SDK reports a stream that was cut off as one that ended.
		return &brokenError{"the stream ended before the model said that it was done"}
	}
	return nil
}

// alive puts off the end for silence.
func (r *streamRun) alive() {
	if r.silence.Stop() {
		r.silence = time.AfterFunc(r.service.cfg.Idle, func() { r.cancel(errSilent) })
	}
}

// size writes a limit in the unit in which it was set.
func size(bytes int) string {
	if bytes >= 1<<20 && bytes%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
	return fmt.Sprintf("%d bytes", bytes)
}

func (r *streamRun) take(p piece) error {
	if p.stop != "" || p.end {
		r.ended = true
	}
	return r.add(p)
}

func (r *streamRun) converse(ctx context.Context, p prepared) (err error) {
	out, err := r.service.cfg.Runtime.ConverseStream(ctx, &bedrockruntime.ConverseStreamInput{
		ModelId: &r.model.ID, System: p.system, Messages: p.messages, InferenceConfig: p.config, AdditionalModelRequestFields: p.more,
	}, oneAttempt, ownCodec)
	if err != nil {
		return err
	}
	stream := out.GetStream()
	defer stream.Close()
	for event := range stream.Events() {
		r.alive()
		var got piece
		switch e := event.(type) {
		case *types.ConverseStreamOutputMemberContentBlockDelta:
			if t, ok := e.Value.Delta.(*types.ContentBlockDeltaMemberText); ok {
				got.text = t.Value
			}
		case *types.ConverseStreamOutputMemberMessageStop:
			got.stop = string(e.Value.StopReason)
			got.end = true
		case *types.ConverseStreamOutputMemberMetadata:
			if u := e.Value.Usage; u != nil {
				got.input, got.output, got.outputTotal = int(aws.ToInt32(u.InputTokens)), int(aws.ToInt32(u.OutputTokens)), true
			}
		}
		if err := r.take(got); err != nil {
			return err
		}
	}
	return stream.Err()
}

func (r *streamRun) invoke(ctx context.Context, p prepared) error {
	out, err := r.service.cfg.Runtime.InvokeModelWithResponseStream(ctx, &bedrockruntime.InvokeModelWithResponseStreamInput{
		ModelId: &r.model.ID, Body: p.body, ContentType: aws.String(mediaJSON), Accept: aws.String(mediaJSON),
	}, oneAttempt, ownCodec)
	if err != nil {
		return err
	}
	stream := out.GetStream()
	defer stream.Close()
	for event := range stream.Events() {
		r.alive()
		chunk, ok := event.(*types.ResponseStreamMemberChunk)
		if !ok {
			continue // a kind of event that came after this SDK
		}
		got, err := parseReply(chunk.Value.Bytes)
		if err != nil {
			if r.garbage == nil {
				r.garbage = err
			}
			continue
		}
		r.service.noteShape(ctx, r.model, got.shape)
		if err := r.take(got); err != nil {
			return err
		}
	}
	return stream.Err()
}
