// Package localaws is the local account: one http.Handler that speaks the wire
// protocols of STS, S3, SageMaker, CloudWatch Logs, Bedrock and Bedrock
// Runtime, with a small Mistral behind it that is really trained, really
// imported and really sampled.
//
// This package puts the services together and opens and closes their state.
// Each service has a package of its own below it; what all of them need of the
// protocols is in wire. Only the account package of the workbench imports this
// one, and it shares no types with the services it serves.
package localaws

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"tunebench/backend/localaws/bedrock"
	"tunebench/backend/localaws/bedrockruntime"
	"tunebench/backend/localaws/logs"
	"tunebench/backend/localaws/objects"
	"tunebench/backend/localaws/sagemaker"
	"tunebench/backend/localaws/sts"
	"tunebench/backend/localaws/tinymistral/base"
	"tunebench/backend/localaws/wire"
)

// What the local account is called.
const (
	// AccountID is its number.
	AccountID = wire.AccountID
	// Region is the one that clients use unless told otherwise. All regions
	// are one here.
	Region = "us-east-1"
	// TrainingBase is how job.json names the base model.
	TrainingBase = "tunebench-base"
	// BaseModelID is the id of the same model as a foundation model.
	BaseModelID = "tunebench.base-v1:0"
)

// Clock tells the time: models fall asleep and jobs run out of time by it.
type Clock interface{ Now() time.Time }

// Options are how an [Account] is opened.
type Options struct {
	// Dir holds everything the account remembers; one process at a time owns
	// it, which the caller sees to.
	Dir string
	// Clock may be nil for the machine's.
	Clock Clock
	// AccessKey and SecretKey are the one key pair that requests are signed
	// with.
	AccessKey, SecretKey string
	// Logger takes what no caller can be told; nil drops it.
	Logger *slog.Logger
	// Base is the artifact folder of the base model; nil means the embedded
	// one.
	Base fs.FS
	// MaxModels is the quota of imported models; 0 means the default.
	MaxModels int
}

// Account is an open local account.
type Account struct {
	mux      *wire.Mux
	logs     *logs.Store
	training *sagemaker.Service
	imports  *bedrock.Service
	runtime  *bedrockruntime.Service
}

// Open opens the state under Dir, which is made when it does not exist. Paused
// jobs go on; jobs whose process was killed are reported as failed. Close it.
func Open(ctx context.Context, o Options) (*Account, error) {
	if o.AccessKey == "" || o.SecretKey == "" {
		return nil, errors.New("local account: a key pair is needed to check signatures by")
	}
	now := time.Now
	if o.Clock != nil {
		now = o.Clock.Now
	}
	if o.Base == nil {
		o.Base = base.FS()
	}
	a := &Account{}
	store, err := objects.Open(filepath.Join(o.Dir, "s3"), objects.Options{Now: now})
	if err != nil {
		return nil, fmt.Errorf("local account: %w", err)
	}
	if a.logs, err = logs.Open(filepath.Join(o.Dir, "logs"), logs.Options{Now: now}); err != nil {
		return nil, fmt.Errorf("local account: %w", err)
	}
	if a.imports, err = bedrock.Open(ctx, bedrock.Options{Dir: filepath.Join(o.Dir, "bedrock"), Objects: store, BaseModelID: BaseModelID,
		Base: o.Base, MaxModels: o.MaxModels, Now: now, Logger: o.Logger}); err != nil {
		return nil, errors.Join(fmt.Errorf("local account: %w", err), a.logs.Close())
	}
	if a.training, err = sagemaker.Open(ctx, sagemaker.Options{Dir: filepath.Join(o.Dir, "sagemaker"), Objects: store, Logs: a.logs,
		BaseModel: TrainingBase, Base: o.Base, Now: now, Logger: o.Logger}); err != nil {
		return nil, errors.Join(fmt.Errorf("local account: %w", err), a.imports.Close(), a.logs.Close())
	}
	a.runtime = bedrockruntime.New(bedrockruntime.Options{Lookup: a.imports.Lookup, Now: now, Logger: o.Logger})
	// Callers sign by the machine's clock, so signatures are judged by it too.
	a.mux = wire.NewMux(wire.Options{AccessKeyID: o.AccessKey, SecretAccessKey: o.SecretKey})
	sts.Register(a.mux)
	store.Register(a.mux)
	a.logs.Register(a.mux)
	a.training.Register(a.mux)
	a.imports.Register(a.mux)
	a.runtime.Register(a.mux)
	return a, nil
}

// ServeHTTP answers one request to any of the services.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// ActiveJobs returns how many training and import jobs have not ended.
func (a *Account) ActiveJobs() int { return a.training.Active() + a.imports.Active() }

// Pause stops jobs at a safe point so that the next Open, in this process or
// another, goes on with them. Training goes on at exactly the step where it
// was; an import is read again. Nothing is started after it.
func (a *Account) Pause(ctx context.Context) error {
	return errors.Join(a.training.Pause(ctx), a.imports.Pause(ctx))
}

// Close pauses what still runs and releases the account.
func (a *Account) Close() error {
	return errors.Join(a.training.Close(), a.imports.Close(), a.runtime.Close(), a.logs.Close())
}
