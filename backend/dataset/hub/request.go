package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tunebench/backend/safetext"
)

const (
	maxRedirects = 8
	attempts     = 5 // in a row without a byte
	longestWait  = 5 * time.Minute
	// stalled is how long a transfer may stand still before it is taken up anew.
	stalled = 60 * time.Second
)

// finalError is one that another attempt does not mend.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func final(err error) error { return finalError{err} }

// busyError says that the hub wants a pause.
type busyError struct {
	after time.Duration
	what  string
}

func (e busyError) Error() string { return e.what }

// again calls f until it is done, fails for good, or has failed too often in a
// row. f says whether there was progress.
func (c *Client) again(ctx context.Context, f func() (progress bool, err error)) error {
	for try := 1; ; try++ {
		progress, err := f()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var never finalError
		if errors.As(err, &never) {
			return never.error
		}
		if progress {
			try = 1
		}
		if try >= attempts {
			return fmt.Errorf("after %d attempts: %w", try, hide(err))
		}
		pause := time.Second << (try - 1)
		var busy busyError
		if errors.As(err, &busy) && busy.after > 0 {
			if busy.after > longestWait {
				return fmt.Errorf("%s and asks to wait %s; start again then", busy.what, busy.after.Round(time.Second))
			}
			pause = busy.after
		}
		if err := c.wait(ctx, pause); err != nil {
			return err
		}
	}
}

// hide takes addresses out of an error of the HTTP client: those that the hub
// sends on to are signed.
func hide(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		host := "the hub"
		if p, perr := url.Parse(u.URL); perr == nil && p.Host != "" {
			host = p.Host
		}
		return fmt.Errorf("%s: %w", safetext.Line(host), u.Err)
	}
	return err
}

// get follows redirects itself, so that the token goes to the hub's own host
// only, and https never becomes http.
func (c *Client) get(ctx context.Context, u *url.URL, header http.Header) (*http.Response, error) {
	for range maxRedirects {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, final(errors.New("the hub sends on to an address that is none"))
		}
		for k, v := range header {
			req.Header[k] = v
		}
		req.Header.Set("User-Agent", "tunebench")
		// Bytes as they are stored: their number and hash are known.
		req.Header.Set("Accept-Encoding", "identity")
		if c.token != "" && c.own(u) {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		resp, err := c.http.Do(req)
		if err != nil {
			return nil, hide(err)
		}
		switch resp.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			return resp, nil
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 4096) // so that the connection serves again
		resp.Body.Close()
		next, err := u.Parse(resp.Header.Get("Location"))
		if err != nil || resp.Header.Get("Location") == "" || next.Host == "" {
			return nil, final(errors.New("the hub sends on to an address that is none"))
		}
		if next.Scheme != "https" && (c.endpoint.Scheme == "https" || next.Scheme != "http") {
			return nil, final(fmt.Errorf("the hub sends on to %s without https; it is not followed", safetext.Line(next.Host)))
		}
		u = next
	}
	return nil, final(fmt.Errorf("the hub sends on more than %d times", maxRedirects))
}

// refused says what an answer that is not the data means.
func (c *Client) refused(resp *http.Response, repo, file string) error {
	page := c.endpoint.String() + "/datasets/" + repo
	what := "the dataset " + repo
	if file != "" {
		what = "the file " + safetext.Line(file) + " of " + repo
	}
	code := resp.Header.Get("X-Error-Code")
	switch s := resp.StatusCode; {
	case !c.own(resp.Request.URL) && s >= 400: // signed addresses run out: asked again, the hub gives a new one
		return busyError{retryAfter(resp.Header, time.Now()), fmt.Sprintf("%s, where the hub keeps its files, answers HTTP %d", safetext.Line(resp.Request.URL.Host), s)}
	case code == "GatedRepo" || s == http.StatusForbidden && code == "":
		if c.token == "" {
			return final(fmt.Errorf("%s is gated: accept its conditions on %s, make a token there that may read, and put it into HF_TOKEN", what, page))
		}
		return final(fmt.Errorf("%s is gated and the token in HF_TOKEN is not let in: accept its conditions on %s with the token's account, and give the token the right to read gated repositories", what, page))
	case code == "RevisionNotFound":
		return final(fmt.Errorf("%s has no such revision; --revision takes a branch, a tag or a commit", what))
	case code == "EntryNotFound":
		return final(fmt.Errorf("%s is not there", what))
	case s == http.StatusUnauthorized && c.token != "" && code == "":
		return final(fmt.Errorf("the hub does not take the token in HF_TOKEN; make a new one on %s/settings/tokens, or unset it for public datasets", c.endpoint))
	case s == http.StatusUnauthorized || s == http.StatusNotFound:
		return final(fmt.Errorf("%s is not on %s, or it is private; check the name, and put a token that may read it into HF_TOKEN", what, c.endpoint.Host))
	case s == http.StatusForbidden:
		return final(fmt.Errorf("%s may not be read with the token in HF_TOKEN (%s)", what, safetext.Line(code)))
	case s == http.StatusTooManyRequests:
		return busyError{retryAfter(resp.Header, time.Now()), "the hub says that there were too many requests"}
	case s >= 500:
		return busyError{retryAfter(resp.Header, time.Now()), fmt.Sprintf("the hub cannot answer now (HTTP %d)", s)}
	}
	return final(fmt.Errorf("the hub answers HTTP %d for %s", resp.StatusCode, what))
}

// retryAfter reads the pause that an answer asks for; 0 when it names none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.Atoi(v); err == nil && n > 0 {
		return time.Duration(min(n, 1<<20)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// watched is a body that is given up when nothing comes for a while.
type watched struct {
	io.Reader
	timer *time.Timer
}

func (w watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.timer.Reset(stalled)
	}
	return n, err
}

// watch returns a context for one transfer and the function that makes its body
// end when it stands still.
func watch(ctx context.Context) (context.Context, func(io.Reader) io.Reader, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(stalled, func() { cancel(errors.New("nothing came for a minute")) })
	return ctx, func(r io.Reader) io.Reader { return watched{r, timer} }, func() { timer.Stop(); cancel(nil) }
}
