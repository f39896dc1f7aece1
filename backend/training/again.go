package training

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"tunebench/backend/account/awserror"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
)

// tagResumedFrom names the job whose checkpoints a job went on from.
const tagResumedFrom = "tunebench:resumed-from"

// Again is what has to be asked for to start a job of ours once more: the same
// rows, settings, options and tags under a new name that tells of the old one.
func (s *Service) Again(ctx context.Context, job string) (Spec, error) {
	spec, err := s.once(ctx, job)
	if err != nil {
		return spec, err
	}
	spec.Name, err = s.nextName(ctx, job, "")
	return spec, err
}

func (s *Service) once(ctx context.Context, job string) (Spec, error) {
	spec, ours, j, err := s.asked(ctx, job)
	if err == nil && !ours {
		err = fmt.Errorf("the training job %s was not started from here, so its settings are not known; start a new one", safetext.Line(job))
	}
	if err != nil {
		return spec, err
	}
	spec.Options.Checkpoints = ""
	if _, gone := s.Preset(spec.Preset); gone != nil {
		spec.Preset = "" // Set holds all that it said
	}
	if spec.Options.Tags, err = s.tags(ctx, j.ARN); err != nil {
		spec.Remarks = append(spec.Remarks, fmt.Sprintf("the tags of %s could not be read and are not taken over: %v", j.Name, awserror.Explain(err)))
	}
	return spec, nil
}

// tags are a job's own tags, without those of this workbench and of AWS.
func (s *Service) tags(ctx context.Context, arn string) (map[string]string, error) {
	var tags map[string]string
	pages := sagemaker.NewListTagsPaginator(s.c.SageMaker, &sagemaker.ListTagsInput{ResourceArn: &arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Tags {
			k := aws.ToString(t.Key)
			if k == tagCreatedBy || k == tagResumedFrom || strings.HasPrefix(k, "aws:") {
				continue
			}
			if tags == nil {
				tags = map[string]string{}
			}
			tags[k] = aws.ToString(t.Value)
		}
	}
	return tags, nil
}

// nameEnd is what nextName and ProposeName put behind a name.
var nameEnd = regexp.MustCompile(`-(r?[0-9]{1,3}|[0-9]{8}-[0-9]{6})$`)

// nextName is a free name made of a job's: its stem with the first free number,
// "tents" to "tents-2", or with a letter before it: "tents-r2".
func (s *Service) nextName(ctx context.Context, job, letter string) (string, error) {
	stem := nameEnd.ReplaceAllString(nameEnd.ReplaceAllString(job, ""), "")
	const most = 50
	for n := 2; n < most; n++ {
		end := fmt.Sprintf("-%s%d", letter, n)
		name := strings.TrimRight(stem[:min(len(stem), maxJobName-len(end))], "-") + end
		if checkJobName(name) != nil {
			break
		}
		if taken, err := s.taken(ctx, name); err != nil || !taken {
			return name, err
		}
	}
	return ProposeName(stem, s.c.Now()), nil
}

// Resume is Again from the job's last checkpoint. A job that runs is refused:
// two would write to the same place.
func (s *Service) Resume(ctx context.Context, job string) (Spec, error) {
	spec, err := s.once(ctx, job)
	if err != nil {
		return spec, err
	}
	j, checkpoints, err := s.checkpointsOf(ctx, job)
	switch {
	case err != nil:
		return spec, err
	case !j.Done():
		return spec, fmt.Errorf("the training job %s has not ended yet (%s); stop it first", j.Name, j.Status)
	case j.Status == "Completed":
		return spec, fmt.Errorf("the training job %s was completed; there is nothing to go on with (train again starts it anew)", j.Name)
	case checkpoints == "":
		return spec, fmt.Errorf("the training job %s has no place for checkpoints to go on from; train again starts it anew", j.Name)
	}
	switch some, err := s.holdsSome(ctx, checkpoints); {
	case err != nil:
		spec.Remarks = append(spec.Remarks, fmt.Sprintf("whether %s has written a checkpoint could not be looked up (%v); without one the new job begins at step 0", j.Name, awserror.Explain(err)))
	case !some:
		return spec, fmt.Errorf("the training job %s has written no checkpoint to go on from; train again (A on the screen) starts it anew", j.Name)
	}
	spec.Options.Checkpoints = checkpoints
	if len(spec.Options.Tags) < mostTags {
		tags := maps.Clone(spec.Options.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		tags[tagResumedFrom] = j.Name
		spec.Options.Tags = tags
	}
	spec.Name, err = s.nextName(ctx, job, "r")
	return spec, err
}

// holdsSome reports whether something lies under an s3:// prefix.
func (s *Service) holdsSome(ctx context.Context, uri string) (bool, error) {
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	out, err := s.c.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, MaxKeys: aws.Int32(1)})
	if err != nil {
		return false, err
	}
	return len(out.Contents) > 0, nil
}

func (s *Service) checkpointsOf(ctx context.Context, job string) (Job, string, error) {
	spec, _, j, err := s.asked(ctx, job)
	return j, spec.Options.Checkpoints, err
}

