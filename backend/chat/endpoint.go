package chat

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"

	"tunebench/backend/safetext"
)

// Endpoint is a server that speaks OpenAI's chat completions: its models are asked
// beside those of the account. The key goes to it and nowhere else.
type Endpoint struct {
	base  *url.URL // up to and with /v1
	key   string
	http  *http.Client
	fault error // why it cannot be asked
}

// EndpointFrom is the endpoint that OPENAI_BASE_URL names, with the key in
// OPENAI_API_KEY; nil when none is named. A key alone names none: it may be there
// for other programs. An address that is none is told of where models are listed.
func EndpointFrom(env func(string) string) *Endpoint {
	base := strings.TrimRight(strings.TrimSpace(env("OPENAI_BASE_URL")), "/")
	if base == "" {
		return nil
	}
	u, err := url.Parse(base)
	fault := func(err error) *Endpoint { return &Endpoint{base: &url.URL{Host: "OPENAI_BASE_URL"}, fault: err} }
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "":
		return fault(fmt.Errorf("OPENAI_BASE_URL %q is no address of an endpoint; it is one such as https://host/v1", safetext.Line(base)))
	case u.User != nil:
		return fault(errors.New("OPENAI_BASE_URL holds a password; put the key into OPENAI_API_KEY"))
	}
	return &Endpoint{base: u, key: strings.TrimSpace(env("OPENAI_API_KEY")), http: &http.Client{
		// The key must not follow to where somebody else is.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// endpointPrefix begins the names of an endpoint's models, so that they are none
// of the account's.
const endpointPrefix = "openai:"

// maxReply bounds what is read of a reply that is not streamed, and of one line of
// a stream, in bytes.
const maxReply = 16 << 20

// EndpointError is what an endpoint answered instead of what was asked for.
type EndpointError struct {
	Status  int
	Message string
}

func (e *EndpointError) Error() string { return fmt.Sprintf("%d: %s", e.Status, e.Message) }

// ErrorCode is the status in the words that Bedrock has for it, so that what can
// be done about it is known.
func (e *EndpointError) ErrorCode() string {
	switch {
	case e.Status == http.StatusTooManyRequests:
		return "ThrottlingException"
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden:
		return "UnrecognizedClientException"
	case e.Status == http.StatusNotFound:
		return "ResourceNotFoundException"
	case e.Status >= http.StatusInternalServerError:
		return "ServiceUnavailableException"
	}
	return "ValidationException"
}

// ErrorMessage is what the endpoint said.
func (e *EndpointError) ErrorMessage() string { return e.Message }

// ErrorFault says whose fault it was.
func (e *EndpointError) ErrorFault() smithy.ErrorFault { return smithy.FaultUnknown }

// call sends a request; the caller closes the body of what it returns.
func (e *Endpoint) call(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	if e.fault != nil {
		return nil, e.fault
	}
	req, err := http.NewRequestWithContext(ctx, method, e.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if e.key != "" {
		req.Header.Set("Authorization", "Bearer "+e.key)
	}
	if body != nil {
		req.Header.Set("Content-Type", mediaJSON)
	}
	resp, err := e.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // what came is better than nothing
	var told struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
	}
	message := strings.TrimSpace(string(text))
	if json.Unmarshal(text, &told) == nil {
		var inner struct {
			Message string `json:"message"`
		}
		switch {
		case json.Unmarshal(told.Error, &inner) == nil && inner.Message != "":
			message = inner.Message
		case json.Unmarshal(told.Error, &message) == nil:
		case told.Message != "":
			message = told.Message
		}
	}
	if message == "" {
		message = http.StatusText(resp.StatusCode)
	}
	if e.key != "" {
		message = strings.ReplaceAll(message, e.key, "the key")
	}
	return nil, &EndpointError{resp.StatusCode, safetext.Line(message)}
}

// models lists what the endpoint has. One that does not answer is told of in the
// list: the account's models can be asked all the same.
func (e *Endpoint) models(ctx context.Context) []Model {
	fail := func(err error) []Model {
		return []Model{{Ref: endpointPrefix + "?", Name: e.base.Host, Kind: Hosted, Converse: true, Note: "its models cannot be listed: " + safetext.Line(e.describe(err))}}
	}
	resp, err := e.call(ctx, http.MethodGet, "/models", nil)
	if err != nil {
		return fail(err)
	}
	defer resp.Body.Close()
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxReply)).Decode(&list); err != nil {
		return fail(fmt.Errorf("the list is no JSON: %w", err))
	}
	var all []Model
	for _, m := range list.Data {
		if m.ID != "" {
			all = append(all, Model{Ref: endpointPrefix + safetext.Line(m.ID), ID: m.ID, Name: safetext.Line(m.ID) + " at " + e.base.Host, Kind: Hosted, Converse: true})
		}
	}
	slices.SortFunc(all, func(a, b Model) int { return strings.Compare(a.Ref, b.Ref) })
	return all
}

