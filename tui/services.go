package tui

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/config"
	"tunebench/backend/dataset"
	"tunebench/backend/dataset/filter"
	"tunebench/backend/dataset/profile"
	"tunebench/backend/evaluation"
	"tunebench/backend/modelimport"
	"tunebench/backend/training"
	"tunebench/themes"
)

// Deps is all that the workbench is given. It opens nothing itself: files,
// sockets and accounts are behind these functions.
type Deps struct {
	Datasets Datasets
	// Open opens the account. It runs while the first frame is already shown.
	Open func(context.Context) (*Services, error)
	// AccountName is shown until the account is open.
	AccountName string

	// Tour begins with the tour; TourSeen notes that it need not come by itself
	// again. nil notes nothing.
	Tour     bool
	TourSeen func() error
	// Problems are what is wrong in the configuration; the workbench starts all the
	// same, and says so. SettingLine says where a setting stands; nil says its name.
	Problems    []string
	SettingLine func(setting string) string
	// ReadOnly makes a session in which nothing is changed in the account and no
	// file is written.
	ReadOnly bool
	// Dataset is opened first; "" opens the sample.
	Dataset string
	// HeldOut is the dataset that an evaluation of the sample starts with.
	HeldOut string
	// WorkDir is where prepared datasets and exports go unless the user says
	// otherwise.
	WorkDir string
	// Paths completes the name of a file; nil completes nothing.
	Paths func(prefix string) []string
	// Create makes a file for an export.
	Create func(path string) (io.WriteCloser, error)
	// Editor is the command that edits a file, without the file; empty when none is
	// known.
	Editor []string
	// Copy puts a text where it can be pasted from; nil gives it to the terminal.
	Copy func(ctx context.Context, text string) (Copied, error)
	// Report writes down a fault of the program and returns the file's path; nil
	// puts it into the error that the workbench ends with.
	Report func(text string) (path string, err error)

	Themes themes.Set
	// KeepTheme writes down which theme was chosen, for the next start; nil keeps
	// none.
	KeepTheme func(name string) error
	UI        config.UI
	Chat      config.Chat
	Eval      config.Eval
	Train     config.Training
	Prices    config.Prices

	// NoBraille says that the terminal cannot show braille: charts are told in
	// words.
	NoBraille bool
	// ASCII says that it shows nothing but ASCII.
	ASCII bool
	// Linear makes a workbench that is read aloud, line after line; see RunLinear.
	Linear bool

	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Account says where the services work.
type Account struct {
	Name   string // "local" or the profile
	Region string
	ID     string // the account's number
	ARN    string // who we are there
	// Bills says that work costs money: plans are confirmed.
	Bills bool
}

// Services are the parts of an open account that the panes use.
type Services struct {
	Account    Account
	Training   Training
	Imports    Imports
	Chat       Chat
	Evaluation Evaluation
	// Close gives the account back; jobs that run go on.
	Close func(context.Context) error
}

// Datasets opens and prepares files of examples.
type Datasets interface {
	// Open opens a file; m names its columns, nil lets them be guessed.
	Open(ctx context.Context, path string, m *dataset.Mapping) (Dataset, error)
	// Render returns what a model is shown of a row and what it has to answer.
	Render(r dataset.Row, format string) (prompt, completion string, err error)
	Prepare(ctx context.Context, path string, o dataset.PrepareOptions, progress func(dataset.Progress)) (dataset.Manifest, error)
	// Sample is the path of the dataset that comes with the program.
	Sample() string
	// UseTokenizer takes the tokenizer of a model's folder, a tokenizer.json or a
	// tokenizer.model for the datasets that are opened from now on.
	UseTokenizer(ctx context.Context, path string) error
	// WriteRecipe keeps a recipe as a file.
	WriteRecipe(path string, r dataset.RecipeFile) error
}

// Dataset is an open file of examples.
type Dataset interface {
	Info() dataset.Info
	Rows(ctx context.Context, first, n int64) ([]dataset.Row, error)
	// Search and Filter begin at once and return a list that fills as rows are
	// found; they end with ctx. A filter that is wrong is a *filter.Error.
	Search(ctx context.Context, q dataset.Query) (RowList, error)
	Filter(ctx context.Context, expr string) (RowList, error)
	// ViewOf makes a list of given rows.
	ViewOf(rows []int64) RowList
	// Complete says what could stand at the cursor of a filter, and which bytes it
	// would take the place of.
	Complete(expr string, cursor int) (candidates []filter.Candidate, from, to int)
	// Prompt renders a row exactly as it is trained on, cut at maxLength tokens (0
	// for no limit). ErrNoTokenizer says that nobody knows the model's tokens.
	Prompt(ctx context.Context, row int64, format string, maxLength int) (dataset.Prompt, error)
	// BadRows finds the rows that cannot be trained on; it ends with ctx.
	BadRows(ctx context.Context) RowList
	// Profile begins to sum the rows up; it ends with ctx.
	Profile(ctx context.Context, o dataset.ProfileOptions) RowProfile
	Changed() <-chan struct{}
	Close() error
}

// RowList is rows that were found, in their order.
type RowList interface {
	Len() int
	// At returns the i-th row's number in the dataset; Next and Prev the first at
	// or after, and the last before, a number.
	At(i int) (int64, bool)
	Next(from int64) (int64, bool)
	Prev(from int64) (int64, bool)
	Rows(ctx context.Context, first, n int) ([]dataset.Row, error)
	// Write writes the rows that are found so far as JSON Lines.
	Write(ctx context.Context, w io.Writer) (rows int, err error)
	// Scanned says how many rows were looked at, and whether that is all.
	Scanned() (rows int64, done bool, err error)
	Changed() <-chan struct{}
	Close()
}

// RowProfile is a profile that is being made.
type RowProfile interface {
	Snapshot() (p *profile.Profile, phase string, done bool, err error)
	Changed() <-chan struct{}
	Close()
}

// Training plans, starts and watches training jobs.
type Training interface {
	Presets() []training.Preset
	// SavePreset saves one of the user's own; the error is a
	// *files.ExistsError unless it is to be replaced.
	SavePreset(p training.Preset, replace bool) error
	DeletePreset(name string) error
	Plan(ctx context.Context, s training.Spec) (training.Plan, error)
	// Request is what StartProgress would send, as JSON; nothing is sent.
	Request(ctx context.Context, p training.Plan) (json.RawMessage, error)
	// StartProgress starts a plan's job and tells how the upload comes along, from
	// any goroutine.
	StartProgress(ctx context.Context, p training.Plan, progress func(dataset.Progress)) (training.Job, error)
	Jobs(ctx context.Context) ([]training.Job, error)
	// Job returns everything about a job; a list may know less.
	Job(ctx context.Context, name string) (training.Job, error)
	Stop(ctx context.Context, name string) error
	// Resume is what to plan to go on from a job's last checkpoint.
	Resume(ctx context.Context, job string) (training.Spec, error)
	// Again is what to plan to start a job once more; Diff is in what two differ.
	Again(ctx context.Context, job string) (training.Spec, error)
	Diff(ctx context.Context, a, b string) ([]training.Difference, error)
	Watch(ctx context.Context, name string) Watch
}

// Watch follows one training job and its log.
type Watch interface {
	Job() training.Job
	Len() int
	// Lines are in the order of their times. A line that comes late shifts those
	// behind it: LogVersion changes, and Place finds a line by its arrival.
	Lines(from, n int) []training.LogLine
	LogVersion() int
	Place(arrival int) int
	// Streams is how many hosts and attempts write to the log.
	Streams() int
	// Traceback is the place of the first traceback, -1 without one.
	Traceback() int
	Search(ctx context.Context, pattern string, regexp bool) (LogSearch, error)
	// WriteLog writes the whole log as text.
	WriteLog(ctx context.Context, to io.Writer, progress func(done, total int)) error
	// Points are the charts' values; PointsVersion changes with them.
	Points() []training.Point
	PointsVersion() int
	Latest() training.Event
	Err() error
	Changed() <-chan struct{}
	Done() <-chan struct{}
	Close()
}

// LogSearch is the lines of a log in which something was found, in the order of
// their times. They stream in until it is closed.
type LogSearch interface {
	Len() int
	// Scanned is how many lines have been looked at.
	Scanned() int
	// Before counts the hits before a place of the log; Place is where the k-th
	// hit stands, -1 if there is none.
	Before(place int) int
	Place(k int) int
	Lines(k, n int) []training.LogLine
	// Match is where the first match in a text begins and ends, -1 without one.
	Match(text string) (start, end int)
	Changed() <-chan struct{}
	Err() error
	Close()
}

// Imports checks artifacts, imports them and lists what was imported.
type Imports interface {
	Check(ctx context.Context, source string) (modelimport.Report, error)
	Start(ctx context.Context, r modelimport.Request) (modelimport.Job, error)
	Jobs(ctx context.Context) ([]modelimport.Job, error)
	// Details reads more of a model than the list tells.
	Details(ctx context.Context, m modelimport.Model) (modelimport.Details, error)
	// Advance starts the import whose turn it is, if none is running; Unqueue
	// takes one out that still waits.
	Advance(ctx context.Context) (*modelimport.Job, error)
	Unqueue(ctx context.Context, job string) error
	// Explain returns the checks that a failed job's artifact does not pass.
	Explain(ctx context.Context, j modelimport.Job) ([]modelimport.Check, error)
	Models(ctx context.Context) ([]modelimport.Model, error)
	Delete(ctx context.Context, nameOrARN string) error
	ProposeName(trainingJob string) string
}

// Chat asks models.
type Chat interface {
	Models(ctx context.Context) ([]chat.Model, error)
	Send(ctx context.Context, r chat.Request) Answer
	// Prove asks an imported model in every form that it can be asked in.
	Prove(ctx context.Context, m chat.Model, questions []string, progress func(chat.Proof)) (chat.Verdict, error)
	// Account names the account as the sessions that were kept do.
	Account() (name, region string)
	// Way says how a model is asked and what it can; SetPromptFormat records the
	// format that an imported one was trained with.
	Way(m chat.Model) string
	SetPromptFormat(ctx context.Context, m chat.Model, format string) error
	// Preview is a request as it would be sent, Snippet a command or a program that
	// makes it again, Room how many tokens it takes of how many.
	Preview(r chat.Request) (chat.Preview, error)
	Snippet(r chat.Request, kind string) (string, error)
	Room(r chat.Request) (tokens, context int, exact bool)
	// Sets are sets of models by name; SaveSet without models removes one.
	Sets(ctx context.Context) (map[string][]string, error)
	SaveSet(ctx context.Context, name string, refs []string) error
	// Prompts are those of the library, by name; the error is about those that
	// cannot be read. The error of SavePrompt is a *files.ExistsError unless
	// one is to be replaced.
	Prompts() ([]chat.Prompt, error)
	SavePrompt(p chat.Prompt, replace bool) error
	DeletePrompt(name string) error
	// Cast keeps what somebody, or a judge, thought of two models' answers; Voters
	// are the models by such votes.
	Cast(ctx context.Context, b chat.Ballot) error
	Voters(ctx context.Context, baseline string) ([]chat.Voter, error)
	// RowVotes are the votes on the answers to a row of a run.
	RowVotes(ctx context.Context, run string, row int64) ([]chat.Ballot, error)
	// VotesIn are the votes in a session by the position of the question.
	VotesIn(ctx context.Context, conversation int64) (map[int][]chat.Voted, error)
	// Transcript keeps a conversation on disk while it goes on; turns are those
	// that it has already.
	Transcript(c chat.Conversation, turns []chat.Turn) Transcript
	// Conversations are those whose title or turns hold query, the last used first.
	Conversations(ctx context.Context, query string, limit int) ([]chat.Conversation, error)
	Load(ctx context.Context, id int64) (chat.Conversation, []chat.Turn, error)
	DeleteConversation(ctx context.Context, id int64) error
	Export(ctx context.Context, id int64, format string, w io.Writer) error
}

// Transcript is a conversation that is being kept.
type Transcript interface {
	// Use says how the next exchanges are asked for.
	Use(m chat.Manner)
	Keep(e chat.Exchange) (position int)
	Conversation() chat.Conversation
	Err() error
}

// Answer is one answer that is arriving.
type Answer interface {
	chat.Source
	Changed() <-chan struct{}
	Cancel()
}

// Evaluation runs evaluations and reads their results.
type Evaluation interface {
	// Fetch brings a dataset here that has to be fetched before it can be used.
	Fetch(ctx context.Context, path string, progress func(dataset.Progress)) error
	ReadRunFile(path string) (evaluation.RunFile, error)
	Start(ctx context.Context, s evaluation.Spec) (Live, error)
	Resume(ctx context.Context, id string) (Live, error)
	Runs(ctx context.Context) ([]evaluation.Run, error)
	Run(ctx context.Context, id string) (evaluation.Run, error)
	Records(ctx context.Context, id string, f RecordFilter) ([]evaluation.Record, int, error)
	Export(ctx context.Context, id, format string, without bool, w io.Writer) error
	// Compare compares two sides, each RUN/MODEL.
	Compare(ctx context.Context, baseline, candidate string, rules []evaluation.Rule) (evaluation.Comparison, error)
	Row(ctx context.Context, id string, row int64) ([]evaluation.Record, error)
	// Explain says of every model how its scores of a row came about.
	Explain(ctx context.Context, id string, row int64) ([]evaluation.Explanation, error)
	Mark(ctx context.Context, id string, row int64, mark string) error
	Without(ctx context.Context, id string) (evaluation.Run, error)
	// StartRound begins a round of votes, ResumeRound goes on with one. They ask
	// models until ctx ends.
	StartRound(ctx context.Context, s evaluation.RoundSpec) (Voting, error)
	ResumeRound(ctx context.Context, id string) (Voting, error)
	Rounds(ctx context.Context) ([]evaluation.Round, error)
	// Judge has a model compare the answers of a run, AskJudge one pair of answers.
	// What judges are asked is the judge's prompt.
	Judge(ctx context.Context, s evaluation.JudgeSpec, progress func(done, total int)) (evaluation.Judgement, error)
	AskJudge(ctx context.Context, q evaluation.AskJudge) (evaluation.Opinion, error)
	JudgePrompt(ctx context.Context) (string, error)
	SetJudgePrompt(ctx context.Context, text string) error
}

// Voting is a round of votes that is open.
type Voting interface {
	Round() evaluation.Round
	// Pair is the row at a place, Next the first place that can be voted on.
	Pair(ctx context.Context, place int) (evaluation.Pair, error)
	Next(from int) int
	// Vote keeps a vote, by where the answers stand.
	Vote(ctx context.Context, place int, o chat.Outcome) error
	Judge(ctx context.Context, judge string, place int) (evaluation.Opinion, error)
	Agreements(ctx context.Context) (map[string]*chat.Agreement, error)
	// Changed is signalled when answers have come, Done closed when no more come;
	// both are nil where all are there.
	Changed() <-chan struct{}
	Done() <-chan struct{}
	Progress() []evaluation.Progress
	Close()
}

// RecordFilter chooses records of a run.
type RecordFilter = evaluation.RecordFilter

// Live is an evaluation that is running.
type Live interface {
	Run() evaluation.Run
	Changed() <-chan struct{}
	Done() <-chan struct{}
	Stop()
}
