package command

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tunebench/backend/training"
)

func newTrain(g *globals) *cobra.Command {
	return group("train", "Plan, start and watch training jobs",
		newTrainPlan(g), newTrainStart(g), newTrainResume(g), newTrainAgain(g), newTrainDiff(g), newTrainList(g), newTrainStatus(g), newTrainLogs(g), newTrainMetrics(g), newTrainStop(g), newTrainPresets(g), newTrainRole(g), newTrainKept(g))
}

func finishSpec(spec *training.Spec, set []string) error {
	if spec.Dataset == "" {
		return usagef("--dataset is missing: a file of examples, or a folder made by dataset prepare (--plan FILE may name it)")
	}
	return addSet(spec, set)
}

// addSet adds settings that were given as name=value.
func addSet(spec *training.Spec, set []string) error {
	for _, s := range set {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return usagef("--set %q has no value; write --set name=value", s)
		}
		if spec.Set == nil {
			spec.Set = map[string]string{}
		}
		spec.Set[k] = v
	}
	return nil
}

func newTrainPlan(g *globals) *cobra.Command {
	var req trainRequest
	var write string
	c := &cobra.Command{
		Use: "plan --dataset FILE|DIR", Short: "What a training job would do and cost; starts nothing",
		Long: "Shows what a training job would do and cost. Nothing is started. Presets are named\nsettings to start from: see tunebench train presets.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			spec, err := req.spec(g, cmd)
			if err != nil {
				return err
			}
			return g.with(cmd.Context(), func(s *session) error {
				p, err := s.training.Plan(cmd.Context(), spec)
				if err != nil {
					return err
				}
				if write != "" {
					if err := writePlanFile(write, s.training.Portable(spec, p)); err != nil {
						return err
					}
				}
				if g.jsonOut() {
					return g.printJSON(p)
				}
				g.showPlan(p, true)
				return nil
			})
		},
	}
	req.flags(g, c)
	c.Flags().StringVar(&write, "write", "", "new file to write the plan to, for train start --plan")
	return c
}

// showPlan prints a plan, as data or as something to confirm.
func (g *globals) showPlan(p training.Plan, asData bool) {
	w := g.err
	if asData {
		w = g.out
	}
	c := p.Config.Settings
	took, cost := "", ""
	if p.Time != nil {
		took = fmt.Sprintf("%s (%s)", p.Time.Text(), p.Time.Basis)
	}
	if p.Cost != nil {
		cost = fmt.Sprintf("%s (%s)", p.Cost.Text(), p.Cost.Basis)
		if spot := p.Cost.Spot(); spot != "" {
			cost += "; on spot capacity " + spot
		}
	}
	memory := ""
	if m := p.Memory; m != nil {
		memory = fmt.Sprintf("about %.1f GiB on each of %d GPUs, %s (%s)", m.GiB, m.GPUs, m.Strategy, m.Basis)
		if m.HasGiB > 0 {
			memory = fmt.Sprintf("about %.1f of %.0f GiB on each of %d GPUs, %s (%s)", m.GiB, m.HasGiB, m.GPUs, m.Strategy, m.Basis)
		}
	}
	method := c.Method
	if c.LoRARank > 0 {
		method += fmt.Sprintf(" r%d alpha %g", c.LoRARank, c.LoRAAlpha)
	}
	fields(w,
		"job", p.Name, "dataset", p.Dataset,
		"rows", fmt.Sprintf("%d train, %d validation", p.TrainRows, p.ValidationRows),
		"tokens", fmt.Sprintf("about %d (%s)", p.Tokens, p.TokensBy), "base model", p.Config.BaseModel, "method", method, "prompt format", c.PromptFormat,
		"steps", fmt.Sprintf("%d of %d × %d tokens", p.Steps, c.BatchRows, c.MaxSequenceLength),
		"learning rate", fmt.Sprintf("%g %s", c.LearningRate, c.Schedule),
		"instance", fmt.Sprintf("%d × %s", p.InstanceCount, p.Instance),
		"memory", memory, "output", p.Output, "time", took, "cost", cost)
	g.warn(p)
}

