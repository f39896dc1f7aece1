package account

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"tunebench/backend/localaws/wire"
)

const (
	lockFile   = "lock"
	socketFile = "owner.sock"
	ownerLog   = "owner.log"
	// maxSocketPath is below what the systems allow (104 and 108 bytes).
	maxSocketPath = 100
	// ownerLogMax is the size at which the log of background owners begins anew.
	ownerLogMax = 1 << 20
	// drain is how long a closing owner waits for answers that are under way.
	drain = time.Second
	// idleAfter is how long a background owner without jobs stays.
	idleAfter = 10 * time.Second
)

// localAccount is what the local account is to its owner.
type localAccount interface {
	http.Handler
	// ActiveJobs counts the training and import jobs that are not at their end.
	ActiveJobs() int
	// Pause brings jobs to a point from which another process goes on with them.
	Pause(ctx context.Context) error
	Close() error
}

// localOptions are what opening the local account takes.
type localOptions struct {
	dir    string
	key    accessKey
	logger *slog.Logger
}

// owner holds the lock and the account, and answers other processes.
type owner struct {
	account   localAccount
	transport *wire.HandlerTransport
	lock      *os.File
	socket    string
	server    *http.Server
	served    chan struct{} // closed when the server has ended

	requests atomic.Int64 // from other processes, under way
	lastUsed atomic.Int64 // when the last of them ended, Unix nanoseconds
}

// openOwner opens the account and its socket; the lock is held.
func openOwner(ctx context.Context, s *session, lock *os.File) (*owner, error) {
	open := s.o.open
	if open == nil {
		open = openLocalAWS
	}
	acc, err := open(ctx, localOptions{dir: filepath.Join(s.dir, "data"), key: s.key, logger: s.o.Logger})
	if err != nil {
		return nil, fmt.Errorf("open the local account in %s: %w", s.dir, err)
	}
	o := &owner{account: acc, transport: &wire.HandlerTransport{Handler: acc}, lock: lock, served: make(chan struct{})}
	o.lastUsed.Store(time.Now().UnixNano())
	ln, err := o.listen(s.dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the local account's socket: %w", err), acc.Close())
	}
	o.server = &http.Server{Handler: http.HandlerFunc(o.serve), ReadHeaderTimeout: dialTimeout, ErrorLog: slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelWarn)}
	go func() {
		defer close(o.served)
		if err := o.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.o.Logger.Error("the local account's socket failed", "error", err)
		}
	}()
	return o, nil
}

// listen opens the socket. The lock says that a file that is in the way is left
// over from an owner that was killed.
func (o *owner) listen(dir string) (net.Listener, error) {
	o.socket = socketPath(dir)
	if parent := filepath.Dir(o.socket); parent != dir {
		if err := privateDir(parent); err != nil {
			return nil, err
		}
	}
	if err := os.Remove(o.socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	ln, err := net.Listen("unix", o.socket)
	if err != nil {
		return nil, err
	}
	// The folder is the user's alone, so nobody gets in before this.
	if err := os.Chmod(o.socket, 0o600); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

// serve answers other processes and notes when.
func (o *owner) serve(w http.ResponseWriter, r *http.Request) {
	o.requests.Add(1)
	defer func() {
		o.lastUsed.Store(time.Now().UnixNano())
		o.requests.Add(-1)
	}()
	o.account.ServeHTTP(w, r)
}

// idle reports whether nobody needs the owner any more.
func (o *owner) idle(now time.Time) bool {
	return o.account.ActiveJobs() == 0 && o.requests.Load() == 0 && now.UnixNano()-o.lastUsed.Load() > int64(idleAfter)
}

// close stops answering, pauses what runs and lets the account go.
func (o *owner) close(ctx context.Context) error {
	// Other processes' answers get a moment; streams are cut then.
	drainCtx, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	if o.server.Shutdown(drainCtx) != nil {
		o.server.Close() // its error would say that connections are gone, as they shall
	}
	<-o.served
	o.transport.Wait()
	var err error
	if o.account.ActiveJobs() > 0 {
		if err = o.account.Pause(ctx); err != nil {
			err = fmt.Errorf("pause the local account's jobs: %w", err)
		}
	}
	return errors.Join(err, o.account.Close(), o.lock.Close())
}

// tryLock takes the lock of a local account; nil without an error means that
// another process has it. Closing the file, or the process's end, frees it.
func tryLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the local account's lock: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, f.Close()
	case err != nil:
		return nil, errors.Join(fmt.Errorf("lock the local account in %s (a file system without locks? choose another --home): %w", dir, err), f.Close())
	}
	// Only for messages, so a failure to write it does not matter.
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	return f, nil
}

// lockHolder names the process that has the lock, as far as it is known.
func lockHolder(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, lockFile))
	if pid, convErr := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && convErr == nil {
		return fmt.Sprintf("process %d", pid)
	}
	return "an unknown process"
}

// handOver starts a process in the background that goes on with the paused
// jobs, and waits a moment until it answers.
func (s *session) handOver(ctx context.Context) error {
	spawn := s.o.spawn
	if spawn == nil {
		spawn = s.spawn
	}
	home := ""
	if s.o.Paths.State == filepath.Join(s.o.Paths.Config, "state") {
		home = s.o.Paths.Config // --home was given
	}
	if err := spawn(home); err != nil {
		return fmt.Errorf("start a process that goes on with the running jobs: %w; they are paused and go on when tunebench is started again", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for {
		if conn, err := s.dial(ctx); err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(electionPause):
		case <-ctx.Done():
			return nil // it is on its way; nothing is lost if it is not
		}
	}
}

// spawn starts "tunebench local owner" apart from this process's terminal.
func (s *session) spawn(home string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	logPath := filepath.Join(s.dir, ownerLog)
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	if st, err := os.Stat(logPath); err == nil && st.Size() > ownerLogMax {
		flags |= os.O_TRUNC
	}
	log, err := os.OpenFile(logPath, flags, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"local", "owner"}
	if home != "" {
		args = append(args, "--home", home)
	}
	cmd := exec.Command(exe, args...)
	cmd.Dir = s.dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}
