package sagemaker

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"tunebench/backend/localaws/objects"
	"tunebench/backend/localaws/wire"
)

// createInput is what the service itself needs of CreateTrainingJob's input.
type createInput struct {
	TrainingJobName        string
	RoleArn                string
	AlgorithmSpecification *struct {
		AlgorithmName, TrainingImage string
		TrainingInputMode            string
		MetricDefinitions            []metricDefinition
	}
	InputDataConfig  []channel
	OutputDataConfig struct{ S3OutputPath, CompressionType string }
	ResourceConfig   *struct {
		InstanceType        string
		InstanceCount       int
		InstanceGroups      []struct{ InstanceCount int }
		InstancePreferences []any
	}
	StoppingCondition *struct{ MaxRuntimeInSeconds int }
	CheckpointConfig  *struct{ S3Uri string }
	ServerlessJobConfig,
	RetryStrategy any
	Tags []tag
}

type channel struct {
	ChannelName     string
	CompressionType string
	DataSource      struct {
		S3DataSource         *struct{ S3DataType, S3Uri string }
		FileSystemDataSource any
	}
}

type metricDefinition struct{ Name, Regex string }

type tag struct{ Key, Value string }

// create answers CreateTrainingJob.
func (s *Service) create(ctx context.Context, r *wire.Request) (any, error) {
	var in createInput
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	if err := s.check(ctx, r, &in); err != nil {
		return nil, err
	}
	request := map[string]any{}
	for name, v := range r.Input {
		if name != "Tags" {
			request[name] = v
		}
	}
	now := s.now()
	j := &job{rec: record{
		Name: in.TrainingJobName, ARN: r.ARN("training-job/" + in.TrainingJobName), Request: request,
		Status: "InProgress", Created: now, Tags: map[string]string{},
	}}
	for _, t := range in.Tags {
		j.rec.Tags[t.Key] = t.Value
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[in.TrainingJobName] != nil {
		return nil, wire.Errorf(0, "ResourceInUse", "Training job names must be unique within an AWS account and region, and a training job with this name already exists (%s)", s.jobs[in.TrainingJobName].rec.ARN)
	}
	if s.busy() {
		j.rec.enter(now, "Pending", "Waiting for the training jobs that were created earlier: the local account runs one at a time")
	} else {
		j.rec.enter(now, "Starting", "Preparing the instances for training")
	}
	if err := saveNew(s, j); err != nil {
		return nil, err
	}
	s.jobs[j.rec.Name] = j
	s.enqueue(j)
	return map[string]any{"TrainingJobArn": j.rec.ARN}, nil
}

// busy says whether a new job has to wait. s.mu is held.
func (s *Service) busy() bool {
	if s.ctx.Err() != nil {
		return true
	}
	for _, j := range s.jobs {
		if !j.rec.final() {
			return true
		}
	}
	return false
}

// check applies the rules that no service model states.
func (s *Service) check(ctx context.Context, r *wire.Request, in *createInput) error {
	a := in.AlgorithmSpecification
	switch {
	case in.ServerlessJobConfig != nil:
		return wire.Validation("ServerlessJobConfig is not available in the local account; give AlgorithmSpecification and ResourceConfig")
	case a == nil:
		return missing("algorithmSpecification")
	case in.ResourceConfig == nil:
		return missing("resourceConfig")
	case in.StoppingCondition == nil:
		return missing("stoppingCondition")
	case a.AlgorithmName != "" && a.TrainingImage != "":
		return wire.Validation("You must specify either AlgorithmName or TrainingImage in AlgorithmSpecification, not both")
	case a.AlgorithmName == "" && a.TrainingImage == "":
		return wire.Validation("You must specify AlgorithmName or TrainingImage in AlgorithmSpecification")
	case len(in.InputDataConfig) == 0:
		return wire.Validation("InputDataConfig must name at least one channel")
	}
	for _, d := range a.MetricDefinitions {
		if _, err := regexp.Compile(d.Regex); err != nil {
			return wire.Validation("Invalid regular expression in the metric definition %s: %v", d.Name, err)
		}
	}
	if err := checkInstances(in); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, c := range in.InputDataConfig {
		if seen[c.ChannelName] {
			return wire.Validation("Duplicate channel name: %s. Channel names must be unique", c.ChannelName)
		}
		seen[c.ChannelName] = true
		if err := s.checkChannel(ctx, r.Region, in.RoleArn, c); err != nil {
			return err
		}
	}
	bucket, _, err := objects.ParseURI(in.OutputDataConfig.S3OutputPath)
	if err != nil {
		return wire.Validation("The S3OutputPath is not valid: %v", err)
	}
	if !s.o.Objects.BucketExists(bucket) {
		return wire.Validation("The output bucket %q does not exist in the region %s", bucket, r.Region)
	}
	if in.CheckpointConfig != nil {
		bucket, _, err := objects.ParseURI(in.CheckpointConfig.S3Uri)
		if err != nil || !s.o.Objects.BucketExists(bucket) {
			return wire.Validation("The checkpoint bucket of %s does not exist in the region %s", in.CheckpointConfig.S3Uri, r.Region)
		}
	}
	return nil
}

func missing(member string) error {
	return wire.Validation("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", member)
}

// checkInstances allows the one instance that the local account is.
func checkInstances(in *createInput) error {
	rc := in.ResourceConfig
	n, kind := rc.InstanceCount, rc.InstanceType
	for _, g := range rc.InstanceGroups {
		n += g.InstanceCount
	}
	switch {
	case len(rc.InstancePreferences) > 0:
		return wire.Validation("InstancePreferences are not available in the local account; give InstanceType and InstanceCount")
	case len(rc.InstanceGroups) == 0 && kind == "":
		return missing("resourceConfig.instanceType")
	case n < 1:
		return wire.Validation("1 validation error detected: Value '%d' at 'resourceConfig.instanceCount' failed to satisfy constraint: Member must have value greater than or equal to 1", n)
	case n > 1:
		return wire.Errorf(0, "ResourceLimitExceeded", "The account-level service limit '%s for training job usage' is 1 Instances, with current utilization of 0 Instances and a request delta of %d Instances. The local account is one machine: ask for one instance.", kind, n)
	}
	return nil
}

// checkChannel wants an S3 prefix with something under it.
func (s *Service) checkChannel(ctx context.Context, region, role string, c channel) error {
	src := c.DataSource.S3DataSource
	switch {
	case src == nil:
		return wire.Validation("The channel %s has no S3DataSource; the local account reads channels from S3 only", c.ChannelName)
	case src.S3DataType != "S3Prefix":
		return wire.Validation("The channel %s has the S3DataType %s; the local account reads S3Prefix only", c.ChannelName, src.S3DataType)
	case c.CompressionType != "" && c.CompressionType != "None":
		return wire.Validation("The channel %s has the CompressionType %s; the local account reads uncompressed channels only", c.ChannelName, c.CompressionType)
	}
	bucket, prefix, err := objects.ParseURI(src.S3Uri)
	if err != nil {
		return wire.Validation("The S3Uri of the channel %s is not valid: %v", c.ChannelName, err)
	}
	list, err := s.o.Objects.List(ctx, bucket, prefix)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("there is no object whose key begins with %q", prefix)
	}
	if err != nil {
		return wire.Validation("No S3 objects found under S3 URL %q given in input data source. Please ensure that the bucket exists in the selected region (%s), that objects exist under that S3 prefix, and that the role %q has \"s3:ListBucket\" permissions on bucket %q. Error message from S3: %v",
			src.S3Uri, region, role, bucket, strings.TrimPrefix(err.Error(), "NoSuchBucket: "))
	}
	return nil
}
