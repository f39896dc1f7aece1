// Package training plans, submits, watches and stops training jobs, and reads
// their logs.
//
// It talks to SageMaker, CloudWatch Logs and S3 through the clients it is given
// and does not know which account is behind them. The code that runs inside the
// job is in the container folder.
package training

import "time"

// Settings are the hyper-parameters of a fine-tuning run. They travel in
// job.json inside the job's code channel, with these names.
type Settings struct {
	// Method is "lora", "qlora" or "full".
	Method       string   `json:"method"`
	PromptFormat string   `json:"prompt_format"`
	LoRARank     int      `json:"lora_r,omitempty"`
	LoRAAlpha    float64  `json:"lora_alpha,omitempty"`
	LoRADropout  float64  `json:"lora_dropout,omitempty"`
	LoRATargets  []string `json:"lora_targets,omitempty"`
	// PromptDropout is the share of a question's tokens that is left out, drawn
	// anew in every pass, so that a few rows are not learnt by their exact
	// wording. Only the small base model's training has it.
	PromptDropout float64 `json:"prompt_dropout,omitempty"`

	LearningRate float64 `json:"learning_rate"`
	// Schedule is "cosine" or "constant".
	Schedule    string  `json:"schedule"`
	WarmupRatio float64 `json:"warmup_ratio"`
	WeightDecay float64 `json:"weight_decay"`
	MaxGradNorm float64 `json:"max_grad_norm"`

	// MaxSteps fixes the number of optimiser steps; 0 means Epochs decides.
	MaxSteps int     `json:"max_steps,omitempty"`
	Epochs   float64 `json:"epochs,omitempty"`
	// BatchRows packed sequences of MaxSequenceLength tokens make one step.
	BatchRows         int    `json:"batch_rows"`
	MaxSequenceLength int    `json:"max_sequence_length"`
	Seed              uint64 `json:"seed"`
	LogEvery          int    `json:"log_every"`
	EvalEvery         int    `json:"eval_every"`
	CheckpointEvery   int    `json:"checkpoint_every"`

	// The rest lays the work out on the GPUs; only the container's code has it.
	// Left out, the container's own defaults hold.

	// Strategy is "auto", "single", "ddp" or "fsdp".
	Strategy string `json:"strategy,omitempty"`
	// MicroBatchRows is how many rows go through a GPU at once.
	MicroBatchRows        int   `json:"micro_batch_rows,omitempty"`
	GradientCheckpointing *bool `json:"gradient_checkpointing,omitempty"`
	// Packing puts several examples into one row; they do not see each other.
	Packing *bool `json:"packing,omitempty"`
	// Export is "best" (the step with the lowest eval loss) or "last".
	Export string `json:"export,omitempty"`
}

// JobConfig is job.json: all that the code inside the job is told.
type JobConfig struct {
	Version   int      `json:"version"`
	BaseModel string   `json:"base_model"`
	Preset    string   `json:"preset,omitempty"`
	Settings  Settings `json:"settings"`
}

// Preset is a named set of settings, with what its jobs run on.
type Preset struct {
	Name     string   `json:"name"`
	Summary  string   `json:"summary"`
	Settings Settings `json:"settings"`
	// Options are taken where a job's own are not given.
	Options Options `json:"options,omitzero"`
	// BaseModel is what one of the user's own was saved for; "" for those that
	// come with the program.
	BaseModel string `json:"base_model,omitempty"`
	// Own says that the user has saved it.
	Own bool `json:"own,omitempty"`
}

// Spec is what a user asks for.
type Spec struct {
	// Dataset is a file of examples, or a folder made by dataset prepare.
	Dataset string `json:"dataset"`
	Preset  string `json:"preset,omitempty"`
	// Name of the job; "" asks for a proposed one.
	Name string `json:"name,omitempty"`
	// Set overrides settings by their JSON name, e.g. "learning_rate": "1e-4".
	Set map[string]string `json:"set,omitempty"`
	// Options say on what the job runs; zero values take the configuration's.
	Options Options `json:"options,omitzero"`
	// Remarks are said with the plan.
	Remarks []string `json:"-"`
}

