package sagemaker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"tunebench/backend/localaws/state"
	"tunebench/backend/localaws/wire"
)

// model is a SageMaker model: here only a name for where an artifact lies, since
// the local account has no endpoints.
type model struct {
	Name      string
	ARN       string
	Role      string          `json:",omitempty"`
	Container json.RawMessage `json:",omitempty"` // PrimaryContainer as it was given
	Created   time.Time
}

// modelsFile holds the records of all models; it lies beside the jobs' folders.
func (s *Service) modelsFile() string { return s.o.Dir + "-models.json" }

func (s *Service) loadModels() error {
	s.models = map[string]model{}
	err := state.Read(s.modelsFile(), &s.models)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// createModel answers CreateModel.
func (s *Service) createModel(_ context.Context, r *wire.Request) (any, error) {
	var in struct {
		ModelName, ExecutionRoleArn string
		PrimaryContainer            json.RawMessage
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	if len(in.PrimaryContainer) == 0 || string(in.PrimaryContainer) == "null" {
		return nil, wire.Validation("PrimaryContainer is missing; the local account has models of one container.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.models[in.ModelName]; ok {
		return nil, wire.Validation("Cannot create already existing model %q.", r.ARN("model/"+strings.ToLower(in.ModelName)))
	}
	m := model{Name: in.ModelName, ARN: r.ARN("model/" + strings.ToLower(in.ModelName)), Role: in.ExecutionRoleArn, Container: in.PrimaryContainer, Created: s.now()}
	all := maps.Clone(s.models)
	all[m.Name] = m
	if err := state.Write(s.modelsFile(), all); err != nil {
		return nil, err
	}
	s.models = all
	return map[string]any{"ModelArn": m.ARN}, nil
}

// describeModel answers DescribeModel.
func (s *Service) describeModel(_ context.Context, r *wire.Request) (any, error) {
	m, err := s.findModel(r)
	if err != nil {
		return nil, err
	}
	return map[string]any{"ModelName": m.Name, "ModelArn": m.ARN, "ExecutionRoleArn": m.Role, "PrimaryContainer": m.Container,
		"CreationTime": wire.Epoch{Time: m.Created}, "EnableNetworkIsolation": false}, nil
}

func (s *Service) findModel(r *wire.Request) (model, error) {
	var in struct{ ModelName string }
	if err := r.Decode(&in); err != nil {
		return model{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, ok := s.models[in.ModelName]
	if !ok {
		return m, wire.Validation("Could not find model %q.", r.ARN("model/"+strings.ToLower(in.ModelName)))
	}
	return m, nil
}

// listModels answers ListModels, newest first unless asked otherwise.
func (s *Service) listModels(_ context.Context, r *wire.Request) (any, error) {
	var in struct {
		NameContains, NextToken, SortBy, SortOrder string
		MaxResults                                 int
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.models))
	s.mu.Unlock()
	all = slices.DeleteFunc(all, func(m model) bool { return !strings.Contains(m.Name, in.NameContains) })
	slices.SortFunc(all, func(a, b model) int {
		n := strings.Compare(a.Name, b.Name)
		if in.SortBy != "Name" {
			n = cmp.Or(a.Created.Compare(b.Created), n)
		}
		if in.SortOrder != "Ascending" {
			n = -n
		}
		return n
	})
	page, next, err := wire.Page(all, func(m model) string { return m.Name }, in.NextToken, cmp.Or(in.MaxResults, 10))
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for _, m := range page {
		list = append(list, map[string]any{"ModelName": m.Name, "ModelArn": m.ARN, "CreationTime": wire.Epoch{Time: m.Created}})
	}
	out := map[string]any{"Models": list}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

// deleteModel answers DeleteModel: the name goes, the artifact stays.
func (s *Service) deleteModel(_ context.Context, r *wire.Request) (any, error) {
	m, err := s.findModel(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(s.models)
	delete(all, m.Name)
	if err := state.Write(s.modelsFile(), all); err != nil {
		return nil, err
	}
	s.models = all
	return nil, nil
}
