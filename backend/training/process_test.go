package training_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"tunebench/backend/account"
	"tunebench/backend/config"
	"tunebench/backend/training"
)

// ownerHome makes the test binary the owner of a local account, so that tests
// have a second process.
const ownerHome = "TUNEBENCH_TEST_OWNER_HOME"

func TestMain(m *testing.M) {
	home := os.Getenv(ownerHome)
	if home == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	paths, err := config.DefaultPaths(home)
	if err == nil {
		err = account.RunOwner(ctx, account.Options{Paths: paths})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// ownerProcess starts a process that owns the world's local account, which
// this process must have let go.
func (w *world) ownerProcess() *exec.Cmd {
	w.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), ownerHome+"="+w.paths.Config)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	// The owner's lock says that it has come up.
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !w.locked() {
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatal("the owner does not come up")
		}
	}
	w.open()
	return cmd
}

// locked reports whether another process holds the account.
func (w *world) locked() bool {
	f, err := os.OpenFile(w.paths.State+"/local/lock", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	return errors.Is(err, syscall.EWOULDBLOCK)
}

func steps(n int) func(*training.Watch) bool {
	return func(watch *training.Watch) bool { return len(watch.Points()) >= n }
}

// The owner is killed in the middle of training: whoever comes next says so,
// and works.
func TestOwnerKilledWhileTraining(t *testing.T) {
	w := newWorld(t)
	w.close()
	owner := w.ownerProcess()
	w.start("killed", map[string]string{"max_steps": "100000"})
	watch := w.until("killed", steps(3))
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // "signal: killed"
	// The watch goes on: its next request makes this process the owner.
	select {
	case <-watch.Done():
	case <-time.After(30 * time.Second):
		t.Fatalf("timeout: %+v, %v", watch.Job(), watch.Err())
	}
	job := watch.Job()
	if job.Status != "Failed" || !strings.Contains(job.FailureReason, "process") || watch.Err() != nil {
		t.Errorf("%s: %s, %v", job.Status, job.FailureReason, watch.Err())
	}
	w.start("next", map[string]string{"max_steps": "2"})
	if job := w.until("next", ended).Job(); job.Status != "Completed" {
		t.Errorf("%+v", job)
	}
}

// The owner is told to end: the job goes on here, at the step where it was.
func TestOwnerEndsWhileTraining(t *testing.T) {
	w := newWorld(t)
	w.close()
	owner := w.ownerProcess()
	w.start("moved", map[string]string{"max_steps": "150"})
	watch := w.until("moved", steps(3))
	if err := owner.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := owner.Wait(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-watch.Done():
	case <-time.After(60 * time.Second):
		t.Fatalf("timeout: %+v, %v", watch.Job(), watch.Err())
	}
	if job := watch.Job(); job.Status != "Completed" || watch.Err() != nil {
		t.Errorf("%+v, %v", job, watch.Err())
	}
	if n := len(watch.Points()); n < 150 {
		t.Errorf("%d points of 150 steps", n)
	}
}
