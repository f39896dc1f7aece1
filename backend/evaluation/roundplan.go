package evaluation

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"

	"tunebench/backend/dataset"
	"tunebench/backend/safetext"
)

// gate holds rows back until somebody wants them. nil holds nothing back.
type gate struct {
	mu     sync.Mutex
	limit  int           // rows that may be taken
	opened chan struct{} // closed when limit grows
}

func newGate() *gate { return &gate{opened: make(chan struct{})} }

// open lets the first n rows through.
func (g *gate) open(n int) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if n > g.limit {
		g.limit = n
		close(g.opened)
		g.opened = make(chan struct{})
	}
}

// wait returns when the i-th row may be taken, or ctx has ended.
func (g *gate) wait(ctx context.Context, i int) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if g == nil {
			return nil
		}
		g.mu.Lock()
		limit, opened := g.limit, g.opened
		g.mu.Unlock()
		if i < limit {
			return nil
		}
		select {
		case <-opened:
		case <-ctx.Done():
		}
	}
}

// prompts reports whether a dataset has questions and no answers at all.
func (p *plan) prompts() bool {
	m := p.data.Info().Mapping
	return m.Question != "" && m.Answer == ""
}

// mostVoted is the most rows of a round: they are held in memory.
const mostVoted = 10_000

// shuffle reads the rows of a plan and takes them in an order that depends on
// nothing but the seed and their number: a round that is left early is a sample
// of the whole.
func (p *plan) shuffle(ctx context.Context, spec Spec) error {
	if len(p.rows) > mostVoted {
		return fmt.Errorf("a round has %d rows at most; name fewer of the %d", mostVoted, len(p.rows))
	}
	prompts := p.prompts()
	var examples []dataset.Example
	all := func(int) bool { return true }
	if err := p.each(ctx, all, func(_ int, e dataset.Example) error {
		if prompts && e.Question != "" {
			e.Err = "" // only the answer is missing
		}
		examples = append(examples, e)
		return nil
	}); err != nil {
		return err
	}
	p.examples, p.data = examples, nil
	p.arrange(spec.Seed)
	return nil
}

// arrange sets the order in which rows are taken.
func (p *plan) arrange(seed uint64) {
	p.order, p.gate = shuffled(len(p.examples), seed), newGate()
}

// shuffled are the numbers below n in an order that the seed decides.
func shuffled(n int, seed uint64) []int {
	return rand.New(rand.NewPCG(seed, 0x766f_7465)).Perm(n)
}

// longestPrompts is the most bytes of a file of prompts.
const longestPrompts = 64 << 20

// promptsPlan reads a text file with a prompt on each line.
func promptsPlan(ctx context.Context, spec Spec) (*plan, error) {
	f, err := os.Open(spec.Dataset)
	if err != nil {
		return nil, fmt.Errorf("read the prompts: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	lines := bufio.NewScanner(io.TeeReader(contextReader{ctx, io.LimitReader(f, longestPrompts+1)}, h))
	lines.Buffer(nil, 4<<20)
	p := &plan{}
	read := 0
	for i := int64(0); lines.Scan(); i++ {
		read += len(lines.Bytes()) + 1
		if text := strings.TrimSpace(lines.Text()); text != "" {
			p.examples = append(p.examples, dataset.Example{Index: i, Question: strings.ToValidUTF8(text, "\uFFFD")})
		}
	}
	switch {
	case lines.Err() != nil:
		return nil, fmt.Errorf("read the prompts of %s: %w", safetext.Line(spec.Dataset), lines.Err())
	case read > longestPrompts:
		return nil, fmt.Errorf("%s is longer than %d MiB; take a part of it", safetext.Line(spec.Dataset), longestPrompts>>20)
	case len(p.examples) == 0:
		return nil, fmt.Errorf("there is no prompt in %s; it needs one on each line", safetext.Line(spec.Dataset))
	}
	if spec.Limit > 0 && spec.Limit < len(p.examples) {
		some := shuffled(len(p.examples), spec.Seed+1)[:spec.Limit]
		slices.Sort(some)
		for i, k := range some {
			p.examples[i] = p.examples[k]
		}
		p.examples = p.examples[:spec.Limit]
	}
	if len(p.examples) > mostVoted {
		return nil, fmt.Errorf("a round has %d rows at most; name fewer of the %d", mostVoted, len(p.examples))
	}
	for _, e := range p.examples {
		p.rows = append(p.rows, e.Index)
	}
	p.hash = hex.EncodeToString(h.Sum(nil))
	p.arrange(spec.Seed)
	return p, nil
}

// example is a row that is not answered yet.
func (v *Voting) example(row int64) (dataset.Example, bool) {
	p := v.live.plan
	i, ok := slices.BinarySearch(p.rows, row)
	if !ok || i >= len(p.examples) {
		return dataset.Example{}, false
	}
	return p.examples[i], true
}
