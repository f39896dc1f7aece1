package dataset

import (
	"context"
	"fmt"
	"sync"

	"tunebench/backend/dataset/filter"
	"tunebench/backend/dataset/profile"
	"tunebench/backend/safetext"
)

// NearLimit is among how many rows near repetitions are looked for at most; 128
// bytes are kept for each.
const NearLimit = 1_500_000

// nearThreshold is how much two rows have in common to count as near
// repetitions.
const nearThreshold = 0.75

// repeats are the rows that repeat an earlier one.
type repeats struct {
	exact, question, near profile.Rows
	known                 kinds
	grown                 int // how often the dataset had grown
}

// kinds are kinds of repetitions.
type kinds struct{ exact, question, near bool }

// cover says whether the kinds hold all of those that are needed.
func (k kinds) cover(need kinds) bool {
	return (k.exact || !need.exact) && (k.question || !need.question) && (k.near || !need.near)
}

// repeatsFor returns what a filter needs to know of all rows, nil for nothing.
func (d *Dataset) repeatsFor(ctx context.Context, f *filter.Filter) (*repeats, error) {
	need := kinds{exact: f.Needs(filter.Duplicate), question: f.Needs(filter.SameQuestion), near: f.Needs(filter.NearDuplicate)}
	if need == (kinds{}) {
		return nil, nil
	}
	d.mu.Lock()
	known, grown := d.known, d.grown
	d.mu.Unlock()
	if known != nil && known.grown == grown && known.known.cover(need) {
		return known, nil
	}
	if known != nil && known.grown == grown { // they are all found in one pass
		need = kinds{need.exact || known.known.exact, need.question || known.known.question, need.near || known.known.near}
	}
	p := &Profiling{d: d, o: ProfileOptions{Near: need.near, repeatsOnly: true}, find: need, changed: make(chan struct{}, 1)}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known, nil
}

// ProfileOptions say what a profile is to find out.
type ProfileOptions struct {
	// MaxTokens is the sequence length that rows are held against; 0 for none.
	MaxTokens int
	// Near looks for near repetitions.
	Near bool
	// Against is the path of an evaluation file; rows that ask one of its
	// questions are leaks. "" for none.
	Against string

	repeatsOnly bool
}

// Profiling is a profile that is being made. Its methods are safe for concurrent
// use.
type Profiling struct {
	d       *Dataset
	o       ProfileOptions
	find    kinds
	changed chan struct{}
	stop    context.CancelFunc
	ended   chan struct{}

	mu    sync.Mutex
	p     *profile.Profile
	phase string
	done  bool
	err   error
}

// Profile starts a profile and returns at once; it ends with ctx, with Close or
// with the dataset.
func (d *Dataset) Profile(ctx context.Context, o ProfileOptions) *Profiling {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(d.run, cancel)
	p := &Profiling{d: d, o: o, find: kinds{exact: true, question: true, near: o.Near}, changed: make(chan struct{}, 1), stop: cancel, ended: make(chan struct{})}
	d.work.Go(func() {
		defer close(p.ended)
		defer cancel()
		defer stop()
		err := p.run(ctx)
		p.mu.Lock()
		p.done, p.err = true, err
		p.mu.Unlock()
		p.notify()
	})
	return p
}

func (p *Profiling) notify() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Changed is signalled when the profile covers more rows; signals coalesce.
func (p *Profiling) Changed() <-chan struct{} { return p.changed }

// Snapshot is the profile of the rows that were looked at so far, what is being
// done, and whether that is all; err says why it ended early. Names in it are
// clean.
func (p *Profiling) Snapshot() (prof *profile.Profile, phase string, done bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.p == nil {
		return profile.New(nil), p.phase, p.done, p.err
	}
	return p.p.Clone(), p.phase, p.done, p.err
}

