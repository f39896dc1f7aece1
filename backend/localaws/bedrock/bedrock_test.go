package bedrock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"github.com/aws/smithy-go"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/internal/toy"
	"tunebench/backend/localaws/objects"
	"tunebench/backend/localaws/wire"
)

const (
	bucket = "work"
	baseID = "tunebench.base-v1:0"
)

type world struct {
	t       testing.TB
	base    fs.FS
	options Options
	service *Service
	client  *sdk.Client
}

func newWorld(t testing.TB, dir string) *world {
	t.Helper()
	w := &world{t: t, base: toy.Base(t)}
	store, err := objects.Open(filepath.Join(dir, "s3"), objects.Options{})
	w.check(err)
	if !store.BucketExists(bucket) {
		w.check(store.CreateBucket(bucket))
	}
	w.options = Options{Dir: filepath.Join(dir, "bedrock"), Objects: store, BaseModelID: baseID, Base: w.base, MaxModels: 3}
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

// upload puts a folder under a prefix.
func (w *world) upload(prefix string, folder fs.FS) {
	w.t.Helper()
	w.check(fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(folder, name)
		w.check(err)
		_, err = w.options.Objects.Put(context.Background(), bucket, prefix+"/"+name, bytes.NewReader(data), objects.PutOptions{})
		return err
	}))
}

func (w *world) create(job, model, source string) (string, error) {
	out, err := w.client.CreateModelImportJob(context.Background(), &sdk.CreateModelImportJobInput{
		JobName: &job, ImportedModelName: &model, RoleArn: aws.String("arn:aws:iam::000000000000:role/import"),
		ModelDataSource:   &types.ModelDataSourceMemberS3DataSource{Value: types.S3DataSource{S3Uri: aws.String(source)}},
		ImportedModelTags: []types.Tag{{Key: aws.String("made"), Value: aws.String("here")}},
	})
	if err != nil {
		return "", err
	}
	return *out.JobArn, nil
}

func (w *world) wait(job string) *sdk.GetModelImportJobOutput {
	w.t.Helper()
	var out *sdk.GetModelImportJobOutput
	toy.Until(w.t, job+" to end", func() bool {
		var err error
		out, err = w.client.GetModelImportJob(context.Background(), &sdk.GetModelImportJobInput{JobIdentifier: &job})
		w.check(err)
		return out.Status != types.ModelImportJobStatusInProgress
	})
	return out
}

func wantError(t *testing.T, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) {
		t.Errorf("error %v, want %s with %q", err, code, text)
	}
}

