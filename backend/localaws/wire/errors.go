package wire

import (
	"errors"
	"fmt"
	"strings"
)

// Error is an answer that says no, as the caller sees it. Handlers return it;
// the [Mux] writes it in the protocol of the service.
type Error struct {
	// Code is AWS's error code without a namespace, such as "ValidationException".
	Code string
	// Message is shown to the user.
	Message string
	// Status is the HTTP status; 0 takes the service model's, else 400.
	Status int
	// Fields are further members of the error: JSON members, or elements of
	// an S3 error document.
	Fields map[string]any
	// Cause is kept for [errors.Is] and never sent.
	Cause error
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap returns Cause.
func (e *Error) Unwrap() error { return e.Cause }

// Errorf builds an Error; status 0 takes the service model's.
func Errorf(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Validation is the ValidationException (HTTP 400) that SageMaker and Bedrock
// answer when a request breaks a rule that no service model states.
func Validation(format string, args ...any) *Error {
	return Errorf(400, "ValidationException", format, args...)
}

// asError turns whatever a handler returned into an answer: an *Error as it
// is, everything else as the service's internal failure with the error's text,
// so that a full disk says so.
func asError(service string, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		if e.Status == 0 {
			c := *e
			c.Status = models().status(service, e.Code)
			return &c
		}
		return e
	}
	code := "InternalFailure"
	switch service {
	case Bedrock, BedrockRuntime:
		code = "InternalServerException"
	case S3:
		code = "InternalError"
	}
	return &Error{Status: 500, Code: code, Message: err.Error(), Cause: err}
}

// denied is the answer for an operation that exists in AWS and that this
// account does not have: a check that needs it can then say that it could not
// look, as with a real user who lacks the permission.
func denied(t target) *Error {
	service, action := t.service, t.operation
	if action == "" {
		action = t.asked
	}
	switch service { // permissions have name spaces of their own
	case BedrockRuntime:
		service = Bedrock
	case "monitoring":
		service = "cloudwatch"
	}
	code, status := "AccessDeniedException", 403
	switch t.protocol {
	case protoXML, protoQuery:
		code = "AccessDenied"
	case protoEC2:
		code = "UnauthorizedOperation"
	case protoJSON, protoCBOR:
		status = 400
	}
	return Errorf(status, code,
		"User: %s is not authorized to perform: %s:%s because no identity-based policy allows the %s:%s action",
		UserARN, service, action, service, action)
}

// unknownOperation is the answer for a name that no version of the service has.
func unknownOperation(t target) *Error {
	service, what := t.service, t.asked
	switch t.protocol {
	case protoQuery, protoEC2:
		return Errorf(400, "InvalidAction", "Could not find operation %s for the service %s", what, service)
	case protoXML:
		return Errorf(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	case protoREST:
		return Errorf(404, "UnknownOperationException", "The service %s has no operation at %s", service, what)
	}
	return Errorf(400, "UnknownOperationException", "The service %s has no operation %q", service, strings.TrimSpace(what))
}