// warn says what speaks against a plan, and what could not be found out.
func (g *globals) warn(p training.Plan) {
	for _, w := range p.Warnings {
		g.say("warning: %s", w)
	}
	for _, u := range p.Unchecked {
		g.say("not checked: %s\n             look it up: %s", u.What, u.How)
	}
}

func newTrainStart(g *globals) *cobra.Command {
	var req trainRequest
	var wait, dry bool
	c := &cobra.Command{
		Use: "start --dataset FILE|DIR | --plan FILE", Short: "Start a training job",
		Long: "Starts a training job and prints its name. On the local account it goes on in the\nbackground after this command has ended. Presets are named settings to start from: see\ntunebench train presets.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			spec, err := req.spec(g, cmd)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error {
				if dry {
					return g.showRequest(ctx, s, spec)
				}
				return g.startAndShow(ctx, s, spec, wait)
			})
		},
	}
	req.flags(g, c)
	c.Flags().BoolVar(&dry, "dry-run", false, "print the CreateTrainingJob request as JSON; nothing is uploaded or started")
	c.Flags().BoolVar(&wait, "wait", false, "wait until the job has ended; exit 3 when it failed or was stopped")
	return c
}

// showRequest prints what would be sent to SageMaker.
func (g *globals) showRequest(ctx context.Context, s *session, spec training.Spec) error {
	plan, err := s.training.Plan(ctx, spec)
	if err != nil {
		return err
	}
	g.warn(plan)
	request, err := s.training.Request(ctx, plan)
	if err != nil {
		return err
	}
	return g.printJSON(request)
}

// startAndShow starts a job and prints its name or, after waiting, its end.
func (g *globals) startAndShow(ctx context.Context, s *session, spec training.Spec, wait bool) error {
	job, err := g.startTraining(ctx, s, spec)
	if err != nil {
		return err
	}
	if !wait {
		if g.jsonOut() {
			return g.printJSON(job)
		}
		fmt.Fprintln(g.out, job.Name)
		return nil
	}
	if job, err = g.followTraining(ctx, s, job.Name); err != nil {
		return err
	}
	return g.endOfJob(job)
}

// startTraining plans, asks where the account bills, and starts.
func (g *globals) startTraining(ctx context.Context, s *session, spec training.Spec) (training.Job, error) {
	plan, err := s.training.Plan(ctx, spec)
	if err != nil {
		return training.Job{}, err
	}
	if !s.account.Bills() {
		g.warn(plan)
	} else {
		g.showPlan(plan, false)
		if err := g.confirm("Start this training job?"); err != nil {
			return training.Job{}, err
		}
	}
	bar := newProgressLine(g)
	defer bar.end()
	return s.training.StartProgress(ctx, plan, bar.show)
}

// followTraining prints phases and steps to standard error until the job ends.
func (g *globals) followTraining(ctx context.Context, s *session, name string) (training.Job, error) {
	w := s.training.Watch(ctx, name)
	defer w.Close()
	seen, phase, lastErr := 0, "", ""
	next := time.Time{}
	report := func() {
		j := w.Job()
		if j.SecondaryStatus != phase && j.SecondaryStatus != "" {
			phase = j.SecondaryStatus
			g.say("%s  %s", name, phase)
		}
		if err := w.Err(); err != nil && err.Error() != lastErr {
			lastErr = err.Error()
			g.say("%s  %s", name, lastErr)
		}
		e := w.Latest()
		if e.Step != nil && *e.Step != seen && time.Now().After(next) {
			seen, next = *e.Step, time.Now().Add(2*time.Second)
			g.say("%s  %s", name, eventText(e))
		}
	}
	for {
		select {
		case <-w.Changed():
			report()
		case <-w.Done():
			report()
			j, err := s.training.Job(ctx, name)
			if ctx.Err() != nil {
				return w.Job(), fmt.Errorf("no longer waiting; the job %s goes on: follow it with tunebench train logs --follow %s", name, name)
			}
			return j, err
		}
	}
}

