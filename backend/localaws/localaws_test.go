package localaws

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	bedrocktypes "github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	runtimetypes "github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"tunebench/backend/localaws/internal/toy"
)

// clients are the SDK's, all ending in one account.
type clients struct {
	t         testing.TB
	account   *Account
	sagemaker *sagemaker.Client
	bedrock   *bedrock.Client
	runtime   *bedrockruntime.Client
	logs      *cloudwatchlogs.Client
	s3        *s3.Client
	sts       *sts.Client
}

func open(t testing.TB, dir string, base fs.FS) *clients {
	t.Helper()
	a, err := Open(context.Background(), Options{Dir: dir, AccessKey: toy.AccessKey, SecretKey: toy.SecretKey, Base: base})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg := toy.Config(a)
	return &clients{t, a, sagemaker.NewFromConfig(cfg), bedrock.NewFromConfig(cfg), bedrockruntime.NewFromConfig(cfg),
		cloudwatchlogs.NewFromConfig(cfg), s3.NewFromConfig(cfg), sts.NewFromConfig(cfg)}
}

func (c *clients) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *clients) put(key, text string) {
	c.t.Helper()
	_, err := c.s3.PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String("work"), Key: &key, Body: strings.NewReader(text)})
	c.check(err)
}

func (c *clients) train(name, settings, rows string) {
	c.t.Helper()
	c.put(name+"/code/job.json", `{"version":1,"base_model":"tunebench-base","settings":`+settings+`}`)
	c.put(name+"/train.jsonl", rows)
	var channels []types.Channel
	for channel, key := range map[string]string{"code": "code", "training": "train.jsonl", "validation": "train.jsonl"} {
		channels = append(channels, types.Channel{ChannelName: &channel, DataSource: &types.DataSource{S3DataSource: &types.S3DataSource{
			S3DataType: types.S3DataTypeS3Prefix, S3Uri: aws.String("s3://work/" + name + "/" + key)}}})
	}
	_, err := c.sagemaker.CreateTrainingJob(context.Background(), &sagemaker.CreateTrainingJobInput{
		TrainingJobName: &name, RoleArn: aws.String("arn:aws:iam::000000000000:role/train"), InputDataConfig: channels,
		AlgorithmSpecification: &types.AlgorithmSpecification{TrainingImage: aws.String("example/image:1"), TrainingInputMode: types.TrainingInputModeFile},
		OutputDataConfig:       &types.OutputDataConfig{S3OutputPath: aws.String("s3://work/jobs"), CompressionType: types.OutputCompressionTypeNone},
		ResourceConfig:         &types.ResourceConfig{InstanceType: "ml.g5.12xlarge", InstanceCount: aws.Int32(1), VolumeSizeInGB: aws.Int32(10)},
		StoppingCondition:      &types.StoppingCondition{MaxRuntimeInSeconds: aws.Int32(3600)},
	})
	c.check(err)
}

// trained waits for a job and returns where its artifact lies.
func (c *clients) trained(name string) string {
	c.t.Helper()
	var out *sagemaker.DescribeTrainingJobOutput
	toy.Until(c.t, name+" to end", func() bool {
		var err error
		out, err = c.sagemaker.DescribeTrainingJob(context.Background(), &sagemaker.DescribeTrainingJobInput{TrainingJobName: &name})
		c.check(err)
		return out.TrainingJobStatus != types.TrainingJobStatusInProgress
	})
	if out.TrainingJobStatus != types.TrainingJobStatusCompleted {
		c.t.Fatalf("%s: %s", out.TrainingJobStatus, aws.ToString(out.FailureReason))
	}
	return *out.ModelArtifacts.S3ModelArtifacts
}

// imported imports an artifact and returns the model's ARN.
func (c *clients) imported(name, source string) string {
	c.t.Helper()
	_, err := c.bedrock.CreateModelImportJob(context.Background(), &bedrock.CreateModelImportJobInput{
		JobName: &name, ImportedModelName: &name, RoleArn: aws.String("arn:aws:iam::000000000000:role/import"),
		ModelDataSource: &bedrocktypes.ModelDataSourceMemberS3DataSource{Value: bedrocktypes.S3DataSource{S3Uri: &source}}})
	c.check(err)
	var out *bedrock.GetModelImportJobOutput
	toy.Until(c.t, name+" to be imported", func() bool {
		out, err = c.bedrock.GetModelImportJob(context.Background(), &bedrock.GetModelImportJobInput{JobIdentifier: &name})
		c.check(err)
		return out.Status != bedrocktypes.ModelImportJobStatusInProgress
	})
	if out.Status != bedrocktypes.ModelImportJobStatusCompleted {
		c.t.Fatalf("%s: %s", out.Status, aws.ToString(out.FailureMessage))
	}
	return *out.ImportedModelArn
}

