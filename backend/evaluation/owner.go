package evaluation

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"tunebench/backend/store"
)

// deadAfter is how long a process may be silent before its run counts as
// interrupted.
const deadAfter = 30 * time.Second

func (s *Service) newOwner() string {
	return fmt.Sprintf("%s/%d/%s", s.host, os.Getpid(), nonce(4))
}

func (s *Service) lookup(owner string) *Live {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[owner]
}

// alive tells whether the process that executes a run still does.
func (s *Service) alive(rec store.Run) bool {
	if s.lookup(rec.Owner) != nil {
		return true
	}
	if s.cfg.Now().Sub(rec.Heartbeat) > deadAfter {
		return false
	}
	parts := strings.Split(rec.Owner, "/")
	var pid int
	if len(parts) != 3 || parts[0] != s.host {
		return true // another machine shares the folder; its heartbeat decides
	}
	if _, err := fmt.Sscan(parts[1], &pid); err != nil || pid <= 0 {
		return false
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission)
}

func nonce(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
