package chat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const mediaJSON = "application/json"

// oneAttempt leaves attempts to this package, where they can be seen and
// cancelled.
func oneAttempt(o *bedrockruntime.Options) { o.Retryer = aws.NopRetryer{} }

// Reply is an answer as it came, whole. Its text has not passed safetext: show
// it only after that.
type Reply struct {
	Text, StopReason          string
	Sent                      string
	Shape                     Shape // "" with Converse
	InputTokens, OutputTokens int
	Latency                   time.Duration
}

// Once asks without streaming and without a second attempt. Classify says what
// can be done about the error.
func (s *Service) Once(ctx context.Context, req Request) (Reply, error) {
	p, err := prepare(req)
	if err != nil {
		return Reply{}, err
	}
	return s.once(ctx, req.Model, p)
}

func (s *Service) once(ctx context.Context, m Model, p prepared) (r Reply, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.FirstByte, errSlowStart)
	defer cancel()
	started := s.cfg.Now()
	switch p.route {
	case RouteConverse:
		r, err = s.converseOnce(ctx, m, p)
	case RouteEndpoint:
		r, err = s.endpointOnce(ctx, m, p)
	default:
		r, err = s.invokeOnce(ctx, m, p)
	}
	if err != nil {
		if errors.Is(context.Cause(ctx), errSlowStart) {
			err = fmt.Errorf("%w (%s)", errSlowStart, s.cfg.FirstByte)
		}
		return Reply{}, err
	}
	r.Sent, r.Latency = p.sent, s.cfg.Now().Sub(started)
	return r, nil
}

func (s *Service) converseOnce(ctx context.Context, m Model, p prepared) (Reply, error) {
	out, err := s.cfg.Runtime.Converse(ctx, &bedrockruntime.ConverseInput{
		ModelId: &m.ID, System: p.system, Messages: p.messages, InferenceConfig: p.config, AdditionalModelRequestFields: p.more,
	}, oneAttempt)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{StopReason: string(out.StopReason)}
	message, ok := out.Output.(*types.ConverseOutputMemberMessage)
	if !ok {
		return Reply{}, fmt.Errorf("the reply of %s holds no message", m.Ref)
	}
	var b strings.Builder
	for _, c := range message.Value.Content {
		if t, ok := c.(*types.ContentBlockMemberText); ok {
			b.WriteString(t.Value)
		}
	}
	r.Text = b.String()
	if out.Usage != nil {
		r.InputTokens, r.OutputTokens = int(aws.ToInt32(out.Usage.InputTokens)), int(aws.ToInt32(out.Usage.OutputTokens))
	}
	return r, nil
}

func (s *Service) invokeOnce(ctx context.Context, m Model, p prepared) (Reply, error) {
	out, err := s.cfg.Runtime.InvokeModel(ctx, &bedrockruntime.InvokeModelInput{
		ModelId: &m.ID, Body: p.body, ContentType: aws.String(mediaJSON), Accept: aws.String(mediaJSON),
	}, oneAttempt)
	if err != nil {
		return Reply{}, err
	}
	got, err := parseReply(out.Body)
	if err != nil {
		return Reply{}, err
	}
	if got.shape == "" {
		return Reply{}, unknownShape(out.Body)
	}
	if !p.probe {
		s.noteShape(ctx, m, got.shape)
	}
	r := Reply{Shape: got.shape, Text: got.text, StopReason: got.stop, InputTokens: got.input, OutputTokens: got.output}
	if raw, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response); ok && !got.outputTotal {
		r.InputTokens = headerInt(raw.Header, "X-Amzn-Bedrock-Input-Token-Count")
		r.OutputTokens = headerInt(raw.Header, "X-Amzn-Bedrock-Output-Token-Count")
	}
	return r, nil
}

// headerInt is a count in a header; 0 when it is absent.
func headerInt(h http.Header, name string) int {
	n, err := strconv.Atoi(h.Get(name))
	if err != nil {
		return 0
	}
	return n
}
