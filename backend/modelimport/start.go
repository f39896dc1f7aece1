package modelimport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tunebench/backend/account/awserror"
	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
)

// Start checks the artifact and starts an import job. A preflight that blocks
// is a *BlockedError and nothing has been started. A local folder is uploaded
// first. The job is recorded, so that chat and evaluation use the prompt format
// that the model was trained with.
func (s *Service) Start(ctx context.Context, r Request) (Job, error) {
	source, format, err := s.resolve(ctx, r)
	if err != nil {
		return Job{}, err
	}
	name := r.Name
	if name == "" {
		if r.TrainingJob == "" {
			return Job{}, errors.New("the imported model needs a name")
		}
		if name, err = s.freeName(ctx, s.ProposeName(r.TrainingJob)); err != nil {
			return Job{}, err
		}
	}
	if err := checkName(name); err != nil {
		return Job{}, err
	}
	if r.Name != "" {
		if err := s.nameIsFree(ctx, name); err != nil {
			return Job{}, err
		}
	}
	report, err := s.Check(ctx, source)
	if err != nil {
		return Job{}, err
	}
	if !report.Importable {
		return Job{}, &BlockedError{report}
	}
	if format == "" {
		format = s.formatOf(ctx, source)
	}
	jobName := cleanName(name + "-" + s.c.Now().UTC().Format("20060102-150405"))
	if !strings.HasPrefix(source, "s3://") {
		prefix := "tunebench/artifacts/" + jobName + "/"
		if err := s.upload(ctx, source, prefix); err != nil {
			return Job{}, err
		}
		source = "s3://" + s.c.Bucket + "/" + prefix
	}
	out, err := s.c.Bedrock.CreateModelImportJob(ctx, &bedrock.CreateModelImportJobInput{
		JobName: &jobName, ImportedModelName: &name, RoleArn: &s.c.RoleARN,
		ModelDataSource: &types.ModelDataSourceMemberS3DataSource{Value: types.S3DataSource{S3Uri: &source}},
	})
	if err != nil {
		return Job{}, s.refused(name, err)
	}
	rec := store.ImportJob{Account: s.c.AccountName, Region: s.c.Region, Name: jobName, ARN: aws.ToString(out.JobArn),
		Model: name, TrainingJob: r.TrainingJob, Source: source, PromptFormat: format, Created: s.c.Now()}
	if err := s.c.Store.PutImportJob(ctx, rec); err != nil {
		return Job{}, fmt.Errorf("import job %s was started, but could not be recorded: %w", jobName, err)
	}
	return s.Job(ctx, jobName)
}

// refused explains why Bedrock did not take the job.
func (s *Service) refused(name string, err error) error {
	switch awserror.KindOf(err) {
	case awserror.Exists:
		return fmt.Errorf("there is an imported model or a job named %s; choose another name, or delete it with tunebench import delete %s: %w", name, name, s.explain(err))
	case awserror.Quota:
		return fmt.Errorf("the import was refused; an account runs one import at a time and holds a limited number of models, so wait for the running job or delete a model: %w", s.explain(err))
	}
	return s.explain(err)
}

// resolve finds the artifact and the prompt format it was trained with.
func (s *Service) resolve(ctx context.Context, r Request) (source, format string, err error) {
	switch {
	case (r.TrainingJob == "") == (r.Source == ""):
		return "", "", errNoSource
	case r.PromptFormat != "":
		if _, err := artifact.FormatByName(r.PromptFormat); err != nil {
			return "", "", err
		}
	}
	if r.Source != "" {
		return r.Source, r.PromptFormat, nil
	}
	j, err := s.c.Training.Job(ctx, r.TrainingJob)
	if err != nil {
		return "", "", err
	}
	switch {
	case j.Status == "Failed":
		return "", "", fmt.Errorf("training job %s failed, so there is nothing to import: %s", j.Name, j.FailureReason)
	case !j.Done():
		return "", "", fmt.Errorf("training job %s is %s; import it when it has ended", j.Name, j.Status)
	case j.Artifact == "":
		return "", "", fmt.Errorf("training job %s left no artifact", j.Name)
	}
	format = r.PromptFormat
	if format == "" {
		format = j.PromptFormat
	}
	return j.Artifact, format, nil
}

// freeName adds a number to a name until no imported model has it.
func (s *Service) freeName(ctx context.Context, name string) (string, error) {
	models, err := s.Models(ctx)
	if err != nil {
		return "", err
	}
	taken := map[string]bool{}
	for _, m := range models {
		taken[m.Name] = true
	}
	try := name
	for n := 2; taken[try]; n++ {
		suffix := fmt.Sprintf("-%d", n)
		try = strings.TrimRight(name[:min(len(name), maxName-len(suffix))], "-_") + suffix
	}
	return try, nil
}

// nameIsFree finds a name that is taken before anything is uploaded. Where the
// list of models is denied, Bedrock says so itself later.
func (s *Service) nameIsFree(ctx context.Context, name string) error {
	models, err := s.Models(ctx)
	if err != nil {
		if awserror.KindOf(err) == awserror.Denied {
			return nil
		}
		return err
	}
	for _, m := range models {
		if m.Name == name {
			return fmt.Errorf("there is an imported model named %s; choose another name, or delete it with tunebench import delete %s", name, name)
		}
	}
	return nil
}

// formatOf recognises the prompt format by the artifact's chat template; "" when
// it cannot.
func (s *Service) formatOf(ctx context.Context, source string) string {
	f, err := s.open(source)
	if err != nil {
		return ""
	}
	files, err := f.list(ctx)
	if err != nil {
		return ""
	}
	have := map[string]file{}
	for _, fl := range files {
		have[fl.name] = fl
	}
	m, err := load(ctx, f, have, artifact.TokenizerConfigFile, artifact.ChatTemplateJinja, artifact.ChatTemplateJSON)
	if err != nil {
		return ""
	}
	text, _, err := artifact.ChatTemplate(m)
	if err != nil {
		return ""
	}
	name, _ := artifact.DetectFormat(text)
	return name
}

// upload copies a local artifact to the bucket and checks each object's size.
func (s *Service) upload(ctx context.Context, dir, prefix string) error {
	files, err := localFolder(dir).list(ctx)
	if err != nil {
		return err
	}
	if _, err := s.c.S3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &s.c.Bucket}); err != nil {
		return fmt.Errorf("the bucket %s for artifacts cannot be used; set bucket under [account] in the config file: %w", s.c.Bucket, s.explain(err))
	}
	tm := transfermanager.New(s.c.S3)
	for _, f := range files {
		h, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.name)))
		if err != nil {
			return fmt.Errorf("upload the artifact: %w", err)
		}
		key := prefix + f.name
		_, err = tm.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: &s.c.Bucket, Key: &key, Body: h})
		if err = errors.Join(err, h.Close()); err != nil {
			return fmt.Errorf("upload %s: %w", safetext.Line(f.name), s.explain(err))
		}
		head, err := s.c.S3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.c.Bucket, Key: &key})
		if err != nil {
			return fmt.Errorf("check the upload of %s: %w", safetext.Line(f.name), s.explain(err))
		}
		if n := aws.ToInt64(head.ContentLength); n != f.size {
			return fmt.Errorf("%s arrived with %d bytes of %d; start the import again", safetext.Line(f.name), n, f.size)
		}
	}
	return nil
}
