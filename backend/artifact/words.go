package artifact

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Where text is cut into words, each of which is merged by itself and
// remembered.

// neighbours says which characters stand next to each other in some token that
// merges make. A merge never reaches across two that do not, so a text can be
// cut there without a change of the result.
type neighbours struct {
	ascii [128][2]uint64
	other [1 << 12]uint64 // bits by a hash of both characters
}

const metaspaceRune = '\u2581'

func (n *neighbours) add(token string) {
	prev := rune(-1)
	for _, r := range token {
		if r == metaspaceRune {
			r = ' '
		}
		if prev >= 0 {
			if prev < 128 && r < 128 {
				n.ascii[prev][r>>6] |= 1 << (r & 63)
			} else {
				h := pairBit(prev, r)
				n.other[h>>6] |= 1 << (h & 63)
			}
		}
		prev = r
	}
}

func pairBit(a, b rune) uint32 {
	return (uint32(a)*0x9e3779b1 ^ uint32(b)*0x85ebca6b) * 0xc2b2ae35 >> 14
}

// word returns the length of the first word of s, which is not empty.
func (n *neighbours) word(s string) int {
	a := s[0]
	i := 1
	if a < utf8.RuneSelf {
		for ; i < len(s); i++ {
			b := s[i]
			if b >= utf8.RuneSelf {
				break
			}
			if n.ascii[a][b>>6]>>(b&63)&1 == 0 {
				return i
			}
			a = b
		}
		if i == len(s) {
			return i
		}
		return n.wide(s, rune(a), i)
	}
	r, size := utf8.DecodeRuneInString(s)
	return n.wide(s, r, size)
}

// wide goes on behind prev, at byte i.
func (n *neighbours) wide(s string, prev rune, i int) int {
	if prev == metaspaceRune {
		prev = ' '
	}
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == metaspaceRune {
			r = ' '
		}
		if prev < 128 && r < 128 {
			if n.ascii[prev][r>>6]>>(r&63)&1 == 0 {
				return i
			}
		} else if h := pairBit(prev, r); n.other[h>>6]>>(h&63)&1 == 0 {
			return i
		}
		prev = r
		i += size
	}
	return i
}

// newNeighbours looks at all tokens that merges make; nil when text cannot be
// cut: without bytes to fall back on, unknown neighbours share a token, and a
// merge of byte tokens is not seen in the text.
func (t *Tokenizer) newNeighbours() *neighbours {
	if t.spaces == nil || !t.spaces.fallback {
		return nil
	}
	isByte := make([]bool, len(t.vocab))
	for _, id := range t.byteID {
		isByte[id] = true
	}
	n := &neighbours{}
	for p, m := range t.pairs {
		if isByte[p[0]] || isByte[p[1]] {
			return nil
		}
		n.add(t.vocab[m.to])
	}
	return n
}

// encodeSpaces is encode for SentencePiece-style tokenizers. With count, ids
// are counted and not kept.
func (t *Tokenizer) encodeSpaces(out []int32, text string, first, count bool) ([]int32, int) {
	prefix := t.spaces.prefixed(text, first)
	if t.near == nil {
		ids := t.mergeLong(t.runeIDs(t.spaces.spell(text, prefix)))
		if count {
			return out, len(ids)
		}
		return append(out, ids...), len(ids)
	}
	total := 0
	for len(text) > 0 || prefix {
		n := 0
		if text != "" {
			n = t.near.word(text)
		}
		ids := t.wordIDs(text[:n], prefix)
		prefix = false
		total += len(ids)
		if !count {
			out = append(out, ids...)
		}
		text = text[n:]
	}
	return out, total
}

// encodeBytes is encode for byte-level tokenizers.
func (t *Tokenizer) encodeBytes(out []int32, text string, count bool) ([]int32, int) {
	if t.prefixSpace && text[0] != ' ' {
		text = " " + text
	}
	total := 0
	for len(text) > 0 {
		n := t.split.next(text)
		ids := t.wordIDs(text[:n], false)
		total += len(ids)
		if !count {
			out = append(out, ids...)
		}
		text = text[n:]
	}
	return out, total
}

// wordIDs returns the ids of one word, which must not be changed.
func (t *Tokenizer) wordIDs(word string, prefix bool) []int32 {
	if prefix {
		word = " " + word
	}
	if len(word) > maxWordKey {
		return t.mergeLong(t.symbols(word))
	}
	at, ids := t.cache.slot(word)
	if ids != nil {
		return ids
	}
	if ids = t.whole(word); ids == nil {
		ids = t.mergeShort(t.symbols(word), 0, nil)
	}
	keep(at, word, ids)
	return ids
}

// symbols are the ids that the merges of a word start from.
func (t *Tokenizer) symbols(word string) []int32 {
	if t.spaces != nil {
		return t.runeIDs(strings.ReplaceAll(word, " ", metaspace))
	}
	return t.byteIDs(word)
}

// Count returns how many ids Encode gives, without keeping them. It may be
// called by several goroutines at once.
func (t *Tokenizer) Count(text string) int {
	if text == "" {
		return 0
	}
	n := 0
	if t.spaces != nil {
		_, n = t.encodeLiterals(nil, text, true, true)
	} else {
		_, n = t.encodeBytes(nil, text, true)
	}
	return n
}

// literals are pieces of text that are tokens wherever they stand.
type literals struct {
	tokens []addedToken // longest first
	begins string       // the bytes that they begin with
}

func newLiterals(tokens []addedToken) literals {
	slices.SortFunc(tokens, func(a, b addedToken) int { return len(b.content) - len(a.content) })
	l := literals{tokens: tokens}
	for _, t := range tokens {
		if strings.IndexByte(l.begins, t.content[0]) < 0 {
			l.begins += t.content[:1]
		}
	}
	return l
}

// next finds the first literal in s; n is 0 when there is none.
func (l *literals) next(s string) (at int, id int32, n int) {
	if len(l.begins) == 0 {
		return 0, 0, 0
	}
	for {
		var i int
		if len(l.begins) == 1 {
			i = strings.IndexByte(s[at:], l.begins[0])
		} else {
			i = strings.IndexFunc(s[at:], func(r rune) bool { return r < utf8.RuneSelf && strings.IndexByte(l.begins, byte(r)) >= 0 })
		}
		if i < 0 {
			return 0, 0, 0
		}
		at += i
		if id, n = tokenAt(l.tokens, s[at:]); n > 0 {
			return at, id, n
		}
		at++
	}
}

// encodeLiterals encodes the literals of a text, and the text between them.
func (t *Tokenizer) encodeLiterals(out []int32, text string, first, count bool) ([]int32, int) {
	total := 0
	for begin := true; ; begin = false {
		at, id, n := t.literals.next(text)
		here := text
		if n > 0 {
			here = text[:at]
		}
		if here != "" || begin {
			var k int
			out, k = t.encodeSpaces(out, here, first && begin, count)
			total += k
		}
		if n == 0 {
			return out, total
		}
		total++
		if !count {
			out = append(out, id)
		}
		text = text[at+n:]
	}
}
