package modelimport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"

	"tunebench/backend/safetext"
)

// Options of an import beyond what is imported under which name.
type Options struct {
	// KMSKey encrypts the imported model: a key's ARN, id or alias; "" is a key
	// that AWS owns.
	KMSKey string `json:"kms_key,omitempty"`
	// Subnets and SecurityGroups let the job read the artifact through a VPC; both
	// or neither.
	Subnets        []string `json:"subnets,omitempty"`
	SecurityGroups []string `json:"security_groups,omitempty"`
	// Tags of the job and of the model, beside those that the workbench sets.
	Tags map[string]string `json:"tags,omitempty"`
}

// The tags that the workbench gives a model, so that it is known later, and to
// others, where the model came from.
const (
	TagCreatedBy    = "tunebench:created-by"
	TagTrainingJob  = "tunebench:training-job"
	TagPromptFormat = "tunebench:prompt-format"
)

// maxTags is how many tags a resource may have.
const maxTags = 50

func (o Options) check() error {
	if (len(o.Subnets) == 0) != (len(o.SecurityGroups) == 0) {
		return errors.New("an import through a VPC needs both subnets and security groups")
	}
	if len(o.Tags) > maxTags-3 {
		return fmt.Errorf("%d tags are more than the %d that AWS takes beside the workbench's own", len(o.Tags), maxTags-3)
	}
	for k := range o.Tags {
		if k == "" || len(k) > 128 || len(o.Tags[k]) > 256 || strings.HasPrefix(strings.ToLower(k), "aws:") {
			return fmt.Errorf("%q cannot be a tag: a key has 1 to 128 characters and does not begin with aws:, a value has up to 256", safetext.Line(k))
		}
	}
	return nil
}

// input is the request for a job.
func (s *Service) input(q queued, source string) *bedrock.CreateModelImportJobInput {
	o := q.Request.Options
	tags := map[string]string{TagCreatedBy: "tunebench"}
	if q.Request.TrainingJob != "" {
		tags[TagTrainingJob] = q.Request.TrainingJob
	}
	if q.Format != "" {
		tags[TagPromptFormat] = q.Format
	}
	maps.Copy(tags, o.Tags)
	var list []types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{Key: aws.String(k), Value: aws.String(tags[k])})
	}
	in := &bedrock.CreateModelImportJobInput{
		JobName: &q.Job, ImportedModelName: &q.Model, RoleArn: &s.c.RoleARN, ClientRequestToken: &q.Job,
		ModelDataSource: &types.ModelDataSourceMemberS3DataSource{Value: types.S3DataSource{S3Uri: &source}},
		JobTags:         list, ImportedModelTags: list,
	}
	if o.KMSKey != "" {
		in.ImportedModelKmsKeyId = &o.KMSKey
	}
	if len(o.Subnets) > 0 {
		in.VpcConfig = &types.VpcConfig{SubnetIds: o.Subnets, SecurityGroupIds: o.SecurityGroups}
	}
	return in
}

// errRecorded ends a request that is only to be looked at.
var errRecorded = errors.New("recorded")

// recorder takes a request in place of the network.
type recorder struct{ body []byte }

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(req.Body)
	r.body = b
	return nil, errors.Join(errRecorded, err)
}

// DryRun returns the CreateModelImportJob request that Start would send, as it
// goes on the wire, and starts nothing. For a local folder the location is the
// one that it would be uploaded to.
func (s *Service) DryRun(ctx context.Context, r Request) (json.RawMessage, error) {
	q, err := s.prepare(ctx, r)
	if err != nil {
		return nil, err
	}
	rec := &recorder{}
	client := bedrock.New(s.c.Bedrock.Options(), func(o *bedrock.Options) {
		o.HTTPClient, o.Retryer = rec, aws.NopRetryer{}
	})
	if _, err := client.CreateModelImportJob(ctx, s.input(q, s.location(q))); !errors.Is(err, errRecorded) {
		return nil, s.explain(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, rec.body, "", "  "); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// location is where the artifact lies in S3, or will lie when it was uploaded.
func (s *Service) location(q queued) string {
	if strings.HasPrefix(q.Source, "s3://") {
		return q.Source
	}
	return "s3://" + s.c.Bucket + "/" + q.prefix()
}

// prefix is where a local artifact is uploaded to.
func (q queued) prefix() string { return "tunebench/artifacts/" + q.Job + "/" }
