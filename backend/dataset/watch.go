package dataset

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"tunebench/backend/safetext"
)

// watch looks at the files from time to time until ctx ends.
func (d *Dataset) watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.look(ctx)
		}
	}
}

// look takes in what grew and notices what changed otherwise.
func (d *Dataset) look(ctx context.Context) {
	for i, p := range d.parts {
		if p.src.stat == nil {
			continue // nothing that could change
		}
		st, err := os.Stat(p.src.path)
		shown := safetext.Line(p.src.path)
		old := p.src.stat
		switch {
		case errors.Is(err, fs.ErrNotExist):
			d.setStale(shown + " was removed; its rows can be read until it is closed")
		case err != nil:
			d.setStale(shown + " cannot be looked at any more: " + safetext.Line(err.Error()))
		case !os.SameFile(old, st):
			d.setStale(shown + " was replaced; open it again to see the new one")
		case st.Size() < old.Size():
			d.setStale(shown + " was cut short; open it again")
		case st.Size() == old.Size() && st.ModTime().Equal(old.ModTime()):
		case st.Size() == old.Size():
			d.setStale(shown + " was written to; open it again to see what is in it now")
		case i == len(d.parts)-1 && !d.settled():
			// The indexer is still at work; the next look takes it in.
		case i == len(d.parts)-1 && d.grow(ctx, p, st):
			p.src.stat = st
		default:
			d.setStale(shown + " grew; open it again to see all of it")
		}
	}
}

// grow takes in what was added to a file whose records can go on.
func (d *Dataset) grow(ctx context.Context, p *part, st fs.FileInfo) bool {
	t, ok := p.rows.(*text)
	if !ok || p.src.raw != nil || p.src.file == nil {
		return false
	}
	if v, ok := t.split.(values); ok && v.base == 1 {
		return false // an array has ended
	}
	p.src.set(st.Size(), 1, true, nil)
	if err := t.index(ctx, d.notify); err != nil {
		return false
	}
	d.mu.Lock()
	d.grown++
	d.mu.Unlock()
	d.notify()
	return true
}

func (d *Dataset) setStale(why string) {
	d.mu.Lock()
	first := d.stale == ""
	d.stale = why
	d.mu.Unlock()
	if first {
		d.notify()
	}
}

// settled says whether the first indexing has ended.
func (d *Dataset) settled() bool {
	select {
	case <-d.indexed:
		return true
	default:
		return false
	}
}
