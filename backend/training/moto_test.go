package training_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"tunebench/backend/config"
	"tunebench/backend/store"
	"tunebench/backend/training"
	"tunebench/backend/training/container"
)

const (
	motoLines   = 50_000
	motoStreams = 3
	motoChunk   = 250 // events of one stream in one call
	motoGroup   = "/aws/sagemaker/TrainingJobs"
	motoAge     = 15 * time.Minute // of the job; its log is of the last ten
)

// underway is a proxy that lets a job look as if it had been created a while ago
// and ran until ended is set: the server completes jobs as soon as they are
// created. It changes nothing else.
func underway(t *testing.T, target *url.URL, ended *atomic.Bool) string {
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		if !strings.HasSuffix(r.Request.Header.Get("X-Amz-Target"), ".DescribeTrainingJob") || r.StatusCode != 200 {
			return nil
		}
		var m map[string]any
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			return err
		}
		if created, ok := m["CreationTime"].(float64); ok {
			m["CreationTime"] = created - motoAge.Seconds()
		}
		if !ended.Load() {
			m["TrainingJobStatus"], m["SecondaryStatus"] = "InProgress", "Training"
			delete(m, "TrainingEndTime")
		}
		b, err := json.Marshal(m)
		if err != nil {
			return err
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		r.Header.Set("Content-Length", strconv.Itoa(len(b)))
		return nil
	}
	srv := httptest.NewServer(proxy)
	t.Cleanup(srv.Close)
	return srv.URL
}

// TestOnMoto: create, describe, list and tail a job on an AWS server that is not
// ours, while its log comes in late and out of order. .ci/moto.sh starts it.
func TestOnMoto(t *testing.T) {
	address := os.Getenv("TUNEBENCH_MOTO")
	if address == "" {
		t.Skip("TUNEBENCH_MOTO names no moto server; .ci/moto.sh starts one")
	}
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	var ended atomic.Bool
	endpoint := underway(t, target, &ended)
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	st, err := store.Open(ctx, filepath.Join(t.TempDir(), "t.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	logs := cloudwatchlogs.NewFromConfig(cfg)
	bucket := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := bucket.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("moto-check")}); err != nil {
		t.Fatal(err)
	}
	svc := training.New(training.Config{SageMaker: sagemaker.NewFromConfig(cfg), Logs: logs, S3: bucket, Store: st,
		Bucket: "moto-check", RoleARN: "arn:aws:iam::123456789012:role/training", BaseModel: "mistralai/Mistral-7B-v0.3", Container: container.Files(),
		Defaults: config.Training{Instance: "ml.g5.12xlarge"}, AccountName: "moto", Region: "us-east-1", LogDir: t.TempDir()})

	rows := filepath.Join(t.TempDir(), "rows.jsonl")
	if err := os.WriteFile(rows, []byte(strings.Repeat(`{"question":"What?","response":"That."}`+"\n", 20)), 0o600); err != nil {
		t.Fatal(err)
	}
	const name = "late-lines"
	p, err := svc.Plan(ctx, training.Spec{Dataset: rows, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	job, err := svc.Start(ctx, p)
	if err != nil || job.Name != name || job.Instance != "ml.g5.12xlarge" || job.Done() {
		t.Fatalf("%+v, %v", job, err)
	}
	if jobs, err := svc.Jobs(ctx); err != nil || len(jobs) != 1 || jobs[0].Name != name {
		t.Fatalf("%+v, %v", jobs, err)
	}
	if _, err := logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(motoGroup)}); err != nil {
		t.Fatal(err)
	}
	// A newcomer's watch begins before the first line.
	watch := svc.Watch(ctx, name)
	defer watch.Close()
	began := time.Now()
	writeLate(t, ctx, logs, name, func(sent int) { follow(t, watch, sent) })
	ended.Store(true)
	deadline := time.After(5 * time.Minute)
	for done := false; !done; {
		select {
		case <-watch.Done():
			done = true
		case <-deadline:
			t.Fatalf("the watch did not end: %d lines, %v", watch.Len(), watch.Err())
		}
	}
	late := inOrder(t, watch)
	t.Logf("%d lines over %d streams, %d of them late, in order and once each, %.1f s", watch.Len(), watch.Streams(), late, time.Since(began).Seconds())
}

