package artifact

import (
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"
)

// Tokenizer is a BPE tokenizer as in Hugging Face's tokenizer.json, byte-level
// or in the style of SentencePiece as Mistral 7B's, or as in SentencePiece's own
// tokenizer.model.
// It is safe for use by several goroutines.
type Tokenizer struct {
	vocab       []string // spelling by id, "" for an id without token
	ids         map[string]int32
	bytes       [][]byte // what each id stands for
	byteID      [256]int32
	merges      [][2]string
	pairs       map[[2]int32]merge
	added       []addedToken // longest content first
	special     map[int32]bool
	bos, eos    int32
	prefixSpace bool
	ignoreMerge bool
	split       splitRule   // how byte-level BPE finds words
	spaces      *spaceRule  // nil for byte-level BPE
	near        *neighbours // where SentencePiece-style text can be cut, nil for nowhere
	literals    literals    // text that is a token wherever it stands
	raw         []byte      // the file this tokenizer was read from

	cache *wordCache
}

type merge struct{ rank, to int32 }

type addedToken struct {
	id      int32
	content string
	special bool
}

// VocabSize returns one more than the largest id.
func (t *Tokenizer) VocabSize() int { return len(t.vocab) }

// BOS returns the id of the token that begins a sequence, -1 when there is none.
func (t *Tokenizer) BOS() int32 { return t.bos }

// EOS returns the id of the token that ends an answer, -1 when there is none.
func (t *Tokenizer) EOS() int32 { return t.eos }

// ID returns the id of a token by its spelling in the vocabulary.
func (t *Tokenizer) ID(token string) (int32, bool) {
	id, ok := t.ids[token]
	return id, ok
}

// Token returns the spelling of a token in the vocabulary (in the byte-level
// alphabet), "" for an id that does not exist.
func (t *Tokenizer) Token(id int32) string {
	if id < 0 || int(id) >= len(t.vocab) {
		return ""
	}
	return t.vocab[id]
}

// Spelled returns the bytes that a token stands for, which need not be whole
// characters: "" for an id that does not exist.
func (t *Tokenizer) Spelled(id int32) string {
	if id < 0 || int(id) >= len(t.bytes) {
		return ""
	}
	return string(t.bytes[id])
}

// IsSpecial tells whether id is a special token, which Decode leaves out.
func (t *Tokenizer) IsSpecial(id int32) bool { return t.special[id] }

// Encode turns text into ids. Spellings of special tokens in the text stay
// ordinary text, so that content from outside can not forge them.
func (t *Tokenizer) Encode(text string) []int32 {
	return t.encode(nil, text, true)
}

// EncodeSpecial is Encode with the spellings of special tokens turned into
// their ids. Use it for text that was rendered by a prompt format or typed as
// a raw prompt.
func (t *Tokenizer) EncodeSpecial(text string) []int32 {
	var out []int32
	start := 0
	for at := 0; at < len(text); {
		id, n := t.addedAt(text[at:])
		if n == 0 {
			at++
			continue
		}
		out = t.encode(out, text[start:at], start == 0)
		out = append(out, id)
		at += n
		start = at
	}
	return t.encode(out, text[start:], start == 0)
}

func (t *Tokenizer) addedAt(s string) (int32, int) { return tokenAt(t.added, s) }

// tokenAt finds a token that s begins with, and its length.
func tokenAt(tokens []addedToken, s string) (int32, int) {
	for _, a := range tokens {
		if strings.HasPrefix(s, a.content) {
			return a.id, len(a.content)
		}
	}
	return 0, 0
}

// encode appends the ids of ordinary text. first says that no token stands
// before it.
func (t *Tokenizer) encode(out []int32, text string, first bool) []int32 {
	if text == "" {
		return out
	}
	if t.spaces != nil {
		out, _ = t.encodeLiterals(out, text, first, false)
		return out
	}
	out, _ = t.encodeBytes(out, text, false)
	return out
}

// whole returns the token that spells the whole word when the file asks for
// that to win over merges.
func (t *Tokenizer) whole(word string) []int32 {
	if !t.ignoreMerge || t.spaces != nil {
		return nil
	}
	var b strings.Builder
	for i := range len(word) {
		b.WriteRune(byteToRune[word[i]])
	}
	if id, ok := t.ids[b.String()]; ok {
		return []int32{id}
	}
	return nil
}

func (t *Tokenizer) byteIDs(word string) []int32 {
	ids := make([]int32, len(word))
	for i := range len(word) {
		ids[i] = t.byteID[word[i]]
	}
	return ids
}

// mergeShort applies the merges in order of rank. With p > 0 each possible
// merge is passed over with that probability, anew in every round.
func (t *Tokenizer) mergeShort(ids []int32, p float64, rng *rand.Rand) []int32 {
	for {
		best, at := merge{rank: 1<<31 - 1}, -1
		for i := 0; i+1 < len(ids); i++ {
			m, ok := t.pairs[[2]int32{ids[i], ids[i+1]}]
			if !ok || m.rank >= best.rank {
				continue
			}
			if p > 0 && rng.Float64() < p {
				continue
			}
			best, at = m, i
		}
		if at < 0 {
			return ids
		}
		ids[at] = best.to
		ids = slices.Delete(ids, at+1, at+2)
	}
}

