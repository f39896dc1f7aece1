package training

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"tunebench/backend/account/awserror"
	"tunebench/backend/dataset"
	"tunebench/backend/store"
)

const (
	// outputPrefix is where jobs write: <prefix>/<job>/output/model/.
	outputPrefix = "tunebench/jobs"
)

// Names of the hyper-parameters that show where a job came from. The job
// itself reads job.json.
const (
	paramPreset  = "preset"
	paramFormat  = "prompt_format"
	paramBase    = "base_model"
	paramDataset = "dataset"
)

// ExistsError says that a training job of that name exists; Free is a name
// that does not.
type ExistsError struct{ Name, Free string }

func (e *ExistsError) Error() string {
	return fmt.Sprintf("a training job named %q exists already, and names cannot be used again; choose another one, such as %q", e.Name, e.Free)
}

// Start uploads a plan's data and configuration, creates the training job and
// remembers it. The job goes on by itself.
func (s *Service) Start(ctx context.Context, p Plan) (Job, error) {
	return s.StartProgress(ctx, p, func(dataset.Progress) {})
}

// StartProgress is Start with reports of how the upload comes along. progress
// may be called from several goroutines, one after another.
func (s *Service) StartProgress(ctx context.Context, p Plan, progress func(dataset.Progress)) (job Job, err error) {
	if err := s.ready(p); err != nil {
		return Job{}, err
	}
	if err := s.checkFree(ctx, p.Name); err != nil {
		return Job{}, err
	}
	in, inputs, config, err := s.request(ctx, p)
	if err != nil {
		return Job{}, err
	}
	u := &uploader{s: s, progress: progress}
	for _, i := range inputs {
		if err := u.input(ctx, i); err != nil {
			return Job{}, err
		}
	}
	arn, err := s.create(ctx, in)
	if err != nil {
		return Job{}, err
	}
	now := s.c.Now()
	known := store.TrainingJob{Account: s.c.AccountName, Region: s.c.Region, Name: p.Name, ARN: arn, Dataset: p.Dataset, Preset: p.Config.Preset,
		PromptFormat: p.Config.Settings.PromptFormat, BaseModel: p.Config.BaseModel, Config: string(config), Created: now}
	// The job runs from here on, whether the caller still waits or not.
	if err := s.c.Store.PutTrainingJob(context.WithoutCancel(ctx), known); err != nil {
		return Job{}, fmt.Errorf("the training job %s was started but could not be remembered here: %w", p.Name, err)
	}
	job, err = s.Job(ctx, p.Name)
	if err != nil { // it was started all the same
		job = Job{Name: p.Name, ARN: arn, Status: string(types.TrainingJobStatusInProgress), SecondaryStatus: string(types.SecondaryStatusStarting), Created: now}
		job.remember(known)
	}
	return job, nil
}

// checkFree refuses a name that is taken.
func (s *Service) checkFree(ctx context.Context, name string) error {
	taken, err := s.taken(ctx, name)
	if err != nil || !taken {
		return err
	}
	e := &ExistsError{Name: name}
	for n := 2; n < 100; n++ {
		suffix := fmt.Sprintf("-%d", n)
		free := strings.TrimRight(name[:min(len(name), maxJobName-len(suffix))], "-") + suffix
		if taken, err := s.taken(ctx, free); err != nil {
			return err
		} else if !taken {
			e.Free = free
			return e
		}
	}
	e.Free = ProposeName(name, s.c.Now())
	return e
}

func (s *Service) taken(ctx context.Context, name string) (bool, error) {
	_, err := s.c.SageMaker.DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: &name})
	switch {
	case err == nil:
		return true, nil
	case awserror.KindOf(err) == awserror.NotFound:
		return false, nil
	}
	return false, awserror.Explain(err)
}

func (s *Service) create(ctx context.Context, in *sagemaker.CreateTrainingJobInput) (arn string, err error) {
	out, err := s.c.SageMaker.CreateTrainingJob(ctx, in)
	switch awserror.KindOf(err) {
	case "":
		return aws.ToString(out.TrainingJobArn), nil
	case awserror.Exists: // somebody was faster
		if err := s.checkFree(ctx, aws.ToString(in.TrainingJobName)); err != nil {
			return "", err
		}
	}
	if err = awserror.Explain(err); roleTrouble.MatchString(err.Error()) {
		err = fmt.Errorf("%w; `tunebench train role` prints the policies that the role and you need", err)
	}
	return "", err
}

// roleTrouble is what SageMaker says of a role that it may not assume, or that
// the caller may not pass.
var roleTrouble = regexp.MustCompile(`(?i)assume (the )?role|AssumeRole|PassRole`)

// short cuts text to what a hyper-parameter may hold.
func short(text string) string {
	const most = 256
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}
