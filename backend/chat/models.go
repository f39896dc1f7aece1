package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	"golang.org/x/sync/errgroup"

	"tunebench/backend/artifact"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
)

// BaseRef is the name under which users ask the model that fine-tuning starts
// from.
const BaseRef = "base"

// Models lists what can be talked to: the base model first, then imported
// models, newest first, foundation models, inference profiles and the endpoint's
// models. A list that
// the account may not read is left out; other failures are errors.
func (s *Service) Models(ctx context.Context) ([]Model, error) {
	var imported, foundation, profiles, hosted []Model
	var denied [3]error
	g, gctx := errgroup.WithContext(ctx)
	part := func(i int, into *[]Model, list func(context.Context) ([]Model, error)) {
		g.Go(func() (err error) {
			if *into, err = list(gctx); err != nil && Classify(err) == AccessDenied {
				denied[i], err = err, nil
			}
			return err
		})
	}
	part(0, &imported, s.importedModels)
	part(1, &foundation, s.foundationModels)
	part(2, &profiles, s.inferenceProfiles)
	if e := s.cfg.Endpoint; e != nil {
		g.Go(func() error { hosted = e.models(gctx); return nil })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("list the models: %w", s.cfg.Explain(err))
	}
	all := slices.Concat(imported, foundation, profiles)
	if len(all)+len(hosted) == 0 && denied[0] != nil {
		return nil, fmt.Errorf("list the models: %w", s.cfg.Explain(denied[0]))
	}
	return append(s.withBase(all), hosted...), nil
}

// withBase puts the base model in front, under its own name.
func (s *Service) withBase(all []Model) []Model {
	id := s.cfg.BaseModelID
	if id == "" {
		return all
	}
	base := Model{ID: id, Name: safetext.Line(id), Kind: Foundation, Converse: true, Note: "not in the account's list of models"}
	if i := slices.IndexFunc(all, func(m Model) bool { return m.ID == id || m.Ref == id }); i >= 0 {
		base = all[i]
		all = slices.Delete(all, i, i+1)
	}
	base.Ref = BaseRef
	return append([]Model{base}, all...)
}

func (s *Service) importedModels(ctx context.Context) ([]Model, error) {
	known, err := s.cfg.Store.Models(ctx, s.cfg.AccountName)
	if err != nil {
		return nil, err
	}
	jobs, err := s.cfg.Store.ImportJobs(ctx, s.cfg.AccountName, s.region)
	if err != nil {
		return nil, err
	}
	var models []Model
	p := bedrock.NewListImportedModelsPaginator(s.cfg.Bedrock, &bedrock.ListImportedModelsInput{})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range page.ModelSummaries {
			model := s.imported(m, known, jobs)
			model.Doubt = s.doubt(ctx, model)
			models = append(models, model)
		}
	}
	slices.SortStableFunc(models, func(a, b Model) int { return b.Created.Compare(a.Created) })
	return models, nil
}

// imported joins what Bedrock says of a model with what the store knows.
func (s *Service) imported(m types.ImportedModelSummary, known map[string]store.Model, jobs []store.ImportJob) Model {
	name := safetext.Line(aws.ToString(m.ModelName))
	model := Model{
		Ref: name, ID: aws.ToString(m.ModelArn), Name: name, Kind: Imported,
		Converse: aws.ToBool(m.InstructSupported), Created: aws.ToTime(m.CreationTime),
	}
	k := known[model.ID]
	model.PromptFormat = k.PromptFormat
	if model.PromptFormat == "" {
		// The import may have ended while no workbench was watching.
		if i := slices.IndexFunc(jobs, func(j store.ImportJob) bool { return j.Model == name }); i >= 0 {
			model.PromptFormat = jobs[i].PromptFormat
		}
	}
	if k.ReplyShape != "" {
		s.mu.Lock()
		s.shapes[model.ID] = Shape(k.ReplyShape)
		s.mu.Unlock()
	}
	switch {
	case model.PromptFormat != "":
	case model.Converse:
		model.Note = "prompt format not recorded; its own chat template is used"
	default:
		model.Note = "prompt format not recorded and no chat template: it must be set before this model can answer"
	}
	return model
}

func (s *Service) foundationModels(ctx context.Context) ([]Model, error) {
	out, err := s.cfg.Bedrock.ListFoundationModels(ctx, &bedrock.ListFoundationModelsInput{ByOutputModality: types.ModelModalityText})
	if err != nil {
		return nil, err
	}
	var models []Model
	for _, m := range out.ModelSummaries {
		if !slices.Contains(m.OutputModalities, types.ModelModalityText) || !slices.Contains(m.InferenceTypesSupported, types.InferenceTypeOnDemand) {
			continue // reached through an inference profile, if at all
		}
		model := Model{
			Ref: safetext.Line(aws.ToString(m.ModelId)), ID: aws.ToString(m.ModelId), Kind: Foundation, Converse: true,
			Name: strings.TrimSpace(safetext.Line(aws.ToString(m.ProviderName) + " " + aws.ToString(m.ModelName))),
		}
		if m.ModelLifecycle != nil && m.ModelLifecycle.Status == types.FoundationModelLifecycleStatusLegacy {
			model.Note = "legacy: Bedrock will withdraw it"
		}
		models = append(models, model)
	}
	slices.SortFunc(models, func(a, b Model) int { return strings.Compare(a.Ref, b.Ref) })
	return models, nil
}

