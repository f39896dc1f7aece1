package command

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tunebench/backend/evaluation"
	"tunebench/metrics"
)

// evalFlags are the options of `eval run`.
type evalFlags struct {
	spec    evaluation.Spec
	config  string
	outputs []string
	params  []string
	resume  string
	atLeast []string
	failIf  []string
}

func newEvalRun(g *globals) *cobra.Command {
	var o evalFlags
	var wait bool
	c := &cobra.Command{
		Use: "run --dataset FILE --model M [--model N]", Short: "Ask models a dataset's questions and score the answers",
		Long: `Asks every model every question of a dataset, scores the answers as FMEval does, and
prints the scoreboard. The first model is the baseline. The run belongs to this
command and is followed to its end; one that was interrupted or stopped goes on with
--resume RUN.

--config FILE takes the run from a TOML file that can be kept in git; flags go before
what it says. Its settings are name, dataset, models, limit, max_tokens, temperature,
target_output_delimiter, seed, metrics, params, prompt_template, data_config (FMEval's
own: JMESPath locations), outputs (model and file), budget (dollars, minutes), prices
(of a model, in dollars per million tokens), judge and fail_if.

--dataset also takes s3://BUCKET/KEY, and FMEval's own datasets as fmeval:NAME (tunebench
eval datasets lists them): they are fetched once, read where FMEval has their columns
and asked with FMEval's prompt template. With --limit rows are drawn as FMEval does.

--outputs MODEL=FILE scores answers that a file already holds instead of asking.

` + disturbHelp(),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return g.evalRun(cmd, o) },
	}
	f := c.Flags()
	f.StringVar(&o.config, "config", "", "TOML file that describes the run")
	f.StringVar(&o.spec.Dataset, "dataset", "", "file with questions and reference answers, s3://BUCKET/KEY, or fmeval:NAME")
	f.StringArrayVarP(&o.spec.Models, "model", "m", nil, "model to score (repeat to compare)")
	f.StringArrayVar(&o.outputs, "outputs", nil, "MODEL=FILE with answers that are there already (repeat to compare)")
	f.StringArrayVar(&o.spec.Metrics, "metric", nil, "metric to score (repeat; default qa_accuracy)")
	f.StringArrayVar(&o.params, "param", nil, "option of a metric under FMEval's name, as name=value (repeat)")
	f.StringVar(&o.spec.Template, "prompt-template", "", "FMEval's template around the question, with $model_input")
	f.IntVar(&o.spec.Limit, "limit", 0, "most rows to use; 0 uses all")
	f.IntVar(&o.spec.MaxTokens, "max-tokens", 0, "most tokens of an answer (default from the config file)")
	f.Float64Var(&o.spec.Temperature, "temperature", 0, "0 is greedy")
	f.StringVar(&o.spec.Delimiter, "target-delimiter", metrics.DefaultDelimiter, "what separates alternative reference answers")
	f.Uint64Var(&o.spec.Seed, "seed", 1, "seed of the sample and the intervals")
	f.Float64Var(&o.spec.Budget.Dollars, "budget-dollars", 0, "stop the run when its answers have cost this much")
	f.Float64Var(&o.spec.Budget.Minutes, "budget-minutes", 0, "stop the run after this long")
	f.StringVar(&o.resume, "resume", "", "go on with an interrupted run")
	f.StringArrayVar(&o.atLeast, "at-least", nil, "exit 3 unless the last model reaches this, as exact_match_score=0.85 (repeat)")
	f.StringVar(&o.spec.Judge, "judge", "", "model that says at the end whose answers are better, the first model's or the last one's")
	f.StringArrayVar(&o.failIf, "fail-if", nil, "exit 3 if this holds for the last model, as 'f1_score < baseline - 0.02' (repeat)")
	f.BoolVar(&wait, "wait", true, "wait for the end (a run always belongs to its command)")
	return c
}

