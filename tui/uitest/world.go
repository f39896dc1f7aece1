package uitest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/config"
	"tunebench/backend/dataset"
	"tunebench/backend/evaluation"
	"tunebench/backend/modelimport"
	"tunebench/backend/training"
	"tunebench/themes"
	"tunebench/tui"
)

// Noon is the time at which a World stands still.
var Noon = time.Date(2026, 7, 14, 12, 0, 0, 0, time.UTC)

// World is an account made of plain values, for states that a real one is rarely
// in. Set what a test needs; the zero value is an empty account.
type World struct {
	mu sync.Mutex

	Account tui.Account
	OpenErr error
	// Hold keeps the account from opening until it is closed; nil opens at once.
	Hold chan struct{}
	// Err is the answer of every list, if it is set.
	Err error

	Rows    []dataset.Row
	DataErr error
	Mapping dataset.Mapping
	Columns []string
	Inexact bool
	// Prompts are the rows as they are trained on, by row; the others say Prompted.
	Prompts  map[int64]dataset.Prompt
	Prompted error
	Stale    string
	Tour     bool
	Moved    chan struct{} // says that the rows have changed
	Manifest dataset.Manifest

	TrainJobs []training.Job
	Logs      map[string]*Log
	// Old are jobs that the list no longer holds.
	Old     []training.Job
	Plan    training.Plan
	PlanErr error
	// OwnPresets are those that were saved; Asked is what was planned last.
	OwnPresets []training.Preset
	Asked      training.Spec
	Differs    []training.Difference
	// Uploading is where the upload of a job that is started stays; nil lets it
	// start.
	Uploading *dataset.Progress

	ImportJobs []modelimport.Job
	Imported   []modelimport.Model
	Why        []modelimport.Check
	Slow       bool                           // searches, views and profiles stand half way
	Details    map[string]modelimport.Details // by the model's name
	Verdict    chat.Verdict
	Report     modelimport.Report

	Models  []chat.Model
	Answers map[string]chat.AnswerState // by the model's ref
	Streams map[string]*Stream          // answers that a test writes itself, by ref
	Sets    map[string][]string         // of models, by name
	Voters  []chat.Voter
	Ballots []chat.Ballot // on every row
	// Opinion is what every judge says, of the answers as they stand.
	Opinion evaluation.Opinion
	// RoundList are the rounds there are, Voting the one that is begun or resumed.
	RoundList []evaluation.Round
	Voting    *Voting
	Judgement evaluation.Judgement
	Library   []chat.Prompt             // of prompts
	Voted     map[int][]chat.Voted      // in every session
	Sent      map[string][]chat.Request // by the model's ref
	// Talks are the sessions on disk; each has the same turns.
	Talks     []chat.Conversation
	TalkTurns []chat.Turn

	RunList []evaluation.Run
	// Explained is what is said of any row; nil says what question answering says.
	Explained []evaluation.Explanation
	Judged    []evaluation.Judged
	Refuse    string // why no evaluation starts
	RunFile   evaluation.RunFile
	Spec      evaluation.Spec // of the run that was started last
	Live      *Live           // the run that an evaluation starts; nil refuses
	RecList   []evaluation.Record

	// Did lists what was asked for: "stop NAME", "delete NAME", "start NAME".
	Did []string
}

func (w *World) did(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Did = append(w.Did, fmt.Sprintf(format, args...))
}

// Done returns what was asked for so far.
func (w *World) Done() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.Did)
}

