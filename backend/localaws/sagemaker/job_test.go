package sagemaker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	sdk "github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/smithy-go"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/internal/toy"
	"tunebench/backend/localaws/tinymistral"
)

func readLog(t testing.TB, h http.Handler, stream string) []string {
	t.Helper()
	client := cloudwatchlogs.NewFromConfig(toy.Config(h))
	var out []string
	var token *string
	for {
		page, err := client.GetLogEvents(context.Background(), &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: aws.String(LogGroup), LogStreamName: &stream, StartFromHead: aws.Bool(true), NextToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			out = append(out, *e.Message)
		}
		if token != nil && *token == *page.NextForwardToken {
			return out
		}
		token = page.NextForwardToken
	}
}

func TestJobTrainsAndUploads(t *testing.T) {
	w := newWorld(t, t.TempDir(), toy.Base(t))
	w.create(w.input("first", 30))
	out := w.wait("first")
	if out.TrainingJobStatus != "Completed" {
		t.Fatalf("%s: %s", out.TrainingJobStatus, aws.ToString(out.FailureReason))
	}
	var statuses []string
	for _, tr := range out.SecondaryStatusTransitions {
		statuses = append(statuses, string(tr.Status))
		if tr.EndTime == nil {
			t.Errorf("%s has no end", tr.Status)
		}
	}
	if want := []string{"Starting", "Downloading", "Training", "Uploading", "Completed"}; !slices.Equal(statuses, want) {
		t.Errorf("secondary statuses %v, want %v", statuses, want)
	}
	if got := aws.ToString(out.ModelArtifacts.S3ModelArtifacts); got != "s3://work/jobs/first/output/model/" {
		t.Errorf("artifact at %s", got)
	}
	if len(out.FinalMetricDataList) != 1 || *out.FinalMetricDataList[0].MetricName != "train:loss" {
		t.Errorf("metrics %+v", out.FinalMetricDataList)
	}

	lines := w.log("first")
	steps := events(t, lines, "step")
	if n := len(steps); n != 7 || *steps[0].Step != 1 || *steps[n-1].Step != 30 || *steps[n-1].Steps != 30 {
		t.Fatalf("%d step lines in\n%s", n, strings.Join(lines, "\n"))
	}
	if first, last := *steps[0].Loss, *steps[len(steps)-1].Loss; !(last < first-0.1) {
		t.Errorf("loss went from %g to %g", first, last)
	}
	evals := events(t, lines, "eval")
	var at []int
	for _, e := range evals {
		at = append(at, *e.Step)
	}
	if !slices.Equal(at, []int{0, 10, 20, 30}) {
		t.Errorf("evaluated at %v", at)
	}
	for _, kind := range []string{"plan", "phase", "merge", "export", "done"} {
		if len(events(t, lines, kind)) == 0 {
			t.Errorf("no %s event", kind)
		}
	}

	var m manifest
	if err := json.Unmarshal([]byte(w.get("jobs/first/output/data/manifest.json")), &m); err != nil {
		t.Fatal(err)
	}
	list, err := w.objects.List(context.Background(), bucket, "jobs/first/output/model/")
	if err != nil || len(list) != len(m.Files) || len(list) != 6 {
		t.Errorf("%d objects, %d in the manifest, %v", len(list), len(m.Files), err)
	}
	for _, f := range m.Files {
		data := w.get("jobs/first/output/model/" + f.Name)
		if sum := sha256.Sum256([]byte(data)); hex.EncodeToString(sum[:]) != f.SHA256 || int64(len(data)) != f.Size {
			t.Errorf("%s differs from the manifest", f.Name)
		}
	}
	folder := w.objects.FS(context.Background(), bucket, "jobs/first/output/model")
	if _, where, err := artifact.ChatTemplate(folder); err != nil || where != artifact.TokenizerConfigFile {
		t.Errorf("chat template in %q: %v", where, err)
	}

	// The uploaded model is the trained one: its loss is the one in the log.
	model, err := tinymistral.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := artifact.LoadTokenizer(folder)
	if err != nil {
		t.Fatal(err)
	}
	format, _ := artifact.FormatByName("")
	rr := &rowReader{format: format, tokenizer: tok, seqLen: 64}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "v.jsonl"), []byte(toy.Rows(6)), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := rr.read(context.Background(), "v", dir)
	if err != nil {
		t.Fatal(err)
	}
	trainer, err := tinymistral.NewTrainer(model, set.examples, tinymistral.TrainConfig{LearningRate: 1, Steps: 1, Rows: 1, SeqLen: 64})
	if err != nil {
		t.Fatal(err)
	}
	loss, err := trainer.EvalLoss(context.Background(), set.examples)
	if want := *evals[3].EvalLoss; err != nil || math.Abs(loss-want) > 0.02 {
		t.Errorf("the artifact's loss is %g, the log says %g (%v)", loss, want, err)
	}
	toy.Until(t, "the working files to go", func() bool {
		left, err := os.ReadDir(filepath.Join(w.options.Dir, "first"))
		return err == nil && len(left) == 1
	})
}

