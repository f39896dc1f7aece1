// Package bedrockruntime answers prompts in the local account: InvokeModel,
// Converse, their streaming forms and CountTokens, for the foundation model and
// for imported models.
//
// It keeps models in memory, puts imported models to sleep, shares the
// processors fairly between answers, and speaks the body formats of custom
// model import. Which models exist is the business of the control plane in
// bedrock; how text is generated that of tinymistral.
package bedrockruntime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"tunebench/backend/localaws/bedrock"
	"tunebench/backend/localaws/wire"
)

// SleepAfter is how long an imported model stays in memory without calls.
const SleepAfter = 5 * time.Minute

// Options are how a [Service] is made.
type Options struct {
	// Lookup finds a model by what callers name it; its errors are
	// bedrock.ErrNoModel and bedrock.ErrNoImportedModel.
	Lookup func(identifier string) (bedrock.Model, error)
	// Now is the clock that idle models are judged by; nil means time.Now.
	Now func() time.Time
	// Logger takes what no caller can be told; nil drops it.
	Logger *slog.Logger
}

// Service answers prompts. It is safe for concurrent use.
type Service struct {
	o Options
	// slots lets as many answers be generated at once as there are processors;
	// the others wait in the order in which they came.
	slots *semaphore.Weighted

	mu        sync.Mutex
	residents map[string]*resident // by model id

	stop    chan struct{}
	once    sync.Once
	running sync.WaitGroup // the janitor and loads
}

// New makes a service and starts the goroutine that lets idle models go. Close
// it.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{o: o, slots: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))), residents: map[string]*resident{}, stop: make(chan struct{})}
	s.running.Go(s.janitor)
	return s
}

// Close ends the service's goroutines. Answers end with their callers.
func (s *Service) Close() error {
	s.once.Do(func() { close(s.stop) })
	s.running.Wait()
	return nil
}

// Register adds the operations to a Mux.
func (s *Service) Register(m *wire.Mux) {
	for op, h := range map[string]wire.Handler{
		"InvokeModel":                   s.invoke,
		"InvokeModelWithResponseStream": s.invokeStream,
		"Converse":                      s.converse,
		"ConverseStream":                s.converseStream,
		"CountTokens":                   s.countTokens,
	} {
		m.Handle(wire.BedrockRuntime, op, h)
	}
}

// lookup finds the model of a request.
func (s *Service) lookup(r *wire.Request) (bedrock.Model, error) {
	id := r.Params["modelId"]
	m, err := s.o.Lookup(id)
	switch {
	case errors.Is(err, bedrock.ErrNoModel):
		return m, wire.Validation("The provided model identifier is invalid.")
	case errors.Is(err, bedrock.ErrNoImportedModel):
		return m, wire.Errorf(404, "ResourceNotFoundException", "Could not find the imported model %s. It may have been deleted.", id)
	case err != nil:
		return m, fmt.Errorf("model %s: %w", id, err)
	}
	return m, nil
}

// slot waits for a processor to generate on.
func (s *Service) slot(ctx context.Context) (release func(), err error) {
	if err := s.slots.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return func() { s.slots.Release(1) }, nil
}
