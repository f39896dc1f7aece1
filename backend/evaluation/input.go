package evaluation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tunebench/backend/dataset"
	"tunebench/backend/evaluation/builtin"
	"tunebench/backend/safetext"
	"tunebench/metrics/fmevalio"
)

// named tells whether a dataset is named by other than a path of this machine: data
// that comes with the program, one of FMEval's, or an object in S3.
func named(path string) bool {
	return strings.HasPrefix(path, dataset.SamplePrefix) || strings.HasPrefix(path, builtin.Prefix) || strings.HasPrefix(path, "s3://")
}

// nameBuiltIn completes a run over one of FMEval's datasets: FMEval's locations,
// unless others are given, and its evaluation, unless one is named.
func nameBuiltIn(spec *Spec) error {
	if spec.Dataset == "" && spec.FMEval != nil {
		spec.Dataset = spec.FMEval.URI
	}
	b, ok, err := builtin.Find(spec.Dataset)
	if err != nil || !ok {
		return err
	}
	c := b.DataConfig
	if spec.FMEval != nil {
		c = c.Over(*spec.FMEval)
	}
	spec.Dataset, spec.FMEval = builtin.Prefix+b.Name, &c
	if len(spec.Metrics) == 0 {
		spec.Metrics = []string{b.Metric}
	}
	return usable(b)
}

func usable(b fmevalio.BuiltIn) error {
	if b.Why != "" {
		return fmt.Errorf("FMEval's dataset %s cannot be evaluated here: %s", b.Name, b.Why)
	}
	return nil
}

// Fetch brings a dataset here that has to be fetched before a run can begin, and
// does nothing for others. progress may be nil.
func (s *Service) Fetch(ctx context.Context, path string, progress func(dataset.Progress)) error {
	b, ok, err := builtin.Find(path)
	if err != nil || !ok {
		return err
	}
	if err := usable(b); err != nil {
		return err
	}
	_, err = s.fetch(ctx, b, progress)
	return err
}

func (s *Service) fetch(ctx context.Context, b fmevalio.BuiltIn, progress func(dataset.Progress)) (string, error) {
	if s.cfg.BuiltIn == nil {
		return "", errors.New("FMEval's own datasets cannot be fetched here; name a file")
	}
	return s.cfg.BuiltIn.Fetch(ctx, b, progress)
}

// readAll reads a file that FMEval's way of reading needs whole.
func (s *Service) readAll(ctx context.Context, path string) ([]byte, error) {
	b, ok, err := builtin.Find(path)
	if err != nil {
		return nil, err
	}
	if ok {
		if path, err = s.fetch(ctx, b, nil); err != nil {
			return nil, err
		}
	}
	switch {
	case strings.HasPrefix(path, dataset.SamplePrefix):
		return dataset.SampleFile(path)
	case strings.HasPrefix(path, "s3://"):
		return s.readObject(ctx, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the dataset: %w", err)
	}
	return text, nil
}

func (s *Service) readObject(ctx context.Context, uri string) ([]byte, error) {
	if s.cfg.Objects == nil {
		return nil, fmt.Errorf("%s cannot be read here: there is no account that could; copy the file to this machine first", safetext.Line(uri))
	}
	o, err := s.cfg.Objects.Open(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("read the dataset: %w", err)
	}
	text := make([]byte, o.Size())
	n, err := o.ReadAt(ctx, text, 0)
	if err != nil && (!errors.Is(err, io.EOF) || n < len(text)) {
		return nil, fmt.Errorf("read the dataset %s: %w", safetext.Line(uri), err)
	}
	return text, nil
}

// datasetPath makes the path of a dataset independent of the working folder. A
// folder that dataset prepare wrote stands for its test split.
func datasetPath(path string) (string, error) {
	if path == "" {
		return "", errors.New("a run needs a dataset: name a file with questions and reference answers")
	}
	if named(path) {
		return path, nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if st, err := os.Stat(abs); err == nil && st.IsDir() {
		return dataset.SplitFile(abs, dataset.Test), nil
	}
	return abs, nil
}