func TestCompressedOutput(t *testing.T) {
	w := newWorld(t, t.TempDir(), toy.Base(t))
	in := w.input("zip", 2)
	in.OutputDataConfig.CompressionType = ""
	w.create(in)
	out := w.wait("zip")
	if got := aws.ToString(out.ModelArtifacts.S3ModelArtifacts); got != "s3://work/jobs/zip/output/model.tar.gz" {
		t.Errorf("artifact at %q, %s", got, aws.ToString(out.FailureReason))
	}
	if data := w.get("jobs/zip/output/model.tar.gz"); !strings.HasPrefix(data, "\x1f\x8b") {
		t.Error("the archive is not gzip")
	}
}

// TestPauseIsExact pauses a job several times in the middle and wants the
// artifact and the step lines of a job that was never paused.
func TestPauseIsExact(t *testing.T) {
	base := toy.Base(t)
	w := newWorld(t, t.TempDir(), base)
	w.create(w.input("whole", 60))
	w.wait("whole")
	w.create(w.input("parts", 60))
	for range 3 {
		before := len(w.log2("parts"))
		toy.Until(t, "another line", func() bool { return len(w.log2("parts")) > before || w.service.Active() == 0 })
		if err := w.service.Pause(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.open()
	}
	if out := w.wait("parts"); out.TrainingJobStatus != "Completed" {
		t.Fatal(aws.ToString(out.FailureReason))
	}
	if w.get("jobs/whole/output/model/model.safetensors") != w.get("jobs/parts/output/model/model.safetensors") {
		t.Error("the paused job made other weights")
	}
	whole, parts := events(t, w.log("whole"), "step", "eval"), events(t, w.log("parts"), "step", "eval")
	for _, list := range [][]event{whole, parts} {
		for i := range list {
			list[i].TokensPerS = nil
		}
	}
	a, _ := json.Marshal(whole)
	b, _ := json.Marshal(parts)
	if string(a) != string(b) {
		t.Errorf("step lines differ:\n%s\n%s", a, b)
	}
	if len(events(t, w.log("parts"), "resume")) == 0 {
		t.Error("the job was never resumed; the test shows nothing")
	}
}

// log2 is log for a stream that may not exist yet.
func (w *world) log2(name string) []string {
	j, err := w.service.find(name)
	w.check(err)
	if w.service.view(j).Progress.Phase != phaseTraining {
		return nil
	}
	return w.log(name)
}

func TestStopKeepsWhatWasLearnt(t *testing.T) {
	w := newWorld(t, t.TempDir(), toy.Base(t))
	ctx := context.Background()
	w.create(w.input("long", 1_000_000))
	w.create(w.input("waiting", 5))
	if st := w.describe("waiting").SecondaryStatus; st != types.SecondaryStatusPending {
		t.Errorf("the second job is %s", st)
	}
	for _, name := range []string{"waiting", "long"} {
		if name == "long" {
			toy.Until(t, "a step", func() bool { return len(events(t, w.log2("long"), "step")) > 1 })
		}
		if _, err := w.client.StopTrainingJob(ctx, &sdk.StopTrainingJobInput{TrainingJobName: &name}); err != nil {
			t.Fatal(err)
		}
	}
	out := w.wait("long")
	if out.TrainingJobStatus != "Stopped" || out.SecondaryStatus != types.SecondaryStatusStopped || out.ModelArtifacts == nil {
		t.Errorf("%s, %s, %v", out.TrainingJobStatus, out.SecondaryStatus, out.ModelArtifacts)
	}
	if w.get("jobs/long/output/model/config.json") == "" {
		t.Error("no artifact")
	}
	if out := w.wait("waiting"); out.TrainingJobStatus != "Stopped" || out.ModelArtifacts != nil {
		t.Errorf("waiting: %s %v", out.TrainingJobStatus, out.ModelArtifacts)
	}
	_, err := w.client.StopTrainingJob(ctx, &sdk.StopTrainingJobInput{TrainingJobName: aws.String("long")})
	wantError(t, err, "ValidationException", "status Stopped")
}

func TestRuntimeLimit(t *testing.T) {
	w := newWorld(t, t.TempDir(), toy.Base(t))
	// A clock that goes on by a second each time it is asked.
	var ticks atomic.Int64
	if err := w.service.Close(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	w.options.Now = func() time.Time { return start.Add(time.Duration(ticks.Add(1)) * time.Second) }
	w.open()
	in := w.input("slow", 1_000_000)
	in.StoppingCondition.MaxRuntimeInSeconds = aws.Int32(120)
	w.create(in)
	out := w.wait("slow")
	if out.TrainingJobStatus != "Stopped" || out.SecondaryStatus != types.SecondaryStatusMaxRuntimeExceeded || out.ModelArtifacts == nil {
		t.Errorf("%s, %s: %s", out.TrainingJobStatus, out.SecondaryStatus, aws.ToString(out.FailureReason))
	}
}

func TestKilledJobFails(t *testing.T) {
	base := toy.Base(t)
	w := newWorld(t, t.TempDir(), base)
	w.create(w.input("killed", 1_000_000))
	toy.Until(t, "a step", func() bool { return len(events(t, w.log2("killed"), "step")) > 0 })
	// What a killed process leaves is what lies on the disk now.
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(w.dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.StopTrainingJob(context.Background(), &sdk.StopTrainingJobInput{TrainingJobName: aws.String("killed")}); err != nil {
		t.Fatal(err)
	}
	w2 := newWorld(t, dir, base)
	out := w2.describe("killed")
	if out.TrainingJobStatus != "Failed" || !strings.Contains(aws.ToString(out.FailureReason), "the process that ran this job ended") {
		t.Errorf("%s: %s", out.TrainingJobStatus, aws.ToString(out.FailureReason))
	}
	if len(events(t, w2.log("killed"), "failed")) != 1 {
		t.Error("the log does not say that it failed")
	}
	w.wait("killed")
}

func TestCheckpointLocation(t *testing.T) {
	w := newWorld(t, t.TempDir(), toy.Base(t))
	for _, name := range []string{"one", "two"} {
		in := w.input(name, 20)
		in.CheckpointConfig = &types.CheckpointConfig{S3Uri: aws.String("s3://work/ckpt")}
		w.put("in/"+name+"/code/job.json", `{"base_model":"tunebench-base","settings":{"max_steps":20,"batch_rows":2,"checkpoint_every":15,"seed":3}}`)
		w.create(in)
		if out := w.wait(name); out.TrainingJobStatus != "Completed" {
			t.Fatal(aws.ToString(out.FailureReason))
		}
	}
	if r := events(t, w.log("two"), "resume"); len(r) != 1 || *r[0].Step != 15 {
		t.Errorf("resume %+v", r)
	}
	if w.get("jobs/one/output/model/model.safetensors") != w.get("jobs/two/output/model/model.safetensors") {
		t.Error("the job that went on from the checkpoint made other weights")
	}
}

func TestBadInputFails(t *testing.T) {
	w := newWorld(t, t.TempDir(), toy.Base(t))
	const settings = `{"base_model":"tunebench-base","settings":{"max_steps":2,"max_sequence_length":64}}`
	for name, c := range map[string]struct{ config, rows, want string }{
		"json":     {settings, "{\"question\":\"q\",\"response\":\"a\"}\n{broken\n", "train.jsonl line 2: it is not a JSON object"},
		"array":    {settings, "[{}]", "JSON Lines"},
		"columns":  {settings, `{"instruction":"q","output":"a"}`, "has the columns instruction, output; it needs question and response"},
		"type":     {settings, `{"question":5,"response":"a"}`, `the column "question" holds a number`},
		"empty":    {settings, "\n\n", `"training" has no rows`},
		"blank":    {settings, `{"question":"q","response":" "}`, "has both a question and an answer"},
		"long":     {settings, `{"question":"` + strings.Repeat("why ", 300) + `","response":"a"}`, "max_sequence_length is 64; raise it"},
		"roles":    {settings, `{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},{"role":"assistant","content":"c"}]}`, "line 1: message 2 has the role"},
		"base":     {`{"base_model":"mistralai/Mistral-7B-v0.3"}`, toy.Rows(2), `it trains "tunebench-base"`},
		"config":   {"{\n\"settings\": {,}}", toy.Rows(2), "job.json is not valid (line 2)"},
		"context":  {`{"settings":{"max_sequence_length":4096}}`, toy.Rows(2), "takes up to 128 tokens, so lower it"},
		"format":   {`{"settings":{"prompt_format":"vicuna"}}`, toy.Rows(2), `no prompt format "vicuna"`},
		"tokens":   {`{"settings":{"prompt_format":"chatml"}}`, toy.Rows(2), "the tokenizer has no token"},
		"method":   {`{"settings":{"method":"magic"}}`, toy.Rows(2), "must be lora, qlora or full"},
		"diverged": {`{"settings":{"learning_rate":-1}}`, toy.Rows(2), "learning rate -1"},
	} {
		in := w.input(name, 1)
		w.put("in/"+name+"/code/job.json", c.config)
		w.put("in/"+name+"/train.jsonl", c.rows)
		w.create(in)
		out := w.wait(name)
		if got := aws.ToString(out.FailureReason); out.TrainingJobStatus != "Failed" || !strings.Contains(got, c.want) || !strings.HasPrefix(got, "AlgorithmError: ") {
			t.Errorf("%s: %s, %q does not say %q", name, out.TrainingJobStatus, got, c.want)
		}
	}
}

func TestOtherMethodsAndFormats(t *testing.T) {
	w := newWorld(t, t.TempDir(), toy.Base(t))
	for name, c := range map[string]struct{ settings, want string }{
		"full":    {`"method":"full","prompt_format":"human-assistant"`, "nothing to merge"},
		"qlora":   {`"method":"qlora","lora_targets":["all-linear"]`, "does not quantise"},
		"partial": {`"lora_targets":["q_proj","v_proj"],"epochs":0.5`, "5 files"},
	} {
		in := w.input(name, 1)
		w.put("in/"+name+"/code/job.json", `{"settings":{`+c.settings+`,"batch_rows":2}}`)
		w.put("in/"+name+"/train.jsonl", `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`)
		w.create(in)
		if out := w.wait(name); out.TrainingJobStatus != "Completed" {
			t.Fatalf("%s: %s", name, aws.ToString(out.FailureReason))
		}
		if name != "partial" && !strings.Contains(strings.Join(w.log(name), "\n"), c.want) {
			t.Errorf("%s: the log does not say %q", name, c.want)
		}
	}
	template, _, err := artifact.ChatTemplate(w.objects.FS(context.Background(), bucket, "jobs/full/output/model"))
	if name, ok := artifact.DetectFormat(template); err != nil || !ok || name != "human-assistant" {
		t.Errorf("format %q, %v", name, err)
	}
}

// TestStorageFails takes the bucket's folder away while a job trains.
func TestStorageFails(t *testing.T) {
	w := newWorld(t, t.TempDir(), toy.Base(t))
	w.create(w.input("lost", 1_000_000))
	toy.Until(t, "a step", func() bool { return len(events(t, w.log2("lost"), "step")) > 0 })
	if err := os.RemoveAll(filepath.Join(w.dir, "s3", bucket)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client.StopTrainingJob(context.Background(), &sdk.StopTrainingJobInput{TrainingJobName: aws.String("lost")}); err != nil {
		t.Fatal(err)
	}
	out := w.wait("lost")
	if got := aws.ToString(out.FailureReason); out.TrainingJobStatus != "Failed" || !strings.HasPrefix(got, "ClientError: Artifact upload failed") || !strings.Contains(got, "could not be stored") {
		t.Errorf("%s: %s", out.TrainingJobStatus, got)
	}
	full := reason(fmt.Errorf("checkpoint at step 3: %w", &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}))
	if !strings.Contains(full, "The disk is full") {
		t.Error(full)
	}
	if long := cutReason(strings.Repeat("ä", 2000)); len(long) > 1024 || !strings.HasSuffix(long, "ä...") {
		t.Errorf("%d bytes, %q", len(long), long[len(long)-8:])
	}
}

func wantError(t *testing.T, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("error %v, want %s with %q", err, code, text)
	}
}
