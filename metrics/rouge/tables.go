package rouge

// intern gives equal words equal numbers, from 0 on, in memory that is used
// again.
type intern struct {
	text    []byte      // all words, one after another
	entries []wordEntry // a power of two of them, at least twice the words
	age     uint32      // entries of another age are free
	n       int32
}

type wordEntry struct {
	age, hash  uint32
	start, end int32
	number     int32
}

func (t *intern) reset() {
	t.text, t.n = t.text[:0], 0
	if t.entries == nil {
		t.entries = make([]wordEntry, 256)
	}
	if t.age++; t.age == 0 {
		clear(t.entries)
		t.age = 1
	}
}

func (t *intern) number(word []byte) int32 {
	h := uint32(2166136261) // FNV-1a
	for _, c := range word {
		h = (h ^ uint32(c)) * 16777619
	}
	e := t.find(h, word)
	if e.age == t.age {
		return e.number
	}
	start := int32(len(t.text))
	t.text = append(t.text, word...)
	number := t.n
	*e = wordEntry{t.age, h, start, int32(len(t.text)), number}
	if t.n++; 2*int(t.n) > len(t.entries) {
		old := t.entries
		t.entries = make([]wordEntry, 2*len(old))
		for _, o := range old {
			if o.age == t.age {
				*t.find(o.hash, t.text[o.start:o.end]) = o
			}
		}
	}
	return number
}

// find returns the entry of the word, or the free one where it belongs.
func (t *intern) find(hash uint32, word []byte) *wordEntry {
	mask := uint32(len(t.entries) - 1)
	for i := hash; ; i++ {
		e := &t.entries[i&mask]
		if e.age != t.age || e.hash == hash && string(t.text[e.start:e.end]) == string(word) {
			return e
		}
	}
}

// pairTable counts pairs of words.
type pairTable struct {
	entries []pairEntry
	age     uint32
}

type pairEntry struct {
	age         uint32
	first, next int32
	count       int32
}

// reset empties the table and makes room for n pairs.
func (t *pairTable) reset(n int) {
	if size := max(len(t.entries), 128); 2*n > len(t.entries) {
		for 2*n > size {
			size *= 2
		}
		t.entries = make([]pairEntry, size)
	}
	if t.age++; t.age == 0 {
		clear(t.entries)
		t.age = 1
	}
}

// at returns the entry of a pair; without add it is nil for an unknown one.
func (t *pairTable) at(first, next int32, add bool) *pairEntry {
	mask := uint32(len(t.entries) - 1)
	for i := (uint32(first)*2654435761 ^ uint32(next)*2246822519) >> 7; ; i++ {
		e := &t.entries[i&mask]
		if e.age != t.age {
			if !add {
				return nil
			}
			*e = pairEntry{t.age, first, next, 0}
			return e
		}
		if e.first == first && e.next == next {
			return e
		}
	}
}
