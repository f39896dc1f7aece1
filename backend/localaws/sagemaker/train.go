package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"runtime"
	"time"

	"tunebench/backend/artifact"
	"tunebench/backend/localaws/objects"
	"tunebench/backend/localaws/state"
	"tunebench/backend/localaws/tinymistral"
)

const checkpointFile = "checkpoint"

// maxEvalTokens bounds one evaluation, so that a large validation channel does
// not take more time than the training.
const maxEvalTokens = 1 << 16

// training is one run of the loop.
type training struct {
	*runner
	config     jobConfig
	cfg        tinymistral.TrainConfig
	base       fs.FS
	model      *tinymistral.Model
	trainer    *tinymistral.Trainer
	train      *rowSet
	validation []tinymistral.Example

	windowStart  time.Time
	windowTokens int64
}

// train does what the container's program does: it reads, trains, evaluates
// and writes the artifact into the output folder.
func (r *runner) train(ctx context.Context) error {
	t := &training{runner: r}
	openCtx := ctx
	if t.p.Checkpoint {
		openCtx = t.s.ctx // a stop must not lose what the checkpoint holds
	}
	if err := t.open(openCtx); err != nil {
		return err
	}
	if err := t.loop(ctx); err != nil {
		return err
	}
	if err := t.export(ctx); err != nil {
		return fmt.Errorf("the artifact could not be written: %w", err)
	}
	return r.log.err
}

// open reads configuration, base model and rows and prepares the trainer. A
// job that goes on says nothing of it twice.
func (t *training) open(ctx context.Context) (err error) {
	say := !t.p.Announced
	codeDir := t.channelDir("code")
	if codeDir == "" {
		return fmt.Errorf("the job has no channel named \"code\"; it must hold %s", jobConfigFile)
	}
	if t.config, err = readJobConfig(codeDir); err != nil {
		return err
	}
	var name string
	if t.base, name, err = t.runner.base(t.config); err != nil {
		return err
	}
	if say {
		t.log.line(ctx, "Training job %s in the local account: %s kernel, %d processors", t.j.rec.Name, tinymistral.KernelName(), runtime.GOMAXPROCS(0))
		t.phase(ctx, "reading the base model and the rows")
	}
	if t.model, err = tinymistral.Load(t.base); err != nil {
		return fmt.Errorf("base model: %w", err)
	}
	tok, err := artifact.LoadTokenizer(t.base)
	if err != nil {
		return fmt.Errorf("base model: %w", err)
	}
	set := t.config.Settings
	if limit := t.model.Context(); set.MaxSequenceLength > limit {
		return fmt.Errorf("%s: settings.max_sequence_length is %d; the base model takes up to %d tokens, so lower it", jobConfigFile, set.MaxSequenceLength, limit)
	}
	format, err := artifact.FormatByName(set.PromptFormat)
	if err != nil {
		return err
	}
	rr := &rowReader{format: format, tokenizer: tok, seqLen: set.MaxSequenceLength}
	dir := t.channelDir("training")
	if dir == "" {
		return errors.New("the job has no channel named \"training\"; it must hold the rows to learn")
	}
	if t.train, err = rr.read(ctx, "training", dir); err != nil {
		return err
	}
	if err := t.train.usable("training", set.MaxSequenceLength, t.model.Context()); err != nil {
		return err
	}
	if t.cfg, err = set.trainConfig(t.train.tokens); err != nil {
		return err
	}
	if t.trainer, err = tinymistral.NewTrainer(t.model, t.train.examples, t.cfg); err != nil {
		return err
	}
	var val *rowSet
	if dir := t.channelDir("validation"); dir != "" {
		if val, err = rr.read(ctx, "validation", dir); err != nil {
			return err
		}
		t.validation = evalSample(val.examples, set.MaxSequenceLength)
	}
	if say {
		t.announce(ctx, name, val)
	}
	return t.resume(ctx)
}

func (t *training) phase(ctx context.Context, what string) {
	t.log.event(ctx, event{Event: "phase", Message: what})
}

func (t *training) warn(ctx context.Context, format string, args ...any) {
	t.log.event(ctx, event{Event: "warning", Message: fmt.Sprintf(format, args...)})
}

