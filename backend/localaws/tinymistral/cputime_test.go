package tinymistral

import (
	"syscall"
	"time"
)

// cpuTime returns the processor time this process has used: on a machine that
// does other work too, the only clock that measures us.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
