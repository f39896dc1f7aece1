package tinymistral

// gradient is where one shard adds its gradients: one of the two is set.
type gradient struct {
	full *Model    // the windows of a model over a buffer of gradients
	lora []float32 // laid out as the adapters
	flat []float32 // the whole buffer
}

func newGradient(m *Model, l *adapters) *gradient {
	if l != nil {
		g := make([]float32, len(l.w))
		return &gradient{lora: g, flat: g}
	}
	v := &Model{shape: m.shape, k: m.k, w: make([]float32, len(m.w))}
	v.bind()
	return &gradient{full: v, flat: v.w}
}

// norm returns the gradient of the final norm's gain, or nil.
func (g *gradient) norm() []float32 {
	if g.full == nil {
		return nil
	}
	return g.full.norm
}

// backward carries w.dx, left by loss, through the layers.
func (w *worker) backward(net *network, b *batch, grad *gradient) {
	m := net.m
	s := &m.shape
	rows, d := len(b.ids), s.d
	for li := s.layers - 1; li >= 0; li-- {
		a, lw := &w.acts[li], &m.layers[li]
		var gain1, gain2 []float32
		if grad.full != nil {
			gain1, gain2 = grad.full.layers[li].norm1, grad.full.layers[li].norm2
		}
		kept, att := rows, a.att
		compact := li == s.layers-1 && len(b.rows) < rows
		if compact {
			kept, att = len(b.rows), w.attRows
		}
		w.dact = grow(w.dact, kept*s.f)
		w.linearGrad(net, grad, li, matDown, kept, a.act, w.dx, w.dact)
		w.dgu = grow(w.dgu, kept*2*s.f)
		for i := range kept {
			gu, dgu := a.gateUp[i*2*s.f:][:2*s.f], w.dgu[i*2*s.f:][:2*s.f]
			m.k.swigluGrad(gu[:s.f], gu[s.f:], a.s[i*s.f:], w.dact[i*s.f:], dgu[:s.f], dgu[s.f:])
		}
		w.dn = grow(w.dn, rows*d)
		w.linearGrad(net, grad, li, matGateUp, kept, a.n2, w.dgu, w.dn)
		rmsNormGrad(a.mid, lw.norm2, a.r2[:kept], w.dn, w.dx, gain2, d)
		w.datt = grow(w.datt, kept*s.qd)
		w.linearGrad(net, grad, li, matO, kept, att, w.dx, w.datt)
		if compact {
			w.dx2 = scatter(w.dx2, w.dx, b.rows, d, rows)
			w.dx, w.dx2 = w.dx2, w.dx
			w.datt2 = scatter(w.datt2, w.datt, b.rows, s.qd, rows)
			w.datt, w.datt2 = w.datt2, w.datt
		}
		w.attentionGrad(m, a, b.segs, rows)
		if li == 0 && grad.full == nil {
			// The embedding is frozen, so nothing asks for the gradient below.
			w.linearGrad(net, grad, li, matQKV, rows, a.n1, w.dqkv, nil)
			return
		}
		w.linearGrad(net, grad, li, matQKV, rows, a.n1, w.dqkv, w.dn)
		rmsNormGrad(a.in, lw.norm1, a.r1[:rows], w.dn, w.dx, gain1, d)
	}
	for i, id := range b.ids {
		addTo(w.dx[i*d:(i+1)*d], grad.full.embed[int(id)*d:])
	}
}

// linearGrad writes dx = dy·W unless dx is nil and adds the gradients of the
// matrix or of its adapters. x is what the matrix was applied to.
func (w *worker) linearGrad(net *network, grad *gradient, li, mat, rows int, x, dy, dx []float32) {
	out, in := net.m.shape.matDims(mat)
	if dx != nil {
		w.g.mulPacked(rows, dy, out, 1, &net.packs.backward[li][mat], dx, in, false)
	}
	if grad.full != nil {
		w.g.mul(out, in, rows, dy, 1, out, x, in, 1, grad.full.layers[li].mat(mat), in, true)
	}
	if net.lora == nil || len(net.lora.groups[li][mat].adapters) == 0 {
		return
	}
	if net.explicit {
		w.explicitGrad(net, grad, li, mat, rows, x, dy, dx)
		return
	}
	l := net.lora
	group := &l.groups[li][mat]
	all := len(group.adapters) * l.rank
	// The adapters of one matrix share x, so their A are used as one matrix.
	w.u, w.du = grow(w.u, rows*all), grow(w.du, rows*all)
	w.g.mul(rows, all, in, x, in, 1, l.w[group.a:], 1, in, w.u, all, false)
	scaleBy(w.u, l.scale)
	for t, ad := range group.adapters {
		w.g.mul(rows, l.rank, ad.out, dy[ad.col:], out, 1, l.w[ad.b:], 1, ad.out, w.du[t*l.rank:], all, false)
		w.g.mul(l.rank, ad.out, rows, w.u[t*l.rank:], 1, all, dy[ad.col:], out, 1, grad.lora[ad.b:], ad.out, true)
	}
	scaleBy(w.du, l.scale)
	w.g.mul(all, in, rows, w.du, 1, all, x, in, 1, grad.lora[group.a:], in, true)
}

