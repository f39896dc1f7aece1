package training

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
)

// jobNameForm is SageMaker's rule for the names of training jobs.
var jobNameForm = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`)

const (
	maxJobName = 63
	// charsPerToken is a planning value for English text.
	charsPerToken = 3.6
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
	rows, err := count(ctx, train, settings.MaxSequenceLength)
	if err != nil {
		return Plan{}, err
	}
	if rows.usable == 0 {
		return Plan{}, fmt.Errorf("no row of %s can be trained on: %s", safetext.Line(train), cmp.Or(rows.firstErr, "questions or answers are missing"))
	}
	p.TrainRows = rows.usable
	held := counted{}
	if validation != "" {
		if held, err = count(ctx, validation, settings.MaxSequenceLength); err != nil {
			return Plan{}, err
		}
		p.ValidationRows = held.usable
	}
	perStep := float64(settings.BatchRows * settings.MaxSequenceLength)
	tokens := float64(rows.chars) / charsPerToken
	if p.Steps = settings.MaxSteps; p.Steps == 0 {
		p.Steps = max(1, int(math.Ceil(settings.Epochs*tokens/perStep)))
	}
	p.Tokens, p.TruncatedRows = int64(tokens), rows.cut
	p.Memory = memory(s.c.BaseModel, settings, p.Instance, p.InstanceCount)
	p.Warnings = append(s.warnings(rows, settings, validation, tokens, p.Steps), s.optionWarnings(p, imageWarning)...)
	if s.c.Bills {
		s.addCost(&p, float64(p.Steps)*perStep)
	}
	return p, nil
}

// counted is what one pass over a split found.
type counted struct {
	usable, unusable int64
	chars, longest   int64
	cut              int64 // rows with more tokens than fit, as estimated
	firstErr         string
}

func count(ctx context.Context, path string, most int) (counted, error) {
	var c counted
	d, err := dataset.Open(ctx, path, dataset.OpenOptions{})
	if err != nil {
		return c, err
	}
	defer d.Close()
	if err := d.Usable(); err != nil {
		return c, err
	}
	err = d.Examples(ctx, 0, func(e dataset.Example) error {
		if e.Err != "" || strings.TrimSpace(e.Question) == "" || strings.TrimSpace(e.Answer) == "" {
			c.unusable++
			if c.firstErr == "" {
				c.firstErr = safetext.Line(e.Err)
			}
			return nil
		}
		n := int64(len(e.System) + len(e.Question) + len(e.Answer))
		c.usable++
		c.chars += n
		c.longest = max(c.longest, n)
		if float64(n)/charsPerToken > float64(most) {
			c.cut++
		}
		return nil
	})
	return c, err
}

func (s *Service) warnings(rows counted, settings Settings, validation string, tokens float64, steps int) []string {
	var w []string
	add := func(format string, args ...any) { w = append(w, fmt.Sprintf(format, args...)) }
	if rows.unusable > 0 {
		first := ""
		if rows.firstErr != "" {
			first = ", the first because " + rows.firstErr
		}
		add("%d rows cannot be used and are left out%s", rows.unusable, first)
	}
	if rows.usable < fewRows {
		add("only %d rows to learn from", rows.usable)
	}
	if longest := float64(rows.longest) / charsPerToken; longest > float64(settings.MaxSequenceLength) {
		add("the longest row has about %.0f tokens; what goes beyond max_sequence_length %d is cut off, in about %.1f %% of the rows (%d of %d)",
			longest, settings.MaxSequenceLength, 100*float64(rows.cut)/float64(rows.usable), rows.cut, rows.usable)
	}
	if passes := float64(steps*settings.BatchRows*settings.MaxSequenceLength) / max(tokens, 1); passes > manyPasses {
		add("every row will be seen about %.0f times; fewer max_steps may do", passes)
	}
	if validation == "" && settings.EvalEvery > 0 {
		add("there is no validation split, so no eval loss will be shown; dataset prepare makes one")
	}
	if s.c.Bucket == "" {
		add("no bucket is configured; set account.bucket in the configuration file before starting")
	}
	if s.c.RoleARN == "" {
		add("no training role is configured; set account.training_role in the configuration file before starting")
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

// speed is a planning value in trained tokens per second of an instance with
// QLoRA on a 7B model.
var speed = []struct {
	prefix string
	perGPU float64
}{{"ml.g5.", 700}, {"ml.g6e.", 3300}, {"ml.g6.", 850}, {"ml.p4d", 3200}, {"ml.p4de", 4000}, {"ml.p5.", 7500}}

var gpus = map[string]float64{
	"ml.g5.12xlarge": 4, "ml.g5.24xlarge": 4, "ml.g5.48xlarge": 8, "ml.g6.12xlarge": 4, "ml.g6.24xlarge": 4, "ml.g6.48xlarge": 8,
	"ml.g6e.12xlarge": 4, "ml.g6e.24xlarge": 4, "ml.g6e.48xlarge": 8, "ml.p4d.24xlarge": 8, "ml.p4de.24xlarge": 8, "ml.p5.48xlarge": 8,
}

const (
	// fixedTime is image pull, packages, weights, merge and upload.
	fixedTime = 20 * time.Minute
	// scaling is what several GPUs keep of their sum.
	scaling = 0.9
	// spotLow and spotHigh are planning values of a spot price's part of the
	// listed one; AWS claims down to 0.1.
	spotLow, spotHigh = 0.3, 0.5
)

// addCost estimates what the training of so many tokens costs.
func (s *Service) addCost(p *Plan, tokens float64) {
	price, ok := s.c.Prices.Instances[p.Instance]
	rate := 0.0
	for _, v := range speed {
		if strings.HasPrefix(p.Instance, v.prefix) {
			rate = v.perGPU
		}
	}
	if !ok || rate == 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the cost cannot be estimated: no price or speed is known for %s; set prices.instances in the configuration file", p.Instance))
		return
	}
	if n := gpus[p.Instance]; n > 1 {
		rate *= n * scaling
	}
	if p.InstanceCount > 1 {
		rate *= float64(p.InstanceCount) * scaling
	}
	d := fixedTime + time.Duration(tokens/rate*float64(time.Second))
	usd := d.Hours() * price * float64(p.InstanceCount)
	p.Cost = &Cost{
		USD: usd, SpotLowUSD: spotLow * usd, SpotHighUSD: spotHigh * usd,
		Basis: fmt.Sprintf("about %s on %d × %s at $%.3f an hour (price of %s in %s): %s fixed, then %.1f million tokens at about %.0f a second",
			d.Round(time.Minute), p.InstanceCount, p.Instance, price, s.c.Prices.Date, s.c.Prices.Region, fixedTime, tokens/1e6, rate),
	}
	if s.c.Region != s.c.Prices.Region {
		p.Warnings = append(p.Warnings, fmt.Sprintf("the price is of %s, the job would run in %s", s.c.Prices.Region, s.c.Region))
	}
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
