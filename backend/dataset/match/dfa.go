package match

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// program is a regular expression that a machine can run: one whose only
// conditions are the beginning and the end of the text.
type program struct {
	prog *syntax.Prog
}

// newProgram returns nil when the expression needs more than a machine can do.
func newProgram(tree *syntax.Regexp) *program {
	prog, err := syntax.Compile(tree)
	if err != nil || len(prog.Inst) > 2000 {
		return nil
	}
	for _, in := range prog.Inst {
		if in.Op == syntax.InstEmptyWidth && syntax.EmptyOp(in.Arg)&^(syntax.EmptyBeginText|syntax.EmptyEndText) != 0 {
			return nil
		}
	}
	return &program{prog: prog}
}

const (
	maxStates = 2000
	// Targets of an edge that are no states.
	unknownState = -1
	matchState   = -2
)

// machine is a deterministic automaton that is built as texts need it: each
// state is the set of places in the program where a match could stand.
type machine struct {
	p      *program
	states [][]uint32 // instructions to take a rune from
	atEnd  []int8     // whether the end of the text makes it match; -1 unknown
	edges  [][utf8.RuneSelf]int32
	byKey  map[string]int32
	start  int32
	stack  []uint32
	seen   []uint32
	mark   uint32
	full   bool
	set    []uint32
	key    []byte
}

func newMachine(p *program) *machine {
	m := &machine{p: p, byKey: map[string]int32{}, seen: make([]uint32, len(p.prog.Inst))}
	m.mark++
	m.set = m.set[:0]
	if m.add(uint32(p.prog.Start), syntax.EmptyBeginText) {
		m.start = matchState
	} else {
		m.start = m.state()
	}
	return m
}

// add puts the instructions that can be reached from pc without a rune into
// m.set, and says whether a match is among them.
func (m *machine) add(pc uint32, ok syntax.EmptyOp) (matched bool) {
	m.stack = append(m.stack[:0], pc)
	for len(m.stack) > 0 {
		pc := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		if m.seen[pc] == m.mark {
			continue
		}
		m.seen[pc] = m.mark
		switch in := &m.p.prog.Inst[pc]; in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			m.stack = append(m.stack, in.Out, in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			m.stack = append(m.stack, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^ok == 0 {
				m.stack = append(m.stack, in.Out)
			} else if syntax.EmptyOp(in.Arg)&syntax.EmptyBeginText == 0 || ok&syntax.EmptyBeginText != 0 {
				m.set = append(m.set, pc) // it may hold at the end
			}
		case syntax.InstMatch:
			matched = true
		case syntax.InstFail:
		default:
			m.set = append(m.set, pc)
		}
	}
	return matched
}

// state returns the number of the state that m.set is.
func (m *machine) state() int32 {
	slices.Sort(m.set)
	m.key = m.key[:0]
	for _, pc := range m.set {
		m.key = binary.LittleEndian.AppendUint32(m.key, pc)
	}
	if s, ok := m.byKey[string(m.key)]; ok {
		return s
	}
	if len(m.states) >= maxStates {
		m.full = true
		return unknownState
	}
	s := int32(len(m.states))
	m.byKey[string(m.key)] = s
	m.states = append(m.states, slices.Clone(m.set))
	m.atEnd = append(m.atEnd, -1)
	var e [utf8.RuneSelf]int32
	for i := range e {
		e[i] = unknownState
	}
	m.edges = append(m.edges, e)
	return s
}

// step is the state behind rune r.
func (m *machine) step(s int32, r rune) int32 {
	m.mark++
	m.set = m.set[:0]
	for _, pc := range m.states[s] {
		in := &m.p.prog.Inst[pc]
		if in.Op != syntax.InstEmptyWidth && in.MatchRune(r) {
			if m.add(in.Out, 0) {
				return matchState
			}
		}
	}
	if m.add(uint32(m.p.prog.Start), 0) { // a match may begin anywhere
		return matchState
	}
	return m.state()
}

// end says whether the end of the text makes state s match.
func (m *machine) end(s int32) bool {
	if m.atEnd[s] < 0 {
		m.mark++
		m.set = m.set[:0]
		m.atEnd[s] = 0
		for _, pc := range m.states[s] {
			if in := &m.p.prog.Inst[pc]; in.Op == syntax.InstEmptyWidth && m.add(pc, syntax.EmptyEndText) {
				m.atEnd[s] = 1
			}
		}
	}
	return m.atEnd[s] == 1
}

// match says whether b holds a match; sure is false when the machine grew too
// large to tell.
func (m *machine) match(b []byte) (found, sure bool) {
	if m.full || len(b) == 0 { // an empty text begins and ends at once
		return false, false
	}
	s := m.start
	if s == matchState {
		return true, true
	}
	for i := 0; i < len(b); {
		var next int32
		if c := b[i]; c < utf8.RuneSelf {
			i++
			if next = m.edges[s][c]; next == unknownState {
				if next = m.step(s, rune(c)); next == unknownState {
					return false, false
				}
				m.edges[s][c] = next
			}
		} else {
			r, n := utf8.DecodeRune(b[i:])
			i += n
			if next = m.step(s, r); next == unknownState {
				return false, false
			}
		}
		if next == matchState {
			return true, true
		}
		s = next
	}
	return m.end(s), true
}
