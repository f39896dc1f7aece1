package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"tunebench/backend/dataset/filter"
	"tunebench/backend/dataset/profile"
)

// Ways to leave out repetitions; values of Recipe.Dedup.
const (
	DedupQuestion = ""     // rows with the system text and question of an earlier row
	DedupRow      = "row"  // rows whose answer is the same, too
	DedupNear     = "near" // rows with the same question, and rows that nearly repeat an earlier one
	DedupNone     = "none"
)

// Ways to choose rows; values of Recipe.SampleBy.
const (
	SampleRandom     = "" // any rows, the same ones each time
	SampleHead       = "head"
	SampleStratified = "stratified" // from every sub-mix its share
)

// Recipe says what happens to rows before they are split. It is kept in the
// manifest.
type Recipe struct {
	// Filter keeps the rows for which it holds; see the package filter.
	Filter string `json:"filter,omitempty"`
	// Trim takes blanks off both ends of the texts, LineEnds turns \r\n and \r
	// into \n, and Unescape decodes HTML entities such as &amp;.
	Trim     bool `json:"trim,omitempty"`
	LineEnds bool `json:"line_ends,omitempty"`
	Unescape bool `json:"unescape,omitempty"`
	// Dedup says which repetitions are left out.
	Dedup string `json:"dedup,omitempty"`
	// Against is the path of an evaluation file; rows that ask one of its
	// questions are left out.
	Against string `json:"against,omitempty"`
	// MaxQuestion and MaxAnswer leave out rows with longer texts (characters),
	// MaxTokens longer rows (tokens of all texts together); 0 for no limit.
	MaxQuestion int `json:"max_question,omitempty"`
	MaxAnswer   int `json:"max_answer,omitempty"`
	MaxTokens   int `json:"max_tokens,omitempty"`
	// Sample is how many rows are to be left; 0 for all.
	Sample   int64  `json:"sample,omitempty"`
	SampleBy string `json:"sample_by,omitempty"`
}

func (r Recipe) check() error {
	if !slices.Contains([]string{DedupQuestion, DedupRow, DedupNear, DedupNone}, r.Dedup) {
		return fmt.Errorf("the recipe's dedup is %q; it can be empty (same question), row, near or none", r.Dedup)
	}
	if !slices.Contains([]string{SampleRandom, SampleHead, SampleStratified}, r.SampleBy) {
		return fmt.Errorf("the recipe's sample_by is %q; it can be empty (random), head or stratified", r.SampleBy)
	}
	if min(int64(r.MaxQuestion), int64(r.MaxAnswer), int64(r.MaxTokens), r.Sample) < 0 {
		return errors.New("a limit of the recipe is negative; leave it out for no limit")
	}
	return nil
}

// cook carries out a recipe.
type cook struct {
	d        *Dataset
	recipe   Recipe
	filter   *filter.Filter
	rep      *repeats
	leaks    *profile.Set
	seed     uint64
	split    [3]float64
	progress func(Progress)

	total   int64
	dropped map[string]int
	used    sync.Pool // of *batch, so that its memory serves again
}

// cook checks a recipe and looks at the rows as a whole where it asks for that.
func (d *Dataset) cook(ctx context.Context, r Recipe, progress func(Progress)) (*cook, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	c := &cook{d: d, recipe: r, split: [3]float64{1, 0, 0}, progress: progress, dropped: map[string]int{}}
	near := r.Dedup == DedupNear
	if r.Filter != "" {
		f, err := filter.Parse(r.Filter, d.Schema())
		if err != nil {
			return nil, fmt.Errorf("the recipe's filter %q: %w", r.Filter, err)
		}
		c.filter = f
		if c.rep, err = d.repeatsFor(ctx, f); err != nil {
			return nil, err
		}
	}
	if near {
		progress(Progress{What: "looking for near repetitions"})
		f, err := filter.Parse(filter.NearDuplicate, filter.Schema{})
		if err == nil {
			c.rep, err = d.repeatsFor(ctx, f)
		}
		if err != nil {
			return nil, err
		}
	}
	if r.Against != "" {
		var err error
		if c.leaks, err = questionsOf(ctx, r.Against); err != nil {
			return nil, fmt.Errorf("the recipe's evaluation file: %w", err)
		}
	}
	return c, nil
}

