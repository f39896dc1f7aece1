package sagemaker

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"tunebench/backend/localaws/internal/toy"
)

func TestCreateIsValidated(t *testing.T) {
	w := newWorld(t, t.TempDir(), toy.Base(t))
	ctx := context.Background()
	for _, c := range []struct {
		change     func(in *sdk.CreateTrainingJobInput)
		code, text string
	}{
		{func(in *sdk.CreateTrainingJobInput) { in.AlgorithmSpecification = nil }, "ValidationException", "'algorithmSpecification'"},
		{func(in *sdk.CreateTrainingJobInput) { in.ResourceConfig = nil }, "ValidationException", "'resourceConfig'"},
		{func(in *sdk.CreateTrainingJobInput) { in.StoppingCondition = nil }, "ValidationException", "'stoppingCondition'"},
		{func(in *sdk.CreateTrainingJobInput) { in.ResourceConfig.InstanceCount = aws.Int32(0) }, "ValidationException", "instanceCount"},
		{func(in *sdk.CreateTrainingJobInput) { in.ResourceConfig.InstanceCount = aws.Int32(2) }, "ResourceLimitExceeded", "request delta of 2"},
		{func(in *sdk.CreateTrainingJobInput) { in.AlgorithmSpecification.AlgorithmName = aws.String("x") }, "ValidationException", "not both"},
		{func(in *sdk.CreateTrainingJobInput) { in.AlgorithmSpecification.TrainingImage = nil }, "ValidationException", "AlgorithmName or TrainingImage"},
		{func(in *sdk.CreateTrainingJobInput) {
			in.InputDataConfig[1].DataSource.S3DataSource.S3Uri = aws.String("s3://work/none")
		}, "ValidationException", "No S3 objects found"},
		{func(in *sdk.CreateTrainingJobInput) {
			in.InputDataConfig[1].DataSource.S3DataSource.S3Uri = aws.String("s3://other/x")
		}, "ValidationException", "No S3 objects found"},
		{func(in *sdk.CreateTrainingJobInput) { in.InputDataConfig[1].ChannelName = aws.String("code") }, "ValidationException", "Duplicate channel"},
		{func(in *sdk.CreateTrainingJobInput) {
			in.OutputDataConfig.S3OutputPath = aws.String("s3://nowhere/x")
		}, "ValidationException", "does not exist"},
		{func(in *sdk.CreateTrainingJobInput) { in.TrainingJobName = aws.String("a_b") }, "ValidationException", "trainingJobName"},
	} {
		in := w.input("checked", 1)
		c.change(in)
		_, err := w.client.CreateTrainingJob(ctx, in)
		wantError(t, err, c.code, c.text)
	}
	_, err := w.client.DescribeTrainingJob(ctx, &sdk.DescribeTrainingJobInput{TrainingJobName: aws.String("checked")})
	wantError(t, err, "ValidationException", "Requested resource not found.")
	w.create(w.input("twice", 1))
	_, err = w.client.CreateTrainingJob(ctx, w.input("twice", 1))
	wantError(t, err, "ResourceInUse", "already exists")
	w.wait("twice")
	_, err = w.client.CreateTrainingJob(ctx, w.input("twice", 1))
	wantError(t, err, "ResourceInUse", "already exists")
}

func TestListAndTags(t *testing.T) {
	w := newWorld(t, t.TempDir(), toy.Base(t))
	ctx := context.Background()
	for i := range 4 {
		in := w.input(fmt.Sprintf("job-%d", i), 1)
		in.Tags = []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}
		if i == 3 {
			w.put("in/job-3/train.jsonl", "{}")
		}
		w.create(in)
	}
	for i := range 4 {
		w.wait(fmt.Sprintf("job-%d", i))
	}
	names := func(in *sdk.ListTrainingJobsInput) (out []string) {
		p := sdk.NewListTrainingJobsPaginator(w.client, in)
		for p.HasMorePages() {
			page, err := p.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range page.TrainingJobSummaries {
				out = append(out, *j.TrainingJobName)
			}
		}
		return out
	}
	for _, c := range []struct {
		in   sdk.ListTrainingJobsInput
		want string
	}{
		{sdk.ListTrainingJobsInput{}, "[job-0 job-1 job-2 job-3]"},
		{sdk.ListTrainingJobsInput{MaxResults: aws.Int32(1), SortOrder: "Descending"}, "[job-3 job-2 job-1 job-0]"},
		{sdk.ListTrainingJobsInput{NameContains: aws.String("-2")}, "[job-2]"},
		{sdk.ListTrainingJobsInput{StatusEquals: "Failed", MaxResults: aws.Int32(2)}, "[job-3]"},
		{sdk.ListTrainingJobsInput{SortBy: "Name", SortOrder: "Descending", StatusEquals: "Completed"}, "[job-2 job-1 job-0]"},
		{sdk.ListTrainingJobsInput{SortBy: "Status", SortOrder: "Descending"}, "[job-3 job-2 job-1 job-0]"},
	} {
		if got := fmt.Sprint(names(&c.in)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.in, got, c.want)
		}
	}
	out := w.describe("job-0")
	if _, err := w.client.AddTags(ctx, &sdk.AddTagsInput{ResourceArn: out.TrainingJobArn, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}); err != nil {
		t.Fatal(err)
	}
	tags, err := w.client.ListTags(ctx, &sdk.ListTagsInput{ResourceArn: out.TrainingJobArn})
	if err != nil || len(tags.Tags) != 2 || *tags.Tags[0].Key != "a" {
		t.Errorf("tags %+v, %v", tags, err)
	}
	if out.HyperParameters != nil || *out.RoleArn == "" || out.ResourceConfig.InstanceType != "ml.g5.12xlarge" {
		t.Errorf("the request is not given back: %+v", out)
	}

	// Everything is there after a restart, and a deleted job is gone.
	if err := w.service.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	if _, err := w.client.DeleteTrainingJob(ctx, &sdk.DeleteTrainingJobInput{TrainingJobName: aws.String("job-1")}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(names(&sdk.ListTrainingJobsInput{})); got != "[job-0 job-2 job-3]" {
		t.Errorf("after restart and deletion: %s", got)
	}
	if w.describe("job-3").TrainingJobStatus != "Failed" {
		t.Error("a status changed with the restart")
	}
}
