package uitest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
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
	Ratings []chat.Rated
	// Talks are the sessions on disk; each has the same turns.
	Talks     []chat.Conversation
	TalkTurns []chat.Turn

	RunList []evaluation.Run
	Live    *Live // the run that an evaluation starts; nil refuses
	RecList []evaluation.Record

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

type imports struct{ w *World }

func (i imports) Check(_ context.Context, source string) (modelimport.Report, error) {
	r := i.w.Report
	r.Source = source
	return r, i.w.Err
}

func (i imports) Start(_ context.Context, r modelimport.Request) (modelimport.Job, error) {
	i.w.did("import %s as %s", r.TrainingJob+r.Source, r.Name)
	j := modelimport.Job{Name: "import-" + r.Name, Model: r.Name, Status: "InProgress", Created: Noon, TrainingJob: r.TrainingJob}
	i.w.mu.Lock()
	i.w.ImportJobs = append([]modelimport.Job{j}, i.w.ImportJobs...)
	i.w.mu.Unlock()
	return j, i.w.Err
}

func (i imports) Jobs(context.Context) ([]modelimport.Job, error) {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	return slices.Clone(i.w.ImportJobs), i.w.Err
}

func (i imports) Details(_ context.Context, m modelimport.Model) (modelimport.Details, error) {
	return i.w.Details[m.Name], i.w.Err
}

func (i imports) Advance(context.Context) (*modelimport.Job, error) { return nil, nil }

func (i imports) Explain(_ context.Context, j modelimport.Job) ([]modelimport.Check, error) {
	i.w.did("explain %s", j.Name)
	return i.w.Why, i.w.Err
}

func (i imports) Unqueue(_ context.Context, job string) error {
	i.w.did("take %s out of the queue", job)
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	i.w.ImportJobs = slices.DeleteFunc(i.w.ImportJobs, func(j modelimport.Job) bool { return j.Name == job })
	return nil
}

func (i imports) Models(context.Context) ([]modelimport.Model, error) {
	i.w.mu.Lock()
	defer i.w.mu.Unlock()
	return slices.Clone(i.w.Imported), i.w.Err
}

func (i imports) Delete(_ context.Context, name string) error {
	i.w.did("delete %s", name)
	return nil
}

func (i imports) ProposeName(job string) string { return strings.TrimPrefix(job, "tunebench-") }

type chats struct{ w *World }

func (c chats) Models(context.Context) ([]chat.Model, error) { return c.w.Models, c.w.Err }

func (c chats) Prove(_ context.Context, m chat.Model, _ []string, progress func(chat.Proof)) (chat.Verdict, error) {
	c.w.did("prove %s", m.Ref)
	for _, p := range c.w.Verdict.Proofs {
		progress(p)
	}
	return c.w.Verdict, c.w.Err
}

func (c chats) Send(_ context.Context, r chat.Request) tui.Answer {
	c.w.did("ask %s %s", r.Model.Ref, r.Messages[len(r.Messages)-1].Content)
	if s := c.w.Streams[r.Model.Ref]; s != nil {
		s.begin(r.Model)
		return s
	}
	s, ok := c.w.Answers[r.Model.Ref]
	if !ok {
		s = chat.AnswerState{Phase: chat.Failed, Err: "no answer"}
	}
	s.Model = r.Model
	ch := make(chan struct{}, 1)
	ch <- struct{}{}
	return answer{s, ch}
}

func (c chats) Preview(r chat.Request) (chat.Preview, error) {
	text := "<s>[INST] " + r.Messages[len(r.Messages)-1].Content + "[/INST]"
	return chat.Preview{Route: chat.RouteCompletion, Operation: "InvokeModelWithResponseStream", Text: text, Context: 512,
		JSON: fmt.Sprintf("{\n  \"prompt\": %q,\n  \"max_tokens\": %d,\n  \"temperature\": %g\n}", text, r.Settings.MaxTokens, r.Settings.Temperature)}, c.w.Err
}

func (c chats) Snippet(r chat.Request, kind string) (string, error) {
	return kind + " asks " + r.Model.Ref + "\n", c.w.Err
}

func (c chats) Room(r chat.Request) (tokens, context int, exact bool) {
	return len(r.Messages[len(r.Messages)-1].Content) / 4, 512, false
}

func (c chats) Sets(context.Context) (map[string][]string, error) { return c.w.Sets, c.w.Err }

func (c chats) SaveSet(_ context.Context, name string, refs []string) error {
	c.w.did("set %s %s", name, strings.Join(refs, " "))
	return c.w.Err
}

func (c chats) Vote(_ context.Context, _ int64, position int, first, second string, o chat.Outcome) error {
	c.w.did("vote %d %s %s: %s", position, first, second, o)
	return c.w.Err
}

func (c chats) Ratings(context.Context) ([]chat.Rated, error) { return c.w.Ratings, c.w.Err }

func (c chats) Transcript(v chat.Conversation, _ []chat.Turn) tui.Transcript {
	if v.ID == 0 {
		v.ID = 1
	}
	return transcript{v}
}

