package training

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"tunebench/backend/account/awserror"
	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
)

const (
	// outputPrefix is where jobs write: <prefix>/<job>/output/model/.
	outputPrefix = "tunebench/jobs"
	maxRuntime   = 24 * time.Hour
	volumeGB     = 60
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
	train, validation, _, err := dataset.OpenSplits(p.Dataset)
	if err != nil {
		return Job{}, err
	}
	config, err := json.MarshalIndent(p.Config, "", "  ")
	if err != nil {
		return Job{}, err
	}
	u := &uploader{s: s, prefix: outputPrefix + "/" + p.Name + "/input/", progress: progress}
	created := false
	defer func() {
		if err != nil && !created {
			u.remove(ctx)
		}
	}()
	if err := u.code(ctx, config); err != nil {
		return Job{}, err
	}
	channels := []types.Channel{u.channel("code"), u.channel("training")}
	if err := u.rows(ctx, "training/"+dataset.Train+".jsonl", train); err != nil {
		return Job{}, err
	}
	if p.ValidationRows > 0 && validation != "" {
		if err := u.rows(ctx, "validation/"+dataset.Validation+".jsonl", validation); err != nil {
			return Job{}, err
		}
		channels = append(channels, u.channel("validation"))
	}
	arn, err := s.create(ctx, p, channels)
	if err != nil {
		return Job{}, err
	}
	created = true
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

func (s *Service) create(ctx context.Context, p Plan, channels []types.Channel) (arn string, err error) {
	name := filepath.Base(strings.TrimPrefix(p.Dataset, dataset.SamplePrefix))
	out, err := s.c.SageMaker.CreateTrainingJob(ctx, &sagemaker.CreateTrainingJobInput{
		TrainingJobName: &p.Name,
		RoleArn:         &p.RoleARN,
		AlgorithmSpecification: &types.AlgorithmSpecification{
			TrainingImage:       &p.Image,
			TrainingInputMode:   types.TrainingInputModeFile,
			ContainerEntrypoint: []string{"python3"},
			ContainerArguments:  []string{"/opt/ml/input/data/code/launch.py"},
			MetricDefinitions: []types.MetricDefinition{
				{Name: aws.String("train:loss"), Regex: aws.String(`"loss":([0-9.eE+-]+)`)},
				{Name: aws.String("eval:loss"), Regex: aws.String(`"eval_loss":([0-9.eE+-]+)`)},
			},
		},
		InputDataConfig: channels,
		// Uncompressed, so that an import job can read it where it lies.
		OutputDataConfig: &types.OutputDataConfig{S3OutputPath: &p.Output, CompressionType: types.OutputCompressionTypeNone},
		ResourceConfig: &types.ResourceConfig{InstanceType: types.TrainingInstanceType(p.Instance), InstanceCount: aws.Int32(int32(p.InstanceCount)),
			VolumeSizeInGB: aws.Int32(volumeGB)},
		StoppingCondition: &types.StoppingCondition{MaxRuntimeInSeconds: aws.Int32(int32(maxRuntime / time.Second))},
		HyperParameters: map[string]string{
			paramPreset: p.Config.Preset, paramFormat: p.Config.Settings.PromptFormat, paramBase: p.Config.BaseModel, paramDataset: short(safetext.Line(name)),
		},
		Tags: []types.Tag{{Key: aws.String("created-by"), Value: aws.String("tunebench")}},
	})
	switch awserror.KindOf(err) {
	case "":
		return aws.ToString(out.TrainingJobArn), nil
	case awserror.Exists: // somebody was faster
		if err := s.checkFree(ctx, p.Name); err != nil {
			return "", err
		}
	}
	return "", awserror.Explain(err)
}

// short cuts text to what a hyper-parameter may hold.
func short(text string) string {
	const most = 256
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}

// uploader puts a job's inputs under one prefix.
type uploader struct {
	s        *Service
	prefix   string
	progress func(dataset.Progress)
	keys     []string
}

func (u *uploader) channel(name string) types.Channel {
	return types.Channel{ChannelName: &name, InputMode: types.TrainingInputModeFile, DataSource: &types.DataSource{S3DataSource: &types.S3DataSource{
		S3DataType: types.S3DataTypeS3Prefix, S3Uri: aws.String("s3://" + u.s.c.Bucket + "/" + u.prefix + name + "/"),
		S3DataDistributionType: types.S3DataDistributionFullyReplicated}}}
}

// code uploads job.json and the container's files.
func (u *uploader) code(ctx context.Context, config []byte) error {
	if err := u.put(ctx, "code/job.json", bytes.NewReader(config)); err != nil {
		return err
	}
	if u.s.c.Container == nil {
		return nil
	}
	return fs.WalkDir(u.s.c.Container, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(u.s.c.Container, path)
		if err != nil {
			return err
		}
		return u.put(ctx, "code/"+path, bytes.NewReader(b))
	})
}

// rows uploads a split in the form that training code reads, as it is read.
func (u *uploader) rows(ctx context.Context, key, path string) error {
	r, w := io.Pipe()
	converted := make(chan error, 1)
	go func() { // ends with the file, or when the reading end is closed
		_, err := dataset.Convert(ctx, path, w)
		converted <- err
		w.CloseWithError(err)
	}()
	err := u.put(ctx, key, r)
	r.Close()
	// When the rows could not be read, that is the cause and not the upload.
	if readErr := <-converted; readErr != nil && !errors.Is(readErr, io.ErrClosedPipe) {
		return readErr
	}
	return err
}

// put uploads one object, in parts when it is large.
func (u *uploader) put(ctx context.Context, key string, body io.Reader) error {
	full := u.prefix + key
	u.keys = append(u.keys, full)
	counter := &countingReader{Reader: body}
	manager := transfermanager.New(u.s.c.S3, func(o *transfermanager.Options) {
		o.ObjectProgressListeners.Register(uploadListener{key: key, progress: u.progress})
	})
	u.progress(dataset.Progress{What: "uploading " + key})
	_, err := manager.UploadObject(ctx, &transfermanager.UploadObjectInput{Bucket: &u.s.c.Bucket, Key: &full, Body: counter})
	if err != nil {
		return fmt.Errorf("upload %s: %w", safetext.Line(key), awserror.Explain(err))
	}
	n := counter.n.Load()
	u.progress(dataset.Progress{What: "uploading " + key, Done: n, Total: n})
	return nil
}

// remove takes back what was uploaded for a job that was not created. What
// cannot be removed is small and stays.
func (u *uploader) remove(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var ids []s3types.ObjectIdentifier
	for _, k := range u.keys {
		ids = append(ids, s3types.ObjectIdentifier{Key: aws.String(k)})
	}
	if len(ids) > 0 {
		_, _ = u.s.c.S3.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &u.s.c.Bucket, Delete: &s3types.Delete{Objects: ids, Quiet: aws.Bool(true)}})
	}
}

type countingReader struct {
	io.Reader
	n atomic.Int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n.Add(int64(n))
	return n, err
}

type uploadListener struct {
	key      string
	progress func(dataset.Progress)
}

func (l uploadListener) OnObjectBytesTransferred(_ context.Context, e *transfermanager.ObjectBytesTransferredEvent) {
	l.progress(dataset.Progress{What: "uploading " + l.key, Done: e.BytesTransferred, Total: max(e.TotalBytes, 0)})
}