// disturbHelp lists the options of metrics over disturbed prompts.
func disturbHelp() string {
	var b strings.Builder
	b.WriteString("Options (--param) of metrics over disturbed prompts; eval score --help has the others:\n")
	for _, p := range evaluation.DisturbOptions {
		fmt.Fprintf(&b, "  %-36s %s (default %s)\n", p.Name, p.What, p.Default)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (g *globals) evalRun(cmd *cobra.Command, o evalFlags) error {
	ctx := cmd.Context()
	limits, err := parseAtLeast(o.atLeast)
	if err != nil {
		return err
	}
	if err := o.complete(cmd.Flags().Changed); err != nil {
		return err
	}
	rules, err := parseRules(o.spec.FailIf)
	if err != nil {
		return err
	}
	asks := len(o.spec.Models) > 0 && (o.spec.Dataset != "" || o.spec.FMEval != nil)
	if o.resume == "" && !asks && len(o.spec.Outputs) == 0 {
		return usagef("name --dataset FILE and at least one --model (tunebench models list prints them), or --config FILE")
	}
	return g.with(ctx, func(s *session) error {
		bar := newProgressLine(g)
		err := s.eval.Fetch(ctx, o.spec.Dataset, bar.show)
		bar.end()
		if err != nil {
			return err
		}
		live, err := startEval(ctx, s, o.resume, o.spec)
		if err != nil {
			return err
		}
		run, err := g.followEval(ctx, live)
		if err != nil {
			return err
		}
		var said *evaluation.Judgement
		if run.Spec.Judge != "" && run.Status == evaluation.Finished {
			j, err := g.askJudge(ctx, s, evaluation.JudgeSpec{Run: run.ID, Judge: run.Spec.Judge})
			if err != nil {
				return err
			}
			said = &j
		}
		if err := g.printJudged(run, said); err != nil {
			return err
		}
		if err := judge(run, limits); err != nil {
			return err
		}
		return g.judgeRules(ctx, s, run, rules)
	})
}

// complete adds what the run file and the flags for lists say.
func (o *evalFlags) complete(changed func(flag string) bool) error {
	if o.config != "" {
		f, err := evaluation.ReadRunFile(o.config)
		if err != nil {
			return usageError{err}
		}
		flags := o.spec
		o.spec = f.Spec
		for flag, take := range map[string]func(){
			"dataset": func() { o.spec.Dataset = flags.Dataset }, "model": func() { o.spec.Models, o.spec.Outputs = flags.Models, nil },
			"metric": func() { o.spec.Metrics = flags.Metrics }, "prompt-template": func() { o.spec.Template = flags.Template },
			"limit": func() { o.spec.Limit = flags.Limit }, "max-tokens": func() { o.spec.MaxTokens = flags.MaxTokens },
			"judge":       func() { o.spec.Judge = flags.Judge },
			"temperature": func() { o.spec.Temperature = flags.Temperature }, "target-delimiter": func() { o.spec.Delimiter = flags.Delimiter },
			"seed":           func() { o.spec.Seed = flags.Seed },
			"budget-dollars": func() { o.spec.Budget.Dollars = flags.Budget.Dollars }, "budget-minutes": func() { o.spec.Budget.Minutes = flags.Budget.Minutes },
		} {
			if changed(flag) {
				take()
			}
		}
		if o.spec.Seed == 0 {
			o.spec.Seed = flags.Seed
		}
	}
	o.spec.FailIf = append(o.spec.FailIf, o.failIf...)
	if len(o.outputs) > 0 {
		if changed("model") {
			return usagef("a run either asks models (--model) or takes answers from files (--outputs), not both")
		}
		o.spec.Models, o.spec.Outputs = nil, nil
	}
	for _, text := range o.outputs {
		model, file, ok := strings.Cut(text, "=")
		if !ok {
			model, file = "", text
		}
		o.spec.Outputs = append(o.spec.Outputs, evaluation.Outputs{Model: model, File: file})
	}
	for _, p := range o.params {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return usagef("--param %q has no value; write --param name=value", p)
		}
		if o.spec.Params == nil {
			o.spec.Params = map[string]string{}
		}
		o.spec.Params[name] = value
	}
	return nil
}

// judgeRules judges the last model of a run against its first.
func (g *globals) judgeRules(ctx context.Context, s *session, run evaluation.Run, rules []evaluation.Rule) error {
	if len(rules) == 0 {
		return nil
	}
	if len(run.Models) < 2 {
		return usagef("rules compare the last model of a run with its first, and this run has only one")
	}
	c, err := s.eval.Compare(ctx, run.ID, run.ID+"/"+run.Models[len(run.Models)-1].Model, rules)
	if err != nil {
		return err
	}
	if !g.jsonOut() { // the output is one document
		if err := g.printComparison(c); err != nil {
			return err
		}
	}
	return brokenRules(c, false)
}

func startEval(ctx context.Context, s *session, resume string, spec evaluation.Spec) (*evaluation.Live, error) {
	if resume != "" {
		return s.eval.Resume(ctx, resume)
	}
	if spec.MaxTokens == 0 {
		spec.MaxTokens = s.config.Eval.MaxTokens
	}
	return s.eval.Start(ctx, spec)
}