// Deps is the workbench's view of the world.
func (w *World) Deps() tui.Deps {
	return tui.Deps{
		Datasets: data{w}, AccountName: "local", HeldOut: "sample:heldout.jsonl", WorkDir: "/data/tunebench", Tour: w.Tour,
		Open: func(ctx context.Context) (*tui.Services, error) {
			if w.Hold != nil {
				select {
				case <-w.Hold:
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
			if w.OpenErr != nil {
				return nil, w.OpenErr
			}
			return &tui.Services{Account: w.Account, Training: trainings{w}, Imports: imports{w}, Chat: chats{w}, Evaluation: evaluations{w},
				Close: func(context.Context) error { return nil }}, nil
		},
		Themes: themes.NewSet(nil), UI: config.UI{Theme: "auto", Color: "auto"}, Chat: config.Default().Chat, Eval: config.Default().Eval,
		Prices: config.Default().Prices, Train: config.Default().Training,
		Now: func() time.Time { return Noon },
	}
}

type data struct{ w *World }

func (d data) Open(_ context.Context, _ string, m *dataset.Mapping) (tui.Dataset, error) {
	if m != nil {
		d.w.did("open with question %s, answer %s", m.Question, m.Answer)
		d.w.Mapping = *m
	}
	if d.w.DataErr != nil {
		return nil, d.w.DataErr
	}
	return file(d), nil
}

func (d data) Render(r dataset.Row, format string) (string, string, error) {
	return dataset.Render(r, format)
}

func (d data) Prepare(ctx context.Context, path string, o dataset.PrepareOptions, progress func(dataset.Progress)) (dataset.Manifest, error) {
	d.w.did("prepare %s", path)
	if o.As == dataset.AsParquet {
		d.w.did("as %s", o.As)
	}
	if b, err := json.Marshal(o.Recipe); err == nil && o.Recipe != (dataset.Recipe{}) {
		d.w.did("recipe %s", b)
	}
	progress(dataset.Progress{What: "rows read", Done: 600, Total: 1200})
	return d.w.Manifest, d.w.Err
}

func (d data) UseTokenizer(_ context.Context, path string) error {
	d.w.did("tokenizer %s", path)
	return d.w.Err
}

func (d data) WriteRecipe(path string, r dataset.RecipeFile) error { return r.Write(path) }

func (d data) Sample() string { return "sample:openorca-sample.jsonl" }

type file struct{ w *World }

func (f file) Info() dataset.Info {
	return dataset.Info{Path: "sample:openorca-sample.jsonl", Format: "jsonl", Bytes: 209_715, Rows: int64(len(f.w.Rows)), RowsExact: !f.w.Inexact,
		Columns: f.w.Columns, Mapping: f.w.Mapping, Indexed: 0.42, Stale: f.w.Stale}
}

func (f file) Rows(_ context.Context, first, n int64) ([]dataset.Row, error) {
	first = min(first, int64(len(f.w.Rows)))
	return f.w.Rows[first:min(first+n, int64(len(f.w.Rows)))], nil
}

func (f file) Changed() <-chan struct{} { return f.w.Moved }
func (f file) Close() error             { return nil }

// Log is a job's log. Add lines with Write.
type Log struct {
	mu      sync.Mutex
	job     training.Job
	lines   []training.LogLine
	points  []training.Point
	latest  training.Event
	version int
	changed chan struct{}
	done    chan struct{}
	Error   error
}

// NewLog returns the log of a job.
func NewLog(j training.Job) *Log {
	l := &Log{job: j, changed: make(chan struct{}, 1), done: make(chan struct{})}
	if j.Done() {
		close(l.done)
	}
	return l
}

// Write adds lines and, for training events, points of the curve.
func (l *Log) Write(lines ...training.LogLine) {
	l.mu.Lock()
	for _, ln := range lines {
		ln.Arrival = len(l.lines)
		l.lines = append(l.lines, ln)
		l.learn(ln.Event)
		if e := ln.Event; e != nil && e.Step != nil && (e.Loss != nil || e.EvalLoss != nil || e.NotFinite != nil) {
			nan := math.NaN()
			p := training.Point{Step: *e.Step, Loss: nan, EvalLoss: nan, LR: nan, GradNorm: nan, TokensPerS: nan, GPUGB: nan}
			for to, v := range map[*float64]*float64{&p.Loss: e.Loss, &p.EvalLoss: e.EvalLoss, &p.LR: e.LR, &p.GradNorm: e.GradNorm, &p.TokensPerS: e.TokensPerS, &p.GPUGB: e.GPUGB} {
				if v != nil {
					*to = *v
				}
			}
			if slices.Contains(e.NotFinite, "loss") {
				p.Loss = math.Inf(1)
			}
			l.points = append(l.points, p)
		}
	}
	l.mu.Unlock()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// Job returns the job.
func (l *Log) Job() training.Job { return l.job }

// Len returns the number of lines.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines)
}

// Lines returns n lines from the from-th on.
func (l *Log) Lines(from, n int) []training.LogLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	from = min(from, len(l.lines))
	return slices.Clone(l.lines[from:min(from+n, len(l.lines))])
}

// Points returns the curve.
func (l *Log) Points() []training.Point {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.points
}

// Latest returns the newest numbers.
func (l *Log) Latest() training.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.latest
}

func (l *Log) learn(e *training.Event) {
	if e == nil {
		return
	}
	if e.Step != nil {
		l.latest.Step = e.Step
	}
	if e.Steps != nil {
		l.latest.Steps = e.Steps
	}
	if e.Loss != nil {
		l.latest.Loss = e.Loss
	}
	if e.EvalLoss != nil {
		l.latest.EvalLoss = e.EvalLoss
	}
	if e.TokensPerS != nil {
		l.latest.TokensPerS = e.TokensPerS
	}
}

// Err returns Error.
func (l *Log) Err() error { return l.Error }

// Changed is signalled by Write.
func (l *Log) Changed() <-chan struct{} { return l.changed }

// Done is closed for a job that has ended.
func (l *Log) Done() <-chan struct{} { return l.done }

// Close does nothing.
func (l *Log) Close() {}

// EndTraining ends the jobs that run with a status.
func (w *World) EndTraining(status string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.TrainJobs {
		if j := &w.TrainJobs[i]; !j.Done() {
			j.Status, j.SecondaryStatus, j.Ended = status, status, Noon
		}
	}
}
