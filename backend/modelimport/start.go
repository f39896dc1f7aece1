package modelimport

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"tunebench/backend/account/awserror"
	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
)

// Start checks the artifact and starts an import job. A preflight that blocks
// is a *BlockedError and nothing has been started. A local folder is uploaded
// first. While another import runs the new one waits in the queue: the job that
// is returned has the status Waiting, and Advance or Wait starts it in its turn.
func (s *Service) Start(ctx context.Context, r Request) (Job, error) {
	q, err := s.prepare(ctx, r)
	if err == nil && isModelARN(r.Source) {
		err = s.unpackModel(ctx, &q)
	}
	if err != nil {
		return Job{}, err
	}
	report, err := s.Check(ctx, q.Source)
	if err != nil {
		return Job{}, err
	}
	if !report.Importable {
		return Job{}, &BlockedError{report}
	}
	name := q.Model
	waits, _, err := s.queue(ctx)
	if err != nil {
		return Job{}, err
	}
	for _, j := range waits {
		if j.Status == Waiting && j.Model == name {
			return Job{}, fmt.Errorf("an import as %s waits in the queue already (%s); choose another name, or take it out with tunebench import unqueue %s", name, j.Name, j.Name)
		}
	}
	running, err := s.list(ctx, "InProgress")
	if err != nil && awserror.KindOf(err) != awserror.Denied {
		return Job{}, s.explain(err)
	}
	if len(running) > 0 || slices.ContainsFunc(waits, func(j Job) bool { return j.Status == Waiting }) {
		return s.enqueue(ctx, q)
	}
	j, err := s.launch(ctx, q)
	if awserror.KindOf(err) == awserror.Quota && s.busy(ctx) {
		return s.enqueue(ctx, q) // another import began meanwhile
	}
	return j, err
}

// prepare settles where the artifact lies and all names.
func (s *Service) prepare(ctx context.Context, r Request) (queued, error) {
	if err := r.Options.check(); err != nil {
		return queued{}, err
	}
	source, format, err := s.resolve(ctx, r)
	if err != nil {
		return queued{}, err
	}
	name := r.Name
	if name == "" {
		if r.TrainingJob == "" {
			return queued{}, errors.New("the imported model needs a name")
		}
		if name, err = s.freeName(ctx, s.ProposeName(r.TrainingJob)); err != nil {
			return queued{}, err
		}
	}
	if err := checkName(name); err != nil {
		return queued{}, err
	}
	if r.Name != "" {
		if err := s.nameIsFree(ctx, name); err != nil {
			return queued{}, err
		}
	}
	if format == "" {
		format = s.formatOf(ctx, source)
	}
	return queued{Request: r, Source: source, Format: format, Model: name,
		Job: cleanName(name[:min(len(name), maxName-len(stamp)-1)] + "-" + s.c.Now().UTC().Format(stamp))}, nil
}

// unpackModel puts the folder in place of the archive that a SageMaker model
// names; one that names a folder stays as it is.
func (s *Service) unpackModel(ctx context.Context, q *queued) error {
	_, packed, err := s.modelData(ctx, q.Request.Source)
	if err != nil || !packed {
		return err
	}
	if q.Source, err = s.unpack(ctx, q.Source); err != nil {
		return err
	}
	if q.Format == "" {
		q.Format = s.formatOf(ctx, q.Source)
	}
	return nil
}

// stamp is the time in the names of jobs.
const stamp = "20060102-150405"

// busy reports whether an import runs.
func (s *Service) busy(ctx context.Context) bool {
	running, err := s.list(ctx, "InProgress")
	return err == nil && len(running) > 0
}

// launch uploads a local artifact, starts the import job and records it.
func (s *Service) launch(ctx context.Context, q queued) (Job, error) {
	source := s.location(q)
	if source != q.Source {
		if err := s.upload(ctx, q.Source, q.prefix(), q.Request.Progress); err != nil {
			return Job{}, err
		}
	}
	out, err := s.c.Bedrock.CreateModelImportJob(ctx, s.input(q, source))
	if err != nil {
		return Job{}, s.refused(q.Model, err)
	}
	if err := s.record(ctx, q, aws.ToString(out.JobArn), source); err != nil {
		return Job{}, fmt.Errorf("import job %s was started, but could not be recorded: %w", q.Job, err)
	}
	return s.Job(ctx, q.Job)
}

// record remembers a job, so that chat and evaluation use the prompt format that
// the model was trained with.
func (s *Service) record(ctx context.Context, q queued, arn, source string) error {
	return s.c.Store.PutImportJob(ctx, store.ImportJob{Account: s.c.AccountName, Region: s.c.Region, Name: q.Job, ARN: arn,
		Model: q.Model, TrainingJob: q.Request.TrainingJob, Source: source, PromptFormat: q.Format, Created: s.c.Now()})
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
	if isModelARN(r.Source) {
		uri, _, err := s.modelData(ctx, r.Source)
		return uri, r.PromptFormat, err
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
	waits, _, err := s.queue(ctx)
	if err != nil {
		return "", err
	}
	for _, j := range waits {
		taken[j.Model] = taken[j.Model] || j.Status == Waiting
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

// upload copies a local artifact to the bucket. The SDK sends a checksum with
// every part, which S3 holds against what arrives; the sizes are compared at the
// end.
func (s *Service) upload(ctx context.Context, dir, prefix string, progress func(done, total int64)) error {
	files, err := localFolder(dir).list(ctx)
	if err != nil {
		return err
	}
	var total, before int64
	for _, f := range files {
		total += f.size
	}
	tell := &teller{tell: progress, total: total}
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
		_, err = tm.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: &s.c.Bucket, Key: &key, Body: &told{h, tell}})
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
		before += f.size
		tell.at(before)
	}
	return nil
}