// announce writes the plan and everything about it that a user should know.
func (t *training) announce(ctx context.Context, base string, val *rowSet) {
	set := t.config.Settings
	params := 0
	for _, tensor := range t.model.Tensors() {
		params += len(tensor.Data)
	}
	t.log.line(ctx, "Base model: %s, %d parameters, context of %d tokens", base, params, t.model.Context())
	what := "full fine-tuning"
	if t.cfg.LoRA.Rank > 0 {
		what = fmt.Sprintf("LoRA of rank %d", t.cfg.LoRA.Rank)
	}
	t.log.event(ctx, event{Event: "plan", Steps: &t.cfg.Steps, Tokens: &t.train.tokens,
		Message: fmt.Sprintf("%s on %d rows (%d for validation), prompt format %s, %d x %d tokens a step, %.3g epochs",
			what, len(t.train.examples), len(t.validation), set.PromptFormat, t.cfg.Rows, t.cfg.SeqLen,
			float64(t.cfg.Steps*t.cfg.Rows*t.cfg.SeqLen)/float64(max(t.train.tokens, 1)))})
	if set.Method == "qlora" {
		t.warn(ctx, "method qlora: the local account does not quantise; it trains plain LoRA adapters on the same weights")
	}
	for _, c := range []struct {
		name string
		set  *rowSet
	}{{"training", t.train}, {"validation", val}} {
		switch {
		case c.set == nil:
			continue
		case c.set.empty > 0:
			t.warn(ctx, "channel %s: %d of %d rows have no question or no answer and are left out", c.name, c.set.empty, c.set.rows)
		}
		if c.set.tooLong > 0 {
			t.warn(ctx, "channel %s: %d of %d rows are left out, their answer begins after max_sequence_length (%d tokens)", c.name, c.set.tooLong, c.set.rows, t.cfg.SeqLen)
		}
		if c.set.cut > 0 {
			t.warn(ctx, "channel %s: the ends of %d answers are cut off at max_sequence_length (%d tokens)", c.name, c.set.cut, t.cfg.SeqLen)
		}
	}
	if val != nil && len(t.validation) < len(val.examples) {
		t.warn(ctx, "channel validation: the evaluation loss is taken on %d of %d rows", len(t.validation), len(val.examples))
	}
	if val == nil || len(t.validation) == 0 {
		t.warn(ctx, "there are no validation rows, so there is no evaluation loss")
	}
	t.p.Announced = true
}

// evalSample takes rows evenly from all of them until they are enough.
func evalSample(all []tinymistral.Example, seqLen int) []tinymistral.Example {
	total := 0
	for _, e := range all {
		total += min(len(e.IDs), seqLen+1)
	}
	if total <= maxEvalTokens {
		return all
	}
	n := max(1, int(float64(len(all))*maxEvalTokens/float64(total)))
	out := make([]tinymistral.Example, n)
	for i := range out {
		out[i] = all[i*len(all)/n]
	}
	return out
}

// loop trains to the last step, or to a stop or the runtime limit. A pause
// ends it with errPaused after a checkpoint.
func (t *training) loop(ctx context.Context) error {
	if t.p.Phase != phaseTraining {
		t.advance(phaseTraining)
		t.phase(ctx, "training")
	}
	set := t.config.Settings
	t.windowStart = t.s.o.Now()
	var ended error
	for ended == nil {
		step := t.trainer.StepsDone()
		last := step == t.cfg.Steps
		if t.log.err != nil {
			return t.log.err
		}
		if step == 0 || last || set.EvalEvery > 0 && step%set.EvalEvery == 0 {
			if ended = t.evaluate(ctx, step); ended != nil {
				break
			}
		}
		if last {
			break
		}
		if set.CheckpointEvery > 0 && step > 0 && step%set.CheckpointEvery == 0 && t.p.Step != step {
			if err := t.checkpoint(ctx, step); err != nil {
				return err
			}
			t.log.event(ctx, event{Event: "checkpoint", Step: &step, Steps: &t.cfg.Steps})
		}
		if t.overTime() {
			ended = errMaxRuntime
			break
		}
		st, err := t.trainer.Step(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if ended = err; err == nil {
			t.count(ctx, st)
		}
	}
	if ended != nil && ctx.Err() != nil {
		ended = context.Cause(ctx)
	}
	step := t.trainer.StepsDone()
	switch {
	case ended == nil:
	case errors.Is(ended, errPaused):
		if err := t.checkpoint(ctx, step); err != nil {
			return err
		}
		return errPaused
	case errors.Is(ended, errStopped):
		if step == 0 {
			return errNothingTrained
		}
		t.warn(ctx, "stopped by a request after step %d of %d; what was learnt so far is kept", step, t.cfg.Steps)
	case errors.Is(ended, errMaxRuntime):
		t.p.MaxRuntime = true
		t.warn(ctx, "MaxRuntimeInSeconds (%d) is reached after step %d of %d; what was learnt so far is kept", t.in.StoppingCondition.MaxRuntimeInSeconds, step, t.cfg.Steps)
	default:
		return ended
	}
	return nil
}

// overTime says whether the job has run for as long as it may.
func (t *training) overTime() bool {
	limit := t.in.StoppingCondition.MaxRuntimeInSeconds
	return limit > 0 && t.p.Ran+t.s.o.Now().Sub(t.began) >= time.Duration(limit)*time.Second
}

// count adds a finished step to the logging window and logs the window when it
// is full.
func (t *training) count(ctx context.Context, st tinymistral.StepStats) {
	t.p.Tokens += int64(st.Tokens)
	t.windowTokens += int64(st.Tokens)
	t.p.WindowLoss += st.Loss
	t.p.WindowSteps++
	if st.Step != 1 && st.Step%t.config.Settings.LogEvery != 0 && st.Step != t.cfg.Steps {
		return
	}
	loss := round(t.p.WindowLoss/float64(t.p.WindowSteps), 6)
	now := t.s.o.Now()
	e := event{Event: "step", Step: &st.Step, Steps: &t.cfg.Steps, Loss: &loss, LR: ptr(round(st.LR, 10)), GradNorm: ptr(round(st.GradNorm, 6)),
		Epoch: ptr(t.epoch()), Tokens: ptr(t.p.Tokens)}
	if d := now.Sub(t.windowStart).Seconds(); d > 0 {
		e.TokensPerS = ptr(round(float64(t.windowTokens)/d, 1))
	}
	t.log.event(ctx, e)
	t.p.LastLoss, t.p.WindowLoss, t.p.WindowSteps = &loss, 0, 0
	t.windowStart, t.windowTokens = now, 0
}

func (t *training) epoch() float64 {
	return round(float64(t.p.Tokens)/float64(max(t.train.tokens, 1)), 4)
}

// round keeps log lines short; digits are decimals.
func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}

