package store

import (
	"context"
	"database/sql"
	"time"
)

// ImportJob is what the workbench remembers of an import job it started.
type ImportJob struct {
	Account, Region, Name, ARN string
	// Model is the name of the imported model.
	Model, TrainingJob, Source, PromptFormat string
	Created                                  time.Time
}

const importJobColumns = "account, region, name, arn, model, training_job, source, prompt_format, created"

// PutImportJob records an import job, or replaces what was recorded.
func (s *Store) PutImportJob(ctx context.Context, j ImportJob) error {
	return s.exec(ctx, "INSERT OR REPLACE INTO import_jobs ("+importJobColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		j.Account, j.Region, j.Name, j.ARN, j.Model, j.TrainingJob, j.Source, j.PromptFormat, millis(j.Created))
}

// ImportJobs returns the jobs recorded for an account, newest first.
func (s *Store) ImportJobs(ctx context.Context, account, region string) ([]ImportJob, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+importJobColumns+" FROM import_jobs WHERE account = ? AND region = ? ORDER BY created DESC, name", account, region)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var jobs []ImportJob
	for rows.Next() {
		var j ImportJob
		var created int64
		if err := rows.Scan(&j.Account, &j.Region, &j.Name, &j.ARN, &j.Model, &j.TrainingJob, &j.Source, &j.PromptFormat, &created); err != nil {
			return nil, s.explain(err)
		}
		j.Created = fromMillis(created)
		jobs = append(jobs, j)
	}
	return jobs, s.explain(rows.Err())
}

// Model is what is known about an imported model beyond what Bedrock says.
type Model struct {
	Account, ARN, Name                                       string
	PromptFormat, ReplyShape, TrainingJob, ImportJob, Source string
	Created                                                  time.Time
}

// PutModel records a model. Fields that are empty leave what is recorded as it
// is, since several services know a part each.
func (s *Store) PutModel(ctx context.Context, m Model) error {
	return s.exec(ctx, `INSERT INTO models (account, arn, name, prompt_format, reply_shape, training_job, import_job, source, created)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, arn) DO UPDATE SET
			name          = coalesce(nullif(excluded.name, ''), name),
			prompt_format = coalesce(nullif(excluded.prompt_format, ''), prompt_format),
			reply_shape   = coalesce(nullif(excluded.reply_shape, ''), reply_shape),
			training_job  = coalesce(nullif(excluded.training_job, ''), training_job),
			import_job    = coalesce(nullif(excluded.import_job, ''), import_job),
			source        = coalesce(nullif(excluded.source, ''), source)`,
		m.Account, m.ARN, m.Name, m.PromptFormat, m.ReplyShape, m.TrainingJob, m.ImportJob, m.Source, millis(m.Created))
}

// Models returns the models recorded for an account, by ARN.
func (s *Store) Models(ctx context.Context, account string) (map[string]Model, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT account, arn, name, prompt_format, reply_shape, training_job, import_job, source, created
		FROM models WHERE account = ?`, account)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	models := map[string]Model{}
	for rows.Next() {
		var m Model
		var created int64
		if err := rows.Scan(&m.Account, &m.ARN, &m.Name, &m.PromptFormat, &m.ReplyShape, &m.TrainingJob, &m.ImportJob, &m.Source, &created); err != nil {
			return nil, s.explain(err)
		}
		m.Created = fromMillis(created)
		models[m.ARN] = m
	}
	return models, s.explain(rows.Err())
}

// DeleteModel forgets a model and the import jobs that made a model of this
// name. It is no error when there is none.
func (s *Store) DeleteModel(ctx context.Context, account, region, arn, name string) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM models WHERE account = ? AND arn = ?", account, arn); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM import_jobs WHERE account = ? AND region = ? AND model = ?", account, region, name)
		return err
	})
}
