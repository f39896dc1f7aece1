package dataset

import (
	"os"
	"runtime"

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

// faults is how often the system had to step in to show all pages of b.
func faults(b []byte) int {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &before) != nil {
		return len(b)
	}
	sum := byte(0)
	for i := 0; i < len(b); i += 4096 {
		sum += b[i]
	}
	if unix.Getrusage(unix.RUSAGE_THREAD, &after) != nil {
		return len(b)
	}
	runtime.KeepAlive(sum)
	return int(after.Minflt - before.Minflt)
}

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
