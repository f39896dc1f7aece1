package training_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"tunebench/backend/config"
	"tunebench/backend/dataset"
	"tunebench/backend/store"
	"tunebench/backend/training"
	"tunebench/backend/training/container"
)

// TestOnMotoUpload: an upload in parts that was interrupted is gone on with on
// an S3 that is not ours. .ci/moto.sh starts it.
func TestOnMotoUpload(t *testing.T) {
	address := os.Getenv("TUNEBENCH_MOTO")
	if address == "" {
		t.Skip("TUNEBENCH_MOTO names no moto server; .ci/moto.sh starts one")
	}
	ctx := t.Context()
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	st, err := store.Open(ctx, filepath.Join(t.TempDir(), "t.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	const bucket = "moto-parts"
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	svc := training.New(training.Config{SageMaker: sagemaker.NewFromConfig(cfg), S3: client, Store: st, Bucket: bucket,
		RoleARN: "arn:aws:iam::123456789012:role/training", BaseModel: "mistralai/Mistral-7B-v0.3", Container: container.Files(),
		Defaults: config.Training{Instance: "ml.g5.12xlarge"}, AccountName: "moto", Region: "us-east-1"})
	var b strings.Builder
	for i := 0; b.Len() < 40<<20; i++ {
		fmt.Fprintf(&b, `{"question":"What is thing %d?","response":"%s"}`+"\n", i, strings.Repeat(fmt.Sprint("It is ", i*i, ". "), 40))
	}
	rows := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(rows, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := svc.Plan(ctx, training.Spec{Dataset: rows, Name: "in-parts"})
	if err != nil {
		t.Fatal(err)
	}
	const part = 8 << 20
	cut, cancel := context.WithCancel(ctx)
	var before int64
	_, err = svc.StartProgress(cut, p, func(g dataset.Progress) {
		if g.Total > part && g.Done >= 2*part {
			before = g.Done
			cancel()
		}
	})
	if err == nil || before == 0 {
		t.Fatalf("it was not interrupted: %v", err)
	}
	var again, total int64
	_, err = svc.StartProgress(ctx, p, func(g dataset.Progress) {
		if g.Total <= part {
			return
		}
		if total = g.Total; strings.HasPrefix(g.What, "already") {
			again = g.Done
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if again == 0 {
		t.Error("all parts were sent again")
	}
	request, err := svc.Request(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	_, key, _ := strings.Cut(string(request), bucket+"/tunebench/inputs/data-")
	key = "tunebench/inputs/data-" + key[:strings.IndexByte(key, '"')] + "train.jsonl"
	out, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil || aws.ToInt64(out.ContentLength) != total || !strings.Contains(aws.ToString(out.ETag), "-") {
		t.Errorf("%+v of %d bytes: %v", out, total, err)
	}
	left, err := client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
	if err != nil || len(left.Uploads) != 0 {
		t.Errorf("uploads left: %+v, %v", left, err)
	}
	t.Logf("%d bytes in parts of %d; interrupted after %d, %d were not sent again", total, part, before, again)
}
