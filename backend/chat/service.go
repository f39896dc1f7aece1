package chat

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"

	"tunebench/backend/account/awserror"
	"tunebench/backend/artifact"
	"tunebench/backend/config"
	"tunebench/backend/store"
)

// Config is what a Service is made of. Runtime, Bedrock and Store are required.
type Config struct {
	Runtime *bedrockruntime.Client
	Bedrock *bedrock.Client
	Store   *store.Store
	// BaseModelID is what "base" means: a foundation model id, or the name or ARN
	// of an imported model; "" when the account has no such model.
	BaseModelID string
	// AccountName is the account's name in the store.
	AccountName string
	// Explain turns an error that is about the account (credentials,
	// permissions, network) into one that says what to do; nil is
	// awserror.Explain.
	Explain func(error) error

	// Tokenizer is the one that the account's Mistral models have; nil if none is
	// known here. It loads once.
	Tokenizer func() (*artifact.Tokenizer, error)

	// Endpoint is asked beside the account; nil when there is none.
	Endpoint *Endpoint

	// Bills says that the account does; Prices are what answers are reckoned with.
	Bills  bool
	Prices config.Prices

	// Prompts is the library of prompts.
	Prompts PromptFolder

	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Sleep waits between attempts and returns early when ctx ends; nil waits
	// for real.
	Sleep func(ctx context.Context, d time.Duration) error
	// FirstByte is how long a request may go without any answer, 0 for five and
	// a half minutes: Bedrock itself gives up after five. Idle is how long a
	// stream may be silent, 0 for a minute.
	FirstByte, Idle time.Duration
	// MaxText is the most bytes of one answer that are kept, 0 for 4 MiB.
	MaxText int
}

// Service talks to models. Its methods are safe for concurrent use.
type Service struct {
	cfg    Config
	region string

	kept sync.WaitGroup // transcripts that are being written

	mu     sync.Mutex
	shapes map[string]Shape // reply shape by model ID, as far as recorded
}

// New makes a service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Explain == nil {
		c.Explain = awserror.Explain
	}
	if c.FirstByte <= 0 {
		c.FirstByte = 5*time.Minute + 30*time.Second
	}
	if c.Idle <= 0 {
		c.Idle = time.Minute
	}
	if c.MaxText <= 0 {
		c.MaxText = 4 << 20
	}
	return &Service{cfg: c, region: c.Bedrock.Options().Region, shapes: map[string]Shape{}}
}

// Close waits until every transcript is on disk. The answers must have ended: call
// it when the contexts that they were asked with are over.
func (s *Service) Close() { s.kept.Wait() }

// Account returns the name and the region of the account the models are in.
func (s *Service) Account() (name, region string) { return s.cfg.AccountName, s.region }

// DefaultSettings are the settings a new conversation begins with.
func DefaultSettings() Settings {
	return Settings{MaxTokens: 256, Temperature: 0, TopP: 1}
}

// sleep waits for d or until ctx ends.
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
