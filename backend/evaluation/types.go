// Package evaluation runs a dataset through one or more models, scores the
// answers with metrics, keeps every record on disk before it counts, resumes
// what was interrupted, and compares and exports results.
package evaluation

import (
	"encoding/json"
	"time"

	"tunebench/metrics/fmevalio"
)

// Spec describes a run.
type Spec struct {
	Name    string   `json:"name,omitempty"`
	Dataset string   `json:"dataset"`
	Models  []string `json:"models"` // as users name them; the first is the baseline
	// Limit is the largest number of rows to use; 0 uses all.
	Limit       int     `json:"limit,omitempty"`
	MaxTokens   int     `json:"max_tokens"`
	Temperature float64 `json:"temperature"`
	Delimiter   string  `json:"target_delimiter"`
	Seed        uint64  `json:"seed"`
	// Metrics are FMEval's names; none is qa_accuracy. Params are their options.
	Metrics []string          `json:"metrics,omitempty"`
	Params  map[string]string `json:"params,omitempty"`
	// Template is an FMEval prompt template around the question; "" is the
	// question alone, or the default of an FMEval dataset.
	Template string `json:"prompt_template,omitempty"`
	// FMEval reads the dataset by FMEval's locations of its columns and samples it
	// as FMEval does: shuffled with its seed when there is a Limit, also when
	// that is no less than the rows there are.
	FMEval *fmevalio.DataConfig `json:"data_config,omitempty"`
	// Outputs are answers that files hold already; nobody is asked then.
	Outputs []Outputs `json:"outputs,omitempty"`
	// Budget ends the run early. Prices are those of the models by their names in
	// Models, as they were when the run began.
	Budget Budget           `json:"budget,omitzero"`
	Prices map[string]Price `json:"prices,omitempty"`
	// Judge is the model that says at the end which of the first model's and the
	// last one's answers are better; "" is none. The runner only checks that there
	// is one: Service.Judge asks it.
	Judge string `json:"judge,omitempty"`
	// Voting makes a run whose answers are to be voted on: the rows come in a
	// shuffled order and are asked only as far as somebody has read, rows need no
	// reference, and nothing is scored.
	Voting bool `json:"voting,omitempty"`
	// FailIf are rules for the last model against the first; see ParseRule. They
	// change nothing about the run.
	FailIf []string `json:"fail_if,omitempty"`
	// Meteor says that METEOR's word lists were there when the run began, so that it
	// is scored with METEOR wherever it is read; Start sets it.
	Meteor bool `json:"meteor,omitempty"`
	// Program is the version of the program that began the run; Start sets it.
	Program string `json:"program,omitempty"`
}

// Outputs is a file with what a model has answered: JSON Lines or JSON with
// model_output and target_output, or what Spec.FMEval names.
type Outputs struct {
	Model string `json:"model"`
	File  string `json:"file"`
}

// Interval is a confidence interval of a mean.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// CategoryScore is the mean of each score within one category.
type CategoryScore struct {
	Category string             `json:"category"`
	Records  int                `json:"records"`
	Scores   map[string]float64 `json:"scores"`
}

// ModelResult is one model's column of the scoreboard. Scores are fractions of
// one; they are means over the records that did not fail.
type ModelResult struct {
	Model      string              `json:"model"`
	ModelID    string              `json:"model_id"`
	Records    int                 `json:"records"` // scored or failed so far
	Total      int                 `json:"total"`
	Errors     int                 `json:"errors"`
	Scores     map[string]float64  `json:"scores"`
	Intervals  map[string]Interval `json:"intervals,omitempty"`
	Categories []CategoryScore     `json:"categories,omitempty"`
	// MeanLatency and the token counts are over the answered records.
	MeanLatency  time.Duration `json:"mean_latency_ns"`
	InputTokens  int64         `json:"input_tokens"`
	OutputTokens int64         `json:"output_tokens"`
	// Cost is in dollars by the tokens of all answers, kept ones included; 0
	// where no price per token is known.
	Cost float64 `json:"cost_dollars,omitempty"`
}

// Difference is a model against the baseline on one score, over the rows that
// both answered.
type Difference struct {
	Model    string   `json:"model"`
	Score    string   `json:"score"`
	Mean     float64  `json:"mean"`
	Interval Interval `json:"interval"`
	PValue   float64  `json:"p_value"`
	// PAdjusted is PValue corrected by Holm's method for the number of models that
	// are compared with the baseline on this score; PValue itself for one.
	PAdjusted float64 `json:"p_adjusted"`
	// Real is true when the interval leaves out zero and, with several models
	// beside the baseline, PAdjusted is at most 0.05 as well: of many models one
	// would else seem to differ by chance alone.
	Real bool `json:"real"`
}

// Run is one execution. Status is "running", "finished", "stopped" or
// "interrupted" (its process ended; it can be resumed).
type Run struct {
	ID      string    `json:"id"`
	Spec    Spec      `json:"spec"`
	Status  string    `json:"status"`
	Created time.Time `json:"created"`
	Ended   time.Time `json:"ended,omitzero"`
	// Why says why the run ended early, where that is worth a sentence.
	Why         string        `json:"why,omitempty"`
	DatasetHash string        `json:"dataset_sha256"`
	ScoreNames  []string      `json:"score_names"`
	Absent      []Absent      `json:"absent,omitempty"` // scores of its metrics that are not computed
	Models      []ModelResult `json:"models"`
	Differences []Difference  `json:"differences,omitempty"`
	Done        int           `json:"done"`
	Total       int           `json:"total"`
	// Excluded counts the records of marked rows that are left out.
	Excluded int `json:"excluded,omitempty"`
}

// Absent is a score of FMEval's that is not computed here, and why.
type Absent struct {
	Score string `json:"score"`
	Why   string `json:"why"`
}

// Record is one row's output from one model. Text has passed safetext.
type Record struct {
	Row       int64              `json:"index"` // from 0
	RowID     string             `json:"id,omitempty"`
	Category  string             `json:"category,omitempty"`
	Model     string             `json:"model"`
	System    string             `json:"system,omitempty"`
	Question  string             `json:"question"`
	Reference string             `json:"reference"`
	Output    string             `json:"output"`
	Err       string             `json:"error,omitempty"`
	Scores    map[string]float64 `json:"scores,omitempty"`
	// Against are the scores of the model that this one was compared with, on the
	// same row; nil where there is none.
	Against map[string]float64 `json:"against,omitempty"`
	Latency time.Duration      `json:"latency_ns"`
	// Mark is what the row has been marked as: "", "wrong" or "ambiguous".
	Mark string `json:"mark,omitempty"`
}

// MarshalJSON also has the row counted from 1, as everything shows it to people.
func (r Record) MarshalJSON() ([]byte, error) {
	type plain Record
	return json.Marshal(struct {
		Row int64 `json:"row"`
		plain
	}{r.Row + 1, plain(r)})
}
