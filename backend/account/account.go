// Package account opens the account in which work is done: the local one, or
// AWS by the SDK's default chain. It is the only place that builds SDK clients,
// and the only one that knows which of the two is behind them.
//
// What belongs here: credentials, endpoints, the SDK's settings and traps, who
// owns the local account, and turning AWS errors into sentences. What does not:
// anything that an account is used for.
package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"tunebench/backend/account/awserror"
	"tunebench/backend/config"
	"tunebench/backend/localaws"
	"tunebench/backend/safetext"
)

// Names of accounts.
const (
	Local = "local"
	AWS   = "aws"
)

// What the local account has where an AWS account's configuration names things.
const (
	localRegion       = localaws.Region
	localBucket       = "tunebench-local"
	localRole         = "arn:aws:iam::" + localaws.AccountID + ":role/tunebench-local"
	localBaseModel    = localaws.BaseModelID
	localTrainingBase = localaws.TrainingBase
)

// Options say which account to open and how.
type Options struct {
	// Name is "local" or "aws"; "" takes the configuration's, then "local".
	Name string
	// Profile and Region choose among AWS accounts; "" leaves it to the
	// configuration and then to the SDK. The local account ignores them.
	Profile, Region string
	Paths           config.Paths
	Config          config.Config
	// Logger gets what the SDK and the local account log; nil drops it.
	Logger *slog.Logger
	// NoBackground leaves paused jobs for the next Open instead of starting a
	// process that goes on with them.
	NoBackground bool

	// open replaces the local account in tests.
	open func(context.Context, localOptions) (localAccount, error)
	// spawn replaces the start of a background process in tests.
	spawn func(home string) error
}

// Account is an open account with one client for each service. Its methods are
// safe for concurrent use.
type Account struct {
	name, region, profile, endpoint string
	config                          config.Config
	local                           *session // nil for AWS

	sagemaker *sagemaker.Client
	bedrock   *bedrock.Client
	runtime   *bedrockruntime.Client
	logs      *cloudwatchlogs.Client
	s3        *s3.Client
	sts       *sts.Client
}

// Identity is who the account says we are.
type Identity struct {
	Account string // twelve digits
	ARN     string
}

// Open opens an account. For the local one this process becomes its owner, or
// a client of the process that is. For AWS nothing is sent yet.
func Open(ctx context.Context, o Options) (*Account, error) {
	o.Name = cmp.Or(o.Name, o.Config.Account.Name, Local)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	switch o.Name {
	case Local:
		return openLocal(ctx, o)
	case AWS:
		return openAWS(ctx, o)
	}
	return nil, fmt.Errorf("there is no account %q; choose local or aws", safetext.Line(o.Name))
}

func openLocal(ctx context.Context, o Options) (*Account, error) {
	s, err := openSession(ctx, o)
	if err != nil {
		return nil, err
	}
	a := &Account{name: Local, region: localRegion, config: o.Config, local: s}
	a.build(s.awsConfig(o.Logger))
	if err := a.makeBucket(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("make the local account's bucket: %w", awserror.Explain(err)), s.close(ctx))
	}
	return a, nil
}

func openAWS(ctx context.Context, o Options) (*Account, error) {
	cfg, profile, err := loadAWS(ctx, o)
	if err != nil {
		if explained := awserror.Explain(err); explained != err {
			return nil, explained
		}
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	a := &Account{name: AWS, region: cfg.Region, profile: profile, endpoint: aws.ToString(cfg.BaseEndpoint), config: o.Config}
	a.build(cfg)
	return a, nil
}

// Close ends the account's use. The owner of the local account pauses jobs that
// run and hands them to a process in the background.
func (a *Account) Close(ctx context.Context) error {
	if a.local == nil {
		return nil
	}
	return a.local.close(ctx)
}

// Name is "local" or "aws".
func (a *Account) Name() string { return a.name }

// Region is the Region in which work is done.
func (a *Account) Region() string { return a.region }

// Profile is the AWS profile in use; "" for the default chain and locally.
func (a *Account) Profile() string { return a.profile }

// Endpoint is the URL that replaces AWS's endpoints; "" when none does.
func (a *Account) Endpoint() string { return a.endpoint }

// Bills reports whether work in this account costs money.
func (a *Account) Bills() bool { return a.local == nil }

// Identity asks the account who we are.
func (a *Account) Identity(ctx context.Context) (Identity, error) {
	out, err := a.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Identity{}, awserror.Explain(err)
	}
	return Identity{Account: safetext.Line(aws.ToString(out.Account)), ARN: safetext.Line(aws.ToString(out.Arn))}, nil
}

// Bucket is where data and artifacts go; "" when none is configured.
func (a *Account) Bucket() string { return a.pick(localBucket, a.config.Account.Bucket) }

// TrainingRole is the role that training jobs take on; "" when none is
// configured.
func (a *Account) TrainingRole() string { return a.pick(localRole, a.config.Account.TrainingRole) }

// ImportRole is the role that import jobs take on; "" when none is configured.
func (a *Account) ImportRole() string { return a.pick(localRole, a.config.Account.ImportRole) }

// BaseModelID is the foundation model that "base" names in chat and
// evaluations; "" when the account has none.
func (a *Account) BaseModelID() string { return a.pick(localBaseModel, "") }

// TrainingBase is the model that training starts from.
func (a *Account) TrainingBase() string {
	return a.pick(localTrainingBase, a.config.Training.BaseModel)
}

func (a *Account) pick(local, remote string) string {
	if a.local != nil {
		return local
	}
	return remote
}

// SageMaker returns the client of Amazon SageMaker.
func (a *Account) SageMaker() *sagemaker.Client { return a.sagemaker }

// Bedrock returns the client of Amazon Bedrock.
func (a *Account) Bedrock() *bedrock.Client { return a.bedrock }

// Runtime returns the client of Amazon Bedrock Runtime.
func (a *Account) Runtime() *bedrockruntime.Client { return a.runtime }

// Logs returns the client of Amazon CloudWatch Logs.
func (a *Account) Logs() *cloudwatchlogs.Client { return a.logs }

// S3 returns the client of Amazon S3.
func (a *Account) S3() *s3.Client { return a.s3 }

// S3In returns a client for buckets of another region.
func (a *Account) S3In(region string) *s3.Client {
	return s3.New(a.s3.Options(), func(o *s3.Options) { o.Region = region })
}

// STS returns the client of AWS STS.
func (a *Account) STS() *sts.Client { return a.sts }

// Explain says in words what an error of an SDK client means and what to do.
func Explain(err error) error { return awserror.Explain(err) }
