package tui

import (
	"fmt"
	"strings"

	"tunebench/backend/artifact"
	"tunebench/backend/training"
)

// jobField is one setting or option that the form offers. Its name is that of
// job.json or of a plan file.
type jobField struct {
	name, label string
	// help explains it in a line of at most 76 cells.
	help string
	// choices are values and what they are called; none means that it is typed.
	choices [][2]string
	hint    string // stands in the field while it is empty
	option  bool   // of the job, and not a setting of the training
}

// jobGroup is the fields that belong together, and how they are told in a line.
type jobGroup struct {
	label  string
	help   string
	fields []jobField
	note   func(v func(string) string) string
}

var (
	noYes   = [][2]string{{"false", "no"}, {"true", "yes"}}
	perhaps = [][2]string{{"", "the code's default"}, {"true", "yes"}, {"false", "no"}}
)

// jobGroups are all the settings and options that a job has, but for the place
// of another job's checkpoints.
var jobGroups = []jobGroup{
	{"learning", "how long and how fast it learns, and from what form of text", []jobField{
		{name: "prompt_format", label: "prompt format", help: "how rows become text; the model is asked in the same form later", choices: formatChoices()},
		{name: "learning_rate", label: "learning rate", help: "size of a step, reached after the warm-up; usual are 1e-5 to 3e-4"},
		{name: "schedule", label: "schedule", help: "cosine lets the learning rate fall to zero, constant keeps it", choices: [][2]string{{"cosine", "cosine"}, {"constant", "constant"}}},
		{name: "warmup_ratio", label: "warm-up", help: "part of the steps in which the learning rate rises to its full size"},
		{name: "max_steps", label: "steps", help: "optimiser steps in all; 0 lets the epochs decide"},
		{name: "epochs", label: "epochs", help: "passes over the rows; holds where steps are 0"},
		{name: "batch_rows", label: "batch", help: "packed sequences in one step, over all GPUs together"},
		{name: "max_sequence_length", label: "sequence length", help: "tokens of a sequence; what is longer is cut off, memory grows with it"},
		{name: "packing", label: "packing", help: "put several rows into one sequence; they do not see each other", choices: perhaps},
		{name: "weight_decay", label: "weight decay", help: "pull of the weights towards zero, 0 to 1"},
		{name: "max_grad_norm", label: "gradient limit", help: "a gradient whose norm is larger is scaled down to this; 0 lets all through"},
		{name: "prompt_dropout", label: "question dropout", help: "share of a question's tokens left out; only the small model's training has it"},
		{name: "seed", label: "seed", help: "the same seed gives the same order of rows and the same first weights"},
	}, func(v func(string) string) string {
		length := v("max_steps") + " steps"
		if v("max_steps") == "0" || v("max_steps") == "" {
			length = v("epochs") + " epochs"
		}
		return fmt.Sprintf("rate %s %s, %s of %s x %s tokens", v("learning_rate"), v("schedule"), length, v("batch_rows"), v("max_sequence_length"))
	}},
	{"adapter", "what is trained: all weights, or a small adapter that is merged into them at the end", []jobField{
		{name: "method", label: "method", help: "qlora: adapter on a 4-bit base; lora: on a 16-bit one; full: all weights",
			choices: [][2]string{{"qlora", "qlora"}, {"lora", "lora"}, {"full", "full"}}},
		{name: "lora_r", label: "rank", help: "how much the adapter can hold; 8 to 64 are usual"},
		{name: "lora_alpha", label: "alpha", help: "how strongly the adapter is applied: alpha / rank"},
		{name: "lora_dropout", label: "dropout", help: "share of the adapter's input that is left out while it trains, 0 to 0.95"},
		{name: "lora_targets", label: "layers", help: "projections that get an adapter, separated by commas"},
	}, func(v func(string) string) string {
		if v("method") == "full" {
			return "full: all weights"
		}
		return fmt.Sprintf("%s r=%s alpha=%s dropout=%s", v("method"), v("lora_r"), v("lora_alpha"), v("lora_dropout"))
	}},
	{"watching", "how often the job tells how it does, and keeps what it has", []jobField{
		{name: "log_every", label: "log every", help: "steps between two lines with the loss"},
		{name: "eval_every", label: "evaluate every", help: "steps between two losses of the validation split; 0 asks for none"},
		{name: "checkpoint_every", label: "checkpoint every", help: "steps that are lost at most when the job is interrupted; 0 keeps none"},
		{name: "export", label: "export", help: "which weights become the artifact: those of the lowest eval loss, or the last",
			choices: [][2]string{{"", "the code's default"}, {"best", "best"}, {"last", "last"}}},
	}, func(v func(string) string) string {
		return fmt.Sprintf("log %s, evaluate %s, checkpoint %s steps", v("log_every"), v("eval_every"), v("checkpoint_every"))
	}},
	{"machine", "on what it runs, for how long at most, and how the GPUs share the work", []jobField{
		{name: "instance", label: "instance", option: true, help: "instance type, such as ml.g6e.2xlarge; empty takes the configured one"},
		{name: "instance_count", label: "instances", option: true, help: "how many of them work on the job together", hint: "1"},
		{name: "spot", label: "spot", option: true, help: "cheaper capacity that may be taken back; the job goes on from its checkpoint", choices: noYes},
		{name: "max_runtime_hours", label: "hours at most", option: true, help: "SageMaker ends the job after so many hours of running", hint: "24"},
		{name: "max_wait_hours", label: "wait at most", option: true, help: "spot only: hours of waiting and running together", hint: "twice the hours"},
		{name: "image", label: "image", option: true, help: "of the container, by its name in the table or in full; empty: the tested one"},
		{name: "strategy", label: "strategy", help: "how GPUs share: fsdp splits the weights, ddp copies them; auto chooses",
			choices: [][2]string{{"", "auto"}, {"fsdp", "fsdp"}, {"ddp", "ddp"}, {"single", "single"}}},
		{name: "micro_batch_rows", label: "rows at once", help: "sequences that go through one GPU at once; 0 lets the code decide"},
		{name: "gradient_checkpointing", label: "recompute", help: "compute activations twice to save memory (gradient checkpointing)", choices: perhaps},
	}, func(v func(string) string) string {
		hours := or(v("max_runtime_hours"), "0")
		if hours == "0" {
			hours = "24"
		}
		s := "on demand"
		if v("spot") == "true" {
			s = "spot"
		}
		n := or(v("instance_count"), "0")
		if n == "0" {
			n = "1"
		}
		return fmt.Sprintf("%s x %s, %s, at most %s h", n, or(v("instance"), "the configured instance"), s, hours)
	}},
	{"network and keys", "what the job may reach, whose key encrypts it, and how it is tagged", []jobField{
		{name: "subnets", label: "subnets", option: true, help: "of a VPC that the job is put into, separated by commas; needs security groups"},
		{name: "security_groups", label: "security groups", option: true, help: "of the VPC, separated by commas"},
		{name: "network_isolation", label: "isolated", option: true, help: "no network for the container; needs base weights and packages in S3", choices: noYes},
		{name: "base_weights", label: "base weights", option: true, help: "the base model's files, s3://bucket/folder/; empty takes them from the hub"},
		{name: "wheels", label: "packages", option: true, help: "s3://bucket/folder/ of what the image lacks; empty takes the package index"},
		{name: "hub_token_secret", label: "hub token", option: true, help: "ARN of the Secrets Manager secret with the hub's token, never the token"},
		{name: "kms_key", label: "KMS key", option: true, help: "id, alias or ARN of the key that encrypts the artifact and the volume"},
		{name: "tags", label: "tags", option: true, help: "of the job, as team=research,stage=test"},
	}, func(v func(string) string) string {
		parts := []string{"no VPC"}
		if s := v("subnets"); s != "" {
			parts[0] = "in a VPC"
		}
		if v("network_isolation") == "true" {
			parts = append(parts, "isolated")
		}
		key := "no key"
		if v("kms_key") != "" {
			key = "encrypted"
		}
		parts = append(parts, key)
		if n := strings.Count(v("tags"), "="); n > 0 {
			parts = append(parts, fmt.Sprintf("tags %s", v("tags")))
		}
		return strings.Join(parts, ", ")
	}},
}

func formatChoices() [][2]string {
	all := [][2]string{{"", "as the dataset was prepared"}}
	for _, f := range artifact.Formats() {
		all = append(all, [2]string{f, f})
	}
	return all
}

// jobFields are the fields of all groups by name.
var jobFields = func() map[string]*jobField {
	m := map[string]*jobField{}
	for i := range jobGroups {
		for k := range jobGroups[i].fields {
			f := &jobGroups[i].fields[k]
			m[f.name] = f
		}
	}
	return m
}()

// presetTexts are the values of a preset by the names of the form's fields. The
// prompt format is left to the dataset.
func presetTexts(p training.Preset) map[string]string {
	all := p.Settings.Texts()
	for k, v := range p.Options.Texts() {
		all[k] = v
	}
	all["prompt_format"] = ""
	for k, v := range all {
		if f := jobFields[k]; f != nil && v == "0" && (f.option || f.hint != "") {
			all[k] = "" // not given
		}
	}
	if all["strategy"] == "auto" {
		all["strategy"] = ""
	}
	return all
}