// explicitGrad is the part of linearGrad for adapters computed beside their
// matrix, each with its own dropout.
func (w *worker) explicitGrad(net *network, grad *gradient, li, mat, rows int, x, dy, dx []float32) {
	l := net.lora
	group := &l.groups[li][mat]
	out, in := net.m.shape.matDims(mat)
	r := l.rank
	for t, ad := range group.adapters {
		a := group.a + t*r*in
		xd := w.dropped(net, x[:rows*in], li, mat, t)
		w.u, w.du = grow(w.u, rows*r), grow(w.du, rows*r)
		w.g.mul(rows, r, in, xd, in, 1, l.w[a:], 1, in, w.u, r, false)
		scaleBy(w.u, l.scale)
		w.g.mul(rows, r, ad.out, dy[ad.col:], out, 1, l.w[ad.b:], 1, ad.out, w.du, r, false)
		scaleBy(w.du, l.scale)
		w.g.mul(r, ad.out, rows, w.u, 1, r, dy[ad.col:], out, 1, grad.lora[ad.b:], ad.out, true)
		w.g.mul(r, in, rows, w.du, 1, r, xd, in, 1, grad.lora[a:], in, true)
		if dx == nil {
			continue
		}
		w.tmp = grow(w.tmp, rows*in)
		w.g.mul(rows, in, r, w.du, r, 1, l.w[a:], in, 1, w.tmp, in, false)
		if net.dropout > 0 {
			dropout(w.tmp, w.tmp, net.maskSeed(li, mat, t), net.dropout)
		}
		addTo(w.tmp, dx)
	}
}

// attentionGrad turns w.datt into w.dqkv, rotations undone.
func (w *worker) attentionGrad(m *Model, a *layerActs, segs []segment, rows int) {
	s := &m.shape
	w.dqkv = grow(w.dqkv, rows*s.qkv)
	n := longest(segs)
	w.dp = grow(w.dp, n*n)
	rope := m.ropeFor(n)
	off := 0
	for _, sg := range segs {
		n, base := sg.n, sg.off*s.qkv
		for h := range s.heads {
			p, dp := a.p[off:off+n*n], w.dp[:n*n]
			off += n * n
			// The first head of a group overwrites the shared keys and values.
			more := h%s.group > 0
			dout := w.datt[sg.off*s.qd+h*s.hd:]
			qo, ko := base+h*s.hd, base+s.qd+h/s.group*s.hd
			vo := ko + s.kvd
			w.g.mul(n, n, s.hd, dout, s.qd, 1, a.qkv[vo:], 1, s.qkv, dp, n, false)
			w.g.mul(n, s.hd, n, p, 1, n, dout, s.qd, 1, w.dqkv[vo:], s.qkv, more)
			for i := range n {
				pr, dr := p[i*n:i*n+i+1], dp[i*n:i*n+i+1]
				sum := dotGo(pr, dr)
				for j, v := range pr {
					dr[j] = v * (dr[j] - sum) * s.attentionFactor
				}
				clear(dp[i*n+i+1 : (i+1)*n])
			}
			w.g.mul(n, s.hd, n, dp, n, 1, a.qkv[ko:], s.qkv, 1, w.dqkv[qo:], s.qkv, false)
			w.g.mul(n, s.hd, n, dp, 1, n, a.qkv[qo:], s.qkv, 1, w.dqkv[ko:], s.qkv, more)
		}
		for i := range n {
			rope.rotate(w.dqkv[(sg.off+i)*s.qkv:][:s.qd+s.kvd], i, s.hd, true)
		}
	}
}
