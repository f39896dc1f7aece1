package artifact

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

// TrainBPE learns a byte-level BPE of at most vocabSize tokens from texts. The
// special tokens get the first ids, in their order, then come the 256 bytes,
// then the merges. The result depends on the texts only, not on their order.
func TrainBPE(texts iter.Seq[string], vocabSize int, special []string) (*Tokenizer, error) {
	if least := len(special) + 256; vocabSize < least || vocabSize > maxVocab {
		return nil, fmt.Errorf("train tokenizer: the vocabulary size is %d, want %d to %d", vocabSize, least, maxVocab)
	}
	t := &Tokenizer{}
	ids := map[string]int32{}
	add := func(s string) error {
		if _, dup := ids[s]; dup {
			return fmt.Errorf("train tokenizer: token %q occurs twice", s)
		}
		ids[s] = int32(len(t.vocab))
		t.vocab = append(t.vocab, s)
		return nil
	}
	for i, s := range special {
		if s == "" {
			return nil, fmt.Errorf("train tokenizer: special token %d is empty", i)
		}
		if err := add(s); err != nil {
			return nil, err
		}
		t.added = append(t.added, addedToken{int32(i), s, true})
	}
	for _, r := range byteToRune {
		if err := add(string(r)); err != nil {
			return nil, err
		}
	}
	words := countWords(texts, int32(len(special)))
	for len(t.vocab) < vocabSize {
		best, ok := bestPair(words)
		if !ok {
			break
		}
		l, r := t.vocab[best[0]], t.vocab[best[1]]
		to, known := ids[l+r]
		if !known { // two merges may spell the same token
			to = int32(len(t.vocab))
			if err := add(l + r); err != nil {
				return nil, err
			}
		}
		t.merges = append(t.merges, [2]string{l, r})
		for i := range words {
			words[i].ids = mergePair(words[i].ids, best, to)
		}
	}
	t.ids = ids
	if err := t.index(); err != nil {
		return nil, err
	}
	return t, nil
}

type countedWord struct {
	ids []int32
	n   int
}

func countWords(texts iter.Seq[string], firstByte int32) []countedWord {
	freq := map[string]int{}
	for s := range texts {
		for len(s) > 0 {
			n := nextWord(s)
			freq[s[:n]]++
			s = s[n:]
		}
	}
	words := make([]countedWord, 0, len(freq))
	for _, w := range slices.Sorted(maps.Keys(freq)) {
		ids := make([]int32, len(w))
		for i := range len(w) {
			ids[i] = firstByte + int32(w[i])
		}
		words = append(words, countedWord{ids, freq[w]})
	}
	return words
}

// bestPair returns the most frequent pair of neighbours, the smaller ids among
// equals; ok is false when none occurs twice.
func bestPair(words []countedWord) (best [2]int32, ok bool) {
	count := map[[2]int32]int{}
	for _, w := range words {
		for i := 0; i+1 < len(w.ids); i++ {
			count[[2]int32{w.ids[i], w.ids[i+1]}] += w.n
		}
	}
	most := 1
	for p, n := range count {
		if n > most || n == most && ok && (p[0] < best[0] || p[0] == best[0] && p[1] < best[1]) {
			best, most, ok = p, n, true
		}
	}
	return best, ok
}

func mergePair(ids []int32, pair [2]int32, to int32) []int32 {
	k := 0
	for i := 0; i < len(ids); i++ {
		if i+1 < len(ids) && ids[i] == pair[0] && ids[i+1] == pair[1] {
			ids[k] = to
			i++
		} else {
			ids[k] = ids[i]
		}
		k++
	}
	return ids[:k]
}
