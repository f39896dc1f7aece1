package sagemaker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/tinymistral"
)

// jobConfig is job.json in the code channel: all that the code in the
// container is told.
type jobConfig struct {
	Version   int      `json:"version"`
	BaseModel string   `json:"base_model"`
	Preset    string   `json:"preset"`
	Settings  settings `json:"settings"`
}

type settings struct {
	Method            string   `json:"method"` // "lora", "qlora", "full"
	PromptFormat      string   `json:"prompt_format"`
	LoRARank          int      `json:"lora_r"`
	LoRAAlpha         float64  `json:"lora_alpha"`
	LoRADropout       float64  `json:"lora_dropout"`
	LoRATargets       []string `json:"lora_targets"`
	PromptDropout     float64  `json:"prompt_dropout"`
	LearningRate      float64  `json:"learning_rate"`
	Schedule          string   `json:"schedule"` // "cosine", "constant"
	WarmupRatio       float64  `json:"warmup_ratio"`
	WeightDecay       float64  `json:"weight_decay"`
	MaxGradNorm       float64  `json:"max_grad_norm"`
	MaxSteps          int      `json:"max_steps"` // 0: Epochs decides
	Epochs            float64  `json:"epochs"`
	BatchRows         int      `json:"batch_rows"`
	MaxSequenceLength int      `json:"max_sequence_length"`
	Seed              uint64   `json:"seed"`
	LogEvery          int      `json:"log_every"`
	EvalEvery         int      `json:"eval_every"`       // 0: before and after only
	CheckpointEvery   int      `json:"checkpoint_every"` // 0: none on the way
}

// What settings that are absent from job.json mean.
const (
	defaultRank      = 8
	defaultRows      = 8
	defaultSeqLen    = 128
	defaultRate      = 1e-3
	defaultLogEvery  = 10
	maxSteps         = 10_000_000
	jobConfigFile    = "job.json"
	maxJobConfigSize = 1 << 20
)

// readJobConfig reads job.json from the folder of the code channel.
func readJobConfig(dir string) (jobConfig, error) {
	var c jobConfig
	path := filepath.Join(dir, jobConfigFile)
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("the channel \"code\" holds no %s; it tells the job what to train and how, so put one there", jobConfigFile)
	}
	if err != nil {
		return c, err
	}
	if st.Size() > maxJobConfigSize {
		return c, fmt.Errorf("%s has %d bytes; that is not a job's configuration", jobConfigFile, st.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		line := 1
		var syn *json.SyntaxError
		if errors.As(err, &syn) {
			line += bytes.Count(data[:min(int(syn.Offset), len(data))], []byte("\n"))
		}
		return c, fmt.Errorf("%s is not valid (line %d): %v", jobConfigFile, line, err)
	}
	if c.Version > 1 {
		return c, fmt.Errorf("%s has version %d; this program understands version 1", jobConfigFile, c.Version)
	}
	c.Settings.defaults()
	return c, c.Settings.check()
}

func (s *settings) defaults() {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if s.Method == "" {
		s.Method = "lora"
	}
	if s.PromptFormat == "" {
		s.PromptFormat = artifact.DefaultFormat
	}
	if s.Schedule == "" {
		s.Schedule = "cosine"
	}
	if s.LearningRate == 0 {
		s.LearningRate = defaultRate
	}
	if s.MaxSteps == 0 && s.Epochs == 0 {
		s.Epochs = 1
	}
	if s.Method != "full" {
		set(&s.LoRARank, defaultRank)
		if slices.Contains(s.LoRATargets, "all-linear") {
			s.LoRATargets = nil // the engine's word for it
		}
	}
	set(&s.BatchRows, defaultRows)
	set(&s.MaxSequenceLength, defaultSeqLen)
	set(&s.LogEvery, defaultLogEvery)
}

func (s *settings) check() error {
	bad := func(name string, v any, want string) error {
		return fmt.Errorf("%s: settings.%s is %v; it must be %s", jobConfigFile, name, v, want)
	}
	if _, err := artifact.FormatByName(s.PromptFormat); err != nil {
		return fmt.Errorf("%s: settings.prompt_format: %w", jobConfigFile, err)
	}
	switch {
	case !slices.Contains([]string{"lora", "qlora", "full"}, s.Method):
		return bad("method", strings.TrimSpace(fmt.Sprintf("%q", s.Method)), "lora, qlora or full")
	case s.Schedule != "cosine" && s.Schedule != "constant":
		return bad("schedule", fmt.Sprintf("%q", s.Schedule), "cosine or constant")
	case s.MaxSteps < 0 || s.MaxSteps > maxSteps:
		return bad("max_steps", s.MaxSteps, fmt.Sprintf("0 to %d", maxSteps))
	case !(s.Epochs >= 0 && s.Epochs < 1e6):
		return bad("epochs", s.Epochs, "a number that is not negative")
	case s.BatchRows < 1 || s.BatchRows > 4096:
		return bad("batch_rows", s.BatchRows, "1 to 4096")
	case s.MaxSequenceLength < 8:
		return bad("max_sequence_length", s.MaxSequenceLength, "8 or more")
	case s.LogEvery < 1:
		return bad("log_every", s.LogEvery, "1 or more")
	case s.EvalEvery < 0 || s.CheckpointEvery < 0:
		return bad("eval_every or checkpoint_every", "negative", "0 or more")
	}
	return nil
}

// trainConfig turns settings into the engine's plan; epochTokens are the
// tokens of one pass over the rows.
func (s *settings) trainConfig(epochTokens int64) (tinymistral.TrainConfig, error) {
	c := tinymistral.TrainConfig{
		LearningRate: s.LearningRate, WarmupRatio: s.WarmupRatio, WeightDecay: s.WeightDecay, MaxGradNorm: s.MaxGradNorm,
		Steps: s.MaxSteps, Rows: s.BatchRows, SeqLen: s.MaxSequenceLength, Seed: s.Seed, PromptDropout: s.PromptDropout,
	}
	if s.Method != "full" {
		c.LoRA = tinymistral.LoRA{Rank: s.LoRARank, Alpha: s.LoRAAlpha, Dropout: s.LoRADropout, Targets: s.LoRATargets}
	}
	if s.Schedule == "constant" {
		c.MinLRRatio = 1
	}
	if c.Steps == 0 {
		steps := math.Ceil(s.Epochs * float64(epochTokens) / float64(s.BatchRows*s.MaxSequenceLength))
		if steps > maxSteps {
			return c, fmt.Errorf("%s: settings.epochs: %g passes over these rows are %.0f steps, more than %d; lower epochs", jobConfigFile, s.Epochs, steps, maxSteps)
		}
		c.Steps = max(1, int(steps))
	}
	return c, nil
}
