// Package profile sums up what the rows of a dataset are like: how long, in
// which languages, from which sub-mixes, how often repeated, and which of them
// look wrong.
//
// It belongs here if it counts over rows. Where rows come from does not, nor
// what a single text is like (traits).
package profile

import (
	"maps"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"tunebench/backend/dataset/traits"
)

// Row is one row as a profile looks at it.
type Row struct {
	Index                                  int64
	ID, System, Question, Answer, Category string
	// Columns holds every column's text, in the order of Profile.Missing's keys.
	Columns []string
	// Err is set when the row cannot be used.
	Err string
	// Tokens is the number of tokens of the rendered row.
	Tokens int
}

// Lengths is a histogram of lengths, kept in steps of at most 1/16.
type Lengths struct {
	Count, Sum, Min, Max int64
	buckets              map[int]int64
}

func bucket(n int64) int {
	if n < 32 {
		return int(n)
	}
	e := bits.Len64(uint64(n)) - 5
	return e*16 + int(n>>e)
}

// floor is the smallest length of a bucket.
func floor(b int) int64 {
	if b < 32 {
		return int64(b)
	}
	e := b/16 - 1
	return int64(b-e*16) << e
}

// Add counts one length.
func (l *Lengths) Add(n int) {
	if l.buckets == nil {
		l.buckets = map[int]int64{}
	}
	v := int64(n)
	if l.Count == 0 || v < l.Min {
		l.Min = v
	}
	l.Max = max(l.Max, v)
	l.Count++
	l.Sum += v
	l.buckets[bucket(v)]++
}

// Merge adds what another one has counted.
func (l *Lengths) Merge(o Lengths) {
	if o.Count == 0 {
		return
	}
	if l.buckets == nil {
		l.buckets = map[int]int64{}
	}
	if l.Count == 0 || o.Min < l.Min {
		l.Min = o.Min
	}
	l.Max = max(l.Max, o.Max)
	l.Count += o.Count
	l.Sum += o.Sum
	for b, n := range o.buckets {
		l.buckets[b] += n
	}
}

// Mean is the mean length, 0 for none.
func (l *Lengths) Mean() float64 {
	if l.Count == 0 {
		return 0
	}
	return float64(l.Sum) / float64(l.Count)
}

// Percentile is the length that the fraction p of all do not exceed, exact to
// 1/16.
func (l *Lengths) Percentile(p float64) int64 {
	want := int64(p*float64(l.Count) + 0.5)
	var seen int64
	for _, b := range slices.Sorted(maps.Keys(l.buckets)) {
		if seen += l.buckets[b]; seen >= max(want, 1) {
			return min(max(floor(b+1)-1, l.Min), l.Max)
		}
	}
	return l.Max
}

// Over estimates how many are longer than n.
func (l *Lengths) Over(n int64) int64 {
	var over int64
	for b, c := range l.buckets {
		switch lo, hi := floor(b), floor(b+1); {
		case lo > n:
			over += c
		case hi-1 > n: // n stands in the bucket; its lengths are taken as spread evenly
			over += c * (hi - 1 - n) / (hi - lo)
		}
	}
	return over
}

// Bar is one bar of a histogram: how many lengths are From to To (including it).
type Bar struct {
	From, To, Count int64
}

// Bars draws the histogram in n bars of the same width, up to the 99.5th
// percentile; the last bar holds what is longer.
func (l *Lengths) Bars(n int) []Bar {
	if l.Count == 0 || n <= 0 {
		return nil
	}
	top := max(l.Percentile(0.995), l.Min)
	step := (top-l.Min)/int64(n) + 1
	out := make([]Bar, n)
	for i := range out {
		out[i] = Bar{From: l.Min + int64(i)*step, To: l.Min + int64(i+1)*step - 1}
	}
	out[n-1].To = max(out[n-1].To, l.Max)
	for b, c := range l.buckets {
		mid := min(max((floor(b)+floor(b+1)-1)/2, l.Min), l.Max)
		out[min((mid-l.Min)/step, int64(n-1))].Count += c
	}
	return out
}

// Class is a group of rows that look wrong, or are alike.
type Class struct {
	Rows int64
	// Examples are the first of them, at most MaxExamples.
	Examples []int64
}

// MaxExamples bounds the rows of a class that are kept.
const MaxExamples = 10_000

func (c *Class) add(row int64) {
	c.Rows++
	if len(c.Examples) < MaxExamples {
		c.Examples = append(c.Examples, row)
	}
}

// Names of the classes of rows that look wrong; keys of Profile.Suspicious.
const (
	Unreadable     = "unreadable"
	EmptyQuestion  = "empty question"
	EmptyAnswer    = "empty answer"
	Refusals       = "refusal"
	DamagedText    = "damaged text"
	AnswerInPrompt = "answer in the question"
	Repeated       = "repeated row"
	NearlyRepeated = "nearly repeated row"
	SameQuestion   = "same question, another answer"
	TooLong        = "longer than the sequence"
	Leaked         = "also in the evaluation file"
)

// Classes lists the classes in the order in which they should be shown.
var Classes = []string{Unreadable, EmptyQuestion, EmptyAnswer, DamagedText, AnswerInPrompt, Refusals, Repeated, NearlyRepeated, SameQuestion, TooLong, Leaked}

