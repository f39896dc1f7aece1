package nprand

import "math/bits"

// mt is the Mersenne Twister MT19937. Source: M. Matsumoto, T. Nishimura,
// "Mersenne Twister" (1998), with their init_genrand of 2002.
type mt struct {
	state [624]uint32
	at    int
}

func newMT(seed uint32) *mt {
	m := &mt{at: 624}
	m.state[0] = seed
	for i := 1; i < len(m.state); i++ {
		before := m.state[i-1]
		m.state[i] = 1812433253*(before^before>>30) + uint32(i)
	}
	return m
}

func (m *mt) next() uint32 {
	if m.at == len(m.state) {
		for i := range m.state {
			y := m.state[i]&0x80000000 | m.state[(i+1)%624]&0x7fffffff
			v := m.state[(i+397)%624] ^ y>>1
			if y&1 == 1 {
				v ^= 0x9908b0df
			}
			m.state[i] = v
		}
		m.at = 0
	}
	y := m.state[m.at]
	m.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// Sample returns n different row numbers out of count in the order in which
// pandas' DataFrame.sample(n, random_state=seed) returns the rows: the beginning
// of a legacy numpy permutation. FMEval always samples so, with seed 1234, also
// when n is count. n above count gives all rows. count must be below 2³².
func Sample(count, n int, seed uint32) []int {
	rows := make([]int, max(count, 0))
	for i := range rows {
		rows[i] = i
	}
	m := newMT(seed)
	for i := len(rows) - 1; i > 0; i-- {
		mask := uint32(1)<<bits.Len32(uint32(i)) - 1
		j := m.next() & mask
		for j > uint32(i) {
			j = m.next() & mask
		}
		rows[i], rows[j] = rows[j], rows[i]
	}
	return rows[:max(min(n, len(rows)), 0)]
}