// Options are what a job runs on and how it is fenced in.
type Options struct {
	// Instance is the type of each of InstanceCount instances.
	Instance      string `json:"instance,omitempty"`
	InstanceCount int    `json:"instance_count,omitempty"`
	Image         string `json:"image,omitempty"`
	// Spot runs the job on capacity that AWS may take back at any time; it then
	// goes on from its last checkpoint.
	Spot bool `json:"spot,omitempty"`
	// MaxRuntimeHours ends the job, MaxWaitHours (spot only) ends waiting and
	// running together; 0 takes 24 and twice the run time.
	MaxRuntimeHours float64 `json:"max_runtime_hours,omitempty"`
	MaxWaitHours    float64 `json:"max_wait_hours,omitempty"`
	// Subnets and SecurityGroups put the job into a VPC; either needs the other.
	Subnets        []string `json:"subnets,omitempty"`
	SecurityGroups []string `json:"security_groups,omitempty"`
	// NetworkIsolation takes all network from the container: weights and packages
	// have to come as channels.
	NetworkIsolation bool `json:"network_isolation,omitempty"`
	// BaseWeights is the s3:// prefix of the base model's files, in place of the
	// hub. Wheels is that of the packages that the image lacks.
	BaseWeights string `json:"base_weights,omitempty"`
	Wheels      string `json:"wheels,omitempty"`
	// HubTokenSecret is the ARN of a secret with the hub's token.
	HubTokenSecret string `json:"hub_token_secret,omitempty"`
	// KMSKey encrypts the artifact and, where the instance has one, the volume.
	KMSKey string            `json:"kms_key,omitempty"`
	Tags   map[string]string `json:"tags,omitempty"`
	// Checkpoints is the s3:// prefix of another job's checkpoints to go on from;
	// "" gives the job a prefix of its own.
	Checkpoints string `json:"checkpoints,omitempty"`
}

// Cost is money that a plan is expected to take, in US dollars.
type Cost struct {
	USD float64 `json:"usd"`
	// LowUSD to HighUSD is what a plan may take; 0 where money was spent already.
	LowUSD  float64 `json:"low_usd,omitempty"`
	HighUSD float64 `json:"high_usd,omitempty"`
	// SpotLowUSD to SpotHighUSD is what spot capacity may take instead: a
	// planning value, because its price is not published for training jobs.
	SpotLowUSD  float64 `json:"spot_low_usd,omitempty"`
	SpotHighUSD float64 `json:"spot_high_usd,omitempty"`

	Basis string `json:"basis"` // how it was reckoned, with the price's date
}

// Time is how long a job may run, by planning values.
type Time struct {
	Seconds     int64  `json:"seconds"`
	LowSeconds  int64  `json:"low_seconds"`
	HighSeconds int64  `json:"high_seconds"`
	Basis       string `json:"basis"`
}

// Plan is a training job before it is started.
type Plan struct {
	Name           string    `json:"name"`
	Dataset        string    `json:"dataset"`
	TrainRows      int64     `json:"train_rows"`
	ValidationRows int64     `json:"validation_rows"`
	Config         JobConfig `json:"config"`
	Steps          int       `json:"steps"`
	Instance       string    `json:"instance"`
	InstanceCount  int       `json:"instance_count"`
	Image          string    `json:"image"`
	RoleARN        string    `json:"role_arn"`
	Output         string    `json:"output"`      // s3:// prefix
	Checkpoints    string    `json:"checkpoints"` // s3:// prefix
	Options        Options   `json:"options,omitzero"`
	// Tokens are those of the train split's rows, TokensBy what counted them.
	// TruncatedRows do not fit max_sequence_length, DroppedRows not even with their
	// question.
	Tokens        int64  `json:"tokens"`
	TokensBy      string `json:"tokens_by"`
	TruncatedRows int64  `json:"truncated_rows"`
	DroppedRows   int64  `json:"dropped_rows"`
	// Memory is nil when the base model's shape is not known.
	Memory *Memory `json:"memory,omitempty"`
	// Time and Cost are nil on an account that does not bill, and where they are
	// not known.
	Time     *Time    `json:"time,omitempty"`
	Cost     *Cost    `json:"cost,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// Unchecked is what may speak against the job and could not be found out.
	Unchecked []Unchecked `json:"unchecked,omitempty"`
}

// Phase is one secondary status that the job went through.
type Phase struct {
	Status  string    `json:"status"`
	Message string    `json:"message"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end,omitzero"`
}

