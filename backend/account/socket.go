package account

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// socketPath is where the owner of a local account listens: in its folder, or,
// when that path is too long for a socket, in a folder of the user's own under
// /tmp. (Not under TMPDIR: all processes must find the same one.)
func socketPath(dir string) string {
	path := filepath.Join(dir, socketFile)
	if len(path) <= maxSocketPath {
		return path
	}
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join("/tmp", fmt.Sprintf("tunebench-%d", os.Getuid()), hex.EncodeToString(sum[:8])+".sock")
}

// privateDir makes a folder in a place that others can write to, and refuses
// one that somebody else made.
func privateDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !st.IsDir() || st.Mode().Perm() != 0o700 || !ok || int(sys.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a folder of yours alone; remove it, or choose a shorter --home", dir)
	}
	return nil
}
