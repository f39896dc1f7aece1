package chattest

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, nil
}

// Transport is an http.RoundTripper that calls Handler in this process. The
// answer streams; a handler that panics with http.ErrAbortHandler cuts it off.
type Transport struct{ Handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	pr, pw := io.Pipe()
	w := &writer{header: http.Header{}, pipe: pw, ready: make(chan struct{})}
	served := req.Clone(ctx)
	if served.Body == nil {
		served.Body = http.NoBody
	}
	stop := context.AfterFunc(ctx, func() { pw.CloseWithError(ctx.Err()) })
	go func() {
		defer cancel()
		defer stop()
		end := io.EOF
		defer func() {
			if p := recover(); p == http.ErrAbortHandler {
				end = io.ErrUnexpectedEOF
			} else if p != nil {
				panic(p)
			}
			w.WriteHeader(http.StatusOK)
			pw.CloseWithError(end)
		}()
		t.Handler.ServeHTTP(w, served)
	}()
	select {
	case <-w.ready:
	case <-req.Context().Done():
		cancel()
		return nil, req.Context().Err()
	}
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: &body{pr, cancel}, ContentLength: -1, Request: req,
	}, nil
}

type body struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// Close ends the handler's context.
func (b *body) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}

type writer struct {
	header, sent http.Header
	status       int
	pipe         *io.PipeWriter
	ready        chan struct{}
	once         sync.Once
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.ready)
	})
}

func (w *writer) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(b)
}

func (w *writer) Flush() { w.WriteHeader(http.StatusOK) }
