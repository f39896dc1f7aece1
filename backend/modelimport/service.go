package modelimport

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tunebench/backend/account/awserror"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
	"tunebench/backend/training"
)

// Config is what the service works with.
type Config struct {
	Bedrock *bedrock.Client
	S3      *s3.Client
	Store   *store.Store
	// SageMaker finds the artifact of a SageMaker model; nil finds none.
	SageMaker ModelDescriber
	// Training tells where a training job's artifact lies.
	Training interface {
		Job(ctx context.Context, name string) (training.Job, error)
	}
	// Bucket takes artifacts that are uploaded; RoleARN is the role of import
	// jobs.
	Bucket, RoleARN string
	// AccountName and Region are what jobs are recorded under in the store.
	AccountName, Region string
	// Bills says that an imported model costs money.
	Bills bool
	// Runs lists the architectures that the account can run, where these are
	// fewer than those that Bedrock takes; nil for all.
	Runs []string
	// ReadOnly starts nothing of the queue: what waits is left waiting.
	ReadOnly bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Service imports models. Its methods are safe for concurrent use.
type Service struct{ c Config }

// New returns the service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c: c}
}

func (s *Service) explain(err error) error { return awserror.Explain(err) }

// Jobs lists the account's import jobs and those that wait in the queue, newest
// first.
func (s *Service) Jobs(ctx context.Context) ([]Job, error) {
	jobs, err := s.list(ctx, "")
	if err != nil {
		return nil, s.explain(err)
	}
	waits, _, err := s.queue(ctx)
	if err != nil {
		return nil, err
	}
	started := map[string]bool{}
	for _, j := range jobs {
		started[j.Name] = true
	}
	waits = slices.DeleteFunc(waits, func(j Job) bool { return started[j.Name] })
	slices.Reverse(waits)
	jobs = append(waits, jobs...)
	slices.SortStableFunc(jobs, func(a, b Job) int { return b.Created.Compare(a.Created) })
	stored, err := s.c.Store.ImportJobs(ctx, s.c.AccountName, s.c.Region)
	if err != nil {
		return nil, err
	}
	known := map[string]store.ImportJob{}
	for _, k := range stored {
		known[k.Name] = k
	}
	for i := range jobs {
		jobs[i].remember(known[jobs[i].Name])
	}
	return jobs, nil
}

func (j *Job) remember(k store.ImportJob) {
	j.TrainingJob = k.TrainingJob
	if j.Source == "" {
		j.Source = k.Source
	}
}

// list reads the import jobs with one status, or all, newest first.
func (s *Service) list(ctx context.Context, status types.ModelImportJobStatus) ([]Job, error) {
	var jobs []Job
	p := bedrock.NewListModelImportJobsPaginator(s.c.Bedrock, &bedrock.ListModelImportJobsInput{
		StatusEquals: status, SortBy: types.SortJobsByCreationTime, SortOrder: types.SortOrderDescending})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range page.ModelImportJobSummaries {
			jobs = append(jobs, Job{
				Name: safetext.Line(aws.ToString(m.JobName)), ARN: safetext.Line(aws.ToString(m.JobArn)),
				Model: safetext.Line(aws.ToString(m.ImportedModelName)), ModelARN: safetext.Line(aws.ToString(m.ImportedModelArn)),
				Status: safetext.Line(string(m.Status)), Created: aws.ToTime(m.CreationTime), Ended: aws.ToTime(m.EndTime),
			})
		}
	}
	return jobs, nil
}

// Job describes one import job by its name or ARN, or one that waits in the queue
// by its name.
func (s *Service) Job(ctx context.Context, name string) (Job, error) {
	j, err := s.bedrockJob(ctx, name)
	if awserror.KindOf(err) != awserror.NotFound {
		return j, err
	}
	waits, _, qerr := s.queue(ctx)
	for _, w := range waits {
		if w.Name == name {
			return w, nil
		}
	}
	return j, errors.Join(err, qerr)
}

func (s *Service) bedrockJob(ctx context.Context, name string) (Job, error) {
	out, err := s.c.Bedrock.GetModelImportJob(ctx, &bedrock.GetModelImportJobInput{JobIdentifier: &name})
	if err != nil {
		if awserror.KindOf(err) == awserror.NotFound {
			return Job{}, fmt.Errorf("there is no import job %s; tunebench import list shows those there are: %w", safetext.Line(name), err)
		}
		return Job{}, s.explain(err)
	}
	j := Job{
		Name: safetext.Line(aws.ToString(out.JobName)), ARN: safetext.Line(aws.ToString(out.JobArn)),
		Model: safetext.Line(aws.ToString(out.ImportedModelName)), ModelARN: safetext.Line(aws.ToString(out.ImportedModelArn)),
		Status: safetext.Line(string(out.Status)), FailureMessage: safetext.Line(aws.ToString(out.FailureMessage)),
		Created: aws.ToTime(out.CreationTime), Ended: aws.ToTime(out.EndTime), Source: sourceOf(out.ModelDataSource),
	}
	stored, err := s.c.Store.ImportJobs(ctx, s.c.AccountName, s.c.Region)
	if err != nil {
		return j, err
	}
	for _, k := range stored {
		if k.Name == j.Name {
			j.remember(k)
		}
	}
	return j, nil
}

