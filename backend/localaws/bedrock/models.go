package bedrock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/state"
	"tunebench/backend/localaws/wire"
)

// Model is what the runtime needs of a model.
type Model struct {
	// ID names it inside this account: the foundation model's id or the last
	// part of an imported model's ARN.
	ID       string
	Imported bool
	// Files is the artifact folder, Template its chat template ("" when it has
	// none).
	Files    fs.FS
	Template string
}

// ErrNoModel says that an identifier names no model; ErrNoImportedModel that
// it is the ARN of an imported model that does not exist.
var (
	ErrNoModel         = errors.New("no such model")
	ErrNoImportedModel = errors.New("no such imported model")
)

// Lookup finds a model by what the runtime operations take: a foundation model
// id or ARN, or the ARN of an imported model.
func (s *Service) Lookup(identifier string) (Model, error) {
	if s.isBase(identifier) {
		template, _, err := artifact.ChatTemplate(s.o.Base)
		if err != nil {
			return Model{}, fmt.Errorf("base model: %w", err)
		}
		return Model{ID: s.o.BaseModelID, Files: s.o.Base, Template: template}, nil
	}
	_, id, ok := strings.Cut(identifier, ":imported-model/")
	if !ok {
		return Model{}, ErrNoModel
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.models[id]
	if m == nil {
		return Model{}, ErrNoImportedModel
	}
	return Model{ID: m.ID, Imported: true, Files: os.DirFS(s.modelDir(m.ID, "files")), Template: m.Template}, nil
}

// isBase accepts the id and the ARN of the foundation model.
func (s *Service) isBase(identifier string) bool {
	if strings.HasPrefix(identifier, "arn:") {
		_, identifier, _ = strings.Cut(identifier, ":foundation-model/")
	}
	return identifier == s.o.BaseModelID
}

// findModel looks an imported model up by name or ARN; s.mu is held.
func (s *Service) findModel(ref string) (*modelRecord, error) {
	if strings.HasPrefix(ref, "arn:") {
		ref = path.Base(ref)
	}
	for _, m := range s.models {
		if m.Name == ref || m.ID == ref {
			return m, nil
		}
	}
	return nil, wire.Errorf(404, "ResourceNotFoundException", "Could not find the imported model %s", ref)
}

// instruct says whether Converse works: a template came along, and it is one
// that the local account can render.
func (m *modelRecord) instruct() bool {
	_, ok := artifact.DetectFormat(m.Template)
	return m.Template != "" && ok
}

type modelInput struct {
	ModelIdentifier string `json:"modelIdentifier"`
}

// getModel answers GetImportedModel.
func (s *Service) getModel(_ context.Context, r *wire.Request) (any, error) {
	var in modelInput
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.findModel(in.ModelIdentifier)
	if err != nil {
		return nil, err
	}
	return map[string]any{"modelArn": m.ARN, "modelName": m.Name, "jobName": m.JobName, "jobArn": m.JobARN,
		"modelDataSource": dataSource(m.Source), "creationTime": wire.ISO{Time: m.Created}, "modelArchitecture": m.Architecture,
		"instructSupported": m.instruct(),
		"customModelUnits":  map[string]any{"customModelUnitsPerModelCopy": 1, "customModelUnitsVersion": "v1.0"}}, nil
}

// listModels answers ListImportedModels.
func (s *Service) listModels(_ context.Context, r *wire.Request) (any, error) {
	var in listInput
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	var found []modelRecord
	s.mu.Lock()
	for _, m := range s.models {
		if in.keeps(m.Name, m.Created) {
			found = append(found, *m)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(found, func(a, b modelRecord) int { return in.order(a.Created, b.Created, a.ID, b.ID) })
	page, next, err := wire.Page(found, func(m modelRecord) string { return m.ID }, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for _, m := range page {
		list = append(list, map[string]any{"modelArn": m.ARN, "modelName": m.Name, "creationTime": wire.ISO{Time: m.Created},
			"instructSupported": m.instruct(), "modelArchitecture": m.Architecture})
	}
	return withToken(map[string]any{"modelSummaries": list}, next), nil
}

// deleteModel answers DeleteImportedModel. Answers that are being generated
// end as they would have.
func (s *Service) deleteModel(_ context.Context, r *wire.Request) (any, error) {
	var in modelInput
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.findModel(in.ModelIdentifier)
	if err != nil {
		return nil, err
	}
	// The record goes first: without it the folder is no model.
	if err := os.Remove(s.modelDir(m.ID, "model.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("delete imported model %s: %w", m.Name, err)
	}
	delete(s.models, m.ID)
	if err := os.RemoveAll(s.modelDir(m.ID)); err != nil {
		return nil, fmt.Errorf("delete imported model %s: %w", m.Name, err)
	}
	return nil, nil
}

// foundation describes the one foundation model.
func (s *Service) foundation(region string) map[string]any {
	return map[string]any{
		"modelArn": "arn:aws:bedrock:" + region + "::foundation-model/" + s.o.BaseModelID, "modelId": s.o.BaseModelID,
		"modelName": "tunebench base", "providerName": "tunebench",
		"inputModalities": []string{"TEXT"}, "outputModalities": []string{"TEXT"}, "responseStreamingSupported": true,
		"customizationsSupported": []string{}, "inferenceTypesSupported": []string{"ON_DEMAND"},
		"modelLifecycle": map[string]any{"status": "ACTIVE"},
	}
}

// getFoundation answers GetFoundationModel.
func (s *Service) getFoundation(_ context.Context, r *wire.Request) (any, error) {
	var in modelInput
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	if !s.isBase(in.ModelIdentifier) {
		return nil, wire.Errorf(404, "ResourceNotFoundException", "Could not resolve the foundation model from the model identifier: %s", in.ModelIdentifier)
	}
	return map[string]any{"modelDetails": s.foundation(r.Region)}, nil
}

// listFoundation answers ListFoundationModels.
func (s *Service) listFoundation(_ context.Context, r *wire.Request) (any, error) {
	var in struct {
		Provider      string `json:"byProvider"`
		Customization string `json:"byCustomizationType"`
		Modality      string `json:"byOutputModality"`
		Inference     string `json:"byInferenceType"`
	}
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	list := []map[string]any{}
	if (in.Provider == "" || strings.EqualFold(in.Provider, "tunebench")) && in.Customization == "" &&
		(in.Modality == "" || in.Modality == "TEXT") && (in.Inference == "" || in.Inference == "ON_DEMAND") {
		list = append(list, s.foundation(r.Region))
	}
	return map[string]any{"modelSummaries": list}, nil
}

// listProfiles answers ListInferenceProfiles: there are none.
func (s *Service) listProfiles(context.Context, *wire.Request) (any, error) {
	return map[string]any{"inferenceProfileSummaries": []any{}}, nil
}

type tagInput struct {
	ResourceARN string   `json:"resourceARN"`
	Tags        []tag    `json:"tags"`
	TagKeys     []string `json:"tagKeys"`
}

// maxTags is how many tags a resource can have.
const maxTags = 200

// editTags finds the tags of a resource, lets edit change them and keeps them.
func (s *Service) editTags(r *wire.Request, edit func(in *tagInput, tags map[string]string) error) (map[string]string, error) {
	var in tagInput
	if err := r.Decode(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var target *map[string]string
	var save func() error
	if _, id, ok := strings.Cut(in.ResourceARN, ":imported-model/"); ok && s.models[id] != nil {
		m := s.models[id]
		target, save = &m.Tags, func() error { return state.Write(s.modelDir(id, "model.json"), m) }
	} else if _, id, ok := strings.Cut(in.ResourceARN, ":model-import-job/"); ok && s.jobs[id] != nil {
		j := s.jobs[id]
		target, save = &j.Tags, func() error { return s.saveJob(j) }
	} else {
		return nil, wire.Errorf(404, "ResourceNotFoundException", "Could not find the resource %s", in.ResourceARN)
	}
	tags := map[string]string{}
	for k, v := range *target {
		tags[k] = v
	}
	if edit == nil {
		return tags, nil
	}
	if err := edit(&in, tags); err != nil {
		return nil, err
	}
	*target = tags
	return tags, save()
}

func (s *Service) tagResource(_ context.Context, r *wire.Request) (any, error) {
	_, err := s.editTags(r, func(in *tagInput, tags map[string]string) error {
		for _, t := range in.Tags {
			tags[t.Key] = t.Value
		}
		if len(tags) > maxTags {
			return &wire.Error{Code: "TooManyTagsException", Message: fmt.Sprintf("A resource can have %d tags.", maxTags), Fields: map[string]any{"resourceName": in.ResourceARN}}
		}
		return nil
	})
	return nil, err
}

func (s *Service) untagResource(_ context.Context, r *wire.Request) (any, error) {
	_, err := s.editTags(r, func(in *tagInput, tags map[string]string) error {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		return nil
	})
	return nil, err
}

func (s *Service) listTags(_ context.Context, r *wire.Request) (any, error) {
	tags, err := s.editTags(r, nil)
	if err != nil {
		return nil, err
	}
	return map[string]any{"tags": sortedTags(tags)}, nil
}