// writeLate writes the log in chunks of each stream. One chunk in ten is held
// back and comes after those that are up to four minutes newer.
func writeLate(t *testing.T, ctx context.Context, logs *cloudwatchlogs.Client, job string, each func(sent int)) {
	t.Helper()
	first := time.Now().Add(-10 * time.Minute).UnixMilli()
	stream := func(n int) string { return fmt.Sprintf("%s/algo-%d-%d", job, n+1, first/1000) }
	for n := range motoStreams {
		if _, err := logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String(motoGroup), LogStreamName: aws.String(stream(n))}); err != nil {
			t.Fatal(err)
		}
	}
	chunks := make([][]logtypes.InputLogEvent, motoStreams)
	sent := 0
	put := func(n int, events []logtypes.InputLogEvent) {
		out, err := logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String(motoGroup), LogStreamName: aws.String(stream(n)), LogEvents: events})
		if err != nil || out.RejectedLogEventsInfo != nil {
			t.Fatalf("%+v, %v", out, err)
		}
		sent += len(events)
		each(sent)
	}
	type held struct {
		stream, at int
		events     []logtypes.InputLogEvent
	}
	var back []held
	rng := rand.New(rand.NewPCG(5, 5))
	for i := range motoLines {
		n := i % motoStreams
		at := first + int64(i)*12 // ten minutes in all; three lines may share a time
		chunks[n] = append(chunks[n], logtypes.InputLogEvent{Timestamp: aws.Int64(at - at%3), Message: aws.String(fmt.Sprintf("line %06d", i))})
		if len(chunks[n]) == motoChunk || i >= motoLines-motoStreams {
			if rng.IntN(10) == 0 {
				back = append(back, held{n, i + rng.IntN(20_000), chunks[n]}) // 20,000 lines are four minutes
			} else {
				put(n, chunks[n])
			}
			chunks[n] = nil
		}
		for k := 0; k < len(back); k++ {
			if back[k].at <= i {
				put(back[k].stream, back[k].events)
				back = append(back[:k], back[k+1:]...)
				k--
			}
		}
	}
	for _, b := range back {
		put(b.stream, b.events)
	}
	if sent != motoLines {
		t.Fatalf("%d lines were sent", sent)
	}
}

// follow waits at every eighth of the log until the watch has read something, so
// that lines do come while others are read.
func follow(t *testing.T, watch *training.Watch, sent int) {
	t.Helper()
	if sent%(motoLines/8) >= motoChunk {
		return
	}
	before := watch.Len()
	deadline := time.After(time.Minute)
	for watch.Len() <= before && watch.Len() < sent/2 {
		select {
		case <-watch.Changed():
		case <-deadline:
			t.Fatalf("the watch reads nothing: %d of %d lines, %v", watch.Len(), sent, watch.Err())
		}
	}
}

// inOrder checks that each line is there once, in the order of times.
func inOrder(t *testing.T, watch *training.Watch) (late int) {
	t.Helper()
	if watch.Len() != motoLines || watch.Streams() != motoStreams {
		t.Errorf("%d lines of %d streams", watch.Len(), watch.Streams())
	}
	seen := make([]bool, motoLines)
	var last time.Time
	for _, l := range watch.Lines(0, watch.Len()) {
		var i int
		if _, err := fmt.Sscanf(l.Text, "line %d", &i); err != nil || i < 0 || i >= motoLines || seen[i] {
			t.Fatalf("%q is twice or not ours (%v)", l.Text, err)
		}
		seen[i] = true
		if l.Time.Before(last) {
			t.Fatalf("%q of %s stands behind %s", l.Text, l.Time, last)
		}
		last = l.Time
		if l.Late {
			late++
		}
	}
	for i, ok := range seen {
		if !ok {
			t.Fatalf("line %d is lost", i)
		}
	}
	return late
}
