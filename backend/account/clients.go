package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"tunebench/backend/account/awserror"
)

const (
	// appID shows in the User-Agent of every request.
	appID = "tunebench"
	// localEndpoint is https, so that requests look as they do against AWS, and
	// ends in .invalid, so that none can ever leave the machine.
	localEndpoint = "https://local.invalid"
	// dialTimeout bounds connecting only. A whole request has no timeout: one
	// would cut streams.
	dialTimeout = 10 * time.Second
)

// build makes the clients.
func (a *Account) build(cfg aws.Config) {
	if a.config.Account.ReadOnly {
		cfg.APIOptions = append(cfg.APIOptions, readOnly)
	}
	a.sagemaker = sagemaker.NewFromConfig(cfg)
	a.bedrock = bedrock.NewFromConfig(cfg)
	a.runtime = bedrockruntime.NewFromConfig(cfg)
	a.logs = cloudwatchlogs.NewFromConfig(cfg)
	a.sts = sts.NewFromConfig(cfg)
	a.s3 = s3.NewFromConfig(cfg, func(o *s3.Options) {
		// A custom endpoint rarely has a name for every bucket.
		o.UsePathStyle = o.UsePathStyle || o.BaseEndpoint != nil
		o.DisableLogOutputChecksumValidationSkipped = true
	})
}

// loadAWS reads the SDK's configuration as the AWS command line does.
func loadAWS(ctx context.Context, o Options) (aws.Config, string, error) {
	profile := cmp.Or(o.Profile, o.Config.Account.Profile)
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithLogger(sdkLogger{o.Logger}), // the default one writes to stderr
		awsconfig.WithAppID(appID),
	}
	if profile != "" {
		options = append(options, awsconfig.WithSharedConfigProfile(profile))
	}
	if region := cmp.Or(o.Region, o.Config.Account.Region); region != "" {
		options = append(options, awsconfig.WithRegion(region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, "", err
	}
	profile = cmp.Or(profile, os.Getenv("AWS_PROFILE"))
	if cfg.Region == "" {
		return aws.Config{}, "", &aws.MissingRegionError{}
	}
	// Set after loading: with a client of our own, loading fails when
	// AWS_CA_BUNDLE is set.
	client := cfg.HTTPClient
	if b, ok := client.(*awshttp.BuildableClient); ok {
		client = b.WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout })
	}
	if client == nil {
		client = awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout })
	}
	cfg.HTTPClient = plainBodies{client}
	if cfg.Credentials != nil {
		cfg.Credentials = aws.NewCredentialsCache(namedProvider{cfg.Credentials, profile})
	}
	return cfg, profile, nil
}

// awsConfig is built by hand: nothing of the user's AWS environment, profiles
// or instance metadata may touch the local account.
func (s *session) awsConfig(logger *slog.Logger) aws.Config {
	endpoint := localEndpoint
	return aws.Config{
		Region:                     localRegion,
		Credentials:                aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(s.key.AccessKeyID, s.key.SecretAccessKey, "")),
		BaseEndpoint:               &endpoint,
		HTTPClient:                 plainBodies{&http.Client{Transport: s}},
		AppID:                      appID,
		Logger:                     sdkLogger{logger},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 500 * time.Millisecond })
		},
	}
}

func (a *Account) makeBucket(ctx context.Context) error {
	_, err := a.s3.CreateBucket(context.WithValue(ctx, setup{}, true), &s3.CreateBucketInput{Bucket: aws.String(localBucket)})
	var mine *s3types.BucketAlreadyOwnedByYou
	if errors.As(err, &mine) || awserror.KindOf(err) == awserror.Exists {
		return nil
	}
	return err
}

// plainBodies hides io.WriterTo of request bodies. With it, an answer that
// starts before the request's body was closed loses its connection: the SDK's
// body reports the close as a write error.
type plainBodies struct{ client aws.HTTPClient }

func (c plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r2 := *r
		r2.Body = struct{ io.ReadCloser }{r.Body}
		r = &r2
	}
	return c.client.Do(r)
}

// namedProvider says which profile's credentials could not be got.
type namedProvider struct {
	aws.CredentialsProvider
	profile string
}

func (p namedProvider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := p.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &awserror.CredentialsError{Profile: p.profile, Err: err}
	}
	return c, err
}

// sdkLogger sends the SDK's log lines to slog.
type sdkLogger struct{ to *slog.Logger }

func (l sdkLogger) Logf(c logging.Classification, format string, v ...any) {
	level := slog.LevelDebug
	if c == logging.Warn {
		level = slog.LevelWarn
	}
	if l.to.Enabled(context.Background(), level) {
		l.to.Log(context.Background(), level, "aws sdk", "message", fmt.Sprintf(format, v...))
	}
}
