package dataset

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	"tunebench/backend/dataset/match"
	"tunebench/backend/safetext"
)

// pass is one way through a file, on several goroutines. What the system has in
// its cache is looked at where it lies, in a mapping, if that is worth while; the
// rest is read.
//
// A page of a mapping is gone when another process cuts the file short. That must
// not end the program, so what looks at mapped bytes does so within try, holds no
// lock meanwhile, and copies what it gives to anything else.
type pass struct {
	src    *source
	mapped []byte // the file up to where it ended when the pass began; nil when not mapped
	gone   atomic.Bool
}

// newPass begins a pass over the bytes before limit; end ends it, after the last
// use of what bytes gave.
func newPass(src *source, limit int64) *pass {
	p := &pass{src: src}
	if _, final, _, _ := src.extent(); final && src.file != nil && src.raw == nil && int64(int(limit)) == limit {
		if p.mapped = mapFile(src.file, int(limit)); p.mapped != nil && !p.worthIt() {
			unmapFile(p.mapped)
			p.mapped = nil
		}
	}
	return p
}

// worthIt says whether a look at mapped bytes takes less than a copy of them: not
// when the system has the file in small pieces, each of which has to be mapped by
// itself, nor when it does not have it. Three places are tried.
func (p *pass) worthIt() bool {
	const size, places, enough = 256 << 10, 3, 8 // small pieces are 64 KiB at most, so 12 faults at least
	if len(p.mapped) < 8*size {
		return false
	}
	there, err := p.guarded(func() error {
		n := 0
		for i := range places {
			at := len(p.mapped) / (places + 1) * (i + 1)
			if !p.lies(int64(at + size)) {
				return errCold
			}
			n += faults(p.mapped[at : at+size])
		}
		if n > enough {
			return errCold
		}
		return nil
	})
	return there && err == nil
}

var errCold = errors.New("not worth mapping")

// end says when the file was cut short while it was mapped: the rest of its last
// page looked like zeros.
func (p *pass) end() error {
	if p.mapped == nil {
		return nil
	}
	size := int64(len(p.mapped))
	unmapFile(p.mapped)
	p.mapped = nil
	if st, err := p.src.file.Stat(); err == nil && st.Size() < size {
		return p.src.cutShort()
	}
	return nil
}

// lies says that the bytes before hi can be looked at where they lie, as far as
// the last of them tells.
func (p *pass) lies(hi int64) bool {
	return p.mapped != nil && hi <= int64(len(p.mapped)) && !p.gone.Load() && cached(p.src.file, hi-1)
}

// bytes returns the bytes lo to hi, not including hi, where they lie or read into
// *buf; they are not to be changed.
func (p *pass) bytes(lo, hi int64, lies bool, buf *[]byte) ([]byte, error) {
	if lies && hi <= int64(len(p.mapped)) {
		return p.mapped[lo:hi], nil
	}
	// Memory is copied faster when both sides lie alike in the lines of the cache.
	from := lo &^ 63
	if need := int(hi-from) + match.Slack; cap(*buf) < need {
		*buf = make([]byte, need)
	}
	b := (*buf)[:hi-from]
	return b[lo-from:], p.src.read(b, from)
}

// try runs f, which looks at what bytes gives, and runs it once more, with what
// is read, when a page of the mapping is gone.
func (p *pass) try(f func() error) error {
	if p.mapped != nil && !p.gone.Load() {
		if there, err := p.guarded(f); there {
			return err
		}
		p.gone.Store(true)
	}
	return f()
}

func (p *pass) guarded(f func() error) (there bool, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		fault, ok := r.(interface{ Addr() uintptr })
		if start := uintptr(unsafe.Pointer(&p.mapped[0])); !ok || fault.Addr() < start || fault.Addr()-start >= uintptr(len(p.mapped)) {
			panic(r)
		}
		there = false
	}()
	err = f()
	return true, err
}

// read fills b with what stands at a place of the file.
func (s *source) read(b []byte, at int64) error {
	n, err := s.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return s.cutShort()
	}
	return fmt.Errorf("read %s at byte %d: %w", safetext.Line(s.path), at, err)
}

func (s *source) cutShort() error {
	return fmt.Errorf("%s was cut short while it was read; open it again", safetext.Line(s.path))
}
