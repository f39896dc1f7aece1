package tinymistral

import "math"

// segment is one example inside a batch: n tokens from off. Attention does not
// leave a segment and positions count from its start.
type segment struct{ off, n int }

// batch is what one shard computes in one step.
type batch struct {
	ids     []int32 // inputs of all segments, one after the other
	targets []int32 // the token each position has to predict, or -1
	segs    []segment
	rows    []int32 // positions that have a target
}

// network is what all shards of one step read.
type network struct {
	m     *Model
	packs *weightPacks
	lora  *adapters
	// explicit computes adapters beside their matrices; otherwise they are
	// already in packs, which is faster but has no place for dropout.
	explicit bool
	dropout  float64
	seed     uint64 // of this step's and shard's dropout
}

// layerActs are the values of one layer that its backward pass needs.
type layerActs struct {
	in, n1, r1     []float32
	qkv, p, att    []float32
	mid, n2, r2    []float32 // from here on, the last layer holds only rows with a target
	gateUp, s, act []float32
}

// worker computes shards, one at a time, on one goroutine.
type worker struct {
	g    *gemm
	acts []layerActs

	out, nf, rf, logits                           []float32
	dx, dx2, dn, datt, datt2, dqkv, dgu, dact, dp []float32
	u, du, tmp, masked, attRows                   []float32
}

func newWorker(m *Model) *worker {
	return &worker{g: newGemm(m.k), acts: make([]layerActs, m.shape.layers)}
}

// lossRows is how many rows of logits exist at a time.
const lossRows = 128

// forward runs the layers over b. The rows with targets end up in w.out.
func (w *worker) forward(net *network, b *batch) {
	m := net.m
	s := &m.shape
	rows, d := len(b.ids), s.d
	rope := m.ropeFor(longest(b.segs))
	next := grow(w.acts[0].in, rows*d)
	w.acts[0].in = next
	for i, id := range b.ids {
		copy(next[i*d:(i+1)*d], m.embed[int(id)*d:])
	}
	for li := range w.acts {
		a, lw := &w.acts[li], &m.layers[li]
		a.n1, a.r1 = grow(a.n1, rows*d), grow(a.r1, rows)
		rmsNorm(a.in, lw.norm1, a.n1, a.r1, d, s.eps)
		a.qkv = grow(a.qkv, rows*s.qkv)
		w.linear(net, li, matQKV, rows, a.n1, a.qkv, false)
		for _, sg := range b.segs {
			for i := range sg.n {
				rope.rotate(a.qkv[(sg.off+i)*s.qkv:][:s.qd+s.kvd], i, s.hd, false)
			}
		}
		w.attention(m, a, b.segs, rows)

		// What lies behind the last attention matters only where there is a target.
		kept, att, in := rows, a.att, a.in
		if li == s.layers-1 && len(b.rows) < rows {
			kept = len(b.rows)
			w.attRows = gather(w.attRows, a.att, b.rows, s.qd)
			att = w.attRows
			a.mid = gather(a.mid, in, b.rows, d)
		} else {
			a.mid = grow(a.mid, rows*d)
			copy(a.mid, in)
		}
		w.linear(net, li, matO, kept, att, a.mid, true)
		a.n2, a.r2 = grow(a.n2, kept*d), grow(a.r2, kept)
		rmsNorm(a.mid, lw.norm2, a.n2, a.r2, d, s.eps)
		a.gateUp = grow(a.gateUp, kept*2*s.f)
		w.linear(net, li, matGateUp, kept, a.n2, a.gateUp, false)
		a.s, a.act = grow(a.s, kept*s.f), grow(a.act, kept*s.f)
		for i := range kept {
			gu := a.gateUp[i*2*s.f:][:2*s.f]
			m.k.swiglu(gu[:s.f], gu[s.f:], a.s[i*s.f:], a.act[i*s.f:])
		}
		dst := &w.out
		if li < s.layers-1 {
			dst = &w.acts[li+1].in
		}
		*dst = grow(*dst, kept*d)
		copy(*dst, a.mid)
		w.linear(net, li, matDown, kept, a.act, *dst, true)
	}
}

// linear computes y (+)= x·Wᵀ, with the adapters where they are explicit.
func (w *worker) linear(net *network, li, mat, rows int, x, y []float32, acc bool) {
	out, in := net.m.shape.matDims(mat)
	w.g.mulPacked(rows, x, in, 1, &net.packs.forward[li][mat], y, out, acc)
	if !net.explicit {
		return
	}
	l := net.lora
	group := &l.groups[li][mat]
	w.u = grow(w.u, rows*l.rank)
	for t, ad := range group.adapters {
		xd := w.dropped(net, x[:rows*in], li, mat, t)
		w.g.mul(rows, l.rank, in, xd, in, 1, l.w[group.a+t*l.rank*in:], 1, in, w.u, l.rank, false)
		scaleBy(w.u, l.scale)
		w.g.mul(rows, ad.out, l.rank, w.u, l.rank, 1, l.w[ad.b:], ad.out, 1, y[ad.col:], out, true)
	}
}

