package modelimport

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"tunebench/backend/artifact/corpus"
)

// pack makes a model.tar.gz as SageMaker's training writes it.
func pack(t *testing.T, f corpus.Files, change func(*tar.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, n := range slices.Sorted(maps.Keys(f)) {
		if err := w.WriteHeader(&tar.Header{Name: "./" + n, Typeflag: tar.TypeReg, Size: int64(len(f[n])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f[n]); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(w)
	}
	for _, c := range []interface{ Close() error }{w, z} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// TestSageMakerModel: a model's ARN is resolved to its artifact, and an archive is
// unpacked once.
func TestSageMakerModel(t *testing.T) {
	s, acct := serviceOn(t, nil)
	sm := acct.SageMaker()
	s.c.SageMaker = sm
	put := func(key string, b []byte) {
		if _, err := s.c.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &s.c.Bucket, Key: &key, Body: bytes.NewReader(b)}); err != nil {
			t.Fatal(err)
		}
	}
	model := func(name string, c types.ContainerDefinition) string {
		c.Image = aws.String("image")
		out, err := sm.CreateModel(t.Context(), &sagemaker.CreateModelInput{ModelName: &name, PrimaryContainer: &c, ExecutionRoleArn: aws.String(s.c.RoleARN)})
		if err != nil {
			t.Fatal(err)
		}
		return *out.ModelArn
	}
	good := corpus.Make(corpus.Layout{Tied: true})
	deep := corpus.Files{}
	for n, b := range good {
		put("plain/"+n, b)
		deep["export/"+n] = b
	}
	put("packed/model.tar.gz", pack(t, good, nil))
	put("deep/model.tar.gz", pack(t, deep, nil))
	put("evil/model.tar.gz", pack(t, good, func(w *tar.Writer) {
		if err := w.WriteHeader(&tar.Header{Name: "../../outside", Typeflag: tar.TypeReg}); err != nil {
			t.Error(err)
		}
	}))
	put("none/model.tar.gz", []byte("this is no archive"))
	at := func(key string) *string { return aws.String("s3://" + s.c.Bucket + "/" + key) }

	plain := model("plain", types.ContainerDefinition{ModelDataSource: &types.ModelDataSource{S3DataSource: &types.S3ModelDataSource{
		S3Uri: at("plain/"), S3DataType: types.S3ModelDataTypeS3Prefix, CompressionType: types.ModelCompressionTypeNone}}})
	packed := model("packed", types.ContainerDefinition{ModelDataUrl: at("packed/model.tar.gz")})
	if r, err := s.Check(t.Context(), plain); err != nil || !r.Importable {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.Check(t.Context(), packed); err == nil || !strings.Contains(err.Error(), "unpacked") {
		t.Errorf("%v", err)
	}
	for name, arn := range map[string]string{"one": plain, "two": packed, "three": packed,
		"four": model("deep", types.ContainerDefinition{ModelDataUrl: at("deep/model.tar.gz")})} {
		j, err := s.Start(t.Context(), Request{Source: arn, Name: name})
		if err != nil {
			t.Fatal(name, err)
		}
		if j, err = s.Wait(t.Context(), j.Name, nil); err != nil || j.Status != "Completed" {
			t.Errorf("%s: %+v, %v", name, j, err)
		}
		if err := s.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	for arn, want := range map[string]string{
		model("evil", types.ContainerDefinition{ModelDataUrl: at("evil/model.tar.gz")}): "no file inside of it",
		model("none", types.ContainerDefinition{ModelDataUrl: at("none/model.tar.gz")}): "no gzip archive",
		model("gone", types.ContainerDefinition{ModelDataUrl: at("gone/model.tar.gz")}): "gone/model.tar.gz",
		model("bare", types.ContainerDefinition{}):                                      "names no artifact",
		strings.Replace(plain, "/plain", "/missing", 1):                                 "there is no SageMaker model missing",
		strings.Replace(plain, s.c.Region, "eu-central-1", 1):                           "--region eu-central-1",
		"arn:aws:sagemaker:us-east-1:1:model/x":                                         "no ARN of a SageMaker model",
	} {
		if _, err := s.Start(t.Context(), Request{Source: arn, Name: "never"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v does not say %q", arn, err, want)
		}
	}
}
