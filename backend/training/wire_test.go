package training

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"tunebench/backend/account/awserror"
	"tunebench/backend/store"
)

// script answers by operation; a test fills it.
type script struct {
	mu      sync.Mutex
	answers map[string]func(body map[string]any) (status int, answer any)
	objects map[string]string
	puts    int
	bodies  map[string]map[string]any // the last request of each operation
}

func fail(status int, code, message string) (int, any) {
	return status, map[string]any{"__type": code, "message": message}
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	target := r.Header.Get("X-Amz-Target")
	if target == "" { // S3
		b, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(500)
			return
		}
		switch {
		case r.Method == http.MethodPut:
			s.objects[r.URL.Path] = string(b)
			s.puts++
		case r.Method == http.MethodHead:
			o, ok := s.objects[r.URL.Path]
			if !ok {
				w.WriteHeader(404)
			}
			w.Header().Set("Content-Length", strconv.Itoa(len(o)))
		}
		return
	}
	_, op, _ := strings.Cut(target, ".")
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		w.WriteHeader(500)
		return
	}
	s.bodies[op] = body
	status, answer := fail(500, "InternalFailure", "no answer for "+op)
	if f := s.answers[op]; f != nil {
		status, answer = f(body)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		panic(err)
	}
}

func (s *script) on(op string, f func(body map[string]any) (int, any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[op] = f
}

// scripted is a service before a scripted AWS.
func scripted(t *testing.T) (*Service, *script) {
	t.Helper()
	sc := &script{answers: map[string]func(map[string]any) (int, any){}, objects: map[string]string{}, bodies: map[string]map[string]any{}}
	srv := httptest.NewServer(sc)
	t.Cleanup(srv.Close)
	st, err := store.Open(context.Background(), filepath.Join(t.TempDir(), "t.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
	return New(Config{
		SageMaker: sagemaker.NewFromConfig(cfg), Logs: cloudwatchlogs.NewFromConfig(cfg),
		S3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }), Store: st,
		Bucket: "bkt", RoleARN: "arn:aws:iam::111122223333:role/r", BaseModel: SmallBase, AccountName: "aws", Region: "us-east-1", Now: clock,
	}), sc
}

func TestStartOnTheWire(t *testing.T) {
	ctx := context.Background()
	s, sc := scripted(t)
	s.c.Container = fstest.MapFS{"launch.py": {Data: []byte("print()")}, "lib/x.py": {Data: []byte("x")}}
	sc.on("DescribeTrainingJob", func(map[string]any) (int, any) {
		return fail(400, "ValidationException", "Requested resource not found.")
	})
	sc.on("CreateTrainingJob", func(b map[string]any) (int, any) {
		sc.answers["DescribeTrainingJob"] = func(map[string]any) (int, any) {
			return 200, map[string]any{"TrainingJobName": b["TrainingJobName"], "TrainingJobArn": "arn:x", "TrainingJobStatus": "InProgress", "SecondaryStatus": "Starting",
				"CreationTime": 1767323045.678, "HyperParameters": b["HyperParameters"]}
		}
		return 200, map[string]any{"TrainingJobArn": "arn:x"}
	})
	p, err := s.Plan(ctx, Spec{Dataset: rowsFile(t, 20), Name: "job-1"})
	if err != nil {
		t.Fatal(err)
	}
	job, err := s.Start(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	if job.Name != "job-1" || job.ARN != "arn:x" || job.Preset != "style" || job.PromptFormat != "mistral-v3" || job.Dataset != p.Dataset || job.Created.Unix() != 1767323045 {
		t.Errorf("%+v", job)
	}
	held := map[string]string{}
	for key, content := range sc.objects {
		parts := strings.SplitN(strings.TrimPrefix(key, "/bkt/tunebench/inputs/"), "/", 2)
		held[strings.SplitN(parts[0], "-", 2)[0]+"/"+parts[1]] = content
	}
	var config JobConfig
	if err := json.Unmarshal([]byte(held["code/job.json"]), &config); err != nil || config.BaseModel != SmallBase || config.Settings.MaxSteps != 400 {
		t.Errorf("job.json: %+v, %v", config, err)
	}
	if n := strings.Count(held["data/train.jsonl"], `"response":"It is `); n != 20 {
		t.Errorf("%d rows uploaded", n)
	}
	if held["code/launch.py"] != "print()" || held["code/lib/x.py"] != "x" || len(sc.objects) != 4 {
		t.Errorf("uploaded %d objects: %v", len(sc.objects), held)
	}
	b := sc.bodies["CreateTrainingJob"]
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"ContainerEntrypoint":["python3"]`, `"ContainerArguments":["/opt/ml/input/data/code/launch.py"]`, `"CompressionType":"NONE"`,
		`"S3OutputPath":"s3://bkt/tunebench/jobs"`, `"S3Uri":"s3://bkt/tunebench/inputs/data-`, `"CheckpointConfig":{"S3Uri":"s3://bkt/tunebench/jobs/job-1/checkpoints/"}`, `"dataset":"Some Things_v2.jsonl"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("CreateTrainingJob lacks %s: %s", want, text)
		}
	}
	if strings.Contains(string(text), "validation") {
		t.Error("a validation channel without a split")
	}
	// The same name again.
	sc.on("DescribeTrainingJob", func(b map[string]any) (int, any) {
		if b["TrainingJobName"] == "job-1-3" {
			return fail(400, "ValidationException", "Requested resource not found.")
		}
		return 200, map[string]any{"TrainingJobName": b["TrainingJobName"]}
	})
	var exists *ExistsError
	if _, err := s.Start(ctx, p); !errors.As(err, &exists) || exists.Free != "job-1-3" || !strings.Contains(err.Error(), `such as "job-1-3"`) {
		t.Errorf("%v", err)
	}
}

