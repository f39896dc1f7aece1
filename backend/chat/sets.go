package chat

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tunebench/backend/safetext"
)

// setsKey is where the sets of an account's models are kept.
func (s *Service) setsKey() string { return "chat.sets." + s.cfg.AccountName }

// Sets are the sets of models that were saved, by name: models as users name them.
func (s *Service) Sets(ctx context.Context) (map[string][]string, error) {
	raw, err := s.cfg.Store.Pref(ctx, s.setsKey(), "{}")
	if err != nil {
		return nil, err
	}
	sets := map[string][]string{}
	if err := json.Unmarshal([]byte(raw), &sets); err != nil {
		return nil, fmt.Errorf("read the sets of models: %w", err)
	}
	return sets, nil
}

// SaveSet keeps a set of models under a name, in place of one that has it; no
// models remove it.
func (s *Service) SaveSet(ctx context.Context, name string, refs []string) error {
	if name = safetext.Line(name); strings.TrimSpace(name) == "" {
		return fmt.Errorf("a set of models needs a name")
	}
	sets, err := s.Sets(ctx)
	if err != nil {
		return err
	}
	if len(refs) == 0 {
		delete(sets, name)
	} else {
		sets[name] = refs
	}
	raw, err := json.Marshal(sets)
	if err != nil {
		return fmt.Errorf("keep the set %s: %w", name, err)
	}
	return s.cfg.Store.SetPref(ctx, s.setsKey(), string(raw))
}

// SetNames are the names of sets, sorted.
func SetNames(sets map[string][]string) []string { return slices.Sorted(maps.Keys(sets)) }
