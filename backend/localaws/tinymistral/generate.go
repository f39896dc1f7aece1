package tinymistral

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"tunebench/backend/artifact"
)

// Reasons for which a generation ends.
const (
	StopEnd       = "stop"          // the model ended its answer, or an id of StopIDs came
	StopLength    = "length"        // MaxTokens, or the context is full
	StopSequence  = "stop_sequence" // one of Stop came
	StopCancelled = "cancelled"     // the context was cancelled or emit failed
)

// maxTopLogProbs bounds GenerateOptions.TopLogProbs.
const maxTopLogProbs = 100

// GenerateOptions says how an answer is generated. The zero value is greedy and
// goes on until the model ends its answer or the context is full.
type GenerateOptions struct {
	MaxTokens   int     // 0 means as many as the context holds
	Temperature float64 // 0 means greedy
	TopP        float64 // 0 and 1 mean all tokens
	TopK        int     // 0 means all tokens
	Seed        uint64  // the same seed draws the same answer
	Stop        []string
	TopLogProbs int     // how many alternatives each Token lists
	StopIDs     []int32 // end the answer like the model's own end token
}

// TokenLogProb is a token and its natural log-probability before temperature
// and truncation.
type TokenLogProb struct {
	ID      int32
	Text    string
	LogProb float64
}

// Token is one generated token.
type Token struct {
	// ID is -1 for the last Token of an answer when that only carries text that
	// had been held back.
	ID int32
	// Text is what may be shown now. It is empty while a character is incomplete
	// or the text may become a stop sequence.
	Text    string
	LogProb float64
	Top     []TokenLogProb // most probable first; TopLogProbs of them
}

// Result sums up a generation.
type Result struct {
	Text             string
	PromptTokens     int
	CompletionTokens int // tokens handed to emit; the end token is not counted
	StopReason       string
	StopSequence     string // of Stop, when StopReason is StopSequence
}

// Generator generates text from one model: one request at a time, then the
// next. Use one per concurrent request.
type Generator struct {
	d       *decoder
	tok     *artifact.Tokenizer
	stream  *artifact.StreamDecoder
	sampler *sampler
	texts   []tokenText
	partial bool // the stream decoder may hold an incomplete character
	text    []byte
}

// tokenText caches what a token reads as, so that a token costs no allocation.
type tokenText struct {
	known, whole bool // whole: complete characters, whatever came before
	text         string
}

// NewGenerator makes a generator; t may be nil when only ids matter.
func NewGenerator(m *Model, t *artifact.Tokenizer) *Generator {
	g := &Generator{d: newDecoder(m), tok: t, sampler: newSampler(m.k, m.shape.vocab)}
	if t != nil {
		g.stream = t.NewDecoder()
		g.texts = make([]tokenText, m.shape.vocab)
	}
	return g
}

func (o GenerateOptions) validate() error {
	switch {
	case o.MaxTokens < 0:
		return fmt.Errorf("at most %d tokens: choose 0 or more", o.MaxTokens)
	case !(o.Temperature >= 0) || math.IsInf(o.Temperature, 0):
		return fmt.Errorf("temperature %g: choose 0 or more", o.Temperature)
	case !(o.TopP >= 0 && o.TopP <= 1):
		return fmt.Errorf("top-p %g: choose a fraction from 0 to 1", o.TopP)
	case o.TopK < 0:
		return fmt.Errorf("top-k %d: choose 0 or more", o.TopK)
	case o.TopLogProbs < 0 || o.TopLogProbs > maxTopLogProbs:
		return fmt.Errorf("%d alternatives per token: choose 0 to %d", o.TopLogProbs, maxTopLogProbs)
	}
	return nil
}

// Generate continues prompt and calls emit, unless it is nil, with every token
// as it comes. Cancelling ctx or an error from emit ends it with that error and
// what there is so far in Result.
func (g *Generator) Generate(ctx context.Context, prompt []int32, o GenerateOptions, emit func(Token) error) (Result, error) {
	m := g.d.m
	res := Result{PromptTokens: len(prompt)}
	if err := o.validate(); err != nil {
		return res, err
	}
	if len(prompt) == 0 {
		return res, errors.New("generate: the prompt is empty")
	}
	if len(prompt) >= m.shape.context {
		return res, fmt.Errorf("generate: the prompt has %d tokens, the model's context is %d; shorten the prompt", len(prompt), m.shape.context)
	}
	if err := m.checkIDs(prompt); err != nil {
		return res, fmt.Errorf("generate: %w", err)
	}
	g.d.pos, g.partial, g.text = 0, false, g.text[:0]
	if g.stream != nil {
		g.stream.Flush()
	}
	g.sampler.pcg.Seed(o.Seed, 0x74656d70)
	stop := newStopper(o.Stop)
	var err error
	res.StopReason, res.StopSequence, err = g.run(ctx, prompt, o, &stop, emit, &res.CompletionTokens)
	if err == nil && res.StopReason != StopSequence {
		err = g.finish(&stop, emit, &res)
	}
	if err != nil {
		res.StopReason = StopCancelled
	}
	res.Text = string(g.text)
	return res, err
}

