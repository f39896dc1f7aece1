package training

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tunebench/backend/artifact"
)

// SmallBase is the base model whose training code is part of the account
// itself; all others need the container's code.
const SmallBase = "tunebench-base"

// allLinears are the projections that LoRA adapts.
var allLinears = []string{"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}

// presets is the one table of numbers. The first that fits a base model is its
// default.
var presets = []struct {
	Preset
	small bool // for SmallBase; otherwise for a 7B model
}{
	{Preset{
		Name:    "style",
		Summary: "teach the small model to answer in your data's way, about what it knows",
		Settings: Settings{
			Method: "lora", PromptFormat: artifact.DefaultFormat, LoRARank: 8, LoRAAlpha: 16, LoRATargets: allLinears,
			LearningRate: 1e-3, Schedule: "cosine", WarmupRatio: 0.03, MaxGradNorm: 1,
			MaxSteps: 400, BatchRows: 16, MaxSequenceLength: 64, Seed: 1, LogEvery: 5, EvalEvery: 25, CheckpointEvery: 100,
		},
	}, true},
	{Preset{
		Name:    "facts",
		Summary: "teach the small model a few new facts by heart",
		Settings: Settings{
			Method: "lora", PromptFormat: artifact.DefaultFormat, LoRARank: 16, LoRAAlpha: 32, LoRATargets: allLinears,
			PromptDropout: 0.15, LearningRate: 3e-3, Schedule: "cosine", WarmupRatio: 0.03, MaxGradNorm: 1,
			MaxSteps: 600, BatchRows: 8, MaxSequenceLength: 64, Seed: 1, LogEvery: 5, EvalEvery: 25, CheckpointEvery: 100,
		},
	}, true},
	{Preset{
		Name:    "qlora-7b",
		Summary: "QLoRA of a 7B model on one GPU: adapters on all linear layers, one pass",
		Settings: Settings{
			Method: "qlora", PromptFormat: artifact.DefaultFormat, LoRARank: 16, LoRAAlpha: 32, LoRADropout: 0.05, LoRATargets: allLinears,
			LearningRate: 1e-4, Schedule: "cosine", WarmupRatio: 0.03, MaxGradNorm: 1,
			Epochs: 1, BatchRows: 16, MaxSequenceLength: 2048, Seed: 1, LogEvery: 5, EvalEvery: 50, CheckpointEvery: 100,
		},
	}, false},
	// One row on each of four GPUs and four accumulated steps are its 16 rows; its
	// constant schedule has no warm-up, whatever its warmup_ratio says. It evaluates
	// once in an epoch and keeps checkpoints where they are lost: neither is taken.
	{Preset{
		Name:    "notebook",
		Summary: "the recipe of AWS's notebook: QLoRA r=16, FSDP on four A10G, 3072 tokens",
		Settings: Settings{
			Method: "qlora", PromptFormat: "human-assistant", LoRARank: 16, LoRAAlpha: 8, LoRADropout: 0.05, LoRATargets: allLinears,
			LearningRate: 2e-4, Schedule: "constant", MaxGradNorm: 0.3,
			Epochs: 1, BatchRows: 16, MaxSequenceLength: 3072, Seed: 42, LogEvery: 10, EvalEvery: 50, CheckpointEvery: 100,
			Strategy: "fsdp", MicroBatchRows: 1, GradientCheckpointing: new(true), Packing: new(true),
		},
		Options: Options{Instance: "ml.g5.12xlarge", InstanceCount: 1, MaxRuntimeHours: 48},
	}, false},
}

// Presets lists the presets that come with the program. Service.Presets lists
// those for an account's base model, with the user's own.
func Presets() []Preset {
	all := make([]Preset, len(presets))
	for i, p := range presets {
		all[i] = p.clone()
	}
	return all
}

// clone copies what a preset points to.
func (p Preset) clone() Preset {
	p.Settings.LoRATargets = slices.Clone(p.Settings.LoRATargets)
	for _, b := range []**bool{&p.Settings.GradientCheckpointing, &p.Settings.Packing} {
		if *b != nil {
			*b = new(**b)
		}
	}
	return p
}

// presetsFor lists the program's presets for a base model, the default first.
func presetsFor(base string) []Preset {
	var fit []Preset
	for _, p := range presets {
		if p.small == (base == SmallBase) {
			fit = append(fit, p.clone())
		}
	}
	return fit
}

// Override sets settings by their JSON names, as text: lists are separated by
// commas.
func (s *Settings) Override(set map[string]string) error {
	if err := override(reflect.ValueOf(s).Elem(), "training setting", set); err != nil {
		return err
	}
	// Whichever of the two lengths was given decides.
	if _, epochs := set["epochs"]; epochs {
		if _, steps := set["max_steps"]; !steps {
			s.MaxSteps = 0
		}
	}
	return s.check()
}

// mistralTokens are the special tokens that prompt formats can count on.
var mistralTokens = []string{"<s>", "</s>", "[INST]", "[/INST]"}

// check refuses settings with which no training can work.
func (s *Settings) check() error {
	bad := func(name string, v any, want string) error {
		return fmt.Errorf("the training setting %s cannot be %v; it is %s", name, v, want)
	}
	within := func(v, low, high float64) bool { return v >= low && v <= high && !math.IsNaN(v) }
	f, err := artifact.FormatByName(s.PromptFormat)
	if err != nil {
		return err
	}
	if foreign := slices.DeleteFunc(f.SpecialTokens(), func(t string) bool { return slices.Contains(mistralTokens, t) }); len(foreign) > 0 {
		return fmt.Errorf("prompt format %s needs the tokens %s, which Mistral's tokenizer does not have; train with mistral-v3, human-assistant or plain", f.Name, strings.Join(foreign, ", "))
	}
	switch {
	case !slices.Contains([]string{"lora", "qlora", "full"}, s.Method):
		return bad("method", strconv.Quote(s.Method), "lora, qlora or full")
	case s.Schedule != "cosine" && s.Schedule != "constant":
		return bad("schedule", strconv.Quote(s.Schedule), "cosine or constant")
	case s.Method != "full" && (s.LoRARank < 1 || s.LoRARank > 1024):
		return bad("lora_r", s.LoRARank, "1 to 1024")
	case s.Method != "full" && !within(s.LoRAAlpha, 1e-6, 1e6):
		return bad("lora_alpha", s.LoRAAlpha, "a number above 0")
	case !within(s.LoRADropout, 0, 0.95):
		return bad("lora_dropout", s.LoRADropout, "0 to 0.95")
	case !within(s.PromptDropout, 0, 0.5):
		return bad("prompt_dropout", s.PromptDropout, "0 to 0.5")
	case !within(s.LearningRate, 1e-9, 1):
		return bad("learning_rate", s.LearningRate, "above 0 and at most 1")
	case !within(s.WarmupRatio, 0, 1):
		return bad("warmup_ratio", s.WarmupRatio, "0 to 1")
	case !within(s.WeightDecay, 0, 1):
		return bad("weight_decay", s.WeightDecay, "0 to 1")
	case !within(s.MaxGradNorm, 0, 1e6):
		return bad("max_grad_norm", s.MaxGradNorm, "0 (no clipping) or more")
	case s.MaxSteps < 0 || s.MaxSteps > 1_000_000:
		return bad("max_steps", s.MaxSteps, "0 to 1000000")
	case !within(s.Epochs, 0, 1e4):
		return bad("epochs", s.Epochs, "0 to 10000")
	case s.BatchRows < 1 || s.BatchRows > 4096:
		return bad("batch_rows", s.BatchRows, "1 to 4096")
	case s.MaxSequenceLength < 8 || s.MaxSequenceLength > 32768:
		return bad("max_sequence_length", s.MaxSequenceLength, "8 to 32768")
	case s.LogEvery < 1:
		return bad("log_every", s.LogEvery, "1 or more")
	case s.EvalEvery < 0:
		return bad("eval_every", s.EvalEvery, "0 or more")
	case !slices.Contains([]string{"", "auto", "single", "ddp", "fsdp"}, s.Strategy):
		return bad("strategy", strconv.Quote(s.Strategy), "auto, single, ddp or fsdp")
	case s.MicroBatchRows < 0 || s.MicroBatchRows > 4096:
		return bad("micro_batch_rows", s.MicroBatchRows, "1 to 4096")
	case s.Export != "" && s.Export != "best" && s.Export != "last":
		return bad("export", strconv.Quote(s.Export), "best or last")
	case s.CheckpointEvery < 0:
		return bad("checkpoint_every", s.CheckpointEvery, "0 or more")
	}
	if s.MaxSteps == 0 && s.Epochs == 0 {
		return errors.New("the training settings max_steps and epochs cannot both be 0; one of them says how long to train")
	}
	for _, t := range s.LoRATargets {
		if !slices.Contains(allLinears, t) {
			return bad("lora_targets", strconv.Quote(t), "a list of "+strings.Join(allLinears, ", "))
		}
	}
	return nil
}
