package dataset

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps the first n bytes of a file, nil when that is not possible.
func mapFile(f *os.File, n int) []byte {
	var b []byte
	c, err := f.SyscallConn()
	if err != nil || n == 0 {
		return nil
	}
	if c.Control(func(fd uintptr) { b, err = unix.Mmap(int(fd), 0, n, unix.PROT_READ, unix.MAP_SHARED) }) != nil || err != nil {
		return nil
	}
	return b
}

func unmapFile(b []byte) { _ = unix.Munmap(b) } // it was mapped by mapFile

// cached says whether a byte can be had without waiting for the disk: whoever
// looks at a page that is not there waits with a processor that no other
// goroutine gets, unlike in a call of the system.
func cached(f *os.File, at int64) bool {
	n := 0
	c, err := f.SyscallConn()
	if err != nil {
		return false
	}
	return c.Control(func(fd uintptr) {
		var b [1]byte
		n, err = unix.Preadv2(int(fd), [][]byte{b[:]}, at, unix.RWF_NOWAIT)
	}) == nil && err == nil && n == 1
}