func (c chats) Conversations(_ context.Context, query string, _ int) ([]chat.Conversation, error) {
	var found []chat.Conversation
	for _, v := range c.w.Talks {
		if strings.Contains(v.Title, query) {
			found = append(found, v)
		}
	}
	return found, c.w.Err
}

func (c chats) Load(_ context.Context, id int64) (chat.Conversation, []chat.Turn, error) {
	for _, v := range c.w.Talks {
		if v.ID == id {
			return v, c.w.TalkTurns, c.w.Err
		}
	}
	return chat.Conversation{}, nil, fmt.Errorf("there is no session %d", id)
}

func (c chats) DeleteConversation(_ context.Context, id int64) error {
	c.w.did("delete session %d", id)
	return c.w.Err
}

func (c chats) Export(_ context.Context, id int64, format string, w io.Writer) error {
	_, err := fmt.Fprintf(w, "session %d as %s\n", id, format)
	return err
}

type transcript struct{ c chat.Conversation }

func (t transcript) Keep(chat.Exchange) int          { return 0 }
func (t transcript) Conversation() chat.Conversation { return t.c }
func (t transcript) Err() error                      { return nil }

type answer struct {
	s  chat.AnswerState
	ch chan struct{}
}

func (a answer) State() chat.AnswerState  { return a.s }
func (a answer) Changed() <-chan struct{} { return a.ch }
func (a answer) Cancel()                  {}

// Done is closed: what a World says is all there is.
func (a answer) Done() <-chan struct{} {
	ch := make(chan struct{})
	close(ch)
	return ch
}

type evaluations struct{ w *World }

func (e evaluations) Start(_ context.Context, s evaluation.Spec) (tui.Live, error) {
	e.w.did("evaluate %s", strings.Join(s.Models, ", "))
	if e.w.Live != nil {
		return e.w.Live, nil
	}
	return nil, errors.New("the world runs no evaluations")
}

func (e evaluations) Resume(context.Context, string) (tui.Live, error) {
	return nil, errors.New("the world runs no evaluations")
}

func (e evaluations) Runs(context.Context) ([]evaluation.Run, error) {
	return slices.Clone(e.w.RunList), e.w.Err
}

func (e evaluations) Run(_ context.Context, id string) (evaluation.Run, error) {
	for _, r := range e.w.RunList {
		if r.ID == id {
			return r, nil
		}
	}
	return evaluation.Run{}, fmt.Errorf("there is no run %s", id)
}

func (e evaluations) Records(_ context.Context, _ string, f tui.RecordFilter) ([]evaluation.Record, int, error) {
	var all []evaluation.Record
	for _, r := range e.w.RecList {
		if f.Marked && r.Mark == "" || f.Most != nil && r.Scores[f.Score] > *f.Most || f.Least != nil && r.Scores[f.Score] < *f.Least {
			continue
		}
		if (f.Model == "" || r.Model == f.Model) && (f.Category == "" || r.Category == f.Category) && strings.Contains(r.Question+r.Output, f.Search) {
			all = append(all, r)
		}
	}
	if f.Worst {
		slices.SortStableFunc(all, func(a, b evaluation.Record) int {
			switch {
			case a.Scores[f.Score] < b.Scores[f.Score]:
				return -1
			case a.Scores[f.Score] > b.Scores[f.Score]:
				return 1
			}
			return 0
		})
	}
	n := len(all)
	from := min(f.Offset, n)
	return all[from:min(from+f.Limit, n)], n, e.w.Err
}

func (e evaluations) Compare(_ context.Context, a, b string, _ []evaluation.Rule) (evaluation.Comparison, error) {
	e.w.did("compare %s with %s", b, a)
	return evaluation.Comparison{Scores: []evaluation.Compared{{Score: "exact_match_score", Difference: 0.04, Interval: evaluation.Interval{Low: -0.01, High: 0.09}}}}, e.w.Err
}

func (e evaluations) Row(_ context.Context, _ string, row int64) ([]evaluation.Record, error) {
	var all []evaluation.Record
	for _, r := range e.w.RecList {
		if r.Row == row {
			all = append(all, r)
		}
	}
	return all, e.w.Err
}

func (e evaluations) Mark(_ context.Context, _ string, row int64, mark string) error {
	e.w.did("mark row %d %s", row, mark)
	for i := range e.w.RecList {
		if e.w.RecList[i].Row == row {
			e.w.RecList[i].Mark = mark
		}
	}
	return e.w.Err
}

func (e evaluations) Without(ctx context.Context, id string) (evaluation.Run, error) {
	r, err := e.Run(ctx, id)
	rows := map[int64]bool{}
	for _, rec := range e.w.RecList {
		if rec.Mark != "" {
			rows[rec.Row] = true
		}
	}
	r.Excluded = 2 * len(rows)
	return r, err
}

func (e evaluations) Export(_ context.Context, id, format string, w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s as %s\n", id, format)
	return err
}

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
