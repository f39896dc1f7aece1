package artifact

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

const (
	// cacheSlots is how many words a tokenizer remembers; a power of two. A new
	// word takes the place of the one that shares its slot.
	cacheSlots = 1 << 16
	// maxWordKey is the length in bytes of the longest word that is kept; longer
	// ones are rare.
	maxWordKey = 64
)

// wordCache remembers the ids of words. Readers and writers never wait for each
// other, so that a file is counted on all cores at once.
type wordCache struct {
	seed  maphash.Seed
	slots [cacheSlots]atomic.Pointer[cachedWord]
}

type cachedWord struct {
	word string
	ids  []int32
}

func newWordCache() *wordCache { return &wordCache{seed: maphash.MakeSeed()} }

// slot is where a word belongs, and the ids when it is there.
func (c *wordCache) slot(word string) (at *atomic.Pointer[cachedWord], ids []int32) {
	at = &c.slots[maphash.String(c.seed, word)%cacheSlots]
	if w := at.Load(); w != nil && w.word == word {
		return at, w.ids
	}
	return at, nil
}

// keep remembers a word. The ids must not change any more.
func keep(at *atomic.Pointer[cachedWord], word string, ids []int32) {
	at.Store(&cachedWord{strings.Clone(word), ids})
}
