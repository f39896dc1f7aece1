package modelimport

import (
	"slices"
	"strings"
	"testing"

	"tunebench/backend/artifact"
	"tunebench/backend/artifact/corpus"
)

// good are the layouts that an import takes.
var good = map[string]corpus.Layout{
	"Mistral, tied, one file":     {Tied: true},
	"Mistral, untied, one file":   {},
	"Mistral, tied, three shards": {Tied: true, Shards: 3},
	"Mistral, untied, two shards": {Shards: 2},
	"Mistral, float32":            {DType: artifact.F32},
	"Llama, tied, one file":       {Llama: true, Tied: true},
	"Llama, untied, three shards": {Llama: true, Shards: 3},
}

// found returns the checks of an artifact that neither pass nor could not be
// made.
func found(t *testing.T, s *Service, f corpus.Files) (Report, []Check) {
	t.Helper()
	dir := t.TempDir()
	if err := f.Write(dir); err != nil {
		t.Fatal(err)
	}
	r, err := s.Check(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var bad []Check
	for _, c := range r.Checks {
		if c.Result == Blocks || c.Result == Warning {
			bad = append(bad, c)
		}
	}
	return r, bad
}

func TestGoodArtifacts(t *testing.T) {
	s := service(t, nil)
	for name, l := range good {
		if r, bad := found(t, s, corpus.Make(l)); !r.Importable || len(bad) > 0 {
			t.Errorf("%s: %+v", name, bad)
		}
	}
}

// TestBrokenArtifacts: each fault is found by its check and by no other, with
// evidence and a remedy.
func TestBrokenArtifacts(t *testing.T) {
	s := service(t, nil)
	names := map[string]bool{}
	result := map[string][]Result{}
	for _, c := range corpus.Broken() {
		if names[c.Name] {
			t.Errorf("two cases are named %q", c.Name)
		}
		names[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			want := Warning
			if c.Blocks {
				want = Blocks
			}
			r, bad := found(t, s, c.Make())
			if r.Importable == c.Blocks {
				t.Errorf("importable is %v", r.Importable)
			}
			if len(bad) != 1 || bad[0].ID != c.Check || bad[0].Result != want || !strings.Contains(bad[0].Evidence, c.Says) || bad[0].Remedy == "" {
				t.Errorf("want %s from %s that says %q; got %+v", want, c.Check, c.Says, bad)
			}
			result[c.Check] = append(result[c.Check], want)
		})
	}
	if len(names) < 40 {
		t.Errorf("only %d broken artifacts", len(names))
	}
	// Every check of an artifact's content has a case.
	r, _ := found(t, s, corpus.Make(corpus.Layout{Shards: 2}))
	account := []string{"region", "location", "credentials", "one-at-a-time", "quota", "bucket-region", "role", "pass-role", "trained-format", "size"}
	for _, c := range r.Checks {
		if !slices.Contains(account, c.ID) && len(result[c.ID]) == 0 {
			t.Errorf("no broken artifact for the check %s", c.ID)
		}
	}
}
