package awserror

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func api(status int, code, message string) error {
	return &smithy.OperationError{ServiceID: "SageMaker", OperationName: "CreateTrainingJob", Err: &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
			Err: &smithy.GenericAPIError{Code: code, Message: message}}}}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind Kind
		want string
	}{
		{config.SharedConfigProfileNotExistError{Profile: "dev"}, Profile, `no AWS profile "dev"`},
		{api(403, "ExpiredTokenException", "The security token included in the request is expired"), Expired, "have expired"},
		{&CredentialsError{"dev", &ssocreds.InvalidTokenError{}}, Expired, "aws sso login --profile dev"},
		{&CredentialsError{"dev", errors.New("failed to read cached SSO token file, open x: no such file")}, Expired, "aws sso login --profile dev"},
		{&CredentialsError{"", errors.New("no EC2 IMDS role found")}, Credentials, "no AWS credentials were found"},
		{api(400, "AccessDeniedException", "User: arn:x is not authorized to perform: sagemaker:CreateTrainingJob."), Denied, "not authorized to perform: sagemaker:CreateTrainingJob; ask"},
		{api(400, "ThrottlingException", "Rate exceeded"), Throttled, "throttling"},
		{api(403, "InvalidClientTokenId", "x"), Credentials, "does not know the access key"},
		{api(403, "SignatureDoesNotMatch", "x"), Credentials, "refused the signature"},
		{api(400, "ValidationException", "Requested resource not found."), NotFound, "not found"},
		{api(400, "ValidationException", "1 validation error"), Invalid, "refused: 1 validation error"},
		{api(400, "ResourceInUse", "Training job names must be unique"), Exists, "exists already"},
		{api(400, "ResourceLimitExceeded", "0 instances"), Quota, "Service Quotas"},
		{api(500, "InternalFailure", "x"), Unavailable, "the service failed"},
		{api(500, "InternalError", "write x: no space left on device"), Full, "the disk is full: write x"},
		{&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5000}, Err: errors.New("connection refused")}, Unreachable, "127.0.0.1:5000 does not answer"},
		{&net.DNSError{Name: "api.sagemaker.mars-1.amazonaws.com", Err: "no such host"}, Unreachable, "api.sagemaker.mars-1.amazonaws.com cannot be found"},
		{&smithy.OperationError{ServiceID: "S3", OperationName: "X", Err: errors.New("a\x1b[31mb")}, Other, "ab"},
	} {
		// As the SDK does, errors come wrapped.
		got := Explain(fmt.Errorf("operation: %w", c.err))
		if !strings.Contains(got.Error(), c.want) || KindOf(got) != c.kind || !errors.Is(got, c.err) && errors.Unwrap(got) == nil {
			t.Errorf("%v\n got %s: %s\nwant %s: %s", c.err, KindOf(got), got, c.kind, c.want)
		}
		if again := Explain(got); again != got {
			t.Errorf("explained twice: %v", again)
		}
	}
	if plain := errors.New("there is no file lesson-tokens.jsonl"); Explain(plain) != plain {
		t.Error("an error that is not the SDK's changed")
	}
	if Explain(nil) != nil || !errors.Is(Explain(context.Canceled), context.Canceled) {
		t.Error("nil or cancellation changed")
	}
}
