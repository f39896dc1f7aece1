package training

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
)

// jobNameForm is SageMaker's rule for the names of training jobs.
var jobNameForm = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`)

const (
	maxJobName = 63
	// fewRows is when a plan warns that there is little to learn from.
	fewRows = 10
	// manyPasses is when a plan warns that the rows will be seen too often.
	manyPasses = 200
)

// Plan reads the dataset and says what a job would be, what it would take and
// what speaks against it. Nothing is started or sent.
func (s *Service) Plan(ctx context.Context, spec Spec) (Plan, error) {
	preset, err := s.Preset(spec.Preset)
	if err != nil {
		return Plan{}, err
	}
	train, validation, manifest, err := dataset.OpenSplits(spec.Dataset)
	if err != nil {
		return Plan{}, err
	}
	settings := preset.Settings
	if manifest != nil && manifest.PromptFormat != "" {
		settings.PromptFormat = manifest.PromptFormat
	}
	if err := settings.Override(spec.Set); err != nil {
		return Plan{}, err
	}
	if settings.PromptDropout > 0 && s.c.BaseModel != SmallBase {
		return Plan{}, fmt.Errorf("the training setting prompt_dropout only works with the base model %s; set it to 0 for %s", SmallBase, s.c.BaseModel)
	}
	p := Plan{
		Name: spec.Name, Dataset: spec.Dataset,
		Config:        JobConfig{Version: 1, BaseModel: s.c.BaseModel, Preset: preset.Name, Settings: settings},
		Instance:      cmp.Or(spec.Options.Instance, s.instance()),
		InstanceCount: max(spec.Options.InstanceCount, 1),
		Options:       spec.Options,
		RoleARN:       s.c.RoleARN,
		Output:        "s3://" + s.c.Bucket + "/" + outputPrefix,
	}
	if p.Name == "" {
		p.Name = ProposeName(spec.Dataset, s.c.Now())
	}
	if err := checkJobName(p.Name); err != nil {
		return Plan{}, err
	}
	if err := spec.Options.check(); err != nil {
		return Plan{}, err
	}
	var imageWarning string
	if p.Image, imageWarning, err = s.image(spec.Options.Image); err != nil {
		return Plan{}, err
	}
	p.Checkpoints = cmp.Or(spec.Options.Checkpoints, "s3://"+s.c.Bucket+"/"+outputPrefix+"/"+p.Name+"/checkpoints/")
	rows, err := s.count(ctx, train, settings.PromptFormat, settings.MaxSequenceLength)
	if err != nil {
		return Plan{}, err
	}
	if rows.usable == 0 {
		return Plan{}, fmt.Errorf("no row of %s can be trained on: %s", safetext.Line(train), cmp.Or(rows.firstErr, "questions or answers are missing"))
	}
	p.TrainRows = rows.usable
	held := counted{}
	if validation != "" {
		if held, err = s.count(ctx, validation, settings.PromptFormat, settings.MaxSequenceLength); err != nil {
			return Plan{}, err
		}
		p.ValidationRows = held.usable
	}
	perStep := float64(settings.BatchRows * settings.MaxSequenceLength)
	if p.Steps = settings.MaxSteps; p.Steps == 0 {
		p.Steps = max(1, int(math.Ceil(settings.Epochs*rows.tokens/perStep)))
	}
	p.Tokens, p.TokensBy, p.TruncatedRows, p.DroppedRows = int64(rows.tokens), rows.counter(), rows.cut, rows.left
	p.Memory = memory(s.c.BaseModel, settings, p.Instance, p.InstanceCount)
	p.Warnings = append(slices.Clone(spec.Remarks), s.warnings(rows, settings, validation, p.Steps)...)
	p.Warnings = append(p.Warnings, s.optionWarnings(p, imageWarning)...)
	p.Warnings = append(p.Warnings, formatWarnings(s.c.BaseModel, manifest, settings)...)
	s.checkAccount(ctx, &p)
	if s.c.Bills {
		s.addCost(&p, float64(p.Steps)*perStep)
	}
	return p, nil
}

func (s *Service) warnings(rows counted, settings Settings, validation string, steps int) []string {
	w := s.rowWarnings(rows, settings)
	add := func(format string, args ...any) { w = append(w, fmt.Sprintf(format, args...)) }
	if passes := float64(steps*settings.BatchRows*settings.MaxSequenceLength) / max(rows.tokens, 1); passes > manyPasses {
		add("every row will be seen about %.0f times; fewer max_steps may do", passes)
	}
	if validation == "" && settings.EvalEvery > 0 {
		add("there is no validation split, so no eval loss will be shown; dataset prepare makes one")
	}
	if s.c.Bucket == "" {
		add("no bucket is configured; set account.bucket in the configuration file before starting")
	}
	if s.c.RoleARN == "" {
		add("no training role is configured; set account.training_role in the configuration file before starting; tunebench train role prints the policies that it needs")
	}
	if err := s.checkCode(); err != nil {
		add("%v", err)
	}
	return w
}

// checkCode says why a job for a base model other than the small one cannot be
// started.
func (s *Service) checkCode() error {
	if s.c.BaseModel == SmallBase || s.c.Container != nil {
		return nil
	}
	return fmt.Errorf("the training code for the base model %s is not part of this build, so its jobs can be planned but not started; the local account trains %s", s.c.BaseModel, SmallBase)
}

// instance is the type a job runs on.
func (s *Service) instance() string {
	if s.c.BaseModel == SmallBase {
		return "ml.m5.large"
	}
	return s.c.Defaults.Instance
}

// ProposeName makes a job name of a dataset's name and a time.
func ProposeName(datasetPath string, now time.Time) string {
	base := filepath.Base(strings.TrimPrefix(datasetPath, dataset.SamplePrefix))
	base = strings.TrimSuffix(base, filepath.Ext(base))
	stamp := now.UTC().Format("20060102-150405")
	words := strings.FieldsFunc(strings.ToLower(base), func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9') })
	middle := strings.Join(words, "-")
	room := maxJobName - len("tb-") - len(stamp) - 1
	middle = strings.TrimRight(middle[:min(len(middle), room)], "-")
	return "tb-" + cmp.Or(middle, "dataset") + "-" + stamp
}

func checkJobName(name string) error {
	if jobNameForm.MatchString(name) {
		return nil
	}
	if len(name) > maxJobName {
		return fmt.Errorf("the training job name %q is too long: %d characters where SageMaker takes at most %d", safetext.Line(name), len(name), maxJobName)
	}
	return fmt.Errorf("the training job name %q is not allowed; use letters, digits and hyphens, with a letter or digit at both ends", safetext.Line(name))
}

// ready refuses a plan that cannot be started.
func (s *Service) ready(p Plan) error {
	if err := checkJobName(p.Name); err != nil {
		return err
	}
	if err := s.checkCode(); err != nil {
		return err
	}
	if s.c.Bucket == "" {
		return errors.New("no bucket is configured for data and artifacts; set account.bucket in the configuration file")
	}
	if p.RoleARN == "" {
		return errors.New("no role is configured for training jobs; set account.training_role in the configuration file")
	}
	if err := p.Options.check(); err != nil {
		return err
	}
	return p.Config.Settings.check()
}
