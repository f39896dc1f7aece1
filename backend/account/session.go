package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// electionTimeout is how long a process waits for an owner that neither
	// answers nor lets go of the lock.
	electionTimeout = 20 * time.Second
	electionPause   = 25 * time.Millisecond
)

var errClosed = errors.New("the account is closed")

// session is this process's way into the local account: as its owner, or over
// the owner's socket. It is an http.RoundTripper that changes from the latter
// to the former when the owner goes away.
type session struct {
	o      Options
	dir    string // the local account's folder
	key    accessKey
	client *http.Transport // to the owner's socket

	ctx    context.Context // ends when the session is closed
	cancel context.CancelFunc

	electing chan struct{} // holds an element while this process tries to become owner
	mu       sync.Mutex
	owner    *owner
	closed   bool
}

// newSession prepares the folder and the key.
func newSession(o Options) (*session, error) {
	if o.Paths.State == "" {
		return nil, errors.New("no folder is given for the local account's state")
	}
	dir := filepath.Join(o.Paths.State, "local")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the local account's folder: %w; say with --home where else to keep it", err)
	}
	key, err := loadKey(dir)
	if err != nil {
		return nil, err
	}
	s := &session{o: o, dir: dir, key: key, electing: make(chan struct{}, 1)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.client = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return s.dial(ctx) },
		// A kept connection would die with its owner in the middle of a request;
		// a new one costs next to nothing.
		DisableKeepAlives:  true,
		DisableCompression: true,
	}
	return s, nil
}

// openSession finds the owner or becomes it.
func openSession(ctx context.Context, o Options) (*session, error) {
	s, err := newSession(o)
	if err != nil {
		return nil, err
	}
	if err := s.elect(ctx); err != nil {
		s.cancel()
		return nil, err
	}
	return s, nil
}

// dialError marks a failure to reach the owner, before anything was sent.
type dialError struct{ error }

func (e dialError) Unwrap() error { return e.error }

func (s *session) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socketPath(s.dir))
	if err != nil {
		return nil, dialError{err}
	}
	return conn, nil
}

// current returns the owner when this process is it.
func (s *session) current() (*owner, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	return s.owner, nil
}

// elect makes this process the owner if nobody is, and otherwise waits until
// the owner answers.
func (s *session) elect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, electionTimeout)
	defer cancel()
	select {
	case s.electing <- struct{}{}:
		defer func() { <-s.electing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		if o, err := s.current(); err != nil || o != nil {
			return err
		}
		won, err := s.tryOwn(ctx)
		if won || err != nil {
			return err
		}
		if conn, err := s.dial(ctx); err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(electionPause):
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("the process that owns the local account in %s (%s) does not answer; end it and try again", s.dir, lockHolder(s.dir))
			}
			return ctx.Err()
		}
	}
}

// tryOwn takes the lock if it is free and opens the account.
func (s *session) tryOwn(ctx context.Context) (bool, error) {
	lock, err := tryLock(s.dir)
	if lock == nil || err != nil {
		return false, err
	}
	o, err := openOwner(ctx, s, lock)
	if err != nil {
		return false, errors.Join(err, lock.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed { // closed while the account was opening
		return false, errors.Join(errClosed, o.close(ctx))
	}
	s.owner = o
	return true, nil
}

// RoundTrip sends a request to the local account.
func (s *session) RoundTrip(req *http.Request) (*http.Response, error) {
	for {
		o, err := s.current()
		if err != nil {
			closeBody(req)
			return nil, err
		}
		if o != nil {
			return s.inProcess(o, req)
		}
		remote := req.Clone(req.Context())
		remote.URL.Scheme = "http" // no TLS to a socket of our own
		var body *keptBody
		if req.Body != nil && req.Body != http.NoBody {
			body = &keptBody{body: req.Body}
			remote.Body = body
		}
		resp, err := s.client.RoundTrip(remote)
		var unreached dialError
		if err == nil || !errors.As(err, &unreached) {
			body.release()
			return resp, err
		}
		// Nothing of the body has been read, so the request can be sent again.
		if err := s.elect(req.Context()); err != nil {
			body.release()
			return nil, err
		}
	}
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close() // a RoundTripper must; there is nothing to be done about an error
	}
}

// keptBody keeps a request's body open when it is closed before anything of it
// was read, which happens when nobody could be reached.
type keptBody struct {
	body io.ReadCloser

	mu       sync.Mutex
	read     bool
	closed   bool
	released bool
}

func (b *keptBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	b.read = true
	b.mu.Unlock()
	return b.body.Read(p)
}

func (b *keptBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.read || b.released {
		return b.body.Close()
	}
	return nil
}

// release makes good a close that was held back, and lets later ones through.
func (b *keptBody) release() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.released = true
	if b.closed && !b.read {
		b.body.Close() // nothing was read; an error would be of no use
	}
}

// inProcess answers with the handler, until the session is closed.
func (s *session) inProcess(o *owner, req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	stop := context.AfterFunc(s.ctx, cancel)
	end := func() { stop(); cancel() }
	resp, err := o.transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		end()
		return nil, err
	}
	resp.Body = &endingBody{resp.Body, end}
	return resp, nil
}

type endingBody struct {
	io.ReadCloser
	end func()
}

func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}

// close ends the session. An owner hands its running jobs on.
func (s *session) close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	o := s.owner
	s.owner = nil
	s.mu.Unlock()
	s.cancel()
	s.client.CloseIdleConnections()
	if o == nil {
		return nil
	}
	running := o.account.ActiveJobs() > 0
	err := o.close(ctx)
	if running && !s.o.NoBackground {
		err = errors.Join(err, s.handOver(ctx))
	}
	return err
}