// asked is what a job was asked for, as far as it is known: the options by
// SageMaker's description, the rest by the store when it is a job of ours.
func (s *Service) asked(ctx context.Context, name string) (spec Spec, ours bool, j Job, err error) {
	out, err := s.c.SageMaker.DescribeTrainingJob(ctx, &sagemaker.DescribeTrainingJobInput{TrainingJobName: &name})
	if awserror.KindOf(err) == awserror.NotFound {
		return spec, false, j, &NotFoundError{Name: safetext.Line(name), Err: err}
	}
	if err != nil {
		return spec, false, j, awserror.Explain(err)
	}
	j = describe(out)
	spec = Spec{Dataset: j.Dataset, Preset: j.Preset, Options: optionsOf(out)}
	if s.c.BaseModel == SmallBase { // its image is not chosen
		spec.Options.Image = ""
	}
	known, err := s.c.Store.TrainingJob(ctx, s.c.AccountName, s.c.Region, name)
	if errors.Is(err, store.ErrNotFound) {
		return spec, false, j, nil
	}
	if err != nil {
		return spec, false, j, err
	}
	var config JobConfig
	if err := json.Unmarshal([]byte(known.Config), &config); err != nil {
		return spec, false, j, fmt.Errorf("what is remembered of the training job %s cannot be read: %w", j.Name, err)
	}
	spec.Dataset, spec.Preset, spec.Set = known.Dataset, known.Preset, config.Settings.Texts()
	return spec, true, j, nil
}

// optionsOf reads a job's options out of its description.
func optionsOf(out *sagemaker.DescribeTrainingJobOutput) Options {
	o := Options{Spot: aws.ToBool(out.EnableManagedSpotTraining), NetworkIsolation: aws.ToBool(out.EnableNetworkIsolation),
		HubTokenSecret: out.Environment[secretVariable]}
	if a := out.AlgorithmSpecification; a != nil {
		o.Image = aws.ToString(a.TrainingImage)
	}
	if r := out.ResourceConfig; r != nil {
		o.Instance, o.InstanceCount = string(r.InstanceType), int(aws.ToInt32(r.InstanceCount))
	}
	if c := out.StoppingCondition; c != nil {
		o.MaxRuntimeHours = float64(aws.ToInt32(c.MaxRuntimeInSeconds)) / 3600
		o.MaxWaitHours = float64(aws.ToInt32(c.MaxWaitTimeInSeconds)) / 3600
	}
	if v := out.VpcConfig; v != nil {
		o.Subnets, o.SecurityGroups = v.Subnets, v.SecurityGroupIds
	}
	if d := out.OutputDataConfig; d != nil {
		o.KMSKey = aws.ToString(d.KmsKeyId)
	}
	if c := out.CheckpointConfig; c != nil {
		o.Checkpoints = aws.ToString(c.S3Uri)
	}
	for _, c := range out.InputDataConfig {
		if c.DataSource == nil || c.DataSource.S3DataSource == nil {
			continue
		}
		switch uri := aws.ToString(c.DataSource.S3DataSource.S3Uri); aws.ToString(c.ChannelName) {
		case "model":
			o.BaseWeights = uri
		case "wheels":
			o.Wheels = uri
		}
	}
	return o
}

// Difference is one thing in which two jobs differ; "" is what a job lacks.
type Difference struct {
	What string `json:"what"`
	A    string `json:"a"`
	B    string `json:"b"`
}

// Diff compares what two jobs were asked for. Of a job that was not started from
// here only the options and the names in its description are known.
func (s *Service) Diff(ctx context.Context, a, b string) ([]Difference, error) {
	left, oursA, ja, err := s.asked(ctx, a)
	if err != nil {
		return nil, err
	}
	right, oursB, jb, err := s.asked(ctx, b)
	if err != nil {
		return nil, err
	}
	// Tags are only compared when both sides tell theirs.
	ta, errA := s.tags(ctx, ja.ARN)
	tb, errB := s.tags(ctx, jb.ARN)
	if errA == nil && errB == nil {
		left.Options.Tags, right.Options.Tags = ta, tb
	}
	if oursA != oursB { // a side of which nothing is known differs in nothing
		left.Set, right.Set = nil, nil
	}
	l, r := left.parts(), right.parts()
	all := maps.Clone(l)
	maps.Copy(all, r)
	var d []Difference
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if l[k] != r[k] {
			d = append(d, Difference{What: k, A: safetext.Line(l[k]), B: safetext.Line(r[k])})
		}
	}
	return d, nil
}

// Lines are all parts of a spec that are not empty, name and value, in order.
func (s Spec) Lines() [][2]string {
	var lines [][2]string
	parts := s.parts()
	for _, k := range slices.Sorted(maps.Keys(parts)) {
		if parts[k] != "" {
			lines = append(lines, [2]string{k, safetext.Line(parts[k])})
		}
	}
	return lines
}

// parts are all parts of a spec by name.
func (s Spec) parts() map[string]string {
	m := map[string]string{"dataset": s.Dataset, "preset": s.Preset}
	for k, v := range s.Set {
		m["settings."+k] = v
	}
	for k, v := range s.Options.Texts() {
		if v != "0" && v != "false" {
			m["options."+k] = v
		}
	}
	delete(m, "options.checkpoints") // each job has its own
	return m
}
