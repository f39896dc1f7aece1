// Package modelimport checks an artifact before it is imported, starts and
// watches Bedrock model import jobs, and lists and removes imported models.
package modelimport

import "time"

// Result of one preflight check.
type Result string

// The results that a preflight check can have.
const (
	Pass    Result = "pass"
	Warning Result = "warning"
	Blocks  Result = "blocks"
	Unknown Result = "unknown" // could not be checked; Evidence says why
)

// Check is one preflight check and what it found.
type Check struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Result   Result `json:"result"`
	Evidence string `json:"evidence"`
	Remedy   string `json:"remedy,omitempty"`
}

// Report is a whole preflight.
type Report struct {
	Source     string  `json:"source"`
	Importable bool    `json:"importable"`
	Checks     []Check `json:"checks"`
	// BytesRead is how much of the artifact was read: headers and small files.
	BytesRead int64 `json:"bytes_read"`
}

// Request asks for an import. Exactly one of TrainingJob and Source is set.
type Request struct {
	TrainingJob string
	// Source is a local folder or an s3:// prefix.
	Source string
	// Name of the imported model; "" asks for a proposed one.
	Name string
	// PromptFormat overrides what the training job recorded; "" keeps it.
	PromptFormat string
	Options      Options
	// Progress is told how much of a local folder has been uploaded, in bytes; nil
	// tells nobody. It is called from several goroutines, one at a time.
	Progress func(done, total int64) `json:"-"`
}

// Job is a model import job as Bedrock describes it: status InProgress,
// Completed or Failed.
type Job struct {
	Name           string    `json:"name"`
	ARN            string    `json:"arn"`
	Model          string    `json:"model"`
	ModelARN       string    `json:"model_arn,omitempty"`
	Status         string    `json:"status"`
	FailureMessage string    `json:"failure_message,omitempty"`
	Source         string    `json:"source"`
	TrainingJob    string    `json:"training_job,omitempty"`
	Created        time.Time `json:"created"`
	Ended          time.Time `json:"ended,omitzero"`
}

// Done reports whether the job has reached a final status.
func (j Job) Done() bool { return j.Status == "Completed" || j.Status == "Failed" }

// Model is an imported model.
type Model struct {
	Name         string    `json:"name"`
	ARN          string    `json:"arn"`
	Architecture string    `json:"architecture"`
	Instruct     bool      `json:"instruct"` // Converse works (a chat template came with it)
	Created      time.Time `json:"created"`
	ImportJob    string    `json:"import_job,omitempty"`
	TrainingJob  string    `json:"training_job,omitempty"`
	Source       string    `json:"source,omitempty"`
	PromptFormat string    `json:"prompt_format,omitempty"`
	Units        int       `json:"custom_model_units,omitempty"`
}
