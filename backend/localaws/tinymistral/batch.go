package tinymistral

import (
	"fmt"
	"math/rand/v2"
)

// Example is one sequence to learn from.
type Example struct {
	IDs []int32
	// AnswerStart is the first token that is learnt: the loss is taken on
	// IDs[AnswerStart:]. 1 means everything; smaller values mean 1.
	AnswerStart int
}

// Source hands out examples without end. A Trainer calls Next from one
// goroutine. An Example of fewer than two tokens means there are no more.
type Source interface {
	Next() Example
}

// dataSource goes through a fixed set of examples, in a new order each epoch.
type dataSource struct {
	data    []Example
	seed    uint64
	dropout float64 // TrainConfig.PromptDropout
	epoch   uint64
	order   []int
	rng     *rand.Rand
}

func (s *dataSource) Next() Example {
	if len(s.order) == 0 {
		s.epoch++
		s.rng = rand.New(rand.NewPCG(s.seed, s.epoch))
		s.order = s.rng.Perm(len(s.data))
	}
	e := s.data[s.order[0]]
	s.order = s.order[1:]
	return e.dropPrompt(s.dropout, s.rng)
}

// dropPrompt leaves out tokens of the prompt, a share that is drawn anew each
// time and is mean on average. The tokens that open the prompt (begin and
// [INST] in the default format) and the one before the answer stay.
func (e Example) dropPrompt(mean float64, rng *rand.Rand) Example {
	const opening = 2
	if mean <= 0 || e.AnswerStart <= opening+1 || e.AnswerStart > len(e.IDs) {
		return e
	}
	p := 2 * mean * rng.Float64()
	ids := make([]int32, opening, len(e.IDs))
	copy(ids, e.IDs)
	for _, id := range e.IDs[opening : e.AnswerStart-1] {
		if rng.Float64() >= p {
			ids = append(ids, id)
		}
	}
	start := len(ids) + 1
	return Example{IDs: append(ids, e.IDs[e.AnswerStart-1:]...), AnswerStart: start}
}

// cut shortens an example to what fits a row of seqLen inputs and reports
// whether something to learn is left. The last token is only a target.
func (e Example) cut(seqLen int) (Example, bool) {
	e.AnswerStart = max(e.AnswerStart, 1)
	if len(e.IDs) > seqLen+1 {
		e.IDs = e.IDs[:seqLen+1]
	}
	return e, len(e.IDs) > e.AnswerStart
}

// lookahead is how many examples may wait for a row with room for them.
const lookahead = 16

// packer fills rows with examples.
type packer struct {
	src          Source
	rows, seqLen int
	m            *Model
	waiting      []Example
	ended        bool
}

// next packs one step: rows of examples, first fit. No rows means the source
// has ended.
func (p *packer) next() ([][]Example, error) {
	rows := make([][]Example, p.rows)
	used := make([]int, p.rows)
	placed := 0
	place := func(e Example) bool {
		n := len(e.IDs) - 1
		for i := range rows {
			if used[i]+n <= p.seqLen {
				rows[i] = append(rows[i], e)
				used[i] += n
				placed++
				return true
			}
		}
		return false
	}
	var still []Example
	for _, e := range p.waiting {
		if !place(e) {
			still = append(still, e)
		}
	}
	unusable := 0
	for len(still) < lookahead && !p.ended {
		e := p.src.Next()
		if len(e.IDs) < 2 {
			p.ended = true
			break
		}
		if err := p.m.checkIDs(e.IDs); err != nil {
			return nil, fmt.Errorf("training example: %w", err)
		}
		e, ok := e.cut(p.seqLen)
		if !ok {
			if unusable++; unusable > 10000 {
				return nil, fmt.Errorf("training data: no answer begins within the first %d tokens in 10000 examples in a row; use longer rows", p.seqLen)
			}
			continue
		}
		if !place(e) {
			still = append(still, e)
		}
	}
	p.waiting = still
	if placed == 0 {
		return nil, nil
	}
	return rows, nil
}

// split lays rows out as one batch per shard: shard i gets a fixed range of rows.
func split(rows [][]Example, shards int) []batch {
	out := make([]batch, shards)
	for i := range out {
		for _, row := range rows[i*len(rows)/shards : (i+1)*len(rows)/shards] {
			for _, e := range row {
				out[i].add(e)
			}
		}
	}
	return out
}

func (b *batch) add(e Example) {
	n := len(e.IDs) - 1
	b.segs = append(b.segs, segment{off: len(b.ids), n: n})
	for i := range n {
		target := int32(-1)
		if i+1 >= e.AnswerStart {
			target = e.IDs[i+1]
			b.rows = append(b.rows, int32(len(b.ids)))
		}
		b.ids = append(b.ids, e.IDs[i])
		b.targets = append(b.targets, target)
	}
}
