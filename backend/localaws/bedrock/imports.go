package bedrock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"tunebench/backend/localaws/objects"
	"tunebench/backend/localaws/state"
	"tunebench/backend/localaws/tinymistral"
	"tunebench/backend/localaws/wire"
	"tunebench/backend/safetext"
)

type tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func tagMap(tags []tag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}

type createInput struct {
	JobName            string `json:"jobName"`
	ImportedModelName  string `json:"importedModelName"`
	RoleArn            string `json:"roleArn"`
	ClientRequestToken string `json:"clientRequestToken"`
	JobTags            []tag  `json:"jobTags"`
	ImportedModelTags  []tag  `json:"importedModelTags"`
	VpcConfig          any    `json:"vpcConfig"`
	ModelDataSource    struct {
		S3DataSource struct {
			S3Uri string `json:"s3Uri"`
		} `json:"s3DataSource"`
	} `json:"modelDataSource"`
}

// createJob answers CreateModelImportJob.
func (s *Service) createJob(_ context.Context, r *wire.Request) (any, error) {
	var in createInput
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	source := in.ModelDataSource.S3DataSource.S3Uri
	if _, _, err := objects.ParseURI(source); err != nil {
		return nil, wire.Validation("modelDataSource must name an S3 location: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.ClientRequestToken != "" {
		for _, j := range s.jobs {
			if j.Token == in.ClientRequestToken && j.Name == in.JobName && j.Source == source {
				return map[string]any{"jobArn": j.ARN}, nil // the same request once more
			}
		}
	}
	if err := s.admit(&in); err != nil {
		return nil, err
	}
	now := s.now()
	j := &jobRecord{ID: newID(), ModelID: newID(), Name: in.JobName, Model: in.ImportedModelName, Role: in.RoleArn, Source: source,
		Token: in.ClientRequestToken, Status: "InProgress", Created: now, Modified: now,
		Tags: tagMap(in.JobTags), ModelTags: tagMap(in.ImportedModelTags), VPC: in.VpcConfig}
	j.ARN, j.ModelARN = r.ARN("model-import-job/"+j.ID), r.ARN("imported-model/"+j.ModelID)
	if err := s.saveJob(j); err != nil {
		return nil, err
	}
	s.jobs[j.ID] = j
	s.start(j)
	return map[string]any{"jobArn": j.ARN}, nil
}

// admit checks names and quotas; s.mu is held.
func (s *Service) admit(in *createInput) error {
	running := ""
	for _, j := range s.jobs {
		if j.Name == in.JobName {
			return wire.Errorf(0, "ConflictException", "The model import job name %s is already in use. Use another name: job names must be unique in an account and Region.", in.JobName)
		}
		if j.Status == "InProgress" {
			running = j.Name
			if j.Model == in.ImportedModelName {
				return wire.Errorf(0, "ConflictException", "The imported model name %s is already in use by the import job %s.", in.ImportedModelName, j.Name)
			}
		}
	}
	for _, m := range s.models {
		if m.Name == in.ImportedModelName {
			return wire.Errorf(0, "ConflictException", "The imported model name %s is already in use. Use another name, or delete that model first.", in.ImportedModelName)
		}
	}
	switch {
	case running != "":
		return wire.Errorf(0, "ServiceQuotaExceededException", "You have reached the limit of 1 concurrent model import job for this account. Wait until the job %s has ended, or request a quota increase.", running)
	case len(s.models) >= s.o.MaxModels:
		return wire.Errorf(0, "ServiceQuotaExceededException", "You have reached the limit of %d imported models for this account. Delete one, or request a quota increase.", s.o.MaxModels)
	}
	return nil
}

// start runs a job in its own goroutine; s.mu is held.
func (s *Service) start(j *jobRecord) {
	job := *j
	s.running.Go(func() {
		m, err := s.importModel(s.ctx, &job)
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case err == nil:
			s.models[m.ID] = m
			s.end(j, "Completed", "")
			return
		case s.ctx.Err() != nil:
			j.Paused = true
			if err := s.saveJob(j); err != nil {
				s.o.Logger.Error("import job record", "job", j.Name, "error", err)
			}
		default:
			s.end(j, "Failed", failure(err))
		}
		if err := os.RemoveAll(s.modelDir(j.ModelID)); err != nil {
			s.o.Logger.Error("left-overs of an import", "job", j.Name, "error", err)
		}
	})
}

// maxFailure is the length of Bedrock's failureMessage.
const maxFailure = 2048

func failure(err error) string {
	text := safetext.Line(err.Error())
	if errors.Is(err, syscall.ENOSPC) {
		text = "The disk is full: " + text + ". Free some space and import again."
	}
	if len(text) > maxFailure {
		text = strings.ToValidUTF8(text[:maxFailure-3], "") + "..."
	}
	return text
}

