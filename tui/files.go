package tui

import (
	"context"
	"errors"
	"sync"
	"time"

	"tunebench/backend/artifact"
	"tunebench/backend/dataset"
)

// ErrNoTokenizer says that prompts cannot be told token by token.
var ErrNoTokenizer = errors.New("no tokenizer is known, so tokens are estimated")

// Tokenizer is a model's tokenizer with the name that it is called by; Load is nil
// where none is known.
type Tokenizer struct {
	Name string
	Load func() (*artifact.Tokenizer, error)
}

// Files is Datasets over package dataset. Its methods are safe for concurrent use.
type Files struct {
	// Objects opens s3:// paths; nil refuses them.
	Objects dataset.Objects
	// Tokenizer is used until another is taken; it is loaded with the first dataset.
	Tokenizer Tokenizer

	mu     sync.Mutex
	loaded *artifact.Tokenizer
	name   string
	failed error
}

// tokenizer returns what is in use: nil when there is none, and an error when it
// could not be loaded.
func (f *Files) tokenizer() (*artifact.Tokenizer, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.loaded == nil && f.failed == nil && f.Tokenizer.Load != nil {
		f.loaded, f.failed = f.Tokenizer.Load()
		f.name = f.Tokenizer.Name
	}
	return f.loaded, f.name, f.failed
}

// UseTokenizer takes another tokenizer; the one before stays when it cannot be
// read.
func (f *Files) UseTokenizer(_ context.Context, path string) error {
	t, err := dataset.LoadTokenizer(path)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loaded, f.name, f.failed = t, path, nil
	return nil
}

// followEvery is how often an open file is looked at for growth and other changes.
const followEvery = 2 * time.Second

// Open opens a file of examples. A tokenizer that cannot be loaded does not keep
// the rows from being seen: Prompt tells of it.
func (f *Files) Open(ctx context.Context, path string, m *dataset.Mapping) (Dataset, error) {
	o := dataset.OpenOptions{Objects: f.Objects, Mapping: m, Follow: followEvery}
	t, name, failed := f.tokenizer()
	if t != nil {
		o.Tokens = dataset.TokensOf(t, name)
	}
	d, err := dataset.Open(ctx, path, o)
	if err != nil {
		return nil, err
	}
	return &openFile{d, t, failed}, nil
}

// openFile turns concrete results into the interfaces that the screen uses.
type openFile struct {
	*dataset.Dataset
	tokenizer *artifact.Tokenizer // nil when there is none
	failed    error               // why there is none
}

func (f *openFile) Prompt(ctx context.Context, row int64, format string, maxLength int) (dataset.Prompt, error) {
	switch {
	case f.failed != nil:
		return dataset.Prompt{}, f.failed
	case f.tokenizer == nil:
		return dataset.Prompt{}, ErrNoTokenizer
	}
	return f.Dataset.Prompt(ctx, row, format, f.tokenizer, maxLength)
}

func (f *openFile) BadRows(ctx context.Context) RowList { return f.Dataset.Unusable(ctx) }

// A nil *dataset.List must not become a RowList.
func list(l *dataset.List, err error) (RowList, error) {
	if err != nil {
		return nil, err
	}
	return l, nil
}

func (f *openFile) Search(ctx context.Context, q dataset.Query) (RowList, error) {
	return list(f.Dataset.Search(ctx, q))
}

func (f *openFile) Filter(ctx context.Context, expr string) (RowList, error) {
	return list(f.Dataset.Filter(ctx, expr))
}

func (f *openFile) ViewOf(rows []int64) RowList { return f.Dataset.ViewOf(rows) }

func (f *openFile) Profile(ctx context.Context, o dataset.ProfileOptions) RowProfile {
	return f.Dataset.Profile(ctx, o)
}

// Render returns what a model is shown of a row and what it has to answer.
func (*Files) Render(r dataset.Row, format string) (prompt, completion string, err error) {
	return dataset.Render(r, format)
}

// Prepare writes the splits of a file.
func (f *Files) Prepare(ctx context.Context, path string, o dataset.PrepareOptions, progress func(dataset.Progress)) (dataset.Manifest, error) {
	o.Open.Objects = f.Objects
	if t, name, _ := f.tokenizer(); t != nil {
		o.Open.Tokens = dataset.TokensOf(t, name)
	}
	return dataset.Prepare(ctx, path, o, progress)
}

// Sample is the path of the dataset that comes with the program.
func (*Files) Sample() string { return dataset.Sample() }

// WriteRecipe keeps a recipe as a file.
func (*Files) WriteRecipe(path string, r dataset.RecipeFile) error { return r.Write(path) }