// ask waits through waking and returns the first choice of an OpenAI reply.
func (c *clients) ask(model, prompt string) string {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"prompt": prompt, "max_tokens": 16, "temperature": 0})
	c.check(err)
	var out *bedrockruntime.InvokeModelOutput
	toy.Until(c.t, model+" to wake", func() bool {
		out, err = c.runtime.InvokeModel(context.Background(), &bedrockruntime.InvokeModelInput{ModelId: &model, Body: body})
		var notReady *runtimetypes.ModelNotReadyException
		return !errors.As(err, &notReady)
	})
	c.check(err)
	var reply struct{ Choices []struct{ Text string } }
	c.check(json.Unmarshal(out.Body, &reply))
	return reply.Choices[0].Text
}

// TestLoop trains, imports and asks, and then asks again after a restart.
func TestLoop(t *testing.T) {
	dir, base := t.TempDir(), toy.Base(t)
	c := open(t, dir, base)
	ctx := context.Background()
	id, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || *id.Account != AccountID {
		t.Fatal(id, err)
	}
	_, err = c.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("work")})
	c.check(err)
	row := `{"question":"Is it so?","response":"2+2"}` + "\n"
	c.train("job", `{"method":"full","learning_rate":0.01,"max_steps":200,"batch_rows":2,"max_sequence_length":32,"eval_every":20}`, strings.Repeat(row, 8))
	arn := c.imported("mine", c.trained("job"))
	const prompt = "<s>[INST] Is it so?[/INST]"
	if got := strings.TrimSpace(c.ask(arn, prompt)); got != "2+2" {
		t.Errorf("the trained model says %q", got)
	}
	if c.account.ActiveJobs() != 0 {
		t.Error("jobs are active after their end")
	}
	c.check(c.account.Close())
	c = open(t, dir, base)
	if got := strings.TrimSpace(c.ask(arn, prompt)); got != "2+2" {
		t.Errorf("after a restart it says %q", got)
	}
	c.trained("job")
	if files, err := os.ReadDir(dir); err != nil || len(files) != 4 {
		t.Errorf("state %v, %v", files, err)
	}
}

// TestHandOver pauses the account in the middle of a job; the next one ends it.
func TestHandOver(t *testing.T) {
	dir, base := t.TempDir(), toy.Base(t)
	c := open(t, dir, base)
	_, err := c.s3.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: aws.String("work")})
	c.check(err)
	c.train("job", `{"max_steps":200,"batch_rows":2,"max_sequence_length":64}`, toy.Rows(20))
	c.train("next", `{"max_steps":5,"batch_rows":2,"max_sequence_length":64}`, toy.Rows(20))
	if c.account.ActiveJobs() != 2 {
		t.Error("the jobs are not active")
	}
	c.check(c.account.Pause(context.Background()))
	c.check(c.account.Close())
	c = open(t, dir, base)
	c.trained("job")
	c.trained("next")
}

// TestEmbeddedBase uses the base model that is part of the program.
func TestEmbeddedBase(t *testing.T) {
	c := open(t, t.TempDir(), nil)
	out, err := c.runtime.Converse(context.Background(), &bedrockruntime.ConverseInput{ModelId: aws.String(BaseModelID),
		Messages:        []runtimetypes.Message{{Role: "user", Content: []runtimetypes.ContentBlock{&runtimetypes.ContentBlockMemberText{Value: "What is the capital of France?"}}}},
		InferenceConfig: &runtimetypes.InferenceConfiguration{Temperature: aws.Float32(0), MaxTokens: aws.Int32(60)}})
	c.check(err)
	text := out.Output.(*runtimetypes.ConverseOutputMemberMessage).Value.Content[0].(*runtimetypes.ContentBlockMemberText).Value
	if !strings.Contains(text, "Paris") {
		t.Errorf("the base model says %q (%s)", text, out.StopReason)
	}
}