// importModel reads, checks and copies the artifact, and loads the copy once.
func (s *Service) importModel(ctx context.Context, j *jobRecord) (*modelRecord, error) {
	bucket, prefix, err := objects.ParseURI(j.Source)
	if err != nil {
		return nil, err
	}
	list, err := s.o.Objects.List(ctx, bucket, folder(prefix))
	if err != nil {
		return nil, fmt.Errorf("%s could not be read: %w; check that the bucket exists and that the role %s may list it", j.Source, err, j.Role)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("there is no model under %s: the location is empty; check the S3 URI, which must name the folder that holds %s", j.Source, "config.json")
	}
	from := s.o.Objects.FS(ctx, bucket, prefix)
	found, err := check(from)
	if err != nil {
		return nil, err
	}
	for _, name := range found.files {
		if err := copyFile(ctx, from, name, s.modelDir(j.ModelID, "files", name)); err != nil {
			return nil, err
		}
	}
	if _, err := tinymistral.Load(os.DirFS(s.modelDir(j.ModelID, "files"))); err != nil {
		return nil, err
	}
	m := &modelRecord{ID: j.ModelID, ARN: j.ModelARN, Name: j.Model, JobARN: j.ARN, JobName: j.Name, Source: j.Source,
		Architecture: found.architecture, Template: found.template, Created: s.now(), Tags: j.ModelTags}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return m, state.Write(s.modelDir(j.ModelID, "model.json"), m)
}

func folder(prefix string) string {
	if prefix == "" || strings.HasSuffix(prefix, "/") {
		return prefix
	}
	return prefix + "/"
}

func copyFile(ctx context.Context, from fs.FS, name, to string) error {
	src, err := from.Open(name)
	if err != nil {
		return err
	}
	defer src.Close()
	return state.WriteFile(to, func(f *os.File) error {
		buf := make([]byte, 1<<20)
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := src.Read(buf)
			if _, werr := f.Write(buf[:n]); werr != nil {
				return werr
			}
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
}

// findJob looks a job up by name, id or ARN; s.mu is held.
func (s *Service) findJob(ref string) *jobRecord {
	if strings.HasPrefix(ref, "arn:") {
		ref = path.Base(ref)
	}
	for _, j := range s.jobs {
		if j.Name == ref || j.ID == ref {
			return j
		}
	}
	return nil
}

func dataSource(uri string) map[string]any {
	return map[string]any{"s3DataSource": map[string]any{"s3Uri": uri}}
}

// getJob answers GetModelImportJob.
func (s *Service) getJob(_ context.Context, r *wire.Request) (any, error) {
	var in struct {
		JobIdentifier string `json:"jobIdentifier"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.findJob(in.JobIdentifier)
	if j == nil {
		return nil, wire.Errorf(404, "ResourceNotFoundException", "Could not find the model import job %s", in.JobIdentifier)
	}
	out := map[string]any{"jobArn": j.ARN, "jobName": j.Name, "importedModelName": j.Model, "roleArn": j.Role,
		"modelDataSource": dataSource(j.Source), "status": j.Status,
		"creationTime": wire.ISO{Time: j.Created}, "lastModifiedTime": wire.ISO{Time: j.Modified}}
	if j.Status == "Completed" {
		out["importedModelArn"] = j.ModelARN
	}
	if j.Failure != "" {
		out["failureMessage"] = j.Failure
	}
	if !j.Ended.IsZero() {
		out["endTime"] = wire.ISO{Time: j.Ended}
	}
	if j.VPC != nil {
		out["vpcConfig"] = j.VPC
	}
	return out, nil
}

// listInput is what the lists of jobs and models can be asked for.
type listInput struct {
	CreationTimeAfter  *wire.ISO `json:"creationTimeAfter"`
	CreationTimeBefore *wire.ISO `json:"creationTimeBefore"`
	StatusEquals       string    `json:"statusEquals"`
	NameContains       string    `json:"nameContains"`
	MaxResults         int       `json:"maxResults"`
	NextToken          string    `json:"nextToken"`
	SortOrder          string    `json:"sortOrder"`
}

func (in *listInput) keeps(name string, created time.Time) bool {
	return strings.Contains(strings.ToLower(name), strings.ToLower(in.NameContains)) &&
		(in.CreationTimeAfter == nil || created.After(in.CreationTimeAfter.Time)) &&
		(in.CreationTimeBefore == nil || created.Before(in.CreationTimeBefore.Time))
}

// order compares by creation, newest first unless asked otherwise.
func (in *listInput) order(a, b time.Time, idA, idB string) int {
	n := cmp.Or(a.Compare(b), strings.Compare(idA, idB))
	if in.SortOrder == "Ascending" {
		return n
	}
	return -n
}

// listJobs answers ListModelImportJobs.
func (s *Service) listJobs(_ context.Context, r *wire.Request) (any, error) {
	var in listInput
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	var found []jobRecord
	s.mu.Lock()
	for _, j := range s.jobs {
		if in.keeps(j.Name, j.Created) && (in.StatusEquals == "" || in.StatusEquals == j.Status) {
			found = append(found, *j)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(found, func(a, b jobRecord) int { return in.order(a.Created, b.Created, a.ID, b.ID) })
	page, next, err := wire.Page(found, func(j jobRecord) string { return j.ID }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for _, j := range page {
		m := map[string]any{"jobArn": j.ARN, "jobName": j.Name, "status": j.Status, "importedModelName": j.Model,
			"creationTime": wire.ISO{Time: j.Created}, "lastModifiedTime": wire.ISO{Time: j.Modified}}
		if j.Status == "Completed" {
			m["importedModelArn"] = j.ModelARN
		}
		if !j.Ended.IsZero() {
			m["endTime"] = wire.ISO{Time: j.Ended}
		}
		list = append(list, m)
	}
	return withToken(map[string]any{"modelImportJobSummaries": list}, next), nil
}

func withToken(out map[string]any, next string) map[string]any {
	if next != "" {
		out["nextToken"] = next
	}
	return out
}

func sortedTags(tags map[string]string) []tag {
	out := []tag{}
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, tag{k, tags[k]})
	}
	return out
}