func sourceOf(d types.ModelDataSource) string {
	if m, ok := d.(*types.ModelDataSourceMemberS3DataSource); ok {
		return safetext.Line(aws.ToString(m.Value.S3Uri))
	}
	return ""
}

// Wait polls a job until it has ended, starts what stands in the queue meanwhile,
// and tells progress each state that it sees; progress may be nil. A model that
// completed is recorded with the prompt format of its training job.
func (s *Service) Wait(ctx context.Context, name string, progress func(Job)) (Job, error) {
	delay := 300 * time.Millisecond
	for {
		_, err := s.Advance(ctx)
		if err != nil && ctx.Err() == nil {
			return Job{Name: name}, err
		}
		j, err := s.Job(ctx, name)
		if err != nil {
			return j, err
		}
		if progress != nil {
			progress(j)
		}
		if j.Done() {
			return j, nil
		}
		t := time.NewTimer(delay)
		select {
		case <-ctx.Done():
			t.Stop()
			return j, fmt.Errorf("no longer waiting for import job %s, which goes on: %w", j.Name, ctx.Err())
		case <-t.C:
		}
		delay = min(delay*3/2, 15*time.Second)
	}
}

// Models lists the imported models, newest first.
func (s *Service) Models(ctx context.Context) ([]Model, error) {
	jobs, err := s.c.Store.ImportJobs(ctx, s.c.AccountName, s.c.Region)
	if err != nil {
		return nil, err
	}
	known, err := s.c.Store.Models(ctx, s.c.AccountName)
	if err != nil {
		return nil, err
	}
	byModel := map[string]store.ImportJob{}
	for _, j := range jobs {
		if _, ok := byModel[j.Model]; !ok { // newest first
			byModel[j.Model] = j
		}
	}
	var models []Model
	p := bedrock.NewListImportedModelsPaginator(s.c.Bedrock, &bedrock.ListImportedModelsInput{
		SortBy: types.SortModelsByCreationTime, SortOrder: types.SortOrderDescending})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, s.explain(err)
		}
		for _, m := range page.ModelSummaries {
			name := safetext.Line(aws.ToString(m.ModelName))
			k := byModel[name]
			if f := known[aws.ToString(m.ModelArn)].PromptFormat; f != "" {
				k.PromptFormat = f // set after the import
			}
			models = append(models, Model{
				Name: name, ARN: safetext.Line(aws.ToString(m.ModelArn)), Created: aws.ToTime(m.CreationTime),
				Architecture: safetext.Line(aws.ToString(m.ModelArchitecture)), Instruct: aws.ToBool(m.InstructSupported),
				ImportJob: k.Name, TrainingJob: k.TrainingJob, Source: k.Source, PromptFormat: k.PromptFormat,
			})
		}
	}
	return models, nil
}

// Delete removes an imported model by its name or ARN.
func (s *Service) Delete(ctx context.Context, nameOrARN string) error {
	m, err := s.c.Bedrock.GetImportedModel(ctx, &bedrock.GetImportedModelInput{ModelIdentifier: &nameOrARN})
	if err != nil {
		if awserror.KindOf(err) == awserror.NotFound {
			return fmt.Errorf("there is no imported model %s; tunebench import models shows those there are: %w", safetext.Line(nameOrARN), err)
		}
		return s.explain(err)
	}
	if _, err := s.c.Bedrock.DeleteImportedModel(ctx, &bedrock.DeleteImportedModelInput{ModelIdentifier: m.ModelArn}); err != nil {
		return s.explain(err)
	}
	return s.c.Store.DeleteModel(ctx, s.c.AccountName, s.c.Region, aws.ToString(m.ModelArn), aws.ToString(m.ModelName))
}

var notInName = regexp.MustCompile(`[^0-9a-zA-Z]+`)

// maxName is the longest name that a model or an import job may have.
const maxName = 63

// cleanName makes a name that the import API's pattern accepts of any text.
func cleanName(text string) string {
	n := strings.Trim(notInName.ReplaceAllString(text, "-"), "-")
	if len(n) > maxName {
		n = strings.TrimRight(n[:maxName], "-")
	}
	if n == "" {
		n = "model"
	}
	return n
}

// ProposeName proposes the imported model's name for a training job.
func (s *Service) ProposeName(trainingJob string) string { return cleanName(trainingJob) }

// modelName is the pattern of an imported model's name.
var modelName = regexp.MustCompile(`\A(?:[0-9a-zA-Z][_-]?)+\z`)

func checkName(name string) error {
	if len(name) > maxName || !modelName.MatchString(name) {
		return fmt.Errorf("%q cannot be the name of an imported model: up to %d letters and digits, with single - or _ between; %q would do", safetext.Line(name), maxName, cleanName(name))
	}
	return nil
}

// BlockedError says that a preflight found a reason for the import to fail.
type BlockedError struct{ Report Report }

func (e *BlockedError) Error() string {
	var why []string
	for _, c := range e.Report.Checks {
		if c.Result == Blocks {
			why = append(why, c.Title+": "+c.Evidence)
		}
	}
	return fmt.Sprintf("%s was not imported, since the job would fail (%s)", e.Report.Source, strings.Join(why, "; "))
}

var errNoSource = errors.New("name either a training job or a source to import")
