// Package awserror turns the errors of the AWS SDK into sentences that say what
// happened and what to do.
//
// What belongs here: which error of which service means what to a user. What
// does not: building clients (account) and deciding whether to try again (the
// SDK's retryer and each service's own loops).
package awserror

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"

	"tunebench/backend/safetext"
)

// Kind says what sort of error it is, for those who act on it.
type Kind string

// The kinds of error. Other is any that has no kind of its own.
const (
	Profile     Kind = "profile"     // no such profile
	Credentials Kind = "credentials" // none, or refused
	Expired     Kind = "expired"     // credentials or SSO session
	Denied      Kind = "denied"
	Throttled   Kind = "throttled"
	Unreachable Kind = "unreachable" // the endpoint does not answer
	Region      Kind = "region"      // none is set
	NotFound    Kind = "not found"
	Exists      Kind = "exists"
	Invalid     Kind = "invalid"
	Quota       Kind = "quota"
	Full        Kind = "full"        // the disk behind the service
	Unavailable Kind = "unavailable" // the service failed
	ReadOnly    Kind = "read-only"   // not sent, because it would change something
	Other       Kind = "other"
)

// Error is an explained error. Its text is one clean sentence or two; the
// SDK's error is behind Unwrap.
type Error struct {
	Kind Kind
	Text string
	Err  error
}

func (e *Error) Error() string { return e.Text }

// Unwrap returns the error that is explained.
func (e *Error) Unwrap() error { return e.Err }

// CredentialsError says which profile was asked for credentials in vain.
type CredentialsError struct {
	Profile string
	Err     error
}

func (e *CredentialsError) Error() string { return e.Err.Error() }

// Unwrap returns the provider's error.
func (e *CredentialsError) Unwrap() error { return e.Err }

// KindOf returns the kind of an error, explained or not; "" for nil.
func KindOf(err error) Kind {
	var e *Error
	if err == nil {
		return ""
	}
	if errors.As(Explain(err), &e) {
		return e.Kind
	}
	return Other
}

// ReadOnlyError says that a request was not sent because it would have changed
// something.
type ReadOnlyError struct {
	Service, Operation string
}

func (e *ReadOnlyError) Error() string {
	return fmt.Sprintf("%s of %s changes the account, so it was not sent: this is a read-only session; start without --read-only (account.read_only in the configuration) to do it", e.Operation, e.Service)
}

// Explain says in words what an error of the SDK means. nil, cancellation,
// what is explained already and what is not the SDK's come back as they are.
func Explain(err error) error {
	var done *Error
	if err == nil || errors.Is(err, context.Canceled) || errors.As(err, &done) || !fromSDK(err) {
		return err
	}
	var kept *ReadOnlyError
	if errors.As(err, &kept) {
		return &Error{Kind: ReadOnly, Text: kept.Error(), Err: err}
	}
	kind, text := explain(err)
	return &Error{Kind: kind, Text: safetext.Redact(safetext.Line(text)), Err: err}
}

// fromSDK reports whether an error came out of a request or of its preparation.
func fromSDK(err error) bool {
	var (
		op      *smithy.OperationError
		api     smithy.APIError
		creds   *CredentialsError
		profile config.SharedConfigProfileNotExistError
		region  *aws.MissingRegionError
		resp    *awshttp.ResponseError
		dns     *net.DNSError
		dial    *net.OpError
	)
	return errors.As(err, &op) || errors.As(err, &api) || errors.As(err, &creds) || errors.As(err, &profile) || errors.As(err, &region) ||
		errors.As(err, &resp) || errors.As(err, &dns) || errors.As(err, &dial) && dial.Op != "listen"
}

func explain(err error) (Kind, string) {
	profile, flag := profileOf(err)
	var noProfile config.SharedConfigProfileNotExistError
	if errors.As(err, &noProfile) {
		return Profile, fmt.Sprintf("there is no AWS profile %q in the AWS configuration files; `aws configure list-profiles` lists those there are, `aws configure%s` makes one",
			noProfile.Profile, " --profile "+noProfile.Profile)
	}
	// The API's own answer comes first: a refused credential is one too.
	var api smithy.APIError
	if errors.As(err, &api) {
		if kind, text := explainAPI(err, api, profile, flag); kind != "" {
			return kind, text
		}
	}
	if kind, text := explainCredentials(err, profile, flag); kind != "" {
		return kind, text
	}
	if kind, text := explainNetwork(err); kind != "" {
		return kind, text
	}
	var resp *awshttp.ResponseError
	if errors.As(err, &resp) {
		return statusKind(resp.HTTPStatusCode()), fmt.Sprintf("%sthe endpoint answered %d %s in a form that is not AWS's; check AWS_ENDPOINT_URL and any proxy",
			operation(err), resp.HTTPStatusCode(), http.StatusText(resp.HTTPStatusCode()))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Unreachable, operation(err) + "the answer took too long; try again"
	}
	return Other, err.Error()
}

func profileOf(err error) (name, flag string) {
	var c *CredentialsError
	if errors.As(err, &c) && c.Profile != "" {
		return fmt.Sprintf(" of profile %q", c.Profile), " --profile " + c.Profile
	}
	return "", ""
}

// operation is "SageMaker CreateTrainingJob: ", or "" when it is not known.
func operation(err error) string {
	var op *smithy.OperationError
	if errors.As(err, &op) {
		return op.Service() + " " + op.Operation() + ": "
	}
	return ""
}

