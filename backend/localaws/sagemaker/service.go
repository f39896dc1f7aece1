// Package sagemaker is the SageMaker of the local account: training jobs that
// are really run, one at a time, by the engine in tinymistral, and models, which
// are names for where artifacts lie.
//
// A job does what the container of a SageMaker job does: it reads job.json
// from its code channel and rows from its data channels, trains, writes log
// lines, and uploads the merged model. What a job is made of on the service's
// side (records, statuses, the queue, the wire operations) and what stands for
// the container (job.json, rows, the training loop, the artifact) are here;
// storage, logs and the engine's arithmetic are not.
package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tunebench/backend/localaws/logs"
	"tunebench/backend/localaws/objects"
	"tunebench/backend/localaws/state"
	"tunebench/backend/localaws/wire"
)

// LogGroup is the group that all training jobs write to.
const LogGroup = "/aws/sagemaker/TrainingJobs"

// Options are how a [Service] is opened.
type Options struct {
	// Dir holds the records and working folders of the jobs.
	Dir string
	// Objects is where channels are read from and artifacts are put.
	Objects *objects.Store
	// Logs takes the jobs' log lines.
	Logs *logs.Store
	// BaseModel is the name that job.json gives the base model; Base is its
	// artifact folder.
	BaseModel string
	Base      fs.FS
	// Now is the clock of times and of the runtime limit; nil means time.Now.
	Now func() time.Time
	// Logger takes what no caller can be told; nil drops it.
	Logger *slog.Logger
}

// Service holds the training jobs. It is safe for concurrent use.
type Service struct {
	o Options

	mu     sync.Mutex
	jobs   map[string]*job
	queue  []*job           // waiting to run, in their order
	models map[string]model // by name; replaced as a whole

	wake   chan struct{}
	ctx    context.Context // ends with errPaused
	cancel context.CancelCauseFunc
	done   chan struct{}
}

// job is one training job. Its record is guarded by the service's mu; only the
// worker changes it after it has left the queue, StopTrainingJob and tags
// excepted.
type job struct {
	rec record
	// cancel ends the running job early; nil while it waits or after it ended.
	cancel context.CancelCauseFunc
}

// Reasons for which a job that runs is ended early.
var (
	errPaused     = errors.New("the job was paused for another process to go on with it")
	errStopped    = errors.New("the job was stopped by a request")
	errMaxRuntime = errors.New("the job ran into its runtime limit")
)

// Open reads the records, queues paused and waiting jobs again, reports those
// whose process was killed as failed, and starts the worker. Close it.
func Open(ctx context.Context, o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{o: o, jobs: map[string]*job{}, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if err := errors.Join(s.load(ctx), s.loadModels()); err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	go s.work()
	return s, nil
}

func (s *Service) load(ctx context.Context) error {
	entries, err := os.ReadDir(s.o.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("training jobs: %w", err)
	}
	var waiting []*job
	for _, e := range entries {
		j := &job{}
		err := state.Read(filepath.Join(s.o.Dir, e.Name(), recordFile), &j.rec)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a folder whose job was never acknowledged
		}
		if err != nil {
			return fmt.Errorf("training job %s: %w", e.Name(), err)
		}
		s.jobs[j.rec.Name] = j
		switch {
		case j.rec.final():
			s.clean(j.rec.Name) // its process may have ended before it did so
		case j.rec.Paused, j.rec.Secondary == "Pending":
			waiting = append(waiting, j)
		default:
			s.fail(ctx, j, reasonKilled)
			s.clean(j.rec.Name)
		}
	}
	sortByCreation(waiting)
	s.queue = waiting
	return nil
}

const reasonKilled = "InternalServerError: the process that ran this job ended before the job did; it was killed, or the machine stopped. " +
	"Nothing of the job runs any more. Start it again under another name."

// Register adds the operations to a Mux.
func (s *Service) Register(m *wire.Mux) {
	for op, h := range map[string]wire.Handler{
		"CreateTrainingJob":   s.create,
		"DescribeTrainingJob": s.describe,
		"ListTrainingJobs":    s.list,
		"StopTrainingJob":     s.stop,
		"DeleteTrainingJob":   s.remove,
		"AddTags":             s.addTags,
		"ListTags":            s.listTags,
		"DeleteTags":          s.deleteTags,
		"CreateModel":         s.createModel,
		"DescribeModel":       s.describeModel,
		"ListModels":          s.listModels,
		"DeleteModel":         s.deleteModel,
	} {
		m.Handle(wire.SageMaker, op, h)
	}
}

// Active returns how many jobs have not ended.
func (s *Service) Active() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, j := range s.jobs {
		if !j.rec.final() {
			n++
		}
	}
	return n
}

// Pause stops the running job at a step boundary, with a checkpoint from which
// the next Open goes on exactly, and starts no other. It returns when nothing
// runs any more, or with ctx's error.
func (s *Service) Pause(ctx context.Context) error {
	s.cancel(errPaused)
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("pause training: %w", context.Cause(ctx))
	}
}

// Close pauses and releases the service.
func (s *Service) Close() error { return s.Pause(context.Background()) }

// work runs the queue until the service is paused. It is the only goroutine of
// the service.
func (s *Service) work() {
	defer close(s.done)
	defer s.giveUpQueue()
	for s.ctx.Err() == nil {
		s.mu.Lock()
		var j *job
		ctx := s.ctx
		if len(s.queue) > 0 {
			j, s.queue = s.queue[0], s.queue[1:]
			// From here on a request to stop the job finds its cancel.
			ctx, j.cancel = context.WithCancelCause(s.ctx)
			if j.rec.Stopping {
				j.cancel(errStopped)
			}
		}
		s.mu.Unlock()
		if j != nil {
			s.run(ctx, j)
			continue
		}
		select {
		case <-s.wake:
		case <-s.ctx.Done():
		}
	}
}

// giveUpQueue marks the jobs that this process did not come to, so that the
// next one does not take them for killed.
func (s *Service) giveUpQueue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.queue {
		j.rec.Paused = true
		s.save(j)
	}
}

// enqueue adds a job and wakes the worker. s.mu is held.
func (s *Service) enqueue(j *job) {
	s.queue = append(s.queue, j)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Service) dir(name string) string { return filepath.Join(s.o.Dir, name) }
