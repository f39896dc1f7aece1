package wire

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// Stream is an answer of application/vnd.amazon.eventstream: the headers go
// out at once, then Run writes events until it returns. ctx ends when the
// caller goes away. Run's *Error becomes a modeled exception, another error an
// unmodeled one; after a context's error nothing more is written.
type Stream struct {
	Header http.Header
	Run    func(ctx context.Context, w *EventWriter) error
}

// EventWriter writes the frames of one event stream, each flushed on its own.
// It is used by one goroutine at a time.
type EventWriter struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	enc *eventstream.Encoder
}

// Event writes one event with a JSON payload. The error means that the caller
// has gone or that v cannot be marshaled; stop then.
func (e *EventWriter) Event(eventType string, v any) error {
	payload, err := marshalJSON(v)
	if err != nil {
		return err
	}
	return e.frame(payload, ":event-type", eventType, ":content-type", "application/json", ":message-type", "event")
}

func (e *EventWriter) exception(err *Error) error {
	body := map[string]any{"message": err.Message}
	for name, v := range err.Fields {
		body[name] = v
	}
	payload, merr := marshalJSON(body)
	if merr != nil {
		return merr
	}
	name := strings.ToLower(err.Code[:1]) + err.Code[1:]
	return e.frame(payload, ":exception-type", name, ":content-type", "application/json", ":message-type", "exception")
}

func (e *EventWriter) frame(payload []byte, headers ...string) error {
	m := eventstream.Message{Payload: payload}
	for i := 0; i < len(headers); i += 2 {
		m.Headers.Set(headers[i], eventstream.StringValue(headers[i+1]))
	}
	if err := e.enc.Encode(e.w, m); err != nil {
		return err
	}
	return e.rc.Flush()
}

// serve runs the stream.
func (s *Stream) serve(ctx context.Context, a *answerer) {
	h := a.w.Header()
	for name, values := range s.Header {
		h[name] = values
	}
	h.Set("Content-Type", "application/vnd.amazon.eventstream")
	a.w.WriteHeader(200)
	e := &EventWriter{w: a.w, rc: http.NewResponseController(a.w), enc: eventstream.NewEncoder()}
	if e.rc.Flush() != nil {
		return
	}
	err := s.Run(ctx, e)
	var modeled *Error
	switch {
	case err == nil, ctx.Err() != nil, errors.Is(err, context.Canceled):
	case errors.As(err, &modeled) && modeled.Code != "":
		e.exception(modeled) // a write that fails means that the caller has gone
	default:
		e.frame(nil, ":error-code", "InternalFailure", ":error-message", err.Error(), ":message-type", "error")
	}
}