// Profile is what is known of the rows that were looked at.
type Profile struct {
	Rows int64
	// Columns are the columns and Missing counts, for each, the rows where it is
	// missing or blank.
	Columns []string
	Missing []int64
	// Lengths in characters.
	System, Question, Answer Lengths
	// Tokens of the rendered row; TokenCounter says whose, TokensExact whether
	// they are the tokenizer's.
	Tokens       Lengths
	TokenCounter string
	TokensExact  bool
	// MaxTokens is the sequence length that TooLong is about; 0 for none.
	MaxTokens int
	// Mixes counts the rows by the part of the id before its first dot (OpenOrca's
	// flan, niv, cot, t0), or by category where ids have none.
	Mixes    map[string]int64
	mixNames map[string]string
	// Languages counts the questions by language; every row up to 10,000, then
	// every tenth.
	Languages map[string]int64
	// Answers counts the answers by their sort.
	Answers map[string]int64
	// Suspicious holds the rows that look wrong, by class.
	Suspicious map[string]*Class
	// NearRows is among how many rows near repetitions were looked for.
	NearRows int64
}

// New returns an empty profile of a dataset with these columns.
func New(columns []string) *Profile {
	return &Profile{Columns: columns, Missing: make([]int64, len(columns)), Mixes: map[string]int64{}, Languages: map[string]int64{}, Answers: map[string]int64{}, Suspicious: map[string]*Class{}}
}

// maxMixes bounds the number of sub-mixes; the rest counts as "other".
const maxMixes = 200

// MixOf names the sub-mix of a row.
func MixOf(id, category string) string {
	if i := strings.IndexByte(id, '.'); i > 0 && i <= 24 {
		return id[:i]
	}
	return category
}

// Suspect puts a row into a class.
func (p *Profile) Suspect(class string, row int64) {
	c := p.Suspicious[class]
	if c == nil {
		c = &Class{}
		p.Suspicious[class] = c
	}
	c.add(row)
}

// Add looks at one row. The row's text is not kept.
func (p *Profile) Add(r Row) {
	p.Rows++
	if r.Err != "" {
		p.Suspect(Unreadable, r.Index)
		return
	}
	for i, c := range r.Columns {
		if strings.TrimSpace(c) == "" && i < len(p.Missing) {
			p.Missing[i]++
		}
	}
	p.System.Add(utf8.RuneCountInString(r.System))
	p.Question.Add(utf8.RuneCountInString(r.Question))
	p.Answer.Add(utf8.RuneCountInString(r.Answer))
	p.Tokens.Add(r.Tokens)
	if p.MaxTokens > 0 && r.Tokens > p.MaxTokens {
		p.Suspect(TooLong, r.Index)
	}
	p.Mixes[p.mixName(MixOf(r.ID, r.Category))]++
	if r.Index < 10_000 || r.Index%10 == 0 {
		p.Languages[traits.Language(r.Question)]++
	}
	kind := traits.Answer(r.Answer)
	p.Answers[kind]++
	switch kind {
	case traits.Empty:
		p.Suspect(EmptyAnswer, r.Index)
	case traits.Declined:
		p.Suspect(Refusals, r.Index)
	}
	if strings.TrimSpace(r.Question) == "" {
		p.Suspect(EmptyQuestion, r.Index)
	}
	if traits.Damaged(r.Question) || traits.Damaged(r.Answer) || traits.Damaged(r.System) {
		p.Suspect(DamagedText, r.Index)
	}
	if traits.Given(r.Question, r.Answer) {
		p.Suspect(AnswerInPrompt, r.Index)
	}
}

// mixName is the name of a mix as a string that lasts. A map takes over the string
// that a key is given as, also when the key is there already: a row's own text
// must not become one.
func (p *Profile) mixName(mix string) string {
	if name, ok := p.mixNames[mix]; ok {
		return name
	}
	if len(p.Mixes) >= maxMixes {
		return "other"
	}
	if p.mixNames == nil {
		p.mixNames = map[string]string{}
	}
	name := strings.Clone(mix)
	p.mixNames[name] = name
	return name
}

// Merge adds the profile of rows that follow.
func (p *Profile) Merge(o *Profile) {
	p.Rows += o.Rows
	for i, n := range o.Missing {
		p.Missing[i] += n
	}
	p.System.Merge(o.System)
	p.Question.Merge(o.Question)
	p.Answer.Merge(o.Answer)
	p.Tokens.Merge(o.Tokens)
	for _, m := range []struct{ to, from map[string]int64 }{{p.Mixes, o.Mixes}, {p.Languages, o.Languages}, {p.Answers, o.Answers}} {
		for k, n := range m.from {
			m.to[k] += n
		}
	}
	for name, c := range o.Suspicious {
		to := p.Suspicious[name]
		if to == nil {
			to = &Class{}
			p.Suspicious[name] = to
		}
		to.Rows += c.Rows
		to.Examples = append(to.Examples, c.Examples[:min(len(c.Examples), MaxExamples-min(len(to.Examples), MaxExamples))]...)
	}
}

// Clone returns a copy that does not change any more.
func (p *Profile) Clone() *Profile {
	c := New(p.Columns)
	c.TokenCounter, c.TokensExact, c.MaxTokens, c.NearRows = p.TokenCounter, p.TokensExact, p.MaxTokens, p.NearRows
	c.Merge(p)
	return c
}
