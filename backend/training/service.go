package training

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"tunebench/backend/account/awserror"
	"tunebench/backend/artifact"
	"tunebench/backend/config"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
)

// Config is what the service works with.
type Config struct {
	SageMaker *sagemaker.Client
	Logs      *cloudwatchlogs.Client
	S3        *s3.Client
	Store     *store.Store

	// Bucket takes data and artifacts; RoleARN is the role of training jobs.
	Bucket, RoleARN string
	// BaseModel is the model that training starts from.
	BaseModel string
	// Bills says that training costs money, so that plans carry an estimate.
	Bills    bool
	Defaults config.Training
	Prices   config.Prices
	// Container holds the code that runs inside the job; nil when this build
	// has none. SmallBase needs none.
	Container fs.FS
	// Tokenizer loads the tokenizer that plans count with; nil lets them estimate.
	Tokenizer     func() (*artifact.Tokenizer, error)
	TokenizerName string
	// AccountID asks for the account's number; nil when it is not to be asked.
	AccountID func(context.Context) (string, error)
	// Own holds the user's own presets.
	Own PresetFolder
	// LogDir keeps the logs that were read, so that each is read once; "" keeps
	// none.
	LogDir string
	// KeepLogs bounds what is kept there.
	KeepLogs KeepLogs
	// AccountName and Region are what jobs are recorded under in the store.
	AccountName, Region string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Service is the training service. Its methods are safe for concurrent use.
type Service struct {
	c      Config
	logs   limiter
	counts counts
	checks checks
	tidied sync.Once
}

// New returns the service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Service{c: c}
	if c.Bills {
		s.logs.every = 500 * time.Millisecond // of 5 a second for the whole account
	}
	return s
}

// maxListed bounds how many jobs Jobs returns.
const maxListed = 500

// Jobs lists the account's training jobs, newest first, at most 500.
func (s *Service) Jobs(ctx context.Context) ([]Job, error) {
	known := map[string]store.TrainingJob{}
	stored, err := s.c.Store.TrainingJobs(ctx, s.c.AccountName, s.c.Region)
	if err != nil {
		return nil, err
	}
	for _, j := range stored {
		known[j.Name] = j
	}
	var jobs []Job
	pages := sagemaker.NewListTrainingJobsPaginator(s.c.SageMaker, &sagemaker.ListTrainingJobsInput{
		MaxResults: aws.Int32(100), SortBy: types.SortByCreationTime, SortOrder: types.SortOrderDescending})
	for pages.HasMorePages() && len(jobs) < maxListed {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, awserror.Explain(err)
		}
		for _, t := range page.TrainingJobSummaries {
			j := Job{
				Name: safetext.Line(aws.ToString(t.TrainingJobName)), ARN: safetext.Line(aws.ToString(t.TrainingJobArn)),
				Status: safetext.Line(string(t.TrainingJobStatus)), SecondaryStatus: safetext.Line(string(t.SecondaryStatus)),
				Created: aws.ToTime(t.CreationTime), Ended: aws.ToTime(t.TrainingEndTime),
			}
			if k, ok := known[j.Name]; ok {
				j.remember(k)
			}
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}

// Job describes one training job.
func (s *Service) Job(ctx context.Context, name string) (Job, error) {
	out, err := s.c.SageMaker.DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: &name})
	if err != nil {
		if awserror.KindOf(err) == awserror.NotFound {
			return Job{}, &NotFoundError{Name: safetext.Line(name), Err: err}
		}
		return Job{}, awserror.Explain(err)
	}
	j := describe(out)
	j.Spent = s.spent(j)
	known, err := s.c.Store.TrainingJob(ctx, s.c.AccountName, s.c.Region, name)
	if err == nil {
		j.remember(known)
	} else if !errors.Is(err, store.ErrNotFound) {
		return j, err
	}
	return j, nil
}

// NotFoundError says that there is no such training job.
type NotFoundError struct {
	Name string
	Err  error
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("there is no training job %q in this account and Region; `train list` shows those there are", e.Name)
}

// Unwrap returns the service's answer.
func (e *NotFoundError) Unwrap() error { return e.Err }

// Stop asks a job to stop: it keeps what it has trained so far. Its status is
// Stopping until it has.
func (s *Service) Stop(ctx context.Context, name string) error {
	_, err := s.c.SageMaker.StopTrainingJob(ctx, &sagemaker.StopTrainingJobInput{TrainingJobName: &name})
	if err == nil {
		return nil
	}
	if awserror.KindOf(err) == awserror.NotFound {
		return &NotFoundError{Name: safetext.Line(name), Err: err}
	}
	// A job that has ended in the meantime needs no stopping.
	if j, jobErr := s.Job(ctx, name); jobErr == nil && j.Done() {
		return fmt.Errorf("the training job %q has ended already (%s)", j.Name, j.Status)
	}
	return awserror.Explain(err)
}

// describe turns SageMaker's description into ours.
func describe(out *sagemaker.DescribeTrainingJobOutput) Job {
	line := safetext.Line
	j := Job{
		Name: line(aws.ToString(out.TrainingJobName)), ARN: line(aws.ToString(out.TrainingJobArn)),
		Status: line(string(out.TrainingJobStatus)), SecondaryStatus: line(string(out.SecondaryStatus)),
		FailureReason: safetext.Redact(safetext.Text(aws.ToString(out.FailureReason))),
		Created:       aws.ToTime(out.CreationTime), Started: aws.ToTime(out.TrainingStartTime), Ended: aws.ToTime(out.TrainingEndTime),
		Preset: line(out.HyperParameters[paramPreset]), PromptFormat: line(out.HyperParameters[paramFormat]),
		BaseModel: line(out.HyperParameters[paramBase]), Dataset: line(out.HyperParameters[paramDataset]),
	}
	if out.ModelArtifacts != nil {
		j.Artifact = line(aws.ToString(out.ModelArtifacts.S3ModelArtifacts))
	}
	if out.ResourceConfig != nil {
		j.Instance = line(string(out.ResourceConfig.InstanceType))
		j.InstanceCount = int(aws.ToInt32(out.ResourceConfig.InstanceCount))
	}
	j.BillableSeconds = int(aws.ToInt32(out.BillableTimeInSeconds))
	j.Spot = aws.ToBool(out.EnableManagedSpotTraining)
	for _, t := range out.SecondaryStatusTransitions {
		j.Phases = append(j.Phases, Phase{Status: line(string(t.Status)), Message: line(aws.ToString(t.StatusMessage)),
			Start: aws.ToTime(t.StartTime), End: aws.ToTime(t.EndTime)})
	}
	return j
}

// remember adds what the store knows. It knows the dataset's path, where the
// job itself has only its name.
func (j *Job) remember(k store.TrainingJob) {
	j.Dataset, j.BaseModel, j.PromptFormat, j.Preset = safetext.Line(k.Dataset), k.BaseModel, k.PromptFormat, k.Preset
}
