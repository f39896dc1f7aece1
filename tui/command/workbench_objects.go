package command

import (
	"context"
	"errors"
	"sync"

	"tunebench/backend/dataset"
	"tunebench/backend/dataset/objectstore"
)

// screenObjects opens s3:// paths with the account of the screen, which is
// opened after the first frame.
type screenObjects struct {
	mu    sync.Mutex
	store *objectstore.Store
}

var errNoAccount = errors.New("the account is not open yet, so S3 cannot be read; try again when the header names it")

func (s *screenObjects) use(store *objectstore.Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store = store
}

func (s *screenObjects) get() (*objectstore.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store == nil {
		return nil, errNoAccount
	}
	return s.store, nil
}

// Open implements dataset.Objects.
func (s *screenObjects) Open(ctx context.Context, uri string) (dataset.Object, error) {
	store, err := s.get()
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, uri)
}

// List implements dataset.Objects.
func (s *screenObjects) List(ctx context.Context, prefix string) ([]string, error) {
	store, err := s.get()
	if err != nil {
		return nil, err
	}
	return store.List(ctx, prefix)
}
