package sagemaker

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tunebench/backend/localaws/state"
	"tunebench/backend/localaws/wire"
)

// saveNew writes the first record of a job; s.mu is held. Without it the job
// does not exist.
func saveNew(s *Service, j *job) error {
	return state.Write(filepath.Join(s.dir(j.rec.Name), recordFile), &j.rec)
}

// find returns a job by name. SageMaker answers a ValidationException for one
// that does not exist, and its waiters rely on that.
func (s *Service) find(name string) (*job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[name]
	if j == nil {
		return nil, wire.Validation("Requested resource not found.")
	}
	return j, nil
}

// described are the members of the input that DescribeTrainingJob gives back.
var described = []string{
	"HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig",
	"VpcConfig", "StoppingCondition", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption",
	"EnableManagedSpotTraining", "CheckpointConfig", "DebugHookConfig", "ExperimentConfig", "DebugRuleConfigurations",
	"TensorBoardOutputConfig", "ProfilerConfig", "ProfilerRuleConfigurations", "Environment", "RetryStrategy",
	"RemoteDebugConfig", "InfraCheckConfig",
}

func (s *Service) describe(_ context.Context, r *wire.Request) (any, error) {
	var in struct{ TrainingJobName string }
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	j, err := s.find(in.TrainingJobName)
	if err != nil {
		return nil, err
	}
	rec := s.view(j)
	out := map[string]any{
		"TrainingJobName": rec.Name, "TrainingJobArn": rec.ARN,
		"TrainingJobStatus": rec.Status, "SecondaryStatus": rec.Secondary,
		"CreationTime": wire.Epoch{Time: rec.Created}, "LastModifiedTime": wire.Epoch{Time: rec.Modified},
		"EnableNetworkIsolation": false, "EnableInterContainerTrafficEncryption": false, "EnableManagedSpotTraining": false,
	}
	for _, name := range described {
		if v, ok := rec.Request[name]; ok {
			out[name] = v
		}
	}
	var transitions []map[string]any
	for _, t := range rec.Transitions {
		m := map[string]any{"Status": t.Status, "StartTime": wire.Epoch{Time: t.Start}, "StatusMessage": t.Message}
		if !t.End.IsZero() {
			m["EndTime"] = wire.Epoch{Time: t.End}
		}
		transitions = append(transitions, m)
	}
	out["SecondaryStatusTransitions"] = transitions
	if !rec.Started.IsZero() {
		out["TrainingStartTime"] = wire.Epoch{Time: rec.Started}
	}
	if !rec.Ended.IsZero() {
		out["TrainingEndTime"] = wire.Epoch{Time: rec.Ended}
		if !rec.Started.IsZero() {
			out["TrainingTimeInSeconds"] = int(rec.Ended.Sub(rec.Started).Seconds())
		}
	}
	if rec.FailureReason != "" {
		out["FailureReason"] = rec.FailureReason
	}
	if rec.Artifact != "" {
		out["ModelArtifacts"] = map[string]any{"S3ModelArtifacts": rec.Artifact}
	}
	var final []map[string]any
	for _, name := range slices.Sorted(maps.Keys(rec.Metrics)) {
		m := rec.Metrics[name]
		final = append(final, map[string]any{"MetricName": name, "Value": m.Value, "Timestamp": wire.Epoch{Time: m.Time}})
	}
	if final != nil {
		out["FinalMetricDataList"] = final
	}
	return out, nil
}

type listInput struct {
	CreationTimeAfter, CreationTimeBefore         *wire.Epoch
	LastModifiedTimeAfter, LastModifiedTimeBefore *wire.Epoch
	NameContains, StatusEquals                    string
	WarmPoolStatusEquals, TrainingPlanArnEquals   string
	SortBy, SortOrder, NextToken                  string
	MaxResults                                    int
}

func (in *listInput) keeps(r *record) bool {
	after := func(limit *wire.Epoch, t int64) bool { return limit == nil || t > limit.UnixMilli() }
	before := func(limit *wire.Epoch, t int64) bool { return limit == nil || t < limit.UnixMilli() }
	created, modified := r.Created.UnixMilli(), r.Modified.UnixMilli()
	return after(in.CreationTimeAfter, created) && before(in.CreationTimeBefore, created) &&
		after(in.LastModifiedTimeAfter, modified) && before(in.LastModifiedTimeBefore, modified) &&
		strings.Contains(strings.ToLower(r.Name), strings.ToLower(in.NameContains)) &&
		in.WarmPoolStatusEquals == "" && in.TrainingPlanArnEquals == "" // neither exists here
}