// evaluate logs the loss on the validation rows once per step.
func (t *training) evaluate(ctx context.Context, step int) error {
	if len(t.validation) == 0 || t.p.EvalStep == step+1 {
		return nil
	}
	began := t.s.o.Now()
	loss, err := t.trainer.EvalLoss(ctx, t.validation)
	if err != nil {
		return err
	}
	t.windowStart = t.windowStart.Add(t.s.o.Now().Sub(began)) // not part of the training speed
	loss = round(loss, 6)
	t.log.event(ctx, event{Event: "eval", Step: &step, Steps: &t.cfg.Steps, EvalLoss: &loss, Epoch: ptr(t.epoch()), Tokens: ptr(t.p.Tokens)})
	t.p.EvalStep, t.p.LastEval = step+1, &loss
	return nil
}

// checkpoint writes the trainer's state to the working folder, and to the
// checkpoint location in S3 when the job has one.
func (t *training) checkpoint(ctx context.Context, step int) error {
	ctx = context.WithoutCancel(ctx) // what was reached is kept, whatever ends the job
	err := state.WriteFile(t.dir(checkpointFile), func(f *os.File) error { return t.trainer.Save(f) })
	if err != nil {
		return fmt.Errorf("checkpoint at step %d: %w", step, err)
	}
	t.p.Step, t.p.Checkpoint = step, true
	t.s.change(t.j, func(rec *record) { rec.Progress = t.p })
	if t.in.CheckpointConfig == nil {
		return nil
	}
	bucket, prefix, err := objects.ParseURI(t.in.CheckpointConfig.S3Uri)
	if err != nil {
		return err
	}
	f, err := os.Open(t.dir(checkpointFile))
	if err != nil {
		return fmt.Errorf("checkpoint at step %d: %w", step, err)
	}
	defer f.Close()
	if _, err := t.s.o.Objects.Put(ctx, bucket, joinKey(prefix, checkpointFile), f, objects.PutOptions{}); err != nil {
		return fmt.Errorf("checkpoint at step %d: %w", step, err)
	}
	return nil
}

// resume goes on from the checkpoint of this job, or from the one that an
// earlier job left at the checkpoint location in S3.
func (t *training) resume(ctx context.Context) error {
	if t.p.Checkpoint {
		f, err := os.Open(t.dir(checkpointFile))
		if err != nil {
			return fmt.Errorf("the job can not go on where it was paused: %w", err)
		}
		defer f.Close()
		if err := t.trainer.Restore(f); err != nil {
			return fmt.Errorf("the job can not go on where it was paused: %w", err)
		}
		t.log.event(ctx, event{Event: "resume", Step: ptr(t.trainer.StepsDone()), Steps: &t.cfg.Steps, Message: "another process goes on with the job"})
		return nil
	}
	if t.in.CheckpointConfig == nil || t.p.Phase == phaseTraining {
		return nil
	}
	bucket, prefix, err := objects.ParseURI(t.in.CheckpointConfig.S3Uri)
	if err != nil {
		return err
	}
	from, err := t.s.o.Objects.Get(ctx, bucket, joinKey(prefix, checkpointFile))
	if errors.Is(err, objects.ErrNoSuchKey) {
		return nil
	}
	if err != nil {
		return err
	}
	defer from.Close()
	if err := t.trainer.Restore(from); err != nil {
		t.warn(ctx, "the checkpoint in %s is of no use for this job (%v); training begins at step 0", t.in.CheckpointConfig.S3Uri, err)
		t.trainer, err = tinymistral.NewTrainer(t.model, t.train.examples, t.cfg)
		return err
	}
	step := t.trainer.StepsDone()
	t.p.Tokens = int64(step) * t.train.tokens / int64(max(1, t.stepsPerEpoch()))
	t.log.event(ctx, event{Event: "resume", Step: &step, Steps: &t.cfg.Steps, Message: "from the checkpoint in " + t.in.CheckpointConfig.S3Uri})
	return nil
}

func (t *training) stepsPerEpoch() int {
	return int(math.Ceil(float64(t.train.tokens) / float64(t.cfg.Rows*t.cfg.SeqLen)))
}
