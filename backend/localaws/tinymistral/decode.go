package tinymistral

import "math"

// prefillRows is how many prompt tokens are computed together.
const prefillRows = 256

// decoder runs a model forward over one growing sequence, keeping keys and
// values of what came before. It belongs to one goroutine.
type decoder struct {
	m            *Model
	pos          int // tokens computed
	room         int // tokens the caches hold
	keys, values [][]float32

	x, n, qkv, att, gateUp, s, act, scores, logits []float32

	g                                         *gemm // for prefill, made when needed
	bx, bn, br, bqkv, batt, bgu, bs, bact, bp []float32
}

func newDecoder(m *Model) *decoder {
	s := &m.shape
	f := func(n int) []float32 { return make([]float32, n) }
	return &decoder{m: m, keys: make([][]float32, s.layers), values: make([][]float32, s.layers),
		x: f(s.d), n: f(s.d), qkv: f(s.qkv), att: f(s.qd), gateUp: f(2 * s.f), s: f(s.f), act: f(s.f), logits: f(s.vocab)}
}

// reserve makes room for n tokens in total. The caches have three rows more,
// because scores are computed four rows at a time.
func (d *decoder) reserve(n int) {
	if n <= d.room {
		return
	}
	room := min(max(n, 2*d.room, 128), max(n, d.m.shape.context))
	kvd := d.m.shape.kvd
	for i := range d.keys {
		for _, c := range []*[]float32{&d.keys[i], &d.values[i]} {
			old := *c
			*c = make([]float32, (room+3)*kvd)
			copy(*c, old[:d.pos*kvd])
		}
	}
	d.scores = make([]float32, room+3)
	d.room = room
}

// step computes one token and leaves the logits of the next in d.logits.
func (d *decoder) step(id int32) {
	m := d.m
	s, k, vs := &m.shape, m.k, m.vectors()
	d.reserve(d.pos + 1)
	rope := m.ropeFor(d.pos + 1)
	var r [1]float32
	copy(d.x, m.embed[int(id)*s.d:])
	for li := range m.layers {
		lw, mats := &m.layers[li], &vs.layers[li]
		rmsNorm(d.x, lw.norm1, d.n, r[:], s.d, s.eps)
		k.gemv(&mats[matQKV], d.n, d.qkv)
		rope.rotate(d.qkv[:s.qd+s.kvd], d.pos, s.hd, false)
		copy(d.keys[li][d.pos*s.kvd:], d.qkv[s.qd:s.qd+s.kvd])
		copy(d.values[li][d.pos*s.kvd:], d.qkv[s.qd+s.kvd:])
		d.attend(li)
		k.gemv(&mats[matO], d.att, d.n)
		addTo(d.n, d.x)
		rmsNorm(d.x, lw.norm2, d.n, r[:], s.d, s.eps)
		k.gemv(&mats[matGateUp], d.n, d.gateUp)
		k.swiglu(d.gateUp[:s.f], d.gateUp[s.f:], d.s, d.act)
		k.gemv(&mats[matDown], d.act, d.n)
		addTo(d.n, d.x)
	}
	d.pos++
	rmsNorm(d.x, m.norm, d.n, r[:], s.d, s.eps)
	k.gemv(&vs.head, d.n, d.logits)
}

// attend mixes the values of all tokens so far, the current one included.
func (d *decoder) attend(li int) {
	s, k := &d.m.shape, d.m.k
	n := d.pos + 1
	for h := range s.heads {
		q := d.qkv[h*s.hd:][:s.hd]
		keys, values := d.keys[li][h/s.group*s.hd:], d.values[li][h/s.group*s.hd:]
		// Rows in fours; what lies behind the last token is computed and ignored.
		k.dots(keys, s.kvd, q, d.scores[:roundUp(n, 4)])
		p := d.scores[:n]
		scaleBy(p, 1/k.expSum(p, maxOf(p), s.attentionFactor))
		k.mix(p, values, s.kvd, d.att[h*s.hd:][:s.hd])
	}
}

