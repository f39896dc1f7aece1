package chat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"tunebench/backend/safetext"
)

// ErrorClass says what can be done about an error of a request.
type ErrorClass int

// The classes of errors.
const (
	// Other errors are about the request: the same request fails again.
	Other ErrorClass = iota
	// NotReady: the model is being loaded.
	NotReady
	// Throttled: the service asks for fewer requests.
	Throttled
	// Transient errors may be gone at the next attempt.
	Transient
	// AccessDenied and Account errors concern every request of this account or
	// to this model.
	AccessDenied
	Account
)

var (
	errCancelled = errors.New("cancelled")
	errSlowStart = errors.New("no answer came in time")
	errSilent    = errors.New("the stream went silent")
	errTooLong   = errors.New("the answer is longer than what is kept")
)

// asleepError says that a model did not wake within WakeLimit.
type asleepError struct {
	after time.Duration
	err   error
}

func (e *asleepError) Error() string { return e.err.Error() }
func (e *asleepError) Unwrap() error { return e.err }

// Classify says what can be done about an error that a request returned.
func Classify(err error) ErrorClass {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "ModelNotReadyException":
			return NotReady
		case "ThrottlingException", "TooManyRequestsException", "Throttling", "RequestLimitExceeded", "SlowDown":
			return Throttled
		case "InternalServerException", "InternalFailure", "ServiceUnavailableException", "ServiceUnavailable",
			"ModelTimeoutException", "ModelErrorException", "ModelStreamErrorException", "RequestTimeout":
			return Transient
		case "AccessDeniedException", "AccessDenied":
			return AccessDenied
		case "ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId",
			"MissingAuthenticationTokenException", "IncompleteSignature", "ResourceNotFoundException", "ServiceQuotaExceededException":
			return Account
		}
		var resp *smithyhttp.ResponseError
		if errors.As(err, &resp) && resp.HTTPStatusCode() >= http.StatusInternalServerError {
			return Transient
		}
		return Other
	}
	var signing *v4.SigningError
	var send *smithyhttp.RequestSendError
	var resp *smithyhttp.ResponseError
	switch {
	case errors.Is(err, context.Canceled):
		return Other
	case lost(err):
		return Transient
	case errors.As(err, &signing):
		return Account
	case errors.As(err, &send), errors.Is(err, errSlowStart), errors.Is(err, errSilent):
		return Transient
	case errors.As(err, &resp):
		if resp.HTTPStatusCode() >= http.StatusInternalServerError {
			return Transient
		}
		return Other
	}
	if text := err.Error(); strings.Contains(text, "get identity") || strings.Contains(text, "retrieve credentials") || strings.Contains(text, "refresh cached credentials") {
		return Account // the SDK has no type for these
	}
	return Other
}

// Describe says in a sentence what went wrong with a request to m, and what to
// do. The text is clean.
func (s *Service) Describe(m Model, err error) string {
	var api smithy.APIError
	message := ""
	code := ""
	if errors.As(err, &api) {
		code, message = api.ErrorCode(), api.ErrorMessage()
	}
	text := ""
	var asleep *asleepError
	switch {
	case errors.As(err, &asleep):
		return safetext.Line(fmt.Sprintf("%s did not wake within %s; Bedrock may have no room for it now: try again later, or look at its import job (%s)", m.Ref, asleep.after.Round(time.Second), message))
	case errors.Is(err, errSlowStart):
		return safetext.Line(fmt.Sprintf("%s did not begin to answer within %s; the request was given up: ask again, or ask for fewer tokens", m.Ref, s.cfg.FirstByte))
	}
	if e := s.cfg.Endpoint; e != nil && m.Kind == Hosted {
		if text := e.describe(err); text != "" {
			return safetext.Line(text)
		}
	}
	switch code {
	case "ModelNotReadyException":
		text = fmt.Sprintf("%s is still being loaded; try again in a few minutes (%s)", m.Ref, message)
	case "ThrottlingException", "TooManyRequestsException":
		text = fmt.Sprintf("too many requests to %s at once; wait a little and try again (%s)", m.Ref, message)
	case "ModelTimeoutException":
		text = fmt.Sprintf("%s took too long to answer; ask for fewer tokens or try again (%s)", m.Ref, message)
	case "ServiceUnavailableException", "InternalServerException":
		text = fmt.Sprintf("the service that runs %s failed; try again (%s)", m.Ref, message)
	case "ModelErrorException", "ModelStreamErrorException":
		text = fmt.Sprintf("%s failed while it answered; try again, or a shorter prompt (%s)", m.Ref, message)
	case "ResourceNotFoundException":
		text = fmt.Sprintf("%s is not there any more (%s); list the models again", m.Ref, message)
	case "ValidationException":
		text = fmt.Sprintf("%s refused the request: %s", m.Ref, message)
		if strings.Contains(message, "doesn't support the model") {
			text += " (imported without a chat template; set its prompt format)"
		}
	case "ServiceQuotaExceededException":
		text = fmt.Sprintf("a quota of the account is used up: %s", message)
	default:
		if Classify(err) == Other && code != "" {
			text = fmt.Sprintf("%s: %s: %s", m.Ref, code, message)
		} else {
			text = s.cfg.Explain(err).Error()
		}
	}
	return safetext.Line(strings.ReplaceAll(text, " ()", ""))
}