func TestStartAgainUploadsNothingTwice(t *testing.T) {
	ctx := context.Background()
	s, sc := scripted(t)
	sc.on("DescribeTrainingJob", func(map[string]any) (int, any) {
		return fail(400, "ValidationException", "Requested resource not found.")
	})
	sc.on("CreateTrainingJob", func(map[string]any) (int, any) {
		return fail(400, "AccessDeniedException", "User x is not authorized to perform: iam:PassRole")
	})
	p, err := s.Plan(ctx, Spec{Dataset: rowsFile(t, 20)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Start(ctx, p); awserror.KindOf(err) != awserror.Denied || !strings.Contains(err.Error(), "iam:PassRole") {
		t.Errorf("%v", err)
	}
	if sc.puts != len(sc.objects) || sc.puts != 2 {
		t.Errorf("%d uploads of %d objects", sc.puts, len(sc.objects))
	}
	if _, err := s.Start(ctx, p); awserror.KindOf(err) != awserror.Denied || sc.puts != 2 {
		t.Errorf("%v, %d uploads", err, sc.puts)
	}
	if jobs, err := s.c.Store.TrainingJobs(ctx, "aws", "us-east-1"); err != nil || len(jobs) != 0 {
		t.Errorf("remembered: %v, %v", jobs, err)
	}
}

func TestJobsAndStop(t *testing.T) {
	ctx := context.Background()
	s, sc := scripted(t)
	page := 0
	sc.on("ListTrainingJobs", func(b map[string]any) (int, any) {
		page++
		switch page {
		case 1: // a page that filtering left empty
			return 200, map[string]any{"TrainingJobSummaries": []any{}, "NextToken": "t"}
		default:
			return 200, map[string]any{"TrainingJobSummaries": []any{
				map[string]any{"TrainingJobName": "ours", "TrainingJobArn": "a", "TrainingJobStatus": "Completed", "CreationTime": 1767323045, "TrainingEndTime": 1767323100},
				map[string]any{"TrainingJobName": "theirs\u001b[31m", "TrainingJobArn": "b", "TrainingJobStatus": "InProgress", "CreationTime": 1767323044}}}
		}
	})
	if err := s.c.Store.PutTrainingJob(ctx, store.TrainingJob{Account: "aws", Region: "us-east-1", Name: "ours", Dataset: "d.jsonl", Preset: "style"}); err != nil {
		t.Fatal(err)
	}
	jobs, err := s.Jobs(ctx)
	if err != nil || len(jobs) != 2 || jobs[0].Dataset != "d.jsonl" || !jobs[0].Done() || jobs[1].Name != "theirs" || jobs[1].Dataset != "" {
		t.Errorf("%+v, %v", jobs, err)
	}
	sc.on("StopTrainingJob", func(map[string]any) (int, any) {
		return fail(400, "ValidationException", "The request was rejected because the training job is in status Completed.")
	})
	sc.on("DescribeTrainingJob", func(map[string]any) (int, any) {
		return 200, map[string]any{"TrainingJobName": "ours", "TrainingJobStatus": "Completed"}
	})
	if err := s.Stop(ctx, "ours"); err == nil || !strings.Contains(err.Error(), "has ended already (Completed)") {
		t.Errorf("%v", err)
	}
	sc.on("StopTrainingJob", func(map[string]any) (int, any) {
		return fail(400, "ValidationException", "Requested resource not found.")
	})
	var gone *NotFoundError
	if err := s.Stop(ctx, "none"); !errors.As(err, &gone) {
		t.Errorf("%v", err)
	}
}

// wait waits until ok, which is asked whenever the watch has changed.
func wait(t *testing.T, w *Watch, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-w.Changed():
		case <-w.Done():
			if !ok() {
				t.Fatalf("the watch ended before %s: %v", what, w.Err())
			}
		case <-deadline:
			t.Fatalf("timeout before %s; err %v, %d lines, %+v", what, w.Err(), w.Len(), w.Job())
		}
	}
}