func explainAPI(err error, api smithy.APIError, profile, flag string) (Kind, string) {
	op, message := operation(err), strings.TrimSpace(api.ErrorMessage())
	code := api.ErrorCode()
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired":
		return Expired, fmt.Sprintf("the AWS credentials%s have expired; get new ones (`aws sso login%s`, `aws login%s`, or new keys) and try again", profile, flag, flag)
	case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure":
		return Credentials, fmt.Sprintf("AWS does not know the access key%s (%s); check it with `aws sts get-caller-identity%s`", profile, code, flag)
	case "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException":
		return Credentials, fmt.Sprintf("AWS refused the signature%s: the secret key is wrong, or this machine's clock is (%s)", profile, message)
	case "RequestTimeTooSkewed":
		return Credentials, "AWS refused the request because this machine's clock is wrong; set the time and try again"
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess", "Forbidden":
		return Denied, op + "access denied" + because(message) + "; ask for this permission, or choose another profile or role"
	case "OptInRequired":
		return Denied, op + "the account is not signed up for this service in this Region" + because(message)
	case "ResourceNotFound", "ResourceNotFoundException", "NoSuchKey", "NoSuchBucket", "NotFound", "NoSuchEntity":
		return NotFound, op + "not found" + because(message)
	case "ResourceInUse", "ConflictException", "BucketAlreadyExists", "BucketAlreadyOwnedByYou":
		return Exists, op + "it exists already" + because(message)
	case "ResourceLimitExceeded", "ServiceQuotaExceededException", "LimitExceededException":
		return Quota, op + "a quota is used up" + because(message) + "; ask for more in the Service Quotas console, or wait until other work ends"
	}
	if isThrottle(code) {
		return Throttled, op + "AWS is throttling requests (" + code + "); wait a little and try again"
	}
	if text := strings.ToLower(message); strings.Contains(text, "no space left") || strings.Contains(text, "disk quota exceeded") {
		return Full, op + "the disk is full" + because(message) + "; free some space and try again"
	}
	// SageMaker says "not found" in its own way, and so does moto.
	if text := strings.ToLower(message); code == "ValidationException" && (strings.Contains(text, "not found") || strings.Contains(text, "could not find")) {
		return NotFound, op + "not found: " + message
	}
	var resp *awshttp.ResponseError
	if errors.As(err, &resp) {
		switch kind := statusKind(resp.HTTPStatusCode()); kind {
		case Unavailable:
			return kind, op + "the service failed (" + code + because(message) + "); try again later"
		case Denied:
			return kind, op + "access denied (" + code + ")" + because(message)
		case NotFound:
			return kind, op + "not found" + because(message)
		}
	}
	switch code {
	case "ValidationException", "ValidationError", "InvalidParameterException", "InvalidRequest", "MalformedInput":
		return Invalid, op + "the request was refused" + because(message)
	}
	return Other, op + code + because(message)
}

// maxMessage bounds what is shown of a service's message; some list hundreds of
// allowed values.
const maxMessage = 400

func because(message string) string {
	if message == "" {
		return ""
	}
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + " …"
	}
	return ": " + strings.TrimSuffix(message, ".")
}

func isThrottle(code string) bool {
	switch code {
	case "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException", "TooManyRequestsException",
		"RequestLimitExceeded", "BandwidthLimitExceeded", "SlowDown", "PriorRequestNotComplete", "EC2ThrottledException", "ProvisionedThroughputExceededException":
		return true
	}
	return false
}

func statusKind(status int) Kind {
	switch {
	case status == http.StatusTooManyRequests:
		return Throttled
	case status >= 500:
		return Unavailable
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return Denied
	case status == http.StatusNotFound:
		return NotFound
	}
	return Other
}

// explainCredentials is for errors of getting credentials, which are known by
// their words more than by their types.
func explainCredentials(err error, profile, flag string) (Kind, string) {
	text := strings.ToLower(err.Error())
	var sso *ssocreds.InvalidTokenError
	var missingRegion *aws.MissingRegionError
	switch {
	case errors.As(err, &sso), strings.Contains(text, "sso token"), strings.Contains(text, "sso") && strings.Contains(text, "token"):
		return Expired, fmt.Sprintf("the SSO session%s has ended or was never begun; run `aws sso login%s` and try again", profile, flag)
	case errors.As(err, &missingRegion), strings.Contains(text, "missing region"), strings.Contains(text, "not resolve endpoint") && strings.Contains(text, "region"),
		strings.Contains(text, "endpoint rule error") && strings.Contains(text, "region"):
		return Region, "no AWS Region is set; give --region, set AWS_REGION, or set one in the profile or the configuration file"
	case strings.Contains(text, "imds"), strings.Contains(text, "no valid providers"), strings.Contains(text, "static credentials are empty"):
		return Credentials, fmt.Sprintf("no AWS credentials were found%s; give --profile, or set them up with `aws configure`, `aws sso login` or `aws login`", profile)
	}
	var c *CredentialsError
	if errors.As(err, &c) {
		if kind, text := explainNetwork(err); kind != "" {
			return kind, text
		}
		return Credentials, fmt.Sprintf("the AWS credentials%s could not be got: %v; check with `aws sts get-caller-identity%s`", profile, c.Err, flag)
	}
	return "", ""
}

func explainNetwork(err error) (Kind, string) {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return Unreachable, fmt.Sprintf("%sthe host %s cannot be found; check the network, the Region and AWS_ENDPOINT_URL", operation(err), dns.Name)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		where := "the endpoint"
		if op.Addr != nil {
			where = op.Addr.String()
		}
		return Unreachable, fmt.Sprintf("%s%s does not answer (%v); check the network, any proxy and AWS_ENDPOINT_URL", operation(err), where, op.Err)
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return Unreachable, operation(err) + "the endpoint did not answer in time; check the network and try again"
	}
	if strings.Contains(err.Error(), "request send failed") {
		return Unreachable, operation(err) + "the request could not be sent: " + lastCause(err)
	}
	return "", ""
}

// lastCause is the text of the innermost error.
func lastCause(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
