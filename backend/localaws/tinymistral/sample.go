package tinymistral

import "math/rand/v2"

// sampler draws the next token from logits. It keeps its memory between draws.
type sampler struct {
	k   *kernel
	pcg rand.PCG
	rng *rand.Rand
	p   []float32
	ids []int32 // a heap, most probable first
}

func newSampler(k *kernel, vocab int) *sampler {
	s := &sampler{k: k, p: make([]float32, vocab), ids: make([]int32, 0, vocab)}
	s.rng = rand.New(&s.pcg)
	return s
}

func argmax(x []float32) int32 {
	best, at := x[0], 0
	for i, v := range x {
		if v > best {
			best, at = v, i
		}
	}
	return int32(at)
}

// draw picks a token: the temperature first, then the topK most probable
// (0: all), then the fewest of those that hold topP of their probability
// (0 or 1: all). Temperature 0 is greedy.
func (s *sampler) draw(logits []float32, temperature, topP float64, topK int) int32 {
	if temperature <= 0 || topK == 1 {
		return argmax(logits)
	}
	p := s.p[:len(logits)]
	copy(p, logits)
	sum := float64(s.k.expSum(p, maxOf(p), float32(1/temperature)))
	limited := topK > 0 && topK < len(p)
	nucleus := topP > 0 && topP < 1
	if !limited && !nucleus {
		left := s.rng.Float64() * sum
		last := 0
		for i, v := range p {
			if v > 0 {
				last = i
				if left -= float64(v); left < 0 {
					break
				}
			}
		}
		return int32(last)
	}
	// All tokens below this share together hold less than what topP leaves out,
	// so they cannot be in the nucleus.
	floor := float32(0)
	if nucleus && !limited {
		floor = float32(sum * (1 - topP) / float64(len(p)))
	}
	s.ids = s.ids[:0]
	for i, v := range p {
		if v >= floor {
			s.ids = append(s.ids, int32(i))
		}
	}
	heap := s.ids
	for i := len(heap)/2 - 1; i >= 0; i-- {
		s.sift(heap, i)
	}
	if !limited {
		topK = len(heap)
	}
	// Popped tokens gather at the end of the memory, the most probable last.
	want := sum
	n := 0
	var mass float64
	pop := func() {
		last := len(heap) - 1
		heap[0], heap[last] = heap[last], heap[0]
		mass += float64(p[heap[last]])
		heap = heap[:last]
		s.sift(heap, 0)
		n++
	}
	if limited {
		for n < topK && len(heap) > 0 {
			pop()
		}
		want = mass
	}
	kept := s.ids[len(s.ids)-n:]
	if nucleus {
		if limited {
			n, mass = 0, 0
			for n == 0 || (mass < want*topP && n < len(kept)) {
				mass += float64(p[kept[len(kept)-1-n]])
				n++
			}
		} else {
			for n == 0 || (mass < want*topP && len(heap) > 0) {
				pop()
			}
		}
		kept = s.ids[len(s.ids)-n:]
	}
	left := s.rng.Float64() * mass
	for i := len(kept) - 1; i >= 0; i-- {
		if left -= float64(p[kept[i]]); left < 0 {
			return kept[i]
		}
	}
	return kept[len(kept)-1]
}

func (s *sampler) sift(heap []int32, i int) {
	for {
		c := 2*i + 1
		if c >= len(heap) {
			return
		}
		if c+1 < len(heap) && s.p[heap[c+1]] > s.p[heap[c]] {
			c++
		}
		if s.p[heap[i]] >= s.p[heap[c]] {
			return
		}
		heap[i], heap[c] = heap[c], heap[i]
		i = c
	}
}