func (s *Service) inferenceProfiles(ctx context.Context) ([]Model, error) {
	var models []Model
	p := bedrock.NewListInferenceProfilesPaginator(s.cfg.Bedrock, &bedrock.ListInferenceProfilesInput{})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range page.InferenceProfileSummaries {
			id := aws.ToString(m.InferenceProfileId)
			models = append(models, Model{
				Ref: safetext.Line(id), ID: id, Name: safetext.Line(aws.ToString(m.InferenceProfileName)),
				Kind: Profile, Converse: true, Created: aws.ToTime(m.CreatedAt),
			})
		}
	}
	slices.SortFunc(models, func(a, b Model) int { return strings.Compare(a.Ref, b.Ref) })
	return models, nil
}

// UnknownModelError says that no model has the name asked for, and which names
// come near.
type UnknownModelError struct {
	Ref     string
	Nearest []string
	Total   int // how many models there are
}

// Error names the nearest models.
func (e *UnknownModelError) Error() string {
	switch {
	case e.Total == 0:
		return fmt.Sprintf("there is no model %q: this account has no models; import one first", safetext.Line(e.Ref))
	case len(e.Nearest) == 0:
		return fmt.Sprintf("there is no model %q among the account's %d; list them with: tunebench models list", safetext.Line(e.Ref), e.Total)
	}
	return fmt.Sprintf("there is no model %q; did you mean %s? (all of them: tunebench models list)", safetext.Line(e.Ref), strings.Join(e.Nearest, " or "))
}

// Resolve finds a model by what a user types: "base", an imported model's name
// or ARN, a foundation model id or an inference profile. When there is none the
// error is an *UnknownModelError.
func (s *Service) Resolve(ctx context.Context, ref string) (Model, error) {
	models, err := s.Models(ctx)
	if err != nil {
		return Model{}, err
	}
	ref = strings.TrimSpace(ref)
	for _, match := range []func(Model) bool{
		func(m Model) bool { return m.Ref == ref },
		func(m Model) bool { return m.ID == ref || m.Name == ref },
		func(m Model) bool { return strings.EqualFold(m.Ref, ref) || strings.EqualFold(m.Name, ref) },
	} {
		if i := slices.IndexFunc(models, match); i >= 0 {
			return models[i], nil
		}
	}
	if ref == BaseRef && s.cfg.BaseModelID == "" {
		return Model{}, errors.New(`"base" is not set for this account; name a foundation model, or an imported one`)
	}
	// A shared model's ARN works although no list of this account has it.
	if rest, ok := strings.CutPrefix(ref, "arn:"); ok {
		switch {
		case strings.Contains(rest, ":inference-profile/"), strings.Contains(rest, ":application-inference-profile/"):
			return Model{Ref: ref, ID: ref, Name: ref, Kind: Profile, Converse: true, Note: "not in the account's list of models"}, nil
		case strings.Contains(rest, ":foundation-model/"), strings.Contains(rest, ":provisioned-model/"), strings.Contains(rest, ":custom-model-deployment/"):
			return Model{Ref: ref, ID: ref, Name: ref, Kind: Foundation, Converse: true, Note: "not in the account's list of models"}, nil
		}
	}
	return Model{}, &UnknownModelError{Ref: ref, Nearest: nearest(ref, models), Total: len(models)}
}

// SetPromptFormat records the format that an imported model was trained with.
func (s *Service) SetPromptFormat(ctx context.Context, m Model, format string) error {
	if _, err := artifact.FormatByName(format); err != nil {
		return err
	}
	if m.Kind != Imported {
		return fmt.Errorf("%s is no imported model; Bedrock applies its prompt format itself", m.Ref)
	}
	return s.cfg.Store.PutModel(ctx, store.Model{Account: s.cfg.AccountName, ARN: m.ID, Name: m.Name, PromptFormat: format, Created: s.cfg.Now()})
}

// nearest returns up to three names that are like ref, the likest first.
func nearest(ref string, models []Model) []string {
	type scored struct {
		name string
		cost int
	}
	low := strings.ToLower(ref)
	var list []scored
	for _, m := range models {
		name := strings.ToLower(m.Ref)
		cost := distance(low, name)
		if len(low) >= 3 && strings.Contains(name, low) {
			cost = min(cost, 1)
		}
		if cost <= max(2, len(low)/3) {
			list = append(list, scored{m.Ref, cost})
		}
	}
	slices.SortStableFunc(list, func(a, b scored) int { return a.cost - b.cost })
	var names []string
	for _, s := range list[:min(3, len(list))] {
		names = append(names, s.name)
	}
	return names
}

// distance is the number of single-character edits between a and b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, c := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j, d := range y {
			cost := diagonal
			if c != d {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(y)]
}