// candidate is a merge that was possible when it was queued.
type candidate struct {
	rank, to    int32
	left, right int
	a, b        int32
}

// candidates is a heap with the best merge on top: container/heap without its
// conversions, which cost most of the time on a long word.
type candidates []candidate

func (c candidates) less(i, j int) bool {
	if c[i].rank != c[j].rank {
		return c[i].rank < c[j].rank
	}
	return c[i].left < c[j].left
}

func (c *candidates) push(x candidate) {
	*c = append(*c, x)
	q := *c
	for i := len(q) - 1; i > 0 && q.less(i, (i-1)/2); i = (i - 1) / 2 {
		q[i], q[(i-1)/2] = q[(i-1)/2], q[i]
	}
}

func (c *candidates) pop() candidate {
	q := *c
	top, last := q[0], len(q)-1
	q[0] = q[last]
	q = q[:last]
	*c = q
	for i := 0; ; {
		least := i
		for k := 2*i + 1; k <= 2*i+2 && k < last; k++ {
			if q.less(k, least) {
				least = k
			}
		}
		if least == i {
			return top
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
}

// mergeLong gives the same result as mergeShort without its quadratic cost: a
// queue of possible merges over a linked list.
func (t *Tokenizer) mergeLong(ids []int32) []int32 {
	next, prev := make([]int, len(ids)), make([]int, len(ids))
	for i := range ids {
		next[i], prev[i] = i+1, i-1
	}
	var q candidates
	push := func(l int) {
		if l < 0 || next[l] >= len(ids) {
			return
		}
		r := next[l]
		if m, ok := t.pairs[[2]int32{ids[l], ids[r]}]; ok {
			q.push(candidate{m.rank, m.to, l, r, ids[l], ids[r]})
		}
	}
	for i := range ids {
		push(i)
	}
	for len(q) > 0 {
		c := q.pop()
		if ids[c.left] != c.a || ids[c.right] != c.b || next[c.left] != c.right {
			continue // one side was merged in the meantime
		}
		ids[c.left] = c.to
		ids[c.right] = -1
		next[c.left] = next[c.right]
		if n := next[c.left]; n < len(ids) {
			prev[n] = c.left
		}
		push(prev[c.left])
		push(c.left)
	}
	return slices.DeleteFunc(ids, func(id int32) bool { return id < 0 })
}

// EncodeDropout is Encode with BPE dropout: each merge is passed over with
// probability p, so that one text is seen in many spellings. Used in
// pre-training only.
func (t *Tokenizer) EncodeDropout(text string, p float64, rng *rand.Rand) []int32 {
	if t.spaces != nil {
		return t.mergeShort(t.runeIDs(t.spaces.spell(text, t.spaces.prefixed(text, true))), p, rng)
	}
	var out []int32
	if t.prefixSpace && text != "" && text[0] != ' ' {
		text = " " + text
	}
	for len(text) > 0 {
		n := t.split.next(text)
		out = append(out, t.mergeShort(t.byteIDs(text[:n]), p, rng)...)
		text = text[n:]
	}
	return out
}

// Decode turns ids into text. Special tokens and ids that do not exist are
// left out; bytes that are not valid UTF-8 become U+FFFD.
func (t *Tokenizer) Decode(ids []int32) string {
	d := t.NewDecoder()
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(d.Next(id))
	}
	b.WriteString(d.Flush())
	return b.String()
}

// StreamDecoder decodes ids one by one. It belongs to one goroutine.
type StreamDecoder struct {
	t       *Tokenizer
	pending []byte
	started bool // something was decoded
}

// NewDecoder returns a decoder for one stream of ids.
func (t *Tokenizer) NewDecoder() *StreamDecoder { return &StreamDecoder{t: t} }

// Next returns the text that id completes. The first bytes of a character are
// held back until the rest has come.
func (d *StreamDecoder) Next(id int32) string {
	if id < 0 || int(id) >= len(d.t.bytes) || d.t.special[id] {
		return ""
	}
	b := d.t.bytes[id]
	if d.t.spaces != nil && !d.started && len(b) > 0 && b[0] == ' ' {
		b = b[1:] // the space that encoding puts in front of a text
	}
	d.started = true
	d.pending = append(d.pending, b...)
	return d.take(false)
}

// Flush returns what is still held back, and makes the decoder ready for the
// next stream.
func (d *StreamDecoder) Flush() string {
	d.started = false
	return d.take(true)
}

func (d *StreamDecoder) take(all bool) string {
	if len(d.pending) == 0 {
		return ""
	}
	if utf8.Valid(d.pending) {
		s := string(d.pending)
		d.pending = d.pending[:0]
		return s
	}
	var b strings.Builder
	p := d.pending
	for len(p) > 0 && (all || utf8.FullRune(p)) {
		r, n := utf8.DecodeRune(p)
		b.WriteRune(r)
		p = p[n:]
	}
	d.pending = d.pending[:copy(d.pending, p)]
	return b.String()
}