// run generates until something ends the answer and says what.
func (g *Generator) run(ctx context.Context, prompt []int32, o GenerateOptions, stop *stopper, emit func(Token) error, count *int) (reason, hit string, err error) {
	m := g.d.m
	for p := prompt; len(p) > 0; {
		if err := ctx.Err(); err != nil {
			return "", "", err
		}
		n := min(len(p), prefillRows)
		g.d.prefill(p[:n], nil)
		p = p[n:]
	}
	for {
		if err := ctx.Err(); err != nil {
			return "", "", err
		}
		id := g.sampler.draw(g.d.logits, o.Temperature, o.TopP, o.TopK)
		if slices.Contains(m.eos, id) || slices.Contains(o.StopIDs, id) {
			return StopEnd, "", nil
		}
		show, hit := stop.push(g.read(id))
		g.text = append(g.text, show...)
		*count++
		if emit != nil {
			t := Token{ID: id, Text: show}
			sum := m.k.logSum(g.d.logits, g.sampler.p)
			t.LogProb = float64(g.d.logits[id]) - sum
			if o.TopLogProbs > 0 {
				t.Top = g.top(o.TopLogProbs, sum)
			}
			if err := emit(t); err != nil {
				return "", "", err
			}
		}
		if hit != "" {
			return StopSequence, hit, nil
		}
		if *count == o.MaxTokens || g.d.pos >= m.shape.context {
			return StopLength, "", nil
		}
		g.d.step(id)
	}
}

// finish hands out the text that was held back when the answer ended.
func (g *Generator) finish(stop *stopper, emit func(Token) error, res *Result) error {
	var show string
	if g.stream != nil {
		var hit string
		show, hit = stop.push(g.stream.Flush())
		if hit != "" {
			res.StopReason, res.StopSequence = StopSequence, hit
		}
	}
	show += stop.rest()
	if show == "" {
		return nil
	}
	g.text = append(g.text, show...)
	if emit == nil {
		return nil
	}
	return emit(Token{ID: -1, Text: show})
}

// read returns the text that id completes.
func (g *Generator) read(id int32) string {
	if g.tok == nil {
		return ""
	}
	t := g.lookup(id)
	if t.whole && !g.partial {
		return t.text
	}
	g.partial = !t.whole
	return g.stream.Next(id)
}

// lookup returns the cached text of a token.
func (g *Generator) lookup(id int32) *tokenText {
	t := &g.texts[id]
	if !t.known {
		alone := g.tok.NewDecoder()
		t.text = alone.Next(id)
		t.whole = alone.Flush() == "" && t.text != ""
		t.known = true
	}
	return t
}

// top returns the n most probable tokens.
func (g *Generator) top(n int, logSum float64) []TokenLogProb {
	logits := g.d.logits
	out := make([]TokenLogProb, 0, n+1)
	for id, v := range logits {
		lp := float64(v) - logSum
		if len(out) == n && lp <= out[n-1].LogProb {
			continue
		}
		at, _ := slices.BinarySearchFunc(out, lp, func(t TokenLogProb, lp float64) int {
			if t.LogProb >= lp {
				return -1
			}
			return 1
		})
		out = slices.Insert(out, at, TokenLogProb{ID: int32(id), LogProb: lp})
		out = out[:min(len(out), n)]
	}
	if g.tok != nil {
		for i := range out {
			out[i].Text = g.tok.Decode([]int32{out[i].ID})
		}
	}
	return out
}

// LogProbs returns the natural log-probability of each token of ids after the
// first, given the ones before it: len(ids)-1 values.
func (g *Generator) LogProbs(ids []int32) ([]float64, error) {
	m := g.d.m
	if len(ids) == 0 {
		return nil, errors.New("log-probabilities: there are no tokens")
	}
	if len(ids) > m.shape.context {
		return nil, fmt.Errorf("log-probabilities: %d tokens, the model's context is %d", len(ids), m.shape.context)
	}
	if err := m.checkIDs(ids); err != nil {
		return nil, fmt.Errorf("log-probabilities: %w", err)
	}
	out := make([]float64, 0, len(ids)-1)
	g.d.pos = 0
	for in, next := ids[:len(ids)-1], ids[1:]; len(in) > 0; {
		n := min(len(in), prefillRows)
		g.d.prefill(in[:n], func(row int, logits []float32) {
			out = append(out, float64(logits[next[row]])-m.k.logSum(logits, g.sampler.p))
		})
		in, next = in[n:], next[n:]
	}
	return out, nil
}