// prefill computes up to prefillRows tokens at once. It calls each, unless nil,
// with the logits of every row in turn; otherwise it leaves the logits that
// follow the last token in d.logits.
func (d *decoder) prefill(ids []int32, each func(row int, logits []float32)) {
	m := d.m
	s, packs := &m.shape, m.packs()
	if d.g == nil {
		d.g = newGemm(m.k)
	}
	n, total := len(ids), d.pos+len(ids)
	d.reserve(total)
	rope := m.ropeFor(total)
	d.bx, d.br = grow(d.bx, n*s.d), grow(d.br, n)
	d.bn, d.bqkv, d.batt = grow(d.bn, n*s.d), grow(d.bqkv, n*s.qkv), grow(d.batt, n*s.qd)
	d.bgu, d.bs, d.bact = grow(d.bgu, n*2*s.f), grow(d.bs, n*s.f), grow(d.bact, n*s.f)
	d.bp = grow(d.bp, n*total)
	for i, id := range ids {
		copy(d.bx[i*s.d:(i+1)*s.d], m.embed[int(id)*s.d:])
	}
	x, att := d.bx, d.batt
	for li := range m.layers {
		lw, pk := &m.layers[li], &packs.forward[li]
		rmsNorm(x, lw.norm1, d.bn, d.br[:n], s.d, s.eps)
		d.g.mulPacked(n, d.bn, s.d, 1, &pk[matQKV], d.bqkv, s.qkv, false)
		for i := range n {
			row := d.bqkv[i*s.qkv:][:s.qkv]
			rope.rotate(row[:s.qd+s.kvd], d.pos+i, s.hd, false)
			copy(d.keys[li][(d.pos+i)*s.kvd:], row[s.qd:s.qd+s.kvd])
			copy(d.values[li][(d.pos+i)*s.kvd:], row[s.qd+s.kvd:])
		}
		for h := range s.heads {
			keys, values := d.keys[li][h/s.group*s.hd:], d.values[li][h/s.group*s.hd:]
			d.g.mul(n, total, s.hd, d.bqkv[h*s.hd:], s.qkv, 1, keys, 1, s.kvd, d.bp, total, false)
			m.k.softmaxRows(d.bp, n, total, d.pos, s.attentionFactor)
			d.g.mul(n, s.hd, total, d.bp, total, 1, values, s.kvd, 1, att[h*s.hd:], s.qd, false)
		}
		if li == s.layers-1 && each == nil {
			// Only the last token's logits are asked for.
			x, att, n = x[(n-1)*s.d:n*s.d], att[(n-1)*s.qd:], 1
		}
		d.g.mulPacked(n, att, s.qd, 1, &pk[matO], x, s.d, true)
		rmsNorm(x, lw.norm2, d.bn, d.br[:n], s.d, s.eps)
		d.g.mulPacked(n, d.bn, s.d, 1, &pk[matGateUp], d.bgu, 2*s.f, false)
		for i := range n {
			gu := d.bgu[i*2*s.f:][:2*s.f]
			m.k.swiglu(gu[:s.f], gu[s.f:], d.bs[i*s.f:], d.bact[i*s.f:])
		}
		d.g.mulPacked(n, d.bact, s.f, 1, &pk[matDown], x, s.d, true)
	}
	d.pos = total
	head := m.vectors().head
	rmsNorm(x, m.norm, d.bn, d.br[:n], s.d, s.eps)
	for i := range n {
		m.k.gemv(&head, d.bn[i*s.d:][:s.d], d.logits)
		if each != nil {
			each(i, d.logits)
		}
	}
}

// logSum returns log(sum(e^logits)); scratch holds as many values as logits.
func (k *kernel) logSum(logits, scratch []float32) float64 {
	scratch = scratch[:len(logits)]
	copy(scratch, logits)
	top := maxOf(logits)
	return float64(top) + math.Log(float64(k.expSum(scratch, top, 1)))
}