// Wait waits until the profile is whole, or ctx ends.
func (p *Profiling) Wait(ctx context.Context) error {
	select {
	case <-p.ended:
		_, _, _, err := p.Snapshot()
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the work.
func (p *Profiling) Close() {
	p.stop()
	<-p.ended
}

// looked is what a piece of work found.
type looked struct {
	prof  *profile.Profile
	rows  []seenRow
	sigs  []profile.Signature // of those rows that have one, in their order
	pairs *spelledPairs       // what was found when nothing else was asked for
}

type seenRow struct {
	row            uint32
	pair, question uint64
	signed         bool
	leaked         bool
}

func (p *Profiling) run(ctx context.Context) error {
	d := p.d
	var columns []string
	for _, c := range d.columns {
		columns = append(columns, safetext.Line(c))
	}
	prof := profile.New(columns)
	prof.TokenCounter, prof.TokensExact, prof.MaxTokens = d.tokens.Name, d.tokens.Exact, p.o.MaxTokens
	d.mu.Lock()
	rep := &repeats{known: p.find, grown: d.grown}
	d.mu.Unlock()
	p.mu.Lock()
	p.p, p.phase = prof, "reading rows"
	p.mu.Unlock()
	var leaks *profile.Set
	if p.o.Against != "" {
		var err error
		if leaks, err = questionsOf(ctx, p.o.Against); err != nil {
			return fmt.Errorf("the evaluation file: %w", err)
		}
	}
	var pairs, questions profile.Set
	var near profile.Near
	exact := p.exactOnly()
	pass := func(work func(func(func(*record)) error) (looked, error), take func(first, behind int64, l looked) error) error {
		return sweepAll(ctx, d, exact, work, take)
	}
	if !p.o.repeatsOnly { // what a profile says of a row names its number
		pass = func(work func(func(func(*record)) error) (looked, error), take func(first, behind int64, l looked) error) error {
			return sweep(ctx, d.rows, 0, func(ctx context.Context, lo, hi int64) (looked, error) {
				return work(func(f func(r *record)) error { return scanRange(ctx, d.rows, lo, hi, f) })
			}, func(_, hi int64, l looked) error { return take(0, hi, l) })
		}
	}
	look := func(scan func(func(*record)) error) (looked, error) { return p.look(scan, leaks) }
	used := sync.Pool{New: func() any { return &spelledPairs{m: &d.mapping} }}
	if exact {
		look = func(scan func(func(*record)) error) (looked, error) {
			s := used.Get().(*spelledPairs)
			return looked{pairs: s}, s.look(scan)
		}
		rows, _, _ := d.rows.status()
		pairs.Grow(int(min(rows, 1<<24))) // an estimate; the set grows when it is too small
	}
	err := pass(look, func(first, _ int64, l looked) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if s := l.pairs; s != nil {
			pairs.AddAll(s.hashes, func(i int) { rep.exact = append(rep.exact, uint32(first)+s.rows[i]) })
			used.Put(s)
		}
		if l.prof != nil {
			prof.Merge(l.prof)
		}
		for i := range l.rows {
			r := &l.rows[i]
			r.row += uint32(first)
			newPair := !p.find.exact || pairs.Add(r.pair)
			newQuestion := !p.find.question || questions.Add(r.question)
			switch {
			case !newPair:
				rep.exact = append(rep.exact, r.row)
				if !newQuestion {
					rep.question = append(rep.question, r.row)
				}
				prof.Suspect(profile.Repeated, int64(r.row))
			case !newQuestion:
				rep.question = append(rep.question, r.row)
				prof.Suspect(profile.SameQuestion, int64(r.row))
			}
			if r.leaked {
				prof.Suspect(profile.Leaked, int64(r.row))
			}
			if r.signed {
				if near.Len() < NearLimit {
					near.Add(r.row, l.sigs[0])
				}
				l.sigs = l.sigs[1:]
			}
		}
		p.notify()
		return nil
	})
	if err != nil {
		return err
	}
	if p.o.Near {
		p.mu.Lock()
		p.phase = "looking for near repetitions"
		p.mu.Unlock()
		p.notify()
		found := near.Pairs(nearThreshold, func() bool { return ctx.Err() != nil })
		if err := ctx.Err(); err != nil {
			return err
		}
		p.mu.Lock()
		prof.NearRows = int64(near.Len())
		for _, pair := range found {
			rep.near = append(rep.near, pair.Row)
			if !rep.exact.Has(pair.Row) {
				prof.Suspect(profile.NearlyRepeated, int64(pair.Row))
			}
		}
		p.mu.Unlock()
	}
	p.mu.Lock()
	p.phase = ""
	p.mu.Unlock()
	d.mu.Lock()
	d.known = rep
	d.mu.Unlock()
	return nil
}

// look goes over the rows that scan gives.
func (p *Profiling) look(scan func(f func(r *record)) error, leaks *profile.Set) (looked, error) {
	d := p.d
	var l looked
	if !p.o.repeatsOnly {
		l.prof = profile.New(make([]string, len(d.columns)))
		l.prof.MaxTokens = p.o.MaxTokens
	}
	values := make([]string, len(d.columns))
	var signer profile.Signer
	var buf []byte
	return l, scan(func(r *record) {
		e := d.mapping.example(r)
		if !p.o.repeatsOnly {
			clear(values)
			for i, f := range r.fields {
				at := i
				if at >= len(values) || d.columns[at] != f.name {
					at = indexOf(d.columns, f.name)
				}
				if at >= 0 {
					values[at] = f.value
				}
			}
			row := profile.Row{Index: r.index, ID: e.ID, System: e.System, Question: e.Question, Answer: e.Answer, Category: e.Category, Columns: values, Err: e.Err}
			if e.Err == "" {
				row.Tokens = d.tokens.Count(e.System) + d.tokens.Count(e.Question) + d.tokens.Count(e.Answer)
			}
			l.prof.Add(row)
		}
		if e.Err != "" {
			return
		}
		s := seenRow{row: uint32(r.index)}
		if p.find.exact {
			s.pair = pairHash(e.Question, e.Answer)
		}
		if p.find.question || leaks != nil {
			buf = normal(e.Question, buf)
			s.question = hashOf(view(buf))
			s.leaked = leaks != nil && leaks.Has(s.question)
		}
		if p.find.near {
			var sig profile.Signature
			if sig, s.signed = signer.Sign(e.Question, e.Answer); s.signed {
				l.sigs = append(l.sigs, sig)
			}
		}
		l.rows = append(l.rows, s)
	})
}

// exactOnly says that nothing is asked for but exact repetitions, and that a row's
// spelling tells them.
func (p *Profiling) exactOnly() bool {
	return p.o.repeatsOnly && p.o.Against == "" && p.find == kinds{exact: true} && p.d.spelled()
}

func indexOf(list []string, s string) int {
	for i, x := range list {
		if x == s {
			return i
		}
	}
	return -1
}

// questionsOf returns hashes of the normal form of a file's questions.
func questionsOf(ctx context.Context, path string) (*profile.Set, error) {
	d, err := Open(ctx, path, OpenOptions{})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	if d.mapping.Question == "" && d.mapping.Messages == "" {
		return nil, d.Usable()
	}
	var set profile.Set
	var buf []byte
	err = d.rows.scan(ctx, 0, func(r *record) bool {
		if e := d.mapping.example(r); e.Question != "" {
			buf = normal(e.Question, buf)
			set.Add(hashOf(view(buf)))
		}
		return true
	})
	return &set, err
}
