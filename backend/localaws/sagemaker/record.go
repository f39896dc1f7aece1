package sagemaker

import (
	"cmp"
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tunebench/backend/localaws/state"
	"tunebench/backend/safetext"
)

const recordFile = "job.json"

// record is what is kept of a job.
type record struct {
	Name string `json:"name"`
	ARN  string `json:"arn"`
	// Request is the input of CreateTrainingJob without its tags, as it came.
	Request map[string]any    `json:"request"`
	Tags    map[string]string `json:"tags,omitempty"`

	Status        string       `json:"status"`
	Secondary     string       `json:"secondary_status"`
	Transitions   []transition `json:"transitions"`
	FailureReason string       `json:"failure_reason,omitempty"`
	Created       time.Time    `json:"created"`
	Started       time.Time    `json:"started,omitzero"` // training, not the job
	Ended         time.Time    `json:"ended,omitzero"`
	Modified      time.Time    `json:"modified"`
	// Artifact is the S3 URI of the model; "" until it was uploaded.
	Artifact string            `json:"artifact,omitempty"`
	Stream   string            `json:"stream,omitempty"`
	Metrics  map[string]metric `json:"metrics,omitempty"`

	// Paused marks a job that its process gave up in good order; Stopping one
	// that was asked to stop. Progress is where a paused job goes on.
	Paused   bool     `json:"paused,omitempty"`
	Stopping bool     `json:"stopping,omitempty"`
	Progress progress `json:"progress,omitzero"`
}

type transition struct {
	Status  string    `json:"status"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end,omitzero"`
	Message string    `json:"message,omitempty"`
}

type metric struct {
	Value float64   `json:"value"`
	Time  time.Time `json:"time"`
}

// progress is what the training loop knows besides the trainer's own state.
type progress struct {
	// Phase is how far the job has come: one of the phase constants.
	Phase string `json:"phase,omitempty"`
	Step  int    `json:"step,omitempty"`
	// Checkpoint says that the checkpoint file belongs to Step.
	Checkpoint bool  `json:"checkpoint,omitempty"`
	Tokens     int64 `json:"tokens,omitempty"`
	// The open logging window: summed loss and steps in it.
	WindowLoss  float64 `json:"window_loss,omitempty"`
	WindowSteps int     `json:"window_steps,omitempty"`
	// LastLoss and LastEval are the newest values that were logged.
	LastLoss *float64 `json:"last_loss,omitempty"`
	LastEval *float64 `json:"last_eval,omitempty"`
	// EvalStep is one more than the step of the last evaluation.
	EvalStep int `json:"eval_step,omitempty"`
	// Ran is the time the job has run in earlier processes; Trained is the
	// part of it that the training loop took.
	Ran     time.Duration `json:"ran,omitempty"`
	Trained time.Duration `json:"trained,omitempty"`
	// MaxRuntime says that the runtime limit ended the training; Announced
	// that the first lines of the log are written.
	MaxRuntime bool `json:"max_runtime,omitempty"`
	Announced  bool `json:"announced,omitempty"`
}

func (r *record) final() bool {
	switch r.Status {
	case "Completed", "Failed", "Stopped":
		return true
	}
	return false
}

// enter makes a secondary status the current one. Entering the one that is
// current already only changes its message.
func (r *record) enter(now time.Time, secondary, message string) {
	r.Modified = now
	if n := len(r.Transitions); n > 0 {
		last := &r.Transitions[n-1]
		if last.Status == secondary {
			last.Message = message
			return
		}
		last.End = now
	}
	r.Secondary = secondary
	r.Transitions = append(r.Transitions, transition{Status: secondary, Start: now, Message: message})
}

// end gives a job its final statuses.
func (r *record) end(now time.Time, status, secondary, message string) {
	r.enter(now, secondary, message)
	r.Transitions[len(r.Transitions)-1].End = now
	r.Status, r.Ended, r.Paused = status, now, false
}

// change edits a record under the lock and writes it. A record that can not be
// written stays changed in memory: the job itself must not hang on it.
func (s *Service) change(j *job, edit func(r *record)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit(&j.rec)
	s.save(j)
}

// save writes a record; s.mu is held.
func (s *Service) save(j *job) {
	if err := state.Write(filepath.Join(s.dir(j.rec.Name), recordFile), &j.rec); err != nil {
		s.o.Logger.Error("training job record", "job", j.rec.Name, "error", err)
	}
}

// view returns a copy of a record for reading.
func (s *Service) view(j *job) record {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := j.rec
	r.Transitions = slices.Clone(r.Transitions)
	r.Metrics = maps.Clone(r.Metrics)
	return r
}

func (s *Service) now() time.Time { return s.o.Now().UTC().Truncate(time.Millisecond) }

// fail ends a job as Failed and says so in its log.
func (s *Service) fail(ctx context.Context, j *job, reason string) {
	reason = cutReason(safetext.Log(reason))
	s.change(j, func(r *record) {
		r.FailureReason = reason
		r.end(s.now(), "Failed", "Failed", "Training job failed")
	})
	if s.view(j).Stream != "" {
		l := s.newLog(j)
		l.event(ctx, event{Event: "failed", Message: reason})
		if err := l.err; err != nil {
			s.o.Logger.Error("training job log", "job", j.rec.Name, "error", err)
		}
	}
}

// maxReason is the length that SageMaker cuts a failure reason to.
const maxReason = 1024

func cutReason(s string) string {
	if len(s) <= maxReason {
		return s
	}
	s = s[:maxReason-3]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "..."
}

func sortByCreation(jobs []*job) {
	slices.SortFunc(jobs, func(a, b *job) int {
		return cmp.Or(a.rec.Created.Compare(b.rec.Created), strings.Compare(a.rec.Name, b.rec.Name))
	})
}
