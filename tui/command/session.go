package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tunebench/backend/account"
	"tunebench/backend/artifact"
	"tunebench/backend/chat"
	"tunebench/backend/config"
	"tunebench/backend/dataset/objectstore"
	"tunebench/backend/evaluation"
	"tunebench/backend/evaluation/builtin"
	"tunebench/backend/modelimport"
	"tunebench/backend/store"
	"tunebench/backend/training"
	"tunebench/backend/training/container"
)

// storeFile is the database in the state folder.
const storeFile = "tunebench.db"

// logsFolder holds the logs of training jobs that were read, in the state folder.
const logsFolder = "logs"

func keepLogs(cfg config.Config) training.KeepLogs {
	return training.KeepLogs{Age: time.Duration(cfg.Training.KeepLogsDays) * 24 * time.Hour, Bytes: int64(cfg.Training.KeepLogsMB) << 20}
}

// session is an open account with the services over it.
type session struct {
	paths    config.Paths
	config   config.Config
	account  *account.Account
	store    *store.Store
	training *training.Service
	imports  *modelimport.Service
	chat     *chat.Service
	eval     *evaluation.Service
}

// settings reads the config file and applies the flags that override it.
func (g *globals) settings() (config.Paths, config.Config, error) {
	paths, err := config.DefaultPaths(g.home)
	if err != nil {
		return paths, config.Config{}, err
	}
	cfg, err := config.Load(paths.ConfigFile())
	if wrong, ok := errors.AsType[*config.Error](err); ok && g.forgives(wrong) {
		g.problems = append(g.problems, strings.Split(wrong.Error(), "\n")...)
		if !g.screen {
			g.say("%s", wrong.Error()+"\ntheir defaults hold")
		}
	} else if err != nil {
		return paths, cfg, err // work that may cost money does not start on a guess
	}
	if err := paths.Create(); err != nil {
		return paths, cfg, err
	}
	if g.account != "" {
		cfg.Account.Name = g.account
	}
	if cfg.Account.Name != "local" && cfg.Account.Name != "aws" {
		return paths, cfg, usagef("account %q is not known; use --account local or --account aws", cfg.Account.Name)
	}
	cfg.Account.ReadOnly = cfg.Account.ReadOnly || g.readOnly
	if g.profile != "" {
		cfg.Account.Profile = g.profile
	}
	if g.region != "" {
		cfg.Account.Region = g.region
	}
	return paths, cfg, nil
}

// forgives reports whether the command goes on with the defaults of what is wrong:
// the screen does, and commands that only look, unless it could be another account
// then that they look at.
func (g *globals) forgives(wrong *config.Error) bool {
	if g.screen {
		return true
	}
	return g.lenient && !slices.ContainsFunc(wrong.Problems, func(p config.Problem) bool { return p.Key == "" || strings.HasPrefix(p.Key, "account") })
}

// open opens the account and builds the services. The caller closes it.
func (g *globals) open(ctx context.Context) (*session, error) {
	paths, cfg, err := g.settings()
	if err != nil {
		return nil, err
	}
	return openSession(ctx, paths, cfg)
}

func openSession(ctx context.Context, paths config.Paths, cfg config.Config) (*session, error) {
	acct, err := account.Open(ctx, account.Options{
		Name:    cfg.Account.Name,
		Profile: cfg.Account.Profile,
		Region:  cfg.Account.Region,
		Paths:   paths,
		Config:  cfg,
	})
	if err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, filepath.Join(paths.State, storeFile))
	if err != nil {
		return nil, errors.Join(err, acct.Close(ctx))
	}
	s := &session{paths: paths, config: cfg, account: acct, store: st}
	tokenizer := screenTokenizer(cfg)
	s.training = training.New(training.Config{
		SageMaker: acct.SageMaker(), Logs: acct.Logs(), S3: acct.S3(), Store: st,
		Bucket: acct.Bucket(), RoleARN: acct.TrainingRole(), BaseModel: acct.TrainingBase(),
		Bills: acct.Bills(), Defaults: cfg.Training, Prices: cfg.Prices,
		AccountName: acct.Name(), Region: acct.Region(), LogDir: filepath.Join(paths.State, logsFolder), KeepLogs: keepLogs(cfg),
		Tokenizer: tokenizer.Load, TokenizerName: tokenizer.Name,
		AccountID: func(ctx context.Context) (string, error) {
			id, err := acct.Identity(ctx)
			return id.Account, err
		},
		Container: container.Files(), Own: training.PresetFolder(paths.PresetsDir()),
	})
	var runs []string
	if acct.Name() == account.Local {
		runs = artifact.Architectures()
	}
	s.imports = modelimport.New(modelimport.Config{
		Runs:    runs,
		Bedrock: acct.Bedrock(), S3: acct.S3(), Store: st, Training: s.training, SageMaker: acct.SageMaker(),
		Bucket: acct.Bucket(), RoleARN: acct.ImportRole(),
		AccountName: acct.Name(), Region: acct.Region(), Bills: acct.Bills(),
		ReadOnly: cfg.Account.ReadOnly,
	})
	s.chat = chat.New(chat.Config{
		Runtime: acct.Runtime(), Bedrock: acct.Bedrock(), Store: st,
		BaseModelID: acct.BaseModelID(), AccountName: acct.Name(), Tokenizer: tokenizer.Load,
		Endpoint: chat.EndpointFrom(os.Getenv), Prompts: chat.PromptFolder(paths.PromptsDir()),
		Bills: acct.Bills(), Prices: cfg.Prices,
	})
	atOnce := 8 // more would only wait for this machine's cores
	if acct.Bills() {
		atOnce = 64 // the runs find out how many of them the service takes
	}
	known := builtInPlace(paths)
	if acct.Bills() {
		known.Objects = objectstore.New(acct.S3In(builtin.Region))
	}
	s.eval = evaluation.New(evaluation.Config{Chat: s.chat, Store: st, Concurrency: atOnce, Program: version(),
		English: sync.OnceValues(english), BuiltIn: builtin.New(known), Objects: objectstore.New(acct.S3()), Price: func(m chat.Model) (evaluation.Price, bool) {
			switch {
			case m.Kind == chat.Hosted:
				p, ok := cfg.Prices.Token(m.Ref)
				return evaluation.Price{Input: p.Input, Output: p.Output}, ok
			case !acct.Bills():
				return evaluation.Price{}, true
			case m.Kind == chat.Imported: // one unit, unless the model needs more
				return evaluation.Price{Minute: cfg.Prices.CMUMinute}, true
			}
			p, ok := cfg.Prices.Token(m.ID)
			return evaluation.Price{Input: p.Input, Output: p.Output}, ok
		}})
	return s, nil
}

// close closes everything. Jobs that run on the local account go on in the
// background; the context that was cancelled by an interrupt must not keep them
// from being handed over, so a fresh one is used.
func (s *session) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s.chat.Close()
	return errors.Join(s.store.Close(), s.account.Close(ctx))
}

// with opens a session, runs f and closes it; the first error wins.
func (g *globals) with(ctx context.Context, f func(*session) error) error {
	s, err := g.open(ctx)
	if err != nil {
		return err
	}
	err = f(s)
	if cerr := s.close(); err == nil && cerr != nil {
		err = fmt.Errorf("the work is done, but closing the account failed: %w", cerr)
	}
	return err
}
