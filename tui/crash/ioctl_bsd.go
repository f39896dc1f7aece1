//go:build unix && !linux

package crash

import "golang.org/x/sys/unix"

// The requests that read and write a terminal's settings.
const (
	getTermios = unix.TIOCGETA
	setTermios = unix.TIOCSETA
)
