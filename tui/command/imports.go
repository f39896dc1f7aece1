package command

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"tunebench/backend/dataset"
	"tunebench/backend/modelimport"
)

func newImport(g *globals) *cobra.Command {
	return group("import", "Check an artifact, import it, and manage imported models",
		newImportCheck(g), newImportFix(g), newImportStart(g), newImportList(g), newImportStatus(g), newImportUnqueue(g), newImportRole(g), newImportModels(g), newImportDelete(g))
}

func newImportCheck(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "check FOLDER|S3URI|ARN", Short: "Find every reason for an import to fail; exit 3 when one blocks",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				r, err := s.imports.Check(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if err := g.printReport(r); err != nil {
					return err
				}
				if !r.Importable {
					return verdictf("%s cannot be imported as it is", r.Source)
				}
				return nil
			})
		},
	}
}

func (g *globals) printReport(r modelimport.Report) error {
	if g.jsonOut() {
		r.Checks = nonNil(r.Checks)
		return g.printJSON(r)
	}
	rows := make([][]string, 0, len(r.Checks))
	for _, c := range r.Checks {
		rows = append(rows, []string{string(c.Result), c.ID, oneLine(c.Evidence, 70), oneLine(c.Remedy, 70)})
	}
	return g.table([]string{"result", "check", "evidence", "remedy"}, rows)
}

func newImportStart(g *globals) *cobra.Command {
	var req modelimport.Request
	var wait, dryRun bool
	c := &cobra.Command{
		Use: "start --job JOB | --source FOLDER|S3URI|ARN", Short: "Import an artifact as a model",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (req.TrainingJob == "") == (req.Source == "") {
				return usagef("name what to import: either --job TRAINING_JOB or --source FOLDER|S3URI")
			}
			if req.Source != "" && req.Name == "" {
				return usagef("--name is missing: the name of the imported model")
			}
			ctx := cmd.Context()
			return g.with(ctx, func(s *session) error {
				if dryRun {
					shown, err := s.imports.DryRun(ctx, req)
					if err != nil {
						return err
					}
					_, err = fmt.Fprintf(g.out, "%s\n", shown)
					return err
				}
				bar := newProgressLine(g)
				req.Progress = func(done, total int64) { bar.show(dataset.Progress{What: "uploading", Done: done, Total: total}) }
				job, err := g.startImport(ctx, s, req)
				bar.end()
				if err != nil {
					return err
				}
				if wait {
					if job, err = g.followImport(ctx, s, job); err != nil {
						return err
					}
				}
				if !wait && job.Status == modelimport.Waiting {
					g.say("Another import is running; this one waits for its turn. The workbench starts it, or any import command with --wait.")
				}
				if !wait && !g.jsonOut() {
					fmt.Fprintln(g.out, job.Name)
					return nil
				}
				if err := g.printImport(job); err != nil {
					return err
				}
				if job.Status == "Failed" {
					return verdictf("import job %s failed: %s", job.Name, job.FailureMessage)
				}
				return nil
			})
		},
	}
	f := c.Flags()
	f.StringVar(&req.TrainingJob, "job", "", "training job whose artifact is imported")
	f.StringVar(&req.Source, "source", "", "local folder, s3:// prefix, or ARN of a SageMaker model")
	f.StringVar(&req.Name, "name", "", "name of the imported model (may be left out with --job)")
	f.StringVar(&req.PromptFormat, "prompt-format", "", "prompt format the model was trained with (default: as recorded)")
	f.StringVar(&req.Options.KMSKey, "kms-key", "", "KMS key that encrypts the imported model")
	f.StringSliceVar(&req.Options.Subnets, "subnet", nil, "subnet through which the artifact is read (repeat; with --security-group)")
	f.StringSliceVar(&req.Options.SecurityGroups, "security-group", nil, "security group of the job in the VPC (repeat)")
	f.StringToStringVar(&req.Options.Tags, "tag", nil, "tag of the job and the model, key=value (repeat)")
	f.BoolVar(&dryRun, "dry-run", false, "print the request as it would be sent, and start nothing")
	f.BoolVar(&wait, "wait", false, "wait until the import has ended; exit 3 when it failed")
	return c
}