// cooked is one row that is still in, its text in the batch's buffer.
type cooked struct {
	row      uint32
	from, to int
	key      uint64 // rows with the same one repeat each other
	pick     uint64 // the smallest are sampled
	mix      string
	split    uint8
}

type batch struct {
	text    []byte
	rows    []cooked
	total   int64
	dropped map[string]int
}

// errEnough ends a pass early.
var errEnough = errors.New("enough rows")

// run calls write with every row that is left, as a line of JSONL, and its
// split. Rows are read twice when a sample is drawn from all of them; nothing
// but hashes is kept in between.
func (c *cook) run(ctx context.Context, write func(row []byte, split uint8) error) error {
	limits := map[string]uint64{}
	sampling := c.recipe.Sample > 0 && c.recipe.SampleBy != SampleHead
	if sampling {
		var err error
		if limits, err = c.draw(ctx); err != nil {
			return err
		}
	}
	var left int64
	err := c.pass(ctx, "writing rows", func(b *batch, r *cooked) error {
		if sampling {
			if limit, ok := limits[c.stratum(r)]; !ok || r.pick > limit {
				c.dropped[DroppedSample]++
				return nil
			}
		}
		left++
		if err := write(b.text[r.from:r.to], r.split); err != nil {
			return err
		}
		if c.recipe.SampleBy == SampleHead && left == c.recipe.Sample {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		if err = c.d.WaitIndexed(ctx); err == nil {
			c.total, _, _ = c.d.rows.status()
			rest := c.total - left
			for why, n := range c.dropped {
				if why != LaterTurns {
					rest -= int64(n)
				}
			}
			if rest > 0 {
				c.dropped[DroppedSample] = int(rest)
			}
		}
	}
	return err
}

func (c *cook) stratum(r *cooked) string {
	if c.recipe.SampleBy == SampleStratified {
		return r.mix
	}
	return ""
}

// draw finds, for each stratum, the largest pick that is in the sample.
func (c *cook) draw(ctx context.Context) (map[string]uint64, error) {
	picks := map[string][]uint64{}
	all := int64(0)
	err := c.pass(ctx, "drawing a sample", func(_ *batch, r *cooked) error {
		s := c.stratum(r)
		if _, ok := picks[s]; !ok {
			s = strings.Clone(s)
		}
		picks[s] = append(picks[s], r.pick)
		all++
		return nil
	})
	if err != nil {
		return nil, err
	}
	type share struct {
		stratum string
		n       int64
		rest    int64
	}
	want := min(c.recipe.Sample, all)
	var shares []share
	given := int64(0)
	for s, p := range picks {
		n := want * int64(len(p)) / all
		given += n
		shares = append(shares, share{s, n, want * int64(len(p)) % all})
	}
	// The largest remainders get the rows that are left over.
	slices.SortFunc(shares, func(a, b share) int {
		if a.rest != b.rest {
			return int(b.rest - a.rest)
		}
		return strings.Compare(a.stratum, b.stratum)
	})
	limits := map[string]uint64{}
	for i, s := range shares {
		if int64(i) < want-given {
			s.n++
		}
		if s.n > 0 {
			p := picks[s.stratum]
			slices.Sort(p)
			limits[s.stratum] = p[s.n-1]
		}
	}
	return limits, nil
}

// pass goes over the rows once and calls f with those that are left.
func (c *cook) pass(ctx context.Context, what string, f func(b *batch, r *cooked) error) error {
	var seen profile.Set
	c.total = 0
	clear(c.dropped)
	err := sweep(ctx, c.d.rows, 0, c.batch, func(_, _ int64, b *batch) error {
		c.total += b.total
		for k, n := range b.dropped {
			c.dropped[k] += n
		}
		for i := range b.rows {
			r := &b.rows[i]
			switch {
			case c.recipe.Dedup != DedupNone && !seen.Add(r.key):
				c.dropped[DroppedDuplicate]++
				continue
			case c.recipe.Dedup == DedupNear && c.rep.near.Has(r.row):
				c.dropped[DroppedNear]++
				continue
			}
			if err := f(b, r); err != nil {
				return err
			}
		}
		b.text, b.rows, b.total = b.text[:0], b.rows[:0], 0
		clear(b.dropped)
		c.used.Put(b)
		n, exact, _ := c.d.rows.status()
		if !exact {
			n = 0
		}
		c.progress(Progress{What: what, Done: c.total, Total: n})
		return nil
	})
	if err != nil {
		return err
	}
	return c.d.WaitIndexed(ctx) // it knows of damage further on
}

// batch works on the rows lo to hi.
func (c *cook) batch(ctx context.Context, lo, hi int64) (*batch, error) {
	b, ok := c.used.Get().(*batch)
	if !ok {
		b = &batch{text: make([]byte, 0, chunkBlocks*blockSize*5/4), dropped: map[string]int{}}
	}
	fr := &filterRow{m: &c.d.mapping, tokens: c.d.tokens.Count, rep: c.rep}
	var norm, scratch []byte
	return b, scanRange(ctx, c.d.rows, lo, hi, func(r *record) {
		b.total++
		fr.reset(r)
		e := fr.example()
		if e.LaterTurns > 0 {
			b.dropped[LaterTurns] += e.LaterTurns
		}
		c.clean(e)
		if why := c.refuse(fr, e); why != "" {
			b.dropped[why]++
			return
		}
		split := c.split[0] < 1
		if split || c.leaks != nil {
			norm = normal(e.Question, norm)
		}
		if c.leaks != nil && c.leaks.Has(hashOf(view(norm))) {
			b.dropped[DroppedLeaked]++
			return
		}
		item := cooked{row: uint32(r.index), from: len(b.text), key: pairHash(e.System, e.Question)}
		if c.recipe.Dedup == DedupRow {
			item.key ^= hashOf(e.Answer) * 0x9e3779b97f4a7c15
		}
		if c.recipe.Sample > 0 {
			item.pick, scratch = pickOf(scratch, c.seed, e)
			item.mix = strings.Clone(profile.MixOf(e.ID, e.Category))
		}
		if split {
			scratch = append(scratch[:0], "........"...) // for the seed
			scratch = append(scratch, norm...)
			item.split = splitOf(scratch, c.seed, c.split)
		}
		b.text = appendRow(b.text, e)
		item.to = len(b.text)
		b.rows = append(b.rows, item)
	})
}

// clean changes the texts as the recipe says.
func (c *cook) clean(e *Example) {
	for _, s := range []*string{&e.System, &e.Question, &e.Answer} {
		if c.recipe.LineEnds && strings.IndexByte(*s, '\r') >= 0 {
			*s = strings.ReplaceAll(strings.ReplaceAll(*s, "\r\n", "\n"), "\r", "\n")
		}
		if c.recipe.Unescape && strings.IndexByte(*s, '&') >= 0 {
			*s = html.UnescapeString(*s)
		}
		if c.recipe.Trim {
			*s = strings.TrimSpace(*s)
		}
	}
}

// refuse says why a row is left out, "" when it is not.
func (c *cook) refuse(fr *filterRow, e *Example) string {
	switch {
	case e.Err != "":
		return DroppedUnreadable
	case strings.TrimSpace(e.Question) == "":
		return DroppedNoQuestion
	case strings.TrimSpace(e.Answer) == "":
		return DroppedNoAnswer
	case c.filter != nil && !c.filter.Match(fr):
		return DroppedFilter
	case over(e.Question, c.recipe.MaxQuestion), over(e.Answer, c.recipe.MaxAnswer):
		return DroppedLong
	case c.recipe.MaxTokens > 0 && fr.tokens(e.System)+fr.tokens(e.Question)+fr.tokens(e.Answer) > c.recipe.MaxTokens:
		return DroppedLong
	}
	return ""
}

func over(s string, limit int) bool {
	return limit > 0 && len(s) > limit && utf8.RuneCountInString(s) > limit
}

// pickOf ranks a row for sampling by what stands in it, so that the same rows
// are drawn from the same data on any machine.
func pickOf(buf []byte, seed uint64, e *Example) (uint64, []byte) {
	buf = binary.LittleEndian.AppendUint64(buf[:0], seed)
	for _, s := range []string{e.ID, e.System, e.Question, e.Answer} {
		buf = binary.AppendUvarint(buf, uint64(len(s)))
		buf = append(buf, s...)
	}
	h := sha256.Sum256(buf)
	return binary.BigEndian.Uint64(h[:]), buf
}
