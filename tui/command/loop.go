package command

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tunebench/backend/dataset"
	"tunebench/backend/evaluation"
	"tunebench/backend/modelimport"
	"tunebench/backend/training"
)

// loopOut is what `loop -o json` prints; the base model comes first.
type loopOut struct {
	TrainingJob   string     `json:"training_job"`
	ImportedModel string     `json:"imported_model"`
	Run           string     `json:"run"`
	Seconds       float64    `json:"seconds"`
	Models        []modelOut `json:"models"`
}

func newLoop(g *globals) *cobra.Command {
	var file, heldout, preset string
	c := &cobra.Command{
		Use: "loop", Short: "Prepare, train, import and evaluate the sample in one go",
		Long: `Runs the whole loop: prepares the sample dataset, fine-tunes on it, imports the
artifact, asks the base model and the fine-tuned model the held-out questions, and
prints the scoreboard. With --dataset and --heldout it does the same for your own
files.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				return g.loop(cmd.Context(), s, file, heldout, preset)
			})
		},
	}
	c.Flags().StringVar(&file, "dataset", sampleTrain, "file of examples to fine-tune on")
	c.Flags().StringVar(&heldout, "heldout", sampleHeldout, "file of questions to score on")
	c.Flags().StringVar(&preset, "preset", "", "training preset")
	return c
}

func (g *globals) loop(ctx context.Context, s *session, file, heldout, preset string) error {
	start := time.Now()
	dir, err := os.MkdirTemp(s.paths.Cache, "loop-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	g.say("prepare  %s", file)
	// The job is named after the folder, so the folder is named after the data.
	name := filepath.Base(strings.TrimPrefix(file, dataset.SamplePrefix))
	splits := filepath.Join(dir, strings.TrimSuffix(name, filepath.Ext(name)))
	m, err := dataset.Prepare(ctx, file, dataset.PrepareOptions{
		Out: splits, PromptFormat: "mistral-v3", Split: [3]float64{0.9, 0.05, 0.05}, Seed: 1,
	}, nil)
	if err != nil {
		return err
	}
	for _, sp := range m.Splits {
		g.say("         %d rows %s", sp.Rows, sp.Name)
	}
	job, err := g.startTraining(ctx, s, training.Spec{Dataset: splits, Preset: preset})
	if err != nil {
		return err
	}
	g.say("train    %s", job.Name)
	if job, err = g.followTraining(ctx, s, job.Name); err != nil {
		return err
	}
	if job.Status != "Completed" {
		return verdictf("training job %s ended %s: %s", job.Name, job.Status, job.FailureReason)
	}
	imp, err := g.startImport(ctx, s, modelimport.Request{TrainingJob: job.Name})
	if err != nil {
		return err
	}
	g.say("import   %s", imp.Model)
	if imp, err = g.followImport(ctx, s, imp); err != nil {
		return err
	}
	if imp.Status != "Completed" {
		return verdictf("import job %s failed: %s", imp.Name, imp.FailureMessage)
	}
	g.say("evaluate base and %s on %s", imp.Model, heldout)
	live, err := startEval(ctx, s, "", evaluation.Spec{
		Dataset: heldout, Models: []string{"base", imp.Model}, Delimiter: "<OR>", Seed: 1,
	})
	if err != nil {
		return err
	}
	run, err := g.followEval(ctx, live)
	if err != nil {
		return err
	}
	seconds := math.Round(time.Since(start).Seconds()*10) / 10
	if g.jsonOut() {
		err = g.printJSON(loopOut{job.Name, imp.Model, run.ID, seconds, modelsOut(run.Models)})
	} else {
		err = g.printScoreboard(run.ScoreNames, run.Models, run.Differences)
		g.say("%.1f s", seconds)
	}
	if err != nil {
		return err
	}
	return judge(run, nil)
}
