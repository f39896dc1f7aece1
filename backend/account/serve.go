package account

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// RunOwner owns the local account in the background until its jobs have ended
// and nobody has asked for anything for a while. It returns at once when
// another process owns the account. When ctx ends, jobs are paused.
func RunOwner(ctx context.Context, o Options) error {
	o.NoBackground = true
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := openSession(ctx, o)
	if err != nil {
		return err
	}
	own, err := s.current()
	if err != nil {
		return err
	}
	if own != nil {
		o.Logger.Info("background owner begins", "jobs", own.account.ActiveJobs())
		tick := time.NewTicker(idleAfter / 20)
		defer tick.Stop()
		for ctx.Err() == nil && !own.idle(time.Now()) {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
		o.Logger.Info("background owner ends", "jobs", own.account.ActiveJobs())
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), electionTimeout)
	defer cancel()
	return s.close(end)
}

// Serve answers AWS clients on a loopback TCP address until ctx ends. ready
// gets the environment ("NAME=value") that leads them here once connections
// are accepted; its error ends the serving.
func Serve(ctx context.Context, o Options, listen string, ready func(env []string) error) error {
	if err := checkLoopback(listen); err != nil {
		return err
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := openSession(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), electionTimeout)
		defer cancel()
		if err := s.close(end); err != nil {
			o.Logger.Error("close the local account", "error", err)
		}
	}()
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with --listen, such as 127.0.0.1:0", listen, err)
	}
	srv := &http.Server{
		Handler:           bounded(s.proxy()),
		ReadHeaderTimeout: dialTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	err = ready([]string{
		"AWS_ENDPOINT_URL=http://" + ln.Addr().String(),
		"AWS_ACCESS_KEY_ID=" + s.key.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + s.key.SecretAccessKey,
		"AWS_REGION=" + localRegion,
		"AWS_DEFAULT_REGION=" + localRegion,
		"AWS_DISABLE_HOST_PREFIX_INJECTION=true",
	})
	if err == nil {
		select {
		case err := <-failed:
			return fmt.Errorf("serve on %s: %w", listen, err)
		case <-ctx.Done():
		}
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if srv.Shutdown(end) != nil {
		srv.Close() // streams are cut; its error says no more
	}
	<-failed
	return err
}

// proxy answers in this process when it owns the account, and otherwise passes
// requests on as they are: their signatures cover host and headers.
func (s *session) proxy() http.Handler {
	forward := &httputil.ReverseProxy{
		Transport:     s,
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "local.invalid"
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			s.o.Logger.Warn("pass a request on", "error", err)
			http.Error(w, "the local account cannot be reached", http.StatusBadGateway)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if own, err := s.current(); err == nil && own != nil {
			own.serve(w, r)
			return
		}
		forward.ServeHTTP(w, r)
	})
}

const (
	// maxBody is the largest part that S3 takes, and some room for its framing.
	maxBody = 5<<30 + 64<<20
	// bodyPause is how long a client may pause while it sends a body.
	bodyPause = time.Minute
)

// bounded answers only who asks for this machine by its name, as no page in a
// browser can, whatever name led there; and it takes bodies of the largest size
// that a service takes, from clients that go on sending.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !loopbackHost(r.Host) {
			http.Error(w, "this is the local account of this machine; it answers to a loopback address and to localhost only", http.StatusForbidden)
			return
		}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &steady{http.MaxBytesReader(w, r.Body, maxBody), http.NewResponseController(w)}
		}
		next.ServeHTTP(w, r)
	})
}

// steady is a body that has to go on arriving.
type steady struct {
	io.ReadCloser
	control *http.ResponseController
}

func (s *steady) Read(p []byte) (int, error) {
	if err := s.control.SetReadDeadline(time.Now().Add(bodyPause)); err != nil {
		return 0, fmt.Errorf("bound the time of a body: %w", err)
	}
	n, err := s.ReadCloser.Read(p)
	if err != nil { // what the connection is used for next has limits of its own
		err = errors.Join(err, s.control.SetReadDeadline(time.Time{}))
		if errors.Is(err, io.EOF) {
			err = io.EOF
		}
	}
	return n, err
}

// loopbackHost reports whether a Host header names this machine: a loopback
// address, localhost, or a name below it, as clients make of a bucket's.
func loopbackHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(strings.ToLower(strings.TrimSuffix(name, ".")), "[]")
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback() || name == "localhost" || strings.HasSuffix(name, ".localhost")
}

func checkLoopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("%q is no address to listen on; give host:port, such as 127.0.0.1:0", listen)
	}
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("the local account listens on this machine only, not on %q; give a loopback address, such as 127.0.0.1:0", host)
}

// Reset removes the local account: its jobs, models, data and logs. It refuses
// while a process uses the account.
func Reset(ctx context.Context, o Options) error {
	dir := filepath.Join(o.Paths.State, "local")
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	// A background owner without jobs is about to go; wait for it a little.
	wait, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for {
		lock, err := tryLock(dir)
		if err != nil {
			return err
		}
		if lock != nil {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "data")), lock.Close())
		}
		select {
		case <-time.After(electionPause):
		case <-wait.Done():
			return fmt.Errorf("the local account is in use by %s; end it, or wait until its jobs have ended, and try again", lockHolder(dir))
		}
	}
}