// describe says what went wrong with a request to the endpoint, "" when the error
// is none of its.
func (e *Endpoint) describe(err error) string {
	var told *EndpointError
	if errors.As(err, &told) {
		switch told.ErrorCode() {
		case "UnrecognizedClientException":
			return fmt.Sprintf("%s does not accept the key in OPENAI_API_KEY (%s)", e.base.Host, told.Message)
		case "ResourceNotFoundException":
			return fmt.Sprintf("%s does not know this address or model; OPENAI_BASE_URL ends in /v1 with most servers (%s)", e.base.Host, told.Message)
		}
		return ""
	}
	if unreached := new(url.Error); errors.As(err, &unreached) {
		return fmt.Sprintf("%s cannot be reached: %v; OPENAI_BASE_URL says where it is", e.base.Host, unreached.Err)
	}
	if e.fault != nil && errors.Is(err, e.fault) {
		return e.fault.Error()
	}
	return ""
}

// lost reports whether a connection broke in a way that the next may not.
func lost(err error) bool {
	var unreached *url.Error
	return errors.As(err, &unreached) && !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, context.Canceled)
}

// endpointBody is the body of a chat completion.
type endpointBody struct {
	Model string `json:"model"`
	invokeBody
	Stream  bool           `json:"stream,omitempty"`
	Options *streamOptions `json:"stream_options,omitempty"`
}

type streamOptions struct {
	Usage bool `json:"include_usage"`
}

// completion is the body that asks for the whole answer at once, or for a stream.
func (p prepared) completion(model string, stream bool) ([]byte, error) {
	b := endpointBody{Model: model, invokeBody: p.ask}
	if stream {
		b.Stream, b.Options = true, &streamOptions{true}
	}
	return encode(b)
}

var errNoEndpoint = errors.New("no endpoint is named; OPENAI_BASE_URL names one")

// endpoint streams one answer.
func (r *streamRun) endpoint(ctx context.Context, p prepared) error {
	e := r.service.cfg.Endpoint
	if e == nil {
		return errNoEndpoint
	}
	body, err := p.completion(r.model.ID, true)
	if err != nil {
		return err
	}
	resp, err := e.call(ctx, http.MethodPost, "/chat/completions", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxReply)
	for lines.Scan() {
		r.alive()
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data:"))
		if !ok {
			continue // comments keep the connection open; events have no other lines here
		}
		data = bytes.TrimSpace(data)
		if string(data) == "[DONE]" {
			return nil
		}
		var failed struct {
			Error *struct {
				Message string `json:"message"`
			} `json:"error"`
		}
		if json.Unmarshal(data, &failed) == nil && failed.Error != nil {
			return &EndpointError{http.StatusInternalServerError, safetext.Line(failed.Error.Message)}
		}
		got, err := parseReply(data)
		if err != nil {
			if r.garbage == nil {
				r.garbage = err
			}
			continue
		}
		if err := r.take(got); err != nil {
			return err
		}
	}
	return lines.Err()
}

// endpointOnce asks for the whole answer.
func (s *Service) endpointOnce(ctx context.Context, m Model, p prepared) (Reply, error) {
	e := s.cfg.Endpoint
	if e == nil {
		return Reply{}, errNoEndpoint
	}
	body, err := p.completion(m.ID, false)
	if err != nil {
		return Reply{}, err
	}
	resp, err := e.call(ctx, http.MethodPost, "/chat/completions", body)
	if err != nil {
		return Reply{}, err
	}
	defer resp.Body.Close()
	doc, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return Reply{}, fmt.Errorf("the connection broke: %w", err)
	}
	got, err := parseReply(doc)
	if err != nil {
		return Reply{}, err
	}
	if got.shape == "" {
		return Reply{}, unknownShape(doc)
	}
	return Reply{Shape: got.shape, Text: got.text, StopReason: got.stop, InputTokens: got.input, OutputTokens: got.output}, nil
}
