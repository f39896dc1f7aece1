package sagemaker

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"tunebench/backend/localaws/internal/toy"
	"tunebench/backend/localaws/logs"
	"tunebench/backend/localaws/objects"
	"tunebench/backend/localaws/wire"
)

const bucket = "work"

// world is a service with what surrounds it.
type world struct {
	t       testing.TB
	dir     string
	base    fs.FS
	objects *objects.Store
	logs    *logs.Store
	service *Service
	client  *sdk.Client
	options Options
}

func newWorld(t testing.TB, dir string, base fs.FS) *world {
	t.Helper()
	w := &world{t: t, dir: dir, base: base}
	var err error
	w.objects, err = objects.Open(filepath.Join(dir, "s3"), objects.Options{})
	w.check(err)
	if !w.objects.BucketExists(bucket) {
		w.check(w.objects.CreateBucket(bucket))
	}
	w.logs, err = logs.Open(filepath.Join(dir, "logs"), logs.Options{})
	w.check(err)
	w.options = Options{Dir: filepath.Join(dir, "sagemaker"), Objects: w.objects, Logs: w.logs, BaseModel: "tunebench-base", Base: base}
	w.open()
	t.Cleanup(func() { w.check(w.service.Close()) })
	return w
}

func (w *world) open() {
	var err error
	w.service, err = Open(context.Background(), w.options)
	w.check(err)
	mux := wire.NewMux(wire.Options{AccessKeyID: toy.AccessKey, SecretAccessKey: toy.SecretKey})
	w.service.Register(mux)
	w.client = sdk.NewFromConfig(toy.Config(mux))
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) put(key, text string) {
	w.t.Helper()
	_, err := w.objects.Put(context.Background(), bucket, key, strings.NewReader(text), objects.PutOptions{})
	w.check(err)
}

func (w *world) get(key string) string {
	w.t.Helper()
	r, err := w.objects.Get(context.Background(), bucket, key)
	w.check(err)
	defer r.Close()
	data, err := io.ReadAll(r)
	w.check(err)
	return string(data)
}

// input is a valid request; job.json and the rows are put beside it.
func (w *world) input(name string, steps int) *sdk.CreateTrainingJobInput {
	conf, err := json.Marshal(map[string]any{"version": 1, "base_model": "tunebench-base", "settings": map[string]any{
		"method": "lora", "lora_r": 4, "learning_rate": 0.01, "max_steps": steps, "batch_rows": 2, "max_sequence_length": 64,
		"log_every": 5, "eval_every": 10, "seed": 7, "prompt_format": "mistral-v3"}})
	w.check(err)
	w.put("in/"+name+"/code/job.json", string(conf))
	w.put("in/"+name+"/train.jsonl", toy.Rows(30))
	w.put("in/"+name+"/validation.jsonl", toy.Rows(6))
	channel := func(name, key string) types.Channel {
		return types.Channel{ChannelName: aws.String(name), DataSource: &types.DataSource{S3DataSource: &types.S3DataSource{
			S3DataType: types.S3DataTypeS3Prefix, S3Uri: aws.String("s3://" + bucket + "/" + key)}}}
	}
	return &sdk.CreateTrainingJobInput{
		TrainingJobName: aws.String(name),
		RoleArn:         aws.String("arn:aws:iam::000000000000:role/train"),
		AlgorithmSpecification: &types.AlgorithmSpecification{TrainingImage: aws.String("example/image:1"), TrainingInputMode: types.TrainingInputModeFile,
			MetricDefinitions: []types.MetricDefinition{{Name: aws.String("train:loss"), Regex: aws.String(`"event":"step".*"loss":([0-9.]+)`)}}},
		InputDataConfig: []types.Channel{channel("code", "in/"+name+"/code"), channel("training", "in/"+name+"/train.jsonl"),
			channel("validation", "in/"+name+"/validation.jsonl")},
		OutputDataConfig:  &types.OutputDataConfig{S3OutputPath: aws.String("s3://" + bucket + "/jobs"), CompressionType: types.OutputCompressionTypeNone},
		ResourceConfig:    &types.ResourceConfig{InstanceType: "ml.g5.12xlarge", InstanceCount: aws.Int32(1), VolumeSizeInGB: aws.Int32(10)},
		StoppingCondition: &types.StoppingCondition{MaxRuntimeInSeconds: aws.Int32(3600)},
	}
}

func (w *world) create(in *sdk.CreateTrainingJobInput) {
	w.t.Helper()
	_, err := w.client.CreateTrainingJob(context.Background(), in)
	w.check(err)
}

func (w *world) describe(name string) *sdk.DescribeTrainingJobOutput {
	w.t.Helper()
	out, err := w.client.DescribeTrainingJob(context.Background(), &sdk.DescribeTrainingJobInput{TrainingJobName: &name})
	w.check(err)
	return out
}

func (w *world) wait(name string) *sdk.DescribeTrainingJobOutput {
	w.t.Helper()
	var out *sdk.DescribeTrainingJobOutput
	toy.Until(w.t, name+" to end", func() bool {
		out = w.describe(name)
		switch out.TrainingJobStatus {
		case "Completed", "Failed", "Stopped":
			return true
		}
		return false
	})
	return out
}

// log returns the lines of the job's stream.
func (w *world) log(name string) []string {
	w.t.Helper()
	j, err := w.service.find(name)
	w.check(err)
	mux := wire.NewMux(wire.Options{AccessKeyID: toy.AccessKey, SecretAccessKey: toy.SecretKey})
	w.logs.Register(mux)
	return readLog(w.t, mux, w.service.view(j).Stream)
}

func events(t testing.TB, lines []string, kinds ...string) []event {
	t.Helper()
	var out []event
	for _, l := range lines {
		text, ok := strings.CutPrefix(l, "tb1 ")
		if !ok {
			continue
		}
		var e event
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		if len(kinds) == 0 || slices.Contains(kinds, e.Event) {
			out = append(out, e)
		}
	}
	return out
}
