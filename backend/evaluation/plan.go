package evaluation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
)

// plan is a run's dataset and the rows of it that are used, in order.
type plan struct {
	data *dataset.Dataset // nil when the rows are in examples
	rows []int64
	hash string // SHA-256 of the dataset
	// examples are the rows, and outputs what each model has answered to them,
	// where FMEval's way of reading is used.
	examples []dataset.Example
	outputs  [][]*string
	// order is the one in which examples are taken, and gate how many of them may
	// be, where answers are voted on.
	order []int
	gate  *gate
}

func (p *plan) close() error {
	if p.data == nil {
		return nil
	}
	return p.data.Close()
}

// openPlan opens the dataset of a run. The same file and spec give the same
// rows.
func (s *Service) openPlan(ctx context.Context, spec Spec, st *suite) (*plan, error) {
	p, err := s.readPlan(ctx, spec, st)
	if err != nil || !st.needsLabels() {
		return p, err
	}
	labels := map[string]bool{}
	err = p.each(ctx, func(int) bool { return true }, func(_ int, e dataset.Example) error {
		labels[strings.Clone(e.Answer)] = true
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	st.setLabels(slices.Sorted(maps.Keys(labels)))
	return p, nil
}

func (s *Service) readPlan(ctx context.Context, spec Spec, st *suite) (*plan, error) {
	if spec.FMEval != nil || len(spec.Outputs) > 0 {
		p, err := s.loadPlan(ctx, spec, st)
		if err == nil && spec.Voting {
			p.arrange(spec.Seed)
		}
		return p, err
	}
	if spec.Voting && strings.EqualFold(filepath.Ext(spec.Dataset), ".txt") {
		return promptsPlan(ctx, spec)
	}
	d, err := dataset.Open(ctx, spec.Dataset, dataset.OpenOptions{Objects: s.cfg.Objects})
	if err != nil {
		return nil, err
	}
	p := &plan{data: d}
	err = p.fill(ctx, spec)
	if err == nil && spec.Voting {
		return p, errors.Join(p.shuffle(ctx, spec), d.Close())
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return p, nil
}

func (p *plan) fill(ctx context.Context, spec Spec) (err error) {
	if err := p.data.Usable(); err != nil && !(spec.Voting && p.prompts()) {
		return err
	}
	if err := p.data.WaitIndexed(ctx); err != nil {
		return err
	}
	n := p.data.Info().Rows
	if n == 0 {
		return fmt.Errorf("the dataset %s has no rows", safetext.Line(spec.Dataset))
	}
	p.rows = make([]int64, n)
	for i := range p.rows {
		p.rows[i] = int64(i)
	}
	if limit := int64(spec.Limit); limit > 0 && limit < n {
		// A sample rather than the first rows: files are often sorted.
		r := rand.New(rand.NewPCG(spec.Seed, 0x7475_6e65))
		r.Shuffle(len(p.rows), func(i, j int) { p.rows[i], p.rows[j] = p.rows[j], p.rows[i] })
		p.rows = p.rows[:limit]
		slices.Sort(p.rows)
	}
	p.hash, err = p.sum(ctx, spec.Dataset)
	return err
}

// sum is the SHA-256 of the file. Data that comes with the program, or lies in S3, is
// no file: there it is that of its rows.
func (p *plan) sum(ctx context.Context, path string) (string, error) {
	h := sha256.New()
	if named(path) {
		err := p.data.Examples(ctx, 0, func(e dataset.Example) error {
			for _, part := range []string{e.ID, e.System, e.Question, e.Answer, e.Category} {
				fmt.Fprintf(h, "%d:%s", len(part), part)
			}
			return nil
		})
		return hex.EncodeToString(h.Sum(nil)), err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the dataset: %w", err)
	}
	defer f.Close()
	if _, err := io.Copy(h, contextReader{ctx, f}); err != nil {
		return "", fmt.Errorf("read the dataset %s: %w", safetext.Line(path), err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// each calls f with every row of the plan that wanted accepts, in order.
func (p *plan) each(ctx context.Context, wanted func(pos int) bool, f func(pos int, e dataset.Example) error) error {
	if p.data == nil {
		for i := range p.examples {
			pos := i
			if p.order != nil {
				pos = p.order[i]
			}
			if err := p.gate.wait(ctx, i); err != nil {
				return err
			}
			e := p.examples[pos]
			if !wanted(pos) {
				continue
			}
			if err := f(pos, e); err != nil {
				return err
			}
		}
		return nil
	}
	pos := 0
	return p.data.Examples(ctx, p.rows[0], func(e dataset.Example) error {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if pos == len(p.rows) {
			return io.EOF
		}
		if e.Index != p.rows[pos] {
			return nil
		}
		pos++
		if !wanted(pos - 1) {
			return nil
		}
		return f(pos-1, e)
	})
}