func TestWatchOnTheWire(t *testing.T) {
	s, sc := scripted(t)
	status := "InProgress"
	created := 1767323045
	describe := func(map[string]any) (int, any) {
		return 200, map[string]any{"TrainingJobName": "j", "TrainingJobStatus": status, "SecondaryStatus": "Training", "CreationTime": created}
	}
	event := func(id string, at int, text string) map[string]any {
		return map[string]any{"eventId": id, "timestamp": created*1000 + at, "message": text, "logStreamName": "j/algo-1-1767323050"}
	}
	sc.on("DescribeTrainingJob", describe)
	sc.on("FilterLogEvents", func(map[string]any) (int, any) {
		return fail(400, "ResourceNotFoundException", "The specified log group does not exist.")
	})
	w := s.Watch(context.Background(), "j")
	defer w.Close()
	wait(t, w, "the first description", func() bool { return w.Job().Status == "InProgress" })

	// Two pages, the first without events; the same events come again each time.
	sc.on("FilterLogEvents", func(b map[string]any) (int, any) {
		if b["nextToken"] == nil {
			return 200, map[string]any{"events": []any{}, "nextToken": "n"}
		}
		return 200, map[string]any{"events": []any{
			event("1", 10, "Downloading \x1b[31mthings"),
			event("2", 20, `tb1 {"event":"step","step":5,"steps":10,"loss":2.5}`),
			event("3", 20, `tb1 {"event":"eval","step":5,"eval_loss":2.75}`),
		}}
	})
	wait(t, w, "the lines", func() bool { return w.Len() == 3 })
	lines := w.Lines(0, 10)
	if lines[0].Text != "Downloading things" || lines[0].Stream != "algo-1" || lines[1].Event == nil || lines[2].Time.UnixMilli() != int64(created*1000+20) {
		t.Errorf("%+v", lines)
	}
	if p := w.Points(); len(p) != 1 || p[0].Loss != 2.5 || p[0].EvalLoss != 2.75 {
		t.Errorf("%+v", p)
	}
	if l := w.Latest(); l.Event != "eval" || *l.Loss != 2.5 || *l.EvalLoss != 2.75 || *l.Steps != 10 {
		t.Errorf("%+v", l)
	}
	if b := sc.bodies["FilterLogEvents"]; b["logStreamNamePrefix"] != "j/" {
		t.Errorf("%v", b)
	}

	// Trouble shows and passes.
	sc.on("DescribeTrainingJob", func(map[string]any) (int, any) { return fail(400, "ThrottlingException", "Rate exceeded") })
	wait(t, w, "the throttling", func() bool { return awserror.KindOf(w.Err()) == awserror.Throttled })
	// A line that comes late, with an older time, is not lost.
	sc.on("FilterLogEvents", func(map[string]any) (int, any) {
		return 200, map[string]any{"events": []any{event("late", 5, "late"), event("2", 20, "again")}}
	})
	sc.on("DescribeTrainingJob", describe)
	wait(t, w, "the end of the trouble", func() bool { return w.Err() == nil && w.Len() == 4 })

	sc.mu.Lock()
	status = "Completed"
	sc.mu.Unlock()
	select {
	case <-w.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the watch does not end")
	}
	if !w.Job().Done() || w.Err() != nil || w.Len() != 4 {
		t.Errorf("%+v, %v, %d lines", w.Job(), w.Err(), w.Len())
	}
}