func TestImport(t *testing.T) {
	w := newWorld(t, t.TempDir())
	ctx := context.Background()
	w.upload("good", w.base)
	arn, err := w.create("import-1", "mine", "s3://work/good/")
	w.check(err)
	job := w.wait("import-1")
	if job.Status != types.ModelImportJobStatusCompleted || *job.JobArn != arn || job.EndTime == nil {
		t.Fatalf("%s: %s", job.Status, aws.ToString(job.FailureMessage))
	}
	m, err := w.client.GetImportedModel(ctx, &sdk.GetImportedModelInput{ModelIdentifier: aws.String("mine")})
	w.check(err)
	if *m.ModelArn != *job.ImportedModelArn || !aws.ToBool(m.InstructSupported) || *m.ModelArchitecture != "MistralForCausalLM" || *m.CustomModelUnits.CustomModelUnitsPerModelCopy != 1 {
		t.Errorf("model %+v", m)
	}
	tags, err := w.client.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{ResourceARN: m.ModelArn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "made" {
		t.Errorf("tags %+v, %v", tags, err)
	}
	_, err = w.client.TagResource(ctx, &sdk.TagResourceInput{ResourceARN: m.ModelArn, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
	w.check(err)

	_, err = w.create("import-1", "other", "s3://work/good/")
	wantError(t, err, "ConflictException", "import-1 is already in use")
	_, err = w.create("import-2", "mine", "s3://work/good/")
	wantError(t, err, "ConflictException", "mine is already in use")
	_, err = w.create("import-2", "a--b", "s3://work/good/")
	wantError(t, err, "ValidationException", "importedModelName")
	for i := 2; i <= 3; i++ {
		_, err = w.create(fmt.Sprintf("import-%d", i), fmt.Sprintf("mine-%d", i), "s3://work/good")
		w.check(err)
		w.wait(fmt.Sprintf("import-%d", i))
	}
	_, err = w.create("import-4", "fourth", "s3://work/good/")
	wantError(t, err, "ServiceQuotaExceededException", "limit of 3 imported models")

	// A restart loses nothing; the artifact in S3 is not needed any more.
	w.check(w.service.Close())
	list, err := w.options.Objects.List(ctx, bucket, "good")
	w.check(err)
	for _, o := range list {
		w.check(w.options.Objects.Delete(ctx, bucket, o.Key))
	}
	w.open()
	models, err := w.client.ListImportedModels(ctx, &sdk.ListImportedModelsInput{MaxResults: aws.Int32(2)})
	w.check(err)
	if len(models.ModelSummaries) != 2 || *models.ModelSummaries[0].ModelName != "mine-3" || models.NextToken == nil {
		t.Errorf("models %+v", models)
	}
	if got, err := w.service.Lookup(*m.ModelArn); err != nil || !got.Imported || got.Template == "" {
		t.Errorf("lookup %+v, %v", got, err)
	}
	_, err = w.client.DeleteImportedModel(ctx, &sdk.DeleteImportedModelInput{ModelIdentifier: m.ModelArn})
	w.check(err)
	_, err = w.client.DeleteImportedModel(ctx, &sdk.DeleteImportedModelInput{ModelIdentifier: m.ModelArn})
	wantError(t, err, "ResourceNotFoundException", "Could not find")
	if _, err := w.service.Lookup(*m.ModelArn); !errors.Is(err, ErrNoImportedModel) {
		t.Error(err)
	}
	jobs, err := w.client.ListModelImportJobs(ctx, &sdk.ListModelImportJobsInput{StatusEquals: "Completed", SortOrder: "Ascending", NameContains: aws.String("IMPORT")})
	if err != nil || len(jobs.ModelImportJobSummaries) != 3 || *jobs.ModelImportJobSummaries[0].JobName != "import-1" {
		t.Errorf("jobs %+v, %v", jobs, err)
	}
}

func TestBadArtifacts(t *testing.T) {
	w := newWorld(t, t.TempDir())
	text := func(name string) string {
		data, err := fs.ReadFile(w.base, name)
		w.check(err)
		return string(data)
	}
	config, tokenizerConfig := text("config.json"), text("tokenizer_config.json")
	replaced := func(s, from, to string) []byte {
		if !strings.Contains(s, from) {
			t.Fatalf("%q is not in %s", from, s)
		}
		return []byte(strings.Replace(s, from, to, 1))
	}
	var integers bytes.Buffer
	w.check(artifact.WriteSafetensors(&integers, artifact.F32, []artifact.Tensor{{Name: "x", Shape: []int{1}, Data: []float32{1}}}))
	weights := text("model.safetensors")
	for name, c := range map[string]struct {
		changes map[string][]byte
		want    string
	}{
		"no-config":     {map[string][]byte{"config.json": nil}, "required file config.json is missing"},
		"no-weights":    {map[string][]byte{"model.safetensors": nil}, "*.safetensors is missing"},
		"no-tokenizer":  {map[string][]byte{"tokenizer.json": nil}, "tokenizer.json is missing"},
		"adapter":       {map[string][]byte{"config.json": nil, "adapter_config.json": []byte("{}")}, "merge it into the base model"},
		"architecture":  {map[string][]byte{"config.json": replaced(config, "MistralForCausalLM", "GemmaForCausalLM")}, "architectures is"},
		"shape":         {map[string][]byte{"config.json": replaced(config, `"intermediate_size": 32`, `"intermediate_size": 64`)}, "size mismatch: tensor"},
		"layers":        {map[string][]byte{"config.json": replaced(config, `"num_hidden_layers": 2`, `"num_hidden_layers": 3`)}, `"model.layers.2.`},
		"fewer":         {map[string][]byte{"config.json": replaced(config, `"num_hidden_layers": 2`, `"num_hidden_layers": 1`)}, "does not belong to a MistralForCausalLM"},
		"context":       {map[string][]byte{"config.json": replaced(config, `"max_position_embeddings": 128`, `"max_position_embeddings": 131072`)}, "less than 128K"},
		"quantised":     {map[string][]byte{"config.json": replaced(config, "{", `{"quantization_config":{"bits":4},`)}, "quantised weights are not supported"},
		"cut":           {map[string][]byte{"model.safetensors": []byte(weights[:len(weights)/2])}, "the weights can not be read"},
		"shard":         {map[string][]byte{"model.safetensors": nil, "a.safetensors": integers.Bytes(), "model.safetensors.index.json": []byte(`{"metadata":{},"weight_map":{"x":"a.safetensors","y":"model-00002-of-00002.safetensors"}}`)}, "model-00002-of-00002.safetensors is missing"},
		"index":         {map[string][]byte{"model.safetensors.index.json": []byte(`{"weight_map":{"x":"model.safetensors"}}`)}, "no metadata object"},
		"index-field":   {map[string][]byte{"model.safetensors.index.json": []byte(`{"metadata":{"total_parameters":1},"weight_map":{}}`)}, `"total_parameters" is not supported`},
		"left-over":     {map[string][]byte{"old.safetensors": integers.Bytes()}, "old.safetensors is under the S3 prefix but does not belong"},
		"template":      {map[string][]byte{"chat_template.jinja": []byte("x")}, "2 chat templates"},
		"tokenizer":     {map[string][]byte{"tokenizer.json": []byte("{}")}, "the tokenizer can not be read"},
		"class":         {map[string][]byte{"tokenizer_config.json": replaced(tokenizerConfig, "PreTrainedTokenizerFast", "TokenizersBackend")}, `"TokenizersBackend" is not supported`},
		"vocabulary":    {map[string][]byte{"config.json": replaced(config, `"vocab_size": `, `"vocab_size": 1`)}, "size mismatch"},
		"archive":       {map[string][]byte{"config.json": nil, "model.tar.gz": []byte("x")}, "unpack the archive"},
		"no-json-value": {map[string][]byte{"config.json": []byte("nonsense")}, "config.json"},
	} {
		w.upload(name, toy.Copy(t, w.base, c.changes))
		_, err := w.create(name, "m-"+name, "s3://work/"+name+"/")
		w.check(err)
		if job := w.wait(name); job.Status != types.ModelImportJobStatusFailed || !strings.Contains(aws.ToString(job.FailureMessage), c.want) {
			t.Errorf("%s: %s, %q does not say %q", name, job.Status, aws.ToString(job.FailureMessage), c.want)
		}
	}
	_, err := w.create("empty", "m-empty", "s3://work/nothing/")
	w.check(err)
	if job := w.wait("empty"); !strings.Contains(aws.ToString(job.FailureMessage), "the location is empty") {
		t.Error(aws.ToString(job.FailureMessage))
	}
	_, err = w.create("bucket", "m-bucket", "s3://nowhere/x/")
	w.check(err)
	if job := w.wait("bucket"); !strings.Contains(aws.ToString(job.FailureMessage), "check that the bucket exists") {
		t.Error(aws.ToString(job.FailureMessage))
	}
	if left, _ := os.ReadDir(filepath.Join(w.options.Dir, "models")); len(left) != 0 {
		t.Errorf("failed imports left %v", left)
	}
}

// TestInterruptedImports writes the records that a paused and a killed process
// leave.
func TestInterruptedImports(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.upload("good", w.base)
	w.check(w.service.Close())
	now := w.service.now()
	for name, paused := range map[string]bool{"paused": true, "killed": false} {
		w.check(w.service.saveJob(&jobRecord{ID: newID(), ARN: "arn:" + name, Name: name, Model: "m-" + name, ModelID: newID(), ModelARN: "arn:m",
			Source: "s3://work/good", Status: "InProgress", Created: now, Modified: now, Paused: paused}))
	}
	w.open()
	if job := w.wait("paused"); job.Status != types.ModelImportJobStatusCompleted {
		t.Errorf("paused: %s %s", job.Status, aws.ToString(job.FailureMessage))
	}
	if job := w.wait("killed"); job.Status != types.ModelImportJobStatusFailed || !strings.Contains(*job.FailureMessage, "process that ran this import job ended") {
		t.Errorf("killed: %s %s", job.Status, aws.ToString(job.FailureMessage))
	}
}

// TestOneImportAtATime keeps an import running by holding the service's lock
// away from its end.
func TestOneImportAtATime(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.service.mu.Lock()
	w.service.jobs["x"] = &jobRecord{ID: "x", Name: "busy", Model: "busy-model", Status: "InProgress"}
	w.service.mu.Unlock()
	_, err := w.create("next", "next-model", "s3://work/good/")
	wantError(t, err, "ServiceQuotaExceededException", "1 concurrent model import job")
	if w.service.Active() != 1 {
		t.Error("the running job is not counted")
	}
}

func TestFoundationModels(t *testing.T) {
	w := newWorld(t, t.TempDir())
	ctx := context.Background()
	list, err := w.client.ListFoundationModels(ctx, &sdk.ListFoundationModelsInput{ByOutputModality: "TEXT"})
	if err != nil || len(list.ModelSummaries) != 1 || *list.ModelSummaries[0].ModelId != baseID || !*list.ModelSummaries[0].ResponseStreamingSupported {
		t.Errorf("%+v, %v", list, err)
	}
	for _, id := range []string{baseID, *list.ModelSummaries[0].ModelArn} {
		one, err := w.client.GetFoundationModel(ctx, &sdk.GetFoundationModelInput{ModelIdentifier: &id})
		if err != nil || *one.ModelDetails.ModelId != baseID {
			t.Errorf("%s: %v", id, err)
		}
	}
	_, err = w.client.GetFoundationModel(ctx, &sdk.GetFoundationModelInput{ModelIdentifier: aws.String("mistral.mistral-7b-instruct-v0:2")})
	wantError(t, err, "ResourceNotFoundException", "")
	if list, err = w.client.ListFoundationModels(ctx, &sdk.ListFoundationModelsInput{ByOutputModality: "IMAGE"}); err != nil || len(list.ModelSummaries) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	profiles, err := w.client.ListInferenceProfiles(ctx, &sdk.ListInferenceProfilesInput{})
	if err != nil || len(profiles.InferenceProfileSummaries) != 0 {
		t.Errorf("%+v, %v", profiles, err)
	}
	_, err = w.client.GetModelImportJob(ctx, &sdk.GetModelImportJobInput{JobIdentifier: aws.String("none")})
	wantError(t, err, "ResourceNotFoundException", "none")
}
