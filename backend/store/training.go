package store

import (
	"context"
	"time"
)

// TrainingJob is what the workbench remembers of a training job it started.
type TrainingJob struct {
	Account, Region, Name, ARN               string
	Dataset, Preset, PromptFormat, BaseModel string
	// Config is job.json as it was uploaded.
	Config  string
	Created time.Time
}

const trainingJobColumns = "account, region, name, arn, dataset, preset, prompt_format, base_model, config, created"

// PutTrainingJob records a training job, or replaces what was recorded.
func (s *Store) PutTrainingJob(ctx context.Context, j TrainingJob) error {
	return s.exec(ctx, "INSERT OR REPLACE INTO training_jobs ("+trainingJobColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		j.Account, j.Region, j.Name, j.ARN, j.Dataset, j.Preset, j.PromptFormat, j.BaseModel, j.Config, millis(j.Created))
}

func scanTrainingJob(scan func(...any) error) (TrainingJob, error) {
	var j TrainingJob
	var created int64
	err := scan(&j.Account, &j.Region, &j.Name, &j.ARN, &j.Dataset, &j.Preset, &j.PromptFormat, &j.BaseModel, &j.Config, &created)
	j.Created = fromMillis(created)
	return j, err
}

// TrainingJob returns what was recorded of one job, or ErrNotFound.
func (s *Store) TrainingJob(ctx context.Context, account, region, name string) (TrainingJob, error) {
	row := s.db.QueryRowContext(ctx, "SELECT "+trainingJobColumns+" FROM training_jobs WHERE account = ? AND region = ? AND name = ?", account, region, name)
	j, err := scanTrainingJob(row.Scan)
	return j, s.explain(err)
}

// TrainingJobs returns the jobs recorded for an account, newest first.
func (s *Store) TrainingJobs(ctx context.Context, account, region string) ([]TrainingJob, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+trainingJobColumns+" FROM training_jobs WHERE account = ? AND region = ? ORDER BY created DESC, name", account, region)
	if err != nil {
		return nil, s.explain(err)
	}
	defer rows.Close()
	var jobs []TrainingJob
	for rows.Next() {
		j, err := scanTrainingJob(rows.Scan)
		if err != nil {
			return nil, s.explain(err)
		}
		jobs = append(jobs, j)
	}
	return jobs, s.explain(rows.Err())
}

// DeleteTrainingJob forgets a job. It is no error when there is none.
func (s *Store) DeleteTrainingJob(ctx context.Context, account, region, name string) error {
	return s.exec(ctx, "DELETE FROM training_jobs WHERE account = ? AND region = ? AND name = ?", account, region, name)
}

// SetLogPosition remembers up to which time a job's log has been read.
func (s *Store) SetLogPosition(ctx context.Context, account, region, job string, watermark, now time.Time) error {
	return s.exec(ctx, "INSERT OR REPLACE INTO log_positions (account, region, job, watermark, updated) VALUES (?, ?, ?, ?, ?)",
		account, region, job, millis(watermark), millis(now))
}

// LogPosition returns up to which time a job's log has been read, or
// ErrNotFound.
func (s *Store) LogPosition(ctx context.Context, account, region, job string) (time.Time, error) {
	var ms int64
	err := s.db.QueryRowContext(ctx, "SELECT watermark FROM log_positions WHERE account = ? AND region = ? AND job = ?", account, region, job).Scan(&ms)
	return fromMillis(ms), s.explain(err)
}
