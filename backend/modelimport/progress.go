package modelimport

import (
	"os"
	"sync"
)

// teller tells how far an upload is. It never goes back: what is read twice, for
// a checksum or a second attempt, is told once.
type teller struct {
	tell  func(done, total int64)
	total int64

	mu         sync.Mutex
	read, done int64
}

// add counts bytes that were read.
func (t *teller) add(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read += n
	t.set(min(t.read, t.total))
}

// at says that exactly so much has arrived.
func (t *teller) at(done int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read = done
	t.set(done)
}

func (t *teller) set(done int64) {
	if done > t.done {
		t.done = done
		if t.tell != nil {
			t.tell(done, t.total)
		}
	}
}

// told is a file whose reading is told.
type told struct {
	*os.File
	t *teller
}

func (f *told) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	f.t.add(int64(n))
	return n, err
}

func (f *told) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	f.t.add(int64(n))
	return n, err
}