func eventText(e training.Event) string {
	var b strings.Builder
	if e.Step != nil {
		fmt.Fprintf(&b, "step %d", *e.Step)
		if e.Steps != nil {
			fmt.Fprintf(&b, "/%d", *e.Steps)
		}
	}
	if e.Loss != nil {
		fmt.Fprintf(&b, "  loss %.4f", *e.Loss)
	}
	if e.EvalLoss != nil {
		fmt.Fprintf(&b, "  eval loss %.4f", *e.EvalLoss)
	}
	if e.TokensPerS != nil {
		fmt.Fprintf(&b, "  %.0f tokens/s", *e.TokensPerS)
	}
	if e.Message != "" {
		b.WriteString("  " + e.Message)
	}
	return strings.TrimSpace(b.String())
}

// endOfJob prints a job that has ended; one that did not complete is a negative
// verdict.
func (g *globals) endOfJob(j training.Job) error {
	if err := g.printJob(j); err != nil {
		return err
	}
	if j.Status != "Completed" {
		reason := j.FailureReason
		if reason == "" {
			reason = "see tunebench train logs " + j.Name
		}
		return verdictf("training job %s ended %s: %s", j.Name, j.Status, reason)
	}
	return nil
}

func (g *globals) printJob(j training.Job) error {
	if g.jsonOut() {
		return g.printJSON(j)
	}
	fields(g.out,
		"job", j.Name, "status", j.Status, "secondary status", j.SecondaryStatus,
		"failure reason", j.FailureReason, "dataset", j.Dataset, "base model", j.BaseModel,
		"preset", j.Preset, "created", when(j.Created), "time", elapsed(j.Created, j.Ended, time.Now()),
		"phases", phases(j, time.Now()), "now", j.Waiting(), "cost so far", costSoFar(j),
		"artifact", j.Artifact)
	return nil
}

// phases is the way that a job has gone, with the time each took.
func phases(j training.Job, now time.Time) string {
	var all []string
	for i, p := range j.Phases {
		end := p.End
		if end.IsZero() {
			if end = now; i < len(j.Phases)-1 || j.Done() {
				end = p.Start
			}
		}
		all = append(all, p.Status+" "+end.Sub(p.Start).Round(time.Second).String())
	}
	return strings.Join(all, ", ")
}

// costSoFar says what a job has cost, and how that was reckoned.
func costSoFar(j training.Job) string {
	if j.Spent == nil {
		return ""
	}
	return fmt.Sprintf("about $%.2f (%s)", j.Spent.USD, j.Spent.Basis)
}

func newTrainList(g *globals) *cobra.Command {
	return listCommand(g, "list", "All training jobs, newest first",
		func(ctx context.Context, s *session) ([]training.Job, error) { return s.training.Jobs(ctx) },
		[]string{"job", "status", "secondary", "created", "time", "failure"},
		func(j training.Job) []string {
			return []string{j.Name, j.Status, j.SecondaryStatus, when(j.Created), elapsed(j.Created, j.Ended, time.Now()), oneLine(j.FailureReason, 60)}
		})
}

func newTrainStatus(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "status JOB", Short: "One training job", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				j, err := s.training.Job(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return g.printJob(j)
			})
		},
	}
}

func newTrainStop(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "stop JOB", Short: "Stop a training job; it saves what it has", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				before, err := s.training.Job(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if err := s.training.Stop(cmd.Context(), args[0]); err != nil {
					return err
				}
				g.say("%s", before.Keeps())
				j, err := s.training.Job(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return g.printJob(j)
			})
		},
	}
}
