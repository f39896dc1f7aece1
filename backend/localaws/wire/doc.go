// Package wire is what every service of the local account needs of the AWS
// wire protocols: signature checks, request bodies, resolving which operation
// of which service is meant, validation against the service models, the
// answers and errors of each protocol, event streams, and a transport that
// calls the account without a socket.
//
// It knows no service's behaviour: what a training job or a bucket is belongs
// to the packages that register handlers on a [Mux]. It shares no types with
// the workbench's services; they meet it through an SDK client only.
//
// The service descriptions under models come from botocore and keep its
// licence (see models/NOTICE).
package wire

// The services that the local account has, named as their endpoints are.
const (
	STS            = "sts"
	S3             = "s3"
	SageMaker      = "sagemaker"
	Logs           = "logs"
	Bedrock        = "bedrock"
	BedrockRuntime = "bedrock-runtime"
)

// Who the caller of the local account is.
const (
	// AccountID is the twelve-digit number of the local account.
	AccountID = "000000000000"
	// UserARN names the one user that the access key belongs to.
	UserARN = "arn:aws:iam::" + AccountID + ":user/local"
	// UserID is that user's unique id.
	UserID = "AIDALOCALLOCALLOCAL0"
)