// startImport asks where the account bills, and turns a blocking preflight into
// a verdict with its findings.
func (g *globals) startImport(ctx context.Context, s *session, req modelimport.Request) (modelimport.Job, error) {
	if s.account.Bills() {
		g.say("An imported model is billed for storage until it is deleted, and by the minute while it answers.")
		if err := g.confirm("Import it?"); err != nil {
			return modelimport.Job{}, err
		}
	}
	job, err := s.imports.Start(ctx, req)
	var blocked *modelimport.BlockedError
	if errors.As(err, &blocked) {
		for _, c := range blocked.Report.Checks {
			if c.Result == modelimport.Blocks {
				g.say("blocks: %s: %s", c.Title, c.Evidence)
				if c.Remedy != "" {
					g.say("        %s", c.Remedy)
				}
			}
		}
		return job, verdictError{err}
	}
	return job, err
}

func (g *globals) followImport(ctx context.Context, s *session, job modelimport.Job) (modelimport.Job, error) {
	last := ""
	return s.imports.Wait(ctx, job.Name, func(j modelimport.Job) {
		if j.Status != last {
			last = j.Status
			g.say("%s  %s", j.Name, j.Status)
		}
	})
}

func (g *globals) printImport(j modelimport.Job) error {
	if g.jsonOut() {
		return g.printJSON(j)
	}
	fields(g.out, "job", j.Name, "model", j.Model, "status", j.Status, "failure", j.FailureMessage,
		"source", j.Source, "training job", j.TrainingJob, "created", when(j.Created),
		"time", elapsed(j.Created, j.Ended, time.Now()), "arn", j.ModelARN)
	return nil
}

func newImportList(g *globals) *cobra.Command {
	return listCommand(g, "list", "All import jobs, newest first",
		func(ctx context.Context, s *session) ([]modelimport.Job, error) { return s.imports.Jobs(ctx) },
		[]string{"job", "model", "status", "created", "time", "failure"},
		func(j modelimport.Job) []string {
			return []string{j.Name, j.Model, j.Status, when(j.Created), elapsed(j.Created, j.Ended, time.Now()), oneLine(j.FailureMessage, 60)}
		})
}

func newImportStatus(g *globals) *cobra.Command {
	var wait bool
	c := &cobra.Command{
		Use: "status JOB", Short: "One import job", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				j, err := s.imports.Job(cmd.Context(), args[0])
				if err == nil && !j.Done() {
					g.sayUsual(cmd.Context(), s)
				}
				if err == nil && wait {
					j, err = g.followImport(cmd.Context(), s, j)
				}
				if err != nil {
					return err
				}
				if err := g.printImport(j); err != nil {
					return err
				}
				if j.Status == "Failed" {
					g.sayWhy(cmd.Context(), s, j)
				}
				if wait && j.Status == "Failed" {
					return verdictf("import job %s failed: %s", j.Name, j.FailureMessage)
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&wait, "wait", false, "wait until it has ended, starting what waits before it; exit 3 when it failed")
	return c
}

func newImportUnqueue(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "unqueue JOB", Short: "Take an import out of the queue", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				if err := s.imports.Unqueue(cmd.Context(), args[0]); err != nil {
					return err
				}
				g.say("%s waits no longer", args[0])
				return nil
			})
		},
	}
}

func newImportModels(g *globals) *cobra.Command {
	return listCommand(g, "models", "The imported models",
		func(ctx context.Context, s *session) ([]modelimport.Model, error) { return s.imports.Models(ctx) },
		[]string{"model", "architecture", "instruct", "prompt format", "training job", "created"},
		func(m modelimport.Model) []string {
			return []string{m.Name, m.Architecture, strconv.FormatBool(m.Instruct), m.PromptFormat, m.TrainingJob, when(m.Created)}
		})
}

func newImportDelete(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "delete MODEL", Short: "Delete an imported model", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.with(cmd.Context(), func(s *session) error {
				if err := g.confirm(fmt.Sprintf("Delete the imported model %s? This cannot be undone.", args[0])); err != nil {
					return err
				}
				if err := s.imports.Delete(cmd.Context(), args[0]); err != nil {
					return err
				}
				g.say("deleted %s", args[0])
				return nil
			})
		},
	}
}