func TestWatchOfNoJobEnds(t *testing.T) {
	s, sc := scripted(t)
	sc.on("DescribeTrainingJob", func(map[string]any) (int, any) {
		return fail(400, "ValidationException", "Requested resource not found.")
	})
	w := s.Watch(context.Background(), "none")
	<-w.Done()
	var gone *NotFoundError
	if !errors.As(w.Err(), &gone) {
		t.Errorf("%v", w.Err())
	}
	// A watch that is closed ends too.
	sc.on("DescribeTrainingJob", func(map[string]any) (int, any) { return fail(500, "InternalFailure", "x") })
	w = s.Watch(context.Background(), "j")
	wait(t, w, "the error", func() bool { return awserror.KindOf(w.Err()) == awserror.Unavailable })
	w.Close()
}

// TestRoleTrouble: a role that SageMaker may not assume, or that may not be
// passed, is told with where its policies are.
func TestRoleTrouble(t *testing.T) {
	s, sc := scripted(t)
	sc.on("DescribeTrainingJob", func(map[string]any) (int, any) {
		return fail(400, "ValidationException", "Requested resource not found.")
	})
	p, err := s.Plan(t.Context(), Spec{Dataset: rowsFile(t, 20)})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range [][2]string{
		{"ValidationException", "Could not assume role arn:aws:iam::111122223333:role/r. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role."},
		{"AccessDeniedException", "User: arn:aws:iam::111122223333:user/u is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/r"},
	} {
		sc.on("CreateTrainingJob", func(map[string]any) (int, any) { return fail(400, a[0], a[1]) })
		if _, err := s.Start(t.Context(), p); err == nil || !strings.Contains(err.Error(), "tunebench train role") {
			t.Errorf("%v", err)
		}
	}
	sc.on("CreateTrainingJob", func(map[string]any) (int, any) {
		return fail(400, "ValidationException", "VolumeSizeInGB is too small")
	})
	if _, err := s.Start(t.Context(), p); err == nil || strings.Contains(err.Error(), "train role") {
		t.Errorf("%v", err)
	}
}

// TestNextName: a job that is started again is called after the old one, and
// never by a name that is taken or too long.
func TestNextName(t *testing.T) {
	s, sc := scripted(t)
	taken := map[string]bool{"tents-r2": true, "tents-r3": true}
	sc.on("DescribeTrainingJob", func(b map[string]any) (int, any) {
		name, _ := b["TrainingJobName"].(string)
		if taken[name] {
			return 200, map[string]any{"TrainingJobName": name, "TrainingJobStatus": "Stopped"}
		}
		return fail(400, "ValidationException", "Requested resource not found.")
	})
	for _, c := range [][3]string{
		{"tents", "r", "tents-r4"},
		{"tents-r3", "r", "tents-r4"},
		{"tents", "", "tents-2"},
		{"tents-2", "", "tents-2"},
		{"tb-tents-20260102-030405", "r", "tb-tents-r2"},
		{"tb-tents-20260102-030405-r2", "r", "tb-tents-r2"},
		{strings.Repeat("a", 63), "r", strings.Repeat("a", 60) + "-r2"},
	} {
		got, err := s.nextName(t.Context(), c[0], c[1])
		if err != nil || got != c[2] || checkJobName(got) != nil {
			t.Errorf("%s: %s, want %s (%v)", c[0], got, c[2], err)
		}
	}
}