// dropped returns the input of an adapter after dropout.
func (w *worker) dropped(net *network, x []float32, li, mat, t int) []float32 {
	if net.dropout == 0 {
		return x
	}
	w.masked = grow(w.masked, len(x))
	dropout(w.masked, x, net.maskSeed(li, mat, t), net.dropout)
	return w.masked
}

func (net *network) maskSeed(li, mat, t int) uint64 {
	return mix(net.seed ^ uint64((li*matsPerLayer+mat)*8+t+1)<<32)
}

// attention fills a.p with the probabilities of every segment and head, one
// square after the other, and a.att with the mixed values.
func (w *worker) attention(m *Model, a *layerActs, segs []segment, rows int) {
	s := &m.shape
	a.att = grow(a.att, rows*s.qd)
	size := 0
	for _, sg := range segs {
		size += s.heads * sg.n * sg.n
	}
	a.p = grow(a.p, size)
	off := 0
	for _, sg := range segs {
		n, base := sg.n, sg.off*s.qkv
		for h := range s.heads {
			p := a.p[off : off+n*n]
			off += n * n
			q := a.qkv[base+h*s.hd:]
			k := a.qkv[base+s.qd+h/s.group*s.hd:]
			v := a.qkv[base+s.qd+s.kvd+h/s.group*s.hd:]
			w.g.mul(n, n, s.hd, q, s.qkv, 1, k, 1, s.qkv, p, n, false)
			m.k.softmaxRows(p, n, n, 0, s.attentionFactor)
			w.g.mul(n, s.hd, n, p, n, 1, v, s.qkv, 1, a.att[sg.off*s.qd+h*s.hd:], s.qd, false)
		}
	}
}

// loss adds up -log p of every target. With grad it also leaves the gradient of
// norm times that sum, with respect to w.out, in w.dx.
func (w *worker) loss(net *network, b *batch, norm float32, grad *gradient) float64 {
	m := net.m
	s := &m.shape
	rows, d := len(b.rows), s.d
	w.nf, w.rf = grow(w.nf, rows*d), grow(w.rf, rows)
	if grad != nil {
		w.dn = grow(w.dn, rows*d)
	}
	rmsNorm(w.out[:rows*d], m.norm, w.nf, w.rf, d, s.eps)
	// Rows a multiple of a page apart would all want the same few cache lines.
	ld := s.vocab + 16
	w.logits = grow(w.logits, min(rows, lossRows)*ld)
	var total float64
	for r0 := 0; r0 < rows; r0 += lossRows {
		n := min(lossRows, rows-r0)
		x := w.nf[r0*d:]
		w.g.mulPacked(n, x, d, 1, &net.packs.head, w.logits, ld, false)
		for i := range n {
			row := w.logits[i*ld:][:s.vocab]
			target := b.targets[b.rows[r0+i]]
			top := maxOf(row)
			at := row[target] - top
			sum := m.k.expSum(row, top, 1)
			total += math.Log(float64(sum)) - float64(at)
			if grad != nil {
				scaleBy(row, norm/sum)
				row[target] -= norm
			}
		}
		if grad == nil {
			continue
		}
		w.g.mulPacked(n, w.logits, ld, 1, &net.packs.headBack, w.dn[r0*d:], d, false)
		if grad.full != nil {
			w.g.mul(s.vocab, d, n, w.logits, 1, ld, x, d, 1, grad.full.head, d, true)
		}
	}
	if grad != nil {
		w.dx = grow(w.dx, rows*d)
		clear(w.dx)
		rmsNormGrad(w.out, m.norm, w.rf, w.dn, w.dx, grad.norm(), d)
	}
	return total
}

func longest(segs []segment) int {
	n := 0
	for _, s := range segs {
		n = max(n, s.n)
	}
	return n
}

// gather copies the chosen rows of width d from src into dst.
func gather(dst, src []float32, rows []int32, d int) []float32 {
	dst = grow(dst, len(rows)*d)
	for i, r := range rows {
		copy(dst[i*d:(i+1)*d], src[int(r)*d:])
	}
	return dst
}

// scatter is the reverse of gather; rows that were not chosen become zero.
func scatter(dst, src []float32, rows []int32, d, total int) []float32 {
	dst = grow(dst, total*d)
	clear(dst)
	for i, r := range rows {
		copy(dst[int(r)*d:(int(r)+1)*d], src[i*d:(i+1)*d])
	}
	return dst
}