// list answers ListTrainingJobs. As in AWS the page is cut first and
// StatusEquals applied to it afterwards, so a page may be empty with more to
// come.
func (s *Service) list(_ context.Context, r *wire.Request) (any, error) {
	var in listInput
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	var found []record
	s.mu.Lock()
	for _, j := range s.jobs {
		if in.keeps(&j.rec) {
			found = append(found, j.rec)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(found, func(a, b record) int {
		n := 0
		switch in.SortBy {
		case "Name":
		case "Status":
			n = strings.Compare(a.Status, b.Status)
		default:
			n = a.Created.Compare(b.Created)
		}
		if n = cmp.Or(n, strings.Compare(a.Name, b.Name)); in.SortOrder == "Descending" {
			n = -n
		}
		return n
	})
	if in.MaxResults == 0 {
		in.MaxResults = 10
	}
	page, next, err := wire.Page(found, func(r record) string { return r.Name }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	summaries := []map[string]any{}
	for _, rec := range page {
		if in.StatusEquals != "" && in.StatusEquals != rec.Status {
			continue
		}
		m := map[string]any{
			"TrainingJobName": rec.Name, "TrainingJobArn": rec.ARN, "TrainingJobStatus": rec.Status, "SecondaryStatus": rec.Secondary,
			"CreationTime": wire.Epoch{Time: rec.Created}, "LastModifiedTime": wire.Epoch{Time: rec.Modified},
		}
		if !rec.Ended.IsZero() {
			m["TrainingEndTime"] = wire.Epoch{Time: rec.Ended}
		}
		summaries = append(summaries, m)
	}
	out := map[string]any{"TrainingJobSummaries": summaries}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

// stop answers StopTrainingJob: a waiting job ends at once, a running one at
// its next step.
func (s *Service) stop(_ context.Context, r *wire.Request) (any, error) {
	var in struct{ TrainingJobName string }
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	j, err := s.find(in.TrainingJobName)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.rec.final() {
		return nil, wire.Validation("The request was rejected because the training job is in status %s.", j.rec.Status)
	}
	if j.rec.Stopping {
		return nil, nil
	}
	j.rec.Stopping, j.rec.Status = true, "Stopping"
	if i := slices.Index(s.queue, j); i >= 0 && j.rec.Progress.Phase == "" {
		s.queue = slices.Delete(s.queue, i, i+1)
		j.rec.end(s.now(), "Stopped", "Stopped", "Training job stopped before it began")
	} else {
		j.rec.enter(s.now(), "Stopping", "Stopping the training job")
	}
	s.save(j)
	if j.cancel != nil {
		j.cancel(errStopped)
	}
	return nil, nil
}

// remove answers DeleteTrainingJob: metadata and working files go, what was
// written to S3 and the logs stay.
func (s *Service) remove(_ context.Context, r *wire.Request) (any, error) {
	var in struct{ TrainingJobName string }
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	j, err := s.find(in.TrainingJobName)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !j.rec.final() {
		return nil, wire.Validation("The training job is in status %s; only a job that has ended can be deleted. Stop it first.", j.rec.Status)
	}
	// The record goes first: without it the folder is no job.
	if err := os.Remove(filepath.Join(s.dir(j.rec.Name), recordFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	delete(s.jobs, j.rec.Name)
	return nil, os.RemoveAll(s.dir(j.rec.Name))
}

// byARN finds the job that tags belong to.
func (s *Service) byARN(arn string) (*job, error) {
	_, name, ok := strings.Cut(arn, ":training-job/")
	if !ok {
		return nil, wire.Validation("%s is not the ARN of a training job; the local account tags training jobs only", arn)
	}
	return s.find(name)
}

func (s *Service) addTags(_ context.Context, r *wire.Request) (any, error) {
	var in struct {
		ResourceArn string
		Tags        []tag
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	j, err := s.byARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	s.change(j, func(rec *record) {
		if rec.Tags == nil {
			rec.Tags = map[string]string{}
		}
		for _, t := range in.Tags {
			rec.Tags[t.Key] = t.Value
		}
	})
	return map[string]any{"Tags": s.tags(j)}, nil
}

func (s *Service) listTags(_ context.Context, r *wire.Request) (any, error) {
	var in struct{ ResourceArn string }
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	j, err := s.byARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Tags": s.tags(j)}, nil
}

func (s *Service) deleteTags(_ context.Context, r *wire.Request) (any, error) {
	var in struct {
		ResourceArn string
		TagKeys     []string
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	j, err := s.byARN(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	s.change(j, func(rec *record) {
		for _, k := range in.TagKeys {
			delete(rec.Tags, k)
		}
	})
	return nil, nil
}

func (s *Service) tags(j *job) []tag {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []tag{}
	for _, k := range slices.Sorted(maps.Keys(j.rec.Tags)) {
		out = append(out, tag{k, j.rec.Tags[k]})
	}
	return out
}
