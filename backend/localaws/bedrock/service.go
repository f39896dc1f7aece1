// Package bedrock is the control plane of Bedrock in the local account: model
// import jobs, imported models and the one foundation model.
//
// An import job reads an artifact from the object store, checks it as Bedrock
// would and keeps its own copy of it, so that an imported model outlives the
// artifact. Answering prompts belongs to bedrockruntime; the file formats
// belong to artifact.
package bedrock

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tunebench/backend/localaws/objects"
	"tunebench/backend/localaws/state"
	"tunebench/backend/localaws/wire"
)

// DefaultMaxModels is how many imported models the account holds unless
// Options say otherwise.
const DefaultMaxModels = 20

// Options are how a [Service] is opened.
type Options struct {
	// Dir holds the records and the copies of the imported models.
	Dir string
	// Objects is where artifacts are read from.
	Objects *objects.Store
	// BaseModelID is the id of the foundation model, Base its artifact folder.
	BaseModelID string
	Base        fs.FS
	// MaxModels is the quota of imported models; 0 means DefaultMaxModels.
	MaxModels int
	// Now is the clock of times; nil means time.Now.
	Now func() time.Time
	// Logger takes what no caller can be told; nil drops it.
	Logger *slog.Logger
}

// Service holds import jobs and models. It is safe for concurrent use.
type Service struct {
	o Options

	mu      sync.Mutex
	jobs    map[string]*jobRecord   // by id
	models  map[string]*modelRecord // by id
	running sync.WaitGroup          // import jobs; at most one
	ctx     context.Context
	cancel  context.CancelFunc
}

// jobRecord is what is kept of an import job.
type jobRecord struct {
	ID        string            `json:"id"`
	ARN       string            `json:"arn"`
	Name      string            `json:"name"`
	Model     string            `json:"model"` // name of the imported model
	ModelID   string            `json:"model_id"`
	ModelARN  string            `json:"model_arn"` // known to callers once the job is completed
	Role      string            `json:"role"`
	Source    string            `json:"source"` // s3:// prefix
	Token     string            `json:"token,omitempty"`
	Status    string            `json:"status"` // "InProgress", "Completed", "Failed"
	Failure   string            `json:"failure,omitempty"`
	Created   time.Time         `json:"created"`
	Modified  time.Time         `json:"modified"`
	Ended     time.Time         `json:"ended,omitzero"`
	Paused    bool              `json:"paused,omitempty"` // given up in good order, to be run again
	Tags      map[string]string `json:"tags,omitempty"`
	ModelTags map[string]string `json:"model_tags,omitempty"`
	VPC       any               `json:"vpc,omitempty"`
}

// modelRecord is what is kept of an imported model.
type modelRecord struct {
	ID           string            `json:"id"`
	ARN          string            `json:"arn"`
	Name         string            `json:"name"`
	JobARN       string            `json:"job_arn"`
	JobName      string            `json:"job_name"`
	Source       string            `json:"source"`
	Architecture string            `json:"architecture"`
	Template     string            `json:"template,omitempty"` // its chat template
	Created      time.Time         `json:"created"`
	Tags         map[string]string `json:"tags,omitempty"`
}

// Open reads the records, runs paused import jobs again and reports those whose
// process was killed as failed. Close it.
func Open(_ context.Context, o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.MaxModels = cmp.Or(o.MaxModels, DefaultMaxModels)
	s := &Service{o: o, jobs: map[string]*jobRecord{}, models: map[string]*modelRecord{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.load(); err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

const reasonKilled = "The process that ran this import job ended before the job did; it was killed, or the machine stopped. Start the import again under another job name."

func (s *Service) load() error {
	if err := each(filepath.Join(s.o.Dir, "models"), func(name string) error {
		m := &modelRecord{}
		err := state.Read(s.modelDir(name, "model.json"), m)
		if errors.Is(err, fs.ErrNotExist) {
			return os.RemoveAll(s.modelDir(name)) // its import never ended
		}
		s.models[m.ID] = m
		return err
	}); err != nil {
		return fmt.Errorf("imported models: %w", err)
	}
	if err := each(filepath.Join(s.o.Dir, "imports"), func(name string) error {
		j := &jobRecord{}
		err := state.Read(filepath.Join(s.o.Dir, "imports", name), j)
		s.jobs[j.ID] = j
		return err
	}); err != nil {
		return fmt.Errorf("import jobs: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		switch {
		case j.Status != "InProgress":
		case s.models[j.ModelID] != nil: // it was killed between its last two steps
			s.end(j, "Completed", "")
		case j.Paused:
			j.Paused = false
			s.start(j)
		default:
			s.end(j, "Failed", reasonKilled)
		}
	}
	return nil
}

// each calls f for the entries of a folder that may not exist.
func each(dir string, f func(name string) error) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue // a write that was interrupted
		}
		if err := f(e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// Register adds the operations to a Mux.
func (s *Service) Register(m *wire.Mux) {
	for op, h := range map[string]wire.Handler{
		"CreateModelImportJob":  s.createJob,
		"GetModelImportJob":     s.getJob,
		"ListModelImportJobs":   s.listJobs,
		"GetImportedModel":      s.getModel,
		"ListImportedModels":    s.listModels,
		"DeleteImportedModel":   s.deleteModel,
		"GetFoundationModel":    s.getFoundation,
		"ListFoundationModels":  s.listFoundation,
		"ListInferenceProfiles": s.listProfiles,
		"TagResource":           s.tagResource,
		"UntagResource":         s.untagResource,
		"ListTagsForResource":   s.listTags,
	} {
		m.Handle(wire.Bedrock, op, h)
	}
}

// Active returns how many import jobs run.
func (s *Service) Active() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, j := range s.jobs {
		if j.Status == "InProgress" {
			n++
		}
	}
	return n
}

// Pause gives up the import that runs, so that the next Open runs it again. It
// returns when nothing runs any more, or with ctx's error.
func (s *Service) Pause(ctx context.Context) error {
	s.cancel()
	done := make(chan struct{})
	go func() { // ends with the import, which s.cancel ends
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("pause imports: %w", context.Cause(ctx))
	}
}

// Close pauses and releases the service.
func (s *Service) Close() error { return s.Pause(context.Background()) }

func (s *Service) now() time.Time { return s.o.Now().UTC().Truncate(time.Millisecond) }

func (s *Service) modelDir(id string, parts ...string) string {
	return filepath.Join(append([]string{s.o.Dir, "models", id}, parts...)...)
}

func (s *Service) saveJob(j *jobRecord) error {
	return state.Write(filepath.Join(s.o.Dir, "imports", j.ID+".json"), j)
}

// end gives a job its final status; s.mu is held. A record that can not be
// written stays changed in memory.
func (s *Service) end(j *jobRecord, status, failure string) {
	now := s.now()
	j.Status, j.Failure, j.Ended, j.Modified = status, failure, now, now
	if err := s.saveJob(j); err != nil {
		s.o.Logger.Error("import job record", "job", j.Name, "error", err)
	}
}

// newID makes twelve characters as Bedrock's ids have.
func newID() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	var b [12]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b[:])
}