// Job is a training job as SageMaker describes it. Status values are
// SageMaker's, unchanged.
type Job struct {
	Name            string    `json:"name"`
	ARN             string    `json:"arn"`
	Status          string    `json:"status"`
	SecondaryStatus string    `json:"secondary_status"`
	FailureReason   string    `json:"failure_reason,omitempty"`
	Created         time.Time `json:"created"`
	Started         time.Time `json:"started,omitzero"`
	Ended           time.Time `json:"ended,omitzero"`
	Phases          []Phase   `json:"phases,omitempty"`
	Artifact        string    `json:"artifact,omitempty"` // s3:// prefix of the merged model
	Instance        string    `json:"instance,omitempty"`
	InstanceCount   int       `json:"instance_count,omitempty"`
	// BillableSeconds is SageMaker's count, 0 until there is one.
	BillableSeconds int `json:"billable_seconds,omitempty"`
	// Spot says that the job runs on spot capacity.
	Spot bool `json:"spot,omitempty"`
	// Spent is what it has cost so far; nil where that is not known or nothing is
	// billed.
	Spent *Cost `json:"spent,omitempty"`
	// Dataset, BaseModel, PromptFormat and Preset come from this workbench's
	// store and the job's hyper-parameters; "" when the job was started elsewhere.
	Dataset      string `json:"dataset,omitempty"`
	BaseModel    string `json:"base_model,omitempty"`
	PromptFormat string `json:"prompt_format,omitempty"`
	Preset       string `json:"preset,omitempty"`
}

// Done reports whether the job has reached a final status.
func (j Job) Done() bool {
	switch j.Status {
	case "Completed", "Failed", "Stopped":
		return true
	}
	return false
}

// Keeps says in a sentence what stopping the job keeps.
func (j Job) Keeps() string {
	switch {
	case j.BaseModel == "": // it is not known what its code does
		return "Its own code has two minutes to save what it has, and there is no artifact to import unless it writes one."
	case j.SecondaryStatus == "Starting" || j.SecondaryStatus == "Pending" || j.SecondaryStatus == "Downloading":
		return "It has not begun to train, so nothing is lost and nothing is kept but its log."
	}
	if j.BaseModel == SmallBase {
		return "What it has learnt so far becomes its artifact, and a new job can go on from its last checkpoint, if it has written one."
	}
	return "It saves a checkpoint and ends without an artifact; a new job can go on from there."
}

// LogLine is one line of a job's log, cleaned for display.
type LogLine struct {
	Time time.Time
	// Stream is the log stream without the job's name and its time, e.g.
	// "algo-1"; a host's second attempt is "algo-1 #2".
	Stream string
	Text   string
	// Arrival numbers lines in the order in which they came. Unlike a line's
	// place it never changes.
	Arrival int
	// Late says that the line came long after younger ones.
	Late bool
	// Event is the parsed form of a line of the training code's own format, or
	// nil.
	Event *Event
}

// Event is a line that begins with "tb1 ". Numbers that a line does not carry
// are nil.
type Event struct {
	Event      string   `json:"event"`
	Step       *int     `json:"step,omitempty"`
	Steps      *int     `json:"steps,omitempty"`
	Epoch      *float64 `json:"epoch,omitempty"`
	Loss       *float64 `json:"loss,omitempty"`
	EvalLoss   *float64 `json:"eval_loss,omitempty"`
	LR         *float64 `json:"lr,omitempty"`
	GradNorm   *float64 `json:"grad_norm,omitempty"`
	Tokens     *int64   `json:"tokens,omitempty"`
	TokensPerS *float64 `json:"tokens_per_s,omitempty"`
	GPUGB      *float64 `json:"gpu_gb,omitempty"`
	Message    string   `json:"message,omitempty"`
	// NotFinite names the numbers that the line gives as NaN or infinite.
	NotFinite []string `json:"not_finite,omitempty"`
}
