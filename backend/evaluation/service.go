package evaluation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"tunebench/backend/chat"
	"tunebench/backend/dataset"
	"tunebench/backend/evaluation/builtin"
	"tunebench/backend/safetext"
	"tunebench/backend/store"
	"tunebench/metrics"
	"tunebench/metrics/fmevalio"
	"tunebench/metrics/meteor"
)

// The statuses of a run.
const (
	Running     = "running"
	Finished    = "finished"
	Stopped     = "stopped"
	Interrupted = "interrupted"
)

// Config is what a Service is made of. Chat and Store are required.
type Config struct {
	Chat  *chat.Service
	Store *store.Store
	// Metrics is where the metrics of runs are looked up.
	Metrics metrics.Registry
	// English reads METEOR's word lists when a metric needs them, or says why there
	// are none; nil has none. It is called often and should read them once.
	English func() (*meteor.English, string)
	// Price knows what models cost; nil knows nothing.
	Price func(m chat.Model) (Price, bool)
	// Concurrency is the most requests at once to one model; 0 means 8. Fewer are
	// made where the service asks for that.
	Concurrency int
	// Drain is how long requests under way may still be answered when a run is
	// stopped, so that they need not be made again; 0 means two seconds.
	Drain time.Duration
	// Program is the version of this program, to be recorded with runs.
	Program string
	// BuiltIn keeps FMEval's own datasets; without it they cannot be named.
	BuiltIn *builtin.Store
	// Objects opens datasets that s3:// names; nil opens none.
	Objects dataset.Objects
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Sleep waits between attempts and returns early when ctx ends; nil waits
	// for real.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Service runs evaluations and reads their results. Its methods are safe for
// concurrent use.
type Service struct {
	cfg  Config
	host string
	// refreshAfter is the shortest time between two computations of the means.
	refreshAfter time.Duration

	mu   sync.Mutex
	live map[string]*Live // runs that this service executes, by owner
}

// New makes a service.
func New(c Config) *Service {
	if c.Concurrency <= 0 {
		c.Concurrency = 8
	}
	if c.Drain <= 0 {
		c.Drain = 2 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &Service{cfg: c, host: host, refreshAfter: refreshAfter, live: map[string]*Live{}}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Start begins a run. The run goes on until it is done, stopped, or ctx ends;
// what is missing then can be had with Resume.
func (s *Service) Start(ctx context.Context, spec Spec) (*Live, error) {
	spec.Program = s.cfg.Program
	if spec.MaxTokens <= 0 {
		spec.MaxTokens = 128
	}
	if spec.Delimiter == "" {
		spec.Delimiter = metrics.DefaultDelimiter
	}
	if err := nameBuiltIn(&spec); err != nil {
		return nil, err
	}
	if spec.FMEval != nil && spec.Template == "" && len(spec.Outputs) == 0 {
		spec.Template = fmevalio.DefaultTemplate(spec.FMEval.Name)
	}
	spec.Meteor = wantsMeteor(spec) && s.registry(true).English != nil
	st, err := s.suite(spec)
	if err != nil {
		return nil, err
	}
	models, err := s.models(ctx, &spec)
	if err != nil {
		return nil, err
	}
	if err := s.price(&spec, models); err != nil {
		return nil, err
	}
	if spec.Judge != "" {
		if len(models) < 2 {
			return nil, errors.New("a judge compares two models' answers, and this run has only one model")
		}
		if _, err := s.cfg.Chat.Resolve(ctx, spec.Judge); err != nil {
			return nil, fmt.Errorf("the judge: %w", err)
		}
	}
	if spec.Dataset, err = datasetPath(spec.Dataset); err != nil {
		return nil, err
	}
	p, err := s.openPlan(ctx, spec, st)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Live, error) { return nil, errors.Join(err, p.close()) }
	now := s.cfg.Now()
	id, owner := now.Format("20060102-150405-")+nonce(2), s.newOwner()
	account, region := s.cfg.Chat.Account()
	rec := store.Run{
		ID: id, Account: account, Region: region, Name: spec.Name, Status: Running, DatasetHash: p.hash, Owner: owner,
		Total: len(p.rows) * len(models), Heartbeat: now, Created: now,
	}
	if rec.Spec, err = toJSON(spec); err != nil {
		return fail(err)
	}
	if rec.Models, err = toJSON(models); err != nil {
		return fail(err)
	}
	if err := s.cfg.Store.AddRun(ctx, rec); err != nil {
		return fail(err)
	}
	run := Run{ID: id, Spec: spec, Status: Running, Created: now, DatasetHash: p.hash, ScoreNames: st.names(), Absent: st.absent(), Total: rec.Total}
	return s.begin(ctx, run, owner, models, p, st, newBoard(models, p.rows, spec, st.scores)), nil
}

// Resume goes on with a run that was stopped or interrupted. No request that
// had been answered and kept is made again.
func (s *Service) Resume(ctx context.Context, id string) (*Live, error) {
	return s.resume(ctx, id, math.MaxInt)
}

// resume is Resume; of a run whose answers are voted on it asks that many rows to
// begin with.
func (s *Service) resume(ctx context.Context, id string, ahead int) (*Live, error) {
	rec, err := s.stored(ctx, id)
	if err != nil {
		return nil, err
	}
	if rec.Status == Finished {
		return nil, fmt.Errorf("run %s has finished; there is nothing to resume", id)
	}
	if rec.Status == Running && s.alive(rec) {
		return nil, fmt.Errorf("run %s is being executed by another process (%s)", id, rec.Owner)
	}
	run, models, err := decode(rec)
	if err != nil {
		return nil, err
	}
	st, err := s.name(&run)
	if err != nil {
		return nil, err
	}
	if run.Spec.Meteor && s.registry(true).English == nil {
		return nil, fmt.Errorf("run %s is scored with METEOR, whose word lists are not here: %s", id, s.registry(true).WhyNoMeteor)
	}
	p, err := s.openPlan(ctx, run.Spec, st)
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Live, error) { return nil, errors.Join(err, p.close()) }
	if p.hash != rec.DatasetHash {
		return fail(fmt.Errorf("the dataset %s has changed since run %s began; start a new run", run.Spec.Dataset, id))
	}
	b := newBoard(models, p.rows, run.Spec, st.scores)
	if err := s.load(ctx, id, b); err != nil {
		return fail(err)
	}
	owner := s.newOwner()
	claimed, err := s.cfg.Store.ClaimRun(ctx, id, rec.Owner, owner, s.cfg.Now())
	if err != nil {
		return fail(err)
	}
	if !claimed {
		return fail(fmt.Errorf("run %s has just been resumed by another process", id))
	}
	run.Status, run.Ended, run.Why = Running, time.Time{}, ""
	p.gate.open(ahead)
	return s.begin(ctx, run, owner, models, p, st, b), nil
}

// models resolves the models of a run, or names those whose outputs it takes.
func (s *Service) models(ctx context.Context, spec *Spec) ([]chat.Model, error) {
	if len(spec.Outputs) > 0 {
		return outputModels(spec)
	}
	if len(spec.Models) == 0 {
		return nil, errors.New("a run needs at least one model")
	}
	models := make([]chat.Model, 0, len(spec.Models))
	for _, ref := range spec.Models {
		m, err := s.cfg.Chat.Resolve(ctx, ref)
		if err != nil {
			return nil, err
		}
		if _, err := m.Route(); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(models, func(o chat.Model) bool { return o.ID == m.ID }) {
			return nil, fmt.Errorf("model %s is named twice; name each model once", safetext.Line(ref))
		}
		models = append(models, m)
	}
	return models, nil
}

// name tells a run the names of its scores.
func (s *Service) name(run *Run) (*suite, error) {
	st, err := s.suite(run.Spec)
	if err != nil {
		return nil, fmt.Errorf("read run %s: %w", run.ID, err)
	}
	run.ScoreNames, run.Absent = st.names(), st.absent()
	return st, nil
}

// Runs lists all runs, newest first. Runs that have ended carry their results.
func (s *Service) Runs(ctx context.Context) ([]Run, error) {
	recs, err := s.cfg.Store.Runs(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := s.cfg.Store.CountRecords(ctx)
	if err != nil {
		return nil, err
	}
	runs := make([]Run, 0, len(recs))
	for _, rec := range recs {
		if l := s.lookup(rec.Owner); l != nil {
			runs = append(runs, l.Run())
			continue
		}
		run, _, err := decode(rec)
		if err != nil {
			return nil, err
		}
		if _, err := s.name(&run); err != nil {
			return nil, err
		}
		run.Done = counts[rec.ID]
		if run.Status == Running && !s.alive(rec) {
			run.Status = Interrupted
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// Run returns one run with its results as far as they are on disk.
func (s *Service) Run(ctx context.Context, id string) (Run, error) {
	rec, err := s.stored(ctx, id)
	if err != nil {
		return Run{}, err
	}
	if l := s.lookup(rec.Owner); l != nil {
		return l.Run(), nil
	}
	run, models, err := decode(rec)
	if err != nil {
		return Run{}, err
	}
	st, err := s.name(&run)
	if err != nil {
		return Run{}, err
	}
	if run.Status == Running && !s.alive(rec) {
		run.Status = Interrupted
	}
	if rec.Result != "" && run.Status == Finished {
		run.Done = run.Total
		return run, nil
	}
	rows, err := s.rowsOf(ctx, id)
	if err != nil {
		return Run{}, err
	}
	b := newBoard(models, rows, run.Spec, st.scores)
	if err := s.load(ctx, id, b); err != nil {
		return Run{}, err
	}
	run.Models, run.Done = b.results(run.Total/max(1, len(models)), true), b.done()
	run.Differences = b.differences()
	return run, nil
}

// Delete removes a run with its records. A run that is being executed has to be
// stopped first.
func (s *Service) Delete(ctx context.Context, id string) error {
	rec, err := s.stored(ctx, id)
	if err != nil {
		return err
	}
	if rec.Status == Running && s.alive(rec) {
		return fmt.Errorf("run %s is still being executed; stop it first", id)
	}
	return s.cfg.Store.DeleteRun(ctx, id)
}

func (s *Service) stored(ctx context.Context, id string) (store.Run, error) {
	rec, err := s.cfg.Store.Run(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return rec, fmt.Errorf("there is no run %s; list the runs with: tunebench eval list", safetext.Line(id))
	}
	return rec, err
}

func decode(rec store.Run) (Run, []chat.Model, error) {
	run := Run{ID: rec.ID, Status: rec.Status, Created: rec.Created, Ended: rec.Ended, DatasetHash: rec.DatasetHash, Total: rec.Total}
	var models []chat.Model
	if err := json.Unmarshal([]byte(rec.Spec), &run.Spec); err != nil {
		return run, nil, fmt.Errorf("read run %s: %w", rec.ID, err)
	}
	if err := json.Unmarshal([]byte(rec.Models), &models); err != nil {
		return run, nil, fmt.Errorf("read run %s: %w", rec.ID, err)
	}
	if rec.Result != "" {
		var r result
		if err := json.Unmarshal([]byte(rec.Result), &r); err != nil {
			return run, nil, fmt.Errorf("read the results of run %s: %w", rec.ID, err)
		}
		run.Models, run.Differences, run.Why = r.Models, r.Differences, r.Why
		for i := range r.Differences { // a result from before they were corrected
			if d := &r.Differences[i]; d.PAdjusted == 0 {
				d.PAdjusted = d.PValue
			}
		}
	}
	return run, models, nil
}

// result is what the store keeps of a scoreboard.
type result struct {
	Models      []ModelResult `json:"models"`
	Differences []Difference  `json:"differences"`
	Why         string        `json:"why,omitempty"`
}

func toJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
